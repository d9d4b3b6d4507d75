"""Limits on uploads at the same time, in all and for each client, so that slow ones keep nobody else out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from anyio import CapacityLimiter

from earwitness.api.http.http_errors import ClientTooBusy, UploadsBusy

MAX_UPLOADS: Final = 64
THREADS: Final = 16
"""Threads that write uploads to the disk; the others answer requests."""
LISTS_AT_ONCE: Final = 2
"""Lists of works that are answered at the same time, each read by a process of its own; others wait."""


class UploadSlots:
    """Counts uploads; used by the thread of the event loop.

    Parameters
    ----------
    a_client : int
        Uploads at the same time from one client (by its API key, else its address).
    """

    def __init__(self, *, a_client: int, in_all: int = MAX_UPLOADS) -> None:
        self._a_client, self._in_all = a_client, in_all
        self._taken = Counter[str]()
        self._threads: CapacityLimiter | None = None
        self._list_threads: CapacityLimiter | None = None

    @property
    def threads(self) -> CapacityLimiter:
        """Limits the threads that write uploads; created in the event loop that uses it."""
        if self._threads is None:
            self._threads = CapacityLimiter(THREADS)
        return self._threads

    @property
    def list_threads(self) -> CapacityLimiter:
        """Limits the threads that answer lists of works; created in the event loop that uses it."""
        if self._list_threads is None:
            self._list_threads = CapacityLimiter(LISTS_AT_ONCE)
        return self._list_threads

    @contextmanager
    def taken(self, client: str) -> Iterator[None]:
        """Count one upload for the time of the block.

        Raises
        ------
        ClientTooBusy, UploadsBusy
            Before a byte of the upload is read.
        """
        if self._taken[client] >= self._a_client:
            raise ClientTooBusy(limit=self._a_client)
        if self._taken.total() >= self._in_all:
            raise UploadsBusy(limit=self._in_all)
        self._taken[client] += 1
        try:
            yield
        finally:
            self._taken[client] -= 1
            if not self._taken[client]:
                del self._taken[client]
