"""Streams with limits on what they return, which raise `ItemRefused` in place of a library's exceptions."""

from __future__ import annotations

import io
import lzma
import struct
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO, Protocol
from zipfile import BadZipFile

from earwitness.api.datasets.item_errors import Bomb, ItemTooLarge, ItemUnreadable
from earwitness.api.datasets.items import SourceLimits
from earwitness.api.datasets.names import label
from earwitness.fingerprint.errors import EarwitnessError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BLOCK_BYTES = 1 << 18
# raised by the standard library for hostile bytes; RuntimeError is zipfile's for a wrong password
UNPACK_ERRORS = (
    OSError, EOFError, BadZipFile, zlib.error, lzma.LZMAError, struct.error, NotImplementedError,
    RuntimeError, ValueError,
)  # fmt: skip


class Readable(Protocol):
    """Anything with a ``read`` that returns empty bytes at the end."""

    def read(self, n: int, /) -> bytes:
        """Read up to ``n`` bytes."""


class ItemStream(io.RawIOBase):
    """The bytes of one item, read to the end or to an `ItemRefused`, never to a library's exception.

    Parameters
    ----------
    size : int or None
        Bytes that the format states; an earlier end is an error.
    """

    def __init__(self, source: Readable, *, name: str, max_bytes: int, size: int | None = None) -> None:
        self._source, self._name, self._left = source, name, max_bytes
        self._max_bytes, self._missing = max_bytes, size or 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill ``buffer`` from one read of the source."""
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
    """Open an item's bytes for reading in blocks, at most ``max_bytes``."""
    return io.BufferedReader(ItemStream(source, name=name, max_bytes=max_bytes, size=size), BLOCK_BYTES)


def lazily(
    open_source: Callable[[], Readable], *, name: str, max_bytes: int, size: int | None = None
) -> Callable[[], BinaryIO]:
    """Make an item's ``open``: it opens the source when it is called; a failure is the item's error."""

    def open_item() -> BinaryIO:
        try:
            return item_stream(open_source(), name=name, max_bytes=max_bytes, size=size)
        except UNPACK_ERRORS as error:
            raise ItemUnreadable(name=name, detail=reason(error)) from error

    return open_item


def reason(error: BaseException) -> str:
    """The message of a library's exception in one printable line."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return label(" ".join(str(text).split()))[:200]


class Counted:
    """A stream that counts the bytes read from it."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self.n_bytes = 0

    def read(self, n: int = -1, /) -> bytes:
        """Read up to ``n`` bytes."""
        data = self._source.read(n)
        self.n_bytes += len(data)
        return data

    def close(self) -> None:
        """Close the source."""
        if callable(close := getattr(self._source, "close", None)):
            close()


class Unpacked:
    """An unpacked stream that ends with an error when the ratio of unpacked to packed bytes is too high.

    Parameters
    ----------
    packed : Counted
        The stored bytes, as the unpacker reads them.
    plain : Readable
        The unpacker over ``packed``.

    Attributes
    ----------
    spare_bytes : int
        Unpacked bytes allowed beyond the ratio.
    """

    def __init__(self, *, packed: Counted, plain: Readable, name: str, limits: SourceLimits) -> None:
        self._packed, self._plain, self._name, self._limits = packed, plain, name, limits
        self.n_bytes = 0
        self.spare_bytes = 0
        self._began = (0, 0)

    def begin(self) -> None:
        """Start the count of `bomb` here."""
        self._began = (self.n_bytes, self._packed.n_bytes)

    def bomb(self) -> str | None:
        """State how the bytes since `begin` exceed the ratio; None when they do not."""
        n_bytes, packed = self.n_bytes - self._began[0], self._packed.n_bytes - self._began[1]
        if n_bytes - self._limits.ratio_free_bytes <= self._limits.ratio * packed:
            return None
        return f"{packed:,} bytes gave {n_bytes:,} and more"

    def read(self, n: int, /) -> bytes:
        """Read up to ``n`` bytes; `Bomb` when ratio or total exceed their limits, `OSError` when damaged."""
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
