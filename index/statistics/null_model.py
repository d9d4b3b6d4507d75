"""Null model of one query: the distribution of its scores against decoys, and E-values.

Local alignment scores of unrelated sequences have an exponential tail, ``E = K m n exp(-lambda S)`` (Karlin &
Altschul 1990). Rate and height of the tail depend on the query: a tonal, narrow excerpt is similar to much
music. So each query's own frames are aligned with the decoys by the recursion that aligns them with the
index, and a tail is fitted to those scores. Its rate is shrunk towards a pooled rate, because large scores
are few.

Constants without a named source were chosen by hand on validation music in November 2026.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.index.matching.kernels.alignment_loops import QUERY_FRAMES_PER_CODE, decoy_scores
from earwitness.index.statistics.background import Background
from earwitness.index.statistics.calibration import Calibration
from earwitness.index.statistics.peak_evidence import log_e_of_both

WINDOW_FRAMES: Final = 96
"""Query frames of one null model. A longer query has several null models, whose windows overlap by half."""

TAIL_SHARES: Final = (1 / 600, 1 / 200, 1 / 60)
"""Shares of the clumps that the rate of the tail is estimated from: 20, 60 and 200 of the shipped ones.
The lowest rate is used: where a few decoys are very similar to the query, the tail is longer."""

LEAST_TAIL: Final = 10
"""Smallest number of clumps that a rate is estimated from."""

OWN_SHARE: Final = 0.3
"""Weight of a query's own rate; the pooled rate has the rest.

A query's own rate is estimated from few scores and has a large error. On validation music, each calibrated,
the own rate alone finds 63 % of degraded excerpts of 3 s at E <= 1e-4. The pooled rate alone finds 77 %, but
then the worst absent queries have E-values of 1e-4. A weight of 0.3 finds 78 %.
"""

TAIL_STARTS_AT: Final = 10
"""The tail starts at the score of the 10th best clump of the query's own decoys."""

USUAL_VARIETY: Final = 0.5
"""Participation ratio from which on a query needs no correction."""

OWN_VARIETY_POWER, POOLED_VARIETY_POWER = 0.3, 0.5
"""Below `USUAL_VARIETY`, both rates are multiplied by these powers of the ratio of the two."""

CLUMP_CODES: Final = 8
"""Neighbouring decoy codes whose best paths count as one event."""

LEAST_SCORE: Final = 4.0
"""Lower scores of decoys are not counted: no tail starts there."""

MOST_COPIES: Final = 4
"""Largest number of runs of decoys that may hold the query itself."""

COPY_GAP_NATS: Final = 12.0
"""A run of decoys whose score is this far above the next is a copy of the query and no decoy."""

