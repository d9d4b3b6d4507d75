"""What a small file may cost: memory, and lines of findings."""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from earwitness.api.datasets.isolated.repeated_refusals import MAX_REPEATED, merge_repeated
from earwitness.api.datasets.item_errors import BadEntry
from earwitness.api.datasets.items import Skipped, SourceItem, SourceLimits
from earwitness.api.datasets.open_source import open_source
from earwitness.api.datasets.tables.table_reader import FEWEST_ROWS
from earwitness.fingerprint.errors import EarwitnessError

ZEROS = 100 << 20
LIMITS = SourceLimits(reader_memory_bytes=192 << 20)
"""Less than the sources ask for, so that the test itself needs little."""


def arrow_that_unpacks(path: Path) -> Path:
    """A buffer of a few kB that unpacks to more than the limit."""
    table = pa.table({"audio": pa.array([bytes(ZEROS)] * 2, pa.large_binary())})
    packed = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema, options=packed) as writer:
        writer.write_table(table)
    return path


def parquet_that_unpacks(path: Path) -> Path:
    """A page of a few kB that unpacks to more than the limit."""
    table = pa.table({"audio": pa.array([bytes(2 * ZEROS)], pa.large_binary())})
    pq.write_table(table, path, compression="zstd", use_dictionary=False)
    return path


def arrow_of_stated_terabytes(path: Path) -> Path:
    """A buffer that states 2^40 bytes unpacked."""
    arrow_that_unpacks(path)
    data = path.read_bytes()
    stated = (2 * ZEROS).to_bytes(8, "little")
    assert stated in data
    path.write_bytes(data.replace(stated, (1 << 40).to_bytes(8, "little")))
    return path


@pytest.mark.parametrize(
    ("build", "name"),
    [
        (arrow_that_unpacks, "a.arrow"),
        (parquet_that_unpacks, "a.parquet"),
        (arrow_of_stated_terabytes, "a.arrow"),
    ],
)
def test_what_unpacks_beyond_the_limit_is_refused_and_the_rest_is_read(
    build: Callable[[Path], Path], name: str, tmp_path: Path
) -> None:
    """The kernel holds the reading process to its limit; the file is reported, the clip beside it read."""
    assert build(tmp_path / name).stat().st_size < 100_000
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("ok.wav", b"RIFF" + bytes(100))
    items = list(open_source(tmp_path, limits=LIMITS))
    assert [type(item) for item in items] == [Skipped, SourceItem]
    assert items[1].item_id.endswith("ok.wav")


def test_a_long_item_is_not_held_in_memory_on_its_way(tmp_path: Path) -> None:
    """A member that unpacks to more than the process may allocate is handed out whole, through a file."""
    size = 192 << 20
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("long.wav", b"RIFF" + bytes(size))
    (item,) = open_source(tmp_path / "a.zip", limits=SourceLimits(reader_memory_bytes=128 << 20))
    assert isinstance(item, SourceItem)
    assert item.open is not None
    with item.open() as stream:
        assert sum(len(block) for block in iter(lambda: stream.read(1 << 20), b"")) == size + 4


def test_rows_beyond_what_a_file_can_hold_are_one_account(tmp_path: Path) -> None:
    """A small table of a million equal rows gives as many items as it has bytes, and says the rest."""
    rows = pa.DictionaryArray.from_arrays(pa.array(bytearray(1_000_000), pa.int8()), pa.array([b"x"]))
    pq.write_table(pa.table({"audio": rows.dictionary_decode()}), tmp_path / "a.parquet")
    size = (tmp_path / "a.parquet").stat().st_size
    *items, rest = open_source(tmp_path / "a.parquet", limits=LIMITS)
    assert len(items) == max(FEWEST_ROWS, size)
    assert isinstance(rest, Skipped)
    assert rest.cut_off
    assert f"{1_000_000 - len(items):,} more rows" in rest.message


def test_rows_that_hold_nothing_are_counted_together(tmp_path: Path) -> None:
    """After ten thousand of them the rest is one account, with the number of rows in it."""
    pq.write_table(
        pa.table({"audio": pa.nulls(12_000, pa.binary()), "n": range(12_000)}), tmp_path / "a.parquet"
    )
    items = list(open_source(tmp_path / "a.parquet", limits=LIMITS))
    assert Counter(type(item) for item in items) == {Skipped: MAX_REPEATED + 1}
    assert items[-1].item_id == "a.parquet#10000..a.parquet#11999"
    assert isinstance(items[-1], Skipped)
    assert "2,000 rows" in items[-1].message


def test_what_is_alike_is_merge_repeated_only_in_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """An item between bad rows is handed on in its place, and counting begins anew behind it."""
    monkeypatch.setattr("earwitness.api.datasets.isolated.repeated_refusals.MAX_REPEATED", 2)

    def bad(n: int) -> Skipped:
        error: EarwitnessError = BadEntry(name=f"a#{n}")
        return Skipped.of(error, item_id=f"a#{n}", shard="a")

    good = SourceItem(item_id="good", path="good", open=None)
    came = merge_repeated(iter([*map(bad, range(5)), good, bad(6), bad(7), bad(8)]), lambda: None)
    assert [item.item_id for item in came] == ["a#0", "a#1", "a#2..a#4", "good", "a#6", "a#7", "a#8"]
