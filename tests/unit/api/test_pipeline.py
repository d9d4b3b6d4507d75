"""One item from bytes to finding, with a stand-in for the decoder and the extractor."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
import pytest

from earwitness.api.datasets.isolated.sealed_memory import memory_file, open_received, seal
from earwitness.api.datasets.item_errors import ItemUnreadable, NoSound
from earwitness.api.datasets.items import Identifiers, SourceItem
from earwitness.api.pipeline import search_item as pipeline
from earwitness.api.pipeline.cut_stretch import stretch
from earwitness.api.pipeline.item_bytes import read_item
from earwitness.api.pipeline.pipeline_errors import StretchMissing
from earwitness.api.pipeline.search_item import ItemDecoder, audio_key, search_item
from earwitness.api.settings import Settings
from earwitness.fingerprint.errors import BrokenAudio
from earwitness.fingerprint.types import (
    RATE_HZ,
    AudioPart,
    Decoded,
    Query,
    Spectrogram,
    Tags,
    Waveform,
)
from earwitness.index.known_files.file_list import ListedDataset
from earwitness.index.known_files.known_files import KnownFiles
from earwitness.index.known_files.write_file_list import KnownFile, write_file_list
from earwitness.index.match import Effort, Verdict
from earwitness.index.matching.verdict import needed_active_s
from earwitness.index.names.name_entries import NameEntry
from earwitness.index.names.name_list import NameList
from earwitness.index.names.recording_ids import RecordingId
from earwitness.index.names.stored_rows import row_of
from earwitness.index.names.write_name_list import NameListWriter
from earwitness.index.statistics.power import power_table
from tests.unit.api.made_findings import SEARCH


def item(audio: bytes = b"sound", **changed: Any) -> SourceItem:
    """A member of an archive, whose stream cannot seek."""
    fields: dict[str, Any] = {
        "item_id": "a.wav",
        "path": "a.wav",
        "open": lambda: io.BufferedReader(io.BytesIO(audio)),
    }
    return SourceItem(**fields | changed)


def wave(seconds: float) -> Waveform:
    """Silence of some length."""
    return Waveform(samples=np.zeros(round(seconds * RATE_HZ), np.float32))


class OneSound:
    """A decoder that gives the same sound for all bytes, or fails."""

    def __init__(self, decoded: Decoded | Exception) -> None:
        self._decoded = decoded

    def decode(self, source: object, *, name: str, with_tags: bool = False) -> Decoded:
        """Decode."""
        if isinstance(self._decoded, Exception):
            raise self._decoded
        return self._decoded


class Lengths:
    """An extractor that keeps nothing but the length; all of it is active."""

    def query(self, waveform: Waveform, *, with_chromaprint: bool = True) -> Query:
        """Extract; the Chromaprint is one item long."""
        empty = Spectrogram(power=np.empty((0, 1), np.float32), frame_s=0.1)
        return Query(
            scheme="s",
            duration_s=waveform.duration_s,
            active_s=waveform.duration_s,
            spectrogram=empty,
            chromaprint=np.zeros(int(with_chromaprint), np.uint32),
        )


def decoder(
    decoded: Decoded | Exception, *, wants_chromaprint: Callable[[float], bool] = lambda _: True
) -> ItemDecoder:
    """A decoder round those."""
    made = ItemDecoder.__new__(ItemDecoder)
    made._decoder, made.extractor = OneSound(decoded), Lengths()  # type: ignore[assignment]
    made._wants_chromaprint, made._known_files = wants_chromaprint, KnownFiles([])
    return made


def decoded(seconds: float, *, whole: bool = True) -> Decoded:
    """What a decoder would give."""
    return Decoded(
        waveform=wave(seconds),
        container="wav",
        codec="pcm",
        source_rate_hz=44_100,
        source_channels=2,
        whole=whole,
        note=None if whole else "the last block is missing",
    )


@pytest.mark.parametrize("held_bytes", [10, 5, 4, 1])
@pytest.mark.parametrize("own_file", [False, True])
def test_bytes_are_read_once_and_hashed(tmp_path: Path, held_bytes: int, own_file: bool) -> None:
    """In memory or not, the decoder gets the bytes with the reported sha256, and no copy stays on disk."""
    (tmp_path / "a.wav").write_bytes(b"sound")
    with read_item(item(file=tmp_path / "a.wav" if own_file else None), held_bytes=held_bytes) as had:
        source = had.source
        if isinstance(source, Path):
            audio = source.read_bytes()
        else:
            audio = source if isinstance(source, bytes) else source.read()
    assert (audio, had.size_bytes) == (b"sound", 5)
    assert had.digests == {"sha256": hashlib.sha256(b"sound").hexdigest()}


@pytest.mark.parametrize("held_bytes", [10, 2])
@pytest.mark.parametrize("sealed", [False, True])
def test_one_reading_gives_every_digest(held_bytes: int, sealed: bool) -> None:
    """MD5, SHA-1 and SHA-256 of the same bytes are had from one reading, wherever the bytes are."""
    reads = []

    def opened() -> Any:
        reads.append(1)
        file = memory_file() if sealed else io.BytesIO(b"sound")
        assert file is not None
        if sealed:
            file.write(b"sound")
            seal(file)
            file.seek(0)
        return file

    with read_item(item(open=opened), held_bytes=held_bytes, kinds={"md5", "sha1"}) as had:
        assert had.digests == {
            "md5": hashlib.md5(b"sound").hexdigest(),
            "sha1": hashlib.sha1(b"sound").hexdigest(),
            "sha256": hashlib.sha256(b"sound").hexdigest(),
        }
    assert reads == [1]


def test_sealed_memory_is_decoded_without_a_copy() -> None:
    """What no process can change any more is hashed and handed to the decoder as it came."""
    file = memory_file()
    assert file is not None
    with file:
        file.write(b"sound")
        seal(file)
        received = open_received(os.dup(file.fileno()))
        with read_item(item(open=lambda: received)) as item_bytes:
            assert item_bytes.source is received
            assert item_bytes.sha256 == hashlib.sha256(b"sound").hexdigest()
            assert (item_bytes.size_bytes, received.read()) == (5, b"sound")


def test_an_unreadable_file_can_be_a_known_file(tmp_path: Path) -> None:
    """A file that cannot be decoded is still found in a list of known files by its bytes."""
    listed = ListedDataset(id="a_set", name="A set", version="1", n_files=1, listed_by="a test")
    known = KnownFile(path="x/a.wav", digests={"md5": hashlib.md5(b"sound").digest()})
    with (tmp_path / "a.files").open("wb") as file:
        write_file_list(file, [(listed, [known])], notice="")
    with_list = decoder(BrokenAudio(name="a.wav", reason="it is cut off"))
    with_list._known_files = KnownFiles.open([tmp_path / "a.files"])
    unread = with_list.decode(item())
    assert unread.error is not None and unread.query is None
    assert [(each.dataset, each.card, each.paths) for each in unread.same_file] == [
        ("A set", "a_set", ("x/a.wav",))
    ]
    assert with_list.decode(item(b"other")).same_file == ()


def named(path: Path) -> NameList:
    """A list of one song with a video."""
    entry = NameEntry(
        place="l.csv#0", artists=("A",), title="B", ids=(RecordingId("youtube", "dQw4w9WgXcQ"),)
    )
    with NameListWriter(path) as writer:
        writer.add([row for row in [row_of(entry)] if row is not None])
        about = {"name": "A list", "version": "1", "card": None, "layout": "a test"}
        writer.finish({**about, "listed_by": "a test", "date": "2026-11-30"})
    return NameList(path)


def test_names_are_looked_up_by_tags_and_by_the_row_of_a_list(tmp_path: Path) -> None:
    """An item is asked by what its row says, else by its tags, also where it cannot be decoded."""
    tagged = replace(decoded(20.0), tags=Tags(artist="a", title="B (Official Video)"))
    by_tags, unreadable = decoder(tagged), decoder(BrokenAudio(name="a.wav", reason="it is cut off"))
    for each in (by_tags, unreadable):
        each._name_lists = [named(tmp_path / "a.names")]
    assert [one.kind for one in by_tags.decode(item(), with_names=True).names] == ["artist_title"]
    row = item(identifiers=Identifiers(youtube="dQw4w9WgXcQ"))
    found = unreadable.decode(row, with_names=True)
    assert found.error is not None
    assert [(one.kind, one.e_value) for one in found.names] == [("youtube", None)]
    assert unreadable.decode(item(), with_names=True).names == ()
    assert by_tags.decode(item()).names == ()


def test_a_link_has_no_bytes() -> None:
    """An entry without audio is refused by name."""
    with pytest.raises(NoSound, match=r"a\.wav"), read_item(item(open=None)):
        pass


def test_the_same_bytes_in_parts_are_different_audio() -> None:
    """A manifest's parts of one file are recordings of their own."""
    keys = {audio_key(item(start_s=start), "ab" * 32) for start in (None, 0.0, 1.0)}
    assert len(keys) == 3


