"""Ends a process when its parent ends. Imports no library, as it runs first."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def die_with_parent(parent: int | None = None) -> None:
    """Request a SIGKILL for when the thread that started this process ends (Linux).

    Parameters
    ----------
    parent : int or None
        Process id of the parent, if known. If the parent ended before the request was made, this process
        exits at once.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if parent is not None and os.getppid() != parent:
        os._exit(0)
