"""Search the stretches of a query that the unchanged query does not explain, each as a query of its own.

A mix may hold several recordings, each at another change. Votes of the whole query rank the changes of long
parts first, so each stretch ranks the changes by its own votes. E-values stay those of the whole query: the
stretches are parts of it, and each change has its share of the error budget.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np

from earwitness.index.matching.alignment import Alignment, shared_s, slope_along
from earwitness.index.matching.candidates import loud_frames
from earwitness.index.matching.effort import Variant
from earwitness.index.matching.placement import REPEAT_GAP, REPEAT_SHARE
from earwitness.index.matching.scoring import ScoredAlignment
from earwitness.index.matching.search import LEAST_PARTS_S, Search

Span = tuple[float, float]
"""Start and end, in seconds of the query."""

EXPLAINED_E_VALUE: Final = 1e-9
"""E-value up to which an alignment explains the stretch of the query that it covers. Chosen by hand: spoken
word gets no smaller E-values by much."""

BENT: Final = 0.1
BENT_AND_DISSIMILAR: Final = 0.05
DISSIMILAR: Final = 0.7
"""An alignment is at another change than the one it was found at, and its stretch is searched again, where
its slope is off by more than `BENT`, or by more than `BENT_AND_DISSIMILAR` while its similarity is below
`DISSIMILAR`. Chosen by hand: 28 s at 85 % speed aligned with the unchanged query in five pieces of
similarity 0.55, two of them at wrong places."""

LEAST_STRETCH_S: Final = 3.0
"""Active seconds below which a stretch is not searched again. Chosen by hand: shorter changed parts are not
found."""

WINDOW_S: Final = 32.0
WINDOW_HOP_S: Final = 24.0
"""Seconds. Longer stretches are searched in windows; what lasts 8 s or less is inside one of them. Chosen by
hand."""

MARGIN_S: Final = 1.5
"""Seconds by which a window is extended at both ends, as each code covers 1.6 s."""

VARIANTS_PER_WINDOW: Final = 3
"""Changes that are searched in one window, those with most coarse votes. Chosen by hand."""

MAX_ROUNDS: Final = 6
"""Rounds of searching what is still unexplained. Chosen by hand."""


Rank = Callable[[Search, Span], list[Variant]]
"""Ranks the changes that are worth a search of a part of the query, most promising first; the part is given
with its span."""


def search_further(
    search: Search, scored: Sequence[ScoredAlignment], searched: Sequence[Variant], rank: Rank
) -> Iterator[list[ScoredAlignment]]:
    """Search the unexplained stretches of a query at other changes, until nothing new is found.

    Parameters
    ----------
    scored
        Alignments of the query so far.
    searched
        Variants of the whole query that were searched.

    Yields
    ------
    scored
        Further alignments, one stretch and change after the other.
    """
    if search.query.duration_s < LEAST_PARTS_S:
        return
    windows, known = _WindowSearch(search, searched, rank), list(scored)
    for _ in range(MAX_ROUNDS):
        n_known = len(known)
        for more in windows.search(unexplained(search, known)):
            known += more
            yield more
        if not any(explains(one) for one in known[n_known:]):
            break


def explains(scored: ScoredAlignment) -> bool:
    """Whether an alignment explains the stretch of the query that it covers."""
    return scored.e_value <= EXPLAINED_E_VALUE


def certain_others(search: Search, scored: Sequence[ScoredAlignment]) -> list[Alignment]:
    """The alignments that explain what they cover: those of small E-value, with other recordings."""
    certain = (one.alignment for one in scored if explains(one))
    return [alignment for alignment in certain if alignment.recording != search.itself]


def unexplained(search: Search, scored: Sequence[ScoredAlignment]) -> list[Span]:
    """Stretches of a query that no certain alignment explains and that hold enough active sound."""
    frame_s = search.query.spectrogram.frame_s
    loud = loud_frames(search.query.spectrogram)
    explained = np.zeros(len(loud), dtype=np.bool_)
    certain = certain_others(search, scored)
    for alignment in certain:
        if not _is_bent(alignment) and not _is_repeat(alignment, certain):
            for piece in alignment.pieces(search.calibration):
                start_s, end_s = (edge - search.start_s for edge in piece.query_span_s)
                explained[max(round(start_s / frame_s), 0) : max(round(end_s / frame_s), 0)] = True
    edges = np.flatnonzero(np.diff(np.concatenate([[True], explained, [True]]).astype(np.int8)))
    least = LEAST_STRETCH_S / frame_s
    return [
        (search.start_s + first * frame_s, search.start_s + last * frame_s)
        for first, last in edges.reshape(-1, 2)
        if np.count_nonzero(loud[first:last]) >= least
    ]


def _is_bent(alignment: Alignment) -> bool:
    """Whether the slope of an alignment shows another change than the one it was found at."""
    off = abs(slope_along(alignment.codes, alignment.query_frames, alignment.similarity) - 1)
    return off > BENT or (off > BENT_AND_DISSIMILAR and float(alignment.similarity.mean()) < DISSIMILAR)


def _is_repeat(alignment: Alignment, certain: Sequence[Alignment]) -> bool:
    """Whether another alignment has the same stretch of the recording and is far more similar.

    Then this one is either another passage of the music, or changed.
    """
    similarity = float(alignment.similarity.mean())
    if similarity >= DISSIMILAR:
        return False
    start_s, end_s = alignment.reference_span_s
    return any(
        other.recording == alignment.recording
        and float(other.similarity.mean()) > similarity + REPEAT_GAP
        and shared_s((start_s, end_s), other.reference_span_s) > REPEAT_SHARE * (end_s - start_s)
        for other in certain
    )


def windows_of(start_s: float, end_s: float) -> Iterator[Span]:
    """A stretch in windows of about `WINDOW_S` that overlap; a short stretch is one window."""
    n_windows = 1 + max(0, int(np.ceil((end_s - start_s - WINDOW_S) / WINDOW_HOP_S)))
    for number in range(n_windows):
        first_s = start_s + number * WINDOW_HOP_S
        yield first_s, min(first_s + WINDOW_S, end_s)


class _WindowSearch:
    """Searches windows of a query, each window and change once."""

    def __init__(self, search: Search, searched: Sequence[Variant], rank: Rank) -> None:
        self._search, self._rank = search, rank
        whole = (search.start_s, search.start_s + search.query.duration_s)
        self._searched = [(whole, variant) for variant in searched]
        self._windows = set[Span]()

    def search(self, stretches: Sequence[Span]) -> Iterator[list[ScoredAlignment]]:
        for stretch in stretches:
            for window in windows_of(*stretch):
                if window not in self._windows:
                    self._windows.add(window)
                    yield from self._search_window(window)

    def _search_window(self, window: Span) -> Iterator[list[ScoredAlignment]]:
        part = self._search.part(window[0] - MARGIN_S, window[1] + MARGIN_S)
        for variant in self._rank(part, window)[:VARIANTS_PER_WINDOW]:
            if not self._is_searched(window, variant):
                self._searched.append((window, variant))
                yield part.search_variant(variant)

    def _is_searched(self, window: Span, variant: Variant) -> bool:
        return any(
            other == variant and span[0] <= window[0] and window[1] <= span[1]
            for span, other in self._searched
        )
