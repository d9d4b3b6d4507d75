"""The number of worker processes for a machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from earwitness.api import machine as machine_module
from earwitness.api.machine import WORKER_BYTES, Machine, allowance
from earwitness.api.settings import Settings


@pytest.mark.parametrize(
    ("requested", "n_cores", "fitting", "used", "why"),
    [
        (0, 4, 100, 4, ""),
        (3, 4, 100, 3, ""),
        (9999, 4, 100, 4, "4 cores"),
        (9999, 1, 100, 1, "1 core "),
        (0, 64, 2, 2, "memory"),
        (9999, 64, 2, 2, "memory"),
        (1, 1, 0, 1, ""),
        (8, 4, None, 4, "4 cores"),
        (0, 4, None, 4, ""),
    ],
)
def test_workers_are_bounded_by_cores_and_memory(
    requested: int, n_cores: int, fitting: int | None, used: int, why: str
) -> None:
    """However many are requested, cores and memory limit the number, and there is a reason."""
    free = None if fitting is None else fitting * WORKER_BYTES + 5
    allowed = allowance(requested, Machine(n_cores=n_cores, free_bytes=free))
    assert allowed.n_workers == used
    assert (why in allowed.reason) if why else not allowed.reason


def test_a_settings_number_is_bounded_too(tmp_path: Path) -> None:
    """The number that scans, jobs and the server use is the bounded one."""
    assert Settings(home=tmp_path, workers=9999).n_workers <= Machine.here().n_cores


def test_the_tightest_limit_of_a_container_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory and processor quotas of every group above the process are read, in both versions of cgroups."""
    (tmp_path / "cgroup").write_text("4:memory:/outer/inner\n1:cpu:/\n0::/slice\n")
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:    8000000 kB\n")
    inner, piece = tmp_path / "fs/memory/outer/inner", tmp_path / "fs/slice"
    inner.mkdir(parents=True)
    piece.mkdir(parents=True)
    (inner / "memory.limit_in_bytes").write_text(f"{1 << 62}\n")
    (inner / "memory.usage_in_bytes").write_text("5\n")
    (inner.parent / "memory.limit_in_bytes").write_text("3000000000\n")
    (inner.parent / "memory.usage_in_bytes").write_text("1000000000\n")
    (inner.parent / "memory.stat").write_text("cache 7\ninactive_file 500000000\n")
    (piece / "memory.max").write_text("max\n")
    (piece / "cpu.max").write_text("100000 100000\n")
    for name, path in (("_OWN_CGROUPS", "cgroup"), ("_MEMINFO", "meminfo"), ("_CGROUPS", "fs")):
        monkeypatch.setattr(machine_module, name, tmp_path / path)
    assert Machine.here() == Machine(n_cores=1, free_bytes=2_500_000_000)
