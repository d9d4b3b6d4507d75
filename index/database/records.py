"""The types that go into the store and come out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.types import Fingerprint


class CollectionKind(StrEnum):
    """What a collection's items are."""

    WORKS = "works"
    """What creators registered; a tenant has one such collection, named "works"."""
    DATASET = "dataset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """A named, versioned set of items, as it was when the epoch was opened.

    Attributes
    ----------
    indexed_at : str
        When it last changed, ISO 8601, UTC.
    n_items : int
        Items with a fingerprint; ``n_unreadable`` items more have an error instead.
    n_codes : int
        Codes that a search of this collection looks through.
    complete : bool
        False while (or because) indexing was cut off: it may hold less than its source.
    changed_epoch : int
        The epoch in which its content last changed.
    n_recordings : int
        Different recordings that its items name.
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
    """Why an item has no fingerprint, in an error's own words."""

    code: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRow:
    """One place where a recording lies, or one that could not be read (then ``failure`` says why)."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Thumbnail:
    """The small spectrogram that works keep, for evidence.

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


def storable(text: str) -> str:
    """Return a text as every database takes it: lone surrogates and NUL are written out as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\x00", "\\x00")


def storable_json(value: object) -> object:
    """Return a JSON value whose texts are all `storable`, however deep they lie."""
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

    With a fingerprint it becomes findable; with a failure it is remembered as unreadable; with neither, its
    audio must be known to the store already, by its sha256. Texts are kept as `storable` writes them.

    Attributes
    ----------
    sha256 : str or None
        Of the item's bytes, in hexadecimal; None where no bytes could be had.
    start_s, end_s : float or None
        The part of the file that the item is, where a manifest cuts files into parts.
    """

    path: str
    sha256: str | None
    fingerprint: Fingerprint | None = None
    failure: Failure | None = None
    size_bytes: int | None = None
    title: str | None = None
    owner: str | None = None
    isrc: str | None = None
    start_s: float | None = None
    end_s: float | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    thumbnail: Thumbnail | None = None

    def __post_init__(self) -> None:
        if self.fingerprint is not None and self.failure is not None:
            raise ValueError(f"{self.path} has a fingerprint and a failure")
        if self.sha256 is None and self.failure is None:
            raise ValueError(f"{self.path} has neither bytes nor a failure")
        for name in ("path", "title", "owner", "isrc"):
            text = getattr(self, name)
            if text is not None:
                object.__setattr__(self, name, storable(text))

    @property
    def audio_key(self) -> str:
        """Names the audio: the same bytes, and the same part of them, are the same recording."""
        if self.start_s is None and self.end_s is None:
            return self.sha256 or ""
        return f"{self.sha256}@{self.start_s or 0.0:.3f}-{'' if self.end_s is None else f'{self.end_s:.3f}'}"


class AddStatus(StrEnum):
    """What became of one item that was to be added."""

    ADDED = "added"
    EXISTING = "existing"
    """The same audio at the same place (for works: of the same owner) is stored; nothing was written."""
    READ_AT_LAST = "read_at_last"
    """An item stored as unreadable has a fingerprint now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What became of one item; ``known_audio`` tells whether the store had a fingerprint of it before."""

    item: int
    recording: int | None
    status: AddStatus
    known_audio: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """What a removal took away: items, and recordings that no other item shares."""

    n_items: int
    n_recordings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that `verify` found wrong, where, and the way out."""

    where: str
    what: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardFile:
    """What the manifest says of one shard file."""

    file: str
    sha256: str
    size_bytes: int
    n_codes: int
