"""Findings for tests, made by hand or by Hypothesis."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from earwitness.api.findings import (
    Finding,
    FindingCollection,
    FindingError,
    FindingItem,
    FindingMatch,
    FindingRecording,
    FindingSearch,
    FindingSegment,
    asserted_first,
    supported,
)
from earwitness.fingerprint.types import AudioPart
from earwitness.index.match import Effort, Verdict
from earwitness.index.statistics.power import Power, Tested

SEARCH = FindingSearch(
    collections=(
        FindingCollection(name="scraped-2026", version="1", indexed_at="2026-05-01T00:00:00Z", items=812),
    ),
    effort=Effort.STANDARD,
    speed=(0.7, 1.4),
    pitch_cents=(-500.0, 500.0),
    tempo=(0.7, 1.5),
    scheme="ew1-000000",
    epoch=31,
)


POWER = Power(
    effort=Effort.STANDARD,
    length_s=8.0,
    tested_hours=20.0,
    searched_hours=0.5,
    rows=(
        Tested(condition="clean", found=98, possible=1, of=100),
        Tested(condition="speech_0", found=37, possible=2, of=40),
    ),
)


def match(**changed: Any) -> FindingMatch:
    """The match of the specification's example."""
    fields: dict[str, Any] = {
        "collection": "scraped-2026",
        "version": "1",
        "recording": FindingRecording(id="ab" * 32, path="song.mp3", title=None, owner=None, isrc=None),
        "kind": "modified",
        "e_value": 1.34e-9,
        "e_checked_to": 1e-4,
        "similarity": 0.8312,
        "query_coverage": 0.98,
        "reference_coverage": 0.0312,
        "speed": 1.12,
        "pitch_cents": 0.2,
        "tempo": 1.0,
        "segments": (
            FindingSegment(query_start_s=0.0, query_end_s=8.0, reference_start_s=61.2, reference_end_s=70.1),
        ),
    }
    return FindingMatch(**{**fields, **changed})


def finding(
    verdict: Verdict = Verdict.MATCH, *, item: str = "shard-0/clip_12.ogg", **changed: Any
) -> Finding:
    """A finding that keeps the schema's laws for its verdict."""
    failed = verdict in {Verdict.NOT_READABLE, Verdict.TOO_SHORT_OR_SILENT}
    fields: dict[str, Any] = {
        "item": FindingItem(id=item, path=item, sha256="cd" * 32, duration_s=8.0),
        "verdict": verdict,
        "error": FindingError(code="empty_file", message=f"{item} is empty", hint="fetch it")
        if failed
        else None,
        "search": SEARCH,
        "matches": MATCHES.get(verdict, ()),
        "power": POWER if verdict is Verdict.NO_MATCH else None,
    }
    return Finding(**{**fields, **changed})


MATCHES: dict[Verdict, tuple[FindingMatch, ...]] = {
    Verdict.MATCH: (match(),),
    Verdict.POSSIBLE: (match(e_value=1e-3),),
    Verdict.SHARED_MATERIAL: tuple(
        match(kind="shared_material", recording=replace(match().recording, id=f"{number:064x}"))
        for number in range(4)
    ),
}
"""The matches of each verdict that lists any."""


def verdict_of(matches: tuple[FindingMatch, ...]) -> Verdict:
    """The verdict that goes with some matches."""
    best = finding(Verdict.NO_MATCH, matches=matches).best_e_value
    if best > 1e-2:
        return Verdict.SHARED_MATERIAL
    return Verdict.MATCH if best <= 1e-4 else Verdict.POSSIBLE


texts = st.text(max_size=12)
maybe = st.none() | texts
share = st.floats(0.0, 1.0)
ratio = st.floats(0.5, 2.0)
time_s = st.floats(0.0, 1e5)

recordings = st.builds(
    FindingRecording, id=texts, path=texts, title=maybe, owner=maybe, isrc=maybe, artist=maybe, album=maybe
)
segments = st.builds(
    FindingSegment, query_start_s=time_s, query_end_s=time_s, reference_start_s=time_s, reference_end_s=time_s
)
matches = st.builds(
    FindingMatch,
    collection=texts,
    version=texts,
    recording=recordings,
    kind=st.sampled_from(["exact", "modified", "excerpt", "excerpt_under_other_audio", "shared_material"]),
    e_value=st.floats(0.0, 1e-2),
    e_checked_to=st.floats(1e-6, 1e-2),
    similarity=share,
    query_coverage=share,
    reference_coverage=share,
    speed=ratio,
    pitch_cents=st.floats(-500, 500),
    tempo=ratio,
    segments=st.lists(segments, min_size=1, max_size=3).map(tuple),
) | st.builds(match, speed=st.none(), pitch_cents=st.none(), tempo=st.none())


parts = st.builds(
    AudioPart,
    label=texts,
    start_s=time_s,
    duration_s=time_s,
    kind=st.sampled_from(["sequential", "parallel"]),
)
part_lists = st.just(()) | st.lists(parts, min_size=2, max_size=3).map(tuple)


@st.composite
def findings(draw: st.DrawFn) -> Finding:
    """Any finding that may be written."""
    made = finding(draw(st.sampled_from(list(Verdict))), item=draw(texts))
    item = replace(made.item, parts=draw(part_lists), not_compared_s=draw(time_s))
    if not made.matches:
        return replace(made, item=item)
    drawn = asserted_first(draw(st.lists(matches, min_size=1, max_size=3)))
    judged = replace(made, item=item, verdict=verdict_of(drawn), matches=drawn)
    return supported(judged, claims_supported=draw(st.booleans()))
