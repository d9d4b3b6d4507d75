"""Merges the refusals of rows without audio: after many in a row, the others become one that counts them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from earwitness.api.datasets.item_errors import BadEntry
from earwitness.api.datasets.items import Skipped, SourceItem

MAX_REPEATED: Final = 10_000
"""Rows of a table without audio, one after another, that are each reported."""


def merge_repeated(
    items: Iterator[SourceItem | Skipped], report_progress: Callable[[], None]
) -> Iterator[SourceItem | Skipped]:
    """Yield the items; of successive refused rows of a table, those after `MAX_REPEATED` become one.

    Parameters
    ----------
    report_progress
        Called for every row that is merged.
    """
    shard: str | None = None
    n_repeated, merged = 0, list[Skipped]()  # the first and the last row that were not yielded
    for item in items:
        if not _is_refused_row(item) or item.shard != shard:
            if merged:
                yield _merge(merged, n_repeated - MAX_REPEATED)
            shard, n_repeated, merged = item.shard, 0, []
        if not _is_refused_row(item):
            yield item
            continue
        n_repeated += 1
        if n_repeated <= MAX_REPEATED:
            yield item
        elif isinstance(item, Skipped):
            merged = [*merged[:1], item]
            report_progress()
    if merged:
        yield _merge(merged, n_repeated - MAX_REPEATED)


def _is_refused_row(item: SourceItem | Skipped) -> bool:
    return isinstance(item, Skipped) and item.shard is not None and item.code == BadEntry.code


def _merge(rows: list[Skipped], number: int) -> Skipped:
    first, last = rows[0], rows[-1]
    return Skipped(
        item_id=first.item_id if number == 1 else f"{first.item_id}..{last.item_id}",
        path=first.path,
        code=first.code,
        message=f"{first.message}; the same holds for {number:,} rows from here to {last.item_id}",
        hint=first.hint,
        shard=first.shard,
    )
