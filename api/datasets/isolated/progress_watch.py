"""Watches what is read of a source: which file is open, and that something still comes."""

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

BEAT_S: Final = 1.0
NO_ITEMS: Final = ""
"""Names no items."""


def digest_after(digest: str, item_id: str) -> str:
    """Name the items so far and one more, by their ids."""
    return hashlib.sha256(f"{digest} {item_id}".encode("utf-8", "surrogatepass")).hexdigest()


class Watch:
    """Tells the parent which file of the source is opened, and refuses those that a reader died of.

    Parameters
    ----------
    tell
        Sends a message.
    blocked : mapping
        Names of files that are not to be opened, and why.
    """

    def __init__(self, tell: Callable[[Mapping[str, Any]], None], blocked: Mapping[str, str]) -> None:
        self._tell, self._blocked = tell, blocked
        self._beat_at = time.monotonic()
        self._last: str | None = None
        self.announcing = True
        self.n_items = 0
        self.digest = NO_ITEMS

    def over(self, opening: Opening) -> Opening:
        """The same source, with every file of it watched."""
        return replace(
            opening,
            places=[self.place(place) for place in opening.places],
            listing=self._listing(opening.listing),
            resolver=GuardedResolver(inner=opening.resolver, around=self.steady),
        )

    def place(self, place: Location) -> Location:
        """A file that says so when it is opened."""

        def opened() -> BinaryIO:
            self._announce(place.name)
            return self.stream(place.open())

        return replace(place, open=opened)

    def steady(self, place: Location) -> Location:
        """A file of which only the reading counts, such as an item of a manifest."""
        return replace(place, open=lambda: self.stream(place.open()))

    def stream(self, stream: BinaryIO) -> BinaryIO:
        """A stream of which every read counts as progress."""
        return io.BufferedReader(_Watched(stream, self.beat))

    def beat(self) -> None:
        """Say that something still comes, every so often."""
        now = time.monotonic()
        if now - self._beat_at >= BEAT_S:
            self._beat_at = now
            self._tell({"say": "progress"})

    def begin(self) -> None:
        """Count the items from the start."""
        self.n_items, self.digest, self._last, self.announcing = 0, NO_ITEMS, None, True

    def count(self, item_id: str) -> None:
        """Count one item that was handed out."""
        self.n_items += 1
        self.digest = digest_after(self.digest, item_id)
        self.beat()

    def _listing(self, listing: Listing) -> Listing:
        def listed() -> Iterator[Location | Refused]:
            for found in listing():
                self.beat()
                yield self.place(found) if isinstance(found, Location) else found

        return listed

    def _announce(self, name: str) -> None:
        if name in self._blocked:
            raise SourceCutOff(name=name, detail=self._blocked[name])
        if self.announcing and name != self._last:
            self._last = name
            self._tell({"say": "opened", "place": name, "at": self.n_items, "digest": self.digest})


class _Watched(io.RawIOBase):
    """Passes on reads and tells of each."""

    def __init__(self, stream: BinaryIO, beat: Callable[[], None]) -> None:
        self._stream, self._beat = stream, beat

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Where the stream is."""
        return self._stream.seekable()

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to a place."""
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        """Where we are."""
        return self._stream.tell()

    def fileno(self) -> int:
        """The descriptor of a local file."""
        return self._stream.fileno()

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill ``buffer`` as far as one read goes."""
        self._beat()
        view = memoryview(buffer).cast("B")
        data = self._stream.read(len(view))
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the stream too."""
        if not self.closed:
            self._stream.close()
        super().close()
