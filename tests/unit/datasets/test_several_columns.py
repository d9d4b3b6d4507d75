"""A row with several columns of audio is several items; none is left out in silence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from earwitness.api.datasets.items import Skipped, SourceItem
from tests.contract.packings import clip
from tests.unit.datasets.open_in_process import open_source


def files(folder: Path) -> None:
    """Four clips, and one in a folder of its own."""
    (folder / "stems").mkdir(exist_ok=True)
    for n in range(4):
        (folder / f"{n}.wav").write_bytes(clip(n))
        (folder / "stems" / f"{n}.wav").write_bytes(clip(n + 10))


def table(folder: Path, rows: list[dict[str, Any]], schema: Any = None) -> Path:
    """A Parquet file of rows."""
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / "t.parquet")
    return folder / "t.parquet"


def sounds(source: Path, **options: Any) -> dict[str, bytes]:
    """The bytes of each item that can be read, by its id."""
    audio_by_id = {}
    for item in open_source(source, **options):
        assert isinstance(item, SourceItem), item
        assert item.open is not None
        with item.open() as stream:
            audio_by_id[item.item_id] = stream.read()
    return audio_by_id


def audio(n: int) -> dict[str, Any]:
    """A Hugging Face audio value."""
    return {"bytes": clip(n), "path": f"{n}.wav"}


TABLES: dict[str, tuple[dict[str, Any], dict[str, int]]] = {
    "structs": ({"audio": audio(0), "vocals": audio(1), "title": "x"}, {"audio": 0, "vocals": 1}),
    "bytes": ({"mix": clip(0), "drums": clip(1), "bass": clip(2)}, {"mix": 0, "drums": 1, "bass": 2}),
    "a struct and bytes": ({"audio": audio(0), "other": clip(1)}, {"audio": 0, "other": 1}),
    "a struct and a path": ({"audio": audio(0), "vocals_path": "1.wav"}, {"audio": 0, "vocals_path": 1}),
    "paths": ({"mix_path": "0.wav", "vocals_path": "1.wav"}, {"mix_path": 0, "vocals_path": 1}),
    "structs of paths": ({"mix": {"path": "0.wav"}, "clean": {"path": "1.wav"}}, {"mix": 0, "clean": 1}),
    "a list of structs": ({"audio": [audio(0), audio(1)]}, {"audio/0": 0, "audio/1": 1}),
    "a list of bytes": ({"stems": [clip(0), clip(1)]}, {"stems/0": 0, "stems/1": 1}),
    "a list of paths": ({"audio": ["0.wav", "1.wav"]}, {"audio/0": 0, "audio/1": 1}),
    "one with a null": ({"audio": audio(0), "vocals": None}, {"audio": 0}),
    "bytes of another name": (
        {"audio": audio(0), "zz": clip(1), "picture": b"\x89PNG"},
        {"audio": 0, "zz": 1},
    ),
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_every_column_of_audio_is_an_item(name: str, form: str, tmp_path: Path) -> None:
    """Bytes, structs, paths and lists of them are items, each under its column's name."""
    files(tmp_path)
    row, expected = TABLES[name]
    second = {**row, **({"vocals": audio(1)} if name == "one with a null" else {})}
    source = table(tmp_path, [row, second])
    if form == "arrow":
        content = pq.read_table(source)
        source = tmp_path / "t.arrow"
        with pa.OSFile(str(source), "wb") as file, pa.ipc.new_file(file, content.schema) as stream:
            stream.write_table(content)
    audio_by_id = {key: value for key, value in sounds(source).items() if "#0" in key}
    assert audio_by_id == {f"{source.name}#0/{column}": clip(n) for column, n in expected.items()}