@pytest.mark.parametrize(
    ("start_s", "end_s", "expected_s"), [(None, None, 8), (2, 5, 3), (6, 60, 2), (None, 3, 3)]
)
def test_a_part_is_cut_out(start_s: float | None, end_s: float | None, expected_s: float) -> None:
    """The part that a manifest selects is decoded, at most to the end of the file."""
    cut = stretch(decoded(8), item(start_s=start_s, end_s=end_s))
    assert cut.waveform.duration_s == pytest.approx(expected_s)


def test_a_part_that_is_not_there_is_an_error() -> None:
    """A part that begins after the file's end is not read as silence."""
    with pytest.raises(StretchMissing, match=r"8\.0 s"):
        stretch(decoded(8), item(start_s=9.0))


def in_parts(kind: Literal["sequential", "parallel"], *lengths_s: float) -> Decoded:
    """What a decoder would give of a file with several streams; the samples count the streams."""
    parts, samples, start_s = [], [], 0.0
    for number, length_s in enumerate(lengths_s, 1):
        parts.append(AudioPart(label=f"part {number}", start_s=start_s, duration_s=length_s, kind=kind))
        samples.append(np.full(round(length_s * RATE_HZ), number, np.float32))
        start_s += length_s
    waveform = Waveform(samples=np.concatenate(samples))
    return replace(decoded(1), waveform=waveform, parts=tuple(parts))


