"""Sentences about findings: they count what is claimed, and assert no more than the verdict does."""

from __future__ import annotations

import html
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from earwitness.api.cli.match_tables import rows_of
from earwitness.api.finding_json import to_json
from earwitness.api.findings import Finding, FindingCollection, FindingSegment, graded
from earwitness.api.power_sentences import power_summary
from earwitness.api.sentences import change_words, matched_s, searched_in, sentence
from earwitness.index.match import Verdict
from tests.unit.api.made_findings import POWER, SEARCH, finding, match
from tests.unit.api.test_evidence import page_of


def finding_of(n_sure: int, n_weak: int, verdict: Verdict = Verdict.MATCH) -> Finding:
    """A finding of so many matches, and so many that may be chance, each in a dataset of its own."""
    sure = [match(e_value=1e-9, collection=f"sure-{number}") for number in range(n_sure)]
    weak = [match(e_value=1e-3, collection=f"weak-{number}") for number in range(n_weak)]
    return finding(verdict, matches=(*sure, *weak))


@pytest.mark.parametrize(
    ("n_sure", "n_weak", "more", "weaker"),
    [(1, 0, None, None), (2, 0, "1 more place", None), (111, 0, "110 more places", None),
     (1, 3, None, "3 weaker places"), (3, 1, "2 more places", "1 weaker place"),
     (1201, 2, "1,200 more places", "2 weaker places")],
)  # fmt: skip
def test_places_are_counted_as_what_they_are(
    n_sure: int, n_weak: int, more: str | None, weaker: str | None
) -> None:
    """Further matches are counted truly, and what chance may have made is counted apart from them."""
    text = sentence(finding_of(n_sure, n_weak))
    weak = re.findall(r"\(([\d,]+ weaker places?) besides may be chance\)", text)
    assert re.findall(r"in ([\d,]+ more places?)", text) == ([more] if more else [])
    assert weak == ([weaker] if weaker else [])


@pytest.mark.parametrize("n_weak", [1, 5])
def test_a_possible_match_is_not_stated_as_a_match(n_weak: int) -> None:
    """Without a match, the sentence says `may be in`."""
    text = sentence(finding_of(0, n_weak, Verdict.POSSIBLE))
    assert "may be in" in text
    assert " is in " not in text
    assert "more place" not in text


def test_in_a_scan_what_counts_as_a_match_is_stricter() -> None:
    """A scan of many items counts only matches that its number of items allows."""
    made = finding(matches=(match(e_value=1e-9), match(e_value=5e-5)))
    assert len(made.certain) == 2
    assert len(graded(made, n_items=10_000).certain) == 1
    assert [row.cells[0] for row in rows_of(graded(made, n_items=10_000))] == ["match", "possible"]
    assert graded(finding(matches=(match(e_value=5e-5),)), n_items=10_000).certain == ()


def test_seconds_that_match_are_counted_once() -> None:
    """Segments that overlap in the query do not add up to more than there is."""
    spans = [(0.0, 8.0), (4.0, 10.0), (20.0, 21.0)]
    segments = tuple(
        FindingSegment(query_start_s=a, query_end_s=b, reference_start_s=a, reference_end_s=b)
        for a, b in spans
    )
    assert matched_s(match(segments=segments)) == pytest.approx(11.0)


@pytest.mark.parametrize(
    ("e_value", "words", "cell"),
    [
        (2.34e-3, "E-value 2.3e-3", "2.3e-3"),
        (1e-4, "E-value 1e-4", "1e-4"),
        (9.97e-5, "E-value 1e-4", "1e-4"),
        (9.9e-5, "E-value below 1e-4 (extrapolated: 9.9e-5)", "<1e-4 (~9.9e-5)"),
        (5.31e-15, "E-value below 1e-4 (extrapolated: 5.3e-15)", "<1e-4 (~5.3e-15)"),
        (0.0, "E-value below 1e-4 (extrapolated: 0)", "<1e-4 (~0)"),
    ],
)
def test_an_e_value_that_was_not_checked_is_marked_wherever_it_is_shown(
    e_value: float, words: str, cell: str, tmp_path: Path
) -> None:
    """Sentence, table and report state what was checked first, and name the rest as extrapolated."""
    verdict = Verdict.MATCH if e_value <= 1e-4 else Verdict.POSSIBLE
    made = finding(verdict, matches=(match(e_value=e_value),))
    is_marked, report = "extrapolated" in words, page_of([made], tmp_path)
    assert words in sentence(made)
    assert next(rows_of(made)).cells[-1] == cell
    assert cell in html.unescape(report)
    assert ("extrapolated" in report) == is_marked
    assert to_json(made)["matches"][0]["e_extrapolated"] is is_marked


def test_no_match_states_what_was_found_in_tests(tmp_path: Path) -> None:
    """Sentence and report give the counts of the test, and nothing where they are not known."""
    made = finding(Verdict.NO_MATCH)
    words = (
        "In tests with music, 98 of 100 clean copies of 8 s were found, and"
        " 37 of 40 under speech as loud as they are."
    )
    assert words in sentence(made)
    assert words in html.unescape(page_of([made], tmp_path))
    unknown = replace(made, power=None)
    assert "In tests with" not in sentence(unknown) + page_of([unknown], tmp_path)


@pytest.mark.parametrize(("hours", "is_stated"), [(199.0, False), (201.0, True)])
def test_a_search_of_far_more_audio_than_was_tested_says_so(hours: float, is_stated: bool) -> None:
    """Above ten times the audio of the test, both sizes are stated."""
    text = sentence(finding(Verdict.NO_MATCH, power=replace(POWER, searched_hours=hours)))
    assert ("the tests searched 20 hours of audio, and this search 201 hours" in text) is is_stated


def test_a_summary_states_the_power_that_half_of_the_items_reach() -> None:
    """Of items of several lengths, the middle one counts; of an even number, the shorter of the two."""
    counts = Counter({replace(POWER, length_s=3.0): 2, POWER: 1, replace(POWER, length_s=15.0): 1})
    items, found = power_summary(counts)
    assert items == "At least half of the 4 items without a match have 3 s of audible sound or more."
    assert " of 3 s were found" in found
    assert power_summary(Counter([POWER]))[0].startswith("The item without a match has 8 s")
    assert power_summary(Counter()) == []


def test_an_unmeasured_change_is_named() -> None:
    """An unmeasured change is no change of 0 %, in words, in the table and in data."""
    unmeasured = match(speed=None, pitch_cents=None, tempo=None)
    assert change_words(unmeasured) == "change not measured"
    (row,) = rows_of(finding(matches=(unmeasured,)))
    assert "+0.0 %" not in row.cells
    assert row.cells.count("?") == 3
    text = to_json(finding(matches=(unmeasured,)))["matches"][0]
    assert (text["speed"], text["pitch_cents"], text["tempo"]) == (None, None, None)


@pytest.mark.parametrize("n", [1, 5, 6, 40])
def test_collections_that_are_not_named_are_counted(n: int) -> None:
    """Of many datasets some are named, and the others are counted."""
    named = FindingCollection(name="d", version="1", indexed_at="2026-05-01T00:00:00Z", items=1)
    text = searched_in(replace(SEARCH, collections=(named,) * n))
    assert f"{n:,} dataset" in text
    assert ("more" in text) == (n > 5)
    assert text.count("d version 1") + (n - 5 if n > 5 else 0) == n
