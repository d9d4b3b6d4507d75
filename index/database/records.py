"""Types of the values that the store reads and writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.types import Fingerprint
from earwitness.index.match import Change

WORKS: Final = "works"
"""Name of the collection of registered works; no dataset may have it."""

TEXTS: Final = ("title", "artist", "album", "owner", "isrc")
"""Fields of an item that describe it to people; each may be None."""


class CollectionKind(StrEnum):
    """Kind of a collection."""

    WORKS = "works"
    """Works that creators registered; a tenant has one such collection, named "works"."""
    DATASET = "dataset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """A snapshot of a named, versioned set of items.

    Attributes
    ----------
    indexed_at : str
        Time of the last change, ISO 8601, UTC.
    n_items : int
        Number of items with a fingerprint; ``n_unreadable`` more items have an error instead.
    n_codes : int
        Number of codes that a search of this collection covers.
    complete : bool
        False while indexing runs or after it was interrupted: the collection may hold less than its source.
    changed_epoch : int
        Epoch of the last change of its content.
    n_recordings : int
        Number of different recordings that its items name.
    """

    id: int
    kind: CollectionKind
    name: str
    version: str
    scheme: str
    indexed_at: str
    n_items: int
    n_unreadable: int
    n_codes: int
    complete: bool
    changed_epoch: int
    n_recordings: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingRow:
    """One stored recording; ``sha256`` is that of the bytes it was decoded from."""

    id: int
    sha256: str
    duration_s: float
    active_s: float
    n_codes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an item has no fingerprint: code, message and hint of an error."""

    code: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRow:
    """One stored item. For an item that could not be read, ``failure`` is its error."""

    id: int
    collection: int
    path: str
    sha256: str | None
    recording: int | None
    failure: Failure | None
    title: str | None
    owner: str | None
    isrc: str | None
    start_s: float | None
    end_s: float | None
    metadata: Mapping[str, object]
    added_at: str
    artist: str | None = None
    album: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thumbnail:
    """The small spectrogram that is stored of works, for evidence.

    Attributes
    ----------
    levels : uint8 array, shape (n_frames, n_bands)
        ``decibels = levels * step_db + lowest_db``.
    frame_s : float
        Seconds from one frame to the next.
    """

    levels: NDArray[np.uint8]
    frame_s: float
    lowest_db: float
    step_db: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedCopies:
    """Codes of a work at other speeds, pitches and tempos: a search recognises by them which changes to undo.

    Attributes
    ----------
    changes : tuple of Change
        The change of each copy.
    codes : tuple of uint8 arrays, shape (n_codes, code_bytes)
        Packed codes of each copy; code ``k`` is at ``k * every`` code hops of the copy.
    every : int
        One of so many codes is kept.
    """

    changes: tuple[Change, ...]
    codes: tuple[NDArray[np.uint8], ...]
    every: int


def storable(text: str) -> str:
    """Replace lone surrogates and NUL, which not every database stores, by escape sequences."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\x00", "\\x00")


def storable_json(value: object) -> object:
    """Apply `storable` to all texts of a JSON value, at any depth."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return {storable(str(key)): storable_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [storable_json(each) for each in value]
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class NewItem:
    """One item to store.

    An item with a fingerprint can be found by a search; one with a failure is stored as unreadable. An item
    with neither must name audio of the store by its sha256. Texts are stored as `storable` returns them.

    Attributes
    ----------
    sha256 : str or None
        Hexadecimal digest of the item's bytes; None when they could not be read.
    start_s, end_s : float or None
        The part of the file that is the item, when a manifest divides files into parts.
    origin : str
        Empty for an item that was decoded here; else a short key of the pack that its fingerprint is from. A
        fingerprint from elsewhere is never taken for that of the same bytes decoded here.
    """

    path: str
    sha256: str | None
    fingerprint: Fingerprint | None = None
    failure: Failure | None = None
    size_bytes: int | None = None
    title: str | None = None
    owner: str | None = None
    isrc: str | None = None
    artist: str | None = None
    album: str | None = None
    start_s: float | None = None
    end_s: float | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    thumbnail: Thumbnail | None = None
    changed_copies: ChangedCopies | None = None
    origin: str = ""

    def __post_init__(self) -> None:
        if self.fingerprint is not None and self.failure is not None:
            raise ValueError(f"{self.path} has a fingerprint and a failure")
        if self.sha256 is None and self.failure is None:
            raise ValueError(f"{self.path} has neither bytes nor a failure")
        for name in ("path", *TEXTS):
            text = getattr(self, name)
            if text is not None:
                object.__setattr__(self, name, storable(text))

    @property
    def audio_key(self) -> str:
        """Key of the recording: the sha256 of the bytes, the part of them that is the item, the origin."""
        key = f"{self.origin}:{self.sha256}" if self.origin else self.sha256
        if self.start_s is None and self.end_s is None:
            return key or ""
        return f"{key}@{self.start_s or 0.0:.3f}-{'' if self.end_s is None else f'{self.end_s:.3f}'}"


class AddStatus(StrEnum):
    """Result of adding one item."""

    ADDED = "added"
    EXISTING = "existing"
    """The same audio at the same path (for works: of the same owner) is stored; nothing is written."""
    READ_AT_LAST = "read_at_last"
    """An item stored as unreadable has a fingerprint now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """An added item; ``known_audio`` is True when the store already had a fingerprint of its audio."""

    item: int
    recording: int | None
    status: AddStatus
    known_audio: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """Number of removed items, and of removed recordings that no other item shares."""

    n_items: int
    n_recordings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A problem that `verify` reports: where it is, what it is, and a hint."""

    where: str
    what: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardFile:
    """One shard file as the catalog describes it."""

    file: str
    sha256: str
    size_bytes: int
    n_codes: int
