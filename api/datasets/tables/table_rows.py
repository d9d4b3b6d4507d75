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
    samples_audio,
    stated_rate,
)
from earwitness.api.datasets.entries.entry_errors import ColumnNotCompared
from earwitness.api.datasets.entries.entry_items import EntryDetails, item_of_bytes, item_of_path
from earwitness.api.datasets.entries.resolve_path import LONGEST_NAME, Resolver, short_id
from earwitness.api.datasets.entries.row_items import RowItems
from earwitness.api.datasets.item_errors import BadEntry, ItemRefused, ItemTooLarge
from earwitness.api.datasets.items import Json, Skipped, SourceItem, SourceLimits
from earwitness.api.datasets.manifests.columns import AudioField, named_like_audio
from earwitness.api.datasets.names import HEAD_BYTES, label, looks_like_audio
from earwitness.api.datasets.tables.table_columns import (
    Column,
    Plan,
    array_field,
    bytes_field,
    is_list,
    is_map,
    kind_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LONGEST_LIST: Final = 1_000
_MOST_CHANNELS: Final = 64
_LONGEST_TIME: Final = 32
"""Bytes of a time that is stored as bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Makes items of the rows of one shard."""

    plan: Plan
    shard: str
    resolver: Resolver
    limits: SourceLimits
    wanted: str | None
    made: RowItems
    """For rows whose audio lies elsewhere, and for what all rows say."""

    def left_out(self, said: set[str]) -> Iterator[Skipped]:
        """The accounts of columns of audio that were not asked for, but of those ``said`` before."""
        for name in (*self.plan.left_out, *self.made.left_out):
            if name not in said:
                said.add(name)
                item_id = f"{self.shard}/{name}"
                yield self._skipped(ColumnNotCompared(name=item_id), item_id)

    def items(self, batch: Any, *, first_row: int) -> Iterator[SourceItem | Skipped]:
        """The items of one record batch; ids are ``shard#row``, with the column where there are several."""
        at = _positions(batch)
        for n in range(batch.num_rows):
            number = f"{self.shard}#{first_row + n}"
            row = {c.name: _plain(batch.column(at[c.stored, c.nth])[n]) for c in self.plan.detail_columns}
            if self.plan.held:
                values = [(c, batch.column(at[c.stored, c.nth])[n]) for c in self.plan.held]
                yield from self._holding(values, row, number)
            else:
                yield from self.made.items(row, number, own_id=False)

    def _holding(
        self, values: list[tuple[Column, Any]], row: Mapping[str, Json], number: str
    ) -> Iterator[SourceItem | Skipped]:
        made = self.made
        entry = made.layout.entry(row, own_rate=lambda _: None)
        details = made.details(row, entry)
        parts = [
            (f"{short_id(column.name)}{tail}", column, part)
            for column, value in values
            for tail, part in _parts(value, column)
        ]
        several = sum(column.sure for column in self.plan.held) > 1 or len(parts) > 1
        found: list[SourceItem | Skipped] = []
        for name, column, part in parts:
            item_id = f"{number}/{name}" if several else number
            item = self._value(part, details, column=column, item_id=item_id)
            if item is not None:
                found.append(item)
        beside = [] if self.wanted is not None else list(self._beside(entry.audio, details, number))
        if beside and len(found) == 1 and not several:
            found = [replace(found[0], item_id=f"{number}/{short_id(self.plan.held[0].name)}")]
        yield from [*found, *beside] or made.items(row, number, own_id=False)

    def _beside(
        self, named: tuple[AudioField, ...], details: EntryDetails, number: str
    ) -> Iterator[SourceItem | Skipped]:
        """Files that a row of audio names besides, by a column that says so, and audio in base64."""
        for each in named:
            if not isinstance(each.value, str):
                continue
            item_id = f"{number}/{short_id(each.column)}"
            if begins_as_audio_in_base64(each.value):
                try:
                    audio = base64_audio(each.value, max_bytes=self.limits.item_bytes)
                    if audio is not None:
                        yield item_of_bytes(audio, item_id=item_id, path=self.shard, details=details)
                except ItemRefused as error:
                    yield self._skipped(error, item_id)
            elif named_like_audio(each.column):
                item = item_of_path(
                    each.value, item_id=item_id, resolver=self.resolver, limits=self.limits, details=details
                )
                if isinstance(item, SourceItem):
                    yield item

    def _value(
        self, value: Any, details: EntryDetails, *, column: Column, item_id: str
    ) -> SourceItem | Skipped | None:
        """The item of one value; None where it holds nothing that is audio."""
        try:
            return self._of(value, details, sure=column.sure, item_id=item_id)
        except ItemRefused as error:
            return self._skipped(error, item_id)

    def _of(
        self, value: Any, details: EntryDetails, *, sure: bool, item_id: str
    ) -> SourceItem | Skipped | None:
        kind = kind_of(value.type)
        if kind == "bytes":
            return self._of_bytes(value.as_buffer(), self.shard, details, sure=sure, item_id=item_id)
        if kind == "array":
            rate = stated_rate(details.metadata)
            return self._of_array(value, rate, self.shard, details, item_id=item_id)
        if kind == "text":
            return self._of_text(_plain(value), details, item_id=item_id)
        fields = {name.lower(): value[name] for name in (field.name for field in value.type)}
        kinds = {name: kind_of(each.type) for name, each in fields.items()}
        path = _plain(fields["path"]) if "path" in fields else None
        path = path if isinstance(path, str) and path else None
        shown = label(path[:LONGEST_NAME]) if path else self.shard
        held, array = bytes_field(kinds), array_field(kinds)
        if held is not None and (inner := _inner(fields[held])) is not None:
            return self._of_bytes(inner.as_buffer(), shown, details, sure=True, item_id=item_id)
        if array is not None and (inner := _inner(fields[array])) is not None:
            rate = stated_rate({name: _plain(each) for name, each in fields.items() if name != array})
            return self._of_array(
                inner, rate or stated_rate(details.metadata), shown, details, item_id=item_id
            )
        return None if path is None else self._of_text(path, details, item_id=item_id)

    def _of_bytes(
        self, stored: Any, path: str, details: EntryDetails, *, sure: bool, item_id: str
    ) -> SourceItem | None:
        if stored.size > self.limits.item_bytes:
            raise ItemTooLarge(name=item_id, detail=f"{stored.size:,} bytes")
        head = stored.slice(0, min(stored.size, HEAD_BYTES)).to_pybytes()
        if not looks_like_audio(head) and begins_as_audio_in_base64(head.decode("latin-1")):
            return self._of_base64(stored.to_pybytes(), path, details, item_id=item_id)
        if not sure and not looks_like_audio(head):
            return None
        return item_of_bytes(stored.to_pybytes(), item_id=item_id, path=path, details=details)

    def _of_base64(self, text: bytes, path: str, details: EntryDetails, *, item_id: str) -> SourceItem:
        audio = base64_audio(text.decode("latin-1"), max_bytes=self.limits.item_bytes)
        if audio is None:
            raise BadEntry(name=item_id, detail="its bytes are damaged base64")
        return item_of_bytes(audio, item_id=item_id, path=path, details=details)

    def _of_text(self, text: Json, details: EntryDetails, *, item_id: str) -> SourceItem | Skipped | None:
        if not isinstance(text, str) or not text.strip():
            return None
        audio = base64_audio(text, max_bytes=self.limits.item_bytes)
        if audio is not None:
            return item_of_bytes(audio, item_id=item_id, path=self.shard, details=details)
        return item_of_path(
            text, item_id=item_id, resolver=self.resolver, limits=self.limits, details=details
        )

    def _of_array(
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
    found = {}
    for position, name in enumerate(batch.schema.names):
        nth = seen[name] = seen.get(name, -1) + 1
        found[name, nth] = position
    return found


def _inner(scalar: Any) -> Any:
    """The value itself of a dictionary's or an extension's scalar; None where there is none."""
    import pyarrow as pa

    while (
        scalar is not None
        and scalar.is_valid
        and isinstance(scalar, pa.DictionaryScalar | pa.ExtensionScalar)
    ):
        scalar = scalar.value
    return scalar if scalar is not None and scalar.is_valid else None


def _parts(scalar: Any, column: Column) -> Iterator[tuple[str, Any]]:
    """The values of one cell: itself, or those of its list, each with what is added to its name."""
    value = _inner(scalar)
    if value is None:
        return
    for tail, held in _within(value, column.inside):
        if not column.kind.startswith("list of"):
            yield tail, held
            continue
        for n in range(len(held.values)):
            inner = _inner(held.values[n])
            if inner is not None:
                yield f"{tail}/{n}" if len(held.values) > 1 else tail, inner


def _within(value: Any, inside: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """What lies in the fields of these names, one in another; of all elements where a list comes between."""
    if not inside:
        yield "", value
    elif is_list(value.type) or is_map(value.type):
        for n in range(len(value.values)):
            if (inner := _inner(value.values[n])) is not None:
                for tail, held in _within(inner, inside):
                    yield f"/{n}{tail}", held
    elif (inner := _inner(value[inside[0]])) is not None:
        yield from _within(inner, inside[1:])


def _samples(values: Any, *, item_id: str, max_samples: int) -> NDArray[Any]:
    """The numbers of an Arrow array, or of an array of one list for each channel or frame."""
    if len(values) > max_samples:
        raise ItemTooLarge(name=item_id, detail=f"{len(values):,} samples")
    if kind_of(values.type) != "array":
        found: NDArray[Any] = values.to_numpy(zero_copy_only=False)
        return found
    flat = values.flatten()
    if len(flat) > max_samples:
        raise ItemTooLarge(name=item_id, detail=f"{len(flat):,} samples")
    if not len(values) or len(flat) % len(values) or flat.null_count or kind_of(flat.type) == "array":
        raise BadEntry(name=item_id, detail="its channels are not of one length")
    return np.asarray(flat.to_numpy(zero_copy_only=False)).reshape(len(values), -1)


def _plain(scalar: Any) -> Json:
    """A scalar as JSON; what JSON cannot hold is null."""
    try:
        return _json(scalar.as_py(), depth=0)
    except (UnicodeDecodeError, ValueError, OverflowError, ArithmeticError):
        return None


def _json(value: Any, *, depth: int) -> Json:
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, float | decimal.Decimal):
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
