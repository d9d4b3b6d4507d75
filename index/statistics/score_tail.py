"""Exponential tail of the largest of some scores, with a prior on its rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

LEAST_SCORES: Final = 3
"""Fewer scores give no tail."""

LEAST_TAIL: Final = 2
"""Smallest number of scores above the threshold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreTail:
    """The number of scores expected above a score: ``n_above * exp(-rate * (score - threshold))``.

    Attributes
    ----------
    threshold : float
        Score at which the tail starts.
    n_above : int
        Scores above the threshold.
    rate : float
    scores : float64 array, shape (n_scores,), ascending
    """

    threshold: float
    n_above: int
    rate: float
    scores: NDArray[np.float64]

    @classmethod
    def fit(cls, scores: Sequence[float], *, most: int, pooled_rate: float, weight: float) -> Self | None:
        """Fit the tail of the largest scores above 0; None for fewer than `LEAST_SCORES`.

        Parameters
        ----------
        most : int
            Scores above the threshold at most; never more than half of all.
        pooled_rate, weight : float
            Rate known before, and the number of scores that it counts as (a gamma prior).
        """
        ranked = np.sort(np.array(scores, dtype=np.float64))
        ranked = ranked[ranked > 0]
        if len(ranked) < LEAST_SCORES:
            return None
        n_above = min(most, max(len(ranked) // 2, LEAST_TAIL))
        threshold = float(ranked[-n_above - 1])
        excess = float((ranked[-n_above:] - threshold).sum())
        rate = (n_above + weight) / (excess + weight / pooled_rate)
        return cls(threshold=threshold, n_above=n_above, rate=rate, scores=ranked)

    def log_expected(self, score: float) -> float:
        """Return the log of the number of scores that are expected to reach `score`."""
        if score < self.threshold:
            return log(max(len(self.scores) - int(np.searchsorted(self.scores, score)), 1))
        return log(self.n_above) - self.rate * (score - self.threshold)
