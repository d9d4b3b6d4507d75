"""A folder in which several kinds of files lie: each is compared, listed by its kind, or not readable."""

from __future__ import annotations

import hashlib
import io
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from earwitness.api.datasets.file_kinds import (
    MAX_KINDS,
    PassedOver,
    kind_of,
    passed_over_words,
)
from earwitness.api.datasets.isolated.read_request import Request
from earwitness.api.datasets.items import Skipped, SourceItem
from earwitness.api.datasets.members import is_item
from earwitness.api.datasets.names import looks_like_audio
from earwitness.api.datasets.open_source import open_here, open_source
from earwitness.api.datasets.source_errors import NoAudioHere, SourceError, UnknownFormat
from tests.contract.packings import CLIPS, PACKINGS, clip

NAMES = list(CLIPS)
APPLE_DOUBLE = b"\0\x05\x16\x07\0\x02\0\0" + bytes(100)


def outcomes(source: Path) -> dict[str, str]:
    """What becomes of each item: the sha256 of its bytes, or the code of its refusal."""
    found = {}
    for item in open_source(source):
        assert item.item_id not in found
        found[item.item_id] = item.code if isinstance(item, Skipped) else digest(item)
    return found


def digest(item: SourceItem) -> str:
    """Sha256 of an item's bytes."""
    assert item.open is not None
    with item.open() as stream:
        return hashlib.sha256(stream.read()).hexdigest()


CLIP_1 = hashlib.sha256(CLIPS[NAMES[0]]).hexdigest()


def inner(root: Path, packing: str) -> Path:
    """One packing of the clips, in a folder of its own."""
    root.mkdir()
    made = PACKINGS[packing](root)
    return root if made.parent != root and made != root else made


