"""The form of a backup file.

It begins with a skippable frame of Zstandard: the SHA-256 of a JSON text, and the text, which lists the
files of the home with their sizes and digests. Each file follows in a frame of its own, in that order. A
backup of an earlier version is one frame: the catalog.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Final

import zstandard

from earwitness.index.database.catalog import CATALOG_FILE
from earwitness.index.store.files import write_durably
from earwitness.index.store.home_address import NAMES_FOLDER, PACKS_FOLDER
from earwitness.index.store.store_errors import BackupDamaged

FORMAT: Final = "earwitness.backup/2"
CHUNK_BYTES: Final = 1 << 20
COMPRESSION_LEVEL: Final = 3
"""Level of Zstandard. Packed codes hardly compress: a higher level takes longer and saves little."""
MAX_HEAD_BYTES: Final = 64 << 20

_SKIPPABLE: Final = 0x184D2A57
_HEAD: Final = struct.Struct("<II")
_SHA256_BYTES: Final = 32
_NAME: Final = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}"
_PATH: Final = re.compile(
    rf"{re.escape(CATALOG_FILE)}|{NAMES_FOLDER}/{_NAME}|{PACKS_FOLDER}/(?:{_NAME}/)?{_NAME}"
)
"""The files that a backup may hold: nothing else is written when it is restored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldFile:
    """A file of the home that is in the backup; `path` is relative to the home."""

    path: str
    size_bytes: int
    sha256: str


class FileChanged(Exception):
    """A file of the home was replaced or removed while it was copied."""


def may_be_held(path: str) -> bool:
    """Whether a backup may hold a file of this path."""
    return _PATH.fullmatch(path) is not None


def write_backup(target: Path, files: Sequence[tuple[str, Path]]) -> tuple[list[HeldFile], int]:
    """Write the backup of files, given by their paths in the home and here; return it and its size in bytes.

    Raises
    ------
    FileChanged
    DiskFull, DiskFailed, StoreUnwritable
    """
    held = [_described(path, file) for path, file in files]

    def write(keep: Callable[[bytes], int]) -> None:
        text = json.dumps({"format": FORMAT, "files": [asdict(each) for each in held]}).encode()
        keep(_HEAD.pack(_SKIPPABLE, _SHA256_BYTES + len(text)))
        keep(hashlib.sha256(text).digest())
        keep(text)
        for each, (_, file) in zip(held, files, strict=True):
            _pack(each, file, keep)

    return held, write_durably(target, write)[1]


def _described(path: str, file: Path) -> HeldFile:
    digest, size_bytes = hashlib.sha256(), 0
    with _opened(file) as contents:
        while chunk := contents.read(CHUNK_BYTES):
            digest.update(chunk)
            size_bytes += len(chunk)
    return HeldFile(path=path, size_bytes=size_bytes, sha256=digest.hexdigest())


def _pack(held: HeldFile, file: Path, keep: Callable[[bytes], int]) -> None:
    digest = hashlib.sha256()
    packer = zstandard.ZstdCompressor(level=COMPRESSION_LEVEL, write_checksum=True).compressobj()
    with _opened(file) as contents:
        while chunk := contents.read(CHUNK_BYTES):
            digest.update(chunk)
            keep(packer.compress(chunk))
    keep(packer.flush())
    if digest.hexdigest() != held.sha256:
        raise FileChanged


def _opened(file: Path) -> BinaryIO:
    try:
        return file.open("rb")
    except FileNotFoundError as error:
        raise FileChanged from error


Keep = Callable[[bytes], object]


def read_backup(source: Path, open_file: Callable[[HeldFile | None], Keep]) -> None:
    """Read a backup; each file is complete and as it was written when the next one begins.

    Parameters
    ----------
    open_file
        Called with each file, or with None for the catalog of an earlier version's backup; returns what
        takes its bytes.

    Raises
    ------
    BackupDamaged
    """
    with source.open("rb") as packed:
        try:
            held, rest = _head(packed, source)
            if held is None:
                _unpack(packed, rest, open_file(None), source)
                return
            for each in held:
                rest = _unpack_held(packed, rest, each, open_file(each), source)
        except zstandard.ZstdError as error:
            raise BackupDamaged(path=str(source), reason=str(error)) from error
        if rest or packed.read(1):
            raise BackupDamaged(path=str(source), reason="something follows its last file")


def _head(packed: BinaryIO, source: Path) -> tuple[list[HeldFile] | None, bytes]:
    """Return the files that the head lists, and the bytes read after it; no list where there is no head."""
    start = packed.read(_HEAD.size)
    magic, size_bytes = _HEAD.unpack(start) if len(start) == _HEAD.size else (0, 0)
    if magic != _SKIPPABLE:
        return None, start
    if not _SHA256_BYTES < size_bytes <= MAX_HEAD_BYTES:
        raise BackupDamaged(path=str(source), reason="its list of files has an impossible size")
    digest, text = packed.read(_SHA256_BYTES), packed.read(size_bytes - _SHA256_BYTES)
    if hashlib.sha256(text).digest() != digest:
        raise BackupDamaged(path=str(source), reason="its list of files is damaged")
    try:
        fields = json.loads(text)
        if fields["format"] != FORMAT:
            raise BackupDamaged(path=str(source), reason="a newer earwitness wrote it")
        held = [HeldFile(**each) for each in fields["files"]]
        if not all(may_be_held(each.path) for each in held):
            raise ValueError("a file that belongs to no home")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise BackupDamaged(path=str(source), reason=f"its list of files is not valid: {error}") from error
    return held, b""


def _unpack_held(packed: BinaryIO, rest: bytes, held: HeldFile, keep: Keep, source: Path) -> bytes:
    digest, size_bytes = hashlib.sha256(), 0

    def counted(chunk: bytes) -> None:
        nonlocal size_bytes
        digest.update(chunk)
        size_bytes += len(chunk)
        if size_bytes > held.size_bytes:
            raise BackupDamaged(path=str(source), reason=f"{held.path} is larger than stated")
        keep(chunk)

    rest = _unpack(packed, rest, counted, source)
    if digest.hexdigest() != held.sha256:
        raise BackupDamaged(path=str(source), reason=f"{held.path} is not as it was backed up")
    return rest


def _unpack(packed: BinaryIO, rest: bytes, keep: Keep, source: Path) -> bytes:
    """Unpack one frame; return the bytes that were read after it."""
    unpacker = zstandard.ZstdDecompressor().decompressobj()
    while not unpacker.eof:  # zstandard's stream reader accepts a truncated file
        chunk, rest = rest or packed.read(CHUNK_BYTES), b""
        if not chunk:
            raise BackupDamaged(path=str(source), reason="it is truncated")
        keep(unpacker.decompress(chunk))
    return unpacker.unused_data
