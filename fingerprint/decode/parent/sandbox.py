"""Starts the decode worker in bubblewrap or with resource limits only; both filter system calls."""

from __future__ import annotations

import json
import math
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Final, Literal

import earwitness
from earwitness.fingerprint.decode import protocol
from earwitness.fingerprint.decode.limits import Limits
from earwitness.fingerprint.decode.protocol import Channel, ProtocolError

Sandbox = Literal["bwrap", "rlimits"]

START_S: Final = 30.0
"""Seconds that a worker may take to start; it takes about 0.15."""

EXIT_TIMEOUT_S: Final = 0.5
"""Seconds to wait for the exit status of a worker that closed its connection."""

RECYCLE_AFTER: Final = 300
"""Files that one worker decodes before it is replaced."""

PACKAGE: Final = Path(earwitness.__file__).parent
"""Folder of the package: in site-packages, or in a checkout, where it links to `fingerprint`."""


class StartFailed(RuntimeError):
    """The worker cannot be started in this sandbox; does not leave this package."""


@dataclass(slots=True, kw_only=True)
class WorkerProcess:
    """A running worker that is ready for requests.

    Attributes
    ----------
    calls_filtered : bool
        Whether it filters system calls.
    """

    process: subprocess.Popen[bytes]
    channel: Channel
    calls_filtered: bool
    n_decoded: int = 0

    def stop(self, *, timeout_s: float = 0.0) -> str:
        """Kill the worker if it has not ended after `timeout_s`; return how it ended."""
        self.channel.close()
        try:
            self.process.wait(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        code = self.process.returncode
        return f"signal {-code}" if code < 0 else f"exit status {code}"


@dataclass(frozen=True, slots=True)
class StartingWorker:
    """A worker that was started and may not be ready yet."""

    worker: WorkerProcess
    stderr: IO[bytes]

    def ready(self) -> WorkerProcess:
        """Wait until the worker is ready; raises StartFailed with its last line of stderr."""
        worker = self.worker
        with self.stderr as stderr:
            try:
                kind, payload = worker.channel.receive(deadline=time.monotonic() + START_S)
                if kind != protocol.READY:
                    raise ProtocolError("the worker did not send that it is ready")
            except (OSError, TimeoutError) as error:
                ended = worker.stop(timeout_s=EXIT_TIMEOUT_S)
                stderr.seek(0)
                lines = stderr.read(65_536).decode("utf-8", "replace").strip().splitlines()
                raise StartFailed(lines[-1] if lines else f"{error} ({ended})") from error
        worker.calls_filtered = protocol.read_json(payload).get("calls_filtered") is True
        return worker

    def stop(self) -> None:
        """End the worker without waiting until it is ready."""
        self.stderr.close()
        self.worker.stop()


def begin(sandbox: Sandbox, limits: Limits) -> StartingWorker:
    """Start a worker without waiting for it; raises StartFailed where no process can be started."""
    parent_end, worker_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    stderr = tempfile.TemporaryFile()  # noqa: SIM115 (closed when the worker is ready or stopped)
    try:
        process = _spawn(sandbox, limits, worker_end, stderr)
    except StartFailed:
        parent_end.close()
        stderr.close()
        raise
    finally:
        worker_end.close()
    worker = WorkerProcess(process=process, channel=Channel(parent_end), calls_filtered=False)
    return StartingWorker(worker, stderr)


def start(sandbox: Sandbox, limits: Limits) -> WorkerProcess:
    """Start a worker and wait until it is ready; raises StartFailed."""
    return begin(sandbox, limits).ready()


def _spawn(
    sandbox: Sandbox, limits: Limits, connection: socket.socket, stderr: IO[bytes]
) -> subprocess.Popen[bytes]:
    config = json.dumps({"limits": asdict(limits), "cpu_s": math.ceil(limits.wall_s * RECYCLE_AFTER)})
    module = ("-m", "earwitness.fingerprint.decode.worker.decode_worker")
    command = [sys.executable, "-P", "-s", *module, str(connection.fileno()), config]
    if sandbox == "bwrap":
        program = shutil.which("bwrap")
        if program is None:
            raise StartFailed("bubblewrap (bwrap) is not installed")
        command = [program, *_bwrap_options(), "--", *command]
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env=_environment(),
            cwd="/",
            pass_fds=(connection.fileno(),),
            start_new_session=True,
        )
    except OSError as error:
        raise StartFailed(str(error)) from error


def _environment() -> dict[str, str]:
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    fixed = {"LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", **threads}
    if str(PACKAGE.parent) in (sysconfig.get_path("purelib"), sysconfig.get_path("platlib")):
        return fixed
    return {**fixed, "PYTHONPATH": str(PACKAGE.parent)}  # a checkout; -P excludes the current folder


def _bwrap_options() -> tuple[str, ...]:
    binds = [part for path in _visible() for part in ("--ro-bind", str(path), str(path))]
    return (
        "--unshare-all",
        "--die-with-parent",
        "--new-session",
        "--cap-drop",
        "ALL",
        *binds,
        "--dev",
        "/dev",
        "--remount-ro",
        "/",
        "--chdir",
        "/",
    )


def _visible() -> Sequence[Path]:
    """Paths that the worker can read: system libraries, the interpreter, its packages, this package."""
    system = [Path(name) for name in ("/usr", "/lib", "/lib64", "/etc/ld.so.cache")]
    packages = (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))
    python = [Path(name) for name in (sys.base_prefix, sys.prefix, *packages)]
    resolved = [path.resolve() for path in python]
    paths = dict.fromkeys([*system, *python, *resolved, PACKAGE, (PACKAGE / "fingerprint").resolve()])
    return [path for path in paths if path.exists() and path != Path("/")]