@pytest.mark.parametrize(
    ("packing", "id_"),
    [
        ("zip", "data/clips.zip/clip_0.wav"),
        ("tar", "data/clips.tar/clip_0.wav"),
        ("tar.gz", "data/clips.tar.gz/clip_0.wav"),
        ("tar.zst", "data/clips.tar.zst/clip_0.wav"),
        ("webdataset", "data/shard-0000.tar/clip_0.wav"),
        ("parquet", "data/train.parquet#0"),
        ("arrow", "data/saved/data-00000-of-00002.arrow#0"),
        ("warc", "data/crawl.warc.gz/https://example.org/clip_0.wav"),
    ],
)
def test_an_archive_or_a_table_beside_an_audio_file_is_read_too(
    packing: str, id_: str, tmp_path: Path
) -> None:
    """Whatever lies beside a WAV, its clips are items, with its path in their ids."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "demo.wav").write_bytes(clip(9))
    (tmp_path / "data").mkdir()
    PACKINGS[packing](tmp_path / "data")
    found = outcomes(tmp_path)
    assert found[id_] == CLIP_1
    assert "assets/demo.wav" in found
    assert {hashlib.sha256(audio).hexdigest() for audio in CLIPS.values()} <= set(found.values())
    assert found == outcomes(tmp_path)


def test_several_formats_without_a_plain_audio_file_are_all_read(tmp_path: Path) -> None:
    """Shards of two kinds in one folder are read each by its reader."""
    for packing in ("zip", "parquet"):
        PACKINGS[packing](tmp_path)
    assert len(outcomes(tmp_path)) == 2 * len(CLIPS)


def test_shards_of_one_kind_keep_their_ids_and_the_rest_is_counted(tmp_path: Path) -> None:
    """A folder of Parquet shards is read as it was before there were mixed folders."""
    PACKINGS["parquet"](tmp_path)
    (tmp_path / "README.md").write_text("clips")
    reader = open_source(tmp_path)
    assert [item.item_id for item in reader] == [f"train.parquet#{n}" for n in range(len(CLIPS))]
    assert (reader.format, dict(reader.passed_over), reader.total) == ("parquet", {"md": 1}, len(CLIPS))


def test_audio_that_no_list_names_is_an_item_too(tmp_path: Path) -> None:
    """A Kaldi list hides no file that it leaves out, and gives none twice that it names."""
    PACKINGS["kaldi"](tmp_path)
    (tmp_path / "unlisted.wav").write_bytes(clip(9))
    reader = open_source(tmp_path)
    ids = [item.item_id for item in reader]
    assert ids == [*(name[:-4] for name in NAMES), "unlisted.wav"]
    assert reader.total == len(ids)
    assert dict(reader.passed_over) == {"txt": 1}


def test_a_table_that_names_the_files_beside_it_gives_no_item_twice(tmp_path: Path) -> None:
    """Rows that name files of the folder are not read again; a table of other things is no item."""
    PACKINGS["folder"](tmp_path)
    pq.write_table(pa.table({"path": [*NAMES, "gone.wav"]}), tmp_path / "metadata.parquet")
    pq.write_table(pa.table({"seconds": [1.0, 2.0]}), tmp_path / "lengths.parquet")
    reader = open_source(tmp_path)
    items = list(reader)
    assert [item.item_id for item in items] == [*NAMES, "metadata.parquet#missing"]
    assert isinstance(items[-1], Skipped)
    assert "1 of its rows" in items[-1].message
    assert dict(reader.passed_over) == {"txt": 1, "parquet": 1}


def test_every_file_that_is_no_item_is_counted_by_its_kind(tmp_path: Path) -> None:
    """Notes, lists, pictures and the traces of operating systems hold no sound, and are said by kind."""
    PACKINGS["folder"](tmp_path)
    for name in ("a.txt", "b.JSON", "c.csv", "d.tar.md5", "Makefile", ".DS_Store", "Thumbs.db"):
        (tmp_path / name).write_text("nothing to be heard")
    (tmp_path / "._clip_0.wav").write_bytes(APPLE_DOUBLE)
    (tmp_path / "photo.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(90))
    reader = open_source(tmp_path)
    assert [item.item_id for item in reader] == NAMES
    assert dict(reader.passed_over) == {
        "txt": 2, "json": 1, "csv": 1, "md5": 1, "": 1, "ds_store": 1, "db": 1, "AppleDouble": 1, "heic": 1,
    }  # fmt: skip


def _zip_of(root: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(root / "a.zip", "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return root / "a.zip"


def _tar_of(root: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(root / "a.tar", "w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return root / "a.tar"


def _folder_of(root: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


@pytest.mark.parametrize("pack", [_zip_of, _tar_of, _folder_of])
def test_what_macos_adds_is_no_item_in_any_packing(
    pack: Callable[[Path, dict[str, bytes]], Path], tmp_path: Path
) -> None:
    """AppleDouble files are known by their content: audio that is called like them is an item."""
    files = {
        "clip.wav": clip(1),
        "__MACOSX/._clip.wav": APPLE_DOUBLE,
        "._clip.mp3": APPLE_DOUBLE,
        "._real.wav": clip(2),
    }
    reader = open_source(pack(tmp_path, files))
    assert sorted(item.item_id for item in reader) == ["._real.wav", "clip.wav"]
    assert dict(reader.passed_over) == {"AppleDouble": 2}


@pytest.mark.parametrize("pack", [_zip_of, _tar_of])
def test_archives_and_tables_in_an_archive_are_reported(
    pack: Callable[[Path, dict[str, bytes]], Path], tmp_path: Path
) -> None:
    """What lies in an archive and may hold sound itself is an item that is not read, whatever its name."""
    for packing in ("zip", "parquet", "tar.gz"):
        PACKINGS[packing](tmp_path)
    held = {name: (tmp_path / name).read_bytes() for name in ("clips.zip", "train.parquet", "clips.tar.gz")}
    held |= {f"{n}.bin": data for n, data in enumerate(list(held.values()))}
    (tmp_path / "out").mkdir()
    items = list(open_source(pack(tmp_path / "out", {"ok.wav": clip(1), **held})))
    codes = [item.code if isinstance(item, Skipped) else "ok" for item in items]
    assert codes == ["ok", *["nested_archive"] * len(held)]


def test_an_archive_of_the_folder_that_cannot_be_read_is_one_item(tmp_path: Path) -> None:
    """Damage, or a format that is not opened, costs its own file, and the reason names what it is."""
    (tmp_path / "ok.wav").write_bytes(clip(1))
    (tmp_path / "a.7z").write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(90))
    (tmp_path / "b.rar").write_bytes(b"Rar!\x1a\x07\x01\0" + bytes(90))
    (tmp_path / "c.tar.Z").write_bytes(b"\x1f\x9d\x90" + bytes(90))
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04" + bytes(90))
    (tmp_path / "broken.parquet").write_bytes(b"PAR1" + bytes(90))
    found = {item.item_id: item for item in open_source(tmp_path)}
    assert isinstance(found.pop("ok.wav"), SourceItem)
    assert {name.partition("#")[0] for name in found} == {
        "a.7z",
        "b.rar",
        "c.tar.Z",
        "broken.zip",
        "broken.parquet",
    }
    refused = found["a.7z"]
    assert isinstance(refused, Skipped)
    assert "a 7z archive" in refused.message


def test_an_archive_of_other_files_is_counted_by_what_it_holds(tmp_path: Path) -> None:
    """A zip of notes beside audio is no item, and its notes are counted."""
    (tmp_path / "ok.wav").write_bytes(clip(1))
    _zip_of(tmp_path, {"a.txt": b"a", "b.txt": b"b"})
    reader = open_source(tmp_path)
    assert [item.item_id for item in reader] == ["ok.wav"]
    assert dict(reader.passed_over) == {"txt": 2}


def test_a_folder_without_audio_says_what_is_there(tmp_path: Path) -> None:
    """Nothing to compare is an error that lists what was found instead."""
    (tmp_path / "list.csv").write_text("path\nx.wav\n")
    with pytest.raises(NoAudioHere, match="1 file that holds no sound: csv 1") as caught:
        open_source(tmp_path)
    assert "manifest itself (a csv file)" in caught.value.hint


HEADS: dict[str, bytes] = {
    "avi": b"RIFF\0\0\1\0AVI LIST" + bytes(99),
    "mpg": b"\0\0\1\xba\x44" + bytes(99),
    "flv": b"FLV\1\5\0\0\0\x09" + bytes(99),
    "asf": b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9" + bytes(99),
    "ts": (b"G\x40\0\x10" + b"\xff" * 184) * 3,
    "m2ts": (b"\0\0\0\1G\x40\0\x10" + b"\xff" * 184) * 3,
    "ac3": b"\x0b\x77\x8b\x4c\x14\x40" + bytes(99),
    "eac3": b"\x0b\x77\x04\xff\x3f\x86" + bytes(99),
    "w64": b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb" + bytes(99),
    "caf": b"caff\0\1\0\0desc" + bytes(99),
    "wv": b"wvpk\x62\0\0\0\x10\4" + bytes(99),
    "ape": b"MAC \x96\x0f\0\0" + bytes(99),
    "tta": b"TTA1\1\0\2\0\x10\0" + bytes(99),
    "au": b".snd\0\0\0\x18" + bytes(99),
    "sphere": b"NIST_1A\n   1024\nsample_rate -i 8000\n" + b" " * 400,
    "mkv": b"\x1aE\xdf\xa3\1\0\0\0" + bytes(99),
    "mov": b"\0\0\0\x08wide\0\0\1\0mdat" + bytes(99),
    "3gp": b"\0\0\0\x18ftyp3gp6" + bytes(99),
    "amr": b"#!AMR\n\x3c\0\1" + bytes(99),
    "dts": b"\x7f\xfe\x80\1\xfc\x3c" + bytes(99),
    "mp2": b"\xff\xfd\xa4\0" + bytes(99),
    "aiff": b"FORM\0\0\1\0AIFFCOMM" + bytes(99),
}
NO_SOUND: dict[str, bytes] = {
    "a text": b"MAC addresses, ID3 tags and RIFFs are spoken of here; FORM 1 is not filled in.\n" * 9,
    "TypeScript": b"export const G = 1;\n" * 40,
    "UTF-16": "ein Text".encode("utf-16"),
    "a picture": b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(99),
    "a heic": b"\0\0\0\x18ftypmif1" + bytes(99),
    "a webp": b"RIFF\0\0\1\0WEBPVP8 " + bytes(99),
    "an ilbm": b"FORM\0\0\1\0ILBMBMHD" + bytes(99),
    "nothing": b"",
}


@pytest.mark.parametrize("form", HEADS)
def test_sound_of_any_container_is_known_by_its_first_bytes(form: str) -> None:
    """Whatever a container of sound is called, it is looked at and not passed over."""
    assert looks_like_audio(HEADS[form])
    assert is_item("named-by-nothing", head=HEADS[form])


@pytest.mark.parametrize("form", NO_SOUND)
def test_other_files_are_not_taken_for_sound(form: str) -> None:
    """Texts that begin with a container's letters, and pictures in a container's form, are no items."""
    assert not looks_like_audio(NO_SOUND[form])
    assert not is_item("x.ts", head=NO_SOUND["TypeScript"])


def test_a_file_called_like_audio_is_an_item_whatever_it_is(tmp_path: Path) -> None:
    """That it is none is for the decoder to say, so that it is reported."""
    (tmp_path / "clip.wav").write_bytes(clip(1))
    for name in ("a.avi", "b.MPG", "c.wma", "d.ts", "e.mkv"):
        (tmp_path / name).write_bytes(b"\1\2\3 no container at all")
    assert [item.item_id for item in open_source(tmp_path)] == [
        "a.avi",
        "b.MPG",
        "c.wma",
        "clip.wav",
        "d.ts",
        "e.mkv",
    ]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.TXT", "txt"), ("a/b.json", "json"),
     ("README", ""), (".gitignore", "gitignore"), ("x.csv.gz", "csv.gz"),
     ("a.tar.md5", "md5"), ("a.b/c", ""), ("x." + "y" * 99, ""), ("x.\u4e2d", ""), ("a\\b.txt", "txt")],
)  # fmt: skip
def test_kinds_are_suffixes(name: str, kind: str) -> None:
    """A kind is short and printable whatever the name."""
    assert kind_of(name) == kind


def test_kinds_are_bounded_and_nothing_goes_uncounted() -> None:
    """A source with endless suffixes takes no endless memory, and the number of files stays true."""
    kinds = PassedOver()
    for number in range(1000):
        kinds.add(f"x.{number}")
    assert len(kinds) <= MAX_KINDS + 1
    assert sum(kinds.values()) == 1000


def test_words_give_every_number_and_assert_no_more_than_is_known() -> None:
    """What holds numbers of any meaning is not called soundless."""
    assert passed_over_words({}) == []
    assert passed_over_words({"txt": 8, "json": 4}) == ["12 files that hold no sound: txt 8, json 4"]
    said = passed_over_words({"npy": 2, "": 1})
    assert said == [
        "1 file that holds no sound: no suffix 1",
        "2 files that may hold sound in a form that is not read: npy 2",
    ]
    many = passed_over_words({f"k{n:02d}": 1 for n in range(30)})
    assert many[0].endswith("18 of 18 more kinds")


@pytest.mark.parametrize(
    ("name", "head", "words"),
    [
        ("a.7z", b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        ("a.rar", b"Rar!\x1a\x07\x01\0", "a rar archive"),
        ("a.pdf", b"%PDF-1.7", "a pdf document"),
        ("a.db", b"SQLite format 3\0", "a SQLite database"),
        ("a.parquet", b"version https://git-lfs.github.com/spec/v1\noid x", "a git LFS pointer"),
        ("a.npy", b"\x93NUMPY\1\0", "a numpy array"),
    ],
)
def test_a_file_that_no_reader_knows_is_called_what_it_looks_like(
    name: str, head: bytes, words: str, tmp_path: Path
) -> None:
    """Whoever gives one file by mistake is told what it is."""
    (tmp_path / name).write_bytes(head + b"\0\1 nothing of interest" * 9)
    with pytest.raises(UnknownFormat, match=words):
        open_source(tmp_path / name)


@pytest.mark.parametrize(
    ("source", "code", "words"),
    [
        ("s3://bucket/a.zip", "missing_extra", "earwitness[remote]"),
        ("gs://bucket/a.zip", "missing_extra", "earwitness[remote]"),
        ("http://93.184.216.34/a.zip", "missing_extra", "earwitness[remote]"),
        ("hf://datasets/a/b", "unknown_scheme", "huggingface-cli download"),
        ("ftp://host/a.zip", "unknown_scheme", "copy it here first"),
    ],
)
def test_an_address_says_what_it_needs(
    source: str, code: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the libraries for an address, the error names the extra, or how else to get at the data."""
    for library in ("s3fs", "gcsfs", "aiohttp"):
        monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(SourceError) as caught:
        open_here(Request(source=source))
    assert (caught.value.code, words in caught.value.hint) == (code, True)


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    """Going through a mixed folder writes nothing into it."""
    PACKINGS["zip"](tmp_path)
    PACKINGS["folder"](tmp_path)
    before = sorted(tmp_path.rglob("*"))
    shutil.copy(tmp_path / "clip_0.wav", tmp_path / "copy.wav")
    outcomes(tmp_path)
    assert sorted(tmp_path.rglob("*")) == sorted([*before, tmp_path / "copy.wav"])
