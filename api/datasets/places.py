"""Where bytes lie: one file, here or on another machine; opened only when asked."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

from api.datasets.labels import label
from api.errors import DeviceRefused, ItemMissing, ItemRefused, LinkRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One file: what it is called (a label, relative to its source), how long it is, how to open it.

    ``open`` gives a seekable binary stream; ``file`` is set when it is a plain local file.
    """

    name: str
    open: Callable[[], BinaryIO]
    size: int | None = None
    file: Path | None = None

    def head(self, n_bytes: int) -> bytes:
        """The first bytes, or fewer."""
        with self.open() as stream:
            return stream.read(n_bytes)


def local_place(path: Path) -> Place:
    """A local file as a place; one that is not there yet fails when it is opened."""
    size = path.stat().st_size if path.exists() else None
    return Place(name=label(path.name), open=lambda: open_regular(path), size=size, file=path)


def open_regular(path: Path) -> BinaryIO:
    """Open a file that was regular when listed and must still be: no link or device put in its place."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise DeviceRefused(name=label(str(path)))
    return os.fdopen(descriptor, "rb")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Something in a folder that is not read, and why."""

    name: str
    error: ItemRefused


Listing: TypeAlias = Callable[[], Iterator[Place | Refused]]
"""Goes through a folder's files, always in the same order."""


def walk(root: Path) -> Iterator[Place | Refused]:
    """Go through everything below ``root``, folder by folder, names in byte order; links are not followed."""
    yield from _walk(os.fsencode(root), prefix=b"")


def _walk(folder: bytes, *, prefix: bytes) -> Iterator[Place | Refused]:
    try:
        with os.scandir(folder) as listing:
            # a folder sorts as `name/`, so that the whole is in the byte order of the paths
            entries = sorted(listing, key=lambda e: e.name + b"/" * e.is_dir(follow_symlinks=False))
    except OSError as error:
        name = label(prefix.rstrip(b"/"))
        yield Refused(name=name, error=ItemMissing(name=name, detail=error.strerror))
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, prefix=prefix + entry.name + b"/")
        else:
            yield _entry(entry, name=label(prefix + entry.name))


def _entry(entry: os.DirEntry[bytes], *, name: str) -> Place | Refused:
    if entry.is_symlink():
        return Refused(name=name, error=LinkRefused(name=name))
    if not entry.is_file(follow_symlinks=False):
        return Refused(name=name, error=DeviceRefused(name=name))
    path = Path(os.fsdecode(entry.path))
    try:
        size = entry.stat(follow_symlinks=False).st_size
    except OSError as error:  # gone since the folder was listed
        return Refused(name=name, error=ItemMissing(name=name, detail=error.strerror))
    return Place(name=name, open=lambda: open_regular(path), size=size, file=path)
