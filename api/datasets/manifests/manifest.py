"""Text manifests: rows that name audio by path or URL, hold it, or only identify it (link lists)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

from earwitness.api.datasets.access.locations import Location
from earwitness.api.datasets.entries.entry_errors import ColumnNotCompared
from earwitness.api.datasets.entries.resolve_path import Resolver
from earwitness.api.datasets.entries.row_items import RowItems
from earwitness.api.datasets.item_errors import BadEntry, ItemRefused
from earwitness.api.datasets.items import (
    NONE_PASSED_OVER,
    Skipped,
    SourceItem,
    SourceLimits,
    Written,
)
from earwitness.api.datasets.manifests.detect_layout import layout_of
from earwitness.api.datasets.manifests.json_rows import json_rows
from earwitness.api.datasets.manifests.layouts import Layout
from earwitness.api.datasets.manifests.lines import cut_off, head_lines
from earwitness.api.datasets.manifests.manifest_rows import Row, rows
from earwitness.api.datasets.names import Names


class ManifestReader:
    """Reads one manifest; an item's id is the row's own id, or its path, or ``manifest#row``.

    A row with several columns of audio is several items, with the column's name after the id.
    """

    shards: tuple[str, ...] = ()
    passed_over = NONE_PASSED_OVER

    def __init__(
        self, place: Location, *, kind: str, resolver: Resolver, path_column: str | None, limits: SourceLimits
    ) -> None:
        self._place, self._kind, self._limits = place, kind, limits
        self._path_column = path_column
        self._layout = self._detected_layout()
        self._row_items = RowItems(layout=self._layout, source=place.name, resolver=resolver, limits=limits)
        self.format = f"{kind}: {self._layout.name}" if self._layout.name else kind

    def _detected_layout(self) -> Layout:
        if self._kind not in {"csv", "tsv"}:
            return Layout(name=None, path_column=self._path_column)
        try:
            return layout_of(head_lines(self._place, self._limits), self._kind, path_column=self._path_column)
        except (OSError, ItemRefused):  # reported when it is read
            return Layout(name=None, path_column=self._path_column)

    @cached_property
    def total(self) -> int:
        """How many items there are."""
        return sum(1 for _ in self)

    def written(self) -> Iterator[Written]:
        """The manifest's header, then its rows; the rows of a JSON array as JSON lines."""
        names = Names()
        for row in self._rows():
            ids = () if row.is_header else tuple(item.item_id for item in self._items(row, names))
            yield Written(text=row.text, item_ids=ids)

    def _rows(self) -> Iterator[Row]:
        if self._kind == "json":
            return json_rows(self._place, limits=self._limits)
        return rows(self._place, self._kind, layout=self._layout, limits=self._limits)

    def __iter__(self) -> Iterator[SourceItem | Skipped]:
        names = Names()
        self._row_items.left_out.clear()
        try:
            for row in self._rows():
                if not row.is_header:
                    yield from self._items(row, names)
            for column in self._row_items.left_out:
                item_id = f"{self._place.name}/{column}"
                yield self._skipped(ColumnNotCompared(name=item_id), names.take(item_id))
        except (OSError, ItemRefused) as error:
            yield Skipped.of(cut_off(error, self._place), item_id=names.take(f"{self._place.name}#rest"))

    def _items(self, row: Row, names: Names) -> list[SourceItem | Skipped]:
        number = f"{self._place.name}#{row.number}"
        if row.error is not None:
            return [self._skipped(BadEntry(name=number, detail=row.error), names.take(number))]
        return [
            replace(item, item_id=names.take(item.item_id))
            for item in self._row_items.items(row.fields, number)
        ]

    def _skipped(self, error: ItemRefused, item_id: str) -> Skipped:
        return Skipped.of(error, item_id=item_id, path=self._place.name)
