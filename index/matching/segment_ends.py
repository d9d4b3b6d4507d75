"""Where the copies in an alignment begin and end: a path runs on into sound that is only alike.

A code looks at 1.6 s. So at the end of a copy similarity falls over a second, and half of it is left where
the copy ends. In music that resembles the recording, steps beyond still score, and a path can pass over them
to another place of the recording. Errors of a second at each end add up where an item holds dozens of places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.index.matching.alignment import Alignment, line_through
from earwitness.index.matching.kernels.alignment_loops import QUERY_FRAMES_PER_CODE
from earwitness.index.statistics.calibration import Calibration

Run = tuple[int, int]
"""First step and one past the last."""

LEVEL_QUANTILE: Final = 75.0
"""Percentile of the similarities along a part that says how similar its copy is."""

END_SHARE: Final = 0.52
"""Share of that level that is left at the end of a copy: 0.51 to 0.59 in 60 places of 4 s of two works."""

HOLE_COST: Final = 0.5
"""A run inside a part is a hole where it stays below that share by so much in all, in units of the level."""

OTHER_LINE_ROWS: Final = 3.0
"""A part that goes on beyond a hole this many fine rows off is another copy."""

COVERED_STEPS: Final = 4
STRAIGHT_ROWS: Final = 1.0
"""So many steps beyond a copy that keep to its line, within so many fine rows, are the copy under other
sound. Of fewer, codes may be the cause that look at the copy from beyond its end."""

LEAST_STEPS: Final = 3
"""Parts of fewer steps are left out."""


def copies_in(alignment: Alignment, scoring: Calibration) -> list[Alignment]:
    """The copies in an alignment, in query order, without what is only alike before, between and after them.

    A hole through which a path runs straight on stays in: there the copy lies under other sound.
    """
    return [copy for piece in alignment.pieces(scoring) for copy in _copies_in_piece(piece, scoring)]


def _copies_in_piece(piece: Alignment, scoring: Calibration) -> list[Alignment]:
    level = float(np.percentile(piece.similarity, LEVEL_QUANTILE))
    gains = piece.similarity.astype(np.float64) / max(level, 1e-3) - END_SHARE
    parts = [
        replace(
            piece.part(first, last, scoring),
            before=_reach(gains, first, -1),
            after=_reach(gains, last - 1, 1),
        )
        for first, last in _with_covered_ends(piece, _joined(piece, _runs(gains)))
        if last - first >= LEAST_STEPS
    ]
    return parts or [piece]


def _joined(piece: Alignment, runs: Sequence[Run]) -> list[Run]:
    """Runs between which a path goes straight on are one."""
    joined = list(runs[:1])
    for run in runs[1:]:
        if _goes_straight_on(piece, joined[-1], run):
            joined[-1] = (joined[-1][0], run[1])
        else:
            joined.append(run)
    return joined


def _with_covered_ends(piece: Alignment, runs: list[Run]) -> list[Run]:
    """The first and the last run reach to the ends of a path that goes straight on there for long."""
    if not runs:
        return runs
    n_steps, first, last = len(piece.codes), runs[0][0], runs[-1][1]
    if first >= COVERED_STEPS and _is_straight(piece, runs[0], slice(0, first)):
        runs[0] = (0, runs[0][1])
    if n_steps - last >= COVERED_STEPS and _is_straight(piece, runs[-1], slice(last, n_steps)):
        runs[-1] = (runs[-1][0], n_steps)
    return runs


def _is_straight(piece: Alignment, run: Run, beyond: slice) -> bool:
    """Whether the steps before or after a run lie on its line, as those of a copy do that a voice covers."""
    own = slice(*run)
    slope, at_zero = line_through(piece.codes[own], piece.rows[own], piece.similarity[own])
    off = QUERY_FRAMES_PER_CODE * piece.codes[beyond] - slope * piece.rows[beyond] - at_zero
    return float(np.abs(off).max()) <= STRAIGHT_ROWS


def _reach(gains: NDArray[np.float64], step: int, side: int) -> float:
    """Fine rows from the last step of a run to where similarity crosses the share of the level."""
    beyond = step + side
    if not 0 <= beyond < len(gains):
        return QUERY_FRAMES_PER_CODE / 2
    return float(
        QUERY_FRAMES_PER_CODE * np.clip(gains[step] / (gains[step] - gains[beyond] + 1e-9), 0.0, 1.0)
    )


def _runs(gains: NDArray[np.float64]) -> list[Run]:
    """Runs of steps that together gain most, each paid for with `HOLE_COST`; first and one past the last."""
    inside, outside, began = -np.inf, 0.0, 0
    runs, kept = list[Run](), list[Run]()
    for step, gain in enumerate(gains):
        if outside - HOLE_COST > inside:
            inside, began, runs = outside - HOLE_COST, step, kept
        inside += gain
        if inside > outside:
            outside, kept = inside, [*runs, (began, step + 1)]
    return kept


def _goes_straight_on(piece: Alignment, before: Run, after: Run) -> bool:
    """Whether a path has the same pace through the hole between two runs as along them."""
    codes = QUERY_FRAMES_PER_CODE * piece.codes.astype(np.float64)
    rows = piece.rows.astype(np.float64)
    pace = 1.0
    along = [(run[0], run[1] - 1) for run in (before, after) if run[1] - run[0] > LEAST_STEPS]
    if along:
        met = sum(codes[last] - codes[first] for first, last in along)
        pace = float(sum(rows[last] - rows[first] for first, last in along) / met)
    first, last = before[1] - 1, after[0]
    off = rows[last] - rows[first] - pace * (codes[last] - codes[first])
    return abs(float(off)) <= OTHER_LINE_ROWS
