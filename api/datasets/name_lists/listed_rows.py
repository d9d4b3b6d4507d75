"""The rows of a list of names as fields, whatever its format, a few at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from earwitness.api.datasets.access.byte_streams import reason
from earwitness.api.datasets.access.locations import Location, Refused
from earwitness.api.datasets.item_errors import ItemRefused, SourceCutOff
from earwitness.api.datasets.items import Json, SourceLimits
from earwitness.api.datasets.manifests.detect_layout import layout_of
from earwitness.api.datasets.manifests.json_rows import json_rows
from earwitness.api.datasets.manifests.layouts import Layout
from earwitness.api.datasets.manifests.lines import head_lines
from earwitness.api.datasets.manifests.manifest_rows import Row, rows
from earwitness.api.datasets.members import called_like_audio
from earwitness.api.datasets.open_source import Opening
from earwitness.api.datasets.source_errors import SourceError
from earwitness.api.datasets.tables.arrow import arrow_batches
from earwitness.api.datasets.tables.column_kinds import audio_fields_within, kind_of
from earwitness.api.datasets.tables.parquet import largest_page, open_parquet
from earwitness.api.datasets.tables.table_columns import plan_of
from earwitness.api.datasets.tables.table_reader import most_rows

TEXT_FORMATS: Final = frozenset({"csv", "tsv", "jsonl", "json"})
TABLE_ENDINGS: Final[Mapping[str, str]] = {"parquet": ".parquet", "arrow": ".arrow"}
_ROWS_AT_ONCE: Final = 2_000
_FILES_LISTED: Final = 20_000
_TOO_MANY: Final = "it states more rows than its bytes can hold; they are not read"


@dataclass(frozen=True, slots=True)
class ListedRow:
    """One row: its place (``file#row``), and its fields or why it cannot be read."""

    place: str
    fields: Mapping[str, Json] = field(default_factory=dict)
    error: str | None = None


class ListedRows:
    """The rows of a located source of one of these formats.

    Attributes
    ----------
    layout : Layout
        The layout of delimited text; that of other formats states nothing.
    size_bytes : int or None
        Bytes of the list as stored; None where that is not known.
    cut_off : str or None
        Why not all rows were read; known after the last of them.
    """

    def __init__(self, opening: Opening, reader: str) -> None:
        self._opening, self._reader = opening, reader
        self.cut_off: str | None = None
        is_delimited = reader in {"csv", "tsv"}
        self.layout = self._delimited_layout() if is_delimited else Layout(name=None)
        ending = TABLE_ENDINGS.get(reader)
        self._places = opening.places[:1] if ending is None else opening.shards(ending)
        sizes = [place.size for place in self._places]
        self.size_bytes = None if None in sizes else sum(size or 0 for size in sizes)

    def _delimited_layout(self) -> Layout:
        place, limits = self._opening.places[0], self._opening.limits
        return layout_of(head_lines(place, limits), self._reader)

    def holds_audio(self) -> bool:
        """Whether a table has a column of audio."""
        return self._reader in TABLE_ENDINGS and any(map(self._has_audio_column, self._places[:1]))

    def _has_audio_column(self, place: Location) -> bool:
        with self._table(place) as table:
            try:
                return bool(plan_of(table.schema, source=place.name, requested=None).audio_columns)
            except SourceError:  # it has neither audio nor a column that names any
                return False

    def _table(self, place: Location) -> _Table:
        return _Table(place, self._reader, self._opening.limits)

    def first(self, number: int) -> list[Mapping[str, Json]]:
        """Return the fields of the first rows that can be read."""
        read = (row.fields for row in self.rows(None) if row.error is None)
        return list(islice(read, number))

    def rows(self, columns: Sequence[str] | None) -> Iterator[ListedRow]:
        """Yield all rows, with these columns at least; None: all that are no audio.

        A file that breaks off does not end the others; `cut_off` says so afterwards.
        """
        self.cut_off = None
        for place in self._places:
            try:
                yield from self._rows_in(place, columns)
            except (OSError, ItemRefused, SourceError, ValueError) as error:
                self.cut_off = self.cut_off or getattr(error, "message", None) or reason(error)

    def _rows_in(self, place: Location, columns: Sequence[str] | None) -> Iterator[ListedRow]:
        if self._reader in TEXT_FORMATS:
            yield from map(self._of_text, filter(lambda row: not row.is_header, self._text_rows()))
            return
        with self._table(place) as table:
            for number, fields in enumerate(table.rows(columns)):
                if number >= most_rows(place):
                    raise SourceCutOff(name=place.name, detail=_TOO_MANY)
                yield ListedRow(f"{place.name}#{number}", fields)

    def _text_rows(self) -> Iterator[Row]:
        place, limits = self._places[0], self._opening.limits
        if self._reader == "json":
            return json_rows(place, limits=limits)
        return rows(place, self._reader, layout=self.layout, limits=limits)

    def _of_text(self, row: Row) -> ListedRow:
        return ListedRow(f"{self._places[0].name}#{row.number}", row.fields, row.error)

    def audio_lies_here(self, first: Sequence[Mapping[str, Json]]) -> bool:
        """Whether a file of audio lies where the usual scripts store those of the first rows."""
        found = islice(self._opening.listing(), _FILES_LISTED)
        if not any(called_like_audio(each.name) for each in found if not isinstance(each, Refused)):
            return False
        for fields in first:
            entry = self.layout.entry(fields, own_rate=lambda _: None)
            try:
                if entry.guesses and self._opening.resolver.guess(entry.guesses) is not None:
                    return True
            except ItemRefused:
                continue
        return False


class _Table:
    """One file of a table."""

    def __init__(self, place: Location, reader: str, limits: SourceLimits) -> None:
        self._place, self._limits, self._is_parquet = place, limits, reader == "parquet"
        self._stream: Any = None
        self._table: Any = None
        self.schema: Any = None

    def __enter__(self) -> _Table:
        if self._is_parquet:
            self._stream = self._place.open()
            self._table = open_parquet(self._stream, name=self._place.name)
            self.schema = self._table.schema_arrow
        else:
            with closing(arrow_batches(self._place)) as batches:  # type: ignore[type-var]
                first = next(batches, None)
            import pyarrow as pa

            self.schema = pa.schema([]) if first is None else first.schema
        return self

    def __exit__(self, *_: object) -> None:
        if self._stream is not None:
            self._stream.close()

    def rows(self, wanted: Sequence[str] | None) -> Iterator[Mapping[str, Json]]:
        """Yield the rows as objects, with these columns at least, as far as their names are unique."""
        import pyarrow as pa

        number_of = Counter(self.schema.names)
        names = [each.name for each in self.schema if number_of[each.name] == 1 and _may_name(each.type)]
        columns = [name for name in names if wanted is None or name in wanted]
        try:
            for batch in self._parquet_batches(columns) if self._is_parquet else arrow_batches(self._place):
                part = batch.select(columns)
                values = [part.column(n).to_pylist() for n in range(part.num_columns)]
                for row in zip(*values, strict=True):
                    yield dict(zip(columns, row, strict=True))
        except (pa.ArrowException, OverflowError) as error:
            raise SourceCutOff(name=self._place.name, detail=reason(error)) from error

    def _parquet_batches(self, columns: Sequence[str]) -> Iterator[Any]:
        for group in range(self._table.metadata.num_row_groups):
            row_group = self._table.metadata.row_group(group)
            largest = largest_page(
                row_group, self._stream, columns, name=self._place.name, limits=self._limits
            )
            at_once = max(1, min(_ROWS_AT_ONCE, self._limits.table_bytes // max(1, largest)))
            yield from self._table.iter_batches(
                at_once, row_groups=[group], columns=list(columns), use_threads=False
            )


def _may_name(type_: Any) -> bool:
    """Whether a column may hold names: texts, numbers, and objects and lists of these, without audio."""
    kind = kind_of(type_).removeprefix("list of ")
    return kind in {"text", "plain", "object"} or (kind == "other" and not any(audio_fields_within(type_)))
