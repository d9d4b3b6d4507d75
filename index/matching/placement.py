"""Which of several alignments with one recording explains each moment of a query.

Loops, and music that repeats itself, align on many diagonals at once, and an alignment continues from a copy
into similar music. Each moment is assigned to the alignment that explains it best. Each switch between
alignments has a cost, so that noise causes none.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log2
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.numeric.order_statistics import median
from earwitness.index.match import Change
from earwitness.index.matching.alignment import Alignment, slope_along
from earwitness.index.statistics.calibration import Calibration

SWITCH_COST: Final = 15.0
"""Cost, in nats of score, of beginning an alignment or switching to another: the score of two right steps.
Chosen by hand on synthetic mixes."""

SIMILARITY_WEIGHT: Final = 20.0
"""Score, in nats, that an alignment loses for each unit of similarity that another one has more at the same
moment.

Repeats within a piece score nearly as much as the copy, as both are far from chance, but are less similar:
0.75 where the copy has 0.95. Chosen by hand on synthetic mixes.
"""

LEAST_PART_S: Final = 1.5
"""Seconds of the query. Shorter parts are not reported. Chosen by hand."""

REPEAT_GAP: Final = 0.15
"""A part that is this much less similar than another part to the same stretch of the recording is a repeat
within the music, and is dropped.

