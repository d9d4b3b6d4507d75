"""The evidence "the same file" about one item, and its sentences; apart from the comparison by sound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

NAMED: Final = 5
"""Datasets that a sentence names; others are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SameFile:
    """A known dataset that lists a file with the item's bytes; no sound was compared for this.

    Attributes
    ----------
    dataset, version : str
        The dataset's name and version.
    card : str
        Id of its card (``earwitness shelf ID``).
    digest : str
        Kind of the digest that is the same: ``md5``, ``sha1`` or ``sha256``.
    paths : tuple of str
        Paths of such files in the dataset, five at most; names for people, never opened.
    n_paths, n_files : int
        Number of such files, and of all files of the dataset that are listed.
    listed_by : str
        The publication or pack that the list is from.
    """

    dataset: str
    version: str
    card: str
    digest: str
    paths: tuple[str, ...]
    n_paths: int
    n_files: int
    listed_by: str


def same_file_sentences(found: Sequence[SameFile]) -> Sequence[str]:
    """Return at most one sentence: which known datasets list the same file."""
    if not found:
        return []
    more = f", and in {len(found) - NAMED:,} more datasets" if len(found) > NAMED else ""
    where = ", ".join(
        f"{each.dataset} ({each.n_paths:,} of {each.n_files:,} files)" for each in found[:NAMED]
    )
    return [f"The same file is listed in {where}{more}."]


def listed_files(counts: Mapping[str, int]) -> Sequence[str]:
    """Return at most one sentence: how many items are files that known datasets list, by dataset."""
    if not counts:
        return []
    return [f"By their bytes, items are listed files of known datasets: {by_dataset(counts, 'of')}."]


def by_dataset(counts: Mapping[str, int], preposition: str) -> str:
    """Return numbers of items by dataset as a phrase, the largest first: ``3 of FSD50K, 2 of ESC-50``."""
    largest = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    where = ", ".join(f"{number:,} {preposition} {name}" for name, number in largest[:NAMED])
    more = len(largest) - NAMED
    return f"{where}, and {preposition} {more:,} more datasets" if more > 0 else where
