"""Candidates -> paths through (query time, reference time), and the separated segments of one recording."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.index.matching.candidates import QueryVariant
from earwitness.index.matching.kernels.alignment_loops import ROWS_PER_CODE, band_path
from earwitness.index.statistics.calibration import Calibration

MIN_HALF_BAND_ROWS: Final = 8
MAX_HALF_BAND_ROWS: Final = 64
BAND_PER_ROW: Final = 0.08
"""The band widens with the query's length: this much of speed may be left over at a rung."""

GAP_STEPS: Final = 4
"""A path that scores nothing for this many codes (2 s) is reported as two segments with a gap between."""

LEAST_STEPS_OF_A_LINE: Final = 8
"""Shorter paths are taken to run straight."""

SAME_SPAN: Final = 0.5
"""Two alignments that share more than this of the shorter one's query span say the same thing twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """One path through fine rows of a copy and codes of a recording.

    Attributes
    ----------
    codes, rows : int32 arrays, shape (n_steps,)
        Reference code and fine query row of each step; codes follow each other without a gap.
    similarity : float32 array, shape (n_steps,)
        Cosine at each step.
    score : float
        Sum of the step scores, drift paid for.
    before, after : float
        Fine rows by which the same sound reaches past the first and the last step: half a code, where nothing
        more is known.
    """

    recording: int
    copy: QueryVariant
    codes: NDArray[np.int32]
    rows: NDArray[np.int32]
    similarity: NDArray[np.float32]
    score: float
    before: float = ROWS_PER_CODE / 2
    after: float = ROWS_PER_CODE / 2

    @property
    def _margins(self) -> tuple[float, float]:
        """Rows by which the spans reach past the first and the last: no more than there is."""
        before = min(self.before, float(self.rows[0]), float(self.codes[0]) * ROWS_PER_CODE)
        return before, min(self.after, float(len(self.copy.frames)) - float(self.rows[-1]))

    @property
    def query_span_s(self) -> tuple[float, float]:
        """Start and end in the query as it was given, in seconds: from half a code before to half after."""
        before, after = self._margins
        return self.copy.query_s(float(self.rows[0]) - before), self.copy.query_s(
            float(self.rows[-1]) + after
        )

    @property
    def reference_span_s(self) -> tuple[float, float]:
        """Start and end in the reference, in seconds: of the same sound as the query's; not cut off."""
        before, after = self._margins
        first, last = self._meets(np.array([self.rows[0] - before, self.rows[-1] + after], dtype=np.float64))
        return max(float(first), 0.0) * self.copy.hop_s, float(last) * self.copy.hop_s

    def _meets(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where fine rows of the query lie in the reference, in rows: on a line through all steps.

        The first and last steps alone would be rows off, for they look beyond the ends of the query.
        """
        slope, at_zero = line_through(self.codes, self.rows, self.similarity)
        return np.asarray(slope * rows + at_zero)

    @property
    def middle_row(self) -> int:
        """Fine row halfway along the path."""
        return int(self.rows[len(self.rows) // 2])

    def step_scores(self, scoring: Calibration) -> NDArray[np.float32]:
        """What each step scores, float32, shape (n_steps,)."""
        copy, rows = self.copy, self.rows
        return scoring.step_scores((self.similarity - copy.mean[rows]) * copy.inverse_sd[rows])

    def pieces(self, scoring: Calibration) -> list[Alignment]:
        """The path without its long stretches that score nothing, such as a silence or a loud voice."""
        right = np.flatnonzero(self.step_scores(scoring) > 0)
        cuts = np.flatnonzero(np.diff(right) > GAP_STEPS) + 1
        return [self.part(int(steps[0]), int(steps[-1]) + 1, scoring) for steps in np.split(right, cuts)]

    def part(self, first: int, last: int, scoring: Calibration) -> Alignment:
        """Steps `first` to `last`, the latter excluded, with what they score; drift is not paid for."""
        kept = replace(
            self,
            codes=self.codes[first:last],
            rows=self.rows[first:last],
            similarity=self.similarity[first:last],
            before=self.before if first == 0 else ROWS_PER_CODE / 2,
            after=self.after if last == len(self.codes) else ROWS_PER_CODE / 2,
        )
        return replace(kept, score=float(kept.step_scores(scoring).sum()))


def slope_along(codes: NDArray[np.int32], rows: NDArray[np.int32], similarity: NDArray[np.float32]) -> float:
    """Reference time in one of the copy along a path."""
    return line_through(codes, rows, similarity)[0] if len(codes) >= LEAST_STEPS_OF_A_LINE else 1.0


def line_through(
    codes: NDArray[np.int32], rows: NDArray[np.int32], similarity: NDArray[np.float32]
) -> tuple[float, float]:
    """Slope and beginning of the line on which fine rows of a query lie in the reference, in rows."""
    met = codes * float(ROWS_PER_CODE)
    if len(met) < LEAST_STEPS_OF_A_LINE:
        return 1.0, float(np.median(met - rows))
    slope, at_zero = np.polyfit(rows, met, 1, w=np.maximum(similarity, 0.05))
    return float(slope), float(at_zero)


def best_path(
    copy: QueryVariant,
    codes: NDArray[np.float32],
    lead: int,
    *,
    scoring: Calibration,
    half_band: int | None = None,
) -> tuple[NDArray[np.int32], NDArray[np.float32], float] | None:
    """Best local path in a band round the diagonal on which code ``j`` meets row ``4 j - lead``.

    Parameters
    ----------
    codes : float32 array, shape (n_codes, dim)
    half_band
        Fine rows to either side of the diagonal; by default more for longer queries.

    Returns
    -------
    steps : int32 array, shape (n_steps, 2)
        Code and fine row of each step.
    similarity : float32 array, shape (n_steps,)
    score : float
        None instead of all three where no step scores above zero.
    """
    if half_band is None:
        half_band = int(min(MIN_HALF_BAND_ROWS + BAND_PER_ROW * len(copy.frames), MAX_HALF_BAND_ROWS))
    steps, similarity, score = band_path(
        codes,
        copy.frames,
        copy.mean,
        copy.inverse_sd,
        lead,
        half_band,
        scoring.table,
        np.float32(scoring.z_low),
        np.float32(scoring.levels_per_z),
        np.float32(scoring.drift_cost),
    )
    return (steps, similarity, score) if len(steps) else None


def codes_met(copy: QueryVariant, lead: int, n_codes: int) -> tuple[int, int]:
    """First and one past the last code of a recording that a copy can meet near a diagonal (see `align`)."""
    first = max(lead // ROWS_PER_CODE - ROWS_PER_CODE, 0)
    last = min((lead + len(copy.frames)) // ROWS_PER_CODE + ROWS_PER_CODE, n_codes)
    return first, max(first, last)


def align(
    copy: QueryVariant,
    recording: int,
    codes: NDArray[np.float32],
    lead: int,
    *,
    scoring: Calibration,
    least_score: float,
    half_band: int | None = None,
) -> list[Alignment]:
    """The best path near one diagonal and all separated ones that score at least `least_score`, best first.

    Where a path ends, what is left before and after it is searched again: a query that was cut,
    or that a voice covers for a while, gives several.

    Parameters
    ----------
    codes : float32 array, shape (n_codes, dim)
        All codes of the recording.
    lead : int
        Offset of the diagonal: code ``j`` meets fine row ``4 j - lead``.
    half_band
        As for `best_path`.
    """
    todo, found = [codes_met(copy, lead, len(codes))], list[Alignment]()
    while todo:
        first, last = todo.pop()
        if last <= first:
            continue
        path = best_path(
            copy, codes[first:last], lead - ROWS_PER_CODE * first, scoring=scoring, half_band=half_band
        )
        if path is None or (found and path[2] < least_score):
            continue
        steps, similarity, score = path
        found.append(
            Alignment(
                recording=recording,
                copy=copy,
                codes=steps[:, 0] + np.int32(first),
                rows=steps[:, 1].copy(),
                similarity=similarity,
                score=score,
            )
        )
        todo += [(first, first + int(steps[0, 0])), (first + int(steps[-1, 0]) + 1, last)]
    return sorted(found, key=lambda alignment: -alignment.score)


def shared_s(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Seconds that two spans have in common."""
    return max(0.0, min(one[1], other[1]) - max(one[0], other[0]))


def same_place(one: Alignment, other: Alignment) -> bool:
    """Whether two alignments explain the same part of the query."""
    a, b = one.query_span_s, other.query_span_s
    return shared_s(a, b) > SAME_SPAN * min(a[1] - a[0], b[1] - b[0])
