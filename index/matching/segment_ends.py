"""Where the copies in an alignment begin and end: an alignment continues into similar sound beyond them.

A code covers 1.6 s. So similarity falls over about a second at the end of a copy, and half of it is left
where the copy ends. In music that resembles the recording, steps beyond the end still score, and an
alignment can continue over them to another copy. Errors of a second at each end add up where an item holds
dozens of copies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.numeric.order_statistics import quantile
from earwitness.index.matching.alignment import Alignment, line_through
from earwitness.index.matching.kernels.alignment_loops import QUERY_FRAMES_PER_CODE
from earwitness.index.statistics.calibration import Calibration

Run = tuple[int, int]
"""First step and one past the last."""

LEVEL_QUANTILE: Final = 75.0
"""Percentile of the similarities along an alignment that is taken as the similarity of its copies, its level.
Chosen by hand."""

END_SHARE: Final = 0.52
"""Share of the level that is left at the end of a copy. Chosen by hand: 0.51 to 0.59 was measured at the ends
of 60 copies of 4 s of two works."""

HOLE_COST: Final = 0.5
"""Steps inside an alignment are a hole where they fall short of that share by this much in total, in units of
the level. Chosen by hand."""

OTHER_LINE_ROWS: Final = 3.0
"""Query frames by which an alignment must shift across a hole for the other side to be another copy. Chosen
by hand."""

COVERED_STEPS: Final = 4
STRAIGHT_ROWS: Final = 1.0
"""At least this many steps beyond a copy, all within this many query frames of its line, are the copy under
other sound. Fewer steps may come from codes beyond the end that still cover a part of the copy. Chosen by
hand."""

LEAST_STEPS: Final = 3
"""Copies of fewer steps (1.5 s) are dropped. Chosen by hand."""


def copies_in(alignment: Alignment, calibration: Calibration) -> list[Alignment]:
    """The copies in an alignment, in query order, without similar sound before, between and after them.

    A hole that the alignment crosses in a straight line belongs to the copy, which is under other sound
    there.
    """
    return [copy for piece in alignment.pieces(calibration) for copy in _copies_in_piece(piece, calibration)]


def _copies_in_piece(piece: Alignment, calibration: Calibration) -> list[Alignment]:
    level = float(quantile(piece.similarity, LEVEL_QUANTILE / 100))
    gains = piece.similarity.astype(np.float64) / max(level, 1e-3) - END_SHARE
    parts = [
        replace(
            piece.part(first, last, calibration),
            before=_reach(gains, first, -1),
            after=_reach(gains, last - 1, 1),
        )
        for first, last in _with_covered_ends(piece, _joined(piece, _runs(gains)))
        if last - first >= LEAST_STEPS
    ]
    return parts or [piece]


def _joined(piece: Alignment, runs: Sequence[Run]) -> list[Run]:
    """Join runs where the alignment is straight between them."""
    joined = list(runs[:1])
    for run in runs[1:]:
        if _is_straight_between(piece, joined[-1], run):
            joined[-1] = (joined[-1][0], run[1])
        else:
            joined.append(run)
    return joined


def _with_covered_ends(piece: Alignment, runs: list[Run]) -> list[Run]:
    """Extend the first and the last run to the ends of the alignment where it is straight there for long."""
    if not runs:
        return runs
    n_steps, first, last = len(piece.codes), runs[0][0], runs[-1][1]
    if first >= COVERED_STEPS and _is_straight(piece, runs[0], slice(0, first)):
        runs[0] = (0, runs[0][1])
    if n_steps - last >= COVERED_STEPS and _is_straight(piece, runs[-1], slice(last, n_steps)):
        runs[-1] = (runs[-1][0], n_steps)
    return runs


def _is_straight(piece: Alignment, run: Run, beyond: slice) -> bool:
    """Whether the steps before or after a run are on its line, as those of a copy under a voice are."""
    own = slice(*run)
    slope, at_zero = line_through(piece.codes[own], piece.query_frames[own], piece.similarity[own])
    off = QUERY_FRAMES_PER_CODE * piece.codes[beyond] - slope * piece.query_frames[beyond] - at_zero
    return float(np.abs(off).max()) <= STRAIGHT_ROWS


def _reach(gains: NDArray[np.float64], step: int, side: int) -> float:
    """Query frames from the last step of a run to where similarity crosses `END_SHARE` of the level."""
    beyond = step + side
    if not 0 <= beyond < len(gains):
        return QUERY_FRAMES_PER_CODE / 2
    return float(
        QUERY_FRAMES_PER_CODE * np.clip(gains[step] / (gains[step] - gains[beyond] + 1e-9), 0.0, 1.0)
    )


def _runs(gains: NDArray[np.float64]) -> list[Run]:
    """Runs of steps with the highest total gain, each at the cost `HOLE_COST`."""
    inside, outside, first = -np.inf, 0.0, 0
    before, best = list[Run](), list[Run]()
    for step, gain in enumerate(gains):
        if outside - HOLE_COST > inside:
            inside, first, before = outside - HOLE_COST, step, best
        inside += gain
        if inside > outside:
            outside, best = inside, [*before, (first, step + 1)]
    return best


def _is_straight_between(piece: Alignment, before: Run, after: Run) -> bool:
    """Whether an alignment has the same slope across the hole between two runs as along them."""
    codes = QUERY_FRAMES_PER_CODE * piece.codes.astype(np.float64)
    query_frames = piece.query_frames.astype(np.float64)
    slope = 1.0
    along = [(run[0], run[1] - 1) for run in (before, after) if run[1] - run[0] > LEAST_STEPS]
    if along:
        met = sum(codes[last] - codes[first] for first, last in along)
        slope = float(sum(query_frames[last] - query_frames[first] for first, last in along) / met)
    first, last = before[1] - 1, after[0]
    off = query_frames[last] - query_frames[first] - slope * (codes[last] - codes[first])
    return abs(float(off)) <= OTHER_LINE_ROWS
