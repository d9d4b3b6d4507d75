"""Arrow files, as Hugging Face datasets are saved to disk: mapped, so that only what is asked for is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from api.datasets.places import Place
from api.datasets.resolve import Resolver
from api.datasets.streams import reason
from api.datasets.tables import Rows, audio_column
from api.datasets.tars import cut_off
from api.datasets.types import NONE_PASSED_OVER, Recording, Skipped, SourceLimits
from api.errors import ItemRefused, SourceBroken, SourceCutOff


class ArrowReader:
    """Reads Arrow shards, streamed or with a footer, in order; an item's id is ``shard.arrow#row``."""

    format = "arrow"
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
        """How many rows the shards hold; a shard's break counts as one item."""
        if self._total is None:
            self._total = sum(self._count(place) for place in self._places)
        return self._total

    def _count(self, place: Place) -> int:
        n_rows = 0
        try:
            for batch in _batches(place):
                n_rows += batch.num_rows
        except (ItemRefused, SourceBroken, OSError):
            n_rows += 1
        return n_rows

    def __iter__(self) -> Iterator[Recording | Skipped]:
        for place in self._places:
            try:
                yield from self._shard(place)
            except (ItemRefused, SourceBroken, OSError) as error:
                yield cut_off(error, place=place, item_id=f"{place.name}#rest", shard=place.name)

    def _shard(self, place: Place) -> Iterator[Recording | Skipped]:
        row = 0
        for batch in _batches(place):
            column = audio_column(batch.schema, source=place.name, wanted=self._wanted)
            rows = Rows(column=column, shard=place.name, resolver=self._resolver, limits=self._limits)
            yield from rows.items(batch, first_row=row)
            row += batch.num_rows


def _batches(place: Place) -> Iterator[Any]:
    import pyarrow as pa

    # a mapping checks every stated length against the file before anything is allocated
    source = pa.memory_map(str(place.file)) if place.file is not None else pa.PythonFile(place.open(), "r")  # type: ignore[arg-type]
    with source:
        try:
            reader = _opened(source)
            for batch in reader:
                batch.validate(full=True)
                yield batch
        except (pa.ArrowException, OSError, ValueError) as error:
            raise SourceCutOff(name=place.name, detail=reason(error)) from error


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
