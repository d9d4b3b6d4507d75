"""Hostile Parquet, Arrow, WebDataset and WARC."""

from __future__ import annotations

import gzip
import os
import pickle
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.hostile.case import Case, wav
from tests.hostile.make_archives import END, Build, member
from tests.hostile.make_zips import patched


def audio_table(*values: bytes | None, path: str | None = None) -> pa.Table:
    """A table with an audio column of these bytes."""
    return pa.table({"audio": [{"bytes": value, "path": path} for value in values]}, schema=AUDIO_SCHEMA)


AUDIO_SCHEMA = pa.schema([("audio", pa.struct([("bytes", pa.binary()), ("path", pa.string())]))])


def parquet_of(table: pa.Table, **options: Any) -> Build:
    """Make a Parquet file of a table."""

    def build(root: Path) -> Path:
        pq.write_table(table, root / "a.parquet", **options)
        return root / "a.parquet"

    return build


def parquet_truncated(root: Path) -> Path:
    """Make: parquet truncated."""
    path = parquet_of(audio_table(wav()))(root)
    return patched(path, lambda data: data.__delitem__(slice(-20, None)))


def parquet_damaged_pages(root: Path) -> Path:
    """Make: parquet damaged pages."""
    path = parquet_of(audio_table(wav()), use_dictionary=False, compression="none")(root)
    return patched(path, lambda data: data.__setitem__(slice(4, 24), b"\xff" * 20))


def parquet_page_states_gigabytes(root: Path) -> Path:
    """The 300-byte file that asks for gigabytes: the first page header's sizes, rewritten in place."""
    path = parquet_of(audio_table(bytes(range(256)) * 600), use_dictionary=False, compression="none")(root)

    def change(data: bytearray) -> None:
        # type (1), then unpacked and packed size (2, 3) as three-byte numbers
        assert data[4:7] == b"\x15\x00\x15"
        data[7:10] = b"\xff\xff\x7f"

    return patched(path, change)


def parquet_footer_lies(root: Path) -> Path:
    """Make: parquet footer lies."""
    path = parquet_of(audio_table(wav()))(root)
    return patched(path, lambda data: data.__setitem__(slice(-8, -4), b"\xff\xff\xff\x7f"))


def parquet_path_is_no_text(root: Path) -> Path:
    """Make: parquet whose footer names a column's chunk in bytes that are not UTF-8; a fuzzer's find."""
    path = parquet_of(audio_table(wav()))(root)

    def change(data: bytearray) -> None:
        footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
        data[data.index(b"audio", data.index(b"audio", footer) + 1)] = 0xFF

    return patched(path, change)


def parquet_garbage(root: Path) -> Path:
    """Make: parquet garbage."""
    (root / "a.parquet").write_bytes(b"PAR1" + bytes(range(256)) * 4 + b"PAR1")
    return root / "a.parquet"


def parquet_without_audio(root: Path) -> Path:
    """Make: parquet without audio."""
    pq.write_table(pa.table({"n": [1, 2]}), root / "a.parquet")
    return root / "a.parquet"


