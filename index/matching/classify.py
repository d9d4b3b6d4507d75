"""What kind of match it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.index.match import Change, Match, MatchClass

EXACT_COVERAGE: Final = 0.9
"""Both files aligned to this share, and a Chromaprint that says the whole file, make an exact copy."""

WHOLE_COVERAGE: Final = 0.8
"""Both files aligned to this share make it the same recording, whole."""

LOOP_RECORDINGS: Final = 4
"""As many different recordings that hold the same short span of a query share a loop or a sample."""

LOOP_E_VALUE: Final = 1e-4
"""Only what is surely there is counted as holding a loop."""

LOOP_LIKENESS: Final = 0.15
"""Recordings that hold a loop alike are about as similar to the query; one that is far more is its source."""

LOOP_S: Final = 12.0
"""Longer spans are a recording in several copies, not a loop."""

LOOP_COVERAGE: Final = 0.5
"""A loop is less than this of whatever recording holds it."""

SAME_SPAN: Final = 0.8
"""Two matches whose query spans overlap to this share hold the same material."""

MOST_COMPARED: Final = 64
"""So many matches of one span are compared with each other; thousands of copies would take hours."""

ROUND_CODES: Final = 16
"""Codes on either side of a match (8 s) that two recordings are compared by."""

COPY_SIMILARITY: Final = 0.6
"""Recordings this alike round what they share are copies of one, not two that share a loop."""


def classify(
    *,
    change: Change,
    query_coverage: float,
    reference_coverage: float,
    similarity: float,
    whole_file: bool,
    overlaid_similarity: float,
) -> MatchClass:
    """Name the kind of a match from what was measured.

    Parameters
    ----------
    whole_file
        Whether Chromaprint says that both files are the same from end to end.
    overlaid_similarity
        Excerpts less similar than this along their path have other audio on top.
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
    """Call matches shared material where one short span of the query lies inside many recordings alike.

    Parameters
    ----------
    codes_of
        Codes of a recording, float32 (n_codes, dim): what lies round the match tells copies of one recording
        from recordings that share a loop.
    """
    loops = [match for match in matches if _may_be_loop(match)]
    if len(loops) < LOOP_RECORDINGS:
        return list(matches)
    spans = np.array([_query_span(match) for match in loops])
    similarity = np.array([match.similarity for match in loops])
    around = [_round(match, codes_of, hop_s) for match in loops]
    shared = {
        match.recording
        for number, match in enumerate(loops)
        if _different([around[other] for other in _same_span(number, spans, similarity)]) >= LOOP_RECORDINGS
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
    """Matches of the same span of the query, as similar as one of them; at most `MOST_COMPARED`."""
    start_s, end_s = spans[number]
    shared_s = np.minimum(spans[:, 1], end_s) - np.maximum(spans[:, 0], start_s)
    longest_s = np.maximum(spans[:, 1] - spans[:, 0], end_s - start_s)
    alike = np.abs(similarity - similarity[number]) <= LOOP_LIKENESS
    return np.flatnonzero(alike & (shared_s > SAME_SPAN * longest_s))[:MOST_COMPARED]


def _different(around: Sequence[NDArray[np.float32]]) -> int:
    """How many recordings are no copies of one another, by what lies round the match; counts no further
    than need be."""
    apart: list[NDArray[np.float32]] = []
    for one in around:
        if not any(_alike(one, other) for other in apart):
            apart.append(one)
            if len(apart) == LOOP_RECORDINGS:
                break
    return len(apart)


def _round(match: Match, codes_of: Callable[[int], NDArray[np.float32]], hop_s: float) -> NDArray[np.float32]:
    segment = match.segments[0]
    first, last = round(segment.reference_start_s / hop_s), round(segment.reference_end_s / hop_s)
    return _codes_round(codes_of(match.recording), first, last)


def _codes_round(codes: NDArray[np.float32], first: int, last: int) -> NDArray[np.float32]:
    """Codes just before and just after a span, zeros where the recording has ended; (2, ROUND_CODES, dim)."""
    around = np.zeros((2, ROUND_CODES, codes.shape[1]), dtype=np.float32)
    # three codes off, for a code looks a little beyond its own half second
    before, after = (
        codes[max(first - 3 - ROUND_CODES, 0) : max(first - 3, 0)],
        codes[last + 3 :][:ROUND_CODES],
    )
    around[0, ROUND_CODES - len(before) :] = before
    around[1, : len(after)] = after
    return around


def _alike(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    for late in (0, -1, 1):
        similarity = (one * np.roll(other, late, axis=1)).sum(axis=2)
        heard = similarity != 0
        if not heard.any() or similarity[heard].mean() >= COPY_SIMILARITY:
            return True
    return False
