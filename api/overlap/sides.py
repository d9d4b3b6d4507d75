"""The sets that are compared: an indexed dataset, a source, or the splits of one source."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from earwitness.api.datasets.items import Reader, Skipped, SourceItem
from earwitness.api.overlap.overlap_errors import NoSuchSplit, OneSplit
from earwitness.index.database.records import Collection

NO_SPLIT: Final = "(none)"
UNREAD: Final = "(not readable)"
"""What items without a split are counted under."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One set of a comparison.

    Attributes
    ----------
    name : str
        Its name for people and in outputs.
    reader : Reader or None
        Its audio; None for an indexed dataset, of which fingerprints are stored.
    dataset : Collection or None
        The dataset, where it is one that is indexed.
    """

    name: str
    reader: Reader | None = None
    dataset: Collection | None = None


class SplitReader:
    """The items of a source that belong to one split.

    Attributes
    ----------
    format : str
    shards : tuple of str
    passed_over : mapping of str to int
        As those of the whole source.
    total : int or None
        Number of items of this split.
    """

    def __init__(self, reader: Reader, split: str, chosen: Mapping[str, str], n_items: int) -> None:
        self._reader, self._split, self._chosen = reader, split, chosen
        self.format, self.shards, self.total = reader.format, reader.shards, n_items

    @property
    def passed_over(self) -> Mapping[str, int]:
        """Files of the last iteration that are no items: how many of each kind."""
        return self._reader.passed_over

    def __iter__(self) -> Iterator[SourceItem | Skipped]:
        return (item for item in self._reader if self._chosen.get(item.item_id) == self._split)


@dataclass(slots=True, kw_only=True)
class Splits:
    """The splits of a source, from one pass over its items.

    Attributes
    ----------
    sides : list of Side
    unassigned : Counter
        Items that belong to none of the splits that are compared, by the value that they have instead.
    """

    sides: list[Side] = field(default_factory=list)
    unassigned: Counter[str] = field(default_factory=Counter)


def splits_of(reader: Reader, *, column: str | None, names: Sequence[str]) -> Splits:
    """Divide a source into its splits.

    Parameters
    ----------
    column
        Column of a table or manifest that holds the split; None divides by folders and file names.
    names
        The splits that are compared, in this order; with a column, all of its values if empty.

    Raises
    ------
    NoSuchSplit
        When a split has no item.
    OneSplit
        When there are fewer than two.
    """
    chosen, splits = dict[str, str](), Splits()
    for item in reader:
        split = _in_column(item, column) if column else _in_path(item.item_id, names)
        if split is None or (names and split not in names):
            splits.unassigned[UNREAD if isinstance(item, Skipped) and not split else split or NO_SPLIT] += 1
        else:
            chosen[item.item_id] = split
    counts = Counter(chosen.values())
    wanted = list(names) or sorted(counts)
    for name in wanted:
        if not counts[name]:
            raise NoSuchSplit(name=name, known=tuple(sorted(counts | splits.unassigned)))
        side_reader = SplitReader(reader, name, chosen, counts[name])
        splits.sides.append(Side(name=name, reader=side_reader))
    if len(splits.sides) < 2:
        raise OneSplit(names=tuple(wanted))
    return splits


def _in_column(item: SourceItem | Skipped, column: str) -> str | None:
    value = item.metadata.get(column) if isinstance(item, SourceItem) else None
    return None if value is None else str(value)


def _in_path(item_id: str, names: Iterable[str]) -> str | None:
    """Return the split that a folder or the beginning of a file's name states, as in ``train-00.tar``."""
    for part in item_id.split("/"):
        fitting = [name for name in names if re.match(rf"{re.escape(name)}(?![A-Za-z0-9])", part)]
        if fitting:
            return max(fitting, key=len)
    return None
