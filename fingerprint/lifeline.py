"""A process that ends when its parent does. Imports nothing heavy: it runs before anything else."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def die_with_parent(parent: int | None = None) -> None:
    """Be killed when the thread that started this process ends (Linux).

    Parameters
    ----------
    parent : int or None
        Process number of the parent, where this process can see it. A parent that ended before the kernel was
        told has another number now; then this process ends at once.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if parent is not None and os.getppid() != parent:
        os._exit(0)
