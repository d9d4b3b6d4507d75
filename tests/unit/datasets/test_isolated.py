"""The boundary between a scan and the process that reads its source."""

from __future__ import annotations

import gc
import gzip
import io
import mmap
import os
import socket
import struct
import wave
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from earwitness.api.datasets.isolated.message_frames import (
    MAX_HEADER_BYTES,
    BadMessage,
    Channel,
)
from earwitness.api.datasets.isolated.reading_errors import SourceReaderFailed
from earwitness.api.datasets.isolated.reading_worker import INLINE_BYTES
from earwitness.api.datasets.isolated.sealed_memory import (
    SEALED_BYTES,
    is_sealed,
    memory_file,
    open_received,
    seal,
)
from earwitness.api.datasets.items import Reader, Skipped, SourceItem, SourceLimits
from earwitness.api.datasets.open_source import open_source
from earwitness.fingerprint.errors import EarwitnessError
from tests.unit.datasets.made_reader import ENDS

LIMITS = SourceLimits(reader_wall_s=60.0)
SOON = SourceLimits(reader_wall_s=6.0)
"""For processes that hang; a busy machine needs seconds to start one that does not."""
FAST_ENDS = [name for name in ENDS if name != "hang"]


@pytest.fixture(autouse=True)
def use_failing_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read with a process that fails at members of certain names (`made_reader`)."""
    monkeypatch.setattr(
        "earwitness.api.datasets.isolated.reading_process.MODULE", "tests.unit.datasets.made_reader"
    )


def clip(seed: int = 0) -> bytes:
    """A short sound."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", "not compressed"))
        sound.writeframes(bytes([seed]) * 600)
    return file.getvalue()


def zipped(path: Path, *names: str) -> Path:
    """A zip of short sounds, each with another content."""
    with zipfile.ZipFile(path, "w") as archive:
        for n, name in enumerate(names):
            archive.writestr(f"{name}.wav", clip(n))
    return path


def write_again(descriptor: int) -> None:
    """Write other bytes over the first."""
    os.pwrite(descriptor, b"other", 0)


def cut_off_end(descriptor: int) -> None:
    """Make the file shorter."""
    os.ftruncate(descriptor, 1)


def make_longer(descriptor: int) -> None:
    """Make the file longer."""
    os.ftruncate(descriptor, 100)


def map_for_writing(descriptor: int) -> None:
    """Map the file so that it could be written to in memory."""
    mmap.mmap(descriptor, 5, flags=mmap.MAP_SHARED, prot=mmap.PROT_READ | mmap.PROT_WRITE)


def outcomes(reader: Reader) -> list[str]:
    """The ids of all items; with the error code where one cannot be read."""
    return [_outcome(item) for item in reader]


def _outcome(item: SourceItem | Skipped) -> str:
    if isinstance(item, Skipped):
        return f"{item.item_id} {item.code}"
    assert item.open is not None
    try:
        with item.open() as stream:
            assert stream.read().startswith(b"RIFF")
    except EarwitnessError as error:
        return f"{item.item_id} {error.code}"
    return item.item_id


@pytest.mark.parametrize("name", ENDS)
def test_a_listing_that_fails_loses_its_archive_only(name: str, tmp_path: Path) -> None:
    """Items before and after are listed, in the same order each time, with one report of the rest."""
    zipped(tmp_path / "a.zip", "one", "two")
    zipped(tmp_path / "b.zip", "three", name, "four")
    zipped(tmp_path / "c.zip", "five")
    reader = open_source(tmp_path, limits=SOON if name == "hang" else LIMITS)
    listed = [item.split("/")[-1] for item in outcomes(reader)]
    assert [item for item in listed if item.endswith(".wav")] == [
        "one.wav",
        "two.wav",
        "three.wav",
        "five.wav",
    ]
    assert [item for item in listed if not item.endswith(".wav")] == ["b.zip source_cut_off"]
    if name in FAST_ENDS:
        assert [item.split("/")[-1] for item in outcomes(reader)] == listed


@pytest.mark.parametrize("name", ENDS)
def test_an_item_whose_bytes_end_the_process_fails_alone(name: str, tmp_path: Path) -> None:
    """The process may die while it reads an item: another one reads those after it."""
    limits = SOON if name == "hang" else LIMITS
    reader = open_source(zipped(tmp_path / "a.zip", "one", f"late-{name}", "two"), limits=limits)
    first, bad, last = outcomes(reader)
    assert (first, last) == ("one.wav", "two.wav")
    assert bad.split()[1] in {"reader_failed", "item_unreadable"}


