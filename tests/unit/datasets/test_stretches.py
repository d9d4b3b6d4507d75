"""A stretch of a file is understood in any usual form, or its entry is reported as unreadable."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from earwitness.api.datasets.entries.stretch import BadStretch
from earwitness.api.datasets.entries.stretch_columns import stretch_of
from earwitness.api.datasets.items import Skipped, SourceItem
from tests.contract.packings import clip
from tests.unit.datasets.open_in_process import open_source

FORMS: list[dict[str, Any]] = [
    {"start": 11, "end": 19},
    {"start": "11", "end": "19.0"},
    {"start": "11,0", "end": "19,0"},
    {"start_s": 11, "duration_s": 8},
    {"start_ms": 11_000, "end_ms": "19000"},
    {"begin_ms": 11_000, "duration_ms": 8_000},
    {"offset_ms": 11_000, "duration": 8},
    {"startMs": 11_000, "endMs": 19_000},
    {"start_us": 11_000_000, "end_us": 19_000_000},
    {"start_time": "0:11", "end_time": "0:19"},
    {"start_time": "00:00:11.000", "end_time": "00:00:19,000"},
    {"start_timestamp": "00:11", "end_timestamp": "00:19"},
    {"startTime": "11s", "endTime": "19 s"},
    {"begin_time": 11, "end_time": 19},
    {"begin": "PT11S", "stop": "PT19S"},
    {"Begin Time (s)": 11, "End Time (s)": 19, "Low Freq (Hz)": 100, "High Freq (Hz)": 200},
    {"onset": 11, "offset": 19},
    {"offset": 11, "duration": 8},
    {"offset": 11, "length": 8},
    {"segment_start": 11, "segment_end": 19},
    {"segment_start_time": 11, "segment_duration": 8},
    {"audio_start_sec": 11, "audio_end_sec": 19},
    {"start_offset": 11, "end_offset": 19},
    {"xmin": 11, "xmax": 19},
    {"t0": 11, "t1": 19},
    {"from": 11, "to": 19},
    {"start_frame": 176_000, "end_frame": 304_000, "sample_rate": 16_000},
    {"start_frame": 275, "end_frame": 475, "fps": 25},
    {"start_sample": 176_000, "end_sample": 304_000, "sr": "16000"},
    {"start_sample": 88_000, "num_samples": 64_000},
    {"frame_offset": 88_000, "num_frames": 64_000},
    {"segment": [11, 19]},
    {"segment": {"start": 11, "end": 19}},
    {"timestamps": "0:11-0:19"},
    {"time": "[11.0, 19.0]"},
    {"strt": 11, "stop": 19},
    {"since": 11, "until": 19},
    {"stime": 11, "etime": 19},
    {"st": 11, "et": 19},
    {"t1": 11, "t2": 19},
    {"cue_in": 11, "cue_out": 19},
    {"seek": 11, "duration": 8},
    {"seek": "0:11", "duration": 8},
    {"start": 11, "duration": 8, "offset": "soon"},
    {"start": 11, "end": 19, "length": "soon"},
    {"offset": 11, "duration": "soon", "duration_s": 8},
    {"position_s": 11, "length": 8},
    {"D\u00e9but": 11, "Fin": 19},
    {"\u5f00\u59cb\u65f6\u95f4": 11, "\u7ed3\u675f\u65f6\u95f4": 19},
    {"start": 11_000, "end": 19_000, "unit": "ms"},
    {"start": [11], "end": [19]},
    {"start": "1970-01-01T00:00:11", "end": "1900-01-01 00:00:19.000"},
    {"timestamp": "00:00:11,000 --> 00:00:19,000"},
    {"start_end": "11-19"},
    {"bounds": [11, 19]},
    {"in_point": 11, "out_point": 19},
    {"inPoint": "0:11", "outPoint": "0:19"},
    {"in_point_ms": 11_000, "out_point_ms": 19_000},
]
NO_STRETCH: list[dict[str, Any]] = [
    {},
    {"duration": 30},
    {"num_samples": 16_000, "sample_rate": 16_000},
    {"start": None, "end": ""},
    {"start": "nan", "end": "None"},
    {"start_date": "2020-01-01", "end_date": "2021-01-01"},
    {"start_time": "2020-01-01T10:00:00"},
    {"from": "Ann", "to": "Bob"},
    {"start_char": 3, "end_char": 9},
    {"start_lat": 1.5, "end_lat": 2.5},
    {"byte_offset": 100},
    {"length": 4, "text": "word"},
    {"offset": None, "duration": 4.0},
    {"offset": float("nan"), "duration": 4.0},
    {"offset": "", "duration": "soon"},
    {"from": "Ann", "to": "Bob", "duration": 4.0},
    {"start_time": "2020-01-01 10:00", "duration": 4.0},
    {"skip": "no", "duration": 4.0},
    {"in_point": "", "out_point": ""},
    {"backend": 3, "extends": 4, "startup": "x"},
    {"from": "Ann"},
    {"duration": "long"},
    {"duration": float("inf")},
    {"part": "verse"},
    {"segment": "seg_0012"},
    {"segment": "soon"},
    {"segment": "verse 2"},
    {"segment": "3-A"},
    {"interval": "soprano"},
    {"clip": "a-0:04"},
    {"timestamp": "2020-01-01T10:00:00"},
    {"offset": "n/a"},
    {"utc_offset": "+02:00"},
]
UNCLEAR: list[dict[str, Any]] = [
    {"start": "soon"},
    {"start": [1, 2]},
    {"start_beat": 4, "end_beat": 8},
    {"start_index": 4},
    {"start_frame": 275, "end_frame": 475},
    {"start_percent": 10},
    {"sample_start": 88_000},
    {"start": -1},
    {"start": 5, "end": 5},
    {"start": 19, "end": 11},
    {"start": True},
    {"start": float("inf")},
    {"start_ms": "00:00:11:05"},
    {"end": 1e12},
    {"start": 1_700_000_000},
    {"segment": "3-4"},
    {"segment": "3/4"},
    {"offset": [0, 11], "duration": [11, 8]},
    {"interval": "3 4"},
    {"end": 19},
    {"begin_min": 1, "begin_sec": 5, "end_min": 2, "end_sec": 9},
    {"vad_start": 11, "vad_end": 19},
    {"in": 11, "out": 19},
    {"t": 11, "duration": 8},
    {"position": 11, "length": 8},
    {"start_100ns": 110_000_000, "end_100ns": 190_000_000},
    {"start": 11, "end": 19, "time_unit": "grains"},
]
NO_TIME: list[dict[str, Any]] = [
    {name: value}
    for name in (
        "start", "end", "start_time", "end_time", "begin_time", "offset", "offset_s", "time_offset",
        "in_point", "out_point", "inpoint",
    )
    for value in ("soon", "later today", "inf")
] + [
    {"offset": float("inf")},
    {"offset": "2020-01-01"},
    {"offset": True},
    {"offset": {"a": 1}},
    {"from": float("inf")},
    {"from": "-inf"},
    {"from_s": "soon"},
    {"segment": "0:04-soon"},
    {"segment": "soon - 0:08"},
    {"segment": "[4, soon]"},
    {"segment": "4s to the end"},
    {"interval": "(soon, 8)"},
    {"segment": {"offset": "soon"}},
    {"segment": [4.0, float("inf")]},
]  # fmt: skip
"""The name of the one column means a time, and the value is there and is none."""


ONE_IS_NO_TIME: list[dict[str, Any]] = [
    {"offset": "soon", "duration": 4.0},
    {"offset": 4.0, "duration": "soon"},
    {"offset": True, "duration": 4.0},
    {"offset": {"a": 1}, "duration": 4.0},
    {"offset": "2020-01-01", "duration": 4.0},
    {"offset": "soon", "end": 8.0},
    {"offset_ms": "soon", "duration_ms": 4_000},
    {"onset": "soon", "offset": 8.0},
    {"onset": 4.0, "offset": "soon"},
    {"start": "soon", "end": 8.0},
    {"start": 4.0, "end": "soon"},
    {"start": 4.0, "end": "2020-01-01"},
    {"start": 4.0, "duration": "soon"},
    {"start": 4.0, "end": None, "length": "soon"},
    {"start_sample": 4_000, "num_samples": "soon"},
    {"from": "soon", "to": 8.0},
    {"from": 4.0, "to": "soon"},
    {"from": "4 or 5", "duration": 4.0},
    {"t0": "soon", "t1": 8.0},
    {"in_point": 4.0, "out_point": "soon"},
    {"in_point": "soon", "out_point": 8.0},
    {"seek": "soon", "duration": 4.0},
    {"seek": 4.0, "duration": "soon"},
    {"seek": 4.0, "take": "soon"},
    {"seek": -5, "duration": 4.0},
    {"segment": [4.0, "soon"]},
    {"segment": {"offset": "soon", "duration": 4.0}},
]
"""One column of a stretch is a time, and the one that it needs besides is none."""


def row_name(row: dict[str, Any]) -> str:
    """A row as the name of a test."""
    return json.dumps(row)


@pytest.mark.parametrize("row", FORMS, ids=row_name)
def test_every_usual_form_names_the_same_stretch(row: dict[str, Any]) -> None:
    """Seconds, milliseconds, clock times, samples and ranges give the same stretch."""
    stretch = stretch_of(row, own_rate=lambda: 8_000.0)
    assert stretch.start_s == pytest.approx(11.0)
    assert stretch.end_s == pytest.approx(19.0)


@pytest.mark.parametrize("row", NO_STRETCH, ids=row_name)
def test_other_columns_cut_nothing(row: dict[str, Any]) -> None:
    """A row without a stretch, or with columns whose names are only similar, means the whole file."""
    stretch = stretch_of(row)
    assert (stretch.start_s, stretch.end_s) == (None, None)


@pytest.mark.parametrize("row", [*UNCLEAR, *NO_TIME, *ONE_IS_NO_TIME], ids=row_name)
def test_a_stretch_that_is_not_clear_is_an_error(row: dict[str, Any]) -> None:
    """A column that is named like a stretch and has no clear unit or value is never ignored."""
    with pytest.raises(BadStretch):
        stretch_of(row)


@pytest.mark.parametrize(
    "row",
    [
        {"start": 3},
        {"start": 3, "end": -1},
        {"offset": 3, "duration": -1},
        {"in_point": 3},
        {"in_point": 3, "out_point": ""},
        {"mark_in": 3, "mark_out": None},
    ],
    ids=row_name,
)
def test_a_stretch_may_reach_to_the_end(row: dict[str, Any]) -> None:
    """No end, or an end of -1, is the end of the file."""
    stretch = stretch_of(row)
    assert (stretch.start_s, stretch.end_s) == (3.0, None)


def spans(source: Path) -> list[tuple[float | None, float | None] | str]:
    """Start and end of each item, or the code of its error."""
    return [
        item.code if isinstance(item, Skipped) else (item.start_s, item.end_s) for item in open_source(source)
    ]


@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl", "json", "parquet", "arrow"])
@pytest.mark.parametrize("row", [FORMS[0], FORMS[4], FORMS[9], FORMS[13], FORMS[30]], ids=row_name)
def test_a_stretch_is_cut_in_every_form(row: dict[str, Any], form: str, tmp_path: Path) -> None:
    """Text manifests and tables give the same; samples are counted at the rate that the file states."""
    (tmp_path / "a.wav").write_bytes(clip(0))
    rows = [{"path": "a.wav", **row}]
    assert spans(written(rows, form, tmp_path)) == [(11.0, 19.0)]


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_row_whose_stretch_is_not_clear_is_not_compared(form: str, tmp_path: Path) -> None:
    """The row is not readable, its message names the column, and the hint names clear ones."""
    (tmp_path / "a.wav").write_bytes(clip(0))
    source = written(
        [{"path": "a.wav", "start_beat": 4}, {"path": "a.wav", "start_beat": None}], form, tmp_path
    )
    first, second = list(open_source(source))
    assert isinstance(first, Skipped)
    assert first.code == "bad_entry"
    assert "start_beat" in first.message
    assert "start_ms" in first.hint
    assert isinstance(second, SourceItem)


@pytest.mark.parametrize("form", ["csv", "jsonl", "json", "parquet", "arrow"])
@pytest.mark.parametrize("column", ["offset", "duration"])
def test_a_value_that_is_no_time_is_reported_in_every_form(column: str, form: str, tmp_path: Path) -> None:
    """The row is not readable; rows with a time, or with nothing in the column, are not affected."""
    (tmp_path / "a.wav").write_bytes(clip(0))
    good = {"path": "a.wav", "offset": "4", "duration": "4.0"}
    stretch = spans(written([{**good, column: "soon"}, good, {**good, column: None}], form, tmp_path))
    absent = (None, None) if column == "offset" else (4.0, None)
    assert stretch == ["bad_entry", (4.0, 8.0), absent]


OTHER_TYPES: list[Any] = [[b"soon"], [b"soon " * 10], [b"\xff"], [[1.0, 2.0]]]


@pytest.mark.parametrize("values", [*map(pa.array, OTHER_TYPES), pa.array(["soon"]).dictionary_encode()])
def test_a_column_of_another_type_is_not_left_out(values: pa.Array[Any], tmp_path: Path) -> None:
    """Bytes and lists in a stretch column are read, so that they can be refused."""
    (tmp_path / "a.wav").write_bytes(clip(0))
    table = pa.table({"path": ["a.wav"], "offset": values, "duration": [4.0]})
    pq.write_table(table, tmp_path / "t.parquet")
    assert spans(tmp_path / "t.parquet") == ["bad_entry"]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"start": 1.0, "end": 2.0}, (1.0, 2.0)),
        ({"start": "soon"}, (None, None)),
        ({"start": "left", "end": "right"}, (None, None)),
        ({"start": "soon", "end": 2.0}, "bad_entry"),
        ({"offset": "soon", "duration": 2.0}, "bad_entry"),
        ({"offset": 1.0, "duration": "soon"}, "bad_entry"),
    ],
)
def test_audio_in_a_table_is_not_compared_if_one_of_two_ends_is_no_time(
    row: dict[str, Any], expected: Any, tmp_path: Path
) -> None:
    """Audio in a cell is cut where both ends are times; then one that is no time makes the row unreadable."""
    pq.write_table(pa.Table.from_pylist([{"audio": clip(0), **row}]), tmp_path / "t.parquet")
    assert spans(tmp_path / "t.parquet") == [expected]


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ("4 8", (4.0, 8.0)),
        ("4 -1", (4.0, None)),
        ("soon 8", "bad_entry"),
        ("4 soon", "bad_entry"),
        ("4", "bad_entry"),
        ("4 -5", "bad_entry"),
    ],
)
def test_kaldi_segments_need_two_times(times: str, expected: Any, tmp_path: Path) -> None:
    """Only an end of -1 is the end of the file; anything else that is no time after the start is refused."""
    (tmp_path / "a.wav").write_bytes(clip(0))
    (tmp_path / "wav.scp").write_text("r a.wav\n")
    (tmp_path / "segments").write_text(f"u r {times}\n")
    assert spans(tmp_path / "wav.scp") == [expected]


@pytest.mark.parametrize(
    ("start", "duration", "expected"),
    [
        (4.0, 4.0, (4.0, 8.0)),
        ("soon", 4.0, "bad_entry"),
        (4.0, "soon", "bad_entry"),
        (4.0, None, (4.0, None)),
    ],
)
def test_lhotse_cuts_need_times(start: Any, duration: Any, expected: Any, tmp_path: Path) -> None:
    """A cut whose start or duration is no time is not readable."""
    (tmp_path / "a.wav").write_bytes(clip(0))
    recording = {"id": "r", "sources": [{"type": "file", "channels": [0], "source": "a.wav"}]}
    cut = {"id": "c", "start": start, "duration": duration, "channel": 0, "recording": recording}
    (tmp_path / "cuts.jsonl").write_text(json.dumps(cut) + "\n")
    assert spans(tmp_path / "cuts.jsonl") == [expected]


@pytest.mark.parametrize(
    ("time", "expected"), [("4", (4.0, None)), ("soon", "bad_entry"), ("", (None, None))]
)
def test_a_playlist_states_a_time_or_the_row_is_refused(time: str, expected: Any, tmp_path: Path) -> None:
    """A start of a playlist that is no time is not ignored."""
    (tmp_path / "a.wav").write_bytes(clip(0))
    (tmp_path / "l.m3u").write_text(f"#EXTM3U\n#EXTVLCOPT:start-time={time}\na.wav\n")
    assert spans(tmp_path / "l.m3u") == [expected]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("a.wav,0,9\na.wav,11,19\n", [(0.0, 9.0), (11.0, 19.0)]),
        ("a.wav\t0:00\t0:09\na.wav\t0:11\t0:19\n", [(0.0, 9.0), (11.0, 19.0)]),
        ("a.wav,11,8\na.wav,0,9\n", ["bad_entry", "bad_entry"]),
        ("a.wav,3\na.wav,4\n", ["bad_entry", "bad_entry"]),
        ("a.wav,0,9\na.wav,soon,19\na.wav,19,20\n", [(0.0, 9.0), "bad_entry", (19.0, 20.0)]),
        ("a.wav,0,9\na.wav,11,\n", [(0.0, 9.0), (11.0, None)]),
        ("a.wav,x\na.wav,y\n", [(None, None), (None, None)]),
        ("a.wav,1,2\nb.wav,3,4\n", [(None, None), (None, None)]),
    ],
)
def test_times_without_a_header_are_not_ignored(rows: str, expected: list[Any], tmp_path: Path) -> None:
    """Rows that share a file and differ in numbers mean stretches: they are cut if clear, else reported."""
    for name in ("a.wav", "b.wav"):
        (tmp_path / name).write_bytes(clip(0))
    (tmp_path / "l.csv").write_text(rows)
    assert spans(tmp_path / "l.csv") == expected


def test_times_of_a_table_keep_their_units(tmp_path: Path) -> None:
    """Arrow's own durations and times of day need no unit in the column's name; decimals are numbers."""
    import datetime
    import decimal

    (tmp_path / "a.wav").write_bytes(clip(0))
    table = pa.table(
        {
            "path": ["a.wav"],
            "start": pa.array([datetime.timedelta(seconds=11)], pa.duration("ms")),
            "end": pa.array([decimal.Decimal("19.0")]),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    assert spans(tmp_path / "t.parquet") == [(11.0, 19.0)]


@pytest.mark.parametrize("form", ["csv", "jsonl", "json", "parquet", "arrow"])
@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("offset", "soon", "bad_entry"),
        ("offset", float("inf"), "bad_entry"),
        ("start_time", float("-inf"), "bad_entry"),
        ("in_point", "soon", "bad_entry"),
        ("segment", "[4, soon]", "bad_entry"),
        ("offset", float("nan"), (None, None)),
        ("from", "Ann", (None, None)),
        ("segment", "seg_0012", (None, None)),
        ("part", "verse", (None, None)),
        ("duration", "long", (None, None)),
    ],
)
def test_one_column_that_is_no_time_is_reported_or_has_another_use(
    column: str, value: Any, expected: Any, form: str, tmp_path: Path
) -> None:
    """A value that is there, in a column that always holds a time, never means the whole file."""
    if form == "csv" and "," in str(value):
        value = value.replace(",", ";")
    (tmp_path / "a.wav").write_bytes(clip(0))
    assert spans(written([{"path": "a.wav", column: value}], form, tmp_path)) == [expected]


def written(rows: list[dict[str, Any]], form: str, folder: Path) -> Path:
    """Write rows in this form."""
    source = folder / f"rows.{form}"
    if form in {"csv", "tsv"}:
        mark = {"csv": ",", "tsv": "\t"}[form]
        lines = [
            mark.join(rows[0]),
            *(mark.join("" if v is None else str(v) for v in r.values()) for r in rows),
        ]
        source.write_text("\n".join(lines) + "\n")
    elif form == "jsonl":
        source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif form == "json":
        source.write_text(json.dumps(rows, indent=1))
    elif form == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), source)
    else:
        table = pa.Table.from_pylist(rows)
        with pa.OSFile(str(source), "wb") as file, pa.ipc.new_file(file, table.schema) as stream:
            stream.write_table(table)
    return source
