"""CUE sheets: every second of the files that they name is in one track, or is reported."""

from __future__ import annotations

import codecs
import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.api.datasets.items import Identifiers, Skipped, SourceItem
from earwitness.api.datasets.write_clean_manifest import write_clean
from tests.contract.packings import clip
from tests.unit.datasets.open_in_process import open_source

ALBUM = """REM GENRE Folk
PERFORMER "An Artist"
TITLE "An Album"
FILE "a.wav" WAVE
  TRACK 01 AUDIO
    TITLE "First"
    ISRC GBAYE0000351
    INDEX 01 00:00:00
  TRACK 02 AUDIO
    TITLE "Second"
    PERFORMER "A Guest"
    FLAGS DCP
    INDEX 00 03:19:70
    INDEX 01 03:20:15
    INDEX 02 03:50:00
  TRACK 03 AUDIO
    PREGAP 00:02:00
    INDEX 01 103:00:74
"""


def read(tmp_path: Path, sheet: str | bytes, *names: str) -> list[SourceItem | Skipped]:
    """The items of a sheet beside files of these names."""
    for number, name in enumerate(names or ("a.wav",)):
        (tmp_path / name).write_bytes(clip(number))
    (tmp_path / "x.cue").write_bytes(sheet.encode() if isinstance(sheet, str) else sheet)
    reader = open_source(tmp_path / "x.cue")
    assert reader.format == "cue"
    items = list(reader)
    assert reader.total == len(items)
    return items


def spans(items: list[SourceItem | Skipped]) -> list[tuple[str, str, float | None, float | None] | str]:
    """Id, file and stretch of each item, or the message of what is not read."""
    return [
        (each.item_id, each.path, each.start_s, each.end_s) if isinstance(each, SourceItem) else each.message
        for each in items
    ]


def test_a_track_is_a_stretch_of_its_file(tmp_path: Path) -> None:
    """A track lasts from its INDEX 01 to that of the next, at 75 frames a second; the last to the end."""
    items = read(tmp_path, ALBUM)
    assert spans(items) == [
        ("x.cue#1", "a.wav", None, 200.2),
        ("x.cue#2", "a.wav", 200.2, 6180 + 74 / 75),
        ("x.cue#3", "a.wav", 6180 + 74 / 75, None),
    ]
    first, second, _ = (item for item in items if isinstance(item, SourceItem))
    assert first.identifiers == Identifiers(artist="An Artist", title="First", isrc="GBAYE0000351")
    assert second.metadata == {"track": 2, "artist": "A Guest", "title": "Second", "album": "An Album"}


def test_a_file_each_is_not_cut(tmp_path: Path) -> None:
    """Where every track has a file, each is read whole, also if its gap is at the end of the one before."""
    sheet = """FILE "one.wav" WAVE
  TRACK 01 AUDIO
    INDEX 01 00:00:00
  TRACK 02 AUDIO
    INDEX 00 02:00:00
FILE two.wav WAVE
    INDEX 01 00:00:00
"""
    items = read(tmp_path, sheet, "one.wav", "two.wav")
    assert spans(items) == [("x.cue#1", "one.wav", None, None), ("x.cue#2", "two.wav", None, None)]


def test_the_first_track_begins_with_its_file(tmp_path: Path) -> None:
    """Sound before the first INDEX 01, such as a hidden track, is compared with the first track."""
    sheet = "FILE a.wav WAVE\nTRACK 1 AUDIO\nINDEX 01 05:00:00\nTRACK 2 AUDIO\nINDEX 01 06:00:00\n"
    assert spans(read(tmp_path, sheet)) == [
        ("x.cue#1", "a.wav", None, 360.0),
        ("x.cue#2", "a.wav", 360.0, None),
    ]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            "FILE a.wav WAVE\nTRACK 1 AUDIO\nx\nINDEX 01 0:00:00\n",
            "line 3: the entry cannot be understood (X is no",
        ),
        ("FILE a.wav WAVE\nTRACK 1 AUDIO\nINDEX 01 1:99:00\n", "1:99:00 is no time"),
        ("FILE a.wav WAVE\nTRACK 1 AUDIO\nINDEX 01 1:00:75\n", "1:00:75 is no time"),
        ("FILE a.wav WAVE\nTRACK 1 AUDIO\nINDEX 01 soon\n", "soon is no time"),
        ("FILE a.wav WAVE\nTRACK 1 AUDIO\nINDEX 00 0:00:00\n", "it has no INDEX 01"),
        ("TRACK 1 AUDIO\nINDEX 01 0:00:00\nFILE a.wav WAVE\n", "needs a FILE"),
        ("FILE a.wav WAVE\nINDEX 01 0:00:00\nTRACK 1 AUDIO\n", "needs a FILE"),
        ("FILE a.bin BINARY\nTRACK 1 AUDIO\nINDEX 01 0:00:00\n", "samples without a header"),
        ("FILE a.wav WAVE\nTRACK 1 MODE1/2352\nINDEX 01 0:00:00\n", "not of sound"),
        ("FILE a.wav WAVE\nTRACK one AUDIO\nTRACK 1 AUDIO\nINDEX 01 0:00:00\n", "needs a number"),
        ("FILE a.wav WAVE\nFILE a.wav WAVE\nTRACK 1 AUDIO\nINDEX 01 0:00:00\n", "no track begins in a.wav"),
        ("FIEL b.wav WAVE\nFILE a.wav WAVE\nTRACK 1 AUDIO\nINDEX 01 0:00:00\n", "FIEL is no command"),
        ("FILE gone.wav WAVE\nTRACK 1 AUDIO\nINDEX 01 0:00:00\n", "the file does not exist"),
        ("FILE ../a.wav WAVE\nTRACK 1 AUDIO\nINDEX 01 0:00:00\n", "outside the manifest's folder"),
        ("FILE C:\\x\\a.wav WAVE\nTRACK 1 AUDIO\nINDEX 01 0:00:00\n", "x\\a.wav"),
    ],
)
def test_what_is_wrong_is_reported(tmp_path: Path, lines: str, message: str) -> None:
    """A line, track or file that cannot be read is an item with the reason."""
    (tmp_path.parent / "a.wav").write_bytes(clip(9))
    messages = [each.message for each in read(tmp_path, lines) if isinstance(each, Skipped)]
    assert any(message in each for each in messages), messages


