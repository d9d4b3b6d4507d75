"""Which items are copies: copies and excerpts are, quotations are not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.api.findings import Finding, FindingItem, FindingMatch
from earwitness.api.pipeline.run_spec import ItemResult
from earwitness.api.scan.duplicates import (
    LEAST_COVERAGE,
    Group,
    Link,
    Links,
    add_links,
    groups_of,
    related_in,
    sure_links,
)
from earwitness.index.match import Verdict
from tests.unit.api.made_findings import finding, match

ITEMS = [f"{number}.wav" for number in range(8)]
pairs = st.tuples(st.sampled_from(ITEMS), st.sampled_from(ITEMS)).filter(lambda pair: pair[0] < pair[1])
links = st.dictionaries(pairs, st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=14)
durations = st.lists(st.floats(1, 100), min_size=len(ITEMS), max_size=len(ITEMS))


def links_of(covers: dict[tuple[str, str], tuple[float, float]]) -> Links:
    """Links of so much coverage each way."""
    return {pair: Link(covers=both, e_value=1e-9, kinds={"excerpt"}) for pair, both in covers.items()}


@given(covers=links, lengths_s=durations, partly=st.sets(st.sampled_from(ITEMS)))
def test_a_copy_is_covered_by_its_keeper(
    covers: dict[tuple[str, str], tuple[float, float]], lengths_s: list[float], partly: set[str]
) -> None:
    """Every copy is covered by its keeper directly; an incomplete item is no copy."""
    durations_s = dict(zip(ITEMS, lengths_s, strict=True))
    groups = list(groups_of(durations_s, links_of(covers), incomplete=partly))
    spare = [other for group in groups for other in group.others]
    assert len(spare) == len(set(spare))
    for group in groups:
        assert group.keeper not in spare
        for other in group.others:
            assert other not in partly
            assert durations_s[group.keeper] >= durations_s[other]
            one, two = sorted((group.keeper, other))
            assert covers[one, two][0 if one == other else 1] >= LEAST_COVERAGE


SONGS = {"clock": 20.0, "slow": 20.0, "tin": 20.0}


@pytest.mark.parametrize(("in_song", "in_medley"), [(0.35, 0.33), (0.35, 0.95), (0.6, 0.5), (0.89, 0.4)])
def test_songs_that_a_medley_quotes_are_no_copies(in_song: float, in_medley: float) -> None:
    """Songs that share parts with a medley are copies neither of it nor of each other."""
    links_found = links_of({(song, "zz_medley"): (in_song, in_medley) for song in SONGS})
    durations_s = {**SONGS, "zz_medley": 21.0 if in_medley < LEAST_COVERAGE else 7.0}
    groups = list(groups_of(durations_s, links_found))
    assert not {other for group in groups for other in group.others} & set(SONGS)
    related = {pair.items for pair in related_in(links_found, groups)}
    assert related == (set() if in_medley >= LEAST_COVERAGE else set(links_found))


def test_copies_of_copies_are_not_joined() -> None:
    """Two items that share a copy, but are no copies of each other, both stay."""
    links_found = links_of({("a", "b"): (1.0, 1.0), ("b", "c"): (1.0, 1.0)})
    assert list(groups_of({"a": 10.0, "b": 9.0, "c": 8.0}, links_found)) == [
        Group(keeper="a", others=("b",), kinds=("excerpt",))
    ]


def answer(item: str, matches: tuple[FindingMatch, ...], verdict: Verdict = Verdict.MATCH) -> ItemResult:
    """The result of one item."""
    item_ = FindingItem(id=item, path=item, sha256="ab" * 32, duration_s=10.0)
    made: Finding = replace(finding(verdict), item=item_, matches=matches)
    return ItemResult(item=item_, finding=made)


def held(other: str, **changed: object) -> FindingMatch:
    """A match with another item that covers both."""
    recording = replace(match().recording, path=other)
    return match(**{"recording": recording, "query_coverage": 1.0, "reference_coverage": 1.0, **changed})


@pytest.mark.parametrize(
    ("other", "verdict", "goes"),
    [
        (held("b"), Verdict.MATCH, True),
        (held("b", e_value=1e-3), Verdict.POSSIBLE, False),
        (held("b", e_value=1e-3), Verdict.MATCH, False),
        (held("b", kind="shared_material"), Verdict.SHARED_MATERIAL, False),
        (held("b", kind="shared_material"), Verdict.MATCH, False),
        (held("b", similarity=0.5), Verdict.MATCH, False),
        (held("b", query_coverage=0.5, reference_coverage=0.5), Verdict.MATCH, False),
        (held("b", query_coverage=0.2, reference_coverage=0.95), Verdict.MATCH, True),
        (held("a"), Verdict.MATCH, False),
    ],
)
def test_only_sure_and_clean_copies_go(other: FindingMatch, verdict: Verdict, goes: bool) -> None:
    """A possible match, a loop, audio under a voice or a part make no copy."""
    made: Links = {}
    add_links(made, answer("a", (other,), verdict))
    durations_s = {"a": 10.0, "b": 10.0}
    groups = list(groups_of(durations_s, sure_links(made, durations_s, n_items=2)))
    assert bool(groups) == goes


def test_many_items_need_surer_links() -> None:
    """Each comparison of many items risks a false link: the rule of a scan applies."""
    made: Links = {}
    add_links(made, answer("a", (held("b", e_value=5e-5),)))
    assert sure_links(made, {"a": 1.0, "b": 1.0}, n_items=100)
    assert not sure_links(made, {"a": 1.0, "b": 1.0}, n_items=100_000)


def test_both_ways_are_one_link() -> None:
    """Coverage counts for the same item in either direction."""
    made: Links = {}
    add_links(made, answer("b", (held("a", query_coverage=0.95, reference_coverage=0.3),)))
    add_links(made, answer("a", (held("b", query_coverage=0.28, reference_coverage=0.9),)))
    assert made["a", "b"].covers == (0.3, 0.95)