def arrow_of(table: pa.Table, change: Any = None) -> Build:
    """Make an Arrow stream of a table, with its bytes changed."""

    def build(root: Path) -> Path:
        with pa.OSFile(str(root / "a.arrow"), "wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
            stream.write_table(table)
        return patched(root / "a.arrow", change) if change else root / "a.arrow"

    return build


def _huge_message(data: bytearray) -> None:
    second = data.index(b"\xff\xff\xff\xff", 8)
    data[second + 4 : second + 8] = b"\xf0\xff\xff\x7f"


class Touch:
    """Unpickling this makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def webdataset_with_pickles(root: Path) -> Path:
    """Make: webdataset with pickles."""
    trap = pickle.dumps(Touch(root / "RAN"))
    names = ("s1.pkl", "s1.pyd", "s1.pth", "s1.pickle", "s1.npy")
    pieces = [member("s1.json", b"{}"), *(member(name, trap) for name in names), member("s1.wav", wav())]
    (root / "a.tar").write_bytes(b"".join(pieces) + END)
    return root / "a.tar"


def webdataset_with_bad_json(root: Path) -> Path:
    """Make: webdataset with bad json."""
    texts = [b"[" * 40_000, b"{not json", b'{"n": ' + b"9" * 5_000 + b"}", b"\xff\xfe", b'{"x": NaN}', b"7"]
    pieces = [
        member(f"s{n}.{ending}", data)
        for n, text in enumerate(texts)
        for ending, data in (("json", text), ("wav", wav(n)))
    ]
    (root / "a.tar").write_bytes(b"".join(pieces) + END)
    return root / "a.tar"


def webdataset_with_a_missing_shard(root: Path) -> Path:
    """Make: webdataset with a missing shard."""
    for number in (0, 2):
        (root / f"a-{number}.tar").write_bytes(member(f"s{number}.wav", wav(number)) + END)
    return root / "a-{0..2}.tar"


def warc_of(*records: bytes, name: str = "a.warc") -> Build:
    """Make a WARC of these records."""

    def build(root: Path) -> Path:
        (root / name).write_bytes(b"".join(records))
        return root / name

    return build


def record(
    url: str, content: bytes, *, length: int | None = None, http: str = "Content-Type: audio/wav"
) -> bytes:
    """A response record that states ``length`` bytes."""
    body = f"HTTP/1.1 200 OK\r\n{http}\r\n\r\n".encode() + content
    stated = len(body) if length is None else length
    lines = [
        "WARC/1.0",
        "WARC-Type: response",
        f"WARC-Target-URI: {url}",
        "WARC-Date: 2026-01-01T00:00:00Z",
        "WARC-Record-ID: <urn:uuid:00000000-0000-0000-0000-000000000000>",
        "Content-Type: application/http; msgtype=response",
        f"Content-Length: {stated}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body + b"\r\n\r\n"


def hugging_face_bytes_elsewhere(root: Path) -> Path:
    """Make: hugging face bytes elsewhere."""
    pq.write_table(audio_table(None, None, path="../../../etc/passwd"), root / "a.parquet")
    return root / "a.parquet"


BOMB_HTTP = "Content-Type: audio/wav\r\nContent-Encoding: gzip"


# the bombs are functions: every process that collects the tests would make them otherwise


def parquet_bomb(root: Path) -> Path:
    """Make: a value that unpacks to 8 MiB."""
    return parquet_of(audio_table(bytes(8 << 20)), compression="zstd")(root)


def parquet_dictionary_bomb(root: Path) -> Path:
    """Make: 90 rows that share one value in a dictionary."""
    return parquet_of(audio_table(*[bytes(900_000)] * 90))(root)


def warc_packed_bomb(root: Path) -> Path:
    """Make: a body that unpacks to 80 MiB."""
    return warc_of(record("http://a/x.wav", gzip.compress(bytes(80 << 20)), http=BOMB_HTTP))(root)


def warc_header_bomb(root: Path) -> Path:
    """Make: a packed record with a header of 8 MiB after a plain one."""
    packed = gzip.compress(b"WARC/1.0\r\nX: " + bytes(8 << 20))
    return warc_of(record("http://a/x.wav", wav()), packed, name="a.warc")(root)


def warc_packed_header_bomb(root: Path) -> Path:
    """Make: a header of 8 MiB in a packed file."""
    packed = gzip.compress(b"WARC/1.0\r\nX: " + b"y" * (8 << 20))
    return warc_of(gzip.compress(record("http://a/x.wav", wav())), packed)(root)


def warc_of_endless_headers(root: Path) -> Path:
    """Make: half a million headers of one record."""
    packed = gzip.compress(b"WARC/1.0\r\n" + b"X: y\r\n" * (1 << 19))
    return warc_of(gzip.compress(record("http://a/x.wav", wav())), packed)(root)


TABLES: tuple[Case, ...] = (
    Case("parquet bomb", parquet_bomb, {"source_cut_off"}),
    Case("parquet dictionary bomb", parquet_dictionary_bomb, {"ok"}),
    Case("parquet page states gigabytes", parquet_page_states_gigabytes, {"source_cut_off"}),
    Case("parquet truncated", parquet_truncated, {"source_cut_off"}),
    Case("parquet damaged pages", parquet_damaged_pages, {"source_cut_off"}),
    Case("parquet footer lies", parquet_footer_lies, {"source_cut_off"}),
    Case("parquet path is no text", parquet_path_is_no_text, {"source_cut_off"}),
    Case("parquet garbage", parquet_garbage, {"source_cut_off"}),
    Case("parquet without audio", parquet_without_audio, {"no_audio_column"}),
    Case(
        "parquet column that is not there",
        parquet_of(audio_table(wav())),
        {"no_audio_column"},
        {"audio_column": "x"},
    ),
    Case("parquet paths climb", hugging_face_bytes_elsewhere, {"path_escapes"}),
    Case("parquet nulls", parquet_of(audio_table(None, wav())), {"bad_entry", "ok"}),
    Case("arrow message of 2 GiB", arrow_of(audio_table(wav()), _huge_message), {"source_cut_off"}),
    Case(
        "arrow truncated",
        arrow_of(audio_table(wav()), lambda data: data.__delitem__(slice(-400, None))),
        {"source_cut_off"},
    ),
    Case(
        "arrow garbage",
        arrow_of(audio_table(wav()), lambda data: data.__setitem__(slice(8, 60), b"\xee" * 52)),
        {"source_cut_off"},
    ),
    Case("webdataset pickles", webdataset_with_pickles, {"ok"}),
    Case("webdataset bad JSON", webdataset_with_bad_json, {"ok"}),
    Case("webdataset missing shard", webdataset_with_a_missing_shard, {"ok", "source_cut_off"}),
    Case("webdataset pipe", lambda root: f"pipe:mkdir {root}/RAN", {"command_refused"}),
    Case("webdataset too many shards", lambda root: f"{root}/a-{{0..999999999}}.tar", {"source_too_large"}),
    Case("warc length lies", warc_of(record("http://a/x.wav", wav(), length=10**9)), {"item_unreadable"}),
    Case("warc garbage", warc_of(record("http://a/x.wav", wav()), b"\xff" * 4096), {"ok", "source_cut_off"}),
    Case(
        "warc packed bomb",
        warc_packed_bomb,
        {"item_too_large"},
    ),
    Case(
        "warc negative length", warc_of(record("http://a/x.wav", wav(), length=-5)), {"ok", "source_cut_off"}
    ),
    Case(
        "warc header bomb",
        warc_header_bomb,
        {"ok", "source_cut_off"},
    ),
    Case(
        "warc packed header bomb",
        warc_packed_header_bomb,
        {"ok", "source_cut_off"},
    ),
    Case(
        "warc of endless headers",
        warc_of_endless_headers,
        {"ok", "source_cut_off"},
    ),
    Case(
        "warc without a URL",
        warc_of(
            record("http://a/x.wav", wav()),
            record("http://a/y.wav", wav()).replace(b"WARC-Target", b"XARC-Target"),
        ),
        {"ok", "source_cut_off"},
    ),
    Case("warc odd URLs", warc_of(record("http://a/\x01\x02?..", wav()), record("../../x", wav(1))), {"ok"}),
)
