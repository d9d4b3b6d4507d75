"""Walks the members of a tar without extracting: a header at a time, every size bounded, no name a path.

The standard library's tarfile reads an extended header of any stated size into memory and, in the versions
we must run on, can be sent backwards by a negative size; so only its parser of the 512-byte block is used.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final, Protocol

from api.datasets.labels import label
from api.datasets.streams import BLOCK_BYTES, UNPACK_ERRORS, Readable, reason
from api.datasets.types import SourceLimits
from api.datasets.unpack import unpacker
from api.errors import ItemRefused, ItemUnreadable, SourceCutOff, StreamMovedOn

BLOCK: Final = 512
_LINKS: Final = frozenset({tarfile.LNKTYPE, tarfile.SYMTYPE})
_FILES: Final = frozenset({tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE})
_EXTENDED: Final = frozenset({tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE})


class Tape(Protocol):
    """An unpacked tar, read forwards."""

    position: int

    def read(self, n: int, /) -> bytes:
        """Give up to ``n`` bytes."""

    def skip(self, n: int) -> None:
        """Go on by ``n`` bytes, or to the end if that is nearer."""


class PlainTape:
    """An uncompressed tar: what is skipped is not read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.position = 0

    def read(self, n: int, /) -> bytes:
        """Give up to ``n`` bytes."""
        data = self._stream.read(n)
        self.position += len(data)
        return data

    def skip(self, n: int) -> None:
        """Go on by ``n`` bytes; past the end, the next read is empty."""
        self.position = self._stream.seek(self.position + n)


class PackedTape:
    """A compressed tar: unpacked as it is read, within the caps on ratio and total."""

    def __init__(self, plain: Readable) -> None:
        self._plain = plain
        self.position = 0

    def read(self, n: int, /) -> bytes:
        """Give up to ``n`` bytes; fewer only at the end."""
        pieces = []
        while n > 0 and (data := self._plain.read(n)):
            pieces.append(data)
            self.position += len(data)
            n -= len(data)
        return b"".join(pieces)

    def skip(self, n: int) -> None:
        """Unpack and drop ``n`` bytes."""
        while n > 0 and (data := self.read(min(n, BLOCK_BYTES))):
            n -= len(data)


def open_tape(stream: BinaryIO, *, packing: str, name: str, limits: SourceLimits) -> Tape:
    """A tape over stored bytes; ``packing`` is ``tar``, or that with a compression: ``tar.gz``."""
    if packing == "tar":
        return PlainTape(stream)
    compression = packing.removeprefix("tar.")
    return PackedTape(unpacker(stream, compression=compression, name=name, limits=limits))


class Body:
    """The bytes of one member, to be read before the tape goes on."""

    def __init__(self, tape: Tape, *, name: str, size: int) -> None:
        self._tape, self._name, self._left = tape, name, size
        self._padding = -size % BLOCK
        self._peeked = b""
        self._passed = False

    def head(self, n: int) -> bytes:
        """The first bytes, kept for the reading that follows."""
        if not self._peeked:
            self._peeked = self._take(n)
        return self._peeked[:n]

    def read(self, n: int, /) -> bytes:
        """Give up to ``n`` bytes; `StreamMovedOn` when the tape has passed this member."""
        if self._passed:
            raise StreamMovedOn(name=self._name)
        if self._peeked:
            data, self._peeked = self._peeked[:n], self._peeked[n:]
            return data
        return self._take(n)

    def _take(self, n: int) -> bytes:
        data = self._tape.read(min(n, self._left))
        if not data and self._left and n:
            raise ItemUnreadable(name=self._name, detail="the archive ends within it")
        self._left -= len(data)
        return data

    def finish(self) -> None:
        """Go on to the next header."""
        self._tape.skip(self._left + self._padding)
        self._passed = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One entry of a tar: ``kind`` is ``file``, ``folder``, ``link``, ``sparse`` or ``other``."""

    name: str
    kind: str
    size: int
    offset: int
    """Where its bytes begin in the unpacked tar."""
    body: Body


def members(tape: Tape, *, name: str, limits: SourceLimits) -> Iterator[Member]:
    """Go through the members; raises `SourceCutOff` or `Bomb` where the tar breaks off."""
    extended: dict[str, bytes] = {}
    for _ in range(limits.members):
        header = _header(tape, name=name)
        if header is None:
            return
        size = _size(header, extended, name=name, limits=limits)
        if header.type in _EXTENDED or header.type in {tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK}:
            extended |= _extension(tape, header, size=size, name=name, limits=limits)
            continue
        member = _member(tape, header, extended, size=size)
        extended = {}
        yield member
        member.body.finish()
    raise SourceCutOff(name=name, detail=f"more than {limits.members:,} members")


def _header(tape: Tape, *, name: str) -> tarfile.TarInfo | None:
    block = _read(tape, BLOCK, name=name)
    if not any(block):
        return None
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError, OverflowError) as error:
        raise SourceCutOff(name=name, detail=f"damaged tar header: {reason(error)}") from error


def _read(tape: Tape, n: int, *, name: str) -> bytes:
    try:
        data = tape.read(n)
    except ItemRefused:
        raise
    except UNPACK_ERRORS as error:
        raise SourceCutOff(name=name, detail=reason(error)) from error
    if len(data) < n:
        raise SourceCutOff(name=name, detail="it ends without an end mark")
    return data


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
    tape: Tape, header: tarfile.TarInfo, *, size: int, name: str, limits: SourceLimits
) -> dict[str, bytes]:
    if size > limits.header_bytes:
        raise SourceCutOff(name=name, detail=f"an extended header of {size:,} bytes")
    body = _read(tape, size + -size % BLOCK, name=name)[:size]
    if header.type == tarfile.GNUTYPE_LONGNAME:
        return {"path": body.partition(b"\0")[0]}
    # a global header names no member: only what belongs to the next one is kept
    return _pax(body, name=name) if header.type in {tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE} else {}


def _pax(body: bytes, *, name: str) -> dict[str, bytes]:
    """The ``length key=value`` records of a pax header."""
    records: dict[str, bytes] = {}
    while body and body[0:1] != b"\0":
        length, _, _ = body[:20].partition(b" ")
        n = int(length) if length.isdigit() else 0
        key, equals, value = body[len(length) + 1 : n].partition(b"=")
        if not equals or n > len(body) or not value.endswith(b"\n"):
            raise SourceCutOff(name=name, detail="damaged pax header")
        records[label(key)] = value[:-1]
        body = body[n:]
    return records


def _member(tape: Tape, header: tarfile.TarInfo, extended: Mapping[str, bytes], *, size: int) -> Member:
    sparse = header.type == tarfile.GNUTYPE_SPARSE or any(key.startswith("GNU.sparse") for key in extended)
    name = label(extended.get("GNU.sparse.name") or extended.get("path") or header.name).removeprefix("./")
    return Member(
        name=name,
        kind="sparse" if sparse else _kind(header),
        size=size,
        offset=tape.position,
        body=Body(tape, name=name, size=size),
    )


def _kind(header: tarfile.TarInfo) -> str:
    if header.isdir():
        return "folder"
    if header.type in _LINKS:
        return "link"
    return "file" if header.type in _FILES else "other"
