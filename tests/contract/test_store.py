"""What every home promises, whether published or not, rebuilt, mended or restored from a backup."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from earwitness.fingerprint.errors import SchemeMismatch
from earwitness.index.database.records import AddStatus, ChangedCopies, Failure, NewItem, Thumbnail
from earwitness.index.library import Library
from earwitness.index.match import Change
from earwitness.index.store.home_address import HomeAddress
from earwitness.index.store.store_errors import (
    CollectionUnknown,
    ItemUnknown,
    RecordingUnknown,
)
from earwitness.index.store.verify import verify
from earwitness.index.writer import Writer
from tests.contract.small_store import (
    CODEC,
    DATASET,
    WORKS,
    found_at_once,
    sha256_of,
    some_codes,
    some_fingerprint,
    some_item,
    unreadable,
)

Settle = Callable[[Path], Path]


def _open(home: Path) -> Library:
    return Library.open(HomeAddress(home), codec=CODEC)


def test_what_was_added_is_found(home: Path, settled: Settle) -> None:
    """Each code of each item finds itself, at its own position."""
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        dataset = writer.collection(DATASET, "scraped")
        writer.add(dataset, [some_item(seed) for seed in range(5)])
    with _open(settled(home)) as library:
        assert all(found_at_once(library, seed, [dataset]) for seed in range(5))


def test_a_collection_is_searched_only_when_it_is_asked(home: Path, settled: Settle) -> None:
    """An item of one collection is not found in another, and is found once where both are asked."""
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        works, dataset = writer.collection(WORKS), writer.collection(DATASET, "scraped")
        writer.add(works, [some_item(1), some_item(2)])
        writer.add(dataset, [some_item(2), some_item(3)])
    with _open(settled(home)) as library:
        assert not found_at_once(library, 1, [dataset])
        assert found_at_once(library, 2, [works]) and found_at_once(library, 2, [dataset])
        hits = library.search(CODEC.unpack(some_codes(2, 6)), k=30, collections=[works, dataset])
        places = list(zip(hits.query_row, hits.recording, hits.position, strict=True))
        assert len(places) == len(set(places)) == 6 * 18
        assert library.n_codes([works, dataset]) == 24


def test_hits_are_those_of_an_exhaustive_search(home: Path, settled: Settle) -> None:
    """Flat segments give the nearest codes, best first, as a plain matrix product does."""
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        dataset = writer.collection(DATASET, "scraped")
        for seed in range(4):
            writer.add(dataset, [some_item(seed)])
            writer.publish()
    stored = CODEC.unpack(np.concatenate([some_codes(seed, 6) for seed in range(4)]))
    query = CODEC.unpack(some_codes(99, 10))
    with _open(settled(home)) as library:
        hits = library.search(query, k=5, collections=[dataset])
    best = np.sort(query @ stored.T, axis=1)[:, ::-1][:, :5]
    assert np.array_equal(hits.query_row, np.repeat(np.arange(10), 5))
    assert np.allclose(hits.similarity.reshape(10, 5), best, atol=2e-3)


def test_adding_again_changes_nothing(home: Path, settled: Settle) -> None:
    """The same audio at the same place is reported as existing, and no epoch passes."""
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        dataset = writer.collection(DATASET, "scraped")
        first = writer.add(dataset, [some_item(1), unreadable("cut.mp3")])
    again_home = settled(home)
    with Writer.open(HomeAddress(again_home), codec=CODEC) as writer:
        epoch = writer.epoch
        again = writer.add(dataset, [some_item(1), unreadable("cut.mp3")])
        assert [one.item for one in again] == [one.item for one in first]
        assert {one.status for one in again} == {AddStatus.EXISTING}
        assert writer.epoch == epoch


def test_the_same_audio_is_one_recording(home: Path, settled: Settle) -> None:
    """A thousand places share one fingerprint; every place is named."""
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        dataset = writer.collection(DATASET, "scraped")
        added = writer.add(dataset, [some_item(1, path=f"copy/{n}.wav") for n in range(3)])
        named_only = NewItem(path="copy/again.wav", sha256=sha256_of(1))
        added += writer.add(dataset, [named_only])
    assert len({one.recording for one in added}) == 1
    assert [one.known_audio for one in added] == [False, True, True, True]
    with _open(settled(home)) as library:
        recording = added[0].recording
        assert recording is not None
        assert len(library.items(recording, [dataset])) == 4
        assert library.n_codes([dataset]) == 6


def test_an_unreadable_item_is_remembered_until_it_can_be_read(home: Path, settled: Settle) -> None:
    """It counts as unreadable, then as an item, and stays one row."""
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        dataset = writer.collection(DATASET, "scraped")
        (failed,) = writer.add(dataset, [unreadable("a.wav")])
        (read,) = writer.add(dataset, [some_item(1, path="a.wav")])
        writer.add(dataset, [unreadable("b.wav", sha256_of(2))])
    assert (read.item, read.status) == (failed.item, AddStatus.READ_AT_LAST)
    with _open(settled(home)) as library:
        (collection,) = library.collections
        assert (collection.n_items, collection.n_unreadable) == (1, 1)


def test_registering_the_same_audio_again_makes_no_second_work(home: Path) -> None:
    """Wherever its file lies now; but another owner's claim is a work of its own."""
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        works = writer.collection(WORKS)
        (first,) = writer.add(works, [some_item(1, owner="Ada")])
        (moved,) = writer.add(works, [some_item(1, path="elsewhere.wav", owner="Ada")])
        (claimed,) = writer.add(works, [some_item(1, owner="Bob", path="bob.wav")])
    assert (moved.item, moved.status) == (first.item, AddStatus.EXISTING)
    assert claimed.status is AddStatus.ADDED and claimed.recording == first.recording


