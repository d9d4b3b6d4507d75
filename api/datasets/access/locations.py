"""Locations of files, local or remote, and the listing of a local folder; files are opened on demand."""

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
    """One file of a source.

    Attributes
    ----------
    name : str
        A label, relative to the source.
    open : callable
        Opens a seekable binary stream.
    size : int or None
        Bytes, where known.
    file : Path or None
        The path, where it is a plain local file.
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
    """The location of a local file, with a link's own name; a missing file fails when it is opened."""
    real = path.resolve()
    size = real.stat().st_size if real.exists() else None
    return Location(name=label(path.name or real.name), open=lambda: open_regular(real), size=size, file=real)


def open_regular(path: Path) -> BinaryIO:
    """Open a file; `DeviceRefused`, or `OSError` for a link, where it is no longer a regular file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise DeviceRefused(name=label(str(path)))
    return os.fdopen(descriptor, "rb")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An entry of a folder that is not read, with the reason."""

    name: str
    error: ItemRefused


Listing: TypeAlias = Callable[[], Iterator[Location | Refused]]
"""Lists a folder's files, always in the same order."""


VERSION_CONTROL: Final = frozenset({b".git", b".hg", b".svn", b".bzr", b".dvc"})
"""Folders with a tool's own copies of the files; they are not listed."""
MAX_LINKED: Final = 1_000
"""Most folders that are entered by a link; chosen by hand."""
_SYSTEM: Final = (b"/proc/", b"/sys/", b"/dev/")
_SHARED_MEMORY: Final = b"/dev/shm/"


def walk(root: Path) -> Iterator[Location | Refused]:
    """List everything below ``root``, folder by folder, names in byte order.

    Links are followed to regular files and to folders, wherever these are: the Hugging Face cache, DVC and
    git-annex store files so. A link is refused that leads to nothing, to a device, into the system's own
    folders (/proc, /sys, /dev), or back to a folder that holds it.
    """
    walker = _Walker()
    # a stack in place of recursion: folders may be nested more deeply than calls
    open_folders = [walker.entries_of(os.fsencode(root), prefix=b"", trail=(_identity(root.stat()),))]
    while open_folders:
        entry = next(open_folders[-1], None)
        if entry is None:
            open_folders.pop()
        elif isinstance(entry, _Folder):
            open_folders.append(walker.entries_of(entry.path, prefix=entry.prefix, trail=entry.trail))
        else:
            yield entry


Trail: TypeAlias = tuple[tuple[int, int], ...]
"""Identities (device, inode) of a folder and of the folders that hold it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Folder:
    """A folder to be listed next; the names of its files begin with ``prefix``."""

    path: bytes
    prefix: bytes
    trail: Trail


class _Walker:
    """Lists folders and counts the followed links to folders."""

    def __init__(self) -> None:
        self._n_linked = 0

    def entries_of(
        self, folder: bytes, *, prefix: bytes, trail: Trail
    ) -> Iterator[Location | Refused | _Folder]:
        """The entries of one folder."""
        try:
            with os.scandir(folder) as listing:
                # a folder sorts as `name/`, so that all paths are in byte order
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
            state = Path(os.fsdecode(real)).stat()
        except (OSError, ValueError) as error:
            return Refused(name=name, error=_broken(error, name=name))
        if in_system_folder(real):
            return _refused_link(name, "it leads into the system's own folders")
        if stat.S_ISREG(state.st_mode):
            return _file(real, name=name, size=state.st_size)
        if not stat.S_ISDIR(state.st_mode):
            return Refused(name=name, error=DeviceRefused(name=name))
        if _identity(state) in trail:
            return _refused_link(name, "it leads back to a folder that holds it")
        if self._n_linked >= MAX_LINKED:
            return _refused_link(name, f"more than {MAX_LINKED:,} links to folders")
        self._n_linked += 1
        return self._folder(entry, prefix=prefix, trail=trail)


def _refused_link(name: str, detail: str) -> Refused:
    return Refused(name=name, error=BadLink(name=name, detail=detail))


def in_system_folder(real: bytes) -> bool:
    """Whether a resolved path is in the system's own folders (/proc, /sys, /dev)."""
    return (real + b"/").startswith(_SYSTEM) and not real.startswith(_SHARED_MEMORY)


def _is_folder(entry: os.DirEntry[bytes]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads back to itself
        return False


def _identity(state: os.stat_result) -> tuple[int, int]:
    return state.st_dev, state.st_ino


def _unlisted(error: OSError, *, name: str) -> ItemRefused:
    if isinstance(error, FileNotFoundError):
        return ItemMissing(name=name, detail=error.strerror)
    return ItemUnreadable(name=name, detail=error.strerror)


def _broken(error: OSError | ValueError, *, name: str) -> ItemRefused:
    """Why a link cannot be followed."""
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
