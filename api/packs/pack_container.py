"""The container of a pack: a zip archive in exactly one form, so that no byte can change unnoticed.

The members are stored one after another without compression, with a fixed date and without extra fields.
Any zip program reads it; `read_container` accepts nothing but the bytes that `write_container` would write.
The standard library's reader passes over bytes that have no meaning to it, such as dates, and would accept
them changed.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from earwitness.api.packs.pack_errors import NotAPack, PackDamaged, PackTooLarge

MEMBERS: Final = (
    "manifest.json",
    "manifest.jws",
    "card.json",
    "files.parquet",
    "names.parquet",
    "sound.parquet",
)
"""All names that a member can have, in the order of the members."""

MAX_PART_BYTES: Final = (1 << 32) - (1 << 20)
"""Largest pack: lengths and places are stored in 32 bits."""
BLOCK_BYTES: Final = 1 << 20

_DATE: Final = 0x21  # 1 January 1980
_LOCAL: Final = struct.Struct("<4sHHHHHLLLHH")
_CENTRAL: Final = struct.Struct("<4sHHHHHHLLLHHHHHLL")
_END: Final = struct.Struct("<4sHHHHLLH")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member of a container: where its bytes are in the file."""

    name: str
    offset: int
    size_bytes: int
    crc32: int


def write_container(file: BinaryIO, parts: Sequence[tuple[str, Path | bytes]]) -> None:
    """Write the parts, which are bytes or files, in the order of `MEMBERS`.

    Raises
    ------
    PackTooLarge
    """
    members = []
    for name, contents in sorted(parts, key=lambda part: MEMBERS.index(part[0])):
        begin = file.tell()
        file.write(bytes(_LOCAL.size) + name.encode())  # written again once the checksum is known
        size = crc32 = 0
        for block in _blocks(contents):
            size, crc32 = size + len(block), zlib.crc32(block, crc32)
            file.write(block)
        if file.tell() > MAX_PART_BYTES:
            raise PackTooLarge(path="the pack", part=name, limit="4 GB")
        member = Member(name=name, offset=file.tell() - size, size_bytes=size, crc32=crc32)
        end = file.tell()
        file.seek(begin)
        file.write(_local(member))
        file.seek(end)
        members.append(member)
    file.write(_directory(members, file.tell()))


def _blocks(contents: Path | bytes) -> Iterator[bytes]:
    if isinstance(contents, bytes):
        yield contents
        return
    with contents.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            yield block


def _local(member: Member) -> bytes:
    sizes = (member.crc32, member.size_bytes, member.size_bytes, len(member.name), 0)
    return _LOCAL.pack(b"PK\x03\x04", 20, 0, 0, 0, _DATE, *sizes) + member.name.encode()


def _directory(members: Sequence[Member], begin: int) -> bytes:
    entries = []
    for each in members:
        local = each.offset - _LOCAL.size - len(each.name)
        sizes = (each.crc32, each.size_bytes, each.size_bytes, len(each.name), 0, 0, 0, 0)
        head = _CENTRAL.pack(b"PK\x01\x02", 0x0314, 20, 0, 0, 0, _DATE, *sizes, 0o644 << 16, local)
        entries.append(head + each.name.encode())
    directory = b"".join(entries)
    n_members = len(members)
    return directory + _END.pack(b"PK\x05\x06", 0, 0, n_members, n_members, len(directory), begin, 0)


def read_container(file: BinaryIO, *, path: str) -> Mapping[str, Member]:
    """Return the members of a container by name, in their order; their contents are not read.

    Raises
    ------
    NotAPack
        When the file is no zip archive that begins with a manifest.
    PackDamaged
        When a byte between the contents is not what `write_container` writes.
    """
    n_bytes = file.seek(0, 2)
    members = list(_members(file, n_bytes, path))
    if not members or members[0].name != MEMBERS[0]:
        raise NotAPack(path=path, reason="it does not begin with a manifest")
    begin = members[-1].offset + members[-1].size_bytes
    expected = _directory(members, begin)
    if _read(file, begin, len(expected) + 1) != expected:
        raise PackDamaged(path=path, part="the directory of the archive", reason="has changed")
    return {each.name: each for each in members}


def _members(file: BinaryIO, n_bytes: int, path: str) -> Iterator[Member]:
    begin, last = 0, -1
    while (head := _read(file, begin, _LOCAL.size))[:4] == b"PK\x03\x04" and len(head) == _LOCAL.size:
        *_, crc32, size, _, n_name, _ = _LOCAL.unpack(head)
        name = _read(file, begin + _LOCAL.size, min(n_name, 64)).decode("ascii", "replace")
        member = Member(name=name, offset=begin + _LOCAL.size + n_name, size_bytes=size, crc32=crc32)
        if name not in MEMBERS or MEMBERS.index(name) <= last or member.offset + size > n_bytes:
            reason = "is no part of a pack, or not where it belongs"
            raise PackDamaged(path=path, part=f"the part {name!r}", reason=reason)
        if _read(file, begin, member.offset - begin) != _local(member):
            raise PackDamaged(path=path, part=f"the head of {name}", reason="has changed")
        yield member
        begin, last = member.offset + size, MEMBERS.index(name)


def _read(file: BinaryIO, offset: int, n_bytes: int) -> bytes:
    file.seek(offset)
    return file.read(n_bytes)


def member_blocks(file: BinaryIO, member: Member, *, path: str) -> Iterator[bytes]:
    """Yield the contents of a member in blocks; at the end its checksum is compared.

    Raises
    ------
    PackDamaged
    """
    file.seek(member.offset)
    left, crc32 = member.size_bytes, 0
    while left:
        block = file.read(min(BLOCK_BYTES, left))
        if not block:
            raise PackDamaged(path=path, part=member.name, reason="is cut off")
        left, crc32 = left - len(block), zlib.crc32(block, crc32)
        yield block
    if crc32 != member.crc32:
        raise PackDamaged(path=path, part=member.name, reason="has changed")


@contextmanager
def opened_container(
    container: Path | BinaryIO, *, shown_as: str
) -> Iterator[tuple[BinaryIO, Mapping[str, Member]]]:
    """Open a container, or read an open file as one; see `read_container`."""
    try:
        with container.open("rb") if isinstance(container, Path) else nullcontext(container) as file:
            yield file, read_container(file, path=shown_as)
    except OSError as error:
        raise NotAPack(path=shown_as, reason=error.strerror or str(error)) from error