@pytest.mark.parametrize("name", FAST_ENDS)
def test_a_source_that_cannot_be_opened_is_an_error(name: str, tmp_path: Path) -> None:
    """A single file whose first item ends the process is an error with the file's name and the reason."""
    with pytest.raises(SourceReaderFailed, match=r"a\.zip cannot be read") as caught:
        open_source(zipped(tmp_path / "a.zip", name, "one"), limits=LIMITS)
    assert caught.value.hint


def test_the_reason_names_the_signal_and_the_file(tmp_path: Path) -> None:
    """The report states what happened, and at which file."""
    items = list(open_source(zipped(tmp_path / "a.zip", "one", "abort"), limits=LIMITS))
    assert isinstance(items[1], Skipped)
    assert items[1].cut_off
    assert items[1].item_id == "a.zip#rest"
    assert "signal 6, SIGABRT, while it read a.zip" in items[1].message


def test_time_without_progress_is_limited(tmp_path: Path) -> None:
    """A process that hangs is ended after the limit, and the report states it."""
    items = list(open_source(zipped(tmp_path / "a.zip", "one", "hang"), limits=SOON))
    assert isinstance(items[1], Skipped)
    assert "no progress for 6 s" in items[1].message


def test_many_archives_that_end_the_process_are_each_reported(tmp_path: Path) -> None:
    """The other archives are read, however many fail."""
    for n in range(6):
        zipped(tmp_path / f"{n}.zip", "abort" if n % 2 else "fine")
    items = outcomes(open_source(tmp_path, limits=LIMITS))
    assert [item.endswith("source_cut_off") for item in items] == [False, True] * 3


