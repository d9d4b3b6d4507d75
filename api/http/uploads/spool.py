"""Uploads on disk: one fsynced file each, removed when its job ends."""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

from earwitness.api.http.http_errors import NoRoom, UploadTooLarge
from earwitness.fingerprint.errors import EmptyFile
from earwitness.index.store.files import convert_write_errors, fsync_folder

SPOOL_FOLDER: Final = "spool"
KEEP_FREE_BYTES: Final = 256 * 2**20
"""Free bytes that uploads leave on the disk, so that accepted jobs can still write their results."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spooled:
    """An upload that is safely on disk.

    Attributes
    ----------
    path : Path
        A random name in the home's spool folder.
    name : str
        The client's name of the file; only a label.
    sha256 : str
        Hexadecimal digest of the file's bytes.
    """

    path: Path
    name: str
    n_bytes: int
    sha256: str


class Upload:
    """One upload on its way to disk; leaving the ``with`` block without `seal` removes it."""

    def __init__(self, path: Path, *, max_bytes: int) -> None:
        self.path, self._max_bytes = path, max_bytes
        self._digest, self._n_bytes, self._sealed = hashlib.sha256(), 0, False
        with convert_write_errors(path):
            self._file = open(path, "xb", buffering=0, opener=_private)  # noqa: SIM115  # __exit__ closes

    def __enter__(self) -> Upload:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if not self._sealed:
            self.path.unlink(missing_ok=True)

    def write(self, data: bytes) -> None:
        """Append bytes; raises UploadTooLarge above the limit and NoRoom when the disk is nearly full."""
        self._n_bytes += len(data)
        if self._n_bytes > self._max_bytes:
            raise UploadTooLarge(limit_bytes=self._max_bytes)
        demand_room(self.path.parent)
        self._digest.update(data)
        left = memoryview(data)
        with convert_write_errors(self.path):
            while left:
                left = left[self._file.write(left) :]

    def seal(self, *, name: str) -> Spooled:
        """Make the file durable: its bytes first, then its name in the folder."""
        if self._n_bytes == 0:
            raise EmptyFile(name=name)
        with convert_write_errors(self.path):  # some file systems report a full disk only now
            os.fsync(self._file.fileno())
            fsync_folder(self.path.parent)
        self._sealed = True
        return Spooled(path=self.path, name=name, n_bytes=self._n_bytes, sha256=self._digest.hexdigest())


def seal_all(uploads: Sequence[Upload], names: Sequence[str]) -> tuple[Spooled, ...]:
    """Make several files durable, all of them or none."""
    sealed: list[Spooled] = []
    try:
        for upload, name in zip(uploads, names, strict=True):
            sealed.append(upload.seal(name=name))
    except BaseException:
        for each in sealed:
            each.path.unlink(missing_ok=True)
        raise
    return tuple(sealed)


class Spool:
    """The folder of uploads.

    Parameters
    ----------
    folder : Path
        Created if missing, readable by this user alone.
    max_bytes : int
        Limit on one upload.
    """

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder, self.max_bytes = folder, max_bytes

    def begin(self) -> Upload:
        """Open a new upload; raises NoRoom when the disk is nearly full."""
        demand_room(self.folder)
        return Upload(self.folder / uuid.uuid4().hex, max_bytes=self.max_bytes)

    @contextmanager
    def unless_refused(self, *spooled: Spooled) -> Iterator[None]:
        """Remove uploads when the block fails: no job was accepted."""
        try:
            yield
        except BaseException:
            for each in spooled:
                each.path.unlink(missing_ok=True)
            raise

    def sweep(self, wanted: Iterable[Path]) -> int:
        """Remove what no open job names; returns how many. To be called before uploads begin."""
        orphans = set(self.folder.iterdir()) - set(wanted)
        for path in orphans:
            if path.is_dir():  # of a list of works that was being answered
                shutil.rmtree(path)
            else:
                path.unlink()
        return len(orphans)


def _private(path: str, flags: int) -> int:
    """Open a file that this account alone may read, whatever the umask: uploads are private."""
    return os.open(path, flags, 0o600)


def demand_room(folder: Path) -> None:
    """Raise NoRoom when less than `KEEP_FREE_BYTES` are free on the disk of `folder`."""
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < KEEP_FREE_BYTES:
        raise NoRoom(free_bytes=free_bytes, needed_bytes=KEEP_FREE_BYTES)
