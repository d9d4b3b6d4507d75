"""Which changes of a query are worth a full search: votes of a look-up at the coarse hop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earwitness.index.match import Hits
from earwitness.index.matching.candidates import find_candidates
from earwitness.index.matching.effort import Variant
from earwitness.index.statistics.calibration import Calibration


@dataclass(frozen=True, slots=True, kw_only=True)
class CoarseLook:
    """Hits of a query at the coarse hop, under every rung.

    Attributes
    ----------
    rung_of : int64 array, shape (n_hits,)
        Number of the rung that each hit belongs to.
    fine_rows : int64 array, shape (n_hits,)
        Fine row of the rung's copy that each hit belongs to.
    z : float32 array, shape (n_hits,)
    start_s : float
        Where the part that was looked up begins in the whole query, in seconds.
    """

    variants: tuple[Variant, ...]
    rung_of: NDArray[np.int64]
    hits: Hits
    fine_rows: NDArray[np.int64]
    z: NDArray[np.float32]
    row_s: float
    start_s: float
    scoring: Calibration

    def promising(self, n_best: int, *, span_s: tuple[float, float] | None = None) -> list[Variant]:
        """The rungs that give any recording the most votes, best first.

        Parameters
        ----------
        span_s
            Count only votes from this span of the query, in seconds.
        """
        return [variant for _, variant in self.ranked(span_s=span_s)[:n_best]]

    def ranked(self, *, span_s: tuple[float, float] | None = None) -> list[tuple[float, Variant]]:
        """Votes of each rung's best candidate and the rung, most votes first; none of rungs without votes."""
        ranked = []
        for number, variant in enumerate(self.variants):
            own = self.rung_of == number
            if span_s is not None:
                at_s = self.start_s + self.fine_rows * (self.row_s / variant.change.stretch)
                own &= (at_s >= span_s[0]) & (at_s < span_s[1])
            if own.any():
                best = find_candidates(
                    self.hits.where(own),
                    self.fine_rows[own],
                    self.z[own],
                    variant,
                    row_s=self.row_s,
                    scoring=self.scoring,
                    most=1,
                )[0]
                # a slowed copy is longer and has more rows to vote: count in the query's own seconds
                ranked.append((best.votes / variant.change.stretch, variant))
        ranked.sort(key=lambda pair: -pair[0])
        return ranked
