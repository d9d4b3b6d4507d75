"""How good a path chance alone would give *this* query: decoys, a tail fitted to them, E-values.

Local alignment scores of unrelated sequences have an exponential tail, ``E = K m n exp(-lambda S)`` (Karlin &
Altschul 1990). Rate and height of the tail depend on the query: a tonal, narrow excerpt meets its like
everywhere. So each query's own rows are aligned with shipped background music by the kernel that aligns the
index, and the tail is fitted to what that gives, shrunk towards a pooled one because the
largest scores are few.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.index.matching.kernels.alignment_loops import ROWS_PER_CODE, decoy_peaks
from earwitness.index.statistics.background import Background
from earwitness.index.statistics.calibration import Calibration
from earwitness.index.statistics.peak_evidence import log_e_of_both

WINDOW_ROWS: Final = 96
"""Fine rows that one null model looks at: a longer query has several, overlapping by half."""

TAIL_SHARES: Final = (1 / 600, 1 / 200, 1 / 60)
"""Shares of the clumps that the rate of the tail is estimated from: 20, 60 and 200 of the shipped ones.
The slowest of the rates stands: where a few decoys are much like the query, the tail bends outwards."""

LEAST_TAIL: Final = 10

OWN_SHARE: Final = 0.3
"""Weight of a query's own rate beside the pooled one.

Of one query's decoys only the few best say how its tail falls, and they say it badly. On validation music,
calibrated alike, their rate alone tells 63 % of degraded excerpts of 3 s at E <= 1e-4, the pooled rate alone
77 %, but then the worst absent queries are claimed at 1e-4; 0.3 tells 78 %.
"""

LOCATED_BY: Final = 10
"""Where a query's tail lies, its own decoys do say: at the score that so many clumps reach."""

PLAIN_VARIETY: Final = 0.5
OWN_VARIETY_POWER, POOLED_VARIETY_POWER = 0.3, 0.5
"""A query of less than plain variety has rates lower by these powers of it; from absent queries."""

CLUMP_CODES: Final = 8
"""Neighbouring decoy codes whose best paths are one event, not several."""

LEAST_SCORE: Final = 4.0
"""Paths of decoys that score less are not counted: no tail begins there."""

MOST_COPIES: Final = 4
"""So many of the decoys' recordings may hold the query itself."""

COPY_GAP_NATS: Final = 12.0
"""A decoy recording this far above the next is a copy, not chance."""

