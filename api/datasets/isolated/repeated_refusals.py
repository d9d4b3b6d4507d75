"""Rows that hold nothing: after so many in a row, the rest of them is one account that says how many."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from earwitness.api.datasets.item_errors import BadEntry
from earwitness.api.datasets.items import Skipped, SourceItem

MAX_ALIKE: Final = 10_000
"""Rows of a table without audio, one after another, that are each accounted for."""


def gathered(
    items: Iterator[SourceItem | Skipped], beat: Callable[[], None]
) -> Iterator[SourceItem | Skipped]:
    """Pass items on; of rows of a table that hold nothing, those after the first many become one.

    Parameters
    ----------
    beat
        Called for every row that is not passed on.
    """
    shard: str | None = None
    n_alike, rest = 0, list[Skipped]()  # the first and the last that were kept back
    for item in items:
        if not _holds_nothing(item) or item.shard != shard:
            if rest:
                yield _one_account(rest, n_alike - MAX_ALIKE)
            shard, n_alike, rest = item.shard, 0, []
        if not _holds_nothing(item):
            yield item
            continue
        n_alike += 1
        if n_alike <= MAX_ALIKE:
            yield item
        elif isinstance(item, Skipped):
            rest = [*rest[:1], item]
            beat()
    if rest:
        yield _one_account(rest, n_alike - MAX_ALIKE)


def _holds_nothing(item: SourceItem | Skipped) -> bool:
    return isinstance(item, Skipped) and item.shard is not None and item.code == BadEntry.code


def _one_account(rest: list[Skipped], number: int) -> Skipped:
    first, last = rest[0], rest[-1]
    return Skipped(
        item_id=first.item_id if number == 1 else f"{first.item_id}..{last.item_id}",
        path=first.path,
        code=first.code,
        message=f"{first.message}; so it is with {number:,} rows from here to {last.item_id}",
        hint=first.hint,
        shard=first.shard,
    )
