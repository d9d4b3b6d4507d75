"""What every reader promises, whatever the packing."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import BinaryIO

import pytest

from earwitness.api.datasets.item_errors import StreamMovedOn
from earwitness.api.datasets.items import Reader, Skipped, SourceItem
from earwitness.api.datasets.open_source import open_source
from tests.contract.packings import CLIPS, PACKINGS, SHA256S


@pytest.fixture(scope="session", params=list(PACKINGS))
def packing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The name of a packing, and where the clips lie in it."""
    name: str = request.param
    return name, PACKINGS[name](tmp_path_factory.mktemp("packing"))


@pytest.fixture
def reader(packing: tuple[str, Path]) -> Reader:
    """The reader that the content calls for."""
    return open_source(packing[1])


def sha256_of(item: SourceItem | Skipped) -> str:
    """Digest of an item's bytes."""
    assert isinstance(item, SourceItem), item
    assert item.open is not None
    with item.open() as stream:
        return hashlib.sha256(stream.read()).hexdigest()


def test_the_format_is_recognised_from_the_content(reader: Reader, packing: tuple[str, Path]) -> None:
    """A source says what it is, with no help from its name."""
    assert reader.format == packing[0].partition(" ")[0]


def test_the_same_audio_in_any_packing_has_the_same_digests(reader: Reader) -> None:
    """What is read from a packing is what was put in, byte for byte and in order."""
    assert [sha256_of(item) for item in reader] == SHA256S


def test_ids_are_distinct_and_the_order_is_stable(reader: Reader) -> None:
    """Going through a source twice gives the same items in the same order, no two with one id."""
    first, second = ([item.item_id for item in reader] for _ in range(2))
    assert first == second
    assert len(set(first)) == len(CLIPS)


def test_the_total_is_what_iteration_yields(reader: Reader) -> None:
    """A reader that knows its total before reading knows it rightly."""
    assert reader.total in {None, len(CLIPS)}


def test_stated_sizes_are_true_and_reading_stops_there(reader: Reader) -> None:
    """Where the format states an item's size, that many bytes come out."""
    for item in reader:
        assert isinstance(item, SourceItem)
        assert item.open is not None
        with item.open() as stream:
            assert item.size in {None, len(stream.read())}


def test_an_item_can_be_read_in_small_pieces(reader: Reader) -> None:
    """The bytes do not depend on how many are asked for at a time."""
    item = next(iter(reader))
    assert isinstance(item, SourceItem)
    assert item.open is not None
    with item.open() as stream:
        pieces = list(iter(lambda: stream.read(7), b""))
    assert hashlib.sha256(b"".join(pieces)).hexdigest() == SHA256S[0]


def test_nothing_is_decoded(reader: Reader) -> None:
    """Listing a source needs no decoder."""
    before = set(sys.modules)
    list(reader)
    assert not {"soundfile", "av", "librosa"} & (set(sys.modules) - before)


def test_shards_are_named_and_every_item_says_which_it_is_from(reader: Reader) -> None:
    """Coverage can be told shard by shard."""
    if reader.shards:
        assert {item.shard for item in reader} == set(reader.shards)


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
