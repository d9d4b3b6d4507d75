"""What is to be done with every item of a run, and what became of one; both travel between processes.

Nothing here computes: the process that only hands items out imports no numeric library for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from earwitness.api.datasets.items import Skipped
from earwitness.api.findings import Finding, FindingCollection, FindingError, FindingItem, FindingSearch
from earwitness.api.settings import Settings
from earwitness.index.database.records import Collection, Failure, ItemRow, NewItem
from earwitness.index.match import Effort, Verdict
from earwitness.index.matching.effort import EFFORT_PROFILES


class LibraryView(Protocol):
    """What an order says of a library: an open one, or only its contents."""

    @property
    def scheme(self) -> str:
        """The scheme of its fingerprints."""

    @property
    def epoch(self) -> int:
        """The number of its last change."""

    @property
    def collections(self) -> tuple[Collection, ...]:
        """What it holds."""

    def state_digest(self, collections: Sequence[int]) -> str:
        """A name for the state of these collections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """What is to be done with every item of a run; the same for all of its workers.

    Attributes
    ----------
    asked : tuple of int
        Collections that each item is looked up in; without any, it is only fingerprinted.
    state_digest : str
        `Library.state_digest` of those, so that no worker asks another library than the rest.
    search : FindingSearch or None
        What findings say was searched; None where nothing is.
    into : int or None
        Collection that the items go into: what lies there is not decoded again, the rest is fingerprinted.
    remembers : bool
        Findings of earlier runs may be used.
    as_works : bool
        Items go into the registry: they must be fit for it, and keep a small spectrogram.
    """

    settings: Settings
    effort: Effort
    asked: tuple[int, ...]
    state_digest: str
    search: FindingSearch | None
    into: int | None = None
    as_works: bool = False
    remembers: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemResult:
    """What became of one item.

    Attributes
    ----------
    key : str or None
        Names its audio (see `audio_key`); None where no bytes could be had.
    error : FindingError or None
        Why it could not be heard, or not to its end, or is not fit to be a work.
    finding : Finding or None
        None where nothing was asked.
    fresh : bool
        The finding was worked out now, of audio without fault: it may be remembered.
    new : NewItem or None
        What is to be stored, where something is.
    existing : ItemRow or None
        The collection holds this item already; of works, this audio.
    """

    said: FindingItem
    key: str | None = None
    error: FindingError | None = None
    finding: Finding | None = None
    fresh: bool = False
    new: NewItem | None = None
    existing: ItemRow | None = None


def searched(library: LibraryView, *, collections: Sequence[int], effort: Effort) -> FindingSearch:
    """Say what a search of these collections covers."""
    profile = EFFORT_PROFILES[effort]
    asked = [each for each in library.collections if each.id in set(collections)]
    return FindingSearch(
        collections=tuple(
            FindingCollection(name=c.name, version=c.version, indexed_at=c.indexed_at, items=c.n_items)
            for c in asked
        ),
        effort=effort,
        speed=profile.speed,
        pitch_cents=profile.pitch_cents,
        tempo=profile.tempo,
        scheme=library.scheme,
        epoch=library.epoch,
    )


def not_decoded(skipped: Skipped, search: FindingSearch) -> Finding:
    """Account for an item that its reader would not hand out."""
    return Finding(
        item=FindingItem(id=skipped.item_id, path=skipped.path, sha256=None, duration_s=None),
        verdict=Verdict.NOT_READABLE,
        error=FindingError(code=skipped.code, message=skipped.message, hint=skipped.hint),
        search=search,
        matches=(),
    )


def refusal(order: RunSpec, skipped: Skipped) -> ItemResult:
    """Account for an item that its reader would not hand out."""
    error = FindingError(code=skipped.code, message=skipped.message, hint=skipped.hint)
    return ItemResult(
        said=FindingItem(id=skipped.item_id, path=skipped.path, sha256=None, duration_s=None),
        error=error,
        finding=None if order.search is None else not_decoded(skipped, order.search),
        new=None
        if order.into is None or order.as_works
        else NewItem(path=skipped.item_id, sha256=None, failure=failure_of(error)),
    )


def failure_of(error: FindingError) -> Failure:
    """Say an error in the store's words."""
    return Failure(code=error.code, message=error.message, hint=error.hint)
