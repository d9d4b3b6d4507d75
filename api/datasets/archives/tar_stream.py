"""Lists the members of a tar without extracting: header by header, every size limited, no name used as path.

The standard library's tarfile reads an extended header of any stated size into memory and, in the supported
versions, seeks backwards after a negative size; so only its parser of the 512-byte block is used.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final, Protocol

from earwitness.api.datasets.access.byte_streams import (
    BLOCK_BYTES,
    UNPACK_ERRORS,
    Unpacked,
    reason,
)
from earwitness.api.datasets.access.unpack import unpacker
from earwitness.api.datasets.entries.embedded_audio_text import holds_audio
from earwitness.api.datasets.item_errors import Bomb, ItemRefused, ItemUnreadable, SourceCutOff, StreamMovedOn
from earwitness.api.datasets.items import SourceLimits
from earwitness.api.datasets.names import HEAD_BYTES, label, looks_like_audio

BLOCK: Final = 512
_LINKS: Final = frozenset({tarfile.LNKTYPE, tarfile.SYMTYPE})
_FILES: Final = frozenset({tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE})
_EXTENDED: Final = frozenset({tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE})
_PAX_KEYS: Final = {b"path": "path", b"size": "size"}
_SHORTEST_SOUND: Final = 512
"""Bytes in a header that may be audio, at least."""
_LONGEST_NAME: Final = 4_000
_ZERO_BLOCKS: Final = (1 << 30) // BLOCK
"""Blocks of zeros that may follow an end mark before other data."""


class TarStream(Protocol):
    """An unpacked tar, read forwards."""

    position: int

    def read(self, n: int, /) -> bytes:
        """Read up to ``n`` bytes."""

    def skip(self, n: int) -> None:
        """Move ``n`` bytes forwards, or to the end if that is nearer."""

    def begin(self) -> None:
        """Start the count of `bomb` here."""

    def bomb(self) -> str | None:
        """State how the bytes since `begin` exceed the ratio; None when they do not."""


class PlainTarStream:
    """An uncompressed tar: skipped bytes are not read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.position = 0

    def read(self, n: int, /) -> bytes:
        """Read up to ``n`` bytes."""
        data = self._stream.read(n)
        self.position += len(data)
        return data

    def skip(self, n: int) -> None:
        """Move ``n`` bytes forwards; past the end, the next read is empty."""
        self.position = self._stream.seek(self.position + n)

    def begin(self) -> None:
        """Do nothing."""

    def bomb(self) -> str | None:
        """None: nothing is compressed."""
        return None


class PackedTarStream:
    """A compressed tar: unpacked while it is read, within the limits on ratio and total.

    A member above the ratio is refused and skipped; reading ends when too many bytes were skipped.
    """

    def __init__(self, plain: Unpacked) -> None:
        self._plain = plain
        self.position = 0

    def read(self, n: int, /) -> bytes:
        """Read up to ``n`` bytes; fewer only at the end."""
        pieces = []
        while n > 0 and (data := self._plain.read(n)):
            pieces.append(data)
            self.position += len(data)
            n -= len(data)
        return b"".join(pieces)

    def skip(self, n: int) -> None:
        """Unpack ``n`` bytes without returning them."""
        while n > 0 and (data := self.read(min(n, BLOCK_BYTES))):
            n -= len(data)

    def begin(self) -> None:
        """Start the count of `bomb` here."""
        self._plain.begin()

    def bomb(self) -> str | None:
        """State how the bytes since `begin` exceed the ratio; None when they do not."""
        return self._plain.bomb()


def open_tar_stream(stream: BinaryIO, *, packing: str, name: str, limits: SourceLimits) -> TarStream:
    """Open a tar; ``packing`` is ``tar``, or that with a compression: ``tar.gz``."""
    if packing == "tar":
        return PlainTarStream(stream)
    compression = packing.removeprefix("tar.")
    plain = unpacker(stream, compression=compression, name=name, limits=limits)
    plain.spare_bytes = limits.skipped_bytes
    return PackedTarStream(plain)


