"""Audio that is held in an unusual place of a table, a JSON text or a list is an item too, or is reported."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from earwitness.api.datasets.items import Skipped, SourceItem
from tests.contract.packings import clip
from tests.unit.datasets.open_in_process import open_source


def ids_of(path: Path) -> list[str]:
    """The ids of a source's items."""
    return [item.item_id for item in open_source(path) if isinstance(item, SourceItem)]


def held() -> dict[str, Any]:
    """A clip as a value of a table."""
    return {"bytes": clip(1), "path": "a"}


def text() -> str:
    """A clip as base64."""
    return base64.b64encode(clip(1)).decode()


COLUMNS: dict[str, list[Any]] = {
    "in an object": [{"audio": held(), "n": 1}],
    "two objects deep": [{"x": {"audio": held()}, "n": 1}],
    "in a list of objects": [[{"role": "user", "audio": held()}]],
    "base64": [text()],
    "base64 in bytes": [text().encode()],
}


@pytest.mark.parametrize("values", COLUMNS.values(), ids=COLUMNS)
def test_audio_in_an_unusual_column_is_compared_beside_the_usual_one(
    values: list[Any], tmp_path: Path
) -> None:
    """A table with an audio column and another that holds audio deeper, or as text, gives both."""
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"audio": [held()], "prompt_audio": values}), path)
    assert len(ids_of(path)) == 2


@pytest.mark.parametrize("name", ["m.jsonl", "m.json", "m.csv", "m.jsonl.gz"])
def test_a_list_that_holds_audio_is_read_beside_audio_files(name: str, tmp_path: Path) -> None:
    """Base64 in a manifest in a folder of audio files is compared, and not counted as another file."""
    (tmp_path / "a.wav").write_bytes(clip(1))
    row = {"id": "r", "audio": text()}
    lines = f"id,audio\nr,{text()}\n" if "csv" in name else json.dumps([row] if name == "m.json" else row)
    data = lines.encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    reader = open_source(tmp_path)
    items = list(reader)
    assert len(items) == 2
    assert all(isinstance(item, SourceItem) for item in items)
    assert not sum(reader.passed_over.values())


def test_a_list_of_images_is_counted(tmp_path: Path) -> None:
    """Base64 of something else makes no items of a list's rows."""
    (tmp_path / "a.wav").write_bytes(clip(1))
    picture = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"x" * 3000).decode()
    (tmp_path / "m.jsonl").write_text(json.dumps({"id": 1, "image": picture}))
    reader = open_source(tmp_path)
    assert [item.item_id for item in reader] == ["a.wav"]
    assert dict(reader.passed_over) == {"jsonl": 1}


def test_base64_deep_in_an_entry_is_read(tmp_path: Path) -> None:
    """A conversation that holds audio as chat models take it is an item."""
    part = {"type": "input_audio", "input_audio": {"data": text(), "format": "wav"}}
    path = tmp_path / "m.jsonl"
    path.write_text(json.dumps({"messages": [{"role": "user", "content": [part]}]}))
    assert ids_of(path) == ["m.jsonl#0"]


def test_samples_in_a_list_are_read_beside_audio_files(tmp_path: Path) -> None:
    """Decoded samples in JSON lines are compared, too."""
    (tmp_path / "a.wav").write_bytes(clip(1))
    row = {"id": "r", "audio": {"array": [0.1] * 900, "sampling_rate": 8000}}
    (tmp_path / "m.jsonl").write_text(json.dumps(row))
    assert ids_of(tmp_path) == ["a.wav", "m.jsonl/r"]


def test_a_list_that_only_names_files_is_counted(tmp_path: Path) -> None:
    """A manifest beside its audio files adds no items."""
    (tmp_path / "a.wav").write_bytes(clip(1))
    (tmp_path / "m.csv").write_text("path,text\na.wav," + "word " * 1000 + "\n")
    reader = open_source(tmp_path)
    assert [item.item_id for item in reader] == ["a.wav"]
    assert dict(reader.passed_over) == {"csv": 1}


JSON: dict[str, Any] = {
    "two splits": {"train": [{"path": "a.wav"}], "test": [{"path": "b.wav"}]},
    "splits within": {"dataset": {"train": [{"path": "a.wav"}], "test": [{"path": "b.wav"}]}},
    "by name in two": {"tracks": {"1": {"audio": ["a.wav", "x"]}}, "more": {"2": {"audio": "b.wav"}}},
    "by name in splits": {"train": {"1": {"path": "a.wav"}}, "test": {"2": {"path": "b.wav"}}},
    "lists of paths": {"train": ["a.wav"], "test": ["b.wav"], "n": 2},
    "objects in entries": [{"audio": "a.wav", "media": {"vocals": {"path": "b.wav"}}}],
    "lists of objects in entries": [{"turns": [{"audio": "a.wav"}, {"audio": "b.wav"}]}],
}


@pytest.mark.parametrize("value", JSON.values(), ids=JSON)
def test_every_list_of_a_json_text_is_read(value: Any, tmp_path: Path) -> None:
    """Each file that lists and objects of a JSON text name is an item."""
    for name in ("a.wav", "b.wav"):
        (tmp_path / name).write_bytes(clip(1))
    path = tmp_path / "m.json"
    path.write_text(json.dumps(value))
    files = [item.file for item in open_source(path) if isinstance(item, SourceItem)]
    assert sorted(file.name for file in files if file is not None) == ["a.wav", "b.wav"]


def test_what_follows_the_end_of_an_array_is_reported(tmp_path: Path) -> None:
    """A second array after the first is reported."""
    (tmp_path / "a.wav").write_bytes(clip(1))
    path = tmp_path / "m.json"
    path.write_text('[{"path": "a.wav"}]\n[{"path": "b.wav"}]')
    last = list(open_source(path))[-1]
    assert isinstance(last, Skipped)
    assert last.cut_off


def test_the_continuation_of_a_warc_record_is_reported(tmp_path: Path) -> None:
    """The rest of a record that was split is an item that is not readable."""
    path = tmp_path / "a.warc"
    path.write_bytes(
        b"".join(
            f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:1>\r\n"
            f"WARC-Target-URI: http://h/a.wav\r\nContent-Length: 100\r\n\r\n{'x' * 100}\r\n\r\n".encode()
            for kind in ("resource", "continuation")
        )
    )
    kinds = [type(item) for item in open_source(path)]
    assert kinds == [SourceItem, Skipped]
