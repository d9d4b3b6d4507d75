"""Groups of items that contain the same audio."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from api.scan.dedup import groups_of
from tests.unit.findings_made import match

ITEMS = [f"{number}.wav" for number in range(8)]
links = st.lists(st.tuples(st.sampled_from(ITEMS), st.sampled_from(ITEMS)), max_size=12)
durations = st.lists(st.floats(1, 100), min_size=len(ITEMS), max_size=len(ITEMS))


@given(pairs=links, lengths_s=durations)
def test_groups_are_what_is_linked(pairs: list[tuple[str, str]], lengths_s: list[float]) -> None:
    """Two items are in one group exactly where a chain of links joins them, and the longest one is kept."""
    durations_s = dict(zip(ITEMS, lengths_s, strict=True))
    found = [
        (one, match(recording=replace(match().recording, path=other))) for one, other in pairs if one != other
    ]
    joined = {item: {item} for item in ITEMS}
    for one, other in pairs:
        union = joined[one] | joined[other]
        for each in union:
            joined[each] = union
    groups = list(groups_of(durations_s, found))
    assert {frozenset((g.kept, *g.others)) for g in groups} == {
        frozenset(group) for group in joined.values() if len(group) > 1
    }
    assert all(durations_s[g.kept] == max(durations_s[each] for each in (g.kept, *g.others)) for g in groups)
