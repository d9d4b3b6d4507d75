"""Log-odds of one step of a right alignment against chance: fits `table`, `z_low` and `z_high`.

Excerpts are degraded under every condition of `degrade` that does not change time, and compared with their
own recording at their true place. z is computed with the scheme's decoys.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from benchmarks.data.audio_io import RATE_HZ as DEGRADED_HZ
from benchmarks.data.audio_io import Sound1, read
from benchmarks.data.degrade import CONDITIONS, degrade
from benchmarks.fit.fit_run import FitBench, FitRun
from benchmarks.systems.leave_out_library import LeaveOutLibrary
from earwitness.fingerprint.extract import Extractor, extractor
from earwitness.fingerprint.types import RATE_HZ, Waveform
from earwitness.index.matching.kernels.alignment_loops import QUERY_FRAMES_PER_CODE
from earwitness.index.statistics.scheme_files import background_of

EXCERPT_S: Final = 8.0
"""Length of a query, in seconds."""

Z_LOW, Z_HIGH, N_LEVELS = -1.0, 8.0, 181
"""Range of z, and levels of the table. Chosen by hand."""

MIN_SCORE, MAX_SCORE = -5.0, 10.0
"""Bounds of a step's score: no single step decides a match. Chosen by hand."""

RISE: Final = 2.0
"""Score added by each z beyond the upper bound, so that the true place beats repeats. Chosen by hand."""

BIAS: Final = -1.0
"""Added to every log-odds, because neighbouring codes are not independent. Chosen by
hand."""

MISPLACED_ROWS: Final = (-2, -1, 0, 1, 2)

CHANCE_FRAMES: Final = 60
"""Codes of the queried recordings that are compared with all decoys."""

SAME_TIME: Final = tuple(
    name for name, condition in CONDITIONS.items() if condition.stretch == 1 and name != "medley"
)
"""Conditions in which every second of the excerpt is a second of the recording."""


def fit(run: FitRun) -> Mapping[str, Any]:
    """Return the table of step scores and its range."""
    right = np.concatenate(run.each(measure))
    codes = run.codes()
    chance = chance_steps(extractor(), codes[:: max(len(codes) // CHANCE_FRAMES, 1)])
    return {"table": np.round(log_odds(right, chance), 4), "z_low": Z_LOW, "z_high": Z_HIGH}


def measure(bench: FitBench, query: int) -> NDArray[np.float32]:
    """Return z of the steps along the true path of one degraded excerpt; the conditions take turns."""
    rng = bench.rng(query)
    recording = int(rng.choice(bench.queried))
    path = bench.corpus.root / bench.library.sources[recording].path
    start_s = float(rng.uniform(0, max(soundfile.info(path).duration - EXCERPT_S - 1, 0)))
    clip = read(path, start_s=start_s, length_s=EXCERPT_S)
    condition = SAME_TIME[query % len(SAME_TIME)]
    sound = degrade(clip, condition, seed=bench.seed, query_id=str(query), material=bench.material)
    return true_path(bench.library, recording, start_s, waveform(sound))


def waveform(sound: Sound1) -> Waveform:
    """Return a degraded sound at the fingerprint's rate."""
    samples = soxr.resample(sound, DEGRADED_HZ, RATE_HZ, quality="HQ").astype(np.float32)
    return Waveform(samples=np.ascontiguousarray(samples))


def true_path(
    library: LeaveOutLibrary, number: int, start_s: float, samples: Waveform
) -> NDArray[np.float32]:
    """Return z of each reference code at its query frame, with the best common shift of up to two frames."""
    model = library.extractor
    rows = model.embed(model.query(samples).spectrogram, fine=True)
    mean, sd = background_of(model).expected_similarity(rows)
    codes = library.codes(number)
    place = np.round(
        QUERY_FRAMES_PER_CODE * np.arange(len(codes)) - start_s / model.params.query_hop_s
    ).astype(int)
    paths = []
    for late in MISPLACED_ROWS:
        # frames at the ends reach beyond the excerpt
        inside = np.flatnonzero((place + late >= 3) & (place + late < len(rows) - 3))
        row = place[inside] + late
        paths.append((np.einsum("sd,sd->s", codes[inside], rows[row]) - mean[row]) / sd[row])
    return max(paths, key=lambda z: float(z.mean()))


def chance_steps(model: Extractor, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return z of some query frames against every decoy."""
    background = background_of(model)
    mean, sd = background.expected_similarity(rows)
    return np.asarray(((background.codes @ rows.T - mean) / sd).ravel(), dtype=np.float32)


def log_odds(right: NDArray[np.float32], chance: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the score of each level of z: log-odds of right against chance, monotonic and bounded.

    The distribution of chance is the observed or the Gaussian one, whichever is larger.
    """
    edges = np.arange(-3.0, 9.0, 0.25)
    middle = (edges[1:] + edges[:-1]) / 2
    counts = np.histogram(right, edges)[0] + 0.5
    gaussian = np.exp(-(middle**2) / 2) / np.sqrt(2 * np.pi) * 0.25
    null = np.maximum(np.histogram(chance, edges)[0] / len(chance), gaussian)
    odds = np.maximum.accumulate(np.log(counts / counts.sum() / null))
    levels = np.linspace(Z_LOW, Z_HIGH, N_LEVELS)
    bounded = np.clip(np.interp(levels, middle, odds + BIAS), MIN_SCORE, MAX_SCORE)
    beyond = np.maximum(levels - levels[np.searchsorted(bounded, MAX_SCORE)], 0.0)
    return np.asarray(bounded + RISE * beyond, dtype=np.float32)
