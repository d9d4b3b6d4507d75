"""CSV, TSV and JSONL manifests: rows that name audio by path or URL, or only identify it (link lists)."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import BinaryIO, Final

from api.datasets.entries import named_item
from api.datasets.identify import youtube_of
from api.datasets.json_text import BadJson, json_object
from api.datasets.labels import Names, label
from api.datasets.places import Place
from api.datasets.presets import Entry, Layout, layout_of
from api.datasets.resolve import Resolver
from api.datasets.streams import reason
from api.datasets.tape import BLOCK
from api.datasets.types import Json, Recording, Skipped, SourceLimits
from api.errors import BadEntry, ItemRefused, SourceCutOff

DELIMITERS: Final = {"csv": ",", "tsv": "\t"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row as it was written: its number in the file, and its fields or what is wrong with it."""

    number: int
    fields: Mapping[str, Json]
    error: str | None = None


class ManifestReader:
    """Reads one manifest; an item's id is the row's own id, or its path, or ``manifest#row``."""

    shards: tuple[str, ...] = ()
    passed_over = 0

    def __init__(
        self, place: Place, *, kind: str, resolver: Resolver, path_column: str | None, limits: SourceLimits
    ) -> None:
        self._place, self._kind, self._resolver = place, kind, resolver
        self._path_column, self._limits = path_column, limits
        self._total: int | None = None
        self._layout = _layout(place, kind)
        self.format = f"{kind}: {self._layout.name}" if self._layout.name else kind

    @property
    def total(self) -> int:
        """How many rows there are."""
        if self._total is None:
            self._total = sum(1 for _ in self)
        return self._total

    def __iter__(self) -> Iterator[Recording | Skipped]:
        names = Names()
        with closing(self._place.open()) as stream:
            try:
                for row in rows(stream, self._kind, layout=self._layout, limits=self._limits):
                    yield self._item(row, names)
            except OSError as error:
                broken = SourceCutOff(name=self._place.name, detail=reason(error))
                yield Skipped.of(broken, item_id=names.take(f"{self._place.name}#rest"))

    def _item(self, row: Row, names: Names) -> Recording | Skipped:
        number = f"{self._place.name}#{row.number}"
        if row.error is not None:
            return self._skipped(BadEntry(name=number, detail=row.error), names.take(number))
        entry = self._layout.entry(row.fields, path_column=self._path_column)
        item_id = names.take(label(entry.item_id or (entry.paths[0] if len(entry.paths) == 1 else number)))
        return self._found(entry, row, item_id=item_id)

    def _found(self, entry: Entry, row: Row, *, item_id: str) -> Recording | Skipped:
        """The first of the entry's paths that is there; a link when none is and it identifies a recording."""
        tried: Skipped | None = None
        for path in entry.paths:
            if youtube_of(path):
                continue
            item = named_item(
                path,
                item_id=item_id,
                resolver=self._resolver,
                limits=self._limits,
                start_s=entry.start_s,
                end_s=entry.end_s,
                identifiers=entry.identifiers,
                metadata=row.fields,
            )
            if isinstance(item, Recording):
                return item
            tried = tried or item
        # an entry whose one path is wrong is an error; guessed names that are not there are a link list
        if tried is not None and (len(entry.paths) == 1 or not entry.identifiers):
            return tried
        return self._link(entry, row, item_id=item_id)

    def _link(self, entry: Entry, row: Row, *, item_id: str) -> Recording | Skipped:
        if not entry.identifiers:
            return self._skipped(BadEntry(name=item_id, detail="it names no audio"), item_id)
        return Recording(
            item_id=item_id,
            path=self._place.name,
            open=None,
            start_s=entry.start_s,
            end_s=entry.end_s,
            identifiers=entry.identifiers,
            metadata=row.fields,
        )

    def _skipped(self, error: ItemRefused, item_id: str) -> Skipped:
        return Skipped.of(error, item_id=item_id, path=self._place.name)


def _layout(place: Place, kind: str) -> Layout:
    if kind == "jsonl":
        return Layout(name=None)
    head = place.head(64 * BLOCK).decode("utf-8-sig", "surrogateescape").splitlines()[:8]
    return layout_of(head[:-1] or head, DELIMITERS[kind])


def rows(stream: BinaryIO, kind: str, *, layout: Layout, limits: SourceLimits) -> Iterator[Row]:
    """Go through a manifest's rows, bad ones included."""
    lines = _lines(stream, limits.header_bytes)
    return _json_rows(lines) if kind == "jsonl" else _csv_rows(lines, DELIMITERS[kind], layout)


def _lines(stream: BinaryIO, max_bytes: int) -> Iterator[str]:
    """Lines of text; a line that is too long comes as a NUL, which no row may hold."""
    first = True
    while line := stream.readline(max_bytes + 1):
        if len(line) > max_bytes:
            while len(rest := stream.readline(max_bytes)) == max_bytes and not rest.endswith(b"\n"):
                pass
            line = b"\0\n"
        yield line.decode("utf-8-sig" if first else "utf-8", "surrogateescape")
        first = False


def _json_rows(lines: Iterator[str]) -> Iterator[Row]:
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        try:
            yield Row(number=number, fields=json_object(line))
        except BadJson as error:
            yield Row(number=number, fields={}, error=str(error))


def _csv_rows(lines: Iterator[str], delimiter: str, layout: Layout) -> Iterator[Row]:
    for _ in range(layout.skip_rows):
        next(lines, None)
    table = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    columns = list(layout.columns or ()) or next(table, [])
    number = 0
    while True:
        try:
            cells = next(table, None)
        except csv.Error as error:
            yield Row(number=number, fields={}, error=label(str(error)))
            number += 1
            continue
        if cells is None:
            return
        if cells:
            yield _csv_row(columns, cells, number)
            number += 1


def _csv_row(columns: list[str], cells: list[str], number: int) -> Row:
    if "\0" in "".join(cells):
        return Row(number=number, fields={}, error="it holds a NUL or is too long")
    fields: dict[str, Json] = {label(name): label(cell) for name, cell in zip(columns, cells, strict=False)}
    return Row(number=number, fields=fields)
