"""Cores and free memory for worker processes, as the system and its cgroups allow."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

WORKER_BYTES: Final = 600 << 20
"""Memory of one worker with its decoder, in bytes: about 450 MB at its start, more with a long item."""

_MEMINFO: Final = Path("/proc/meminfo")
_OWN_CGROUPS: Final = Path("/proc/self/cgroup")
_CGROUPS: Final = Path("/sys/fs/cgroup")
_UNLIMITED_BYTES: Final = 1 << 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """The number of worker processes to use.

    Attributes
    ----------
    n_workers : int
        At least one.
    reason : str
        Why it is lower than requested; empty where it is not.
    """

    n_workers: int
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Cores, and free memory in bytes (None where it is not known)."""

    n_cores: int
    free_bytes: int | None

    @classmethod
    def here(cls) -> Self:
        """Measure this machine."""
        return cls(n_cores=cores(), free_bytes=free_memory())


def allowance(requested: int, machine: Machine | None = None) -> Allowance:
    """Limit a number of worker processes to what a machine, by default this one, can run; 0: one a core."""
    machine = machine or Machine.here()
    n_cores, free = machine.n_cores, machine.free_bytes
    wanted = requested or n_cores
    fitting = wanted if free is None else max(1, free // WORKER_BYTES)
    n_workers = min(wanted, n_cores, fitting)
    if n_workers == wanted:
        return Allowance(n_workers=n_workers)
    if fitting < n_cores:
        assert free is not None  # otherwise all of them fit
        reason = f"{free / 1e9:.1f} GB of memory are free and each takes about {WORKER_BYTES / 1e9:.1f} GB"
    else:
        reason = f"this machine has {n_cores:,} core{'' if n_cores == 1 else 's'} for them"
    return Allowance(n_workers=n_workers, reason=reason)


def cores() -> int:
    """Return how many cores this process may use."""
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([own, *_quotas()]))


def free_memory() -> int | None:
    """Return the bytes of memory that this process and its children may still use; None where not known."""
    free = [*_available(), *_free_in_cgroups()]
    return max(0, min(free)) if free else None


def _available() -> Iterator[int]:
    for line in _text(_MEMINFO).splitlines():
        if line.startswith("MemAvailable:"):
            yield int(line.split()[1]) << 10


def _free_in_cgroups() -> Iterator[int]:
    """Yield the free bytes of each group of this process, limit minus use (version 2, then version 1)."""
    for folder in _groups(""):
        yield from _free(folder, "memory.max", "memory.current")
    for folder in _groups("memory"):
        yield from _free(folder, "memory.limit_in_bytes", "memory.usage_in_bytes")


def _free(folder: Path, limit: str, used: str) -> Iterator[int]:
    most, now = _text(folder / limit).strip(), _text(folder / used).strip()
    if most.isdigit() and now.isdigit() and int(most) < _UNLIMITED_BYTES:
        yield int(most) - int(now) + _reclaimable(folder)


def _reclaimable(folder: Path) -> int:
    """Return the bytes of inactive file cache, which the system frees when memory is needed."""
    named = (line.split() for line in _text(folder / "memory.stat").splitlines())
    return next((int(value) for name, value in named if name == "inactive_file"), 0)


def _quotas() -> Iterator[int]:
    """Yield the CPU quota of each group of this process, in cores, rounded up."""
    for folder in _groups(""):
        parts = _text(folder / "cpu.max").split()
        if len(parts) == 2 and parts[0].isdigit() and int(parts[1]):
            yield max(1, -(-int(parts[0]) // int(parts[1])))


def _groups(controller: str) -> Iterator[Path]:
    """Yield the folders of this process's groups, from its own up to the root."""
    for line in _text(_OWN_CGROUPS).splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            root = _CGROUPS / controller if controller else _CGROUPS
            parts = [part for part in path.split("/") if part not in {"", ".."}]
            for depth in range(len(parts), -1, -1):
                yield root.joinpath(*parts[:depth])


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
