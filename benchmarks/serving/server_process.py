"""A real server process, its memory, and the processes that work for it."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2
import psutil

EARWITNESS: Final = Path(sys.executable).with_name("earwitness")
PATIENCE_S: Final = 300.0
LOOK_S: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerProcess:
    """A running ``earwitness serve``."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def memory_bytes(self) -> int:
        """Resident memory of the server process, without its workers."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def workers(self) -> list[psutil.Process]:
        """Return the processes that work for it."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self) -> float:
        """Send SIGTERM, and return the seconds until the process has ended."""
        begin = time.monotonic()
        self.process.terminate()
        self.process.wait(PATIENCE_S)
        return time.monotonic() - begin


@contextmanager
def running(home: Path, *options: str) -> Iterator[ServerProcess]:
    """Run a server until the block ends, unless it is stopped before."""
    port = _free_port()
    command = [str(EARWITNESS), "--home", str(home), "serve", "--port", str(port), *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        server = ServerProcess(process=process, port=port)
        try:
            _wait_until_ready(server)
            yield server
        finally:
            if process.poll() is None:
                server.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(server: ServerProcess) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and server.process.poll() is None:
        with suppress(httpx2.TransportError):
            if httpx2.get(f"{server.address}/readyz").status_code == 200:
                return
        time.sleep(LOOK_S)
    raise RuntimeError("the server did not get ready")


@dataclass(slots=True)
class MemoryWatch:
    """The most memory of a server process while a block runs."""

    server: ServerProcess
    before_bytes: int = 0
    most_bytes: int = 0
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> MemoryWatch:
        self.before_bytes = self.most_bytes = self.server.memory_bytes
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        assert self._thread is not None
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(LOOK_S):
            with suppress(psutil.Error):
                self.most_bytes = max(self.most_bytes, self.server.memory_bytes)


def job_of(client: httpx2.Client, address: str) -> dict[str, Any]:
    """Return a job when it has ended."""
    until = time.monotonic() + PATIENCE_S
    while True:
        with suppress(httpx2.TransportError):
            answer = client.get(address)
            if answer.status_code != 200:
                return {"state": f"HTTP {answer.status_code}"}
            if (job := answer.json())["state"] in {"done", "failed", "cancelled"}:
                return dict(job)
        if time.monotonic() > until:
            return {"state": "not ended"}
        time.sleep(LOOK_S)