@pytest.mark.parametrize(("start_s", "end_s"), [(30.0, 38.0), (30.0, 38.3), (3.0, 11.0), (900.0, 907.8)])
def test_a_file_as_long_as_the_part_is_the_part(start_s: float, end_s: float) -> None:
    """A clip that was cut already is compared to its end, wherever it began in the original recording."""
    assert stretch(decoded(8), item(start_s=start_s, end_s=end_s)).waveform.duration_s == pytest.approx(8.0)


@pytest.mark.parametrize(("start_s", "end_s", "left_s"), [(3.0, 9.5, 5.0), (0.0, 8.0, 8.0), (2.0, 8.2, 6.0)])
def test_a_part_that_begins_in_a_longer_file_is_cut(start_s: float, end_s: float, left_s: float) -> None:
    """A file of another length than the part is not the part."""
    cut = stretch(decoded(8), item(start_s=start_s, end_s=end_s))
    assert cut.waveform.duration_s == pytest.approx(left_s)


@pytest.mark.parametrize(
    ("kind", "start_s", "end_s", "expected"),
    [
        ("sequential", 1, 6, {1: 3, 2: 2}),
        ("sequential", 5, None, {2: 3}),
        ("sequential", None, 4, {1: 4}),
        ("parallel", 1, 3, {1: 2, 2: 2}),
        ("parallel", 3.5, None, {1: 0.5, 2: 0.5}),
        ("parallel", None, None, {1: 4, 2: 4}),
    ],
)
def test_a_stretch_is_in_the_time_of_the_file(
    kind: Literal["sequential", "parallel"],
    start_s: float | None,
    end_s: float | None,
    expected: dict[int, float],
) -> None:
    """Streams one after another share one time; of tracks side by side the stretch is cut out of each."""
    cut = stretch(in_parts(kind, 4, 4), item(start_s=start_s, end_s=end_s))
    held = {number: float(np.mean(cut.waveform.samples == number)) for number in expected}
    total_s = cut.waveform.duration_s
    assert {number: share * total_s for number, share in held.items()} == pytest.approx(expected, abs=1e-3)
    assert total_s == pytest.approx(sum(expected.values()), abs=1e-3)
    assert [part.duration_s for part in cut.parts] == pytest.approx(
        list(expected.values()) if len(expected) > 1 else [], abs=1e-3
    )
    assert all(part.start_s + part.duration_s <= total_s + 1e-9 for part in cut.parts)


@pytest.mark.parametrize(("end_s", "complete"), [(3.0, True), (5.0, False), (None, False)])
def test_audio_missing_after_a_stretch_does_not_matter(end_s: float | None, complete: bool) -> None:
    """A stretch is complete if nothing is missing before its end."""
    held = replace(decoded(8, whole=False), complete_s=4.0, not_compared_s=2.5)
    cut = stretch(held, item(start_s=1.0, end_s=end_s))
    assert (cut.complete, cut.not_compared_s) == (complete, 0.0 if complete else 2.5)


def test_streams_and_missing_seconds_are_in_the_finding() -> None:
    """The item names the streams of its file, and the seconds that were not compared."""
    held = replace(in_parts("parallel", 4, 4), whole=False, not_compared_s=1.5, note="track 3 is damaged")
    result = decoder(held).decode(item())
    assert [part.label for part in result.item.parts] == ["part 1", "part 2"]
    assert result.item.not_compared_s == 1.5
    assert result.error is not None and result.error.code == "truncated_audio"


