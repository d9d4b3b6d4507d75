"""Where bytes lie: one file, here or on another machine; opened only when asked."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

from earwitness.api.datasets.item_errors import (
    BadLink,
    DeviceRefused,
    ItemMissing,
    ItemRefused,
    ItemUnreadable,
    MissingTarget,
)
from earwitness.api.datasets.names import label


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
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


def local_location(path: Path) -> Location:
    """A local file as a place, a link by its own name; one that is not there yet fails when it is opened."""
    real = path.resolve()
    size = real.stat().st_size if real.exists() else None
    return Location(name=label(path.name or real.name), open=lambda: open_regular(real), size=size, file=real)


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


Listing: TypeAlias = Callable[[], Iterator[Location | Refused]]
"""Goes through a folder's files, always in the same order."""


VERSION_CONTROL: Final = frozenset({b".git", b".hg", b".svn", b".bzr", b".dvc"})
"""Folders in which tools keep their own copies of the files; they are not gone into."""
MAX_LINKED: Final = 1_000
"""Folders that are entered by a link; more are a maze, not a dataset."""
_SYSTEM: Final = (b"/proc/", b"/sys/", b"/dev/")
_SHARED_MEMORY: Final = b"/dev/shm/"


def walk(root: Path) -> Iterator[Location | Refused]:
    """Go through everything below ``root``, folder by folder, names in byte order.

    Links are followed to regular files and to folders, wherever these lie: the Hugging Face cache, DVC and
    git-annex keep files so. A link is refused that leads nowhere, to a device, into the system's own folders
    (/proc, /sys, /dev), or back to a folder that it lies in.
    """
    walk_ = _Walk()
    # a stack of its own: folders may lie deeper than calls may
    open_folders = [walk_.listed(os.fsencode(root), prefix=b"", trail=(_identity(root.stat()),))]
    while open_folders:
        found = next(open_folders[-1], None)
        if found is None:
            open_folders.pop()
        elif isinstance(found, _Folder):
            open_folders.append(walk_.listed(found.path, prefix=found.prefix, trail=found.trail))
        else:
            yield found


Trail: TypeAlias = tuple[tuple[int, int], ...]
"""Identities of a folder and of those that it lies in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Folder:
    """A folder that is gone into next; ``prefix`` is what its files' names begin with."""

    path: bytes
    prefix: bytes
    trail: Trail


class _Walk:
    """One walk, and how many links to folders it has followed."""

    def __init__(self) -> None:
        self._n_linked = 0

    def listed(self, folder: bytes, *, prefix: bytes, trail: Trail) -> Iterator[Location | Refused | _Folder]:
        """What lies in a folder."""
        try:
            with os.scandir(folder) as listing:
                # a folder sorts as `name/`, so that the whole is in the byte order of the paths
                entries = sorted(listing, key=lambda e: e.name + b"/" * _is_folder(e))
        except OSError as error:
            name = label(prefix.rstrip(b"/")) or label(folder)
            yield Refused(name=name, error=_unlisted(error, name=name))
            return
        for entry in entries:
            if entry.is_symlink():
                yield self._linked(entry, prefix=prefix, trail=trail)
            elif not _is_folder(entry):
                yield _entry(entry, name=label(prefix + entry.name))
            elif entry.name not in VERSION_CONTROL:
                yield self._folder(entry, prefix=prefix, trail=trail)

    def _folder(self, entry: os.DirEntry[bytes], *, prefix: bytes, trail: Trail) -> Refused | _Folder:
        try:
            here = _identity(entry.stat())
        except OSError as error:
            name = label(prefix + entry.name)
            return Refused(name=name, error=_unlisted(error, name=name))
        return _Folder(path=entry.path, prefix=prefix + entry.name + b"/", trail=(*trail, here))

    def _linked(
        self, entry: os.DirEntry[bytes], *, prefix: bytes, trail: Trail
    ) -> Location | Refused | _Folder:
        name = label(prefix + entry.name)
        try:
            real = os.path.realpath(entry.path)
            found = Path(os.fsdecode(real)).stat()
        except (OSError, ValueError) as error:
            return Refused(name=name, error=_broken(error, name=name))
        if in_system_folder(real):
            return _refused_link(name, "it leads into the system's own folders")
        if stat.S_ISREG(found.st_mode):
            return _file(real, name=name, size=found.st_size)
        if not stat.S_ISDIR(found.st_mode):
            return Refused(name=name, error=DeviceRefused(name=name))
        if _identity(found) in trail:
            return _refused_link(name, "it leads back to a folder that it lies in")
        if self._n_linked >= MAX_LINKED:
            return _refused_link(name, f"more than {MAX_LINKED:,} links to folders")
        self._n_linked += 1
        return self._folder(entry, prefix=prefix, trail=trail)


def _refused_link(name: str, detail: str) -> Refused:
    return Refused(name=name, error=BadLink(name=name, detail=detail))


def in_system_folder(real: bytes) -> bool:
    """Whether a resolved path lies in the system's own folders (/proc, /sys, /dev)."""
    return (real + b"/").startswith(_SYSTEM) and not real.startswith(_SHARED_MEMORY)


def _is_folder(entry: os.DirEntry[bytes]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads back to itself
        return False


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def _unlisted(error: OSError, *, name: str) -> ItemRefused:
    if isinstance(error, FileNotFoundError):
        return ItemMissing(name=name, detail=error.strerror)
    return ItemUnreadable(name=name, detail=error.strerror)


def _broken(error: OSError | ValueError, *, name: str) -> ItemRefused:
    """Why a link leads nowhere."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return MissingTarget(name=name)
    detail = "it leads back to itself" if getattr(error, "errno", None) == errno.ELOOP else str(error)
    return BadLink(name=name, detail=label(detail)[:200])


def _entry(entry: os.DirEntry[bytes], *, name: str) -> Location | Refused:
    try:
        if not entry.is_file(follow_symlinks=False):
            return Refused(name=name, error=DeviceRefused(name=name))
        size = entry.stat(follow_symlinks=False).st_size
    except OSError as error:  # gone since the folder was listed
        return Refused(name=name, error=ItemMissing(name=name, detail=error.strerror))
    return _file(entry.path, name=name, size=size)


def _file(path: bytes, *, name: str, size: int) -> Location:
    file = Path(os.fsdecode(path))
    return Location(name=name, open=lambda: open_regular(file), size=size, file=file)
