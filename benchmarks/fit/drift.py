"""Cost of a step that drifts: fits `drift_cost`.

Right paths are those of excerpts whose speed differs from their recording's by what one variant covers;
paths of chance are the best ones of the same excerpts along decoys. Both are aligned without a cost. The cost
is the log of the ratio of their odds that a step advances by one query frame more or less than four.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import log
from typing import Any, Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from benchmarks.data.audio_io import mono, play_faster, read
from benchmarks.fit.fit_run import FitBench, FitRun
from benchmarks.fit.step_scores import waveform
from earwitness.index.match import Effort
from earwitness.index.matching.alignment import BAND_PER_ROW, best_path
from earwitness.index.matching.candidates import QueryVariant, embed_variant
from earwitness.index.matching.effort import EFFORT_PROFILES
from earwitness.index.matching.kernels.alignment_loops import QUERY_FRAMES_PER_CODE
from earwitness.index.statistics.background import Background
from earwitness.index.statistics.calibration import Calibration
from earwitness.index.statistics.null_model import LEAST_SCORE

EXCERPT_S: Final = 8.0

LARGEST_CHANGE: Final = BAND_PER_ROW
"""Relative changes of speed are drawn evenly from minus to plus this."""

DECOY_RUNS: Final = 16
"""Runs of decoys that each excerpt is aligned with."""

Steps = NDArray[np.int64]
"""Steps of right paths and of paths of chance, each straight and with drift, shape (2, 2)."""


def fit(run: FitRun) -> Mapping[str, Any]:
    """Return the cost of drift."""
    ((right, right_drift), (chance, chance_drift)) = sum(run.each(measure), np.zeros((2, 2), np.int64))
    return {"drift_cost": round(log(chance_drift / chance) - log(right_drift / right), 2)}


def measure(bench: FitBench, query: int) -> Steps:
    """Return the steps of one excerpt at its true place and along decoys."""
    rng, library = bench.rng(query), bench.library
    recording = int(rng.choice(bench.queried))
    path = bench.corpus.root / library.sources[recording].path
    speed = 1 + float(rng.uniform(-LARGEST_CHANGE, LARGEST_CHANGE))
    length_s = EXCERPT_S * speed
    start_s = float(rng.uniform(0, max(soundfile.info(path).duration - length_s - 1, 0)))
    sound = play_faster(mono(read(path, start_s=start_s, length_s=length_s)), speed)
    query_variant = embed_variant(
        library.extractor.query(waveform(sound)),
        EFFORT_PROFILES[Effort.FAST].unchanged,
        library.extractor,
        library.background,
    )
    # the diagonal through the middle of the excerpt
    diagonal = round((start_s + length_s / 2) / query_variant.hop_s - len(query_variant.frames) / 2)
    first = max(diagonal // QUERY_FRAMES_PER_CODE, 0)
    own = library.codes(recording)[first : first + _n_codes(query_variant)]
    right = _steps(query_variant, own, diagonal - QUERY_FRAMES_PER_CODE * first, library.calibration)
    chance = np.zeros(2, np.int64)
    for decoys in _stretches(library.background, _n_codes(query_variant), rng):
        chance += _steps(query_variant, decoys, 0, library.calibration)
    return np.array([right, chance])


def _n_codes(query_variant: QueryVariant) -> int:
    return len(query_variant.frames) // QUERY_FRAMES_PER_CODE


def _stretches(
    background: Background, n_codes: int, rng: np.random.Generator
) -> Iterator[NDArray[np.float32]]:
    """Yield stretches of decoys, none of them across two runs."""
    lengths = np.bincount(background.run_of)
    starts = np.cumsum(lengths) - lengths
    for number in rng.choice(np.flatnonzero(lengths >= n_codes), DECOY_RUNS, replace=False):
        first = int(starts[number] + rng.integers(lengths[number] - n_codes + 1))
        yield background.codes[first : first + n_codes]


def _steps(
    query_variant: QueryVariant, codes: NDArray[np.float32], diagonal: int, calibration: Calibration
) -> NDArray[np.int64]:
    """Return the numbers of straight and of other steps of the best path; 0 where its score is no tail."""
    path = best_path(query_variant, codes, diagonal, calibration=calibration)
    if path is None or path[2] < LEAST_SCORE:
        return np.zeros(2, np.int64)
    straight = np.diff(path[0][:, 1]) == QUERY_FRAMES_PER_CODE
    return np.array([np.count_nonzero(straight), np.count_nonzero(~straight)])
