"""What a source holds is compared or reported, whatever it is packed in and whatever its files look like."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from earwitness.api.datasets.items import Skipped, SourceItem
from earwitness.api.datasets.open_source import open_source
from earwitness.api.pipeline.search_item import ItemDecoder
from earwitness.api.settings import Settings
from earwitness.fingerprint.errors import EarwitnessError
from tests.contract import packings
from tests.contract.packings import PACKINGS
from tests.hostile.make_streams import Made, odd_files

OFF_S = 0.12


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> list[Made]:
    """The files that are packed: two streams, wrong length, mixed formats."""
    return odd_files(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def listener() -> Iterator[ItemDecoder]:
    """One decoder for all items."""
    with ItemDecoder(settings=Settings(), wants_chromaprint=lambda _: False) as opened:
        yield opened


def account(source: Path, listener: ItemDecoder) -> tuple[float, int]:
    """Seconds compared or reported as missing over all items, and how many items were not readable."""
    seconds, unread = 0.0, 0
    for item in open_source(source):
        if isinstance(item, Skipped):
            unread += 1
        elif item.open is not None:
            heard = listener.decode(item)
            seconds += (heard.item.duration_s or 0.0) + (heard.item.not_compared_s or 0.0)
            unread += heard.query is None
    return seconds, unread


@pytest.mark.parametrize("name", [name for name in PACKINGS if not name.startswith("lhotse")])
def test_every_second_of_a_packing_is_compared(
    name: str, odd: list[Made], listener: ItemDecoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The seconds of all items add up to what `ffmpeg` finds in the files that were packed."""
    clips = {f"clip_{n}.wav": made.data for n, made in enumerate(odd)}
    monkeypatch.setattr(packings, "CLIPS", clips)
    seconds, unread = account(PACKINGS[name](tmp_path), listener)
    assert not unread
    assert seconds == pytest.approx(sum(made.there_s or 0.0 for made in odd), abs=OFF_S * 8)


def test_every_packing_in_one_folder_is_read(odd: list[Made], listener: ItemDecoder, tmp_path: Path) -> None:
    """A folder that holds every kind of shard and plain files besides is read to its last file."""
    names = ("zip", "tar", "tar.gz", "tar.zst", "parquet", "warc")
    for name in names:
        (tmp_path / name).mkdir()
        PACKINGS[name](tmp_path / name)
        for extra in (tmp_path / name).glob("clips.tar"):
            if name in ("tar.gz", "tar.zst"):
                extra.unlink()  # what these two were made from
    for made in odd:
        (tmp_path / made.name).write_bytes(made.data)
    clip_s = 0.1
    there_s = len(names) * len(packings.CLIPS) * clip_s + sum(made.there_s or 0.0 for made in odd)
    seconds, unread = account(tmp_path, listener)
    assert not unread
    assert seconds == pytest.approx(there_s, abs=OFF_S * 8)


@pytest.mark.parametrize("name", ["zip", "tar", "tar.gz", "parquet", "jsonl", "csv"])
def test_a_source_that_is_cut_off_says_so(name: str, listener: ItemDecoder, tmp_path: Path) -> None:
    """Of a source that ends early, what is missing is reported, or the source fails."""
    source = PACKINGS[name](tmp_path)
    cut = tmp_path / "cut" / source.name
    cut.parent.mkdir()
    shutil.copytree(tmp_path, cut.parent, dirs_exist_ok=True, ignore=shutil.ignore_patterns("cut"))
    data = source.read_bytes()
    cut.write_bytes(data[: len(data) * 2 // 5 - 3])
    try:
        seconds, unread = account(cut, listener)
    except EarwitnessError as error:
        assert error.hint
        return
    assert unread or seconds < 0.4 - OFF_S  # a list that ends early is a shorter list


def test_every_regular_file_is_accounted_for(listener: ItemDecoder, tmp_path: Path) -> None:
    """Items, and files that hold no sound, are together all files of a folder."""
    PACKINGS["folder"](tmp_path)
    others = {"notes.md": b"#", "cover.jpg": b"\xff\xd8\xff\xe0", ".hidden": b"x", "sub/a.json": b"{}"}
    for path, data in others.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(data)
    reader = open_source(tmp_path)
    n_items = sum(isinstance(item, SourceItem | Skipped) for item in reader)
    n_files = sum(path.is_file() for path in tmp_path.rglob("*"))
    assert n_items + sum(reader.passed_over.values()) == n_files
