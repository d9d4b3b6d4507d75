"""The items that readers yield: the place and the name of each recording, without its samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, Final, Protocol, TypeAlias, runtime_checkable

from earwitness.fingerprint.errors import EarwitnessError

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

NO_METADATA: Final[Mapping[str, Json]] = {}
NONE_PASSED_OVER: Final[Mapping[str, int]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifiers:
    """Identifiers of a recording in an entry; metadata, never evidence of audio."""

    youtube: str | None = None
    spotify: str | None = None
    isrc: str | None = None
    artist: str | None = None
    title: str | None = None

    def __bool__(self) -> bool:
        return bool(self.youtube or self.spotify or self.isrc or (self.artist and self.title))


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceItem:
    """One item of a source.

    Attributes
    ----------
    item_id : str
        Relative path, member name, ``shard.parquet#row`` or manifest id. Unique in its source; a label, with
        unprintable characters escaped, and never a path to open.
    path : str
        Label of its file, relative to the source.
    size : int or None
        Bytes as stored, where the format states them; a statement, not a promise.
    open : callable or None
        Opens the item's bytes as a sequential, unseekable stream. None in a link list, which has no audio.
        Items of a streamed archive (``sequential`` true) must be read before the next item. Reading raises
        `ItemRefused` subclasses when the bytes cannot be read.
    file : Path or None
        The plain local file with exactly these bytes, where there is one; the decoder opens it.
    start_s, end_s : float or None
        The part of the file that is the item, in seconds; None is the start or end of the file.
    partial : str or None
        Why these bytes are known to be a part of the audio only.
    """

    item_id: str
    path: str
    size: int | None = None
    open: Callable[[], BinaryIO] | None
    file: Path | None = None
    sequential: bool = False
    shard: str | None = None
    start_s: float | None = None
    end_s: float | None = None
    partial: str | None = None
    identifiers: Identifiers | None = None
    metadata: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """One item that is not read, with the reason; it is reported, never left out silently.

    Attributes
    ----------
    cut_off : bool
        True when the source ends early here: items after it could not be listed, and coverage is partial.
    """

    item_id: str
    path: str
    code: str
    message: str
    hint: str
    shard: str | None = None
    cut_off: bool = False

    @staticmethod
    def of(
        error: EarwitnessError, *, item_id: str, path: str | None = None, shard: str | None = None
    ) -> Skipped:
        """Make the report of an item from an error."""
        return Skipped(
            item_id=item_id,
            path=item_id if path is None else path,
            code=error.code,
            message=error.message,
            hint=error.hint,
            shard=shard,
            cut_off=error.code == "source_cut_off",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLimits:
    """Limits above which a source or an item is refused. Bytes unless the name states another unit."""

    item_bytes: int = 2 << 30
    members: int = 5_000_000
    total_bytes: int = 16 << 40
    """Unpacked bytes of one archive."""
    ratio: int = 200
    """Unpacked over stored bytes, after ``ratio_free_bytes``; silent audio has a high ratio, too."""
    ratio_free_bytes: int = 256 << 20
    skipped_bytes: int = 64 << 30
    """Unpacked bytes beyond that ratio that are skipped in a compressed tar, to reach the next members."""
    directory_bytes: int = 512 << 20
    """A zip's central directory, held in memory."""
    header_bytes: int = 1 << 20
    """A tar's extended header; a manifest's line."""
    metadata_bytes: int = 1 << 20
    """JSON beside an item."""
    table_bytes: int = 1 << 30
    """Unpacked audio column of one row group or record batch."""
    json_bytes: int = 64 << 20
    """A manifest that is read into memory (Croissant)."""
    reader_memory_bytes: int = 800 << 20
    """Memory that the process which reads the source may allocate."""
    reader_wall_s: float = 120.0
    """Seconds without progress after which that process is ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Bytes of a manifest, unchanged, and the ids of the items of this entry (none: a header)."""

    text: bytes
    item_ids: tuple[str, ...]


@runtime_checkable
class Reader(Protocol):
    """Lists the items of a source in an order that depends on its content only; decodes nothing.

    Iterating again yields the same items. An item is a file with the name or the first bytes of audio; every
    other file is counted by kind. Archives, tables and files that cannot be opened are items, too (`Skipped`,
    where they are not read): everything that may hold audio is reported.
    """

    @property
    def format(self) -> str:
        """Name of the detected format, as in the output."""

    @property
    def total(self) -> int | None:
        """How many items iteration yields; None where it is not known."""

    @property
    def shards(self) -> tuple[str, ...]:
        """Labels of the files of a sharded source; empty for others."""

    @property
    def passed_over(self) -> Mapping[str, int]:
        """Files of the last iteration that are no items: how many of each kind.

        A kind is the suffix without its dot (``txt``), empty for none; see `file_kinds.kind_of`.
        """

    def __iter__(self) -> Iterator[SourceItem | Skipped]: ...


@runtime_checkable
class Manifest(Protocol):
    """A reader whose source is a list that can be written again with entries left out."""

    def written(self) -> Iterator[Written]:
        """The manifest entry by entry; all entries joined are the file unchanged."""
