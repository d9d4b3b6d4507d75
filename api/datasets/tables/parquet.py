"""Hugging Face Parquet shards, and any Parquet with a column of audio: a few rows at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, BinaryIO, Final

from earwitness.api.datasets.access.byte_streams import reason
from earwitness.api.datasets.access.locations import Location
from earwitness.api.datasets.item_errors import Bomb, SourceCutOff
from earwitness.api.datasets.items import SourceLimits
from earwitness.api.datasets.source_errors import SourceBroken
from earwitness.api.datasets.tables.parquet_page_headers import BadThrift, Compact
from earwitness.api.datasets.tables.table_columns import Plan
from earwitness.api.datasets.tables.table_reader import Table, TableReader

_HEADER_BYTES: Final = 1 << 16
_BATCH_ROWS: Final = 8
"""Rows per batch. Audio is copied out of its page, and larger batches are not faster; chosen by hand."""
_READ_BYTES: Final = 1 << 20
"""Bytes per read of a column of many pages; without it, Arrow reads all of a row group's column."""
_MAX_THRIFT: Final = 64 << 20


class ParquetReader(TableReader):
    """Reads Parquet shards in the order given; an item's id is ``shard.parquet#row``."""

    format = "parquet"

    @contextmanager
    def _opened(self, place: Location) -> Iterator[Table]:
        with closing(place.open()) as stream:
            yield _Parquet(open_parquet(stream, name=place.name), stream, place, self._limits)


class _Parquet:
    """One Parquet file."""

    def __init__(self, table: Any, stream: BinaryIO, place: Location, limits: SourceLimits) -> None:
        self._table, self._stream, self._place, self._limits = table, stream, place, limits
        self.schema = table.schema_arrow

    def is_empty(self) -> bool:
        """Whether it has no rows."""
        return not self.n_rows()

    def n_rows(self) -> int:
        """How many rows the footer states."""
        return int(self._table.metadata.num_rows)

    def batches(self, plan: Plan) -> Iterator[Any]:
        """A few rows at a time; `SourceCutOff` where their number is not the stated one."""
        row = 0
        for group in range(self._table.metadata.num_row_groups):
            for batch in self._of_group(group, plan):
                row += batch.num_rows
                yield batch
        if row != self.n_rows():
            raise SourceCutOff(name=self._place.name, detail=f"{row} rows of {self.n_rows()} stated")

    def _of_group(self, group: int, plan: Plan) -> Iterator[Any]:
        import pyarrow as pa

        name = self._place.name
        try:
            row_group = self._table.metadata.row_group(group)
            largest = largest_page(row_group, self._stream, plan.columns, name=name, limits=self._limits)
            # a dictionary page may be copied for every row of a batch: even then the limit must hold
            n_rows = max(1, min(_BATCH_ROWS, self._limits.table_bytes // max(1, largest)))
            yield from self._table.iter_batches(
                n_rows, row_groups=[group], columns=plan.columns, use_threads=False
            )
        except (pa.ArrowException, OSError, ValueError) as error:
            raise SourceCutOff(name=name, detail=reason(error)) from error


def open_parquet(stream: BinaryIO, *, name: str) -> Any:
    """Read the footer; `SourceBroken` when it cannot be."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    # Arrow's own allocator would hold the memory of the largest row group until the process ends
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        table = pq.ParquetFile(
            stream,
            pre_buffer=False,
            buffer_size=_READ_BYTES,
            thrift_string_size_limit=_MAX_THRIFT,
            thrift_container_size_limit=_MAX_THRIFT,
        )
        _ = table.schema_arrow.names  # the footer is decoded only when it is used
    except (pa.ArrowException, OSError, ValueError) as error:
        raise SourceBroken(source=name, reason=reason(error)) from error
    return table


def largest_page(
    row_group: Any, stream: BinaryIO, columns: Sequence[str], *, name: str, limits: SourceLimits
) -> int:
    """Unpacked bytes of the largest page in these columns of a row group, by the page headers.

    Raises
    ------
    Bomb
        A page header states more than ``limits.table_bytes``.
    SourceCutOff
        The pages do not add up to their column.
    """
    largest = 0
    for n in range(row_group.num_columns):
        chunk = row_group.column(n)
        path = chunk.path_in_schema
        if any(path == column or path.startswith(f"{column}.") for column in columns):
            largest = max(largest, _largest_of_chunk(chunk, stream, name=name, limits=limits))
    return largest


def _largest_of_chunk(chunk: Any, stream: BinaryIO, *, name: str, limits: SourceLimits) -> int:
    first = chunk.data_page_offset
    if chunk.has_dictionary_page and chunk.dictionary_page_offset is not None:
        first = min(first, chunk.dictionary_page_offset) if chunk.dictionary_page_offset > 0 else first
    position, stop, largest = first, first + chunk.total_compressed_size, 0
    while position < stop:
        unpacked, position = _page(stream, position, name=name)
        if unpacked > limits.table_bytes:
            raise Bomb(name=name, detail=f"a page states {unpacked:,} bytes")
        largest = max(largest, unpacked)
    if position != stop or first < 0:
        raise SourceCutOff(name=name, detail=f"the pages of {chunk.path_in_schema} do not add up")
    return largest


def _page(stream: BinaryIO, position: int, *, name: str) -> tuple[int, int]:
    """Unpacked size of the page at ``position``, and where the next one begins."""
    stream.seek(position)
    header = Compact(stream.read(_HEADER_BYTES))
    try:
        fields = header.integers()
    except BadThrift as error:
        raise SourceCutOff(name=name, detail=f"damaged page header: {error}") from error
    unpacked, packed = fields.get(2, -1), fields.get(3, -1)
    if unpacked < 0 or packed < 0:
        raise SourceCutOff(name=name, detail="a page states no size")
    return unpacked, position + header.position + packed
