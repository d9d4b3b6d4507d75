"""Audio inside another file of a folder or an archive: compared, reported, or counted as possible sound."""

from __future__ import annotations

import base64
import gzip
import io
import json
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from earwitness.api.datasets.file_kinds import MAY_HOLD_SOUND
from earwitness.api.datasets.items import Skipped, SourceItem, SourceLimits
from tests.contract.packings import clip
from tests.unit.datasets.open_in_process import open_source

BASE64 = base64.b64encode(clip(1)).decode()
MIME = base64.encodebytes(clip(1)).decode()
ROW = {"id": "r", "audio": BASE64}
SAMPLES = {"id": "r", "audio": {"array": [0.5] * 900, "sampling_rate": 8000}}


def _parquet() -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"audio": [{"bytes": clip(1), "path": "a"}]}), file)
    return file.getvalue()


def _arrow() -> bytes:
    table, file = pa.table({"audio": [{"bytes": clip(1), "path": "a"}]}), io.BytesIO()
    with pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    return file.getvalue()


def _npy() -> bytes:
    file = io.BytesIO()
    np.save(file, np.zeros(900))
    return file.getvalue()


def _zip(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file.getvalue()


def _tar(files: dict[str, bytes], mode: str = "w") -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return file.getvalue()


HELD: dict[str, bytes] = {
    "m.json": json.dumps([ROW]).encode(),
    "m.jsonl": json.dumps(ROW).encode(),
    "utf16.json": json.dumps([ROW]).encode("utf-16"),
    "samples.json": json.dumps([SAMPLES]).encode(),
    "m.csv": f"id,audio\nr,{BASE64}\n".encode(),
    "m.txt": f"id\taudio\nr\t{BASE64}\n".encode(),
    "wrapped.json": json.dumps([{"id": "r", "audio": MIME}]).encode(),
    "page.html": f'<audio src="data:audio/wav;base64,{BASE64}">'.encode(),
    "mail.eml": f"Content-Transfer-Encoding: base64\n\n{MIME}".encode(),
    "book.ipynb": json.dumps({"cells": [{"outputs": [{"data": {"audio/x-wav": BASE64}}]}]}).encode(),
    "m.parquet": _parquet(),
    "m.arrow": _arrow(),
    "x.npy": _npy(),
    "x.h5": b"\x89HDF\r\n\x1a\n" + bytes(900),
    "x.pkl": pickle.dumps(clip(1)),
    "inner.zip": _zip({"a.wav": clip(1)}),
    "inner.tar": _tar({"a.wav": clip(1)}),
    "inner.jsonl.gz": gzip.compress(json.dumps(ROW).encode()),
}
PICTURE = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20).decode()
SILENT: dict[str, bytes] = {
    "picture.json": json.dumps([{"image": PICTURE}]).encode(),
    "picture.html": f'<img src="data:image/png;base64,{PICTURE}">'.encode(),
    "mail.eml": base64.encodebytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 200),
    "words.txt": b"nothing but words " * 4000,
    "hex.txt": b"ff00ff" * 4000,
    "rule.js": b"//" + b"-" * 4000,
    "slashes.c": b"/" * 4000,
    "numbers.json": json.dumps({"values": list(range(4000))}).encode(),
}


def _folder(root: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (root / name).write_bytes(data)
    return root


def _written(
    name: str, pack: Callable[[dict[str, bytes]], bytes]
) -> Callable[[Path, dict[str, bytes]], Path]:
    def write(root: Path, files: dict[str, bytes]) -> Path:
        (root / name).write_bytes(pack(files))
        return root / name

    return write


def _webdataset(files: dict[str, bytes]) -> bytes:
    return _tar({"ok.json": b"{}", **files})


def _warc(files: dict[str, bytes]) -> bytes:
    return b"".join(
        b"WARC/1.0\r\nWARC-Type: resource\r\nWARC-Record-ID: <urn:1>\r\nWARC-Target-URI: http://h/%b\r\n"
        b"Content-Length: %d\r\n\r\n%b\r\n\r\n" % (name.encode(), len(data), data)
        for name, data in files.items()
    )


SOURCES = {
    "folder": _folder,
    "zip": _written("a.zip", _zip),
    "tar": _written("a.tar", _tar),
    "tar.gz": _written("a.tar.gz", lambda files: _tar(files, "w:gz")),
    "webdataset": _written("a.tar", _webdataset),
    "warc": _written("a.warc", _warc),
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("name", HELD)
def test_audio_in_another_file_is_compared_or_reported(name: str, source: str, tmp_path: Path) -> None:
    """Whatever holds audio, and wherever it lies, it is not counted among the files that hold no sound."""
    reader = open_source(SOURCES[source](tmp_path, {"ok.wav": clip(0), name: HELD[name]}))
    items = [item for item in reader if not item.item_id.endswith("ok.wav")]
    counted = [kind for kind in reader.passed_over if kind not in {"json", ""} or source != "webdataset"]
    if name.rpartition(".")[2] in {"npy", "h5", "pkl"}:
        assert set(counted) <= MAY_HOLD_SOUND
        assert reader.passed_over[name.rpartition(".")[2]] == 1
        return
    assert not counted
    assert len(items) == 1
    assert name in items[0].item_id
    if source == "folder" and name not in {"page.html", "mail.eml", "book.ipynb"}:
        assert isinstance(items[0], SourceItem)
    else:
        assert isinstance(items[0], Skipped)
        assert items[0].code in {"audio_in_text", "nested_archive"}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("name", SILENT)
def test_a_text_without_audio_is_counted(name: str, source: str, tmp_path: Path) -> None:
    """Pictures, rulers, numbers and words are no audio, however long they are."""
    reader = open_source(SOURCES[source](tmp_path, {"ok.wav": clip(0), name: SILENT[name]}))
    assert [item.item_id.rpartition("/")[2] for item in reader] == ["ok.wav"]
    assert reader.passed_over[name.rpartition(".")[2]] >= 1


def test_audio_that_lies_across_the_pieces_of_a_text_is_found(tmp_path: Path) -> None:
    """A text is read in pieces of 1 MiB; what begins near the edge of one is found in the next."""
    for before in range((1 << 20) - 1100, (1 << 20) + 10, 300):
        path = tmp_path / f"{before}.zip"
        path.write_bytes(_zip({"ok.wav": clip(0), "a.html": b" " * before + BASE64.encode()}))
        assert [item.item_id for item in open_source(path)] == ["ok.wav", "a.html"]


@pytest.mark.parametrize("source", ["tar.gz", "webdataset.gz"])
def test_a_text_that_packs_too_well_ends_no_archive(source: str, tmp_path: Path) -> None:
    """A bomb of words in a compressed tar is one item that is not read; what follows it is read."""
    limits = SourceLimits(ratio_free_bytes=1 << 20, skipped_bytes=64 << 20)
    first = {"ok.json": b"{}"} if source == "webdataset.gz" else {}
    files = {"ok.wav": clip(0), **first, "a.txt": b"a " * (4 << 20), "z.wav": clip(1)}
    (tmp_path / "a.tar.gz").write_bytes(_tar(files, "w:gz"))
    items = list(open_source(tmp_path / "a.tar.gz", limits=limits))
    assert [item.item_id for item in items] == ["ok.wav", "a.txt", "z.wav"]
    assert [isinstance(item, SourceItem) for item in items] == [True, False, True]
