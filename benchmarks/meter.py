"""What a command costs: memory and processor time of a process and of everything that it started."""

from __future__ import annotations

import threading
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

import psutil

EVERY_S: Final = 0.1
"""Processes come and go; what one does after the last look at it is not counted."""


class Meter:
    """Watches a process and all below it, as long as the context lasts.

    Attributes
    ----------
    rss_mb : int
        Largest sum of resident memory; what processes share is counted for each.
    cpu_s : float
        Processor time since the watch began, in seconds.
    """

    def __init__(self, top: psutil.Process) -> None:
        self._top = top
        self._before_s: dict[int, float] = {}
        self._used_s: dict[int, float] = {}
        self._largest = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._look()
        self._before_s = dict(self._used_s)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self.rss_mb = round(self._largest / 1e6)
        self.cpu_s = round(sum(self._used_s.values()) - sum(self._before_s.values()), 1)

    def _watch(self) -> None:
        while not self._over.wait(EVERY_S):
            self._look()

    def _look(self) -> None:
        size = 0
        for one in self._all():
            with suppress(psutil.NoSuchProcess):  # it ended while we looked
                size += one.memory_info().rss
                times = one.cpu_times()
                self._used_s[one.pid] = times.user + times.system
        self._largest = max(self._largest, size)

    def _all(self) -> list[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            return [self._top, *self._top.children(recursive=True)]
        return []
