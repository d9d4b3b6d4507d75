"""What every reader promises, whatever the packing."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pytest

from earwitness.api.datasets.item_errors import StreamMovedOn
from earwitness.api.datasets.items import Reader, SourceItem
from earwitness.api.datasets.open_source import open_source
from tests.contract.packings import CLIPS, PACKINGS, SHA256S


@pytest.fixture(scope="session", params=list(PACKINGS))
def packing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The name of a packing, and where the clips lie in it."""
    name: str = request.param
    return name, PACKINGS[name](tmp_path_factory.mktemp("packing"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What one pass through a packing gave."""

    reader: Reader
    ids: list[str]
    sizes: list[tuple[int | None, int]]
    """As stated, and as read."""
    sha256s: list[str]
    shards: set[str | None]
    imported: set[str]


@pytest.fixture(scope="session")
def read(packing: tuple[str, Path]) -> Read:
    """What the reader that the content calls for gives; the first item is read in pieces of seven bytes."""
    before = set(sys.modules)
    reader = open_source(packing[1])
    items, contents = list[SourceItem](), list[bytes]()
    for item in reader:
        assert isinstance(item, SourceItem), item
        assert item.open is not None
        with item.open() as stream:
            contents.append(stream.read() if items else b"".join(iter(lambda: stream.read(7), b"")))
        items.append(item)
    return Read(
        reader=reader,
        ids=[item.item_id for item in items],
        sizes=[(item.size, len(content)) for item, content in zip(items, contents, strict=True)],
        sha256s=[hashlib.sha256(content).hexdigest() for content in contents],
        shards={item.shard for item in items},
        imported=set(sys.modules) - before,
    )


def test_the_format_is_recognised_from_the_content(read: Read, packing: tuple[str, Path]) -> None:
    """A source says what it is, with no help from its name."""
    assert read.reader.format == packing[0].partition(" ")[0]


def test_the_same_audio_in_any_packing_has_the_same_digests(read: Read) -> None:
    """What is read from a packing, at once or in small pieces, is what was put in, byte for byte."""
    assert read.sha256s == SHA256S


def test_ids_are_distinct_and_the_order_is_stable(read: Read) -> None:
    """Going through a source twice gives the same items in the same order, no two with one id."""
    assert [item.item_id for item in read.reader] == read.ids
    assert len(set(read.ids)) == len(CLIPS)


def test_the_total_is_what_iteration_yields(read: Read) -> None:
    """A reader that knows its total before reading knows it rightly."""
    assert read.reader.total in {None, len(CLIPS)}


def test_stated_sizes_are_true_and_reading_stops_there(read: Read) -> None:
    """Where the format states an item's size, that many bytes come out."""
    assert all(stated in {None, n_bytes} for stated, n_bytes in read.sizes)


def test_nothing_is_decoded(read: Read) -> None:
    """Listing a source needs no decoder."""
    assert not {"soundfile", "av", "librosa"} & read.imported


def test_shards_are_named_and_every_item_says_which_it_is_from(read: Read) -> None:
    """Coverage can be told shard by shard."""
    if read.reader.shards:
        assert read.shards == set(read.reader.shards)


def test_listing_a_folder_opens_no_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No item's file is opened before its bytes are asked for."""
    root = PACKINGS["folder"](tmp_path)
    reader = open_source(root)
    opened: list[Path] = []

    def opening(path: Path) -> BinaryIO:
        opened.append(path)
        return path.open("rb")

    monkeypatch.setattr("earwitness.api.datasets.access.locations.open_regular", opening)
    items = [item for item in reader if isinstance(item, SourceItem)]
    assert [path.name for path in opened] == ["README.txt"]  # its name does not say what it is
    assert items[0].open is not None
    items[0].open().close()
    assert [path.name for path in opened] == ["README.txt", "clip_0.wav"]


def test_an_item_of_a_streamed_archive_is_gone_once_the_next_is_asked_for(tmp_path: Path) -> None:
    """Reading too late is an error of its own, never another item's bytes."""
    items = iter(open_source(PACKINGS["tar.gz"](tmp_path)))
    first = next(items)
    next(items)
    assert isinstance(first, SourceItem)
    assert first.sequential
    assert first.open is not None
    with pytest.raises(StreamMovedOn):
        first.open().read()


def test_metadata_travels_beside_the_audio(tmp_path: Path) -> None:
    """JSON beside a WebDataset member, and the columns beside a Parquet one, come with the item."""
    for name in ("webdataset", "parquet"):
        items = list(open_source(PACKINGS[name](tmp_path)))
        assert [item.metadata.get("title") for item in items if isinstance(item, SourceItem)] == list(CLIPS)