Chosen by hand: 55 clips of 10 s gave, with the works that they were cut from, 66 parts besides the true ones,
of similarity 0.46 to 0.78; the true ones had 0.93 to 0.98. A loop is equally similar each time.
"""

OTHER_SLOPE: Final = 0.05
OTHER_PITCH_CENTS: Final = 100.0
OTHER_CHANGE_CODES: Final = 16
"""A part of 8 s (16 codes) or more whose slope differs by this ratio from the other's, or that was found at a
pitch this far away, is a changed copy and no repeat: music repeats itself at one tempo. Chosen by hand."""

REPEAT_SHARE: Final = 0.5
"""Share of a part's stretch of the recording that other parts explain, from which it may be a repeat. Chosen
by hand."""

SLOT_S: Final = 0.5
"""Length of one moment, in seconds: the hop of the codes."""


def best_parts(alignments: Sequence[Alignment], calibration: Calibration) -> list[tuple[int, Alignment]]:
    """Parts of alignments that do not overlap in the query and together have the highest score.

    They are the best path through (moment, alignment), by dynamic programming (Viterbi 1967). A moment may
    stay unexplained, at score 0.

    Parameters
    ----------
    alignments
        All with one recording; at least one.

    Returns
    -------
    parts
        Number of the alignment and the part of it, in query order.
    """
    first, gains = _gains(alignments, calibration)
    choice = _best_choices(gains)
    parts = []
    edges = np.flatnonzero(np.diff(choice)) + 1
    for slots in np.split(np.arange(len(choice)), edges):
        number = int(choice[slots[0]])
        if number < len(alignments):
            part = _between(
                alignments[number], first + int(slots[0]), first + int(slots[-1]) + 1, calibration
            )
            if part is not None:
                parts.append((number, part))
    return parts


def _slots(alignment: Alignment) -> NDArray[np.int64]:
    """Moment of each step of an alignment."""
    query_variant = alignment.query_variant
    at_s = query_variant.start_s + alignment.query_frames * (
        query_variant.hop_s / query_variant.change.stretch
    )
    return np.asarray(at_s // SLOT_S, dtype=np.int64)


def _gains(alignments: Sequence[Alignment], calibration: Calibration) -> tuple[int, NDArray[np.float64]]:
    """First moment, and the score of each alignment at each, shape (n_moments, n_alignments + 1)."""
    slots = [_slots(alignment) for alignment in alignments]
    first, last = min(int(each[0]) for each in slots), max(int(each[-1]) for each in slots)
    shape = (last - first + 1, len(alignments) + 1)
    gains, similarity, count = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for number, (alignment, at) in enumerate(zip(alignments, slots, strict=True)):
        np.add.at(gains[:, number], at - first, alignment.step_scores(calibration))
        np.add.at(similarity[:, number], at - first, alignment.similarity)
        np.add.at(count[:, number], at - first, 1)
        outside = np.ones(len(gains), dtype=np.bool_)
        outside[int(at[0]) - first : int(at[-1]) - first + 1] = False
        gains[outside, number] = -np.inf
    similarity /= np.maximum(count, 1)
    gains -= SIMILARITY_WEIGHT * (similarity.max(axis=1, keepdims=True) - similarity) * (count > 0)
    gains[:, -1] = 0.0
    return first, gains


def _best_choices(gains: NDArray[np.float64]) -> NDArray[np.int64]:
    """The choice of each moment that gives the highest sum, less `SWITCH_COST`; the last choice is "none"."""
    n_moments, n_choices = gains.shape
    previous = np.zeros((n_moments, n_choices), dtype=np.int64)
    stay, cost = np.arange(n_choices), np.full(n_choices, SWITCH_COST)
    cost[-1] = 0.0  # ending an alignment costs nothing
    total = gains[0] - cost
    for moment in range(1, n_moments):
        best = int(total.argmax())
        switched = total[best] - cost
        previous[moment] = np.where(total >= switched, stay, best)
        total = np.maximum(total, switched) + gains[moment]
    choice = np.empty(n_moments, dtype=np.int64)
    choice[-1] = int(total.argmax())
    for moment in range(n_moments - 1, 0, -1):
        choice[moment - 1] = previous[moment, choice[moment]]
    return choice


def _between(alignment: Alignment, first: int, end: int, calibration: Calibration) -> Alignment | None:
    """The part of an alignment in moments `first` to `end`, exclusive; None where it is too short."""
    at = _slots(alignment)
    steps = np.flatnonzero((at >= first) & (at < end))
    if not steps.size:
        return None
    if len(steps) == len(at):
        return alignment
    part = alignment.part(int(steps[0]), int(steps[-1]) + 1, calibration)
    start_s, end_s = part.query_span_s
    return part if end_s - start_s >= LEAST_PART_S else None


def _is_changed(part: Alignment, other: Alignment) -> bool:
    """Whether a part is at another speed or pitch than another part with the same recording."""
    if len(part.codes) < OTHER_CHANGE_CODES:
        return False
    pitch_gap_cents = abs(_cents(part.query_variant.change) - _cents(other.query_variant.change))
    return abs(_stretch(part) / _stretch(other) - 1) > OTHER_SLOPE or pitch_gap_cents >= OTHER_PITCH_CENTS


def _stretch(part: Alignment) -> float:
    """Seconds of the recording in one second of the query."""
    return part.query_variant.change.stretch * slope_along(part.codes, part.query_frames, part.similarity)


def _cents(change: Change) -> float:
    return change.pitch_cents + 1200 * log2(change.speed)


def without_repeats(parts: Sequence[Alignment]) -> list[Alignment]:
    """Drop parts that repeat, less similar, a stretch of the recording that another part copies.

    Parameters
    ----------
    parts
        Of one query and one recording.
    """
    if len(parts) < 2:
        return list(parts)
    n_codes = 1 + max(int(part.codes[-1]) for part in parts)
    copies = list[tuple[Alignment, NDArray[np.float32]]]()
    repeats = set[int]()
    for number in sorted(range(len(parts)), key=lambda number: -median(parts[number].similarity)):
        part = parts[number]
        best = np.full(n_codes, -np.inf, dtype=np.float32)
        for other, similarity in copies:
            if not _is_changed(part, other):
                best = np.maximum(best, similarity)
        shared = np.isfinite(best[part.codes])
        gap = best[part.codes[shared]] - part.similarity[shared]
        if shared.mean() > REPEAT_SHARE and median(gap) > REPEAT_GAP:
            repeats.add(number)
        else:
            similarity_at = np.full(n_codes, -np.inf, dtype=np.float32)
            similarity_at[part.codes] = part.similarity
            copies.append((part, similarity_at))
    return [part for number, part in enumerate(parts) if number not in repeats]
