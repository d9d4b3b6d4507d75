"""Processes that this program starts end with it, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PATIENCE_S = 2.0
POOL = """
import sys, time
from pathlib import Path
from api.orders import Order
from api.scan.pool import Pool
from api.settings import Settings
from index.match import Effort

settings = Settings(home=Path(sys.argv[1]))
order = Order(settings=settings, effort=Effort.FAST, asked=(), knowledge="", search=None)
pool = Pool(order, n_workers=2, module=sys.argv[2])
if sys.argv[3] == "ready":
    while not all(each.ready for each in pool._workers):
        pool._listen()
print("started", flush=True)
time.sleep(60)
"""


def descendants(pid: int) -> set[int]:
    """Every process below one, by number."""
    found = set[int]()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found |= {child, *descendants(child)}
    return found


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own means")
@pytest.mark.parametrize(
    ("module", "when"),
    [("api.scan.worker", "at once"), ("api.scan.worker", "ready"), ("tests.unit.worker_made", "ready")],
    ids=["starting", "with decoders", "idle"],
)
def test_no_child_outlives_a_parent_that_is_killed(tmp_path: Path, module: str, when: str) -> None:
    """Two seconds after kill -9 of the parent, no worker and no decoder of a worker is left."""
    parent = subprocess.Popen(
        [sys.executable, "-c", POOL, str(tmp_path), module, when], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == "started\n"
    below = descendants(parent.pid)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + PATIENCE_S
    while any(map(alive, below)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(below) >= 2
    assert not [pid for pid in below if alive(pid)]


def test_a_child_whose_parent_is_gone_already_ends_at_once() -> None:
    """Where the parent ended before the kernel was told, the child does nothing."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    command = [sys.executable, "-P", "-m", "api.child", str(gone.pid), "this"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