class Body:
    """The bytes of one member, to be read before the next member."""

    def __init__(self, tar: TarStream, *, name: str, size: int) -> None:
        self._tar, self._name, self._left = tar, name, size
        tar.begin()
        self._padding = -size % BLOCK
        self._peeked = b""
        self._passed = False

    def head(self, n: int) -> bytes:
        """The first bytes; the next `read` returns them again."""
        if not self._peeked:
            self._peeked = self._take(n)
        return self._peeked[:n]

    def read(self, n: int, /) -> bytes:
        """Read up to ``n`` bytes; `StreamMovedOn` when the stream has passed this member."""
        if self._passed:
            raise StreamMovedOn(name=self._name)
        if self._peeked:
            data, self._peeked = self._peeked[:n], self._peeked[n:]
            return data
        return self._take(n)

    def _take(self, n: int) -> bytes:
        data = self._tar.read(min(n, self._left))
        if not data and self._left and n:
            raise ItemUnreadable(name=self._name, detail="the archive ends within it")
        self._left -= len(data)
        if detail := self._tar.bomb():
            raise Bomb(name=self._name, detail=detail)
        return data

    def finish(self) -> None:
        """Skip to the next header."""
        self._tar.skip(self._left + self._padding)
        self._passed = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One entry of a tar.

    Attributes
    ----------
    kind : str
        ``file``, ``folder``, ``link``, ``sparse``, ``other``, or ``hidden``: a header that holds audio.
    """

    name: str
    kind: str
    size: int
    offset: int
    """Where its bytes begin in the unpacked tar."""
    body: Body


def members(tar: TarStream, *, name: str, limits: SourceLimits) -> Iterator[Member]:
    """List the members; raises `SourceCutOff` or `Bomb` where the tar ends early."""
    extended: dict[str, bytes] = {}
    for _ in range(limits.members):
        header = _header(tar, name=name)
        if header is None:
            return
        size = _size(header, extended, name=name, limits=limits)
        if header.type in _EXTENDED or header.type in {tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK}:
            records, hidden = _extension(tar, header, size=size, name=name, limits=limits)
            extended |= records
            if hidden:
                yield _hidden(tar, header)
            continue
        member = _member(tar, header, extended, size=size)
        extended = {}
        yield member
        member.body.finish()
    raise SourceCutOff(name=name, detail=f"more than EARWITNESS_MAX_MEMBERS, {limits.members:,}")


def _header(tar: TarStream, *, name: str) -> tarfile.TarInfo | None:
    """The next header; None at the end. An end mark is passed, because tars are joined by `cat`."""
    block, detail = _read_exactly(tar, BLOCK, name=name), "damaged tar header"
    if not any(block):
        block, detail = _after_end_mark(tar, name=name), "what follows its end mark is no tar"
        if not block:
            return None
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError, OverflowError) as error:
        raise SourceCutOff(name=name, detail=f"{detail}: {reason(error)}") from error


def _after_end_mark(tar: TarStream, *, name: str) -> bytes:
    """The first block that is not all zeros; empty where none follows."""
    for _ in range(_ZERO_BLOCKS):
        block = _read_up_to(tar, BLOCK, name=name)
        if any(block) or len(block) < BLOCK:
            return block if any(block) else b""
    raise SourceCutOff(name=name, detail="endless zeros follow its end mark")


def _read_exactly(tar: TarStream, n: int, *, name: str) -> bytes:
    data = _read_up_to(tar, n, name=name)
    if len(data) < n:
        raise SourceCutOff(name=name, detail="it ends without an end mark")
    return data


def _read_up_to(tar: TarStream, n: int, *, name: str) -> bytes:
    """Up to ``n`` bytes; fewer only at the end."""
    try:
        return tar.read(n)
    except ItemRefused:
        raise
    except UNPACK_ERRORS as error:
        raise SourceCutOff(name=name, detail=reason(error)) from error


def _size(header: tarfile.TarInfo, extended: Mapping[str, bytes], *, name: str, limits: SourceLimits) -> int:
    stated = extended.get("size")
    if stated is not None and not (stated.isdigit() and len(stated) < 20):
        raise SourceCutOff(name=name, detail=f"a member's size reads {label(stated[:40])}")
    size = header.size if stated is None else int(stated)
    if not 0 <= size <= limits.total_bytes:
        raise SourceCutOff(name=name, detail=f"a member states {size:,} bytes")
    # links, folders and devices store nothing, whatever they state
    return size if header.isreg() or header.type in _EXTENDED or header.type[0:1] in b"LKS" else 0


def _extension(
    tar: TarStream, header: tarfile.TarInfo, *, size: int, name: str, limits: SourceLimits
) -> tuple[dict[str, bytes], bool]:
    """The fields of an extended header for the next member, and whether the header holds audio."""
    if size > limits.header_bytes:
        raise SourceCutOff(name=name, detail=f"an extended header of {size:,} bytes")
    body = _read_exactly(tar, size + -size % BLOCK, name=name)[:size]
    if header.type == tarfile.GNUTYPE_LONGNAME:
        path, _, rest = body.partition(b"\0")
        return {"path": path}, _is_sound(rest) or _is_sound(path)
    if header.type == tarfile.GNUTYPE_LONGLINK:
        return {}, _is_sound(body)
    records, hidden = _pax(body, name=name)
    # a global header names no member: its fields are not used
    return (records if header.type in {tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE} else {}), hidden


def _is_sound(value: bytes) -> bool:
    """Whether a part of a header is audio, plain or in base64."""
    return len(value) >= _SHORTEST_SOUND and (
        looks_like_audio(value[:HEAD_BYTES]) or holds_audio(io.BytesIO(value))
    )


def _hidden(tar: TarStream, header: tarfile.TarInfo) -> Member:
    name = f"{label(header.name)[:_LONGEST_NAME]} (header)"
    return Member(name=name, kind="hidden", size=0, offset=tar.position, body=Body(tar, name=name, size=0))


def _pax(body: bytes, *, name: str) -> tuple[dict[str, bytes], bool]:
    """The records of a pax header that are used to read a member, and whether another one holds audio."""
    records: dict[str, bytes] = {}
    hidden = False
    at = 0
    while at < len(body) and body[at] != 0:
        space = body.find(b" ", at, at + 20)
        digits = body[at : max(space, at)]
        end = at + (int(digits) if digits.isdigit() else 0)
        equals = body.find(b"=", space, end)
        if equals < 0 or end > len(body) or body[end - 1 : end] != b"\n":
            raise SourceCutOff(name=name, detail="damaged pax header")
        key = body[space + 1 : equals]
        if key in _PAX_KEYS:
            records[_PAX_KEYS[key]] = body[equals + 1 : end - 1]
        elif key.startswith(b"GNU.sparse"):
            records["sparse"] = b""
        else:
            hidden = hidden or _is_sound(body[equals + 1 : end - 1])
        at = end
    return records, hidden or _is_sound(body[at:].lstrip(b"\0"))


def _member(tar: TarStream, header: tarfile.TarInfo, extended: Mapping[str, bytes], *, size: int) -> Member:
    sparse = header.type == tarfile.GNUTYPE_SPARSE or "sparse" in extended
    name = label(extended.get("path") or header.name).removeprefix("./")
    if len(name) > _LONGEST_NAME:
        name = f"{name[:_LONGEST_NAME]}..."
    return Member(
        name=name,
        kind="sparse" if sparse else _kind(header),
        size=size,
        offset=tar.position,
        body=Body(tar, name=name, size=size),
    )


def _kind(header: tarfile.TarInfo) -> str:
    if header.isdir():
        return "folder"
    if header.type in _LINKS:
        return "link"
    return "file" if header.type in _FILES else "other"
