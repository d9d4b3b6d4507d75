"""Processes that this program starts end with it, however it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import pytest

from earwitness.api.child_process import command
from earwitness.api.http.uploads.upload_process import Ask, Begin
from earwitness.api.pipeline.run_spec import RunSpec
from earwitness.api.scan.worker_messages import Ready, Task
from earwitness.api.settings import Settings, worker_environment
from earwitness.fingerprint.extract import extractor
from earwitness.index.match import Effort

PATIENCE_S = 2.0
POOL = """
import sys, time
from pathlib import Path
from earwitness.api.pipeline.run_spec import RunSpec
from earwitness.api.scan.worker_pool import Pool
from earwitness.api.settings import Settings
from earwitness.fingerprint.extract import extractor
from earwitness.index.match import Effort

settings = Settings(home=Path(sys.argv[1]))
spec = RunSpec(settings=settings, effort=Effort.FAST, collections=(), state_digest="", search=None)
pool = Pool(spec, n_workers=2, module=sys.argv[2])
if sys.argv[3] == "ready":
    while not all(each.ready for each in pool._workers):
        pool._listen()
print("started", flush=True)
time.sleep(60)
"""


def descendants(pid: int) -> set[int]:
    """Every process below one, by number."""
    pids = set[int]()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            pids |= {child, *descendants(child)}
    return pids


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own means")
@pytest.mark.parametrize(
    ("module", "when"),
    [
        ("earwitness.api.scan.scan_worker", "at once"),
        ("earwitness.api.scan.scan_worker", "ready"),
        ("tests.unit.api.made_worker", "ready"),
    ],
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
    """If the parent has ended already, the child does nothing."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    command = [sys.executable, "-P", "-m", "earwitness.api.child_process", str(gone.pid), "this"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


SCANNING: Final = "earwitness.api.scan.scan_worker"
UPLOADING: Final = "earwitness.api.http.uploads.upload_worker"


def spec(home: Path, *ids: int) -> RunSpec:
    """A spec that searches these collections."""
    settings = Settings(home=home, sandbox="rlimits")
    return RunSpec(settings=settings, effort=Effort.FAST, collections=ids, state_digest="", search=None)


def first_message(module: str, home: Path, *, refused: bool) -> RunSpec | Begin:
    """What a worker begins with; `refused`, it answers that it cannot work."""
    if module == SCANNING:
        return spec(home, 1) if refused else spec(home)
    scheme = "no such scheme" if refused else extractor().scheme
    return Begin(settings=spec(home).settings, scheme=scheme)


def hung_up(module: str, messages: list[Any], *, wait_for_ready: bool = False) -> tuple[int, str]:
    """Give a worker messages, then take no answer from it; return its exit status and what it printed."""
    parent_end, worker_end = socket.socketpair()
    with worker_end:
        worker = subprocess.Popen(
            command(module, str(worker_end.fileno())),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=[worker_end.fileno()],
            env=worker_environment() | {"PYTHONWARNINGS": "ignore"},
            text=True,
        )
    with parent_end, Connection(os.dup(parent_end.fileno())) as connection:
        for number, message in enumerate(messages):
            if number and wait_for_ready:
                assert isinstance(connection.recv(), Ready)
            if number == len(messages) - 1:
                parent_end.shutdown(socket.SHUT_RD)  # from here on, what the worker sends has no receiver
            connection.send(message)
        if not messages:
            parent_end.shutdown(socket.SHUT_RDWR)
        printed = worker.communicate(timeout=60)[1]
    return worker.returncode, printed


@pytest.mark.parametrize("module", [SCANNING, UPLOADING])
@pytest.mark.parametrize("when", ["before its first message", "while it starts", "while it refuses"])
def test_a_worker_whose_parent_hangs_up_ends_and_prints_nothing(
    tmp_path: Path, module: str, when: str
) -> None:
    """A scan that is done closes the workers that are still starting: no traceback among its own lines."""
    first = first_message(module, tmp_path, refused=when == "while it refuses")
    assert hung_up(module, [] if when == "before its first message" else [first]) == (0, "")


@pytest.mark.parametrize("module", [SCANNING, UPLOADING])
def test_a_worker_whose_answer_has_no_receiver_ends_and_prints_nothing(tmp_path: Path, module: str) -> None:
    """So it is for the item in work when a scan is stopped."""
    file = tmp_path / "item"
    file.write_bytes(b"this is no audio")
    messages: list[Any] = [first_message(module, tmp_path, refused=False)]
    if module == SCANNING:
        messages += [Task(item_id="item", path="item", audio=file, start_s=None, end_s=None)]
    else:
        messages += [Ask(order=spec(tmp_path), epoch=1, home_epoch=1, file=file, name="item", n_bytes=16)]
    assert hung_up(module, messages, wait_for_ready=True) == (0, "")
