"""Laws of the readers, for any content."""

from __future__ import annotations

import io
import tarfile
import zipfile
from functools import partial
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earwitness.api.datasets.archives.tar_stream import Member, PlainTarStream, members
from earwitness.api.datasets.isolated.read_request import Request
from earwitness.api.datasets.items import SourceItem, SourceLimits
from earwitness.api.datasets.names import Names, climbs_out, label
from earwitness.api.datasets.open_source import open_here
from earwitness.api.datasets.shard_patterns import expand
from earwitness.api.datasets.tables.parquet import largest_page, open_parquet
from earwitness.fingerprint.errors import EarwitnessError

LIMITS = SourceLimits()
Compression = Literal["none", "snappy", "zstd"]
COMPRESSIONS: list[Compression] = ["none", "snappy", "zstd"]
Version = Literal["1.0", "2.0"]
VERSIONS: list[Version] = ["1.0", "2.0"]
NAME = st.text(alphabet="ab/.é ñ\u4e2d", min_size=1, max_size=200).filter(
    lambda name: name.strip("/. ") and not name.endswith("/")
)


@given(
    entries=st.lists(st.tuples(NAME, st.binary(max_size=1500)), max_size=6), form=st.sampled_from([0, 1, 2])
)
def test_a_tar_is_walked_as_the_standard_library_walks_it(
    entries: list[tuple[str, bytes]], form: int
) -> None:
    """Names and bytes of regular members are those that tarfile reads, in each of its three formats."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form, encoding="utf-8") as archive:
        for name, data in entries:
            info = tarfile.TarInfo(name[:90] if form == tarfile.USTAR_FORMAT else name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    file.seek(0)
    with tarfile.open(fileobj=file, encoding="utf-8") as archive:
        expected = [
            (label(info.name).removeprefix("./"), held.read())
            for info in archive
            if info.isfile() and (held := archive.extractfile(info)) is not None
        ]
    file.seek(0)
    walked = members(PlainTarStream(file), name="a.tar", limits=LIMITS)
    assert [(member.name, read(member)) for member in walked if member.kind == "file"] == expected


def read(member: Member) -> bytes:
    """A member's bytes, read in pieces."""
    return b"".join(iter(partial(member.body.read, 700), b""))


@given(raw=st.binary(max_size=60))
def test_a_label_is_printable_and_leaves_good_names_alone(raw: bytes) -> None:
    """Any bytes can be shown; a printable name is shown unchanged."""
    shown = label(raw)
    assert shown.isprintable()
    assert label(shown) == shown


@given(names=st.lists(st.sampled_from(["a", "b", "a#2", "a#3"]), max_size=20))
def test_ids_are_distinct_whatever_the_names(names: list[str]) -> None:
    """Even names that look like numbered ones never share an id."""
    taker = Names()
    ids = [taker.take(name) for name in names]
    assert len(set(ids)) == len(ids)


@given(first=st.integers(0, 50), count=st.integers(1, 50), width=st.integers(1, 6))
def test_a_shard_range_names_each_shard_once(first: int, count: int, width: int) -> None:
    """``{0007..0009}`` counts with its leading zeros, both ends included."""
    last = first + count - 1
    names = expand(f"s-{{{first:0{width}d}..{last}}}.tar")
    assert names == [f"s-{number:0{width}d}.tar" for number in range(first, last + 1)]


@pytest.mark.parametrize("name", ["/x", "..", "a/../../x", "C:\\x", "\\\\host\\x", "a\\..\\x"])
def test_names_that_climb_out(name: str) -> None:
    """Absolute names, parents and drives are seen in either system's spelling."""
    assert climbs_out(name)


@settings(max_examples=25)
@given(
    sizes=st.lists(st.integers(0, 3000), min_size=1, max_size=8),
    compression=st.sampled_from(COMPRESSIONS),
    version=st.sampled_from(VERSIONS),
)
def test_page_headers_are_read_as_arrow_wrote_them(
    sizes: list[int], compression: Compression, version: Version
) -> None:
    """The largest page is at least the longest value, whatever the page version and compression."""
    file = io.BytesIO()
    values = [bytes([n % 251]) * size for n, size in enumerate(sizes)]
    table = pa.table({"audio": pa.array(values, pa.binary()), "title": ["é" * 9] * len(sizes)})
    pq.write_table(table, file, compression=compression, data_page_version=version, data_page_size=1000)
    group = pq.ParquetFile(file).metadata.row_group(0)
    assert largest_page(group, file, ["audio", "title"], name="a", limits=LIMITS) >= max(sizes)


class Noting(io.BytesIO):
    """A stream that records its longest read."""

    longest = 0

    def read(self, n: int | None = -1, /) -> bytes:
        data = super().read(n)
        self.longest = max(self.longest, len(data))
        return data


def test_a_table_is_read_page_by_page() -> None:
    """The longest read of a Parquet file is the size of its pages, not of its row groups."""
    file = Noting()
    table = pa.table({"audio": pa.array([bytes(100_000)] * 200, pa.binary())})
    pq.write_table(
        table, file, compression="none", data_page_size=1, write_batch_size=1, use_dictionary=False
    )
    rows = sum(batch.num_rows for batch in open_parquet(file, name="a").iter_batches(8))
    assert rows == 200
    assert file.longest <= 2 << 20


@settings(max_examples=60)
@given(data=st.data())
def test_damage_raises_only_errors_of_earwitness(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """An archive with a few bytes changed is read, or refused with a reason."""
    sound = bytearray(data.draw(st.sampled_from([_zip(), _tar()])))
    for _ in range(data.draw(st.integers(1, 4))):
        sound[data.draw(st.integers(0, len(sound) - 1))] = data.draw(st.integers(0, 255))
    source: Path = tmp_path_factory.getbasetemp() / "damaged"
    source.write_bytes(sound)
    try:
        for item in open_here(Request(source=str(source))):
            if isinstance(item, SourceItem) and item.open is not None:
                item.open().read()
    except EarwitnessError as error:
        assert error.hint


def _zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.wav", b"RIFF" + bytes(300))
        archive.writestr("b.wav", bytes(range(256)))
    return file.getvalue()


def _tar() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in ("a.wav", "é" * 60 + ".wav"):
            info = tarfile.TarInfo(name)
            info.size = 600
            archive.addfile(info, io.BytesIO(bytes(600)))
    return file.getvalue()
