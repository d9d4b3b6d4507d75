"""Tries forbidden actions inside the worker, for `doctor` and the tests."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

ALLOWED = "allowed"
"""Result of an action that the sandbox did not stop."""


def probe(*, home: str, scratch: str) -> dict[str, str]:
    """Try each action; return its name -> "allowed", or the name of the error that stopped it.

    Parameters
    ----------
    home : str
        A folder that must not be visible.
    scratch : str
        A folder that is writable outside the sandbox.
    """
    actions: dict[str, Callable[[], object]] = {
        "network": _connect,
        "name look-up": lambda: socket.getaddrinfo("example.org", 80),
        "home folder": lambda: list(Path(home).iterdir()),
        "password file": lambda: os.close(os.open("/etc/passwd", os.O_RDONLY)),
        "write": Path(scratch, "earwitness-probe").touch,
        "fork": _fork,
        "program": lambda: subprocess.run(["/bin/true"], check=True),
        "replace itself": lambda: os.execv("/bin/true", ["/bin/true"]),  # noqa: S606  # no shell is the point
        "another process": lambda: os.kill(os.getppid(), 0),
    }
    return {name: _try(action) for name, action in actions.items()}


def _try(action: Callable[[], object]) -> str:
    try:
        action()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, type(error).__name__)
    return ALLOWED


def _connect() -> None:
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as udp:
        udp.connect(("192.0.2.1", 9))  # documentation address; a datagram socket sends nothing on connect


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)
    os.wait()
