"""Which of several alignments with one recording explains each moment of a query.

Music that repeats itself, and loops, are met on many diagonals at once, and a path runs on from what is the
same into what is only alike. Each moment goes to the alignment that explains it best; changing from one to
another costs something, so that noise does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log2
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.index.match import Change
from earwitness.index.matching.alignment import Alignment, slope_along
from earwitness.index.statistics.calibration import Calibration

SWITCH_COST: Final = 15.0
"""What it costs to begin with an alignment, or to go on with another, in units of score: two right steps."""

LIKENESS: Final = 20.0
"""Score that an alignment loses for each unit of similarity that another has more at the same moment.

Repeats of a piece score nearly as much as the piece itself, as both are far from chance; their similarity
tells them apart: 0.95 and 0.75, say.
"""

LEAST_PART_S: Final = 1.5
"""Shorter parts are not reported."""

ECHO_GAP: Final = 0.15
"""A part this much less similar than another to the same stretch of the recording is an echo of that.

Music repeats itself: of 55 clips of 10 s, the works that they were cut from gave 66 parts besides the true
ones, 0.46 to 0.78 similar where the true ones were 0.93 to 0.98. A loop is as similar each time.
"""

OTHER_SLOPE: Final = 0.05
OTHER_PITCH_CENTS: Final = 100.0
OTHER_CHANGE_CODES: Final = 16
"""A part of 8 s or more that runs this much faster or slower through the recording than the other, or was
found this much higher or lower, is a changed copy and no echo: music repeats itself at one tempo."""

ECHO_SHARE: Final = 0.5
"""Share of a part's stretch of the recording that the other one explains too."""

SLOT_S: Final = 0.5
"""Length of the moments that are given to alignments, in seconds."""


def placed(alignments: Sequence[Alignment], scoring: Calibration) -> list[tuple[int, Alignment]]:
    """Parts of alignments that do not overlap in the query and together explain it best.

    The best path through (moment, alignment), by dynamic programming (Viterbi 1967); leaving a moment
    unexplained is one of the choices, and scores nothing.

    Parameters
    ----------
    alignments
        All with one recording; at least one.

    Returns
    -------
    parts
        Number of the alignment and the part of it that stands, in query order.
    """
    first, gains = _gains(alignments, scoring)
    choice = _best_choices(gains)
    parts = []
    edges = np.flatnonzero(np.diff(choice)) + 1
    for slots in np.split(np.arange(len(choice)), edges):
        number = int(choice[slots[0]])
        if number < len(alignments):
            part = _between(alignments[number], first + int(slots[0]), first + int(slots[-1]) + 1, scoring)
            if part is not None:
                parts.append((number, part))
    return parts


def _slots(alignment: Alignment) -> NDArray[np.int64]:
    """Moment of each step of an alignment."""
    copy = alignment.copy
    at_s = copy.start_s + alignment.rows * (copy.hop_s / copy.variant.change.stretch)
    return np.asarray(at_s // SLOT_S, dtype=np.int64)


def _gains(alignments: Sequence[Alignment], scoring: Calibration) -> tuple[int, NDArray[np.float64]]:
    """First moment, and what each alignment explains of each, shape (n_moments, n_alignments + 1)."""
    slots = [_slots(alignment) for alignment in alignments]
    first, last = min(int(each[0]) for each in slots), max(int(each[-1]) for each in slots)
    shape = (last - first + 1, len(alignments) + 1)
    gains, alike, count = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for number, (alignment, at) in enumerate(zip(alignments, slots, strict=True)):
        np.add.at(gains[:, number], at - first, alignment.step_scores(scoring))
        np.add.at(alike[:, number], at - first, alignment.similarity)
        np.add.at(count[:, number], at - first, 1)
        outside = np.ones(len(gains), dtype=np.bool_)
        outside[int(at[0]) - first : int(at[-1]) - first + 1] = False
        gains[outside, number] = -np.inf
    alike /= np.maximum(count, 1)
    gains -= LIKENESS * (alike.max(axis=1, keepdims=True) - alike) * (count > 0)
    gains[:, -1] = 0.0
    return first, gains


def _best_choices(gains: NDArray[np.float64]) -> NDArray[np.int64]:
    """The choice of each moment that gives the highest sum, changes paid for; the last choice is "none"."""
    n_moments, n_choices = gains.shape
    came = np.zeros((n_moments, n_choices), dtype=np.int64)
    stay, cost = np.arange(n_choices), np.full(n_choices, SWITCH_COST)
    cost[-1] = 0.0  # to leave off is free
    total = gains[0] - cost
    for moment in range(1, n_moments):
        best = int(total.argmax())
        switched = total[best] - cost
        came[moment] = np.where(total >= switched, stay, best)
        total = np.maximum(total, switched) + gains[moment]
    choice = np.empty(n_moments, dtype=np.int64)
    choice[-1] = int(total.argmax())
    for moment in range(n_moments - 1, 0, -1):
        choice[moment - 1] = came[moment, choice[moment]]
    return choice


def _between(alignment: Alignment, first: int, end: int, scoring: Calibration) -> Alignment | None:
    """The steps of an alignment in moments `first` to `end`, the latter excluded; None where too few."""
    at = _slots(alignment)
    steps = np.flatnonzero((at >= first) & (at < end))
    if not steps.size:
        return None
    if len(steps) == len(at):
        return alignment
    part = alignment.part(int(steps[0]), int(steps[-1]) + 1, scoring)
    start_s, end_s = part.query_span_s
    return part if end_s - start_s >= LEAST_PART_S else None


def _is_changed(part: Alignment, other: Alignment) -> bool:
    """Whether a part is at another speed or pitch than another part with the same recording."""
    if len(part.codes) < OTHER_CHANGE_CODES:
        return False
    higher = abs(_cents(part.copy.variant.change) - _cents(other.copy.variant.change))
    return abs(_pace(part) / _pace(other) - 1) > OTHER_SLOPE or higher >= OTHER_PITCH_CENTS


def _pace(part: Alignment) -> float:
    """Seconds of the recording in one of the query."""
    return part.copy.variant.change.stretch * slope_along(part.codes, part.rows, part.similarity)


def _cents(change: Change) -> float:
    return change.pitch_cents + 1200 * log2(change.speed)


def without_echoes(parts: Sequence[Alignment]) -> list[Alignment]:
    """Leave out parts that are only alike where another part, of the same stretch, is a copy.

    Parameters
    ----------
    parts
        Of one query and one recording.
    """
    if len(parts) < 2:
        return list(parts)
    n_codes = 1 + max(int(part.codes[-1]) for part in parts)
    copies = list[tuple[Alignment, NDArray[np.float32]]]()
    echoes = set[int]()
    for number in sorted(range(len(parts)), key=lambda number: -float(np.median(parts[number].similarity))):
        part = parts[number]
        best = np.full(n_codes, -np.inf, dtype=np.float32)
        for other, similarity in copies:
            if not _is_changed(part, other):
                best = np.maximum(best, similarity)
        shared = np.isfinite(best[part.codes])
        gap = best[part.codes[shared]] - part.similarity[shared]
        if shared.mean() > ECHO_SHARE and float(np.median(gap)) > ECHO_GAP:
            echoes.add(number)
        else:
            own = np.full(n_codes, -np.inf, dtype=np.float32)
            own[part.codes] = part.similarity
            copies.append((part, own))
    return [part for number, part in enumerate(parts) if number not in echoes]