LOG_E_LOWEST: Final = -690.0
"""Lowest log E: keeps E above the smallest double."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NullModel:
    """Distribution of chance scores of one window of a query.

    Attributes
    ----------
    threshold : float
        Score at which the exponential tail starts.
    n_above : float
        Clumps of decoys that score `threshold` or more.
    rate : float
        Their number falls by ``exp(-rate)`` for each unit of score above the threshold.
    n_decoys : int
        Decoy codes that were aligned, in both directions of time.
    n_frames : int
        Query frames of the window.
    clumps : float32 array, shape (n_clumps,), ascending
        Best score of each clump.
    """

    threshold: float
    n_above: float
    rate: float
    n_decoys: int
    n_frames: int
    clumps: NDArray[np.float32]

    def log_expected(self, score: float) -> float:
        """Return the log of the number of clumps of the decoys that are expected to reach a score."""
        if score < self.threshold:
            return log(max(int(np.count_nonzero(self.clumps >= score)), 1))
        return log(self.n_above) - self.rate * (score - self.threshold)


def fit_null(
    frames: NDArray[np.float32],
    mean: NDArray[np.float32],
    inverse_sd: NDArray[np.float32],
    *,
    background: Background,
    calibration: Calibration,
) -> NullModel:
    """Align query frames with the decoys and fit the tail of their scores.

    Parameters
    ----------
    frames : float32 array, shape (n_frames, dim)
        Unit vectors of consecutive query frames.
    mean, inverse_sd : float32 arrays, shape (n_frames,)
        Of each frame's similarity to the decoys.

    Returns
    -------
    null : NullModel
        The threshold is the query's own. The rate is mostly that of all queries of the same length and
        variety. The query's own rate is the inverse mean excess over a threshold (the maximum-likelihood
        estimate of an exponential tail), shrunk towards the pooled rate as by a gamma prior.
    """
    clumps = _clump_scores(frames, mean, inverse_sd, background=background, calibration=calibration)
    ratio = min(participation_ratio(frames, background) / USUAL_VARIETY, 1.0)
    return fit_tail(
        clumps,
        n_decoys=2 * len(background.codes),
        n_frames=len(frames),
        variety_ratio=ratio,
        calibration=calibration,
    )


def window_of(middle_frame: int, n_frames: int) -> tuple[int, int]:
    """Return which window of a query holds the middle of an alignment, and the number of windows."""
    step = WINDOW_FRAMES // 2
    n_windows = max(1, -(-(n_frames - WINDOW_FRAMES) // step) + 1)
    return min(max(round((middle_frame - step) / step), 0), n_windows - 1), n_windows


def participation_ratio(frames: NDArray[np.float32], background: Background) -> float:
    """Return the share of a query's codes that are independent: 1 for noise, 1 / n for one held chord.

    The steps of a path through a held chord are not independent, so its score is worth fewer steps.

    Parameters
    ----------
    frames : float32 array, shape (n_frames, dim)
    """
    codes = (frames[::QUERY_FRAMES_PER_CODE] - background.centre) @ background.spread
    codes /= np.maximum(np.linalg.norm(codes, axis=1, keepdims=True), 1e-9)
    return float(1 / (np.square(codes @ codes.T).mean() * len(codes)))


def _clump_scores(
    frames: NDArray[np.float32],
    mean: NDArray[np.float32],
    inverse_sd: NDArray[np.float32],
    *,
    background: Background,
    calibration: Calibration,
) -> NDArray[np.float32]:
    """Best score of the paths that start in each clump of neighbouring decoys, in both orders of time."""
    scores = path_scores(
        frames, mean, inverse_sd, codes=background.codes, run_of=background.run_of, calibration=calibration
    )
    for direction in scores:
        direction[~chance_mask(direction, background.run_of, calibration.pooled_rate(len(frames)))] = 0.0
    return best_of_clumps(scores)


def path_scores(
    frames: NDArray[np.float32],
    mean: NDArray[np.float32],
    inverse_sd: NDArray[np.float32],
    *,
    codes: NDArray[np.float32],
    run_of: NDArray[np.int32],
    calibration: Calibration,
) -> NDArray[np.float32]:
    """Return the best score of all paths that start at each code, over every diagonal.

    Parameters
    ----------
    frames, mean, inverse_sd
        As in `fit_null`.
    codes : float32 array, shape (n_codes, dim)
    run_of : int32 array, shape (n_codes,)
        Run of each code; no path crosses from one run to the next.

    Returns
    -------
    scores : float32 array, shape (2, n_codes)
        With the query in its order of time, and in reverse order: the same frames in another order. 0 for
        scores up to `LEAST_SCORE`.
    """
    scores = np.zeros((2, len(codes)), dtype=np.float32)
    decoy_scores(
        codes @ frames.T,
        np.ascontiguousarray(mean),
        np.ascontiguousarray(inverse_sd),
        run_of,
        calibration.table,
        np.float32(calibration.z_low),
        np.float32(calibration.levels_per_z),
        np.float32(calibration.drift_cost),
        np.float32(LEAST_SCORE),
        scores,
    )
    return scores


def best_of_clumps(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the largest score of each `CLUMP_CODES` neighbouring codes, of `path_scores`, in one row."""
    n_codes = scores.shape[1]
    padded = np.zeros((len(scores), -(-n_codes // CLUMP_CODES) * CLUMP_CODES), dtype=np.float32)
    padded[:, :n_codes] = scores
    return np.asarray(padded.reshape(-1, CLUMP_CODES).max(axis=1))


def chance_mask(scores: NDArray[np.float32], run_of: NDArray[np.int32], rate: float) -> NDArray[np.bool_]:
    """Return which decoys are chance and not copies of the query.

    A query may hold music that the decoys were cut from. The best scores of two runs differ by ``x / rate``
    by chance with probability ``exp(-x)``; a copy of the query has a larger gap to the next run.

    Parameters
    ----------
    scores : float32 array, shape (n_decoys,)
        Best score of the paths that start at each decoy code, 0 where there is none.
    run_of : int32 array, shape (n_decoys,)
        Number of the run that each decoy belongs to, from 0.
    rate : float
        Rate of the pooled null model.

    Returns
    -------
    is_chance : bool array, shape (n_decoys,)
    """
    best = np.zeros(int(run_of[-1]) + 1, dtype=np.float32)
    scored = np.flatnonzero(scores)  # a small part of all decoys
    np.maximum.at(best, run_of[scored], scores[scored])
    ranked = np.argsort(-best)
    n_gaps = min(MOST_COPIES, len(ranked) - 1)
    gaps = rate * (best[ranked[:n_gaps]] - best[ranked[1 : n_gaps + 1]])
    wide = np.flatnonzero(gaps > COPY_GAP_NATS)
    is_chance = np.ones(len(best), dtype=np.bool_)
    if wide.size:
        is_chance[ranked[: wide[-1] + 1]] = False
    return is_chance[run_of]


def fit_tail(
    clumps: NDArray[np.float32],
    *,
    n_decoys: int,
    n_frames: int,
    calibration: Calibration,
    variety_ratio: float = 1.0,
) -> NullModel:
    """Fit an exponential tail to the largest clump scores (see `fit_null`).

    Parameters
    ----------
    clumps : float32 array, shape (n_clumps,)
    variety_ratio : float
        Participation ratio of the query over `USUAL_VARIETY`, at most 1.
    """
    ranked = np.sort(clumps)
    pooled, weight = calibration.pooled_rate(n_frames), calibration.prior_weight
    rates = []
    for share in TAIL_SHARES:
        n_above = min(max(round(share * len(ranked)), LEAST_TAIL), len(ranked) - 1)
        excess = float((ranked[-n_above:] - ranked[-n_above - 1]).sum())
        rates.append((n_above + weight) / (excess + weight / pooled))
    own = min(rates) * variety_ratio**OWN_VARIETY_POWER
    common = pooled * variety_ratio**POOLED_VARIETY_POWER
    n_above = min(TAIL_STARTS_AT, len(ranked))
    return NullModel(
        threshold=float(ranked[-n_above]),
        n_above=float(n_above),
        rate=OWN_SHARE * own + (1 - OWN_SHARE) * common,
        n_decoys=n_decoys,
        n_frames=n_frames,
        clumps=ranked,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSpace:
    """Size of the search: active query frames, codes searched, the variant's share of the error budget."""

    n_frames: int
    n_codes: int
    weight: float


def log_e_raw(score: float, space: SearchSpace, null: NullModel) -> float:
    """Return log E before calibration: scaled from decoys to the index and from the window to the query."""
    scale = space.n_codes / null.n_decoys * space.n_frames / null.n_frames / space.weight
    return null.log_expected(score) + log(scale)


def log_e_pooled(score: float, space: SearchSpace, calibration: Calibration) -> float:
    """Estimate `log_e_raw` by the pooled null model, without aligning decoys."""
    log_size = log(space.n_frames * space.n_codes / space.weight)
    rate = calibration.pooled_rate(min(space.n_frames, WINDOW_FRAMES))
    return calibration.prior_log_count + log_size - rate * score


class Material(StrEnum):
    """On what the E-value of an alignment rests, which decides its calibration."""

    UNRELATED = "unrelated"
    """On decoys."""
    RELATED = "related"
    """On recordings of the index that are related to the query."""
    SPOKEN = "spoken"
    """On decoys, for spoken word in an index that holds nothing else that is related to the query."""


def log_e_calibrated(log_e: float, log_p: float, calibration: Calibration, material: Material) -> float:
    """Return log E of codes and peaks together, calibrated on absent queries.

    Parameters
    ----------
    log_e : float
        Log of the E-value by the codes, before calibration.
    log_p : float
        Log of the probability that chance agrees so well with the peaks. Not used for `Material.SPOKEN`:
        where nothing shows how far one voice agrees with itself, a repeated word must not decide.
    """
    both = log_e_of_both(calibration.codes_slope * log_e, log_p)
    match material:
        case Material.SPOKEN:
            calibrated = calibration.spoken_offset + calibration.spoken_slope * log_e
        case Material.RELATED:
            calibrated = calibration.related_offset + calibration.related_slope * both
        case Material.UNRELATED:
            calibrated = calibration.calibration_offset + calibration.calibration_slope * both
    return max(calibrated, LOG_E_LOWEST)
