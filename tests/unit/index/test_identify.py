"""`identify` on synthetic music: which recordings match, where, how changed, and with which E-value."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from earwitness.fingerprint.dereverberate import dereverberate
from earwitness.fingerprint.errors import SchemeMismatch
from earwitness.fingerprint.types import Spectrogram
from earwitness.fingerprint.warp import warp
from earwitness.index.match import Change, Effort, Match, MatchClass
from earwitness.index.matching.candidates import embed_half, embed_rest, embed_variant
from earwitness.index.matching.effort import EFFORT_PROFILES
from earwitness.index.matching.identify import identify
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


def matches_of(
    library: MemoryLibrary, sound: Spectrogram, effort: Effort = Effort.FAST, max_e_value: float = 1e-2
) -> list[Match]:
    """The matches of a sound."""
    return identify(EXTRACTOR.query(sound), library, collections=[1], effort=effort, max_e_value=max_e_value)


@pytest.mark.parametrize("seconds", [0.1, 0.3, 3.0, 8.1])
def test_embedding_in_two_halves_equals_embedding_once(seconds: float) -> None:
    """Embedding half of the query frames first, and the rest later, gives the same frames."""
    query, variant = EXTRACTOR.query(music(3, seconds)), EFFORT_PROFILES[Effort.FAST].variants[0]
    first = embed_half(query, variant, EXTRACTOR, background())
    then, once = (
        embed_rest(first, query, EXTRACTOR, background()),
        embed_variant(query, variant, EXTRACTOR, background()),
    )
    np.testing.assert_allclose(then.frames, once.frames, atol=1e-6)
    assert len(first.frames) == len(once.frames)
    assert first.interpolated and not then.interpolated


def test_dereverberation_has_the_weight_that_is_given() -> None:
    """Query frames are those of the sound at weight 0 and those of the dereverberated sound at 1."""
    sound, variant = music(3, 8.1), EFFORT_PROFILES[Effort.FULL].variants[0]
    plain, between, dry = (
        embed_variant(EXTRACTOR.query(sound), variant, EXTRACTOR, background(), dereverb=share).frames
        for share in (0.0, 0.5, 1.0)
    )
    np.testing.assert_array_equal(plain, EXTRACTOR.embed(sound, fine=True))
    np.testing.assert_allclose(dry, EXTRACTOR.embed(dereverberate(sound), fine=True), atol=1e-6)
    apart, nearer = (np.linalg.norm(frames - plain, axis=1) for frames in (dry, between))
    assert apart.max() > 0.05
    assert np.all(nearer <= apart + 1e-6)


def test_an_excerpt_matches_its_recording_at_its_place(library: MemoryLibrary) -> None:
    """Eight seconds of a piece match it where they were cut from."""
    (match,) = matches_of(library, cut(music(7, PIECE_S), 20.1, 28.1))
    (segment,) = match.segments
    assert (match.recording, match.kind) == (7, MatchClass.EXCERPT)
    assert match.e_value < 1e-4
    assert abs(segment.reference_start_s - segment.query_start_s - 20.1) < 0.6
    assert match.query_coverage > 0.9


def test_absent_queries_match_nothing(library: MemoryLibrary) -> None:
    """Pieces that are not in the index are not reported, at any effort."""
    for seed in range(500, 512):
        assert matches_of(library, music(seed, 8.0)) == []
    assert matches_of(library, music(512, 8.0), Effort.FULL) == []


@pytest.mark.parametrize(
    ("change", "effort"),
    [
        ({"speed": 1.12}, Effort.STANDARD),
        ({"speed": 1.25}, Effort.FULL),
        ({"speed": 0.85}, Effort.FULL),
        ({"tempo": 0.8}, Effort.FULL),
        ({"pitch_cents": 200.0}, Effort.FULL),
    ],
)
def test_a_changed_excerpt_matches_and_its_change_is_measured(
    library: MemoryLibrary, change: dict[str, Any], effort: Effort
) -> None:
    """The change of twenty-five seconds played faster, slower, higher or lower is measured."""
    inverse = {name: -value if name == "pitch_cents" else 1 / value for name, value in change.items()}
    sound = warp(cut(music(4, PIECE_S), 10.0, 35.0), **inverse)
    match = matches_of(library, sound, effort)[0]
    assert (match.recording, match.kind) == (4, MatchClass.MODIFIED)
    assert match.change is not None
    assert match.change.speed == pytest.approx(change.get("speed", 1.0), rel=0.005)
    assert match.change.tempo == pytest.approx(change.get("tempo", 1.0), rel=0.005)
    # this extractor blurs bands two semitones wide; the product's own is measured by the benchmarks
    assert match.change.pitch_cents == pytest.approx(change.get("pitch_cents", 0.0), abs=40)


def test_a_long_query_matches_every_short_item() -> None:
    """A complete piece matches the eight-second items that were cut from it, and no others."""
    library = MemoryLibrary(EXTRACTOR, background())
    piece = music(3, 60.0)
    starts = [0.0, 9.3, 20.2, 33.7, 51.0]
    for number, start in enumerate(starts):
        library.add(cut(piece, start, start + 8.0))
        library.add(music(700 + number, 8.0))
    matches = matches_of(library, piece)
    assert sorted(match.recording for match in matches) == [0, 2, 4, 6, 8]
    for match in matches:
        assert abs(match.segments[0].query_start_s - starts[match.recording // 2]) < 0.8
        assert match.reference_coverage > 0.8


def test_a_medley_matches_all_its_works(library: MemoryLibrary) -> None:
    """Several works in one query are all reported, and two parts of one work are two segments."""
    medley = join(
        cut(music(1, PIECE_S), 5, 13), cut(music(2, PIECE_S), 30, 38), cut(music(1, PIECE_S), 20, 30)
    )
    first, second = matches_of(library, medley)
    assert (first.recording, second.recording) == (1, 2)
    assert len(first.segments) == 2
    assert first.segments[0].query_end_s <= first.segments[1].query_start_s + 1.0
    assert abs(first.segments[1].reference_start_s - 20) < 1.0


def test_silence_in_the_query_separates_two_segments(library: MemoryLibrary) -> None:
    """Silence in the query matches nothing; the sound before and after it does."""
    piece = music(6, PIECE_S)
    holed = join(cut(piece, 5, 13), silence(4.0), cut(piece, 17, 26))
    (match,) = matches_of(library, holed)
    assert len(match.segments) == 2
    assert match.query_coverage < 0.9


def test_a_repeat_is_reported_once() -> None:
    """A chorus that the reference plays twice explains the same part of the query once."""
    library = MemoryLibrary(EXTRACTOR, background())
    chorus = music(40, 10.0)
    library.add(join(music(41, 10.0), chorus, music(42, 10.0), chorus))
    for seed in range(10):
        library.add(music(seed, PIECE_S))
    (match,) = matches_of(library, chorus)
    assert match.recording == 0
    assert len(match.segments) == 1
    assert min(abs(match.segments[0].reference_start_s - start) for start in (10.0, 30.0)) < 0.8


def test_a_whole_file_copy_is_exact(library: MemoryLibrary) -> None:
    """A file that is the same by Chromaprint, aligned from end to end and unchanged, is an exact copy."""
    known = replace(library, whole=[5])
    match = matches_of(known, music(5, PIECE_S))[0]
    assert (match.recording, match.kind) == (5, MatchClass.EXACT)
    assert matches_of(library, music(5, PIECE_S))[0].kind is MatchClass.MODIFIED


def test_silence_matches_nothing(library: MemoryLibrary) -> None:
    """Digital silence gives no evidence, however much of it there is."""
    assert matches_of(library, silence(20.0), max_e_value=1.0) == []


def test_adding_music_never_removes_a_match(library: MemoryLibrary) -> None:
    """A larger index makes a match less certain in proportion, and never loses it."""
    larger = replace(library, stored=list(library.stored), durations_s=list(library.durations_s))
    for seed in range(800, 800 + N_PIECES):
        larger.add(music(seed, PIECE_S))
    sound = cut(music(11, PIECE_S), 12.0, 20.0)
    before, after = matches_of(library, sound)[0], matches_of(larger, sound)[0]
    assert after.recording == before.recording
    assert before.e_value < after.e_value < 10 * before.e_value


def test_another_scheme_is_refused(library: MemoryLibrary) -> None:
    """Codes of one scheme say nothing about an index of another."""
    query = replace(EXTRACTOR.query(music(1, 8.0)), scheme="fake-2")
    with pytest.raises(SchemeMismatch) as caught:
        identify(query, library, collections=[1], effort=Effort.FAST)
    assert (caught.value.index_scheme, caught.value.query_scheme) == ("fake-1", "fake-2")


def test_other_music_on_top_lowers_similarity_only(library: MemoryLibrary) -> None:
    """An excerpt under other music still matches, less similar and with a larger E-value."""
    wanted, other = cut(music(8, PIECE_S), 10, 25), music(900, 15.0)
    mixed = Spectrogram(power=wanted.power + 0.5 * other.power[: len(wanted.power)], frame_s=wanted.frame_s)
    clean, overlaid = matches_of(library, wanted)[0], matches_of(library, mixed)[0]
    assert overlaid.recording == clean.recording == 8
    assert overlaid.similarity < clean.similarity
    assert np.log(overlaid.e_value) > np.log(clean.e_value)


@pytest.mark.parametrize("seed", range(6))
def test_noise_on_top_is_no_change_of_speed(library: MemoryLibrary, seed: int) -> None:
    """An excerpt under noise three times its power is reported unchanged."""
    clean = cut(music(seed, PIECE_S), 12.3, 20.3)
    rng = np.random.default_rng(seed)
    noise = rng.exponential(3 * clean.power.mean(), clean.power.shape).astype(np.float32)
    match = matches_of(library, replace(clean, power=clean.power + noise), Effort.STANDARD)[0]
    assert match.change == Change()