def test_what_is_removed_is_forgotten_and_nothing_else(home: Path, settled: Settle) -> None:
    """A removed item is not found any more; its audio stays where another item shares it."""
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        works, dataset = writer.collection(WORKS), writer.collection(DATASET, "scraped")
        writer.add(works, [some_item(1)])
        added = writer.add(dataset, [some_item(seed) for seed in range(4)])
    later = settled(home)
    with Writer.open(HomeAddress(later), codec=CODEC) as writer:
        removed = writer.remove(dataset, items=[added[1].item, added[2].item])
        assert (removed.n_items, removed.n_recordings) == (2, 1)
        assert verify(writer.address, settled_s=0) == []
    with _open(later) as library:
        assert [found_at_once(library, seed, [dataset]) for seed in range(4)] == [True, False, False, True]
        assert found_at_once(library, 1, [works])
        assert library.by_sha256(sha256_of(2)) is None


def test_a_removed_collection_is_gone(home: Path, settled: Settle) -> None:
    """Neither its name nor its fingerprints nor its files are left."""
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        dataset = writer.collection(DATASET, "scraped")
        writer.add(dataset, [some_item(1), unreadable("x")])
    later = settled(home)
    with Writer.open(HomeAddress(later), codec=CODEC) as writer:
        assert writer.remove(dataset).n_items == 2
        assert writer.collections == () and list((later / "segments").iterdir()) == []
        with pytest.raises(CollectionUnknown):
            writer.add(dataset, [some_item(1)])


def test_an_open_library_sees_its_own_epoch(home: Path, settled: Settle) -> None:
    """What a writer adds or removes afterwards is seen by those who open later, and only by them."""
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        dataset = writer.collection(DATASET, "scraped")
        (first,) = writer.add(dataset, [some_item(1)])
    later = settled(home)
    with _open(later) as library, Writer.open(HomeAddress(later), codec=CODEC) as writer:
        writer.remove(dataset, items=[first.item])
        writer.add(dataset, [some_item(2)])
        writer.publish()
        assert found_at_once(library, 1, [dataset]) and not found_at_once(library, 2, [dataset])
        assert first.recording is not None and len(library.codes(first.recording)) == 6
        with _open(later) as newer:
            assert newer.epoch > library.epoch
            assert newer.state_digest([dataset]) != library.state_digest([dataset])
            assert found_at_once(newer, 2, [dataset]) and not found_at_once(newer, 1, [dataset])


def test_what_is_known_of_an_item_comes_back(home: Path, settled: Settle) -> None:
    """Names, metadata, codes, peaks, Chromaprint and the small spectrogram are as they were given."""
    levels = np.arange(12, dtype=np.uint8).reshape(4, 3)
    picture = Thumbnail(levels=levels, frame_s=0.25, lowest_db=-80.0, step_db=0.5)
    texts: dict[str, Any] = {"title": "Ünder", "artist": "Bea", "album": "Étude", "isrc": "X"}
    item = replace(some_item(7, owner="Ada"), **texts, metadata={"a": [1]}, thumbnail=picture)
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        works = writer.collection(WORKS)
        ((recording),) = (one.recording for one in writer.add(works, [item]))
    assert recording is not None
    with _open(settled(home)) as library:
        (row,) = library.items(recording, [works])
        assert {name: getattr(row, name) for name in texts} == texts
        assert (row.path, row.owner, row.metadata) == ("7.wav", "Ada", {"a": [1]})
        assert np.array_equal(library.codes(recording), CODEC.unpack(some_codes(7, 6)))
        assert np.array_equal(library.chromaprint(recording), some_fingerprint(7).chromaprint)
        assert np.array_equal(library.peaks(recording), some_fingerprint(7).peaks)
        kept = library.thumbnail(recording)
        assert kept is not None and np.array_equal(kept.levels, levels)
        assert library.recording(recording).sha256 == sha256_of(7)


