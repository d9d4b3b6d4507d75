"""Worker processes of a measurement."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from earwitness.fingerprint.lifeline import die_with_parent


def spawned_workers(n_workers: int) -> ProcessPoolExecutor:
    """Return a pool of new processes, which end with this one, also where it is killed."""
    return ProcessPoolExecutor(
        n_workers, mp_context=get_context("spawn"), initializer=die_with_parent, initargs=(os.getpid(),)
    )
