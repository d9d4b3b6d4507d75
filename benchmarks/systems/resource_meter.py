"""Memory and processor time of a process and its children."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import psutil

EVERY_S: Final = 0.1
"""Seconds between samples; what a process uses after its last sample is not counted."""

SHARED_EVERY: Final = 20
"""One in this many samples reads shared memory, because the kernel then walks all pages: ten times a
second took a twentieth of the machine."""


class Meter:
    """Measures a process and its children while the context is open.

    Attributes
    ----------
    rss_mb : int
        Largest sum of resident memory; shared memory is counted in each process.
    pss_mb : int or None
        The same with shared memory counted once; None on systems other than Linux.
    cpu_s : float
        Processor time since the start of the measurement, in seconds.
    """

    def __init__(self, top: psutil.Process) -> None:
        self._top = top
        self._before_s: dict[int, float] = {}
        self._used_s: dict[int, float] = {}
        self._largest = self._largest_pss = self._n_samples = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._sample()
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
            self._sample()

    def _sample(self) -> None:
        size = shared_once = 0
        self._n_samples += 1
        also_shared = self._n_samples % SHARED_EVERY == 1
        for one in self._all():
            with suppress(psutil.NoSuchProcess):  # the process may end meanwhile
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
    """Proportional memory of a process in bytes; 0 where it has ended or the system has no such number."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return 1024 * int(line.split()[1])
    return 0
