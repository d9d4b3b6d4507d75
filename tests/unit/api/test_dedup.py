"""Which items stand for which: copies and excerpts go, quotations stay."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.api.findings import Finding, FindingItem, FindingMatch
from earwitness.api.pipeline.run_spec import ItemResult
from earwitness.api.scan.duplicates import (
    WHOLE,
    Group,
    Link,
    Links,
    groups_of,
    related_in,
    sure_links,
    take_links,
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
def test_what_goes_lies_whole_in_what_is_kept(
    covers: dict[tuple[str, str], tuple[float, float]], lengths_s: list[float], partly: set[str]
) -> None:
    """Every item that goes is held by the kept one itself; nothing goes that was not compared to its end."""
    durations_s = dict(zip(ITEMS, lengths_s, strict=True))
    groups = list(groups_of(durations_s, links_of(covers), partly=partly))
    spare = [other for group in groups for other in group.others]
    assert len(spare) == len(set(spare))
    for group in groups:
        assert group.kept not in spare
        for other in group.others:
            assert other not in partly
            assert durations_s[group.kept] >= durations_s[other]
            one, two = sorted((group.kept, other))
            assert covers[one, two][0 if one == other else 1] >= WHOLE


SONGS = {"clock": 20.0, "slow": 20.0, "tin": 20.0}


@pytest.mark.parametrize(("in_song", "in_medley"), [(0.35, 0.33), (0.35, 0.95), (0.6, 0.5), (0.89, 0.4)])
def test_songs_that_a_medley_quotes_are_kept(in_song: float, in_medley: float) -> None:
    """A medley of parts stands for none of the songs, nor do they make one another go."""
    found = links_of({(song, "zz_medley"): (in_song, in_medley) for song in SONGS})
    durations_s = {**SONGS, "zz_medley": 21.0 if in_medley < WHOLE else 7.0}
    groups = list(groups_of(durations_s, found))
    assert not {other for group in groups for other in group.others} & set(SONGS)
    related = {pair.items for pair in related_in(found, groups)}
    assert related == (set() if in_medley >= WHOLE else set(found))


def test_copies_of_copies_are_not_joined() -> None:
    """Two items that a third is a copy of, but not of each other, are both kept."""
    found = links_of({("a", "b"): (1.0, 1.0), ("b", "c"): (1.0, 1.0)})
    assert list(groups_of({"a": 10.0, "b": 9.0, "c": 8.0}, found)) == [
        Group(kept="a", others=("b",), kinds=("excerpt",))
    ]


def answer(item: str, matches: tuple[FindingMatch, ...], verdict: Verdict = Verdict.MATCH) -> ItemResult:
    """What a comparison says of an item."""
    said = FindingItem(id=item, path=item, sha256="ab" * 32, duration_s=10.0)
    made: Finding = replace(finding(verdict), item=said, matches=matches)
    return ItemResult(said=said, finding=made)


def held(other: str, **changed: object) -> FindingMatch:
    """A match with another item that covers both."""
    kept = replace(match().recording, path=other)
    return match(**{"recording": kept, "query_coverage": 1.0, "reference_coverage": 1.0, **changed})


@pytest.mark.parametrize(
    ("found", "verdict", "goes"),
    [
        (held("b"), Verdict.MATCH, True),
        (held("b", e_value=1e-3), Verdict.POSSIBLE, False),
        (held("b", e_value=1e-3), Verdict.MATCH, False),
        (held("b", kind="shared_material"), Verdict.MATCH, False),
        (held("b", similarity=0.5), Verdict.MATCH, False),
        (held("b", query_coverage=0.5, reference_coverage=0.5), Verdict.MATCH, False),
        (held("b", query_coverage=0.2, reference_coverage=0.95), Verdict.MATCH, True),
        (held("a"), Verdict.MATCH, False),
    ],
)
def test_only_sure_and_clean_copies_go(found: FindingMatch, verdict: Verdict, goes: bool) -> None:
    """What may be chance, a loop, audio under a voice or a part makes nothing go."""
    made: Links = {}
    take_links(made, answer("a", (found,), verdict))
    durations_s = {"a": 10.0, "b": 10.0}
    groups = list(groups_of(durations_s, sure_links(made, durations_s, n_items=2)))
    assert bool(groups) == goes


def test_many_items_need_surer_links() -> None:
    """Each comparison of many items risks a false link: they are held to a scan's rule."""
    made: Links = {}
    take_links(made, answer("a", (held("b", e_value=5e-5),)))
    assert sure_links(made, {"a": 1.0, "b": 1.0}, n_items=100)
    assert not sure_links(made, {"a": 1.0, "b": 1.0}, n_items=100_000)


def test_both_ways_are_one_link() -> None:
    """Asked either way, the share of the same item counts for it."""
    made: Links = {}
    take_links(made, answer("b", (held("a", query_coverage=0.95, reference_coverage=0.3),)))
    take_links(made, answer("a", (held("b", query_coverage=0.28, reference_coverage=0.9),)))
    assert made["a", "b"].covers == (0.3, 0.95)
