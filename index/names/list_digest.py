"""The checksum of a list of names: the SHA-256 of its file, taken with zeros in the checksum's own place.

It is a value in the table ``head``. While the file is written a random text stands there, which nothing else
in the file repeats, so that its place is found in the finished file.
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import quote

DIGEST_KEY: Final = "sha256"
_BYTES: Final = 32
_CHUNK_BYTES: Final = 1 << 22


def placeholder() -> str:
    """Return a text to be stored in the place of the checksum."""
    return secrets.token_hex(_BYTES)


def seal(path: Path, stored: str) -> None:
    """Store the checksum of a finished file in the place of its placeholder.

    Raises
    ------
    OSError
    """
    with path.open("r+b") as file:
        at = _place_of(file, stored.encode("ascii"))
        digest = _digest(file, at, len(stored))
        file.seek(at)
        file.write(digest.encode("ascii"))


def damage_of(path: Path) -> str | None:
    """Return what is wrong with a stored list; None where it is as it was written.

    Raises
    ------
    OSError
    """
    address = f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(address, uri=True)) as connection:
            row = connection.execute("SELECT value FROM head WHERE key = ?", (DIGEST_KEY,)).fetchone()
    except sqlite3.Error as error:
        return str(error)
    if row is None:
        return "it has no checksum: it is damaged, or was written before lists had one"
    stored = str(row[0])
    with path.open("rb") as file:
        at = _place_of(file, stored.encode()) if len(stored) == 2 * _BYTES else -1
        if at < 0 or _digest(file, at, len(stored)) != stored:
            return "its contents do not have the checksum stored with them"
    return None


def _place_of(file: BinaryIO, text: bytes) -> int:
    """Return where a text stands in a file; -1 where it does not."""
    file.seek(0)
    at, before = 0, b""
    while chunk := file.read(_CHUNK_BYTES):
        contents = before + chunk
        if (found := contents.find(text)) >= 0:
            return at - len(before) + found
        at += len(chunk)
        before = contents[-(len(text) - 1) :]
    return -1


def _digest(file: BinaryIO, at: int, length: int) -> str:
    """Return the SHA-256 of a file, taken with zeros in one place; a mapped file would count as memory."""
    digest = hashlib.sha256()
    file.seek(0)
    remaining = at
    while chunk := file.read(min(_CHUNK_BYTES, remaining)):
        digest.update(chunk)
        remaining -= len(chunk)
    digest.update(bytes(length))
    file.seek(at + length)
    while chunk := file.read(_CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()
