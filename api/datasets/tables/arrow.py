"""Arrow files, as `datasets` of Hugging Face saves them; mapped, so that only the columns in use are read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, BinaryIO

from earwitness.api.datasets.access.byte_streams import reason
from earwitness.api.datasets.access.locations import Location
from earwitness.api.datasets.item_errors import SourceCutOff
from earwitness.api.datasets.tables.table_columns import Plan
from earwitness.api.datasets.tables.table_reader import Table, TableReader


class ArrowReader(TableReader):
    """Reads Arrow shards, streamed or with a footer, in order; an item's id is ``shard.arrow#row``."""

    format = "arrow"

    @contextmanager
    def _opened(self, place: Location) -> Iterator[Table]:
        yield _Arrow(place)


class _Arrow:
    """One Arrow file."""

    def __init__(self, place: Location) -> None:
        self._place = place
        first = next(arrow_batches(place), None)
        self.schema = None if first is None else first.schema

    def is_empty(self) -> bool:
        """Whether it has no rows."""
        return self.schema is None

    def n_rows(self) -> int:
        """Rows of all its batches."""
        return sum(batch.num_rows for batch in arrow_batches(self._place))

    def batches(self, _plan: Plan) -> Iterator[Any]:
        """The batches as stored."""
        return arrow_batches(self._place)


def arrow_batches(place: Location) -> Iterator[Any]:
    """The record batches of a file as stored; `SourceCutOff` where one cannot be read."""
    import pyarrow as pa

    with closing(place.open()) as stream, _source(stream, is_local=place.file is not None) as source:
        try:
            reader = _opened(source)
            for batch in reader:
                batch.validate(full=True)
                yield batch
        except (pa.ArrowException, OSError, ValueError) as error:
            raise SourceCutOff(name=place.name, detail=reason(error)) from error


def _source(stream: BinaryIO, *, is_local: bool) -> Any:
    import pyarrow as pa

    # memory_map checks every stated length against the file before it allocates
    return pa.memory_map(f"/dev/fd/{stream.fileno()}") if is_local else pa.PythonFile(stream, "r")  # type: ignore[arg-type]


def _opened(source: Any) -> Iterator[Any]:
    import pyarrow as pa

    footer = source.read(6) == b"ARROW1"
    source.seek(0)
    if not footer:
        yield from pa.ipc.open_stream(source)
        return
    reader = pa.ipc.open_file(source)
    for n in range(reader.num_record_batches):
        yield reader.get_batch(n)
