"""The checksum of a list of names: the SHA-256 of its file, taken with zeros in the checksum's own place.

It is a value in the table ``head``. While the file is written a random text stands there, which nothing else
in the file repeats, so that its place is found in the finished file.
"""

from __future__ import annotations

import hashlib
import mmap
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final
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
    with _mapped(path, writable=True) as contents:
        at = contents.find(stored.encode("ascii"))
        contents[at : at + len(stored)] = _digest(contents, at, len(stored)).encode("ascii")
        contents.flush()


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
    with _mapped(path) as contents:
        at = contents.find(stored.encode())
        if len(stored) != 2 * _BYTES or at < 0 or _digest(contents, at, len(stored)) != stored:
            return "its contents do not have the checksum stored with them"
    return None


@contextmanager
def _mapped(path: Path, *, writable: bool = False) -> Iterator[mmap.mmap]:
    access = mmap.ACCESS_WRITE if writable else mmap.ACCESS_READ
    with (
        path.open("r+b" if writable else "rb") as file,
        mmap.mmap(file.fileno(), 0, access=access) as contents,
    ):
        yield contents


def _digest(contents: mmap.mmap, at: int, length: int) -> str:
    digest = hashlib.sha256()
    for begin, end in ((0, at), (at + length, len(contents))):
        for start in range(begin, end, _CHUNK_BYTES):
            digest.update(contents[start : min(end, start + _CHUNK_BYTES)])
        if begin == 0:
            digest.update(bytes(length))
    return digest.hexdigest()
