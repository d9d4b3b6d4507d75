"""Which changes of a query are worth undoing: votes of its frames for the changed copies of stored works."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, log, log2
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.index.changed_copies.copy_index import CopyIndex
from earwitness.index.match import Change, Hits
from earwitness.index.matching.candidates import QueryVariant, find_candidates
from earwitness.index.matching.effort import MAX_N_PROBE, Variant
from earwitness.index.matching.unexplained import Span
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
class PromisingWindow:
    """A window of a query in which changed copies have many votes.

    Attributes
    ----------
    span_s : tuple of float
        Start and end, in seconds of the query.
    variants : tuple of Variant
        Changes that are near those of the copies with many votes.
    """

    span_s: Span
    variants: tuple[Variant, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PromisingStretch:
    """Neighbouring windows that have a change in common, from `start_s` to `end_s` of a query.

    Attributes
    ----------
    windows : tuple of PromisingWindow
        Those with most votes first.
    """

    start_s: float
    end_s: float
    windows: tuple[PromisingWindow, ...]


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

    def promising(self, variants: Sequence[Variant], spans_s: Sequence[Span]) -> list[PromisingStretch]:
        """Find the stretches of the query in which changed copies have many votes.

        Parameters
        ----------
        variants
            Changes that may be searched.
        spans_s
            Only frames in these spans of the query vote, in seconds.
        """
        at_s = np.asarray(self.embedded.start_s + self.hits.query_row * self.embedded.hop_s, np.float64)
        inside = np.zeros(len(at_s), dtype=np.bool_)
        for start_s, end_s in spans_s:
            inside |= (at_s >= start_s) & (at_s < end_s)
        runs = list[list[_Window]]()
        for window in self._windows(inside, at_s, spans_s):
            last = runs[-1][-1] if runs else None
            if last and window.span_s[0] < last.span_s[1] and last.votes.keys() & window.votes.keys():
                runs[-1].append(window)
            else:
                runs.append([window])
        return [_stretch(run, variants) for run in runs]

    def _windows(
        self, inside: NDArray[np.bool_], at_s: NDArray[np.float64], spans_s: Sequence[Span]
    ) -> Iterator[_Window]:
        """Yield the windows of the query that have changes of many votes; a short query is one window."""
        begin_s = self.embedded.start_s
        end_s = begin_s + len(self.embedded.frames) * self.embedded.hop_s
        for number in range(1 + max(0, ceil((end_s - begin_s - WINDOW_S) / WINDOW_HOP_S))):
            first_s = begin_s + number * WINDOW_HOP_S
            last_s = min(first_s + WINDOW_S, end_s)
            length_s = sum(max(min(last_s, end) - max(first_s, start), 0.0) for start, end in spans_s)
            votes = self._changes(inside & (at_s >= first_s) & (at_s < last_s), length_s)
            if votes:
                yield _Window(span_s=(first_s, last_s), votes=votes)

    def _changes(self, chosen: NDArray[np.bool_], length_s: float) -> dict[Change, float]:
        """Changes of which a copy has enough of some hits, from so many seconds, with their most votes."""
        if not chosen.any():
            return {}
        hits = self.hits.where(chosen)
        candidates = find_candidates(
            hits,
            hits.query_row.astype(np.int64),
            self.z[chosen],
            self.embedded.variant,
            hop_s=self.embedded.hop_s,
            calibration=self.calibration,
            most=PROMISING,
        )
        needed = LEAST_VOTES + VOTES_PER_DOUBLING * log2(max(length_s / SHORTEST_S, 1.0))
        votes = dict[Change, float]()
        for one in candidates:
            if one.votes >= needed:
                votes.setdefault(self.changes[one.recording % len(self.changes)], one.votes)
        return votes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    span_s: Span
    votes: Mapping[Change, float]


def _stretch(run: Sequence[_Window], variants: Sequence[Variant]) -> PromisingStretch:
    windows = sorted(run, key=lambda window: -max(window.votes.values()))
    return PromisingStretch(
        start_s=run[0].span_s[0],
        end_s=run[-1].span_s[1],
        windows=tuple(
            PromisingWindow(span_s=one.span_s, variants=tuple(_near(variants, one.votes))) for one in windows
        ),
    )


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
