"""Search what the unchanged query does not explain: its unexplained stretches, as queries of their own.

A mix may hold several recordings, each changed differently. Ranked over the whole query, the changes of short
parts are lost among those of long ones, so each stretch has its own ranking. E-values stay those of the whole
query: the stretches lie inside it, and each change has its share of the error budget.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from earwitness.index.matching.alignment import Alignment, shared_s, slope_along
from earwitness.index.matching.candidates import loud_frames
from earwitness.index.matching.coarse_votes import CoarseVotes
from earwitness.index.matching.effort import Variant
from earwitness.index.matching.placement import ECHO_GAP, ECHO_SHARE
from earwitness.index.matching.scoring import ScoredAlignment
from earwitness.index.matching.search import LEAST_PARTS_S, Search

Span = tuple[float, float]

OVERWHELMING_E: Final = 1e-9
"""A match this good explains the stretch that it covers."""

BENT: Final = 0.1
BENT_AND_UNLIKE: Final = 0.05
UNLIKE: Final = 0.7
"""An alignment this much faster or slower than the change that it was found at, or half as much and less
similar than this, comes from another change, which is still to be searched: 28 s at -15 % were found
unchanged, in five pieces of similarity 0.55, two of them at wrong places."""

LEAST_STRETCH_S: Final = 3.0
"""Active seconds below which a stretch is not searched again: nothing that short is found changed."""

WINDOW_S: Final = 32.0
WINDOW_HOP_S: Final = 24.0
"""Longer stretches are searched in windows; whatever lasts 8 s or less lies in one of them whole."""

MARGIN_S: Final = 1.5
"""How far a window reaches into what surrounds it, as codes look at 1.6 s each."""

VARIANTS_PER_WINDOW: Final = 3
"""Changes that are searched in one window, of all that are looked up coarsely."""

LEAST_VOTES: Final = 0.0
"""Votes of a change's best candidate below which it is not searched in a window."""

MOST_ROUNDS: Final = 6
"""Rounds of searching what is still unexplained."""


def search_further(
    search: Search,
    variants: Sequence[Variant],
    found: Sequence[ScoredAlignment],
    look: CoarseVotes | None,
    tried: Sequence[Variant],
) -> Iterator[list[ScoredAlignment]]:
    """Search the unexplained stretches of a query at other changes, until nothing new is found.

    Parameters
    ----------
    rungs
        The changes, without the unchanged query.
    found
        What is known of the query already.
    look
        Coarse look-up of the whole query, where it was made.
    tried
        Changes at which the whole query was searched.

    Yields
    ------
    judged
        What was found besides, one stretch and change after the other.
    """
    if search.query.duration_s < LEAST_PARTS_S:
        return
    further, known = _Further(search, variants, look, tried), list(found)
    for _ in range(MOST_ROUNDS):
        n_known = len(known)
        for some in further.search(unexplained(search, known)):
            known += some
            yield some
        if not any(one.e_value <= OVERWHELMING_E for one in known[n_known:]):
            break


def unexplained(search: Search, found: Sequence[ScoredAlignment]) -> list[Span]:
    """Stretches of a query that no overwhelming match explains and that hold enough active sound."""
    frame_s = search.query.spectrogram.frame_s
    open_ = loud_frames(search.query.spectrogram)
    explained = np.zeros(len(open_), dtype=np.bool_)
    sure = [one.alignment for one in found if one.e_value <= OVERWHELMING_E]
    for alignment in sure:
        if not _is_bent(alignment) and not _echoes(alignment, sure):
            for piece in alignment.pieces(search.scoring):
                start_s, end_s = (edge - search.start_s for edge in piece.query_span_s)
                explained[max(round(start_s / frame_s), 0) : max(round(end_s / frame_s), 0)] = True
    edges = np.flatnonzero(np.diff(np.concatenate([[True], explained, [True]]).astype(np.int8)))
    least = LEAST_STRETCH_S / frame_s
    return [
        (search.start_s + first * frame_s, search.start_s + last * frame_s)
        for first, last in edges.reshape(-1, 2)
        if np.count_nonzero(open_[first:last]) >= least
    ]


def _is_bent(alignment: Alignment) -> bool:
    """Whether an alignment runs far from the change that it was found at, so that a better one is sought."""
    off = abs(slope_along(alignment.codes, alignment.rows, alignment.similarity) - 1)
    return off > BENT or (off > BENT_AND_UNLIKE and float(alignment.similarity.mean()) < UNLIKE)


def _echoes(alignment: Alignment, sure: Sequence[Alignment]) -> bool:
    """Whether the item holds the same stretch of the recording elsewhere, and far more similar.

    Here it is either only alike, or changed.
    """
    similarity = float(alignment.similarity.mean())
    if similarity >= UNLIKE:
        return False
    start_s, end_s = alignment.reference_span_s
    return any(
        other.recording == alignment.recording
        and float(other.similarity.mean()) > similarity + ECHO_GAP
        and shared_s((start_s, end_s), other.reference_span_s) > ECHO_SHARE * (end_s - start_s)
        for other in sure
    )


def windows(start_s: float, end_s: float) -> Iterator[Span]:
    """A stretch in windows of about `WINDOW_S` that overlap; a short one is a window of its own."""
    n_windows = 1 + max(0, int(np.ceil((end_s - start_s - WINDOW_S) / WINDOW_HOP_S)))
    for number in range(n_windows):
        first_s = start_s + number * WINDOW_HOP_S
        yield first_s, min(first_s + WINDOW_S, end_s)


class _Further:
    """What was searched where, so that nothing is searched twice."""

    def __init__(
        self, search: Search, variants: Sequence[Variant], look: CoarseVotes | None, tried: Sequence[Variant]
    ) -> None:
        self._search, self._rungs, self._look = search, variants, look
        whole = (search.start_s, search.start_s + search.query.duration_s)
        self._tried = [(whole, variant) for variant in tried]
        self._looked = set[Span]()

    def search(self, stretches: Sequence[Span]) -> Iterator[list[ScoredAlignment]]:
        for stretch in stretches:
            for window in windows(*stretch):
                if window not in self._looked:
                    self._looked.add(window)
                    yield from self._window(window)

    def _window(self, window: Span) -> Iterator[list[ScoredAlignment]]:
        part = self._search.part(window[0] - MARGIN_S, window[1] + MARGIN_S)
        look = self._look or part.vote_coarsely(self._rungs)
        for votes, variant in look.ranked(span_s=window)[:VARIANTS_PER_WINDOW]:
            if votes >= LEAST_VOTES and not self._is_tried(window, variant):
                self._tried.append((window, variant))
                yield part.search_variant(variant)

    def _is_tried(self, window: Span, variant: Variant) -> bool:
        return any(
            other == variant and span[0] <= window[0] and window[1] <= span[1] for span, other in self._tried
        )
