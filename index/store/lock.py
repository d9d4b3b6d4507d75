"""Locks of a home: of its one writer, and of a folder in it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from earwitness.index.store.files import convert_write_errors
from earwitness.index.store.store_errors import HomeBusy

LOCK_FILE: Final = "writer.lock"
HOLDER_FILE: Final = "writer.holder"


class HomeLock:
    """Held by the one process that writes; the system releases it however that process ends."""

    def __init__(self, home: Path) -> None:
        self._holder = home / HOLDER_FILE
        # any thread may release it: a server opens its writer in one and closes it in another
        self._lock = FileLock(home / LOCK_FILE, timeout=0, thread_local=False)
        try:
            with convert_write_errors(home / LOCK_FILE):
                self._lock.acquire()
        except Timeout as error:
            raise HomeBusy(home=str(home), holder=self._name_holder()) from error
        try:
            with convert_write_errors(self._holder):
                self._holder.write_text(f"{Path(sys.argv[0]).name or 'python'} (process {os.getpid()})")
        except BaseException:
            self._lock.release()
            raise

    def _name_holder(self) -> str:
        try:
            return self._holder.read_text() or "another process"
        except FileNotFoundError:
            return "another process"

    def release(self) -> None:
        """Release the lock."""
        self._holder.unlink(missing_ok=True)
        self._lock.release()


@contextmanager
def locked_folder(folder: Path, *, lock_file: str, home: Path, what: str) -> Iterator[None]:
    """Let only this process change a folder of a home; it is made if it does not exist.

    Parameters
    ----------
    what : str
        What the folder holds, for people.

    Raises
    ------
    HomeBusy, DiskFull, DiskFailed, StoreUnwritable
    """
    lock = FileLock(folder / lock_file, timeout=0)
    try:
        with convert_write_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            lock.acquire()
    except Timeout as error:
        raise HomeBusy(home=str(home), holder=f"another process that changes its {what}") from error
    try:
        yield
    finally:
        lock.release()
