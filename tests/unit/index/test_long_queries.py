"""Queries longer than one piece, and searches that run out of time."""

from __future__ import annotations

from typing import Any

import pytest

from earwitness.api.findings import FindingCollection, FindingItem, FindingSearch
from earwitness.api.pipeline.search_item import DecodedItem, search_item
from earwitness.fingerprint.types import Spectrogram
from earwitness.index.match import Effort, Match, Verdict
from earwitness.index.matching import identify as identify_module
from earwitness.index.store.store_errors import SearchTimeout
from tests.unit.index.synthetic_index import (
    EXTRACTOR,
    BlurExtractor,
    MemoryLibrary,
    background,
    cut,
    join,
    music,
    silence,
)


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identify_module, "PIECE_S", 60.0)


@pytest.fixture(scope="module")
def library() -> MemoryLibrary:
    """Some pieces of music, one of them long, indexed."""
    library = MemoryLibrary(EXTRACTOR, background())
    for seed in range(12):
        library.add(music(seed, 45.0))
    library.add(music(50, 150.0))
    return library


def matches_of(library: MemoryLibrary, sound: Spectrogram, effort: Effort = Effort.FAST) -> list[Match]:
    """The matches of a sound."""
    return identify_module.identify(EXTRACTOR.query(sound), library, collections=[1], effort=effort)


@pytest.mark.parametrize(
    ("effort", "at_s"),
    [
        *((Effort.FAST, at_s) for at_s in (10.0, 35.0, 38.0, 52.0, 56.0, 75.0, 110.0)),
        *((Effort.STANDARD, at_s) for at_s in (38.0, 56.0)),
    ],
)
def test_a_part_matches_wherever_it_is(library: MemoryLibrary, effort: Effort, at_s: float) -> None:
    """Ten seconds inside a piece of a long query, or across an edge, are one segment where they are."""
    absent = music(800, 140.0)
    sound = join(cut(absent, 0, at_s), cut(music(3, 45.0), 12, 22), cut(absent, at_s, 130))
    match = matches_of(library, sound, effort)[0]
    assert (match.recording, len(match.segments)) == (3, 1)
    assert match.segments[0].query_start_s == pytest.approx(at_s, abs=0.8)
    assert match.segments[0].reference_start_s == pytest.approx(12.0, abs=0.8)


@pytest.mark.parametrize("effort", [Effort.FAST, Effort.STANDARD])
def test_a_long_copy_is_one_segment(library: MemoryLibrary, effort: Effort) -> None:
    """A copy as long as several pieces is joined again, and covers both files from end to end."""
    match = matches_of(library, music(50, 150.0), effort)[0]
    assert (match.recording, len(match.segments)) == (12, 1)
    assert min(match.query_coverage, match.reference_coverage) > 0.98


def test_silence_is_not_searched(library: MemoryLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of hours of silence round some music only the music is embedded."""
    seen, embed = list[int](), BlurExtractor.embed

    def counted(extractor: BlurExtractor, sound: Spectrogram, **how: Any) -> Any:
        seen.append(len(sound.power))
        return embed(extractor, sound, **how)

    monkeypatch.setattr(BlurExtractor, "embed", counted)
    matches_of(library, join(silence(900.0), cut(music(3, 45.0), 12, 22), silence(900.0)))
    assert sum(seen) * EXTRACTOR.params.frame_s < 4 * 60.0


@pytest.mark.parametrize(
    ("n_checks", "compared_s", "recordings"), [(1, 0.0, []), (2, 0.0, [3]), (3, 60.0, [3]), (4, 100.0, [3])]
)
def test_a_search_that_runs_out_of_time_states_what_it_compared(
    library: MemoryLibrary,
    monkeypatch: pytest.MonkeyPatch,
    n_checks: int,
    compared_s: float,
    recordings: list[int],
) -> None:
    """The error of a search that runs out of time has its matches and the seconds that were compared."""
    times = iter([0.0] * n_checks + [1e9] * 9)
    monkeypatch.setattr(identify_module, "monotonic", lambda: next(times))
    sound = join(cut(music(3, 45.0), 12, 22), music(800, 140.0))
    with pytest.raises(SearchTimeout) as late:
        identify_module.identify(
            EXTRACTOR.query(sound), library, collections=[1], effort=Effort.FAST, wall_s=1.0
        )
    assert late.value.compared_s == pytest.approx(compared_s, abs=0.1)
    assert [match.recording for match in late.value.matches][:1] == recordings


@pytest.mark.parametrize(("matching", "expected"), [(True, Verdict.MATCH), (False, Verdict.NOT_READABLE)])
def test_an_item_that_ran_out_of_time_is_never_no_match(
    library: MemoryLibrary, monkeypatch: pytest.MonkeyPatch, matching: bool, expected: Verdict
) -> None:
    """Without matches in time the verdict is not_readable. The finding has the seconds left out."""
    sound = join(cut(music(3, 45.0), 12, 22), music(800, 100.0)) if matching else music(800, 110.0)
    query = EXTRACTOR.query(sound)
    matches = matches_of(library, sound)

    def late(*_: object, **__: object) -> list[Match]:
        raise SearchTimeout(matches=matches, compared_s=60.0, duration_s=query.duration_s, wall_s=1.0)

    monkeypatch.setattr("earwitness.api.pipeline.search_item.identify", late)
    monkeypatch.setattr("earwitness.api.pipeline.search_item._finding_matches", lambda *_: iter([]))
    monkeypatch.setattr(MemoryLibrary, "collections", (), raising=False)
    item = FindingItem(id="x", path="x", sha256=None, duration_s=query.duration_s)
    search = FindingSearch(
        collections=(FindingCollection(name="d", version="1", indexed_at="", items=1),),
        effort=Effort.FAST, speed=(1, 1), pitch_cents=(0, 0), tempo=(1, 1), scheme="fake-1", epoch=1,
    )  # fmt: skip
    decoded = DecodedItem(item=item, query=query, error=None, complete=True)
    finding = search_item(decoded, library, collections=[1], effort=Effort.FAST, search=search)  # type: ignore[arg-type]
    assert finding.verdict is expected
    assert finding.error is not None
    assert finding.error.code == "search_timeout"
    assert finding.item.duration_s == 60.0
    assert finding.item.not_compared_s == pytest.approx(query.duration_s - 60.0)