@pytest.mark.parametrize(
    "row", [{"audio": audio(0), "text": "x"}, {"wav": clip(0), "n": 1}, {"path": "0.wav"}]
)
def test_one_column_of_audio_keeps_the_plain_id(row: dict[str, Any], tmp_path: Path) -> None:
    """Where there is just one, an item's id is the row's."""
    files(tmp_path)
    assert sounds(table(tmp_path, [row])) == {"t.parquet#0": clip(0)}


def test_images_beside_audio_are_no_items(tmp_path: Path) -> None:
    """A column that is declared or named as images is not read, and other bytes are skipped."""
    row = {"audio": audio(0), "image": {"bytes": b"\x89PNG....", "path": "a.png"}, "blob": b"nothing to hear"}
    features = {"info": {"features": {"audio": {"_type": "Audio"}, "image": {"_type": "Image"}}}}
    schema = pa.Table.from_pylist([row]).schema.with_metadata({"huggingface": json.dumps(features)})
    assert list(sounds(table(tmp_path, [row], schema)).values()) == [clip(0)]


def test_the_requested_column_is_compared_and_the_others_are_reported(tmp_path: Path) -> None:
    """With `audio_column` one column is read, and each other column of audio is reported."""
    source = table(tmp_path, [{"audio": audio(0), "vocals": audio(1), "drums": audio(2)}] * 2)
    items = list(open_source(source, audio_column="vocals"))
    assert [item.item_id for item in items if isinstance(item, SourceItem)] == ["t.parquet#0", "t.parquet#1"]
    skipped = [item for item in items if isinstance(item, Skipped)]
    assert [item.code for item in skipped] == ["column_not_compared"] * 2
    assert "audio" in skipped[0].item_id
    assert "drums" in skipped[1].item_id


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_columns_of_paths_that_were_not_requested_are_reported(form: str, tmp_path: Path) -> None:
    """Once for each column that names another file, in any form; not for each row."""
    files(tmp_path)
    rows = [{"id": "r", "mix": "0.wav", "vocals": "1.wav", "note": "x.wav", "mix_path": "0.wav"}] * 2
    if form == "csv":
        source = tmp_path / "l.csv"
        source.write_text(",".join(rows[0]) + "\n" + "".join(",".join(row.values()) + "\n" for row in rows))
    else:
        source = table(tmp_path, rows)
    items = list(open_source(source, audio_column="mix"))
    assert [item.path for item in items if isinstance(item, SourceItem)] == ["0.wav", "0.wav"]
    skipped = [item.item_id for item in items if isinstance(item, Skipped)]
    assert skipped == [f"{source.name}/vocals"]


MANIFESTS: dict[str, tuple[str, dict[str, int]]] = {
    "a.csv": ("id,mix,vocals\nr,0.wav,1.wav\n", {"r/mix": 0, "r/vocals": 1}),
    "b.csv": (
        "mixture_path,source_1_path\n0.wav,stems/0.wav\n",
        {"b.csv#0/mixture_path": 0, "b.csv#0/source_1_path": 10},
    ),
    "c.csv": ("path,original_filename\n0.wav,gone.wav\n", {"0.wav": 0}),
    "d.csv": ("path,audio\n0.wav,0.wav\n", {"0.wav": 0}),
    "e.csv": ("path,url\n0.wav,https://example.org/0.wav\n", {"0.wav": 0}),
    "f.jsonl": ('{"id": "r", "audio": ["0.wav", "1.wav"]}\n', {"r/audio/0": 0, "r/audio/1": 1}),
    "g.jsonl": (
        '{"id": "r", "audio": {"path": "0.wav"}, "vocals": {"path": "1.wav"}}\n',
        {"r/audio": 0, "r/vocals": 1},
    ),
    "h.tsv": ("id\tclean\tnoisy\nr\t0.wav\t1.wav\n", {"r/clean": 0, "r/noisy": 1}),
}


@pytest.mark.parametrize("name", MANIFESTS)
def test_every_column_of_paths_is_an_item(name: str, tmp_path: Path) -> None:
    """A text manifest with several paths a row gives them all; two names of one file are one."""
    files(tmp_path)
    text, expected = MANIFESTS[name]
    (tmp_path / name).write_text(text)
    assert sounds(tmp_path / name) == {item_id: clip(n) for item_id, n in expected.items()}


