"""Chance scores of all queries together: fits `prior_rate`, `prior_rate_rows`, `prior_log_count` and
`prior_weight`.

Excerpts of 1 to 12 s are aligned with the scheme's decoys, which hold none of them. The rate of the tail of
each query's scores is the inverse mean excess over a threshold, with no share of the pooled rate. Rates are
regressed on ``1 / n_frames``; what queries of one length differ by more than their sampling errors is the
variance of a gamma prior.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks.fit.fit_run import FitBench, FitRun
from benchmarks.systems.leave_out_library import as_query
from earwitness.index.match import Effort
from earwitness.index.matching.candidates import embed_variant
from earwitness.index.matching.effort import EFFORT_PROFILES
from earwitness.index.statistics.null_model import LEAST_TAIL, TAIL_SHARES, fit_null

LENGTHS_S: Final = tuple(float(length) for length in range(1, 13))
"""Lengths of queries, up to that of one null model (`WINDOW_FRAMES`)."""


TAIL_SHARE: Final = sorted(TAIL_SHARES)[1]
"""Share of the clumps that a query's rate is estimated from. With fewer the error is larger; excerpts of 1 s
have no more clumps that score."""

START_LINE: Final = (log(0.3), log(3.0))
"""Where the search for the line of rates begins: logs of its level and slope."""

MOST_WEIGHT: Final = 100.0
"""Largest weight, where rates differ by no more than their errors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """Scores of one query with the decoys.

    Attributes
    ----------
    rate : float
        Inverse mean excess of the `n_above` best clumps over the next.
    threshold, log_count : float
        A score, and the log of the number of clumps that reach it, for each query frame and decoy code.
    """

    n_frames: int
    rate: float
    n_above: int
    threshold: float
    log_count: float


def fit(run: FitRun) -> Mapping[str, Any]:
    """Return rate, its dependence on length, count and weight of the pooled null model."""
    tails = run.each(measure)
    rate, rows = regress(tails)
    return {
        "prior_rate": round(rate, 4),
        "prior_rate_rows": round(rows, 2),
        "prior_log_count": round(log_count(tails, rate, rows), 3),
        "prior_weight": round(weight(tails, rate, rows), 2),
    }


def measure(bench: FitBench, query: int) -> Tail:
    """Return the tail of the scores of one absent excerpt with the decoys."""
    excerpt = bench.draw(query, LENGTHS_S)
    library = bench.library
    query_variant = embed_variant(
        as_query(excerpt.sound, library.extractor),
        EFFORT_PROFILES[Effort.FAST].unchanged,
        library.extractor,
        library.background,
    )
    null = fit_null(
        query_variant.frames,
        query_variant.mean,
        query_variant.inverse_sd,
        background=library.background,
        calibration=library.calibration,
    )
    rate, n_above = tail_rate(null.clumps)
    return Tail(
        n_frames=len(query_variant.frames),
        rate=rate,
        n_above=n_above,
        threshold=null.threshold,
        log_count=log(null.n_above) - log(null.n_frames * null.n_decoys),
    )


def tail_rate(clumps: NDArray[np.float32]) -> tuple[float, int]:
    """Return the maximum-likelihood rate of an exponential tail, and the clumps above its threshold.

    Parameters
    ----------
    clumps : float32 array, shape (n_clumps,), ascending
    """
    n_above = min(max(round(TAIL_SHARE * len(clumps)), LEAST_TAIL), len(clumps) - 1)
    return n_above / float((clumps[-n_above:] - clumps[-n_above - 1]).sum()), n_above


def regress(tails: Sequence[Tail]) -> tuple[float, float]:
    """Return `prior_rate` and `prior_rate_rows`: the line of rates over ``1 / n_frames``.

    It is the line of largest likelihood for the excesses of all queries, so that queries of long tails count
    most (Karlin & Altschul's rate of all sequences together).
    """
    per_frame = np.array([1 / tail.n_frames for tail in tails])
    excess = np.array([1 / tail.rate for tail in tails])

    def minus_log_likelihood(line: NDArray[np.float64]) -> float:
        rates = np.exp(line[0]) + np.exp(line[1]) * per_frame
        return float((rates * excess - np.log(rates)).sum())

    level, slope = np.exp(minimize(minus_log_likelihood, START_LINE, method="Nelder-Mead").x)
    return float(level), float(slope / level)


def log_count(tails: Sequence[Tail], rate: float, rows: float) -> float:
    """Return `prior_log_count`: the mean intercept of the queries' log counts at a score of 0."""
    return float(
        np.mean([tail.log_count + rate * (1 + rows / tail.n_frames) * tail.threshold for tail in tails])
    )


def weight(tails: Sequence[Tail], rate: float, rows: float) -> float:
    """Return `prior_weight`: the shape of a gamma distribution of the queries' true rates.

    The variance of the observed rates over those of the line, relative to their mean, is the sum of that of
    the true rates, ``1 / weight``, and that of the estimate, ``1 / n_above``.
    """
    relative = np.array([tail.rate / (rate * (1 + rows / tail.n_frames)) for tail in tails])
    sampling = np.mean([1 / tail.n_above for tail in tails])
    return float(1 / max(relative.var() / relative.mean() ** 2 - sampling, 1 / MOST_WEIGHT))
