"""Log-odds of one step of a right alignment against chance: fits the table of ``calibration.json``.

    python -m benchmarks.fit.step_scores --corpus DIR --cache DIR --queries 25

Excerpts of validation tracks are degraded under every condition of `degrade` that does not change time,
and compared with their own track at their true place. z is computed with the shipped decoys.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from benchmarks.data.audio_io import RATE_HZ as DEGRADED_HZ
from benchmarks.data.audio_io import read
from benchmarks.data.corpus import Corpus
from benchmarks.data.degrade import CONDITIONS, degrade
from benchmarks.data.overlays import Material
from benchmarks.fit.newest_calibration import replace_calibration
from benchmarks.runs.leave_out_library import LeaveOutLibrary, build_library
from benchmarks.training.data import sources
from earwitness.fingerprint.extract import Extractor, extractor
from earwitness.fingerprint.types import RATE_HZ, Waveform
from earwitness.index.matching.kernels.alignment_loops import QUERY_FRAMES_PER_CODE
from earwitness.index.statistics.scheme_files import background_of, calibration_of

EXCERPT_S: Final = 8.0
Z_LOW, Z_HIGH, N_LEVELS = -1.0, 8.0, 181
MIN_SCORE, MAX_SCORE = -5.0, 10.0
"""Bounds of a step's score: no single step decides a match. No command fits them."""

RISE: Final = 2.0
"""Score added by each z beyond the upper bound, so that the true place beats repeats. No command fits it."""

BIAS: Final = -1.0
"""Added to every log-odds, because neighbouring codes are not independent. No command fits it."""

MISPLACED_ROWS: Final = (-2, -1, 0, 1, 2)


def right_steps(
    library: LeaveOutLibrary, corpus: Corpus, *, n_each: int, seed: int
) -> Iterator[NDArray[np.float32]]:
    """Yield z of the steps along the true path, for one degraded excerpt after another."""
    rng = np.random.default_rng(seed)
    material = Material(corpus, role="validation")
    tracks = [number for number, source in enumerate(library.sources) if source.kind == "music"]
    conditions = [
        name for name, condition in CONDITIONS.items() if condition.stretch == 1 and name != "medley"
    ]
    for name in conditions:
        for query in range(n_each):
            number = tracks[int(rng.integers(len(tracks)))]
            path = corpus.root / library.sources[number].path
            start_s = float(rng.uniform(0, max(soundfile.info(path).duration - EXCERPT_S - 1, 0)))
            clip = read(path, start_s=start_s, length_s=EXCERPT_S)
            sound = degrade(clip, name, seed=seed, query_id=str(query), material=material)
            samples = soxr.resample(sound, DEGRADED_HZ, RATE_HZ, quality="HQ").astype(np.float32)
            yield true_path(library, number, start_s, Waveform(samples=np.ascontiguousarray(samples)))


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


def write_table(table: NDArray[np.float32]) -> None:
    """Write the table into the calibration, and leave its other numbers unchanged."""
    calibration = calibration_of(extractor())
    replace_calibration(replace(calibration, table=table, z_low=Z_LOW, z_high=Z_HIGH))


def main(argv: Sequence[str]) -> int:
    """Fit the table and write it."""
    parser = argparse.ArgumentParser(prog="benchmarks.fit.step_scores", description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True, help="folder of cached spectrograms")
    parser.add_argument("--queries", type=int, default=25, help="for each condition")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(argv)
    model = extractor()
    library = build_library(
        sources(options.corpus, role="validation"), model, corpus=options.corpus, cache=options.cache
    )
    corpus = Corpus.open(options.corpus)
    right = np.concatenate(list(right_steps(library, corpus, n_each=options.queries, seed=options.seed)))
    chance = chance_steps(model, library.vectors[:: max(len(library.vectors) // 60, 1)])
    write_table(log_odds(right, chance))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