LOG_E_LOWEST: Final = -690.0
"""Keeps E above the smallest double."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NullModel:
    """Tail of the scores that chance gives one window of a query.

    ``n_above`` clumps of decoys score `threshold` or more; beyond it their number falls by ``exp(-rate)``
    a unit.
    """

    threshold: float
    n_above: float
    rate: float
    n_decoys: int
    n_rows: int
    clumps: NDArray[np.float32]

    def log_expected(self, score: float) -> float:
        """Log of the number of clumps, among the decoys, that are expected to score at least this much."""
        if score < self.threshold:
            return log(max(int(np.count_nonzero(self.clumps >= score)), 1))
        return log(self.n_above) - self.rate * (score - self.threshold)


def fit_null(
    rows: NDArray[np.float32],
    mean: NDArray[np.float32],
    inverse_sd: NDArray[np.float32],
    *,
    background: Background,
    scoring: Calibration,
) -> NullModel:
    """Align some rows of a query with the decoys and fit the tail of the scores.

    Parameters
    ----------
    rows : float32 array, shape (n_rows, dim)
    mean, inverse_sd : float32 arrays, shape (n_rows,)
        Of each row's similarity to the decoys.

    Returns
    -------
    null
        The threshold is the query's own; the rate mostly that of all queries of its length and variety. Its
        own is the inverse mean excess over a threshold (the maximum-likelihood estimate of an exponential
        tail), shrunk towards the pooled rate as by a gamma prior.
    """
    clumps = _clump_scores(rows, mean, inverse_sd, background=background, scoring=scoring)
    said = min(participation_ratio(rows, background) / PLAIN_VARIETY, 1.0)
    return fit_tail(clumps, n_decoys=2 * len(background.codes), n_rows=len(rows), said=said, scoring=scoring)


def participation_ratio(rows: NDArray[np.float32], background: Background) -> float:
    """How many of a query's codes say something new, as a fraction: 1 for noise, 1 / n for one held chord.

    The steps of a path through a held chord all say the same; what it scores counts for fewer steps.
    """
    apart = (rows[::ROWS_PER_CODE] - background.centre) @ background.spread
    apart /= np.maximum(np.linalg.norm(apart, axis=1, keepdims=True), 1e-9)
    return float(1 / (np.square(apart @ apart.T).mean() * len(apart)))


def _clump_scores(
    rows: NDArray[np.float32],
    mean: NDArray[np.float32],
    inverse_sd: NDArray[np.float32],
    *,
    background: Background,
    scoring: Calibration,
) -> NDArray[np.float32]:
    """Best score of the paths that start in each clump of neighbouring decoys.

    Played backwards, the query keeps its sounds and loses its order: a second set of decoys, after the first.
    """
    n_decoys = len(background.codes)
    peaks = np.zeros((2, -(-n_decoys // CLUMP_CODES) * CLUMP_CODES), dtype=np.float32)
    own = peaks[:, :n_decoys]
    decoy_peaks(
        background.codes @ rows.T,
        np.ascontiguousarray(mean),
        np.ascontiguousarray(inverse_sd),
        background.run_of,
        scoring.table,
        np.float32(scoring.z_low),
        np.float32(scoring.levels_per_z),
        np.float32(scoring.drift_cost),
        np.float32(LEAST_SCORE),
        own,
    )
    for side in own:
        side[~chance_mask(side, background.run_of, scoring.pooled_rate(len(rows)))] = 0.0
    return np.asarray(peaks.reshape(-1, CLUMP_CODES).max(axis=1))


def chance_mask(peaks: NDArray[np.float32], run_of: NDArray[np.int32], rate: float) -> NDArray[np.bool_]:
    """Which decoys are not the query itself: recordings that stand out far above all others are left out.

    Someone may ask about music that the decoys were cut from. Chance leaves a gap of ``x / rate`` between
    the best recordings' scores with probability ``exp(-x)``; a copy leaves a wider one.

    Parameters
    ----------
    peaks : float32 array, shape (n_decoys,)
    run_of : int32 array, shape (n_decoys,)
        Number of the run that each decoy belongs to, 0 and up.
    """
    best = np.zeros(int(run_of[-1]) + 1, dtype=np.float32)
    scored = np.flatnonzero(peaks)  # hardly any
    np.maximum.at(best, run_of[scored], peaks[scored])
    ranked = np.argsort(-best)
    few = min(MOST_COPIES, len(ranked) - 1)
    gaps = rate * (best[ranked[:few]] - best[ranked[1 : few + 1]])
    wide = np.flatnonzero(gaps > COPY_GAP_NATS)
    is_chance = np.ones(len(best), dtype=np.bool_)
    if wide.size:
        is_chance[ranked[: wide[-1] + 1]] = False
    return is_chance[run_of]


def fit_tail(
    clumps: NDArray[np.float32], *, n_decoys: int, n_rows: int, scoring: Calibration, said: float = 1.0
) -> NullModel:
    """Fit an exponential tail to the largest of some clump maxima (see `fit_null`).

    Parameters
    ----------
    said : float
        Variety of the query as a share of plain variety, at most 1.
    """
    ranked = np.sort(clumps)
    pooled, weight = scoring.pooled_rate(n_rows), scoring.prior_weight
    rates = []
    for share in TAIL_SHARES:
        n_above = min(max(round(share * len(ranked)), LEAST_TAIL), len(ranked) - 1)
        excess = float((ranked[-n_above:] - ranked[-n_above - 1]).sum())
        rates.append((n_above + weight) / (excess + weight / pooled))
    own, common = min(rates) * said**OWN_VARIETY_POWER, pooled * said**POOLED_VARIETY_POWER
    n_above = min(LOCATED_BY, len(ranked))
    return NullModel(
        threshold=float(ranked[-n_above]),
        n_above=float(n_above),
        rate=OWN_SHARE * own + (1 - OWN_SHARE) * common,
        n_decoys=n_decoys,
        n_rows=n_rows,
        clumps=ranked,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSpace:
    """Where chance may strike: fine rows of the query, codes searched, a path's share of the budget."""

    n_rows: int
    n_codes: int
    weight: float


def log_e_raw(score: float, space: SearchSpace, null: NullModel) -> float:
    """Log of the E-value before calibration: decoys scaled to the index, window to query, rung to ladder."""
    scale = space.n_codes / null.n_decoys * space.n_rows / null.n_rows / space.weight
    return null.log_expected(score) + log(scale)


def log_e_pooled(score: float, space: SearchSpace, scoring: Calibration) -> float:
    """What `log_e_raw` would be about, for a query that is like the pool: decides what is worth decoys."""
    places = log(space.n_rows * space.n_codes / space.weight)
    rate = scoring.pooled_rate(min(space.n_rows, WINDOW_ROWS))
    return scoring.prior_log_count + places - rate * score


def log_e_calibrated(log_e: float, log_p: float, scoring: Calibration, *, spoken: bool) -> float:
    """Log of the E-value after calibration on absent queries, by both witnesses: claimed is observed.

    Parameters
    ----------
    log_e : float
        By the codes, before calibration (`log_e_raw`).
    log_p : float
        How probable it is that the peaks agree so well by chance; not asked about spoken word, as a voice
        that says a word twice agrees in its peaks as well.
    spoken : bool
        Whether what was met is spoken word: another sentence of the same voice is nearer to a query than
        any music is to other music, and an index holds hours of one voice.
    """
    if spoken:
        told = scoring.spoken_offset + scoring.spoken_slope * log_e
    else:
        both = log_e_of_both(scoring.codes_slope * log_e, log_p)
        told = scoring.calibration_offset + scoring.calibration_slope * both
    return max(told, LOG_E_LOWEST)
