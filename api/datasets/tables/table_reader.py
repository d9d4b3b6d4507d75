"""The common part of the readers of Parquet and Arrow: shards in order, each without audio reported."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol

from earwitness.api.datasets.access.locations import Location
from earwitness.api.datasets.archives.tars import cut_off
from earwitness.api.datasets.entries.resolve_path import Resolver
from earwitness.api.datasets.entries.row_items import RowItems
from earwitness.api.datasets.item_errors import ItemRefused, SourceCutOff
from earwitness.api.datasets.items import NONE_PASSED_OVER, Skipped, SourceItem, SourceLimits
from earwitness.api.datasets.manifests.layouts import Layout
from earwitness.api.datasets.source_errors import NoAudioColumn, SourceBroken
from earwitness.api.datasets.tables.table_columns import Plan, plan_of
from earwitness.api.datasets.tables.table_rows import Rows

FEWEST_ROWS: Final = 10_000
"""Rows that are read of a file of any size; of a larger one, as many as it has bytes."""


class Table(Protocol):
    """One shard, opened."""

    @property
    def schema(self) -> Any:
        """Its Arrow schema; None where a shard of no rows has none."""

    def is_empty(self) -> bool:
        """Whether it has no rows at all."""

    def n_rows(self) -> int:
        """How many rows it states or has."""

    def batches(self, plan: Plan) -> Iterator[Any]:
        """Its rows, with the plan's columns at least, a batch at a time."""


class TableReader:
    """Reads shards in the order given; an item's id is ``shard#row``, or ``shard#row/column``.

    Parameters
    ----------
    wanted : str or None
        The one column to compare; by default every column that holds audio.
    declared : sequence of str
        Columns that a description beside the table declares to be audio.
    """

    format: str
    passed_over = NONE_PASSED_OVER

    def __init__(
        self,
        places: Sequence[Location],
        *,
        resolver: Resolver,
        wanted: str | None,
        limits: SourceLimits,
        declared: Sequence[str] = (),
    ) -> None:
        self._places, self._resolver, self._requested, self._limits = tuple(places), resolver, wanted, limits
        self._declared = tuple(declared)
        self._total: int | None = None
        self._counted = False
        self.shards = tuple(place.name for place in places)

    def _opened(self, place: Location) -> AbstractContextManager[Table]:
        """Open one shard; `SourceBroken`, `ItemRefused` or `OSError` where it cannot be read."""
        raise SourceBroken(source=place.name, reason="no reader")

    @property
    def total(self) -> int | None:
        """How many items the shards hold, a break as one; None where rows differ in how many they are."""
        if not self._counted:
            counts = [self._count(place) for place in self._places]
            self._total = None if None in counts else sum(count or 0 for count in counts)
            self._counted = True
        return self._total

    def _count(self, place: Location) -> int | None:
        try:
            with self._opened(place) as table:
                n_rows = table.n_rows()
                if not n_rows:
                    return 0
                plan = self._plan(table, place)
                # the number of columns left out is known only after all shards
                return n_rows if plan.one_item_per_row and not plan.left_out else None
        except (ItemRefused, SourceBroken, NoAudioColumn, OSError):
            return 1

    def _plan(self, table: Table, place: Location) -> Plan:
        return plan_of(table.schema, source=place.name, requested=self._requested, declared=self._declared)

    def __iter__(self) -> Iterator[SourceItem | Skipped]:
        reported: set[str] = set()
        for place in self._places:
            try:
                yield from self._shard(place, reported)
            except NoAudioColumn as error:
                if not self._any_has_audio():
                    raise
                yield Skipped.of(error, item_id=place.name, shard=place.name)
            except (ItemRefused, SourceBroken, OSError) as error:
                yield cut_off(error, place=place, item_id=f"{place.name}#rest", shard=place.name)

    def _shard(self, place: Location, reported: set[str]) -> Iterator[SourceItem | Skipped]:
        with self._opened(place) as table:
            if table.schema is None or table.is_empty():
                return
            plan = self._plan(table, place)
            layout = Layout(name=None, path_column=None if plan.audio_columns else self._requested)
            row_items = RowItems(
                layout=layout,
                source=place.name,
                resolver=self._resolver,
                limits=self._limits,
                shard=place.name,
            )
            rows = Rows(
                plan=plan,
                shard=place.name,
                resolver=self._resolver,
                limits=self._limits,
                requested=self._requested,
                row_items=row_items,
            )
            row, max_rows = 0, most_rows(place)
            for batch in table.batches(plan):
                yield from rows.items(batch.slice(0, max_rows - row), first_row=row)
                row += batch.num_rows
                if row > max_rows:
                    break
            yield from rows.left_out(reported)
            if row > max_rows:
                raise SourceCutOff(name=place.name, detail=_beyond(table.n_rows() - max_rows, place))

    def _any_has_audio(self) -> bool:
        """Whether some shard has a column to compare, so that another without one does not end the job."""
        return any(self._has_audio(place) for place in self._places)

    def _has_audio(self, place: Location) -> bool:
        try:
            with self._opened(place) as table:
                if table.schema is not None:
                    self._plan(table, place)
        except NoAudioColumn:
            return False
        except (ItemRefused, SourceBroken, OSError):
            return True  # it is reported itself
        return len(self._places) > 1


def most_rows(place: Location) -> int:
    """The most rows of a file that are read: no more than its bytes can hold, whatever it states."""
    return 1 << 62 if place.size is None else max(FEWEST_ROWS, place.size)


def _beyond(number: int, place: Location) -> str:
    return f"it states {number:,} more rows than its {place.size or 0:,} bytes can hold; they are not read"
