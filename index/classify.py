"""What kind of match it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from index.align import shared_s
from index.match import Change, Match, MatchClass

EXACT_COVERAGE: Final = 0.9
"""Both files aligned to this share, and a Chromaprint that says the whole file, make an exact copy."""

WHOLE_COVERAGE: Final = 0.8
"""Both files aligned to this share make it the same recording, whole."""

LOOP_RECORDINGS: Final = 4
"""As many recordings that hold the same short span of a query share a loop or a sample."""

LOOP_S: Final = 12.0
"""Longer spans are a recording in several copies, not a loop."""

LOOP_COVERAGE: Final = 0.5
"""A loop is less than this of whatever recording holds it."""


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


def _holds_same_span(one: Match, other: Match) -> bool:
    a = (one.segments[0].query_start_s, one.segments[-1].query_end_s)
    b = (other.segments[0].query_start_s, other.segments[-1].query_end_s)
    return shared_s(a, b) > 0.8 * max(a[1] - a[0], b[1] - b[0])


def mark_shared(matches: Sequence[Match]) -> list[Match]:
    """Call matches shared material where one short span of the query lies inside many recordings alike."""
    loops = [
        match
        for match in matches
        if match.segments[-1].query_end_s - match.segments[0].query_start_s <= LOOP_S
        and match.reference_coverage < LOOP_COVERAGE
        and match.query_coverage < LOOP_COVERAGE
    ]
    return [
        replace(match, kind=MatchClass.SHARED_MATERIAL)
        if match in loops and sum(_holds_same_span(match, other) for other in loops) >= LOOP_RECORDINGS
        else match
        for match in matches
    ]
