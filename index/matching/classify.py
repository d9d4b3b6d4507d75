"""Kind of a match: exact, modified, excerpt, excerpt under other audio, shared material.

The constants were chosen by hand in November 2026.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.index.match import Change, Match, MatchClass

EXACT_COVERAGE: Final = 0.9
"""Smallest coverage of both files of an exact copy, which Chromaprint confirms."""

WHOLE_COVERAGE: Final = 0.8
"""Smallest coverage of both files at which the match is the complete recording."""

LOOP_RECORDINGS: Final = 4
"""Smallest number of different recordings with the same short span of a query that share a loop or a
sample."""

LOOP_E_VALUE: Final = 1e-4
"""Largest E-value of a match that counts for a loop."""

LOOP_SIMILARITY_RANGE: Final = 0.15
"""Recordings that share a loop are about as similar to the query; one that is far more similar is its
source."""

LOOP_S: Final = 12.0
"""Longest loop, in seconds; longer spans are copies of one recording."""

LOOP_COVERAGE: Final = 0.5
"""A loop covers less than this share of each recording."""

SAME_SPAN: Final = 0.8
"""Share of a match's query span from which another match covers it, too."""

MOST_COMPARED: Final = 64
"""Largest number of matches of one span that are compared with each other; thousands would take hours."""

CONTEXT_CODES: Final = 16
"""Codes before and after a match (8 s) by which two recordings are compared."""

COPY_SIMILARITY: Final = 0.6
"""Smallest similarity of the contexts of two copies of one recording."""


def classify(
    *,
    change: Change,
    query_coverage: float,
    reference_coverage: float,
    similarity: float,
    whole_file: bool,
    overlaid_similarity: float,
) -> MatchClass:
    """Return the kind of a match.

    Parameters
    ----------
    whole_file
        Whether both files are the same from start to end by Chromaprint.
    overlaid_similarity
        Excerpts with a lower similarity along the path are under other audio.
    """
    covered = min(query_coverage, reference_coverage)
    unchanged = change == Change()
    if whole_file and unchanged and covered >= EXACT_COVERAGE:
        return MatchClass.EXACT
    if covered >= WHOLE_COVERAGE or not unchanged:
        return MatchClass.MODIFIED
    return MatchClass.EXCERPT_UNDER_OTHER_AUDIO if similarity < overlaid_similarity else MatchClass.EXCERPT


def mark_shared(
    matches: Sequence[Match], codes_of: Callable[[int], NDArray[np.float32]], *, hop_s: float
) -> list[Match]:
    """Mark matches as shared material where many recordings contain the same short span of the query.

    Parameters
    ----------
    codes_of
        Returns the codes of a recording, float32, shape (n_codes, dim). The codes before and after a match
        distinguish copies of one recording from recordings that share a loop.
    """
    loops = [match for match in matches if _may_be_loop(match)]
    if len(loops) < LOOP_RECORDINGS:
        return list(matches)
    spans = np.array([_query_span(match) for match in loops])
    similarity = np.array([match.similarity for match in loops])
    contexts = [_context(match, codes_of, hop_s) for match in loops]
    shared = {
        match.recording
        for number, match in enumerate(loops)
        if _count_different([contexts[other] for other in _same_span(number, spans, similarity)])
        >= LOOP_RECORDINGS
    }
    return [
        replace(match, kind=MatchClass.SHARED_MATERIAL) if match.recording in shared else match
        for match in matches
    ]


def _may_be_loop(match: Match) -> bool:
    start_s, end_s = _query_span(match)
    short = end_s - start_s <= LOOP_S and match.reference_coverage < LOOP_COVERAGE
    return short and match.e_value <= LOOP_E_VALUE


def _query_span(match: Match) -> tuple[float, float]:
    return match.segments[0].query_start_s, match.segments[-1].query_end_s


def _same_span(number: int, spans: NDArray[np.float64], similarity: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the matches that cover the query span of one, of similar similarity; at most `MOST_COMPARED`."""
    start_s, end_s = spans[number]
    shared_s = np.minimum(spans[:, 1], end_s) - np.maximum(spans[:, 0], start_s)
    similar = np.abs(similarity - similarity[number]) <= LOOP_SIMILARITY_RANGE
    return np.flatnonzero(similar & (shared_s > SAME_SPAN * (end_s - start_s)))[:MOST_COMPARED]


def _count_different(contexts: Sequence[NDArray[np.float32]]) -> int:
    """Count recordings that are no copies of each other, up to `LOOP_RECORDINGS`."""
    different: list[NDArray[np.float32]] = []
    for context in contexts:
        if not any(_are_copies(context, other) for other in different):
            different.append(context)
            if len(different) == LOOP_RECORDINGS:
                break
    return len(different)


def _context(
    match: Match, codes_of: Callable[[int], NDArray[np.float32]], hop_s: float
) -> NDArray[np.float32]:
    segment = match.segments[0]
    first, last = round(segment.reference_start_s / hop_s), round(segment.reference_end_s / hop_s)
    return _codes_around(codes_of(match.recording), first, last)


def _codes_around(codes: NDArray[np.float32], first: int, last: int) -> NDArray[np.float32]:
    """Return codes before and after a span, zeros outside the recording, shape (2, CONTEXT_CODES, dim)."""
    context = np.zeros((2, CONTEXT_CODES, codes.shape[1]), dtype=np.float32)
    # at a distance of three codes, because the context of a code is longer than its half second
    before, after = (
        codes[max(first - 3 - CONTEXT_CODES, 0) : max(first - 3, 0)],
        codes[last + 3 :][:CONTEXT_CODES],
    )
    context[0, CONTEXT_CODES - len(before) :] = before
    context[1, : len(after)] = after
    return context


def _are_copies(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    for shift in (0, -1, 1):
        similarity = (one * np.roll(other, shift, axis=1)).sum(axis=2)
        present = similarity != 0
        if not present.any() or similarity[present].mean() >= COPY_SIMILARITY:
            return True
    return False