def test_times_that_fall_are_an_error_of_their_track(tmp_path: Path) -> None:
    """A track that would end before it begins is reported; those around it are read."""
    times = ("00:00:00", "03:00:00", "02:00:00", "04:00:00")
    tracks = (f"TRACK {n} AUDIO\nINDEX 01 {time}\n" for n, time in enumerate(times, 1))
    items = read(tmp_path, "FILE a.wav WAVE\n" + "".join(tracks))
    assert spans(items) == [
        ("x.cue#1", "a.wav", None, 180.0),
        "x.cue#2: the entry cannot be understood (it is from 180 s to 120 s)",
        ("x.cue#3", "a.wav", 120.0, 240.0),
        ("x.cue#4", "a.wav", 240.0, None),
    ]


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("utf-8-sig", "grün.wav"), ("utf-16", "grün.wav"), ("cp1252", "grün.wav"), ("cp932", "ソ/表.wav")],
)
def test_a_sheet_in_any_usual_encoding_is_read(tmp_path: Path, encoding: str, name: str) -> None:
    """Files are found by names in the encodings of Windows, also if a byte of a letter is a backslash."""
    (tmp_path / name).parent.mkdir(exist_ok=True)
    sheet = f"FILE {name} WAVE\r\nTRACK 1 AUDIO\r\nINDEX 01 0:00:00\r\n"
    (item,) = read(tmp_path, codecs.encode(sheet, encoding), name)
    assert isinstance(item, SourceItem)
    assert item.file == tmp_path / name


@pytest.mark.parametrize("name", [b"../gr\xfcn.wav", b"..\\gr\xfcn.wav", b"/gr\xfcn.wav"])
def test_no_encoding_leads_out_of_the_folder(tmp_path: Path, name: bytes) -> None:
    """A name in another encoding opens nothing outside the folder either."""
    (tmp_path.parent / "grün.wav").write_bytes(clip(9))
    (item,) = read(tmp_path, b"FILE " + name + b" WAVE\nTRACK 1 AUDIO\nINDEX 01 0:00:00\n")
    assert isinstance(item, Skipped)
    assert item.code in {"path_escapes", "item_missing"}  # a backslash may also be part of a name


def test_no_line_is_too_long(tmp_path: Path) -> None:
    """A line without an end is one error, and the tracks around it are read."""
    start = "FILE a.wav WAVE\nTRACK 1 AUDIO\nINDEX 01 0:00:00\n"
    items = read(tmp_path, start + "REM " + "x" * (3 << 20) + "\nTRACK 2 AUDIO\nINDEX 01 1:00:00\n")
    assert [item.item_id for item in items] == ["x.cue#line 4", "x.cue#1", "x.cue#2"]


def test_a_clean_manifest_keeps_the_stretches(tmp_path: Path) -> None:
    """Tracks that stay are listed with their times: the file holds what is left out, too."""
    read(tmp_path, ALBUM)
    out = tmp_path / "clean.jsonl"
    write_clean(open_source(tmp_path / "x.cue"), {"x.cue#2"}, out)
    first, third = map(json.loads, out.read_text().splitlines())
    assert first == {"id": "x.cue#1", "path": "a.wav", "shard": None, "start": 0.0, "end": 200.2}
    assert third["end"] is None
    assert spans(list(open_source(out))) == [
        ("x.cue#1", "a.wav", 0.0, 200.2),
        ("x.cue#3", "a.wav", 6180 + 74 / 75, None),
    ]


words = st.sampled_from(
    ["FILE a.wav WAVE", 'FILE "b.wav" WAVE', "TRACK 1 AUDIO", "TRACK 2 AUDIO", "TRACK 3 MODE1/2048", "TRACK",
     "INDEX 00 0:01:00", "INDEX 01 0:00:00", "INDEX 01 0:02:00", "INDEX 01 0:01:37", "INDEX 01 x", "TITLE",
     "?"]
)  # fmt: skip


@given(lines=st.lists(words, max_size=14))
def test_every_second_of_a_named_file_is_in_a_track_or_reported(
    lines: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever the order of the lines, the tracks of each FILE cover it, or something is reported."""
    folder = tmp_path_factory.mktemp("sheet")
    for name in ("a.wav", "b.wav"):
        (folder / name).write_bytes(clip(0))
    whole = ["FILE a.wav WAVE", "TRACK 9 AUDIO", "INDEX 01 0:00:00", *lines]
    (folder / "x.cue").write_text("\n".join(whole))
    items = list(open_source(folder / "x.cue"))
    assert len({item.item_id for item in items}) == len(items)
    if not any(isinstance(item, Skipped) for item in items):
        covered = [item for item in items if isinstance(item, SourceItem)]
        starts = [item for item in covered if item.start_s is None]
        ends = [item for item in covered if item.end_s is None]
        assert len(starts) == len(ends) == sum(line.startswith("FILE") for line in whole)
        for one, following in itertools.pairwise(covered):
            assert one.end_s == following.start_s
