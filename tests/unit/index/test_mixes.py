"""Queries of several parts: each matches however it was changed, and coverage counts each second once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.fingerprint.types import Spectrogram
from earwitness.fingerprint.warp import warp
from earwitness.index.match import Change, Effort, Match, MatchClass, covered_s
from earwitness.index.matching.effort import EFFORT_PROFILES
from earwitness.index.matching.identify import identify
from earwitness.index.matching.search import Search
from tests.unit.index.synthetic_index import (
    EXTRACTOR,
    MemoryLibrary,
    background,
    cut,
    join,
    library_of_music,
    music,
    silence,
)

N_PIECES, PIECE_S = 30, 45.0


@pytest.fixture(scope="module")
def library() -> MemoryLibrary:
    """Some pieces, indexed."""
    return library_of_music(n_pieces=N_PIECES, seconds=PIECE_S)


def matches_of(library: MemoryLibrary, sound: Spectrogram, effort: Effort = Effort.FULL) -> list[Match]:
    """The matches of a sound."""
    return identify(EXTRACTOR.query(sound), library, collections=[1], effort=effort)


def part(seed: int, seconds: float, **change: float) -> Spectrogram:
    """So many seconds of a piece as they sound after a change."""
    inverse: dict[str, Any] = {k: -v if k == "pitch_cents" else 1 / v for k, v in change.items()}
    stretch = change.get("speed", 1.0) * change.get("tempo", 1.0)
    return warp(cut(music(seed, PIECE_S), 8.0, 8.0 + seconds * stretch), **inverse)


MIXES: dict[str, Callable[[], list[Spectrogram]]] = {
    "much unchanged, then a little faster": lambda: [
        part(0, 35),
        part(1, 35),
        part(2, 35),
        part(3, 10, speed=1.25),
    ],
    "a little slower first": lambda: [part(0, 10, speed=0.8), part(1, 35), part(2, 35)],
    "a little in the middle": lambda: [part(0, 30), part(1, 8, speed=1.2), part(2, 30)],
    "five works, five changes": lambda: [
        part(seed, 10, speed=speed) for seed, speed in enumerate((1.12, 0.9, 1.25, 0.8, 1.4))
    ],
    "three kinds of change": lambda: [
        part(0, 14, speed=1.2),
        part(1, 14, tempo=0.8),
        part(2, 14, pitch_cents=250),
    ],
    "silence between": lambda: [part(0, 20), silence(20.0), part(1, 10, speed=1.25), silence(20.0)],
    "absent music around it": lambda: [music(900, 60.0), part(0, 10, speed=1.25), music(901, 60.0)],
}


@pytest.mark.parametrize("make", MIXES.values(), ids=MIXES.keys())
def test_every_part_of_a_mix_matches(library: MemoryLibrary, make: Callable[[], list[Spectrogram]]) -> None:
    """Parts with different changes all match, however much of the query is explained without them."""
    parts = make()
    n_works = sum(1 for sound in parts if sound.power.any() and len(sound.power) < 1800)
    assert {match.recording for match in matches_of(library, join(*parts)) if match.e_value <= 1e-4} == set(
        range(n_works)
    )


def test_a_part_counts_chance_in_the_whole_query(library: MemoryLibrary) -> None:
    """E-values of a part count chance alignments anywhere in the whole query, not in the part alone."""
    sound = join(part(0, 35), part(1, 35), part(3, 12, speed=1.25))
    whole = replace(search_of(library, sound), n_whole_frames=0)
    stretch, variant = whole.part(70.0, 76.0), EFFORT_PROFILES[Effort.FULL].variants[10]
    assert variant.change.speed == pytest.approx(1.2625, rel=0.01)
    alone = replace(stretch, n_whole_frames=0)
    (in_whole, *_), (by_itself, *_) = stretch.search_variant(variant), alone.search_variant(variant)
    assert in_whole.alignment.score == by_itself.alignment.score
    assert in_whole.e_value > 1.2 * by_itself.e_value
    assert in_whole.alignment.query_span_s[0] == pytest.approx(70.0, abs=1.5)


def search_of(library: MemoryLibrary, sound: Spectrogram) -> Search:
    """The search that `identify` makes."""
    return Search(
        query=EXTRACTOR.query(sound),
        library=library,
        collections=[1],
        max_e_value=1e-2,
        n_codes=library.n_codes([1]),
        profile=EFFORT_PROFILES[Effort.FAST],
    )


@pytest.mark.parametrize("seconds", [12.0, 40.0, 150.0])
def test_a_long_absent_query_matches_nothing(library: MemoryLibrary, seconds: float) -> None:
    """Searching a long query in windows finds nothing in music that is not in the index."""
    assert [match for match in matches_of(library, music(700, seconds)) if match.e_value <= 1e-4] == []


@pytest.mark.parametrize(("seconds", "times"), [(8.0, 6), (5.0, 8), (12.0, 3)])
@pytest.mark.parametrize("effort", [Effort.FAST, Effort.STANDARD])
def test_a_loop_covers_what_it_repeats(
    library: MemoryLibrary, effort: Effort, seconds: float, times: int
) -> None:
    """A part repeated is unchanged, a segment each time, and covers of the work no more than itself."""
    loop = cut(music(5, PIECE_S), 10.0, 10.0 + seconds)
    match = matches_of(library, join(*[loop] * times), effort)[0]
    assert match.recording == 5
    assert match.change == Change()
    assert match.kind is MatchClass.EXCERPT
    assert match.query_coverage > 0.9
    assert match.reference_coverage == pytest.approx(seconds / PIECE_S, abs=0.03)
    assert len(match.segments) == times
    for segment in match.segments:
        assert abs(segment.reference_start_s - 10.0) < 0.8


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20)), max_size=12))
def test_a_second_is_covered_once(spans: list[tuple[int, int]]) -> None:
    """Spans that overlap cover what a list of their seconds holds."""
    seconds = {second for start, length in spans for second in range(start, start + length)}
    assert covered_s((start, start + length) for start, length in spans) == len(seconds)


def test_a_medley_in_order_covers_all_of_it(library: MemoryLibrary) -> None:
    """The coverages of the parts of a medley add up to the whole."""
    matches = matches_of(library, join(*[part(seed, 12) for seed in range(4)]))
    assert sum(match.query_coverage for match in matches) == pytest.approx(1.0, abs=0.08)
    assert np.all([match.query_coverage < 0.3 for match in matches])


@pytest.mark.parametrize("effort", [Effort.FAST, Effort.FULL])
@pytest.mark.parametrize("n_copies", [60, 130])
def test_all_of_many_recordings_of_one_sound_match(effort: Effort, n_copies: int) -> None:
    """However many recordings hold the same sound, each of them matches."""
    library = MemoryLibrary(EXTRACTOR, background())
    piece = music(1, PIECE_S)
    for number in range(n_copies):
        library.add(cut(piece, 0.1 * number, 0.1 * number + 10.0))
    matches = matches_of(library, cut(piece, 0.0, 30.0), effort)
    assert {match.recording for match in matches if match.e_value <= 1e-4} == set(range(n_copies))


def test_a_clip_covers_of_its_work_what_was_cut_out() -> None:
    """Music elsewhere in the query that is only similar to the clip does not count as covered."""
    library = MemoryLibrary(EXTRACTOR, background())
    verse, other = music(1, 12.0), music(2, 12.0)
    alike = Spectrogram(power=verse.power + 0.6 * music(3, 12.0).power, frame_s=verse.frame_s)
    library.add(verse)
    for seed in range(20, 30):
        library.add(music(seed, PIECE_S))
    match = matches_of(library, join(other, verse, alike), Effort.FAST)[0]
    assert match.recording == 0
    assert match.query_coverage == pytest.approx(1 / 3, abs=0.03)
    (segment,) = match.segments
    assert abs(segment.query_start_s - 12.0) < 0.8


def test_every_segment_of_a_medley_is_where_it_was_put(library: MemoryLibrary) -> None:
    """No match has a segment that is chance, at a place that another recording certainly explains."""
    parts = [part(0, 24), part(1, 24), part(2, 24), part(3, 10, speed=1.25)]
    for match in matches_of(library, join(*parts)):
        if match.e_value <= 1e-4:
            begins_s = 24.0 * match.recording
            for segment in match.segments:
                assert begins_s - 2 <= segment.query_start_s <= segment.query_end_s <= begins_s + 26


SAME_WORK: dict[str, list[Spectrogram]] = {
    "a loop of a changed piece": [part(0, 8, speed=1.12)] * 5,
    "unchanged, then faster": [part(0, 15), music(902, 10.0), part(0, 14, speed=1.265)],
    "unchanged, then higher": [part(0, 15), music(903, 10.0), part(0, 14, pitch_cents=200)],
    "slower, then faster": [part(0, 15, speed=0.85), part(0, 14, speed=1.25)],
    "slower, then another at another pitch": [part(0, 24, speed=0.85), part(1, 8, pitch_cents=-150)],
}


@pytest.mark.parametrize("parts", SAME_WORK.values(), ids=SAME_WORK.keys())
@pytest.mark.parametrize("effort", [Effort.STANDARD, Effort.FULL])
def test_a_work_that_comes_again_changed_matches_each_time(
    library: MemoryLibrary, parts: list[Spectrogram], effort: Effort
) -> None:
    """A work at two speeds, or looped at another, covers all its seconds of the item and no others."""
    of_work = [sound for sound in parts if abs(len(sound.power) * sound.frame_s - 10.0) > 0.1]
    query = join(*parts)
    matches = [match for match in matches_of(library, query, effort) if match.e_value <= 1e-4]
    spans = [(s.query_start_s, s.query_end_s) for match in matches for s in match.segments]
    there_s = sum(len(sound.power) * sound.frame_s for sound in of_work)
    assert covered_s(spans) == pytest.approx(there_s, rel=0.08)


def test_an_alignment_of_another_slope_is_searched_at_its_own_change(library: MemoryLibrary) -> None:
    """A long changed part that the unchanged query aligns with at another slope is searched at its change."""
    [match] = [each for each in matches_of(library, part(0, 30, speed=0.85)) if each.e_value <= 1e-4]
    assert match.change is not None
    assert match.change.speed == pytest.approx(0.85, abs=0.01)
    assert len(match.segments) == 1
