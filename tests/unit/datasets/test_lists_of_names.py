"""Lists without audio: recognised by their layout, read as names, and never taken for audio."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.api.datasets.isolated.message_frames import BadMessage
from earwitness.api.datasets.isolated.read_request import Request
from earwitness.api.datasets.items import SourceLimits
from earwitness.api.datasets.name_lists.list_columns import columns_of, row_in
from earwitness.api.datasets.name_lists.list_layouts import recognised
from earwitness.api.datasets.name_lists.name_source import NameSource, opened_names
from earwitness.index.names.name_entries import NameEntry
from earwitness.index.names.stored_rows import entry_of
from tests.contract.packings import CLIPS

VIDEO, OTHER = "dQw4w9WgXcQ", "--PJHxphWEs"
AUDIOSET = f"""# Segments csv created Sun Mar  5 10:54:31 2017
# num_ytids=2, num_segs=2, num_unique_labels=527, num_positive_labels=52882
# YTID, start_seconds, end_seconds, positive_labels
{OTHER}, 30.000, 40.000, "/m/09x0r,/t/dd00088"
{VIDEO}, 50.000, 60.000, "/m/012xff"
"""
TEXTS = {
    "AudioSet": AUDIOSET,
    "VGGSound": f'{OTHER},1,"people, marching",train\n{VIDEO},240,"sea waves",test\n',
    "VGGSounder": f"video_id,label,modality\n{OTHER}_000001,male singing,A\n{VIDEO}_000240,sea,AV\n",
    "AudioCaps": f'audiocap_id,youtube_id,start_time,caption\n1,{OTHER},130,"A, b"\n2,{VIDEO},20,C\n',
    "MusicCaps": f"ytid,start_s,end_s,audioset_positive_labels,aspect_list,caption\n"
    f"{OTHER},30,40,/m/a,\"['pop', 'slow']\",A song\n{VIDEO},0,10,/m/b,\"['rock']\",Another\n",
    "WavCaps black list": f"index,id\n0,Y{OTHER}.wav\n1,Y{VIDEO}.wav\n",
}
"""Lists in the form in which they are published, of the same two videos."""


NONE_UNKNOWN: dict[str, Any] = {"unknown": [], "n_unknown": 0, "nameless": []}
"""The part of a message about texts that are no identifiers, where there are none."""


def read(
    path: Path, *, limits: SourceLimits | None = None, **options: Any
) -> tuple[NameSource | None, list[NameEntry]]:
    """Read a list in its own process."""
    request = Request(source=str(path), limits=limits or SourceLimits(), options=options)
    with opened_names(request) as names:
        return names, [] if names is None else [entry_of(*row[:6]) for row in names.rows()]


def kept(path: Path, text: str) -> list[NameEntry]:
    """Write a list and read its entries."""
    path.write_text(text, encoding="utf-8")
    names, entries = read(path)
    assert names is not None
    return entries


@pytest.mark.parametrize("layout", TEXTS)
def test_published_lists_are_recognised(tmp_path: Path, layout: str) -> None:
    """Each layout is named, and every row gives its video."""
    path = tmp_path / "list.csv"
    path.write_text(TEXTS[layout])
    names, entries = read(path)
    assert names is not None
    assert (names.layout, names.n_rows, names.n_nameless, names.n_refused) == (layout, 2, 0, 0)
    assert [list(map(str, each.ids)) for each in entries] == [[f"youtube:{OTHER}"], [f"youtube:{VIDEO}"]]
    assert [each.place for each in entries] == ["list.csv#0", "list.csv#1"]


def test_a_black_list_of_sounds_is_recognised(tmp_path: Path) -> None:
    """Numbers are sounds of Freesound, and rows without one are counted, as in the published list."""
    path = tmp_path / "blacklist.csv"
    path.write_text("index,id\n0,117790\n1,204046\n2,Not found\n")
    names, entries = read(path)
    assert names is not None and names.n_nameless == 1
    assert [str(each) for entry in entries for each in entry.ids] == ["freesound:117790", "freesound:204046"]


def laion_rows() -> list[dict[str, Any]]:
    """Rows in the layout of LAION-DISCO-12M."""
    common = {"artist_ids": ["UCx"], "album_id": "MPREb", "isExplicit": False, "views": "12K"}
    return [
        {
            "song_id": VIDEO,
            "title": "Café",
            "artist_names": ["A", "B"],
            "album_name": "C",
            "duration": 213,
            **common,
        },
        {
            "song_id": OTHER,
            "title": "Nacht",
            "artist_names": ["D"],
            "album_name": None,
            "duration": 1,
            **common,
        },
    ]


@pytest.mark.parametrize("form", ["parquet", "arrow", "jsonl", "json"])
def test_list_columns_are_read_in_every_format(tmp_path: Path, form: str) -> None:
    """Lists of artists survive in tables and in JSON; title, album and length are kept."""
    rows, path = laion_rows(), tmp_path / f"songs.{form}"
    table = pa.Table.from_pylist(rows)
    if form == "parquet":
        pq.write_table(table, path)
    elif form == "arrow":
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
            writer.write_table(table)
    else:
        lines = json.dumps(rows) if form == "json" else "\n".join(map(json.dumps, rows))
        path.write_text(lines)
    names, entries = read(path)
    assert names is not None and names.layout == "LAION-DISCO-12M"
    assert [(each.artists, each.title, each.album, each.duration_s) for each in entries] == [
        (("A", "B"), "Café", "C", 213.0),
        (("D",), "Nacht", None, 1.0),
    ]


def test_a_folder_of_tables_is_one_list(tmp_path: Path) -> None:
    """Shards of a table are read one after another."""
    for number, row in enumerate(laion_rows()):
        pq.write_table(pa.Table.from_pylist([row]), tmp_path / f"part-{number}.parquet")
    names, entries = read(tmp_path)
    assert names is not None
    assert [each.place for each in entries] == ["part-0.parquet#0", "part-1.parquet#0"]


def test_a_shard_that_cannot_be_read_costs_no_row_of_the_others(tmp_path: Path) -> None:
    """All rows around a damaged shard are kept, and the list does not count as read to its end."""
    for number, row in enumerate(laion_rows()):
        pq.write_table(pa.Table.from_pylist([row]), tmp_path / f"part-{2 * number}.parquet")
    whole = (tmp_path / "part-0.parquet").read_bytes()
    (tmp_path / "part-1.parquet").write_bytes(whole[: len(whole) // 2])
    names, entries = read(tmp_path)
    assert names is not None and names.cut_off is not None and "part-1.parquet" in names.cut_off
    assert [each.place for each in entries] == ["part-0.parquet#0", "part-2.parquet#0"]


def test_nested_columns_are_read(tmp_path: Path) -> None:
    """Artist, title and identifiers are found in objects and lists of objects."""
    row = {
        "track": {"name": "Nacht", "external_ids": {"isrc": "DEA122400001"}},
        "artists": [{"name": "A", "id": "x"}, {"name": "B", "id": "y"}],
        "album": {"name": "C", "release": "2020"},
    }
    path = tmp_path / "songs.parquet"
    pq.write_table(pa.Table.from_pylist([row]), path)
    _, (entry,) = read(path)
    assert (entry.artists, entry.title, entry.album) == (("A", "B"), "Nacht", "C")
    assert list(map(str, entry.ids)) == ["isrc:DEA122400001"]


def test_a_list_that_was_written_as_text_is_divided(tmp_path: Path) -> None:
    """A cell with a list as Python or JSON writes it gives its elements."""
    text = 'title,artists\nx,"[\'A\', ""B\'s""]"\ny,"[""C""]"\n'
    assert [each.artists for each in kept(tmp_path / "a.csv", text)] == [("A", "B's"), ("C",)]


def test_links_of_a_creator_are_taken_from_one_cell(tmp_path: Path) -> None:
    """Several links in a cell give several identifiers, and text that is no link gives none."""
    links = f"https://youtu.be/{VIDEO} nonsense; https://soundcloud.com/a/b"
    (entry,) = kept(tmp_path / "a.csv", f"artist,title,links\nA,B,{links}\n")
    assert list(map(str, entry.ids)) == [f"youtube:{VIDEO}", "soundcloud:a/b"]


def test_texts_that_are_no_identifiers_are_named(tmp_path: Path) -> None:
    """They are counted with their rows, of which the other names are used; so are rows without a name."""
    path = tmp_path / "a.csv"
    path.write_text("artist,title,isrc,link\nA,B,mistyped,\nC,D,,https://youtu.be/album\nE,F,,\nG,,,\n")
    request = Request(source=str(path), limits=SourceLimits())
    with opened_names(request, audio_may_lie_here=False, tell_unknown=True) as names:
        assert names is not None
        assert len(list(names.rows())) == 3
    assert names.n_unknown == 2
    assert list(map(str, names.unknown)) == ["a.csv#0: mistyped", "a.csv#1: https://youtu.be/album"]
    assert (names.n_nameless, names.nameless) == (1, ["a.csv#3"])


def test_of_many_unknown_texts_the_first_are_named(tmp_path: Path) -> None:
    """However many there are, they are counted, and few are kept."""
    path = tmp_path / "a.jsonl"
    row = json.dumps({"artist": "A", "title": "B", "isrc": ["x"] * 5_000})
    path.write_text("\n".join([row] * 20))
    request = Request(source=str(path), limits=SourceLimits())
    with opened_names(request, audio_may_lie_here=False, tell_unknown=True) as names:
        assert names is not None
        assert len(list(names.rows())) == 20
    assert names.n_unknown == 20 * 50
    assert 0 < len(names.unknown) < 50


def test_compressed_and_other_encodings_are_read(tmp_path: Path) -> None:
    """A list may be compressed, or in UTF-16 as spreadsheets write it."""
    text = "artist,title\nÄ,夜\n"
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "b.csv").write_bytes(text.encode("utf-16"))
    for name in ("a.csv.gz", "b.csv"):
        _, (entry,) = read(tmp_path / name)
        assert (entry.artists, entry.title) == (("Ä",), "夜")


@pytest.mark.parametrize("form", ["csv", "parquet", "jsonl"])
def test_what_holds_or_names_audio_is_no_list_of_names(tmp_path: Path, form: str) -> None:
    """A table with a column of audio, or with paths of audio files, stays a source of audio."""
    rows: list[dict[str, Any]] = [{"artist": "A", "title": "B", "file": "audio/a.wav"}]
    path = tmp_path / f"list.{form}"
    if form == "parquet":
        audio = next(iter(CLIPS.values()))
        pq.write_table(pa.Table.from_pylist([{**rows[0], "audio": {"bytes": audio, "path": "a.wav"}}]), path)
    else:
        text = "artist,title,file\nA,B,audio/a.wav\n" if form == "csv" else json.dumps(rows[0])
        path.write_text(text)
    assert read(path) == (None, [])
    with opened_names(Request(source=str(path), limits=SourceLimits()), audio_may_lie_here=False) as names:
        assert names is not None
        assert [entry_of(*row[:6]).title for row in names.rows()] == ["B"]


def test_a_list_with_its_files_beside_it_is_a_source_of_audio(tmp_path: Path) -> None:
    """Where a clip of the list was downloaded under its usual name, its sound is compared."""
    path = tmp_path / "list.csv"
    path.write_text(TEXTS["AudioSet"])
    (tmp_path / "other.wav").write_bytes(b"RIFF")
    assert read(path)[0] is not None
    (tmp_path / f"{VIDEO}_50.wav").write_bytes(b"RIFF")
    assert read(path)[0] is None
    request = Request(source=str(path), limits=SourceLimits())
    with opened_names(request, audio_may_lie_here=False) as names:
        assert names is not None


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "just text\n", '{"a": 1}', "title,genre\nx,y\n"])
def test_other_files_are_no_lists_of_names(tmp_path: Path, text: str) -> None:
    """What has neither identifiers nor artist and title is left to the readers of audio."""
    path = tmp_path / "a.csv"
    path.write_text(text)
    assert read(path) == (None, [])


def test_rows_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    """A damaged row is reported with its place and reason; the rows around it are kept."""
    lines = [json.dumps({"artist": "A", "title": str(number)}) for number in range(5)]
    lines[2] = '{"artist": '
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(lines))
    names, entries = read(path)
    assert names is not None and names.n_refused == 1 and len(entries) == 4
    assert names.refused[0].place == "a.jsonl#2"


def test_a_list_that_is_cut_off_says_so(tmp_path: Path) -> None:
    """What was read of a list that ends with an error is kept, and the reason is stated."""
    lines = "".join(f"A {number},{number * 7919}\n" for number in range(20_000))
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(f"artist,title\n{lines}".encode())[:-20_000])
    names, entries = read(path)
    assert names is not None and names.cut_off and 0 < len(entries) < 20_000


def test_long_fields_and_many_names_are_cut(tmp_path: Path) -> None:
    """No row makes the store grow beyond its limits."""
    row = {
        "title": "t" * 100_000,
        "artist": [f"a{n}" for n in range(5_000)],
        "isrc": ["x"] * 5_000,
        "url": "u" * 10**5,
    }
    (entry,) = kept(tmp_path / "a.jsonl", json.dumps(row))
    assert entry.title is not None and len(entry.title) <= 2_000 and len(entry.artists) <= 50


def test_a_small_table_that_states_endless_rows_is_cut_off(tmp_path: Path) -> None:
    """Repeated long texts, which Parquet stores once, fill neither memory nor disk."""
    path, n_rows = tmp_path / "a.parquet", 200_000
    artists = pa.DictionaryArray.from_arrays(pa.array([0] * n_rows, pa.int32()), pa.array(["a" * 900]))
    pq.write_table(pa.table({"artist": artists, "title": artists}), path)
    assert path.stat().st_size < n_rows
    names, entries = read(path, limits=SourceLimits(ratio_free_bytes=16 << 20))
    assert names is not None and names.cut_off
    assert len(entries) < 20_000


def test_columns_of_one_name_are_left_out(tmp_path: Path) -> None:
    """A table with two columns of one name is read by its others."""
    path = tmp_path / "a.parquet"
    columns = [pa.array(["A"]), pa.array(["B"]), pa.array(["x"]), pa.array(["y"])]
    pq.write_table(pa.Table.from_arrays(columns, names=["artist", "title", "album", "album"]), path)
    _, (entry,) = read(path)
    assert (entry.artists, entry.title, entry.album) == (("A",), "B", None)


cells = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.just(f"https://youtu.be/{VIDEO}"),
)
values = st.recursive(
    cells,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
columns = st.sampled_from(
    ["artist", "title", "name", "isrc", "url", "duration_ms", "artists", "album", "id", "x"]
)


@given(rows=st.lists(st.dictionaries(columns, values, max_size=6), max_size=5))
def test_no_row_breaks_the_reading(rows: list[dict[str, Any]]) -> None:
    """Rows of any values are read without an error, and what is kept has the form of a row."""
    recognised(rows)
    found = columns_of(rows)
    for row in rows:
        stored = row_in(found, row, place="p")
        if stored is not None:
            assert all(isinstance(each, str | None | float | bool) for each in stored)


class Lying:
    """A reading process that sends what it likes."""

    def __init__(self, headers: Sequence[Any]) -> None:
        self._headers: Iterator[Any] = iter(headers)

    def receive(self) -> Any:
        """Return the next message."""

        class Message:
            header = next(self._headers)

        return Message


@pytest.mark.parametrize(
    "header",
    [
        {"type": "rows"},
        {"type": "rows", "rows": [["p"]], "refused": [], **NONE_UNKNOWN, "n_rows": 1},
        {"type": "rows", "rows": [[1] * 8], "refused": [], **NONE_UNKNOWN, "n_rows": 1},
        {"type": "rows", "rows": {}, "refused": [], **NONE_UNKNOWN, "n_rows": 1},
        {"type": "rows", "rows": [], "refused": [1], **NONE_UNKNOWN, "n_rows": 1},
        {"type": "rows", "rows": [], "refused": [], **NONE_UNKNOWN, "n_rows": -1},
        {"type": "rows", "rows": [], "refused": [], **NONE_UNKNOWN, "unknown": [1], "n_rows": 1},
        {"type": "rows", "rows": [], "refused": [], **NONE_UNKNOWN, "n_unknown": -1, "n_rows": 1},
        {"type": "rows", "rows": [], "refused": [], **NONE_UNKNOWN, "nameless": 1, "n_rows": 1},
    ],
)
def test_what_a_hostile_process_sends_is_checked(header: dict[str, Any]) -> None:
    """A message that holds no rows ends the reading with an error that names the source."""
    from earwitness.api.datasets.isolated.reading_errors import SourceReaderFailed

    head = {"layout": "x", "format": "csv"}
    names = NameSource("list.csv", Lying([header]), head)  # type: ignore[arg-type]
    with pytest.raises((SourceReaderFailed, BadMessage), match=r"list\.csv"):
        list(names.rows())


def test_a_made_catalogue_is_read_back(tmp_path: Path) -> None:
    """Every row of a CSV with awkward text is kept as it is."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["artist", "title", "isrc"])
    awkward = [("A, B", 'x "y"', "DE-A12-24-00001"), ("é", "=1+1", ""), ("C\n D", "z", "")]
    rows.writerows(awkward)
    entries = kept(tmp_path / "a.csv", text.getvalue())
    assert [(each.artists[0], each.title) for each in entries] == [
        (" ".join(artist.split()), title) for artist, title, _ in awkward
    ]
    assert list(map(str, entries[0].ids)) == ["isrc:DEA122400001"]
