"""Works with changed copies are found as without them, and nothing is lost where copies are missing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from earwitness.fingerprint.extract import extractor
from earwitness.fingerprint.types import Query, Waveform
from earwitness.fingerprint.warp import warp
from earwitness.index.changed_copies import copy_index, coverage, index_file, search_copies
from earwitness.index.changed_copies import make_copies as making
from earwitness.index.changed_copies.copy_votes import CopyVotes, PromisingStretch, PromisingWindow, covers
from earwitness.index.changed_copies.coverage import read_coverage
from earwitness.index.changed_copies.make_copies import make_copies
from earwitness.index.changed_copies.search_copies import _Stretches
from earwitness.index.database.records import CollectionKind, NewItem
from earwitness.index.library import Library
from earwitness.index.match import Effort, Match
from earwitness.index.matching.candidates import embed_half
from earwitness.index.matching.coarse_votes import CoarseVotes
from earwitness.index.matching.effort import EFFORT_PROFILES, UNCHANGED, Variant
from earwitness.index.matching.identify import identify
from earwitness.index.matching.search import Search
from earwitness.index.matching.unexplained import EXPLAINED_E_VALUE
from earwitness.index.store.home_address import HomeAddress
from earwitness.index.store.shards import Codec, build
from earwitness.index.writer import Writer

ORIGINALS = Path(__file__).parents[3] / "sample_audio" / "originals"
NAMES = ("tin_parade.mp3", "slow_harbour.mp3")
EXTRACTOR = extractor()
NO_CHROMAPRINT = np.zeros(0, np.uint32)


def query_of(name: str, start_s: float = 0.0, length_s: float = 20.0) -> Query:
    """A part of one of the sample pieces."""
    with soundfile.SoundFile(ORIGINALS / name) as file:
        file.seek(int(start_s * file.samplerate))
        sound = file.read(int(length_s * file.samplerate), dtype="float32", always_2d=True).mean(axis=1)
        rate_hz = file.samplerate
    return EXTRACTOR.query(Waveform(samples=soxr.resample(sound, rate_hz, EXTRACTOR.params.rate_hz)))


def other_sound() -> Query:
    """Eight seconds of noise in bursts of falling pitch, which are in no work."""
    rng, rate_hz = np.random.default_rng(5), EXTRACTOR.params.rate_hz
    time_s = np.arange(8 * rate_hz) / rate_hz
    sweep = np.sin(2 * np.pi * np.cumsum(400 + 300 * np.exp(-((time_s * 1.7) % 1.0) * 3)) / rate_hz)
    noise = rng.standard_normal(len(time_s)) * np.exp(-((time_s * 3.1) % 1.0) * 6)
    return EXTRACTOR.query(Waveform(samples=(0.2 * sweep + 0.1 * noise).astype(np.float32)))


def changed(query: Query, *, speed: float = 1.0, pitch_cents: float = 0.0) -> Query:
    """The query as if it were played faster or higher."""
    spectrogram = warp(query.spectrogram, speed=1 / speed, pitch_cents=-pitch_cents, params=EXTRACTOR.params)
    seconds = len(spectrogram.power) * spectrogram.frame_s
    return replace(query, spectrogram=spectrogram, duration_s=seconds, active_s=seconds)


def work_of(name: str, *, with_copies: bool) -> NewItem:
    """A piece as a work."""
    query = query_of(name)
    return NewItem(
        path=name,
        sha256=hashlib.sha256(name.encode()).hexdigest(),
        fingerprint=EXTRACTOR.fingerprint(query),
        changed_copies=make_copies(query.spectrogram, EXTRACTOR) if with_copies else None,
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> HomeAddress:
    """Two works with changed copies."""
    address = HomeAddress(tmp_path_factory.mktemp("works"))
    with Writer.open(address) as writer:
        works = writer.collection(CollectionKind.WORKS)
        writer.add(works, [work_of(name, with_copies=True) for name in NAMES])
        writer.publish()
    return address


@pytest.fixture(scope="module")
def library(home: HomeAddress) -> Iterator[Library]:
    """The home, open."""
    with Library.open(home) as opened:
        yield opened


def found(query: Query, library: Library, effort: Effort = Effort.FULL) -> list[Match]:
    """What a search finds in all collections."""
    collections = [each.id for each in library.collections]
    return identify(query, library, collections=collections, effort=effort)


PART = query_of("tin_parade.mp3", 4.0, 8.0)
QUERIES = {
    "as it is": PART,
    "12 % faster": changed(PART, speed=1.12),
    "12 % slower": changed(PART, speed=1 / 1.12),
    "two semitones higher": changed(PART, pitch_cents=200.0),
    "3 s of it": query_of("slow_harbour.mp3", 9.0, 3.0),
    "another sound": other_sound(),
}


@pytest.mark.parametrize("name", QUERIES)
@pytest.mark.parametrize("effort", [Effort.STANDARD, Effort.FULL])
def test_copies_change_no_answer(
    library: Library, monkeypatch: pytest.MonkeyPatch, name: str, effort: Effort
) -> None:
    """With changed copies a query has the matches that it has when all is undone.

    The search ends with a certain match, so that its E-value may be that of another variant.
    """
    by_copies = found(QUERIES[name], library, effort)
    with monkeypatch.context() as patched:
        patched.setattr(Library, "changed_copies", lambda *_: None)
        undone = found(QUERIES[name], library, effort)
    assert [(one.recording, one.kind) for one in by_copies] == [(one.recording, one.kind) for one in undone]
    for one, other in zip(by_copies, undone, strict=True):
        assert one == other or max(one.e_value, other.e_value) <= EXPLAINED_E_VALUE
        assert one.change is not None and other.change is not None
        assert one.change.stretch == pytest.approx(other.change.stretch, rel=0.01)
        assert one.change.pitch_cents == pytest.approx(other.change.pitch_cents, abs=20)
        for mine, its in zip(one.segments, other.segments, strict=True):
            assert mine.query_start_s == pytest.approx(its.query_start_s, abs=0.5)
            assert mine.query_end_s == pytest.approx(its.query_end_s, abs=0.5)
    assert bool(by_copies) == (name != "another sound")


def joined(*parts: Query) -> Query:
    """Several sounds, one after the other."""
    power = np.concatenate([part.spectrogram.power for part in parts])
    seconds = sum(part.duration_s for part in parts)
    spectrogram = replace(parts[0].spectrogram, power=power)
    return replace(
        parts[0], spectrogram=spectrogram, duration_s=seconds, active_s=seconds, chromaprint=NO_CHROMAPRINT
    )


def test_changed_copies_in_a_long_item_are_found_to_their_ends(library: Library) -> None:
    """Two works at two changes, with other sound around them, are placed within a second."""
    faster, higher = changed(query_of(NAMES[0]), speed=1.12), changed(query_of(NAMES[1]), pitch_cents=200.0)
    parts = [other_sound(), other_sound(), faster, other_sound(), higher, other_sound(), other_sound()]
    starts_s = np.cumsum([0.0, *(part.duration_s for part in parts)])
    places = {one.recording: one for one in found(joined(*parts), library)}
    for recording, number, stretch in ((1, 2, 1.12), (2, 4, 1.0)):
        (segment,) = places[recording].segments
        assert segment.e_value < 1e-9
        assert segment.query_start_s == pytest.approx(starts_s[number], abs=1.0)
        assert segment.query_end_s == pytest.approx(starts_s[number + 1], abs=1.0)
        change = places[recording].change
        assert change is not None and change.stretch == pytest.approx(stretch, rel=0.01)


def made_search(found_at: Callable[[Variant], list[Any]]) -> Any:
    """A search of 10 s in which every change has hope, with the given results."""
    search = SimpleNamespace(
        start_s=0.0,
        query=SimpleNamespace(duration_s=10.0),
        profile=EFFORT_PROFILES[Effort.FULL],
        itself=7,
        vote_coarsely=lambda new: SimpleNamespace(ranked=lambda *, span_s: list(new)),
        search_half=lambda variant: variant,
        best_hope=lambda found: 1.0,
        search_variant=found_at,
    )
    search.part = lambda start_s, end_s: search
    return search


def certain(recording: int) -> Any:
    """A straight alignment of 5 s with a small E-value."""
    steps = np.arange(10, dtype=np.int32)
    alignment = SimpleNamespace(
        recording=recording,
        codes=steps,
        query_frames=4 * steps,
        similarity=np.ones(10, np.float32),
        query_span_s=(3.0, 8.0),
    )
    return SimpleNamespace(e_value=1e-30, alignment=alignment)


@pytest.mark.parametrize(("recording", "n_searched"), [(7, 3), (8, 1)], ids=["itself", "another"])
def test_only_another_recording_ends_the_search_of_a_stretch(recording: int, n_searched: int) -> None:
    """What an item has in common with itself keeps no copy of it from being searched."""
    window = PromisingWindow(span_s=(0.0, 10.0), variants=EFFORT_PROFILES[Effort.FULL].changed[:3])
    whole = PromisingStretch(start_s=0.0, end_s=10.0, windows=(window,))
    search = made_search(lambda _: [certain(recording)])
    assert len(list(_Stretches(search).search(whole, []))) == n_searched


def test_windows_of_a_stretch_are_searched_until_something_is_certain() -> None:
    """Where the window of most votes holds nothing certain, the changes of the others are searched too."""
    first, second, third = EFFORT_PROFILES[Effort.FULL].changed[:3]
    windows = tuple(
        PromisingWindow(span_s=span_s, variants=variants)
        for span_s, variants in (
            ((0.0, 5.0), (first,)),
            ((3.0, 8.0), (first, second)),
            ((5.0, 10.0), (third,)),
        )
    )
    searched = list[Variant]()

    def found_at(variant: Variant) -> list[Any]:
        searched.append(variant)
        return [certain(8)] if variant is second else []

    list(
        _Stretches(made_search(found_at)).search(
            PromisingStretch(start_s=0.0, end_s=10.0, windows=windows), []
        )
    )
    assert searched == [first, second]


@pytest.mark.parametrize(
    ("best_s", "n_searched"), [((10.0, 20.0), 2), ((7.0, 17.0), 1)], ids=["beside it", "of its votes"]
)
def test_a_known_copy_ends_the_search_where_it_has_the_votes(
    best_s: tuple[float, float], n_searched: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A known match (3 to 8 s) says nothing of the other windows of a stretch that it only touches."""
    monkeypatch.setattr(search_copies, "_open_spans", lambda search, known: [(0.0, 30.0)])
    first, second = EFFORT_PROFILES[Effort.FULL].changed[:2]
    windows = tuple(
        PromisingWindow(span_s=span_s, variants=(variant,))
        for span_s, variant in ((best_s, first), ((19.0, 29.0), second))
    )
    stretch = PromisingStretch(start_s=7.0, end_s=29.0, windows=windows)
    searched = list(_Stretches(made_search(lambda _: [])).search(stretch, [certain(8)]))
    assert len(searched) == n_searched


