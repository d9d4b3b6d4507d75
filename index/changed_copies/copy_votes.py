"""Which changes of a query are worth undoing: votes of its frames for the changed copies of stored works."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from math import ceil, floor, inf, log, log2
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.index.changed_copies.copy_index import CopyIndex
from earwitness.index.match import Change, Hits
from earwitness.index.matching.candidates import QueryVariant, find_candidates
from earwitness.index.matching.effort import MAX_N_PROBE, Variant
from earwitness.index.statistics.calibration import Calibration

NEIGHBOURS: Final = 24
"""Codes of copies that are retrieved for each query frame. Chosen by hand."""

LEAST_VOTES: Final = 14.0
VOTES_PER_DOUBLING: Final = 4.3
SHORTEST_S: Final = 3.0
"""Votes, in nats of log-odds, from which a changed copy is promising: so many in `SHORTEST_S` seconds of the
query, and more for each doubling. Chosen by hand on validation music: of absent excerpts, 2 % of 3 s and
0.5 % of 8 s have so many; of excerpts at another speed, pitch or tempo, 1 % have fewer than 21 and 40.
``benchmarks stored-copies`` measures what it costs."""

WINDOW_S: Final = 12.0
WINDOW_HOP_S: Final = 8.0
"""Seconds. A part of a query is searched in windows too, so that a short copy is not held against the votes
that chance gives in all of the part. Chosen by hand."""

PROMISING: Final = 12
"""Candidates that are looked at, besides those of strong votes. Chosen by hand."""

STRETCH_REACH: Final = log(1.14)
PITCH_REACH_CENTS: Final = 130.0
"""A variant is near a copy whose time differs by at most this ratio (natural log), and whose pitch by at most
so much: the copies are further apart than the variants. Chosen by hand, one step of the copies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyVotes:
    """Hits of the frames of an unchanged query in the changed copies.

    Attributes
    ----------
    hits : Hits
        The recordings are numbered together with the copies.
    z : float32 array, shape (n_hits,)
        Similarity of each hit above the mean of its frame's decoys, in standard deviations.
    """

    embedded: QueryVariant
    changes: tuple[Change, ...]
    hits: Hits
    z: NDArray[np.float32]
    calibration: Calibration
    _windows: dict[int, frozenset[Change]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        embedded: QueryVariant,
        copies: CopyIndex,
        calibration: Calibration,
        *,
        itself: int | None = None,
    ) -> CopyVotes:
        """Search the changed copies for every other frame of a query; those of `itself` do not vote."""
        rows = embedded.active
        rows = rows[rows % 2 == 0]
        hits, copy = copies.search(embedded.frames[rows], k=NEIGHBOURS, n_probe=MAX_N_PROBE // 4)
        others = hits.recording != (-1 if itself is None else itself)
        hits, copy = hits.where(others), copy[others]
        frames = rows[hits.query_row]
        return cls(
            embedded=embedded,
            changes=copies.changes,
            hits=Hits(
                query_row=frames.astype(np.int32),
                recording=hits.recording * len(copies.changes) + copy,
                position=hits.position,
                similarity=hits.similarity,
            ),
            z=(hits.similarity - embedded.mean[frames]) * embedded.inverse_sd[frames],
            calibration=calibration,
        )

    def promising(self, variants: Sequence[Variant]) -> list[Variant]:
        """Variants that are near a changed copy of many votes in the whole query."""
        return _near(variants, self._changes(0.0, inf))

    def promising_in(self, variants: Sequence[Variant], span_s: tuple[float, float]) -> list[Variant]:
        """Variants that are near a changed copy of many votes in a span, or in a window of it."""
        start_s, end_s = span_s
        changes = self._changes(start_s, end_s)
        first = max(floor((start_s - self.embedded.start_s) / WINDOW_HOP_S), 0)
        last = ceil((min(end_s, self._end_s) - self.embedded.start_s) / WINDOW_HOP_S)
        for number in range(first, last if end_s - start_s > WINDOW_S else first):
            changes |= self._changes_in_window(number)
        return _near(variants, changes)

    @property
    def _end_s(self) -> float:
        return self.embedded.start_s + len(self.embedded.frames) * self.embedded.hop_s

    def _changes_in_window(self, number: int) -> frozenset[Change]:
        if number not in self._windows:
            start_s = self.embedded.start_s + number * WINDOW_HOP_S
            self._windows[number] = self._changes(start_s, start_s + WINDOW_S)
        return self._windows[number]

    def _changes(self, start_s: float, end_s: float) -> frozenset[Change]:
        """Changes of which a copy has enough of the hits in a span of the query."""
        at_s = self.embedded.start_s + self.hits.query_row * self.embedded.hop_s
        inside = (at_s >= start_s) & (at_s < end_s)
        if not inside.any():
            return frozenset()
        hits = self.hits.where(inside)
        candidates = find_candidates(
            hits,
            hits.query_row.astype(np.int64),
            self.z[inside],
            self.embedded.variant,
            hop_s=self.embedded.hop_s,
            calibration=self.calibration,
            most=PROMISING,
        )
        length_s = min(end_s, self._end_s) - max(start_s, self.embedded.start_s)
        needed = LEAST_VOTES + VOTES_PER_DOUBLING * log2(max(length_s / SHORTEST_S, 1.0))
        numbers = {one.recording % len(self.changes) for one in candidates if one.votes >= needed}
        return frozenset(self.changes[number] for number in numbers)


def covers(changes: Collection[Change], variants: Sequence[Variant]) -> bool:
    """Whether each variant is near one of the changes that works were stored with."""
    return len(_near(variants, changes)) == len(variants)


def _near(variants: Sequence[Variant], changes: Collection[Change]) -> list[Variant]:
    return [each for each in variants if any(_is_near(each.change, change) for change in changes)]


def _is_near(change: Change, other: Change) -> bool:
    return (
        abs(log(change.stretch / other.stretch)) <= STRETCH_REACH
        and abs(_cents(change) - _cents(other)) <= PITCH_REACH_CENTS
    )


def _cents(change: Change) -> float:
    """Pitch of the query above the recording, in cents."""
    return 1_200 * log2(change.speed) + change.pitch_cents
