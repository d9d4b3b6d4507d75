"""Streams that keep their word: caps on what comes out, and our errors in place of a library's."""

from __future__ import annotations

import io
import lzma
import struct
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO, Protocol
from zipfile import BadZipFile

from earwitness.api.datasets.item_errors import Bomb, ItemTooLarge, ItemUnreadable
from earwitness.api.datasets.names import label
from earwitness.fingerprint.errors import EarwitnessError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from earwitness.api.datasets.items import SourceLimits

BLOCK_BYTES = 1 << 18
# what unpacking hostile bytes raises in the standard library; RuntimeError is zipfile's for a wrong password
UNPACK_ERRORS = (
    OSError, EOFError, BadZipFile, zlib.error, lzma.LZMAError, struct.error, NotImplementedError,
    RuntimeError, ValueError,
)  # fmt: skip


class Readable(Protocol):
    """Anything that gives bytes when asked for up to ``n`` of them; empty at the end."""

    def read(self, n: int, /) -> bytes:
        """Give up to ``n`` bytes."""


class ItemStream(io.RawIOBase):
    """The bytes of one item, read to the end or to an `ItemRefused`, never to a library's exception.

    Parameters
    ----------
    size : int or None
        What the format states; an end before that is an error, not an end.
    """

    def __init__(self, source: Readable, *, name: str, max_bytes: int, size: int | None = None) -> None:
        self._source, self._name, self._left = source, name, max_bytes
        self._max_bytes, self._missing = max_bytes, size or 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill ``buffer`` as far as one read of the source goes."""
        view = memoryview(buffer).cast("B")
        try:
            data = self._source.read(len(view))
        except EarwitnessError:
            raise
        except UNPACK_ERRORS as error:
            raise ItemUnreadable(name=self._name, detail=reason(error)) from error
        self._left -= len(data)
        self._missing -= len(data)
        if not data and len(view) and self._missing > 0:
            raise ItemUnreadable(name=self._name, detail=f"it ends {self._missing:,} bytes early")
        if self._left < 0:
            raise ItemTooLarge(name=self._name, detail=f"more than {self._max_bytes:,} bytes")
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the source too."""
        if not self.closed and callable(close := getattr(self._source, "close", None)):
            close()
        super().close()


def item_stream(source: Readable, *, name: str, max_bytes: int, size: int | None = None) -> BinaryIO:
    """Open an item's bytes for reading, capped, in blocks."""
    return io.BufferedReader(ItemStream(source, name=name, max_bytes=max_bytes, size=size), BLOCK_BYTES)


def lazily(
    opened: Callable[[], Readable], *, name: str, max_bytes: int, size: int | None = None
) -> Callable[[], BinaryIO]:
    """Make an item's ``open``: nothing is opened before it is called; failing to is the item's own error."""

    def opening() -> BinaryIO:
        try:
            return item_stream(opened(), name=name, max_bytes=max_bytes, size=size)
        except UNPACK_ERRORS as error:
            raise ItemUnreadable(name=name, detail=reason(error)) from error

    return opening


def reason(error: BaseException) -> str:
    """What a library's exception says, in one printable line."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return label(" ".join(str(text).split()))[:200]


class Counted:
    """Passes bytes on and counts them."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self.n_bytes = 0

    def read(self, n: int = -1, /) -> bytes:
        """Give up to ``n`` bytes."""
        data = self._source.read(n)
        self.n_bytes += len(data)
        return data

    def close(self) -> None:
        """Close the source."""
        if callable(close := getattr(self._source, "close", None)):
            close()


class Unpacked:
    """An unpacked stream that gives up when far more comes out than went in.

    Parameters
    ----------
    packed : Counted
        The stored bytes, as the unpacker reads them.
    plain : Readable
        The unpacker over ``packed``.

    Attributes
    ----------
    spare_bytes : int
        Unpacked bytes that may come out beyond what the ratio allows.
    """

    def __init__(self, *, packed: Counted, plain: Readable, name: str, limits: SourceLimits) -> None:
        self._packed, self._plain, self._name, self._limits = packed, plain, name, limits
        self.n_bytes = 0
        self.spare_bytes = 0
        self._began = (0, 0)

    def begin(self) -> None:
        """Count from here for `bomb`."""
        self._began = (self.n_bytes, self._packed.n_bytes)

    def bomb(self) -> str | None:
        """What shows that the bytes since `begin` are far more than were stored for them; None when not."""
        n_bytes, packed = self.n_bytes - self._began[0], self._packed.n_bytes - self._began[1]
        if n_bytes - self._limits.ratio_free_bytes <= self._limits.ratio * packed:
            return None
        return f"{packed:,} bytes gave {n_bytes:,} and more"

    def read(self, n: int, /) -> bytes:
        """Give up to ``n`` bytes; `Bomb` when ratio or total exceed their caps, `OSError` when damaged."""
        try:
            data = self._plain.read(min(n, BLOCK_BYTES))
        except UNPACK_ERRORS as error:
            raise OSError(reason(error)) from error
        self.n_bytes += len(data)
        over = self.n_bytes - self._limits.ratio_free_bytes - self.spare_bytes
        if self.n_bytes > self._limits.total_bytes or over > self._limits.ratio * self._packed.n_bytes:
            raise Bomb(
                name=self._name, detail=f"{self._packed.n_bytes:,} bytes gave {self.n_bytes:,} and more"
            )
        return data

    def close(self) -> None:
        """Close the stored bytes."""
        self._packed.close()
