"""A stretch that an object of a row states is that of the object's file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.contract.packings import clip
from tests.unit.datasets.test_stretches import row_name, spans, written

OF_OBJECTS: list[tuple[dict[str, Any], dict[str, Any], Any]] = [
    ({"start": 2, "end": 4}, {}, (2.0, 4.0)),
    ({"offset": 2, "duration": 2}, {}, (2.0, 4.0)),
    ({"start_ms": 2_000, "end_ms": 4_000}, {}, (2.0, 4.0)),
    ({"segment": "0:02-0:04"}, {}, (2.0, 4.0)),
    ({"start": 2}, {}, (2.0, None)),
    ({"start_sample": 16_000, "end_sample": 32_000, "sr": 8_000}, {}, (2.0, 4.0)),
    ({"start": 2_000, "end": 4_000}, {"time_unit": "ms"}, (2.0, 4.0)),
    ({"start_frame": 50, "end_frame": 100}, {"fps": 25}, (2.0, 4.0)),
    ({"start": 2, "end": 4}, {"start": 2, "end": 4}, (2.0, 4.0)),
    ({"offset": 0.1, "duration": 0.2}, {"start": 0.1, "end": 0.3}, (0.1, pytest.approx(0.3))),
    ({"start": 2, "end": 4}, {"start": 2}, (2.0, 4.0)),
    ({"start": 2, "end": 4}, {"duration": 9}, (2.0, 4.0)),
    ({"duration": 9}, {"start": 2, "end": 4}, (2.0, 4.0)),
    ({"start": None, "end": None}, {"start": 2, "end": 4}, (2.0, 4.0)),
    ({"duration": 9, "part": "verse"}, {}, (None, None)),
    ({"start": 2, "end": 4}, {"start": 6, "end": 8}, "bad_entry"),
    ({"start": 2, "end": 4}, {"start": 2, "end": 8}, "bad_entry"),
    ({"start": 2}, {"start": 2, "end": 8}, "bad_entry"),
    ({"start": 2}, {"duration": 9}, "bad_entry"),
    ({"start": 2, "end": 4}, {"start": "soon"}, "bad_entry"),
    ({"start": "soon"}, {"start": 2, "end": 4}, "bad_entry"),
    ({"offset": "soon"}, {}, "bad_entry"),
    ({"offset": float("inf")}, {}, "bad_entry"),
    ({"start_beat": 2}, {}, "bad_entry"),
]
"""What an object and its row state beside a path, and the stretch that they mean."""


@pytest.mark.parametrize("form", ["jsonl", "json", "parquet", "arrow"])
@pytest.mark.parametrize(("stated", "beside", "expected"), OF_OBJECTS, ids=str)
def test_a_stretch_in_an_object_is_that_of_its_file(
    stated: dict[str, Any], beside: dict[str, Any], expected: Any, form: str, tmp_path: Path
) -> None:
    """The stretch of the object is used; one of the row that differs is reported."""
    (tmp_path / "a.wav").write_bytes(clip(0))
    rows = [{"audio": {"path": "a.wav", **stated}, **beside}]
    assert spans(written(rows, form, tmp_path)) == [expected]


@pytest.mark.parametrize("form", ["jsonl", "json"])
@pytest.mark.parametrize(
    "row",
    [
        {"recording": {"audio_path": "a.wav", "start": 2, "end": 4}},
        {"item": {"offset": 2, "duration": 2, "audio": {"path": "a.wav"}}},
        {"item": {"info": {"audio_path": "a.wav"}, "start": 2, "end": 4}},
        {"audio": [{"path": "a.wav", "start": 2, "end": 4}]},
    ],
    ids=row_name,
)
def test_a_stretch_in_objects_around_a_file_is_that_of_the_file(
    row: dict[str, Any], form: str, tmp_path: Path
) -> None:
    """Objects within objects and lists are read as an object of the row is."""
    (tmp_path / "a.wav").write_bytes(clip(0))
    assert spans(written([row], form, tmp_path)) == [(2.0, 4.0)]


@pytest.mark.parametrize("name", ["audio", "audio_parts"])
@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_each_object_of_a_list_has_its_own_stretch(name: str, form: str, tmp_path: Path) -> None:
    """Several stretches of one file are several items, and one that is not clear is reported."""
    (tmp_path / "a.wav").write_bytes(clip(0))
    times = [("0", "2"), ("4", "6"), ("soon", "8"), ("later", "9")]
    path = "path" if name == "audio" else "audio_path"
    parts = [{path: "a.wav", "start": start, "end": end} for start, end in times]
    expected = [(0.0, 2.0), (4.0, 6.0), "bad_entry", "bad_entry"]
    assert spans(written([{name: parts}], form, tmp_path)) == expected


@pytest.mark.parametrize("beside", ["path", "bytes"])
@pytest.mark.parametrize(
    ("stated", "row", "expected"),
    [
        ({"start": 2.0, "end": 4.0}, {}, (2.0, 4.0)),
        ({"start": 2.0, "end": 4.0}, {"start": 6.0, "end": 8.0}, "bad_entry"),
        ({"start": "soon", "end": "4.0"}, {}, "bad_entry"),
        ({"start": None, "end": None}, {"start": 6.0, "end": 8.0}, (6.0, 8.0)),
    ],
    ids=str,
)
def test_a_stretch_beside_bytes_is_that_of_the_bytes_or_their_file(
    stated: dict[str, Any], row: dict[str, Any], expected: Any, beside: str, tmp_path: Path
) -> None:
    """Structs with bytes, or with a path in place of the bytes, may state a stretch."""
    (tmp_path / "a.wav").write_bytes(clip(0))
    audio = {"bytes": clip(0) if beside == "bytes" else None, "path": "a.wav", **stated}
    times: pa.DataType = pa.string() if "soon" in stated.values() else pa.float64()
    kinds: list[pa.DataType] = [pa.binary(), pa.string(), times, times]
    names = ["bytes", "path", "start", "end"]
    kind = pa.struct([pa.field(n, each) for n, each in zip(names, kinds, strict=True)])
    columns: dict[str, Any] = {"audio": pa.array([audio], kind), **{key: [row[key]] for key in row}}
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    assert spans(tmp_path / "t.parquet") == [expected]
