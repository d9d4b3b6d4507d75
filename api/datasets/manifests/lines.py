"""Lines of a text file, compressed or not and in any usual encoding, each with its bytes as written."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final, NamedTuple, TextIO

from earwitness.api.datasets.access.byte_streams import BLOCK_BYTES, item_stream, reason
from earwitness.api.datasets.access.locations import Location
from earwitness.api.datasets.access.unpack import compression_of, unpacker
from earwitness.api.datasets.item_errors import ItemRefused, SourceCutOff
from earwitness.api.datasets.items import SourceLimits

_HEAD_BYTES: Final = 1 << 16
_HEAD_LINES: Final = 400
_SHOWN: Final = 1 << 12
"""Characters of a line that is too long which are still shown."""


class Line(NamedTuple):
    """One line with its end: text (undecodable bytes as lone surrogates), and bytes as written."""

    text: str
    raw: bytes
    too_long: bool = False


@contextmanager
def plain_bytes(place: Location, limits: SourceLimits) -> Iterator[BinaryIO]:
    """Open a file, unpacked where it is compressed (gzip, bzip2, xz, Zstandard), within the limits."""
    with place.open() as stream:
        head = stream.read(8)
        stream.seek(0)
        compression = compression_of(head)
        if compression is None:
            yield stream
            return
        plain = unpacker(stream, compression=compression, name=place.name, limits=limits)
        yield item_stream(plain, name=place.name, max_bytes=limits.total_bytes)


def encoding_of(head: bytes) -> tuple[str, int]:
    """The encoding of a text file that begins so, and the length of its byte order mark."""
    marks = (
        (b"\xff\xfe\0\0", "utf-32-le"), (b"\0\0\xfe\xff", "utf-32-be"), (b"\xff\xfe", "utf-16-le"),
        (b"\xfe\xff", "utf-16-be"), (b"\xef\xbb\xbf", "utf-8"),
    )  # fmt: skip
    for mark, name in marks:
        if head.startswith(mark):
            return name, len(mark)
    sample = head[:256]
    pairs = max(1, len(sample) // 2)
    if sample[1::2].count(0) > 0.7 * pairs and sample[::2].count(0) < 0.2 * pairs:
        return "utf-16-le", 0
    if sample[::2].count(0) > 0.7 * pairs and sample[1::2].count(0) < 0.2 * pairs:
        return "utf-16-be", 0
    return "utf-8", 0


def lines_of(place: Location, limits: SourceLimits) -> Iterator[Line]:
    """Every line, none longer than ``limits.header_bytes``; the byte order mark is a line of its own, empty.

    Raises
    ------
    OSError, ItemRefused
        The file cannot be read or unpacked.
    """
    with plain_bytes(place, limits) as stream:
        head, rest = _head_and_stream(stream)
        encoding, mark = encoding_of(head)
        if mark:
            yield Line("", rest.read(mark))
        old_mac = b"\r" in head and b"\n" not in head
        if encoding == "utf-8" and not old_mac:
            yield from _byte_lines(rest, limits.header_bytes)
        else:
            yield from _text_lines(rest, encoding, "\r" if old_mac else "\n", limits.header_bytes)


@contextmanager
def text_of_file(place: Location, limits: SourceLimits) -> Iterator[TextIO]:
    """Open a text file, compressed or not and in any usual encoding."""
    with plain_bytes(place, limits) as stream:
        head, rest = _head_and_stream(stream)
        encoding, mark = encoding_of(head)
        rest.read(mark)
        errors = "surrogateescape" if encoding == "utf-8" else "surrogatepass"
        yield io.TextIOWrapper(rest, encoding=encoding, errors=errors, newline="")


def cut_off(error: OSError | ItemRefused, place: Location) -> SourceCutOff:
    """The error of a list that cannot be read to its end."""
    if isinstance(error, SourceCutOff):
        return error
    return SourceCutOff(name=place.name, detail=getattr(error, "detail", None) or reason(error))


def _head_and_stream(stream: BinaryIO) -> tuple[bytes, BinaryIO]:
    """The first bytes of a stream, and the stream from its start."""
    head = b""
    while len(head) < _HEAD_BYTES and (more := stream.read(_HEAD_BYTES - len(head))):
        head += more
    return head, io.BufferedReader(_Replayed(head, stream), BLOCK_BYTES)


class _Replayed(io.RawIOBase):
    """The bytes that were already read, then the rest of a stream."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self._head, self._stream = head, stream

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: object, /) -> int:
        """Fill ``buffer`` as far as one read goes."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        data = self._head[: len(view)] or self._stream.read(len(view))
        self._head = self._head[len(view) :]
        view[: len(data)] = data
        return len(data)


def _byte_lines(stream: BinaryIO, max_bytes: int) -> Iterator[Line]:
    while raw := stream.readline(max_bytes + 1):
        if len(raw) > max_bytes:
            shown = raw[:_SHOWN].decode("utf-8", "surrogateescape")
            while not raw.endswith(b"\n") and (raw := stream.readline(max_bytes)):
                pass
            yield Line(shown, b"", too_long=True)
        else:
            yield Line(raw.decode("utf-8", "surrogateescape"), raw)


def _text_lines(stream: BinaryIO, encoding: str, end: str, max_bytes: int) -> Iterator[Line]:
    errors = "surrogateescape" if encoding == "utf-8" else "surrogatepass"
    text = io.TextIOWrapper(stream, encoding=encoding, errors=errors, newline=end)
    try:
        while line := text.readline(max_bytes + 1):
            if len(line) > max_bytes:
                shown = line[:_SHOWN]
                while not line.endswith(end) and (line := text.readline(max_bytes)):
                    pass
                yield Line(shown, b"", too_long=True)
            else:
                yield Line(line, line.encode(encoding, errors))
    except UnicodeError as error:
        raise OSError(f"it is not {encoding}") from error


def head_lines(place: Location, limits: SourceLimits, *, n_bytes: int = _HEAD_BYTES) -> list[str]:
    """The first complete lines of a text file, within ``n_bytes`` and as far as they can be read.

    Raises
    ------
    OSError, ItemRefused
        Not even the first line can be read.
    """
    texts: list[str] = []
    n_read = 0
    try:
        for line in lines_of(place, limits):
            if line.text:
                texts.append(line.text)
            n_read += max(len(line.raw), len(line.text))
            if n_read >= n_bytes or len(texts) >= _HEAD_LINES:
                break
    except (OSError, ItemRefused):
        if not texts:
            raise
    return texts
