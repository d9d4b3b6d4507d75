"""What a command costs: memory and processor time of a process and of everything that it started."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import psutil

EVERY_S: Final = 0.1
"""Processes come and go; what one does after the last look at it is not counted."""

SHARED_EVERY: Final = 20
"""Of so many looks, one asks what is shared: the kernel walks all pages for it, and ten times
a second that took a twentieth of the machine."""


class Meter:
    """Watches a process and all below it, as long as the context lasts.

    Attributes
    ----------
    rss_mb : int
        Largest sum of resident memory; what processes share is counted for each.
    pss_mb : int or None
        The same, what is shared counted once; None where the system does not tell (other than Linux).
    cpu_s : float
        Processor time since the watch began, in seconds.
    """

    def __init__(self, top: psutil.Process) -> None:
        self._top = top
        self._before_s: dict[int, float] = {}
        self._used_s: dict[int, float] = {}
        self._largest = self._largest_pss = self._looks = 0
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
        self.pss_mb = round(self._largest_pss / 1e6) or None
        self.cpu_s = round(sum(self._used_s.values()) - sum(self._before_s.values()), 1)

    def _watch(self) -> None:
        while not self._over.wait(EVERY_S):
            self._look()

    def _look(self) -> None:
        size = shared_once = 0
        self._looks += 1
        also_shared = self._looks % SHARED_EVERY == 1
        for one in self._all():
            with suppress(psutil.NoSuchProcess):  # it ended while we looked
                size += one.memory_info().rss
                shared_once += _pss(one.pid) if also_shared else 0
                times = one.cpu_times()
                self._used_s[one.pid] = times.user + times.system
        self._largest = max(self._largest, size)
        self._largest_pss = max(self._largest_pss, shared_once)

    def _all(self) -> list[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            return [self._top, *self._top.children(recursive=True)]
        return []


def _pss(pid: int) -> int:
    """Proportional memory of a process in bytes; 0 where it has ended or the system does not tell."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return 1024 * int(line.split()[1])
    return 0
