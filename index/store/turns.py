"""Turns at changing a home: of the threads of one process, and of other processes between two changes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final

from earwitness.index.store.lock import HomeLock
from earwitness.index.store.store_errors import StoreError

ASKED_EVERY_S: Final = 0.1

_log: Final = logging.getLogger("earwitness.store")


class Turns:
    """A lock of threads, whose holder holds the home's lock besides.

    Where the home's lock is lent, a thread gives it away as soon as no change is made and a command waits.
    The next change takes it back.

    Parameters
    ----------
    fold : callable or None
        Where the lock is lent: called about once a second while another process has it, because that process
        leaves the catalog's log to this one.

    Raises
    ------
    HomeBusy
        On entry, when the lock was lent and does not come back.
    """

    def __init__(self, lock: HomeLock, fold: Callable[[], None] | None) -> None:
        self._lock, self._fold = lock, fold
        self._threads = threading.RLock()
        self._ends = threading.Event()
        self._lender: threading.Thread | None = None
        if fold is not None:
            self._lender = threading.Thread(target=self._lend, name="lends the lock", daemon=True)
            self._lender.start()

    def __enter__(self) -> None:
        self._threads.acquire()
        try:
            self._lock.take_back()
        except BaseException:
            self._threads.release()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._threads.release()

    def close(self) -> None:
        """End the thread that lends."""
        self._ends.set()
        if self._lender is not None:
            self._lender.join()

    def _lend(self) -> None:
        rounds = 0
        while not self._ends.wait(ASKED_EVERY_S):
            rounds += 1
            with self._threads:
                self._lock.lend()
            if rounds % 10 == 0 and not self._lock.is_held and self._fold is not None:
                try:
                    self._fold()
                except StoreError as error:
                    _log.warning("the catalog's log could not be folded in: %s", error.message)