def test_no_change_is_undone_without_hope(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a query that is in no work, no changed variant is embedded; of a faster one, some are."""
    undone, vote = list[int](), Search.vote_coarsely

    def counted(search: Search, variants: Sequence[Variant]) -> CoarseVotes:
        undone.append(len(variants))
        return vote(search, variants)

    monkeypatch.setattr(Search, "vote_coarsely", counted)
    assert found(QUERIES["another sound"], library) == []
    assert undone == []
    assert found(QUERIES["12 % faster"], library)[0].e_value < 1e-4
    assert 0 < max(undone) < len(EFFORT_PROFILES[Effort.FULL].changed)


@pytest.mark.parametrize("variant", EFFORT_PROFILES[Effort.FULL].changed, ids=lambda one: str(one.change))
def test_every_change_is_promising_where_it_was_made(library: Library, variant: Variant) -> None:
    """Whichever change a work was played with, the copies give hope of that change."""
    change = variant.change
    query = replace(
        PART,
        spectrogram=warp(
            PART.spectrogram,
            speed=1 / change.speed,
            pitch_cents=-change.pitch_cents,
            tempo=1 / change.tempo,
            params=EXTRACTOR.params,
        ),
    )
    profile = EFFORT_PROFILES[Effort.FULL]
    copies = library.changed_copies([each.id for each in library.collections])
    assert copies is not None
    half = embed_half(query, profile.unchanged, EXTRACTOR, library.background)
    votes = CopyVotes.of(half, copies, library.calibration)
    (stretch,) = votes.promising(profile.changed, [(0.0, query.duration_s)])
    promising = [each.change for each in stretch.windows[0].variants]
    assert change in promising
    assert UNCHANGED not in promising


def test_a_long_work_has_the_copies_of_its_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies that are made part by part have the codes of copies that are made at once."""
    spectrogram = query_of("slow_harbour.mp3").spectrogram
    whole = make_copies(spectrogram, EXTRACTOR)
    monkeypatch.setattr(making, "CODES_AT_ONCE", 12)
    in_parts = make_copies(spectrogram, EXTRACTOR)
    for one, other in zip(whole.codes, in_parts.codes, strict=True):
        vectors = EXTRACTOR.unpack(one), EXTRACTOR.unpack(other)
        assert len(one) == len(other)
        assert np.median((vectors[0] * vectors[1]).sum(axis=1)) > 0.97


def test_a_work_without_copies_is_searched_for_all_the_same(tmp_path: Path) -> None:
    """A work of an earlier version has none: then every change is undone, until it is registered again."""
    address = HomeAddress(tmp_path / "home")
    with Writer.open(address) as writer:
        works = writer.collection(CollectionKind.WORKS)
        writer.add(works, [work_of(NAMES[0], with_copies=False), work_of(NAMES[1], with_copies=True)])
        with Library.open(address) as library:
            assert library.changed_copies([works]) is None
            assert read_coverage(address, library.collections).n_without == 1
            assert found(QUERIES["12 % faster"], library)[0].e_value < 1e-4
        writer.add(works, [work_of(NAMES[0], with_copies=True)])
    with Library.open(address) as library:
        assert library.changed_copies([works]) is not None
        assert read_coverage(address, library.collections).is_usable
        assert len(library.listing(works)) == 2


def test_a_removed_work_leaves_no_copies(tmp_path: Path) -> None:
    """The copies of a work go with it."""
    address = HomeAddress(tmp_path / "home")
    with Writer.open(address) as writer:
        works = writer.collection(CollectionKind.WORKS)
        added = writer.add(works, [work_of(name, with_copies=True) for name in NAMES])
        writer.remove(works, items=[added[0].item])
    with Library.open(address) as library:
        assert added[0].recording is not None and added[1].recording is not None
        assert not library.has_copies(added[0].recording) and library.has_copies(added[1].recording)


@pytest.mark.parametrize("with_copies", [True, False])
def test_a_changed_copy_is_found_beside_the_item_itself(tmp_path: Path, with_copies: bool) -> None:
    """Among items that are compared with each other, a faster one is found beside the item itself."""
    faster = changed(query_of(NAMES[0]), speed=1.12)
    item = work_of(NAMES[0], with_copies=with_copies)
    other = replace(
        item,
        path="faster.mp3",
        sha256=hashlib.sha256(b"faster").hexdigest(),
        fingerprint=EXTRACTOR.fingerprint(faster),
        changed_copies=make_copies(faster.spectrogram, EXTRACTOR) if with_copies else None,
    )
    address = HomeAddress(tmp_path / "home")
    with Writer.open(address) as writer:
        items = writer.collection(CollectionKind.DATASET, "items", "1")
        one, two = (each.recording for each in writer.add(items, [item, other]))
    with Library.open(address) as library:
        matches = identify(faster, library, collections=[items], effort=Effort.STANDARD, itself=two)
        assert {match.recording for match in matches if match.e_value < 1e-4} == {one, two}


def test_copies_that_take_too_much_memory_are_not_used(
    home: HomeAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above a limit every change is undone, and what is found stays the same."""
    monkeypatch.setattr(coverage, "MOST_BYTES", 1_000)
    with Library.open(home) as library:
        assert library.changed_copies([each.id for each in library.collections]) is None
        assert found(QUERIES["12 % faster"], library)[0].e_value < 1e-4


def test_a_kept_index_is_used_and_a_damaged_one_is_built_again(
    home: HomeAddress, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large index is kept in the home; whatever happens to its file, searches find the same."""
    monkeypatch.setattr(index_file, "KEPT_FROM", 1)
    query = QUERIES["12 % faster"]
    expected = found(query, library)
    with Library.open(home) as first:
        assert found(query, first) == expected
    (kept,) = (home.path / index_file.FOLDER).iterdir()
    sound, builds = kept.read_bytes(), list[int]()

    def counted(copies: Iterable[tuple[int, NDArray[np.uint8]]], n_codes: int, codec: Codec) -> object:
        builds.append(n_codes)
        return build(copies, n_codes, codec)

    monkeypatch.setattr(copy_index, "build", counted)
    for damaged in (sound, sound[:-1], bytes([sound[0] ^ 1]) + sound[1:], b""):
        kept.write_bytes(damaged)
        with Library.open(home) as again:
            assert found(query, again) == expected
        assert kept.read_bytes() == sound
    assert len(builds) == 3


def test_an_index_of_other_works_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When works are added, the index is built again; when one is removed, no file holds it any more."""
    monkeypatch.setattr(index_file, "KEPT_FROM", 1)
    address = HomeAddress(tmp_path / "home")
    with Writer.open(address) as writer:
        works = writer.collection(CollectionKind.WORKS)
        for n_works, name in enumerate(NAMES, start=1):
            writer.add(works, [work_of(name, with_copies=True)])
            with Library.open(address) as library:
                copies = library.changed_copies([works])
                assert copies is not None
                codes = EXTRACTOR.embed(query_of(name).spectrogram, fine=False)
                hits, _ = copies.search(codes, k=4, n_probe=64)
                assert set(hits.recording.tolist()) <= set(range(1, n_works + 1))
                assert n_works in hits.recording
            assert len(list((address.path / index_file.FOLDER).iterdir())) == 1
        writer.remove(works, items=[1])
        assert not list((address.path / index_file.FOLDER).iterdir())


def test_copies_of_too_few_changes_are_not_used(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies that are not near every change of the effort are not used: every change is undone."""
    copies = library.changed_copies([each.id for each in library.collections])
    assert copies is not None
    monkeypatch.setattr(Library, "changed_copies", lambda *_: replace(copies, changes=copies.changes[:3]))
    assert found(QUERIES["12 % slower"], library)[0].e_value < 1e-4
    for effort in (Effort.STANDARD, Effort.FULL):
        assert covers(copies.changes, EFFORT_PROFILES[effort].changed)
        assert not covers(copies.changes[:3], EFFORT_PROFILES[effort].changed)
