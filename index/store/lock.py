"""Locks of a home: of its one writer, of its one server, and of a folder in it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from earwitness.index.store.files import convert_write_errors
from earwitness.index.store.store_errors import HomeBusy, HomeServed

LOCK_FILE: Final = "writer.lock"
HOLDER_FILE: Final = "writer.holder"
WANTED_FILE: Final = "writer.wanted"
SERVER_LOCK_FILE: Final = "server.lock"

LOCK_FILES: Final = frozenset({LOCK_FILE, HOLDER_FILE, WANTED_FILE, SERVER_LOCK_FILE})

LENDS: Final = "lends"
"""Second line of the holder's file where the holder gives the lock away between two changes."""

COMMAND_WAITS_S: Final = 60.0
"""How long a command waits for the lock of a server, which lends it."""

LENDER_WAITS_S: Final = 600.0
"""How long a server waits for the lock that it lent."""

RETRY_S: Final = 0.1
TAKEN_WITHIN_S: Final = 1.0
"""How long a lender waits until the lock that it gave away is taken."""


class HomeLock:
    """Held by the one process that writes; the system releases it however that process ends.

    Parameters
    ----------
    lends : bool
        Whether `lend` gives it to a process that waits for it, and `take_back` takes it again. Another
        process waits up to `COMMAND_WAITS_S` for such a lock, and not at all for one that is not lent.

    Raises
    ------
    HomeBusy
    """

    def __init__(self, home: Path, *, lends: bool = False) -> None:
        self._home, self._lends = home, lends
        self._holder, self._wanted = home / HOLDER_FILE, home / WANTED_FILE
        # any thread may release it: a server opens its writer in one and closes it in another
        self._lock = FileLock(home / LOCK_FILE, timeout=0, thread_local=False)
        self._acquire(patience_s=COMMAND_WAITS_S, lent_only=True)

    @property
    def is_held(self) -> bool:
        """Whether this process holds it now."""
        return self._lock.is_locked

    def lend(self) -> None:
        """Give the lock to a process that waits for it, if one does."""
        if not (self._lends and self.is_held and self._wanted.exists()):
            return
        self.release()
        until = time.monotonic() + TAKEN_WITHIN_S
        while self._wanted.exists() and time.monotonic() < until:
            time.sleep(RETRY_S / 10)
        self._wanted.unlink(missing_ok=True)  # that process may have died

    def take_back(self) -> None:
        """Take the lock again after `lend`; raises HomeBusy where its borrower keeps it too long."""
        if not self.is_held:
            self._acquire(patience_s=LENDER_WAITS_S, lent_only=False)

    def release(self) -> None:
        """Release the lock."""
        if self.is_held:
            self._holder.unlink(missing_ok=True)
            self._lock.release()

    def _acquire(self, *, patience_s: float, lent_only: bool) -> None:
        until, was_wanted = time.monotonic() + patience_s, False
        try:
            with convert_write_errors(self._home / LOCK_FILE):
                while not self._try():
                    name, lends = self._read_holder()
                    if time.monotonic() > until or (lent_only and not lends):
                        raise HomeBusy(home=str(self._home), holder=name)
                    self._wanted.touch()
                    was_wanted = True
                    time.sleep(RETRY_S)
        finally:
            if was_wanted:
                self._wanted.unlink(missing_ok=True)
        self._write_holder()

    def _try(self) -> bool:
        try:
            self._lock.acquire()
        except Timeout:
            return False
        return True

    def _write_holder(self) -> None:
        lines = [f"{Path(sys.argv[0]).name or 'python'} (process {os.getpid()})", *([LENDS] * self._lends)]
        try:
            with convert_write_errors(self._holder):
                self._holder.write_text("\n".join(lines))
        except BaseException:
            self._lock.release()
            raise

    def _read_holder(self) -> tuple[str, bool]:
        """Name of the holder, and whether it lends the lock."""
        try:
            name, *more = self._holder.read_text().splitlines() or [""]
        except FileNotFoundError:  # it is about to write it, or to end
            return "another process", server_runs(self._home)
        return name or "another process", LENDS in more


def lock_for_server(home: Path) -> FileLock:
    """Return the lock of a home's one server, held.

    Raises
    ------
    HomeServed, StoreUnwritable
    """
    lock = FileLock(home / SERVER_LOCK_FILE, timeout=0, thread_local=False)
    try:
        with convert_write_errors(home / SERVER_LOCK_FILE):
            lock.acquire()
    except Timeout as error:
        raise HomeServed(home=str(home)) from error
    return lock


def server_runs(home: Path) -> bool:
    """Whether a server runs on a home."""
    if not (home / SERVER_LOCK_FILE).exists():
        return False
    lock = FileLock(home / SERVER_LOCK_FILE, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return True
    lock.release()
    return False


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
