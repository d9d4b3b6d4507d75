"""Archives that were put together, and samples whose names hold dots: nothing is lost, nothing is mixed."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import random
import tarfile
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from earwitness.api.datasets.archives.tar_stream import PlainTarStream, members
from earwitness.api.datasets.item_errors import ItemUnreadable
from earwitness.api.datasets.items import Skipped, SourceItem, SourceLimits
from earwitness.api.datasets.open_source import open_source
from earwitness.api.datasets.source_errors import SourceTooLarge
from earwitness.api.settings import Settings
from tests.contract.packings import clip
from tests.unit.datasets.test_mixed_folders import outcomes

PACK: dict[str, Callable[[bytes], bytes]] = {
    "tar": bytes,
    "tar.gz": gzip.compress,
    "tar.bz2": bz2.compress,
    "tar.xz": lzma.compress,
    "tar.zst": zstandard.compress,
}


def tar_of(files: dict[str, bytes]) -> bytes:
    """A tar of these files, with its end mark."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return made.getvalue()


@pytest.mark.parametrize("packing", PACK)
@pytest.mark.parametrize("apart", [True, False], ids=["packed apart", "packed together"])
def test_tars_joined_by_cat_are_read_to_the_last(packing: str, apart: bool, tmp_path: Path) -> None:
    """What follows an end mark is read, compressed before or after the tars were joined."""
    tars = [tar_of({f"{n}.wav": clip(n)}) for n in range(3)]
    pack = PACK[packing]
    path = tmp_path / f"a.{packing}"
    path.write_bytes(b"".join(map(pack, tars)) if apart else pack(b"".join(tars)))
    reader = open_source(path)
    assert reader.format == packing
    assert list(outcomes(path)) == ["0.wav", "1.wav", "2.wav"]


