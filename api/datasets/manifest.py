"""CSV, TSV and JSONL manifests: rows that name audio by path or URL, or only identify it (link lists)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import BinaryIO

from api.datasets.entries import named_item
from api.datasets.identify import youtube_of
from api.datasets.labels import Names, label
from api.datasets.places import Place
from api.datasets.presets import Entry, Layout, layout_of
from api.datasets.resolve import Resolver
from api.datasets.rows import DELIMITERS, Row, rows
from api.datasets.streams import reason
from api.datasets.tape import BLOCK
from api.datasets.types import NONE_PASSED_OVER, Recording, Skipped, SourceLimits, Written
from api.errors import BadEntry, ItemRefused, SourceCutOff


class ManifestReader:
    """Reads one manifest; an item's id is the row's own id, or its path, or ``manifest#row``."""

    shards: tuple[str, ...] = ()
    passed_over = NONE_PASSED_OVER

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

    def written(self) -> Iterator[Written]:
        """The manifest's header, then its rows."""
        names = Names()
        with closing(self._place.open()) as stream:
            for row in self._rows(stream):
                ids = () if row.is_header else (self._item(row, names).item_id,)
                yield Written(text=row.text, item_ids=ids)

    def _rows(self, stream: BinaryIO) -> Iterator[Row]:
        return rows(stream, self._kind, layout=self._layout, limits=self._limits)

    def __iter__(self) -> Iterator[Recording | Skipped]:
        names = Names()
        with closing(self._place.open()) as stream:
            try:
                for row in self._rows(stream):
                    if not row.is_header:
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
