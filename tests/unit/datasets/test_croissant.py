"""A Croissant file's parts are read by the reader that each calls for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from earwitness.api.datasets.access.locations import Location
from earwitness.api.datasets.items import SourceItem
from earwitness.api.datasets.manifests.croissant import CroissantReader
from earwitness.api.datasets.open_source import open_source
from tests.contract.packings import CLIPS, PACKINGS

CONTEXT = {"@context": {"cr": "http://mlcommons.org/croissant/"}, "@type": "sc:Dataset", "name": "clips"}


def described(root: Path, *distribution: dict[str, Any], **more: Any) -> list[SourceItem]:
    """What a Croissant file of this distribution yields; every item must be a recording."""
    text = json.dumps(CONTEXT | {"distribution": list(distribution)} | more)
    (root / "croissant.json").write_text(text)
    items = list(open_source(root / "croissant.json"))
    assert all(isinstance(item, SourceItem) for item in items), items
    return [item for item in items if isinstance(item, SourceItem)]


def test_a_file_set_of_the_folder_is_its_files(tmp_path: Path) -> None:
    """A file set without a container selects files of the description's folder."""
    PACKINGS["folder"](tmp_path)
    items = described(tmp_path, {"@type": "cr:FileSet", "@id": "some", "includes": "clip_[12].wav"})
    assert [item.item_id for item in items] == ["clip_1.wav", "clip_2.wav"]


def test_a_file_set_of_a_repository_is_its_parquet(tmp_path: Path) -> None:
    """As on the Hugging Face hub: Parquet shards in a repository, read row by row."""
    PACKINGS["parquet"](tmp_path)
    repository = {
        "@type": "cr:FileObject",
        "@id": "repo",
        "encodingFormat": "git+https",
        "contentUrl": "https://h/x",
    }
    shards = {"@type": "cr:FileSet", "@id": "p", "containedIn": {"@id": "repo"}, "includes": "*.parquet"}
    items = described(tmp_path, repository, shards)
    assert [item.item_id for item in items] == [f"train.parquet#{n}" for n in range(len(CLIPS))]


def test_a_declared_audio_column_is_the_one_read(tmp_path: Path) -> None:
    """The record set names the column of a table that holds the audio."""
    PACKINGS["folder"](tmp_path)
    (tmp_path / "list.csv").write_text("n,mix\n0,clip_0.wav\n1,clip_3.wav\n")
    field = {
        "dataType": "sc:AudioObject",
        "source": {"fileObject": {"@id": "list"}, "extract": {"column": "mix"}},
    }
    table = {"@type": "cr:FileObject", "@id": "list", "contentUrl": "list.csv"}
    items = described(tmp_path, table, recordSet=[{"field": [field]}])
    assert [item.path for item in items] == ["clip_0.wav", "clip_3.wav"]


def test_every_column_that_is_declared_is_read(tmp_path: Path) -> None:
    """Two columns of a table that a record set declares as audio are two items per row."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    PACKINGS["folder"](tmp_path)
    pq.write_table(pa.table({"a": [b"one"], "b": [b"two"], "c": [b"three"]}), tmp_path / "t.parquet")
    fields = [
        {
            "dataType": "sc:AudioObject",
            "source": {"fileObject": {"@id": "t"}, "extract": {"column": column}},
        }
        for column in ("a", "b")
    ]
    table = {"@type": "cr:FileObject", "@id": "t", "contentUrl": "t.parquet"}
    items = described(tmp_path, table, recordSet=[{"field": fields}])
    assert [item.item_id for item in items] == ["t.parquet#0/a", "t.parquet#0/b"]


def test_many_parts_of_one_archive_are_one_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive with a thousand parts is opened no more often than one with a single part."""
    archive = PACKINGS["zip"](tmp_path)
    opened: list[str] = []
    within = CroissantReader._within

    def counted(self: CroissantReader, place: Location, selection: Any) -> Any:
        opened.append(place.name)
        return within(self, place, selection)

    monkeypatch.setattr(CroissantReader, "_within", counted)
    parts = [
        {"@type": "cr:FileObject", "@id": f"p{n}", "contentUrl": f"clip_{n}.wav", "containedIn": {"@id": "z"}}
        for n in range(1_000)
    ]
    items = described(tmp_path, {"@type": "cr:FileObject", "@id": "z", "contentUrl": archive.name}, *parts)
    assert [item.path for item in items] == list(CLIPS)
    assert len(opened) <= 3  # once to see that it is not empty, and once to list it
