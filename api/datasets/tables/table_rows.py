"""Rows of Parquet and Arrow tables as items: an item for each value that is audio."""

from __future__ import annotations

import datetime
import decimal
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from earwitness.api.datasets.entries.embedded_audio import (
    base64_audio,
    begins_as_audio_in_base64,
    stated_rate,
)
from earwitness.api.datasets.entries.entry_errors import ColumnNotCompared
from earwitness.api.datasets.entries.entry_items import (
    EntryDetails,
    details_within,
    item_of_bytes,
    item_of_path,
)
from earwitness.api.datasets.entries.resolve_path import LONGEST_NAME, Resolver, short_id
from earwitness.api.datasets.entries.row_items import RowItems
from earwitness.api.datasets.entries.sample_arrays import samples_audio
from earwitness.api.datasets.item_errors import BadEntry, ItemRefused, ItemTooLarge
from earwitness.api.datasets.items import Json, Skipped, SourceItem, SourceLimits
from earwitness.api.datasets.manifests.columns import AudioField, named_like_audio
from earwitness.api.datasets.names import HEAD_BYTES, label, looks_like_audio
from earwitness.api.datasets.tables.column_kinds import array_field, bytes_field, is_list, is_map, kind_of
from earwitness.api.datasets.tables.table_columns import Column, Plan

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LONGEST_LIST: Final = 1_000
_LONGEST_TIME: Final = 32
"""Bytes of a time that is stored as bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Makes items of the rows of one shard."""

    plan: Plan
    shard: str
    resolver: Resolver
    limits: SourceLimits
    requested: str | None
    row_items: RowItems
    """For rows whose audio is in files, and for the details of all rows."""

    def left_out(self, reported: set[str]) -> Iterator[Skipped]:
        """A `Skipped` for each column of audio that was not requested, and not ``reported`` before."""
        for name in (*self.plan.left_out, *self.row_items.left_out):
            if name not in reported:
                reported.add(name)
                item_id = f"{self.shard}/{name}"
                yield self._skipped(ColumnNotCompared(name=item_id), item_id)

    def items(self, batch: Any, *, first_row: int) -> Iterator[SourceItem | Skipped]:
        """The items of one record batch; ids are ``shard#row``, with the column where there are several."""
        at = _positions(batch)
        for n in range(batch.num_rows):
            number = f"{self.shard}#{first_row + n}"
            row = {c.name: _detail(batch.column(at[c.stored, c.nth])[n], c) for c in self.plan.detail_columns}
            if self.plan.audio_columns:
                values = [(c, batch.column(at[c.stored, c.nth])[n]) for c in self.plan.audio_columns]
                yield from self._items_of_row(values, row, number)
            else:
                yield from self.row_items.items(row, number, own_id=False)

    def _items_of_row(
        self, values: list[tuple[Column, Any]], row: Mapping[str, Json], number: str
    ) -> Iterator[SourceItem | Skipped]:
        row_items = self.row_items
        entry = row_items.layout.entry(row, own_rate=lambda _: None)
        details = row_items.details(row, entry)
        parts = [
            (f"{short_id(column.name)}{tail}", column, part)
            for column, value in values
            for tail, part in _parts(value, column)
        ]
        several = sum(column.sure for column in self.plan.audio_columns) > 1 or len(parts) > 1
        items: list[SourceItem | Skipped] = []
        for name, column, part in parts:
            item_id = f"{number}/{name}" if several else number
            item = self._value(part, details, column=column, item_id=item_id)
            if item is not None:
                items.append(item)
        further = (
            [] if self.requested is not None else list(self._further_items(entry.audio, details, number))
        )
        if further and len(items) == 1 and not several:
            items = [replace(items[0], item_id=f"{number}/{short_id(self.plan.audio_columns[0].name)}")]
        yield from [*items, *further] or row_items.items(row, number, own_id=False)

    def _further_items(
        self, named: tuple[AudioField, ...], details: EntryDetails, number: str
    ) -> Iterator[SourceItem | Skipped]:
        """Files that a row with audio also names, by a column named like audio; and audio in base64."""
        for each in named:
            if not isinstance(each.value, str):
                continue
            stated = details_within(each.around, details)
            item_id = f"{number}/{short_id(each.column)}"
            if begins_as_audio_in_base64(each.value):
                try:
                    audio = base64_audio(each.value, max_bytes=self.limits.item_bytes)
                    if audio is not None:
                        yield item_of_bytes(audio, item_id=item_id, path=self.shard, details=stated)
                except ItemRefused as error:
                    yield self._skipped(error, item_id)
            elif named_like_audio(each.column):
                item = item_of_path(
                    each.value, item_id=item_id, resolver=self.resolver, limits=self.limits, details=stated
                )
                if isinstance(item, SourceItem):
                    yield item

    def _value(
        self, value: Any, details: EntryDetails, *, column: Column, item_id: str
    ) -> SourceItem | Skipped | None:
        """The item of one value; None where it holds nothing that is audio."""
        try:
            return self._item(value, details, sure=column.sure, item_id=item_id)
        except ItemRefused as error:
            return self._skipped(error, item_id)

    def _item(
        self, value: Any, details: EntryDetails, *, sure: bool, item_id: str
    ) -> SourceItem | Skipped | None:
        kind = kind_of(value.type)
        if kind == "bytes":
            return self._item_of_bytes(value.as_buffer(), self.shard, details, sure=sure, item_id=item_id)
        if kind == "array":
            rate = stated_rate(details.metadata)
            return self._item_of_array(value, rate, self.shard, details, item_id=item_id)
        if kind == "text":
            return self._item_of_text(_plain(value), details, item_id=item_id)
        fields = {name.lower(): value[name] for name in (field.name for field in value.type)}
        kinds = {name: kind_of(each.type) for name, each in fields.items()}
        stated = {name: _plain(each) for name, each in fields.items() if kinds[name] in {"plain", "text"}}
        details = details_within(stated, details)
        path = _plain(fields["path"]) if "path" in fields else None
        path = path if isinstance(path, str) and path else None
        shown = label(path[:LONGEST_NAME]) if path else self.shard
        stored, array = bytes_field(kinds), array_field(kinds)
        if stored is not None and (inner := _valid(fields[stored])) is not None:
            return self._item_of_bytes(inner.as_buffer(), shown, details, sure=True, item_id=item_id)
        if array is not None and (inner := _valid(fields[array])) is not None:
            rate = stated_rate(stated)
            return self._item_of_array(
                inner, rate or stated_rate(details.metadata), shown, details, item_id=item_id
            )
        return None if path is None else self._item_of_text(path, details, item_id=item_id)

    def _item_of_bytes(
        self, stored: Any, path: str, details: EntryDetails, *, sure: bool, item_id: str
    ) -> SourceItem | None:
        if stored.size > self.limits.item_bytes:
            raise ItemTooLarge(name=item_id, detail=f"{stored.size:,} bytes")
        head = stored.slice(0, min(stored.size, HEAD_BYTES)).to_pybytes()
        if not looks_like_audio(head) and begins_as_audio_in_base64(head.decode("latin-1")):
            return self._item_of_base64(stored.to_pybytes(), path, details, item_id=item_id)
        if not sure and not looks_like_audio(head):
            return None
        return item_of_bytes(stored.to_pybytes(), item_id=item_id, path=path, details=details)

    def _item_of_base64(self, text: bytes, path: str, details: EntryDetails, *, item_id: str) -> SourceItem:
        audio = base64_audio(text.decode("latin-1"), max_bytes=self.limits.item_bytes)
        if audio is None:
            raise BadEntry(name=item_id, detail="its base64 is damaged")
        return item_of_bytes(audio, item_id=item_id, path=path, details=details)

    def _item_of_text(
        self, text: Json, details: EntryDetails, *, item_id: str
    ) -> SourceItem | Skipped | None:
        if not isinstance(text, str) or not text.strip():
            return None
        audio = base64_audio(text, max_bytes=self.limits.item_bytes)
        if audio is not None:
            return item_of_bytes(audio, item_id=item_id, path=self.shard, details=details)
        return item_of_path(
            text, item_id=item_id, resolver=self.resolver, limits=self.limits, details=details
        )

    def _item_of_array(
        self, value: Any, rate: float | None, path: str, details: EntryDetails, *, item_id: str
    ) -> SourceItem:
        if rate is None:
            raise BadEntry(name=item_id, detail="a list of samples without its sampling_rate")
        samples = _samples(value.values, item_id=item_id, max_samples=self.limits.item_bytes // 4)
        audio = samples_audio(samples, rate_hz=rate, name=item_id, max_bytes=self.limits.item_bytes)
        return item_of_bytes(audio, item_id=item_id, path=path, details=details)

    def _skipped(self, error: ItemRefused, item_id: str) -> Skipped:
        return Skipped.of(error, item_id=item_id, path=self.shard, shard=self.shard)


def _positions(batch: Any) -> dict[tuple[str, int], int]:
    """Where a batch has the ``nth`` column of each name."""
    seen: dict[str, int] = {}
    positions = {}
    for position, name in enumerate(batch.schema.names):
        nth = seen[name] = seen.get(name, -1) + 1
        positions[name, nth] = position
    return positions


def _valid(scalar: Any) -> Any:
    """The value of a scalar, also of a dictionary or an extension type; None for null."""
    import pyarrow as pa

    while (
        scalar is not None
        and scalar.is_valid
        and isinstance(scalar, pa.DictionaryScalar | pa.ExtensionScalar)
    ):
        scalar = scalar.value
    return scalar if scalar is not None and scalar.is_valid else None


def _parts(scalar: Any, column: Column) -> Iterator[tuple[str, Any]]:
    """The values of one cell, or those of its list, each with the end of its name."""
    value = _valid(scalar)
    if value is None:
        return
    for tail, inner in _within(value, column.inside):
        if not column.kind.startswith("list of"):
            yield tail, inner
            continue
        for n in range(len(inner.values)):
            element = _valid(inner.values[n])
            if element is not None:
                yield f"{tail}/{n}" if len(inner.values) > 1 else tail, element


def _within(value: Any, inside: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """The values at a path of fields; those of all elements where a list comes between."""
    if not inside:
        yield "", value
    elif is_list(value.type) or is_map(value.type):
        for n in range(len(value.values)):
            if (element := _valid(value.values[n])) is not None:
                for tail, inner in _within(element, inside):
                    yield f"/{n}{tail}", inner
    elif (inner := _valid(value[inside[0]])) is not None:
        yield from _within(inner, inside[1:])


def _samples(values: Any, *, item_id: str, max_samples: int) -> NDArray[Any]:
    """The numbers of an Arrow array, or of an array of one list for each channel or frame."""
    if len(values) > max_samples:
        raise ItemTooLarge(name=item_id, detail=f"{len(values):,} samples")
    if kind_of(values.type) != "array":
        samples: NDArray[Any] = values.to_numpy(zero_copy_only=False)
        return samples
    flat = values.flatten()
    if len(flat) > max_samples:
        raise ItemTooLarge(name=item_id, detail=f"{len(flat):,} samples")
    if not len(values) or len(flat) % len(values) or flat.null_count or kind_of(flat.type) == "array":
        raise BadEntry(name=item_id, detail="its channels differ in length")
    return np.asarray(flat.to_numpy(zero_copy_only=False)).reshape(len(values), -1)


def _detail(scalar: Any, column: Column) -> Json:
    """A cell that describes audio, as JSON. Bytes that are no text are not absent: they must be refused."""
    value = _plain(scalar)
    if value is None and column.kind == "bytes" and scalar.is_valid:
        return f"{len(scalar.as_py())} bytes"
    return value


def _plain(scalar: Any) -> Json:
    """A scalar as JSON; null for values that JSON does not have."""
    try:
        return _json(scalar.as_py(), depth=0)
    except (UnicodeDecodeError, ValueError, OverflowError, ArithmeticError):
        return None


def _json(value: Any, *, depth: int) -> Json:
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, float | decimal.Decimal):
        if math.isinf(value):
            return str(float(value))  # a cell that states something, though no time
        return float(value) if math.isfinite(value) else None
    if isinstance(value, bytes):
        return value.decode("ascii") if len(value) <= _LONGEST_TIME and value.isascii() else None
    if isinstance(value, datetime.timedelta):
        return f"{value.total_seconds():.6f}s"
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, list) and depth < 3 and len(value) <= _LONGEST_LIST:
        return [_json(each, depth=depth + 1) for each in value]
    if isinstance(value, dict) and depth < 3:
        return {str(key): _json(each, depth=depth + 1) for key, each in value.items()}
    return None