def test_invalid_messages_end_the_listing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An invalid message becomes no item and no end: the source is reported as cut off there."""
    monkeypatch.setattr(
        "earwitness.api.datasets.isolated.reading_process.MODULE", "tests.unit.datasets.lying_reader"
    )
    for name in ("item", "end"):
        *_, rest = open_source(zipped(tmp_path / f"{name}.zip", "one"), limits=LIMITS)
        assert isinstance(rest, Skipped)
        assert rest.cut_off
        assert "sent an invalid answer" in rest.message
    with pytest.raises(SourceReaderFailed, match="sent an invalid answer"):
        open_source(zipped(tmp_path / "ready.zip", "one"), limits=LIMITS)


def test_items_can_be_opened_in_any_order_afterwards(tmp_path: Path) -> None:
    """The listed items stay readable after the iteration."""
    items = list(open_source(zipped(tmp_path / "a.zip", "one", "two", "three"), limits=LIMITS))
    for n in (2, 0, 1, 1):
        item = items[n]
        assert isinstance(item, SourceItem)
        assert item.open is not None
        with item.open() as stream:
            assert stream.read() == clip(n)


@pytest.mark.parametrize("n_bytes", [INLINE_BYTES + 1, 3 << 20, SEALED_BYTES, SEALED_BYTES + 1])
def test_a_long_item_comes_as_an_open_file_and_leaves_nothing(n_bytes: int, tmp_path: Path) -> None:
    """The bytes arrive unchanged, in sealed memory up to a size, and no file stays behind."""
    audio = os.urandom(n_bytes)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("long.wav", audio)
    (item,) = open_source(tmp_path / "a.zip", limits=LIMITS)
    assert isinstance(item, SourceItem)
    assert item.open is not None
    with item.open() as stream:
        assert os.fstat(stream.fileno()).st_nlink == 0
        assert is_sealed(stream) == (n_bytes <= SEALED_BYTES)
        assert stream.read() == audio


@pytest.mark.parametrize("write", [write_again, cut_off_end, make_longer, map_for_writing])
def test_a_sealed_item_cannot_be_changed_by_its_sender(write: Callable[[int], object]) -> None:
    """The sha256 of an item is that of the bytes that are decoded: a taken over process cannot swap them."""
    file = memory_file()
    assert file is not None
    with file:
        file.write(b"sound")
        assert not is_sealed(open_received(os.dup(file.fileno())))
        seal(file)
        with pytest.raises(OSError, match="not permitted"):
            write(file.fileno())


def test_the_sender_cannot_move_where_a_sealed_item_is_read(tmp_path: Path) -> None:
    """A received file has an offset of its own; an unsealed one is read as it comes, once."""
    file = memory_file()
    assert file is not None
    with file:
        file.write(b"sound")
        seal(file)
        file.seek(0)
        with open_received(os.dup(file.fileno())) as received:
            file.seek(3)
            assert received.read() == b"sound"
    (tmp_path / "a").write_bytes(b"sound")
    with (tmp_path / "a").open("rb") as plain:
        assert not is_sealed(plain)


def test_no_process_outlives_its_reader(tmp_path: Path) -> None:
    """A reader that is deleted, at any point, ends its process."""
    zipped(tmp_path / "a.zip", "one", "two")
    others = set(_children())  # of other tests, such as a decode worker
    for use in (lambda _: None, lambda reader: next(iter(reader)), list):
        reader = open_source(tmp_path / "a.zip", limits=LIMITS)
        use(reader)
        del reader
        gc.collect()
    assert set(_children()) <= others


def _children() -> list[str]:
    tasks = Path(f"/proc/{os.getpid()}/task")
    return [pid for task in tasks.iterdir() for pid in (task / "children").read_text().split()]


@pytest.mark.parametrize(
    "sent",
    [
        struct.pack("!II?", MAX_HEADER_BYTES + 1, 0, False),
        struct.pack("!II?", 2, 1 << 31, False),
        struct.pack("!II?", 2, 0, False) + b"[]",
        struct.pack("!II?", 4, 0, False) + b"\xff\xfe{}",
        struct.pack("!II?", 200_000, 0, False) + b"[" * 200_000,
        struct.pack("!II?", 2, 0, True) + b"{}\0",
    ],
    ids=["long header", "long payload", "no object", "no text", "deep", "no file"],
)
def test_an_invalid_message_is_refused(sent: bytes) -> None:
    """Lengths, text, depth and the open file are checked before they are used."""
    parent, child = socket.socketpair()
    with parent, child:
        child.settimeout(5)
        parent.settimeout(5)
        child.sendall(sent)
        with pytest.raises(BadMessage):
            Channel(parent).receive()


def test_only_regular_files_are_received(tmp_path: Path) -> None:
    """A pipe in place of an item's bytes would block the parent: it is refused, and closed."""
    parent, child = socket.socketpair()
    read, write = os.pipe()
    with parent, child:
        Channel(child).send({}, descriptor=read)
        with pytest.raises(BadMessage):
            Channel(parent).receive()
    os.close(read)
    os.close(write)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("wav.scp", "a file://[x.wav\nb ok.wav\n"),
        ("l.csv", "path\nhttp://[::1/x.wav\nfile://[/x.wav\nok.wav\n"),
    ],
)
def test_an_invalid_url_is_the_error_of_its_entry(name: str, text: str, tmp_path: Path) -> None:
    """Whatever kind of list names it, the other entries are read."""
    (tmp_path / "ok.wav").write_bytes(clip())
    (tmp_path / name).write_text(text)
    *bad, good = outcomes(open_source(tmp_path / name, limits=LIMITS, allow_remote=True))
    assert " " not in good
    assert all(item.endswith((" bad_entry", " item_unreadable")) for item in bad)


def test_a_nul_in_one_line_is_the_error_of_that_line(tmp_path: Path) -> None:
    """A list is recognised although one of its first lines holds a NUL."""
    (tmp_path / "ok.wav").write_bytes(clip())
    (tmp_path / "l.jsonl").write_bytes(b'{"path": "a\0.wav"}\n' + b'{"path": "ok.wav"}\n' * 2)
    bad, *good = outcomes(open_source(tmp_path / "l.jsonl", limits=LIMITS))
    assert bad.endswith("bad_entry")
    assert len(good) == 2


def test_a_file_whose_name_is_no_utf8_is_opened_beside_an_archive(tmp_path: Path) -> None:
    """The path in a message is the file's own, whatever bytes it is made of."""
    named = tmp_path / os.fsdecode(b"caf\xe9.wav")
    named.write_bytes(clip(1))
    (tmp_path / "b.wav.gz").write_bytes(gzip.compress(clip(1)))
    files = [item.file for item in open_source(tmp_path) if isinstance(item, SourceItem)]
    assert files == [None, named]
