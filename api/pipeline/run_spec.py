"""What is done with every item of a run (`RunSpec`), and its outcome (`ItemResult`).

Both travel between processes. Nothing here computes, so a parent process that only hands out items loads no
numeric library.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from earwitness.api.datasets.items import Skipped
from earwitness.api.findings import (
    Finding,
    FindingCollection,
    FindingError,
    FindingItem,
    FindingSearch,
)
from earwitness.api.settings import Settings
from earwitness.api.shelf.names_evidence import NamedIn
from earwitness.api.shelf.same_file_evidence import SameFile
from earwitness.fingerprint.types import NO_TAGS, Tags
from earwitness.index.database.records import Collection, Failure, ItemRow, NewItem
from earwitness.index.match import Effort, Verdict
from earwitness.index.matching.effort import EFFORT_PROFILES

if TYPE_CHECKING:
    from earwitness.api.evidence.picture_types import MatchPicture  # loads NumPy


class LibraryView(Protocol):
    """What a `RunSpec` needs of a library: an open `Library`, or a `HomeSummary`."""

    @property
    def scheme(self) -> str:
        """The scheme of its fingerprints."""

    @property
    def epoch(self) -> int:
        """The number of its last change."""

    @property
    def collections(self) -> tuple[Collection, ...]:
        """Its collections."""

    def state_digest(self, collections: Sequence[int]) -> str:
        """Digest of the state of these collections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """What is done with every item of a run; the same for all of its workers.

    Attributes
    ----------
    collections : tuple of int
        Ids of the collections that are searched for each item; if empty, items are only fingerprinted.
    state_digest : str
        `Library.state_digest` of those collections. A worker that finds another digest does not start, so all
        workers search the same state.
    search : FindingSearch or None
        The search as findings describe it; None where nothing is searched.
    into : int or None
        Collection that the items are stored in. Items that it holds are not decoded again.
    as_works : bool
        Items are stored as works: they must be fit as references, and a thumbnail is stored.
    with_copies : bool
        Items are stored with changed copies, as works are.
    among_themselves : bool
        The items are searched for in a collection that holds each of them.
    reuses_findings : bool
        Findings of earlier runs may be used.
    with_pictures : bool
        What is drawn of the matches is returned, too.
    """

    settings: Settings
    effort: Effort
    collections: tuple[int, ...]
    state_digest: str
    search: FindingSearch | None
    into: int | None = None
    as_works: bool = False
    with_copies: bool = False
    among_themselves: bool = False
    reuses_findings: bool = False
    with_pictures: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemResult:
    """The outcome of one item.

    Attributes
    ----------
    key : str or None
        Key of its audio (see `audio_key`); None where its bytes could not be read.
    error : FindingError or None
        Why it could not be decoded, or not to its end, or is not fit as a work.
    finding : Finding or None
        None where nothing was searched.
    fresh : bool
        The finding was computed in this run, from audio without an error: it may be stored for later runs.
    new : NewItem or None
        What is to be stored, if anything.
    existing : ItemRow or None
        The collection holds this item already; in the registry, this audio.
    tags : Tags
        Tags of the file, where items are stored as works.
    same_file : tuple of SameFile
        Known datasets that list a file with its bytes, also where nothing was searched by sound.
    names : tuple of NamedIn
        Known datasets that name it.
    pictures : tuple of MatchPicture
        What is drawn of its matches, where that was requested.
    """

    item: FindingItem
    key: str | None = None
    error: FindingError | None = None
    finding: Finding | None = None
    fresh: bool = False
    new: NewItem | None = None
    existing: ItemRow | None = None
    tags: Tags = NO_TAGS
    same_file: tuple[SameFile, ...] = ()
    names: tuple[NamedIn, ...] = ()
    pictures: tuple[MatchPicture, ...] = ()


def search_scope(library: LibraryView, *, collections: Sequence[int], effort: Effort) -> FindingSearch:
    """Describe what a search of these collections at this effort covers."""
    profile = EFFORT_PROFILES[effort]
    return FindingSearch(
        collections=tuple(
            FindingCollection(name=c.name, version=c.version, indexed_at=c.indexed_at, items=c.n_items)
            for c in library.collections
            if c.id in set(collections)
        ),
        effort=effort,
        speed=profile.speed,
        pitch_cents=profile.pitch_cents,
        tempo=profile.tempo,
        scheme=library.scheme,
        epoch=library.epoch,
    )


def refused_result(spec: RunSpec, skipped: Skipped) -> ItemResult:
    """Return the result of an item that its reader refused."""
    item = FindingItem(id=skipped.item_id, path=skipped.path, sha256=None, duration_s=None)
    error = FindingError(code=skipped.code, message=skipped.message, hint=skipped.hint)
    finding, new = None, None
    if spec.search is not None:
        unread = Verdict.NOT_READABLE
        finding = Finding(item=item, verdict=unread, error=error, search=spec.search, matches=())
    if spec.into is not None and not spec.as_works:
        new = NewItem(path=skipped.item_id, sha256=None, failure=stored_failure(error))
    return ItemResult(item=item, error=error, finding=finding, new=new)


def stored_failure(error: FindingError) -> Failure:
    """Convert an error into the record that the store keeps."""
    return Failure(code=error.code, message=error.message, hint=error.hint)
