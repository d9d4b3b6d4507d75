"""Hugging Face Parquet shards, and any Parquet with a column of audio: a few rows at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any, BinaryIO, Final

from api.datasets.places import Place
from api.datasets.resolve import Resolver
from api.datasets.streams import reason
from api.datasets.tables import AudioColumn, Rows, audio_column
from api.datasets.tars import cut_off
from api.datasets.thrift import BadThrift, Compact
from api.datasets.types import NONE_PASSED_OVER, Recording, Skipped, SourceLimits
from api.errors import Bomb, ItemRefused, SourceBroken, SourceCutOff

_HEADER_BYTES: Final = 1 << 16
_BATCH_ROWS: Final = 8
"""Rows made into items at once. Audio is copied out of its page for them, and more at once is no faster."""
_READ_BYTES: Final = 1 << 20
"""Read at once of a column that has many pages; without it, Arrow reads the whole column of a row group."""
_MAX_THRIFT: Final = 64 << 20


class ParquetReader:
    """Reads Parquet shards in the order given; an item's id is ``shard.parquet#row``."""

    format = "parquet"
    passed_over = NONE_PASSED_OVER

    def __init__(
        self,
        places: Sequence[Place],
        *,
        resolver: Resolver,
        wanted: str | None,
        limits: SourceLimits,
    ) -> None:
        self._places, self._resolver, self._wanted, self._limits = tuple(places), resolver, wanted, limits
        self._total: int | None = None
        self.shards = tuple(place.name for place in places)

    @property
    def total(self) -> int:
        """How many rows the footers state; an unreadable shard counts as one item."""
        if self._total is None:
            self._total = sum(self._count(place) for place in self._places)
        return self._total

    def _count(self, place: Place) -> int:
        try:
            with closing(place.open()) as stream:
                return int(open_parquet(stream, name=place.name).metadata.num_rows)
        except (SourceBroken, OSError):
            return 1

    def __iter__(self) -> Iterator[Recording | Skipped]:
        for place in self._places:
            try:
                yield from self._shard(place)
            except (ItemRefused, SourceBroken, OSError) as error:
                yield cut_off(error, place=place, item_id=f"{place.name}#rest", shard=place.name)

    def _shard(self, place: Place) -> Iterator[Recording | Skipped]:
        with closing(place.open()) as stream:
            table = open_parquet(stream, name=place.name)
            column = audio_column(table.schema_arrow, source=place.name, wanted=self._wanted)
            rows = Rows(column=column, shard=place.name, resolver=self._resolver, limits=self._limits)
            row = 0
            for group in range(table.metadata.num_row_groups):
                for batch in self._batches(table, stream, place, group=group, column=column):
                    yield from rows.items(batch, first_row=row)
                    row += batch.num_rows
            if row != table.metadata.num_rows:
                raise SourceCutOff(name=place.name, detail=f"{row} rows of {table.metadata.num_rows} stated")

    def _batches(
        self, table: Any, stream: BinaryIO, place: Place, *, group: int, column: AudioColumn
    ) -> Iterator[Any]:
        import pyarrow as pa

        try:
            row_group = table.metadata.row_group(group)
            largest = largest_page(row_group, stream, column.columns, name=place.name, limits=self._limits)
            # a dictionary page may stand behind every row of a batch: even then the cap must hold
            n_rows = max(1, min(_BATCH_ROWS, self._limits.table_bytes // max(1, largest)))
            yield from table.iter_batches(
                n_rows, row_groups=[group], columns=column.columns, use_threads=False
            )
        except (pa.ArrowException, OSError, ValueError) as error:
            raise SourceCutOff(name=place.name, detail=reason(error)) from error


def open_parquet(stream: BinaryIO, *, name: str) -> Any:
    """Read the footer; `SourceBroken` when it cannot be."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    # Arrow's own allocator keeps the largest row group's memory for as long as the process lives
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        table = pq.ParquetFile(
            stream,
            pre_buffer=False,
            buffer_size=_READ_BYTES,
            thrift_string_size_limit=_MAX_THRIFT,
            thrift_container_size_limit=_MAX_THRIFT,
        )
        _ = table.schema_arrow.names  # what the footer says is decoded only when it is asked for
    except (pa.ArrowException, OSError, ValueError) as error:
        raise SourceBroken(source=name, reason=reason(error)) from error
    return table


def largest_page(
    row_group: Any, stream: BinaryIO, columns: Sequence[str], *, name: str, limits: SourceLimits
) -> int:
    """Bytes of the largest page, unpacked, in these columns of a row group, by each page's own header.

    Raises
    ------
    Bomb
        A page states more than ``limits.table_bytes``.
    SourceCutOff
        The pages do not add up to their column.
    """
    largest = 0
    for n in range(row_group.num_columns):
        chunk = row_group.column(n)
        if chunk.path_in_schema.split(".")[0] in columns:
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
