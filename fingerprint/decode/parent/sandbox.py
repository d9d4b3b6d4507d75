"""Starts the worker in its sandbox: bubblewrap where it works, resource limits and the call filter always."""

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
"""Seconds that a worker may take to import its libraries; it takes about 0.15."""

DYING_S: Final = 0.5
"""Seconds that a worker which hung up is given to end, so that we learn of what."""

RECYCLE_AFTER: Final = 300
"""Files that one worker decodes."""

PACKAGE: Final = Path(earwitness.__file__).parent
"""The folder of `earwitness`: in site-packages, or in a checkout, where it links to `fingerprint`."""


class StartFailed(RuntimeError):
    """This sandbox does not work here; only this folder sees it."""


@dataclass(slots=True, kw_only=True)
class WorkerProcess:
    """A running worker, locked down and ready.

    Attributes
    ----------
    calls_filtered : bool
        Whether it filters system calls.
    """

    process: subprocess.Popen[bytes]
    channel: Channel
    calls_filtered: bool
    n_decoded: int = 0

    def stop(self, *, patience_s: float = 0.0) -> str:
        """Kill it if it has not ended after `patience_s`, wait for it, and say how it ended."""
        self.channel.close()
        try:
            self.process.wait(timeout=patience_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        code = self.process.returncode
        return f"signal {-code}" if code < 0 else f"exit status {code}"


def start(sandbox: Sandbox, limits: Limits) -> WorkerProcess:
    """Start a worker and wait until it is locked down; raises StartFailed with what it complained about."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with tempfile.TemporaryFile() as complaints:
        try:
            process = _spawn(sandbox, limits, theirs, complaints)
        except StartFailed:
            ours.close()
            raise
        finally:
            theirs.close()
        worker = WorkerProcess(process=process, channel=Channel(ours), calls_filtered=False)
        try:
            kind, payload = worker.channel.receive(deadline=time.monotonic() + START_S)
            if kind != protocol.READY:
                raise ProtocolError("the worker did not say that it is ready")
        except (OSError, TimeoutError) as error:
            ended = worker.stop(patience_s=DYING_S)
            complaints.seek(0)
            words = complaints.read(65_536).decode("utf-8", "replace").strip().splitlines()
            raise StartFailed(words[-1] if words else f"{error} ({ended})") from error
        worker.calls_filtered = protocol.read_json(payload).get("calls_filtered") is True
        return worker


def _spawn(
    sandbox: Sandbox, limits: Limits, connection: socket.socket, complaints: IO[bytes]
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
            stderr=complaints,
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
    return {
        **fixed,
        "PYTHONPATH": str(PACKAGE.parent),
    }  # a checkout; -P keeps the current folder off


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
    """What the worker sees, read-only: system libraries, the interpreter, its packages, this package."""
    system = [Path(name) for name in ("/usr", "/lib", "/lib64", "/etc/ld.so.cache")]
    packages = (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))
    python = [Path(name) for name in (sys.base_prefix, sys.prefix, *packages)]
    resolved = [path.resolve() for path in python]
    wanted = dict.fromkeys([*system, *python, *resolved, PACKAGE, (PACKAGE / "fingerprint").resolve()])
    return [path for path in wanted if path.exists() and path != Path("/")]
