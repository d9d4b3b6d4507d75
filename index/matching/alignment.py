"""Alignments: paths through (query time, reference time) near a candidate's diagonal.

The constants were chosen by hand in November 2026.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.numeric.order_statistics import median
from earwitness.index.matching.candidates import QueryVariant
from earwitness.index.matching.kernels.alignment_loops import QUERY_FRAMES_PER_CODE, band_path
from earwitness.index.statistics.calibration import Calibration

MIN_HALF_BAND_ROWS: Final = 8
MAX_HALF_BAND_ROWS: Final = 64
"""Smallest and largest half width of the band around a diagonal, in query frames."""

BAND_PER_ROW: Final = 0.08
"""The band widens with the query by this share: the largest relative error of speed of a variant."""

GAP_STEPS: Final = 4
"""A path without a positive score for more codes than this (2 s) is reported as two segments."""

LEAST_STEPS_OF_A_LINE: Final = 8
"""Paths of fewer steps have a slope of 1."""

SAME_SPAN: Final = 0.5
"""Two alignments that share more than this part of the shorter query span explain the same part of the
query."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """A path through frames of a query variant and codes of a recording.

    Attributes
    ----------
    codes, query_frames : int32 arrays, shape (n_steps,)
        Reference code and query frame of each step; codes are consecutive.
    similarity : float32 array, shape (n_steps,)
        Cosine similarity at each step.
    score : float
        Sum of the step scores, minus the costs of drift.
    before, after : float
        Query frames that belong to the segment before the first and after the last step; by default half a
        code.
    """

    recording: int
    query_variant: QueryVariant
    codes: NDArray[np.int32]
    query_frames: NDArray[np.int32]
    similarity: NDArray[np.float32]
    score: float
    before: float = QUERY_FRAMES_PER_CODE / 2
    after: float = QUERY_FRAMES_PER_CODE / 2

    @property
    def _margins(self) -> tuple[float, float]:
        """`before` and `after`, limited to the query and the recording."""
        before = min(self.before, float(self.query_frames[0]), float(self.codes[0]) * QUERY_FRAMES_PER_CODE)
        return before, min(self.after, float(len(self.query_variant.frames)) - float(self.query_frames[-1]))

    @property
    def query_span_s(self) -> tuple[float, float]:
        """Start and end in the query, in seconds."""
        before, after = self._margins
        return self.query_variant.query_s(float(self.query_frames[0]) - before), self.query_variant.query_s(
            float(self.query_frames[-1]) + after
        )

    @property
    def reference_span_s(self) -> tuple[float, float]:
        """Start and end in the reference, in seconds; the end is not limited to the length of the
        recording."""
        before, after = self._margins
        first, last = self._reference_frames(
            np.array([self.query_frames[0] - before, self.query_frames[-1] + after], dtype=np.float64)
        )
        return max(float(first), 0.0) * self.query_variant.hop_s, float(last) * self.query_variant.hop_s

    def _reference_frames(self, query_frames: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map query frames to the reference, in query frames, by a line through all steps.

        The first and the last step alone are less exact: their context extends beyond the query.
        """
        slope, at_zero = line_through(self.codes, self.query_frames, self.similarity)
        return np.asarray(slope * query_frames + at_zero)

    @property
    def middle_frame(self) -> int:
        """Query frame in the middle of the path."""
        return int(self.query_frames[len(self.query_frames) // 2])

    def step_scores(self, calibration: Calibration) -> NDArray[np.float32]:
        """Return the score of each step, float32, shape (n_steps,)."""
        query_variant, frames = self.query_variant, self.query_frames
        return calibration.step_scores(
            (self.similarity - query_variant.mean[frames]) * query_variant.inverse_sd[frames]
        )

    def pieces(self, calibration: Calibration) -> list[Alignment]:
        """Split the path at long stretches without a positive score, such as a silence or a loud voice."""
        positive = np.flatnonzero(self.step_scores(calibration) > 0)
        cuts = np.flatnonzero(np.diff(positive) > GAP_STEPS) + 1
        return [
            self.part(int(steps[0]), int(steps[-1]) + 1, calibration) for steps in np.split(positive, cuts)
        ]

    def part(self, first: int, last: int, calibration: Calibration) -> Alignment:
        """Return steps `first` to `last`, the latter excluded, with the sum of their scores without drift."""
        part = replace(
            self,
            codes=self.codes[first:last],
            query_frames=self.query_frames[first:last],
            similarity=self.similarity[first:last],
            before=self.before if first == 0 else QUERY_FRAMES_PER_CODE / 2,
            after=self.after if last == len(self.codes) else QUERY_FRAMES_PER_CODE / 2,
        )
        return replace(part, score=float(part.step_scores(calibration).sum()))


def slope_along(
    codes: NDArray[np.int32], query_frames: NDArray[np.int32], similarity: NDArray[np.float32]
) -> float:
    """Return the seconds of the reference in one second of the query variant, along a path."""
    return line_through(codes, query_frames, similarity)[0] if len(codes) >= LEAST_STEPS_OF_A_LINE else 1.0


def line_through(
    codes: NDArray[np.int32], query_frames: NDArray[np.int32], similarity: NDArray[np.float32]
) -> tuple[float, float]:
    """Return slope and offset of the line from query frames to the reference, in query frames."""
    reference = codes * float(QUERY_FRAMES_PER_CODE)
    if len(reference) < LEAST_STEPS_OF_A_LINE:
        return 1.0, median(reference - query_frames)
    slope, at_zero = np.polyfit(query_frames, reference, 1, w=np.maximum(similarity, 0.05))
    return float(slope), float(at_zero)


def best_path(
    query_variant: QueryVariant,
    codes: NDArray[np.float32],
    diagonal: int,
    *,
    calibration: Calibration,
    half_band: int | None = None,
) -> tuple[NDArray[np.int32], NDArray[np.float32], float] | None:
    """Return the best local path in a band around the diagonal on which code ``j`` is at frame ``4 j -
    diagonal``.

    Parameters
    ----------
    codes : float32 array, shape (n_codes, dim)
    half_band
        Query frames on each side of the diagonal; by default more for longer queries.

    Returns
    -------
    steps : int32 array, shape (n_steps, 2)
        Code and query frame of each step.
    similarity : float32 array, shape (n_steps,)
    score : float
        None instead of all three if no step has a positive score.
    """
    if half_band is None:
        half_band = int(
            min(MIN_HALF_BAND_ROWS + BAND_PER_ROW * len(query_variant.frames), MAX_HALF_BAND_ROWS)
        )
    steps, similarity, score = band_path(
        codes,
        query_variant.frames,
        query_variant.mean,
        query_variant.inverse_sd,
        diagonal,
        half_band,
        calibration.table,
        np.float32(calibration.z_low),
        np.float32(calibration.levels_per_z),
        np.float32(calibration.drift_cost),
    )
    return (steps, similarity, score) if len(steps) else None


def codes_met(query_variant: QueryVariant, diagonal: int, n_codes: int) -> tuple[int, int]:
    """Return the range of codes of a recording that are near a diagonal (see `align`): first, last + 1."""
    first = max(diagonal // QUERY_FRAMES_PER_CODE - QUERY_FRAMES_PER_CODE, 0)
    last = min(
        (diagonal + len(query_variant.frames)) // QUERY_FRAMES_PER_CODE + QUERY_FRAMES_PER_CODE, n_codes
    )
    return first, max(first, last)


def align(
    query_variant: QueryVariant,
    recording: int,
    codes: NDArray[np.float32],
    diagonal: int,
    *,
    calibration: Calibration,
    least_score: float,
    half_band: int | None = None,
) -> list[Alignment]:
    """Return the best path near a diagonal, and further separate paths of at least `least_score`, best first.

    The codes before and after each path are aligned again: a query that was cut, or that a voice covers for
    some time, has several paths.

    Parameters
    ----------
    codes : float32 array, shape (n_codes, dim)
        All codes of the recording.
    diagonal : int
        Code ``j`` is at query frame ``4 j - diagonal``.
    half_band
        As in `best_path`.
    """
    ranges, alignments = [codes_met(query_variant, diagonal, len(codes))], list[Alignment]()
    while ranges:
        first, last = ranges.pop()
        if last <= first:
            continue
        path = best_path(
            query_variant,
            codes[first:last],
            diagonal - QUERY_FRAMES_PER_CODE * first,
            calibration=calibration,
            half_band=half_band,
        )
        if path is None or (alignments and path[2] < least_score):
            continue
        steps, similarity, score = path
        alignments.append(
            Alignment(
                recording=recording,
                query_variant=query_variant,
                codes=steps[:, 0] + np.int32(first),
                query_frames=steps[:, 1].copy(),
                similarity=similarity,
                score=score,
            )
        )
        ranges += [(first, first + int(steps[0, 0])), (first + int(steps[-1, 0]) + 1, last)]
    return sorted(alignments, key=lambda alignment: -alignment.score)


def shared_s(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the seconds that two spans have in common."""
    return max(0.0, min(one[1], other[1]) - max(one[0], other[0]))


def same_place(one: Alignment, other: Alignment) -> bool:
    """Return whether two alignments explain the same part of the query."""
    a, b = one.query_span_s, other.query_span_s
    return shared_s(a, b) > SAME_SPAN * min(a[1] - a[0], b[1] - b[0])
