"""Reports to the parent process which file of a source is opened, and that reading makes progress."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from earwitness.api.datasets.access.locations import Listing, Location, Refused
from earwitness.api.datasets.isolated.guarded_lookup import GuardedResolver
from earwitness.api.datasets.item_errors import SourceCutOff

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from earwitness.api.datasets.open_source import Opening

PROGRESS_S: Final = 1.0
"""Least seconds between two progress messages."""
NO_ITEMS: Final = ""
"""The digest before the first item."""


def digest_after(digest: str, item_id: str) -> str:
    """Extend the digest of the items so far by one more id."""
    return hashlib.sha256(f"{digest} {item_id}".encode("utf-8", "surrogatepass")).hexdigest()


class ProgressWatch:
    """Reports each file that a reader opens, and refuses those over which a reading process died.

    Parameters
    ----------
    send
        Sends a message to the parent process.
    blocked : mapping
        Names of files that are not to be opened, with the reasons.

    Attributes
    ----------
    is_listing : bool
        Whether opened files are reported: while items are listed, not while their bytes are read.
    n_items : int
        Items listed so far.
    digest : str
        See `digest_after`.
    """

    def __init__(self, send: Callable[[Mapping[str, Any]], None], blocked: Mapping[str, str]) -> None:
        self._send, self._blocked = send, blocked
        self._sent_at = time.monotonic()
        self._last: str | None = None
        self.is_listing = True
        self.n_items = 0
        self.digest = NO_ITEMS

    def watch_source(self, opening: Opening) -> Opening:
        """The same source, with every file of it watched."""
        return replace(
            opening,
            places=[self.watch_file(place) for place in opening.places],
            listing=self._watch_listing(opening.listing),
            resolver=GuardedResolver(inner=opening.resolver, wrap=self.watch_reads),
        )

    def watch_file(self, place: Location) -> Location:
        """A file whose opening and reading are reported."""

        def open_watched() -> BinaryIO:
            self._report_file(place.name)
            return self._watch_stream(place.open())

        return replace(place, open=open_watched)

    def watch_reads(self, place: Location) -> Location:
        """A file of which only the reading is reported, such as an item of a manifest."""
        return replace(place, open=lambda: self._watch_stream(place.open()))

    def report_progress(self) -> None:
        """Send a progress message, at most one in `PROGRESS_S`."""
        now = time.monotonic()
        if now - self._sent_at >= PROGRESS_S:
            self._sent_at = now
            self._send({"type": "progress"})

    def restart(self) -> None:
        """Count the items from the start."""
        self.n_items, self.digest, self._last, self.is_listing = 0, NO_ITEMS, None, True

    def count(self, item_id: str) -> None:
        """Count one listed item."""
        self.n_items += 1
        self.digest = digest_after(self.digest, item_id)
        self.report_progress()

    def _watch_stream(self, stream: BinaryIO) -> BinaryIO:
        return io.BufferedReader(_WatchedStream(stream, self.report_progress))

    def _watch_listing(self, listing: Listing) -> Listing:
        def watched() -> Iterator[Location | Refused]:
            for file in listing():
                self.report_progress()
                yield self.watch_file(file) if isinstance(file, Location) else file

        return watched

    def _report_file(self, name: str) -> None:
        if name in self._blocked:
            raise SourceCutOff(name=name, detail=self._blocked[name])
        if self.is_listing and name != self._last:
            self._last = name
            self._send({"type": "opened", "file": name, "at": self.n_items, "digest": self.digest})


class _WatchedStream(io.RawIOBase):
    """A stream that reports each read."""

    def __init__(self, stream: BinaryIO, report_progress: Callable[[], None]) -> None:
        self._stream, self._report_progress = stream, report_progress

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Whether the inner stream is."""
        return self._stream.seekable()

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Move to a position."""
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        """The position."""
        return self._stream.tell()

    def fileno(self) -> int:
        """The descriptor of a local file."""
        return self._stream.fileno()

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill ``buffer`` from one read of the inner stream."""
        self._report_progress()
        view = memoryview(buffer).cast("B")
        data = self._stream.read(len(view))
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the inner stream, too."""
        if not self.closed:
            self._stream.close()
        super().close()