@pytest.mark.parametrize("compression", ["gz", "bz2", "xz", "zst"])
def test_one_compressed_audio_file_is_one_item(compression: str, tmp_path: Path) -> None:
    """A clip that was compressed alone is read, as a source and in a folder; cut off, it is not readable."""
    pack = PACK[f"tar.{compression}"]
    packed = pack(clip(1))
    (tmp_path / f"clip.wav.{compression}").write_bytes(packed)
    (tmp_path / f"cut.wav.{compression}").write_bytes(packed[: len(packed) // 2])
    (tmp_path / f"notes.txt.{compression}").write_bytes(pack(b"notes"))
    items = {item.item_id: item for item in open_source(tmp_path)}
    assert set(items) == {f"clip.wav.{compression}", f"cut.wav.{compression}"}
    whole = items[f"clip.wav.{compression}"]
    assert isinstance(whole, SourceItem)
    assert whole.open is not None
    assert whole.open().read() == clip(1)
    alone = open_source(tmp_path / f"clip.wav.{compression}")
    assert (alone.format, len(list(alone))) == ("packed", 1)


def titles(path: Path) -> dict[str, object]:
    """The title that each item has from the JSON beside it."""
    return {
        item.item_id: item.metadata.get("title") for item in open_source(path) if isinstance(item, SourceItem)
    }


def sample(*names: str) -> dict[str, bytes]:
    """Files of these names: clips, and JSON that holds its own name as a title."""
    return {
        name: json.dumps({"title": name}).encode() if name.endswith(".json") else clip(n)
        for n, name in enumerate(names)
    }


SAMPLES: list[tuple[tuple[str, ...], dict[str, str | None]]] = [
    (("1.wav", "1.json"), {"1.wav": "1.json"}),
    (("1.json", "1.wav"), {"1.wav": "1.json"}),
    (("1.left.wav", "1.right.wav", "1.json"), {"1.left.wav": "1.json", "1.right.wav": "1.json"}),
    (("1.audio.wav", "1.meta.json"), {"1.audio.wav": "1.meta.json"}),
    (
        ("T 2.0 (A).wav", "T 2.0 (A).json", "T 2.0 (B).wav", "T 2.0 (B).json"),
        {"T 2.0 (A).wav": "T 2.0 (A).json", "T 2.0 (B).wav": "T 2.0 (B).json"},
    ),
    (
        ("T 2.0 (A).json", "T 2.0 (B).json", "T 2.0 (A).wav", "T 2.0 (B).wav"),
        {"T 2.0 (A).wav": "T 2.0 (A).json", "T 2.0 (B).wav": "T 2.0 (B).json"},
    ),
    (("T 2.0 (A).wav", "T 2.0 (B).json", "x.wav", "x.json"), {"T 2.0 (A).wav": None, "x.wav": "x.json"}),
    (("v1.0.wav", "v1.1.json", "x.wav", "x.json"), {"v1.0.wav": None, "x.wav": "x.json"}),
    (("1.left.wav", "1.left.json", "1.right.wav"), {"1.left.wav": "1.left.json", "1.right.wav": None}),
    (("a.b.c.wav", "a.b.json", "a.json"), {"a.b.c.wav": "a.b.json"}),
    (("d.e/1.wav", "d.e/1.json", "d/1.wav"), {"d.e/1.wav": "d.e/1.json", "d/1.wav": None}),
]


@pytest.mark.parametrize("packing", ["tar", "tar.gz"])
@pytest.mark.parametrize(("names", "expected"), SAMPLES, ids=[" ".join(names) for names, _ in SAMPLES])
def test_json_describes_the_item_whose_name_it_has_and_no_other(
    names: tuple[str, ...], expected: dict[str, str | None], packing: str, tmp_path: Path
) -> None:
    """Metadata goes by the longest name in common; where that is unclear, an item has none."""
    path = tmp_path / f"a.{packing}"
    path.write_bytes(PACK[packing](tar_of(sample(*names))))
    reader = open_source(path, reader="webdataset")
    found = {item.item_id: item.metadata.get("title") for item in reader if isinstance(item, SourceItem)}
    assert found == expected
    assert reader.passed_over["json"] == sum(name.endswith(".json") for name in names)


def test_a_sample_without_end_is_held_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of one first word are no reason to hold a whole shard in memory, and none of them is lost."""
    monkeypatch.setattr("earwitness.api.datasets.archives.webdataset.MAX_SAMPLE", 10)
    names = [f"v1.{n}{ending}" for n in range(40) for ending in (".wav", ".json")]
    path = tmp_path / "a.tar"
    path.write_bytes(tar_of(sample(*names)))
    assert titles(path) == {name: name.replace(".wav", ".json") for name in names if name.endswith(".wav")}


def test_pax_headers_take_time_in_proportion_to_their_length() -> None:
    """Records of a few bytes fill a header of the largest size; they are gone through once."""
    record = b"6 a=b\n"
    body = record * ((1 << 20) // len(record))
    header = tarfile.TarInfo("pax")
    header.size, header.type = len(body), tarfile.XHDTYPE
    tar = header.tobuf() + body + bytes(-len(body) % 512) + tar_of({"a.wav": clip(1)})
    began = time.monotonic()
    found = [
        member.name for member in members(PlainTarStream(io.BytesIO(tar)), name="a", limits=SourceLimits())
    ]
    assert found == ["a.wav"]
    assert time.monotonic() - began < 5


def test_a_very_long_silence_costs_itself_alone(tmp_path: Path) -> None:
    """An item that packs too well is not readable; those after it are read."""
    limits = SourceLimits(ratio_free_bytes=1 << 16)
    for packing, pack in list(PACK.items())[1:]:
        path = tmp_path / f"a.{packing}"
        path.write_bytes(pack(tar_of({"silence.wav": bytes(32 << 20), "after.wav": clip(1)})))
        codes = []
        for item in open_source(path, limits=limits):
            assert isinstance(item, SourceItem)
            assert item.open is not None
            try:
                with item.open() as stream:
                    while stream.read(1 << 16):
                        pass
                codes.append("ok")
            except Exception as error:
                codes.append(getattr(error, "code", type(error).__name__))
        assert codes == ["bomb", "ok"]


def test_what_follows_a_tar_and_is_none_is_reported(tmp_path: Path) -> None:
    """Bytes after the end mark that are no tar are an item that says so, and the source is partial."""
    path = tmp_path / "a.tar"
    path.write_bytes(tar_of({"a.wav": clip(1)}) + clip(2))
    *_, rest = open_source(path)
    assert isinstance(rest, Skipped)
    assert rest.cut_off
    assert "what follows its end mark is no tar" in rest.message


def test_an_item_too_large_to_be_held_is_read_as_it_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a compressed shard, it is only the JSON beside it that such an item does without."""
    monkeypatch.setattr("earwitness.api.datasets.archives.webdataset.SAMPLE_BYTES", 100)
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(tar_of(sample("0.wav", "0.json", "1.wav", "1.json"))))
    read = []
    for item in open_source(path):
        assert isinstance(item, SourceItem)
        assert item.open is not None
        read.append(item.open().read())
    assert read == [clip(0), clip(2)]


def zip_of(path: Path, files: dict[str, bytes], method: int) -> Path:
    """A zip of these files."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_a_zip_is_read_whatever_the_usual_method(method: int, tmp_path: Path) -> None:
    """Bytes come out as they were put in, in pieces of any length; a wrong byte is noticed."""
    noise = random.Random(3).randbytes(300_000)
    path = zip_of(tmp_path / "a.zip", {"a.wav": noise, "b.wav": bytes(100_000), "c.wav": b""}, method)
    read = {}
    for item in open_source(path):
        assert isinstance(item, SourceItem)
        assert item.open is not None
        with item.open() as stream:
            read[item.item_id] = b"".join(iter(lambda stream=stream: stream.read(70_001), b""))  # type: ignore[misc]
    assert read == {"a.wav": noise, "b.wav": bytes(100_000), "c.wav": b""}
    damaged = bytearray(path.read_bytes())
    damaged[150_000] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(ItemUnreadable):
        outcomes(path)


def test_names_of_a_zip_are_labels(tmp_path: Path) -> None:
    """Names that are absolute, climb, repeat or hold other letters are read like any other."""
    names = ["/abs/a.wav", "../up/b.wav", "C:\\c.wav", "d.wav", "d.wav", "Stra\u00dfe.wav"]
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for n, name in enumerate(names):
            info = zipfile.ZipInfo("x")
            info.filename = info.orig_filename = name
            archive.NameToInfo.pop(name, None)
            archive.writestr(info, clip(n))
    assert list(outcomes(tmp_path / "a.zip")) == [*names[:4], "d.wav#2", names[5]]


def test_a_zip_of_very_many_members_takes_little_memory(tmp_path: Path) -> None:
    """Members are gone through one by one; what is kept of each is a few numbers."""
    path = zip_of(tmp_path / "a.zip", {f"{n:06d}.wav": b"" for n in range(20_000)}, zipfile.ZIP_STORED)
    reader = open_source(path)
    tracemalloc.start()
    try:
        n_items = sum(1 for _ in reader)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert n_items == 20_000
    assert peak < 20_000 * 300


def test_a_limit_that_is_reached_names_its_setting(tmp_path: Path) -> None:
    """Whoever trusts a source can raise each limit on it, and is told how."""
    path = zip_of(tmp_path / "a.zip", {f"{n}.wav": b"" for n in range(20)}, zipfile.ZIP_STORED)
    with pytest.raises(SourceTooLarge) as caught:
        open_source(path, limits=SourceLimits(members=10))
    assert "EARWITNESS_MAX_MEMBERS" in caught.value.hint
    assert Settings(max_members=10, max_ratio=3).source_limits().members == 10
