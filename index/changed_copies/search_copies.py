"""Search a query only at the changes, and in the stretches, in which changed copies of works have many votes.

What is searched is searched as at any other time, with the same E-values. Most items of a dataset match
nothing, and no change of them is undone; of an item that holds a changed copy, only the stretch around it is
searched, at the change that fits best.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from math import inf
from typing import Final

from earwitness.index.changed_copies.copy_index import CopyIndex
from earwitness.index.changed_copies.copy_votes import CopyVotes, PromisingStretch, PromisingWindow
from earwitness.index.match import Change
from earwitness.index.matching.alignment import slope_along
from earwitness.index.matching.effort import Variant
from earwitness.index.matching.scoring import ScoredAlignment
from earwitness.index.matching.search import PREFILTER_CANDIDATES, Search
from earwitness.index.matching.unexplained import (
    MARGIN_S,
    MAX_ROUNDS,
    Span,
    certain_others,
    explains,
    unexplained,
)

CANDIDATE_S: Final = 6.0
"""Seconds of the query for each further candidate that the prefilter aligns: a short copy in a long recording
has few votes. Chosen by hand."""

REACH_S: Final = 4.0
"""Seconds before and after a promising stretch that are searched with it: a copy may be longer than what is
promising. Chosen by hand."""

EDGE_S: Final = 2.0
"""Seconds. A copy that ends so near an end of what was searched may go on there. Chosen by hand."""

STRAIGHT: Final = 0.04
"""Error of the speed of a change up to which no other is searched for the same stretch. Chosen by hand:
half of a step between the speeds of `standard`."""


def search_by_copies(
    search: Search, whole_files: Sequence[int], copies: CopyIndex
) -> Iterator[list[ScoredAlignment]]:
    """Search a piece of a query unchanged, and at the changes for which the stored copies of works vote.

    Yields
    ------
    scored
        Further alignments.
    """
    profile = search.profile
    found = search.search_half(profile.unchanged)
    known = list[ScoredAlignment]()
    most = PREFILTER_CANDIDATES + round(search.query.duration_s / CANDIDATE_S)
    if whole_files or search.has_hope(found, most=most):
        unchanged = search.search_variant(profile.unchanged, also=whole_files)
        known += unchanged
        yield unchanged
    votes = CopyVotes.of(found.half, copies, search.calibration, itself=search.itself)
    stretches = _Stretches(search)
    for _ in range(MAX_ROUNDS):
        n_known = len(known)
        for stretch in votes.promising(profile.changed, _open_spans(search, known)):
            for more in stretches.search(stretch, known):
                known += more
                yield more
        if not any(explains(one) for one in known[n_known:]):
            break


def _open_spans(search: Search, known: Sequence[ScoredAlignment]) -> list[Span]:
    """The query, without what is explained."""
    if certain_others(search, known):
        return unexplained(search, known)
    return [(search.start_s, search.start_s + search.query.duration_s)]


def _is_open(window_s: Span, spans_s: Sequence[Span]) -> bool:
    """Whether more than half of a window is in some spans."""
    start_s, end_s = window_s
    inside_s = sum(max(min(end_s, end) - max(start_s, start), 0.0) for start, end in spans_s)
    return inside_s > (end_s - start_s) / 2


class _Stretches:
    """Searches stretches of a query, each change of a window once."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._searched = set[tuple[Span, Change]]()

    def search(
        self, stretch: PromisingStretch, known: Sequence[ScoredAlignment]
    ) -> Iterator[list[ScoredAlignment]]:
        """Search a stretch at the changes of its best window, and of the others while nothing is certain.

        Parameters
        ----------
        known
            What was found before; windows that it explains are passed over.
        """
        open_s, done = _open_spans(self._search, known), set[Change]()
        part = self._part(stretch.start_s - REACH_S, stretch.end_s + REACH_S)
        # a known copy also has votes just beside it; then the best window overlaps it
        n_certain = sum(_is_within(one, stretch.windows[0].span_s) for one in self._certain(known))
        for window in stretch.windows:
            if _is_open(window.span_s, open_s):
                for scored in self._search_window(window, part, done):
                    yield scored
                    n_certain += len(self._certain(scored))
            if n_certain:
                return

    def _search_window(
        self, window: PromisingWindow, part: Search, done: set[Change]
    ) -> Iterator[list[ScoredAlignment]]:
        """Search a part at the changes of a window, best first, until one fits or fits less well.

        What the item has in common with itself says nothing of a change. `done` are the changes that the part
        was searched at.
        """
        best = inf
        for variant in self._hopeful(window, done):
            done.add(variant.change)
            scored = part.search_variant(variant)
            yield scored
            certain = self._certain(scored)
            if part is not self._search and any(_reaches_an_end(one, part) for one in certain):
                yield self._search.search_variant(variant)
            others = (one for one in scored if one.alignment.recording != self._search.itself)
            e_value = min((one.e_value for one in others), default=inf)
            if e_value > best or any(_is_straight(one) for one in certain):
                return
            best = min(e_value, best)

    def _certain(self, scored: Sequence[ScoredAlignment]) -> list[ScoredAlignment]:
        return [one for one in scored if explains(one) and one.alignment.recording != self._search.itself]

    def _hopeful(self, window: PromisingWindow, done: Collection[Change]) -> list[Variant]:
        """Changes of which a candidate can become a match in a window, best first."""
        where = self._part(window.span_s[0] - MARGIN_S, window.span_s[1] + MARGIN_S)
        new = [
            each
            for each in window.variants
            if each.change not in done and (window.span_s, each.change) not in self._searched
        ]
        ranked = where.vote_coarsely(new).ranked(span_s=window.span_s) if new else []
        hopes = list[tuple[float, Variant]]()
        for variant in ranked[: self._search.profile.searched_variants]:
            self._searched.add((window.span_s, variant.change))
            hope = where.best_hope(where.search_half(variant))
            if hope is not None:
                # a stretched variant has more frames: compare scores for each second of the query
                hopes.append((hope / variant.change.stretch, variant))
        return [variant for _, variant in sorted(hopes, key=lambda each: -each[0])]

    def _part(self, start_s: float, end_s: float) -> Search:
        search = self._search
        if start_s <= search.start_s and end_s >= search.start_s + search.query.duration_s:
            return search
        return search.part(start_s, end_s)


def _is_straight(scored: ScoredAlignment) -> bool:
    """Whether an alignment runs at the speed that it was searched at."""
    alignment = scored.alignment
    slope = slope_along(alignment.codes, alignment.query_frames, alignment.similarity)
    return abs(slope - 1) <= STRAIGHT


def _is_within(scored: ScoredAlignment, window_s: Span) -> bool:
    """Whether an alignment has seconds in common with a window."""
    start_s, end_s = scored.alignment.query_span_s
    return start_s < window_s[1] and end_s > window_s[0]


def _reaches_an_end(scored: ScoredAlignment, part: Search) -> bool:
    start_s, end_s = scored.alignment.query_span_s
    return start_s < part.start_s + EDGE_S or end_s > part.start_s + part.query.duration_s - EDGE_S