def test_changed_copies_are_found_as_long_as_their_work_is_stored(home: Path, settled: Settle) -> None:
    """The codes of a copy lead to its work and change; a removed work takes its copies along."""
    changes = (Change(speed=1.06), Change(pitch_cents=125.0))
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        works = writer.collection(WORKS)
        for seed in (5, 6):
            codes = (some_codes(seed + 20, 3), some_codes(seed + 40, 4))
            copies = ChangedCopies(changes=changes, codes=codes, every=2)
            (added,) = writer.add(works, [replace(some_item(seed), changed_copies=copies)])
    later = settled(home)
    with _open(later) as library:
        found = library.changed_copies([works])
        assert found is not None and (found.changes, found.every, len(found)) == (changes, 2, 14)
        hits, copy = found.search(CODEC.unpack(some_codes(46, 4)), k=1, n_probe=64)
        assert hits.recording.tolist() == [added.recording] * 4
        assert (copy.tolist(), hits.position.tolist()) == ([1] * 4, [0, 2, 4, 6])
    with Writer.open(HomeAddress(later), codec=CODEC) as writer:
        writer.remove(works, items=[added.item])
    with _open(later) as library:
        left = library.changed_copies([works])
        assert left is not None and len(left) == 7
        assert added.recording is not None and not library.has_copies(added.recording)


def test_a_whole_copy_is_recognised_by_chromaprint(home: Path, settled: Settle) -> None:
    """The same vector with a few bits changed is a copy; another vector, or half of it, is not."""
    stored = some_fingerprint(3, n_codes=60)
    item = NewItem(path="3.wav", sha256=sha256_of(3), fingerprint=stored)
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        dataset = writer.collection(DATASET, "scraped")
        (added,) = writer.add(dataset, [item])
    heard = stored.chromaprint ^ (np.arange(stored.chromaprint.size) % 7 == 0).astype(np.uint32)
    other = some_fingerprint(4, n_codes=60).chromaprint
    with _open(settled(home)) as library:
        assert library.whole_file(heard, stored.duration_s, [dataset]) == [added.recording]
        assert library.whole_file(other, stored.duration_s, [dataset]) == []
        assert library.whole_file(heard[: heard.size // 2], stored.duration_s / 2, [dataset]) == []
        alike = library.length_filter([dataset])
        lengths = [share * stored.duration_s for share in (0.5, 0.92, 1.0, 1.08, 2.0)]
        assert [alike(length) for length in lengths] == [False, True, True, True, False]


def test_an_item_without_sound_or_name_is_refused(home: Path) -> None:
    """Codes of another scheme, and audio that is not known, are refused with all that came with them."""
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        dataset = writer.collection(DATASET, "scraped")
        foreign = replace(some_item(2), fingerprint=replace(some_fingerprint(2), scheme="other-1"))
        with pytest.raises(SchemeMismatch):
            writer.add(dataset, [some_item(1), foreign])
        with pytest.raises(RecordingUnknown):
            writer.add(dataset, [some_item(1), NewItem(path="x", sha256=sha256_of(9))])
        assert writer.item(dataset, "1.wav", sha256_of(1)) is None


def test_a_recording_without_codes_is_an_item_that_nothing_finds(home: Path, settled: Settle) -> None:
    """Half a second of sound has no code; it is stored, and the home is sound."""
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        dataset = writer.collection(DATASET, "scraped")
        writer.add(dataset, [some_item(1, n_codes=0)])
        assert verify(writer.address, settled_s=0) == []
    with _open(settled(home)) as library:
        assert len(library.search(CODEC.unpack(some_codes(1, 2)), k=3, collections=[dataset]).recording) == 0


def test_new_metadata_replace_the_old_ones(home: Path, settled: Settle) -> None:
    """What is given is changed, what is not given stays, and remembered answers no longer hold."""
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        works = writer.collection(WORKS)
        (added,) = writer.add(works, [replace(some_item(1, owner="Ada"), title="Old")])
    later = settled(home)
    with _open(later) as library:
        before = library.state_digest([works])
    with Writer.open(HomeAddress(later), codec=CODEC) as writer:
        assert writer.update_metadata(works, added.item, title="New", metadata={"a": 1})
        assert writer.update_metadata(works, added.item, album="Étude")
        assert not writer.update_metadata(works, added.item, title="New")
        assert verify(writer.address, settled_s=0) == []
        with pytest.raises(ItemUnknown):
            writer.update_metadata(works, added.item + 1, title="New")
    with _open(later) as library:
        assert library.state_digest([works]) != before
        (row,) = library.listing(works)
        assert (row.title, row.artist, row.album, row.owner) == ("New", None, "Étude", "Ada")
        assert row.metadata == {"a": 1}


@pytest.mark.parametrize("text", ["\udce9t\udce9.wav", "a\x00b", "\ud83d", "\x1b[31mred"])
def test_no_text_is_too_strange_to_be_stored(home: Path, text: str) -> None:
    """Lone surrogates, NUL and escapes in any field are stored and found again under the same name."""
    strange = replace(
        some_item(1, path=text, owner=text),
        title=text,
        artist=text,
        album=text,
        isrc=text,
        metadata={text: [text]},
    )
    failure = Failure(code="broken", message=text, hint=text)
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        dataset = writer.collection(DATASET, "scraped")
        (added,) = writer.add(dataset, [strange])
        writer.add(dataset, [NewItem(path=f"{text}2", sha256=None, failure=failure)])
        (again,) = writer.add(dataset, [strange])
        assert again.status is AddStatus.EXISTING
        found = writer.item(dataset, text, sha256_of(1))
        assert found is not None and found.id == added.item
        assert [row.id for row in writer.find(dataset, text)] == [added.item]
        assert verify(writer.address, settled_s=0) == []
