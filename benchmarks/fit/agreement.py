"""Agreement with spectral peaks by chance: fits `agreements`, `agreement_log_p`, `agreement_rate`.

Excerpts of music, training music included because peaks do not depend on the network, are searched in all
recordings outside their own package, unchanged and in some variants of `full`. The agreement (`peak_loops`)
of each alignment is recorded, whatever its score from the codes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.fit.fit_run import FitBench, FitRun
from benchmarks.systems.leave_out_library import COLLECTIONS, as_query
from earwitness.index.match import Effort
from earwitness.index.matching.alignment import Alignment
from earwitness.index.matching.effort import EFFORT_PROFILES
from earwitness.index.matching.scoring import AlignmentScorer
from earwitness.index.matching.search import Search
from earwitness.index.statistics.null_model import log_e_pooled

LENGTHS_S: Final = (3.0, 8.0)

SHARES: Final = (0.1, 0.03, 0.01, 0.003, 0.001, 3e-4, 1e-4, 3e-5)
"""Probabilities at which the agreement by chance is fitted."""

LEAST_BEYOND: Final = 9
"""Agreements beyond the quantile of the smallest probability that is fitted."""

N_CHANGED_VARIANTS: Final = 2
"""Number of changed variants of each excerpt that are searched too, drawn at random."""

STEEPEST: Final = 3.0
"""Most nats by which the log probability falls per standard deviation: measured on 290,000 alignments
between probabilities of 1/10,000 and 1/100,000."""


@dataclass(slots=True, kw_only=True)
class RecordingScorer(AlignmentScorer):
    """Scores by the codes alone, and records how well the peaks agree with each alignment."""

    recorded: list[float] = field(default_factory=list)

    def counted_agreement(self, alignment: Alignment) -> float:
        """Record the agreement, and count none."""
        log_e = log_e_pooled(alignment.score, self.space(alignment.query_variant), self.library.calibration)
        # better alignments of absent excerpts may be of the same loop after all
        if log_e >= 0.0:
            self.recorded.append(self.peak_agreement(alignment))
        return 0.0


def fit(run: FitRun) -> Mapping[str, Any]:
    """Return agreements reached by chance, the logs of their probabilities, and the fall beyond."""
    agreements = np.array([one for recorded in run.each(measure) for one in recorded])
    reached, log_p, rate = quantiles(agreements)
    return {"agreements": reached, "agreement_log_p": log_p, "agreement_rate": rate}


def measure(bench: FitBench, query: int) -> list[float]:
    """Return the agreement of every alignment of an absent excerpt."""
    excerpt = bench.draw(query, LENGTHS_S)
    library = bench.library.without(bench.excluded(excerpt.recording, package=True))
    profile = EFFORT_PROFILES[Effort.FAST]
    search = Search(
        query=as_query(excerpt.sound, library.extractor),
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
    changed = bench.rng(query).choice(np.arange(1, len(variants)), N_CHANGED_VARIANTS, replace=False)
    for number in (0, *changed):
        search.search_variant(variants[number])
    return scorer.recorded


def quantiles(agreements: NDArray[np.float64]) -> tuple[tuple[float, ...], tuple[float, ...], float]:
    """Return agreements reached by chance, the logs of their probabilities, and the fall beyond."""
    shares: Sequence[float] = [share for share in SHARES if share * len(agreements) >= LEAST_BEYOND]
    reached = np.quantile(agreements, 1 - np.array(shares))
    log_p = np.log(shares)
    rate = float((log_p[-3] - log_p[-1]) / (reached[-1] - reached[-3]))
    # agreement is never below 0
    at, known = np.round(reached, 3).tolist(), np.round(log_p, 3).tolist()
    return (0.0, *at), (0.0, *known), round(min(rate, STEEPEST), 3)