def test_a_second_path_that_is_missing_is_reported(tmp_path: Path) -> None:
    """A column that is named like audio, and whose file is missing, is reported."""
    files(tmp_path)
    (tmp_path / "l.csv").write_text("id,mix,vocals\nr,0.wav,gone.wav\n")
    items = list(open_source(tmp_path / "l.csv"))
    assert [item.code if isinstance(item, Skipped) else "ok" for item in items] == ["ok", "item_missing"]


SOURCES = [
    ({"type": "file", "channels": [0], "source": "0.wav"}, "ok"),
    ({"type": "file", "channels": [1], "source": "1.wav"}, "ok"),
    ({"type": "command", "channels": [2], "source": "touch RAN"}, "command_refused"),
    ({"type": "url", "channels": [3], "source": "https://example.org/a.wav"}, "remote_refused"),
    ({"type": "magic", "channels": [4], "source": "x"}, "bad_entry"),
]


def test_every_source_of_a_lhotse_recording_is_an_item(tmp_path: Path) -> None:
    """Two files are two items; a source that is not read is reported."""
    import base64

    files(tmp_path)
    held = {"type": "memory", "channels": [5], "source": base64.b64encode(clip(7)).decode()}
    entry = {"id": "rec", "sources": [*(source for source, _ in SOURCES), held], "duration": 1.0}
    (tmp_path / "r.jsonl").write_text(json.dumps(entry) + "\n")
    items = list(open_source(tmp_path / "r.jsonl"))
    assert [item.item_id for item in items] == [f"rec/{n}" for n in range(6)]
    assert [i.code if isinstance(i, Skipped) else "ok" for i in items] == [
        *(code for _, code in SOURCES),
        "ok",
    ]
    last = items[-1]
    assert isinstance(last, SourceItem)
    assert last.open is not None
    assert last.open().read() == clip(7)


@pytest.mark.parametrize(
    ("channel", "ids"), [(0, ["cut"]), (1, ["cut"]), ([0, 1], ["cut/0", "cut/1"]), (None, ["cut/0", "cut/1"])]
)
def test_a_cut_means_the_sources_of_its_channels(channel: Any, ids: list[str], tmp_path: Path) -> None:
    """A cut of one channel is read from the source that holds it."""
    files(tmp_path)
    sources = [source for source, code in SOURCES if code == "ok"]
    cut = {
        "id": "cut",
        "start": 0.01,
        "duration": 0.05,
        "channel": channel,
        "recording": {"id": "rec", "sources": sources, "duration": 0.1},
    }
    (tmp_path / "cuts.jsonl").write_text(json.dumps(cut) + "\n")
    items = list(open_source(tmp_path / "cuts.jsonl"))
    assert [item.item_id for item in items] == ids
    assert all(
        (item.start_s, item.end_s) == (0.01, 0.01 + 0.05) for item in items if isinstance(item, SourceItem)
    )


def test_a_lhotse_manifest_may_be_one_json_array(tmp_path: Path) -> None:
    """Recordings in a list are those of lines."""
    files(tmp_path)
    entries = [{"id": str(n), "sources": [SOURCES[n][0]], "duration": 1.0} for n in (0, 1)]
    (tmp_path / "r.json").write_text(json.dumps(entries, indent=2))
    reader = open_source(tmp_path / "r.json")
    assert (reader.format, [item.item_id for item in reader]) == ("lhotse", ["0", "1"])


def test_the_total_is_right_or_not_stated(tmp_path: Path) -> None:
    """A total that is stated is the number of items."""
    for row, _ in TABLES.values():
        files(tmp_path)
        reader = open_source(table(tmp_path, [row, row]))
        assert reader.total in {None, len(list(reader))}
