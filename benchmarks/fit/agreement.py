"""Peak agreement that occurs by chance: fits ``agreements`` of ``calibration.json``.

    python -m benchmarks.fit.agreement --corpus DIR --cache DIR --queries 5000 --write

Excerpts of music, training music included because peaks do not depend on the network, are searched in all
recordings outside their own package, unchanged and in some variants of `full`. The agreement (`peak_loops`)
of each alignment is recorded, whatever its score from the codes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import faiss
import numpy as np
from numpy.typing import NDArray

from benchmarks.data.corpus import Corpus
from benchmarks.fit.newest_calibration import replace_calibration
from benchmarks.runs.calibrate import draw, excluded_recordings
from benchmarks.runs.leave_out_library import COLLECTIONS, LeaveOutLibrary, as_query, build_library
from benchmarks.training.data import sources
from earwitness.fingerprint.extract import extractor
from earwitness.fingerprint.types import Spectrogram
from earwitness.index.match import Effort
from earwitness.index.matching.alignment import Alignment
from earwitness.index.matching.effort import EFFORT_PROFILES
from earwitness.index.matching.scoring import AlignmentScorer
from earwitness.index.matching.search import Search
from earwitness.index.statistics.null_model import log_e_pooled
from earwitness.index.statistics.scheme_files import calibration_of

SHARES: Final = (0.1, 0.03, 0.01, 0.003, 0.001, 3e-4, 1e-4, 3e-5)
"""Probabilities at which the agreement by chance is fitted."""

N_CHANGED_VARIANTS: Final = 2
"""Number of changed variants of each excerpt that are searched too, drawn at random."""

STEEPEST: Final = 3.0
"""Most nats by which the log probability falls per standard deviation: measured on 290,000 alignments
between probabilities of 1/10,000 and 1/100,000."""


@dataclass(slots=True, kw_only=True)
class RecordingScorer(AlignmentScorer):
    """Scores by the codes alone, and records how well the peaks agree with each alignment."""

    recorded: list[tuple[float, float]] = field(default_factory=list)

    def _log_p(self, alignment: Alignment) -> float:
        log_e = log_e_pooled(alignment.score, self.space(alignment.query_variant), self.library.calibration)
        # better alignments of absent excerpts may be of the same loop after all
        if log_e >= 0.0:
            self.recorded.append((log_e, self.peak_agreement(alignment)))
        return 0.0


def absent_agreements(
    full_library: LeaveOutLibrary, same: Sequence[int], sound: Spectrogram, rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Return log E by the codes alone, and agreement, of every alignment of an absent excerpt."""
    library, profile = full_library.without(same), EFFORT_PROFILES[Effort.FAST]
    search = Search(
        query=as_query(sound, full_library.extractor),
        library=library,
        collections=COLLECTIONS,
        max_e_value=1e-9,  # nothing is to be scored further
        n_codes=library.n_codes(COLLECTIONS),
        profile=profile,
    )
    scorer = RecordingScorer(
        query=search.query,
        library=library,
        n_codes=search.n_codes,
        max_e_value=search.max_e_value,
        chance_factor=profile.chance_factor,
    )
    search.scorer = scorer
    variants = EFFORT_PROFILES[Effort.FULL].variants
    for number in (0, *rng.choice(np.arange(1, len(variants)), N_CHANGED_VARIANTS, replace=False)):
        search.search_variant(variants[number])
    return scorer.recorded


def fit(agreements: NDArray[np.float64]) -> tuple[tuple[float, ...], tuple[float, ...], float]:
    """Return agreements reached by chance, the logs of their probabilities, and the fall beyond."""
    reached = np.quantile(agreements, 1 - np.array(SHARES))
    log_p = np.log(SHARES)
    rate = float((log_p[-3] - log_p[-1]) / (reached[-1] - reached[-3]))
    # agreement is never below 0
    at, known = np.round(reached, 3).tolist(), np.round(log_p, 3).tolist()
    return (0.0, *at), (0.0, *known), min(rate, STEEPEST)


def main(argv: Sequence[str]) -> int:
    """Search, fit, and on request write."""
    parser = argparse.ArgumentParser(prog="benchmarks.fit.agreement", description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True, help="folder of cached spectrograms")
    parser.add_argument("--lengths", default="3,8", help="seconds, separated by commas")
    parser.add_argument("--queries", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args(argv)
    faiss.omp_set_num_threads(1)
    chosen_sources = [
        source
        for role in ("validation", "train")
        for source in sources(options.corpus, role=role)
        if source.kind in ("music", "speech")
    ]
    full_library = build_library(chosen_sources, extractor(), corpus=options.corpus, cache=options.cache)
    same = excluded_recordings(full_library, Corpus.open(options.corpus), package=True)
    lengths_s = [float(length) for length in options.lengths.split(",")]
    excerpts = draw(
        full_library, "all", "music", lengths_s=lengths_s,
        corpus=options.corpus, cache=options.cache, seed=options.seed,
    )  # fmt: skip
    rng = np.random.default_rng(options.seed)
    pairs = [
        pair
        for (number, _, sound), _ in zip(excerpts, range(options.queries), strict=False)
        for pair in absent_agreements(full_library, same[number], sound, rng)
    ]
    log_e, agreements = np.array(pairs).T
    for low, high in ((0, 2), (2, 5), (5, 10)):
        chosen = agreements[(log_e > low) & (log_e <= high)]
        if chosen.size:
            print(f"log E {low} to {high}: {chosen.size} paths, {np.quantile(chosen, 1 - np.array(SHARES))}")
    reached, log_p, rate = fit(agreements)
    print(reached, log_p, rate)
    if options.write:
        fitted = replace(
            calibration_of(extractor()),
            agreements=reached,
            agreement_log_p=log_p,
            agreement_rate=round(rate, 3),
        )
        replace_calibration(fitted)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