def test_an_error_of_an_item_is_part_of_its_result() -> None:
    """An item that cannot be decoded keeps its sha256, and its error."""
    result = decoder(BrokenAudio(name="a.wav", reason="noise")).decode(item())
    assert result.query is None
    assert result.error is not None
    assert (result.error.code, result.item.sha256) == (
        "broken_audio",
        hashlib.sha256(b"sound").hexdigest(),
    )


def test_unreadable_bytes_are_an_error_of_the_item() -> None:
    """An archive that ends within an item gives that item an error."""

    def breaks() -> io.BufferedReader:
        raise ItemUnreadable(name="a.wav", detail="checksum")

    result = decoder(decoded(8)).decode(item(open=breaks))
    assert result.error is not None
    assert (result.error.code, result.item.sha256) == ("item_unreadable", None)


def test_known_audio_is_not_decoded() -> None:
    """If the audio's key is known, nothing is decoded."""
    result = decoder(RuntimeError("decoded all the same")).decode(item(), known=lambda key: key)
    assert result.known == hashlib.sha256(b"sound").hexdigest()


@pytest.mark.parametrize(("seconds", "made"), [(8.0, True), (7.9, False)])
def test_audio_of_another_length_gets_no_chromaprint(seconds: float, made: bool) -> None:
    """Only audio as long as a work can be a complete copy of it."""
    result = decoder(decoded(seconds), wants_chromaprint=lambda duration_s: duration_s >= 8.0).decode(item())
    assert result.query is not None
    assert bool(result.query.chromaprint.size) is made


@pytest.mark.parametrize(
    ("seconds", "whole", "end_s", "expected"),
    [
        (8, True, None, Verdict.NO_MATCH),
        (0.5, True, None, Verdict.TOO_SHORT_OR_SILENT),
        (1.1, True, None, Verdict.TOO_SHORT_OR_SILENT),
        (8, False, None, Verdict.NOT_READABLE),
        (8, False, 5.0, Verdict.NO_MATCH),
    ],
)
def test_only_complete_audio_gets_no_match(
    seconds: float, whole: bool, end_s: float | None, expected: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Truncated audio is not readable, unless the selected part was decoded; short audio is too short."""
    monkeypatch.setattr(pipeline, "identify", lambda *_, **__: [])
    result = decoder(decoded(seconds, whole=whole)).decode(item(end_s=end_s))
    finding = search_item(result, library(), collections=(1,), effort=Effort.FAST, search=SEARCH)
    assert finding.verdict is expected
    assert (finding.error is None) is (expected is Verdict.NO_MATCH)
    assert (finding.power is None) is (expected is not Verdict.NO_MATCH)


def library(scheme: str = power_table().scheme) -> Any:
    """A library of an hour of audio."""
    return SimpleNamespace(scheme=scheme, n_codes=lambda _: 7_048)


@pytest.mark.parametrize(("seconds", "length_s"), [(8.0, 8.0), (7.9, 5.0), (300.0, 15.0)])
def test_no_match_has_the_power_of_the_greatest_length_tested(
    seconds: float, length_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The power is that of the effort and of no greater length, and nothing is known of another scheme."""
    monkeypatch.setattr(pipeline, "identify", lambda *_, **__: [])
    result = decoder(decoded(seconds)).decode(item())
    ask = partial(search_item, result, collections=(1,), effort=Effort.FULL, search=SEARCH)
    power = ask(library()).power
    assert power is not None
    assert (power.effort, power.length_s) == (Effort.FULL, length_s)
    assert power.searched_hours == pytest.approx(1.0, rel=0.02)
    assert ask(library("ew1-000000")).power is None


@pytest.mark.parametrize(("seconds", "stored_error"), [(0.5, True), (1.1, False)])
def test_what_is_too_short_for_no_match_may_be_long_enough_to_be_stored(
    seconds: float, stored_error: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The finding names the seconds that `no_match` needs; only below a second is the item refused."""
    monkeypatch.setattr(pipeline, "identify", lambda *_, **__: [])
    result = decoder(decoded(seconds)).decode(item())
    assert (result.error is not None) is stored_error
    error = search_item(result, library(), collections=(1,), effort=Effort.FAST, search=SEARCH).error
    assert error is not None
    assert f"{needed_active_s(Effort.FAST):g} s are needed" in error.message


@pytest.mark.parametrize("name", ["EARWITNESS_API_KEYS", "EARWITNESS_HOSTS"])
def test_lists_in_the_environment_are_split_at_commas(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deployment gives several values in one variable."""
    monkeypatch.setenv(name, "a, b,,c")
    settings = Settings()
    assert getattr(settings, name.removeprefix("EARWITNESS_").lower()) == ("a", "b", "c")
