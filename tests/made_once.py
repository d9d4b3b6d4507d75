"""Folders that take long to make: one process of the tests makes each, and every process gets a copy."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Return a folder of this process with what `make` writes into a folder that does not exist yet.

    Parameters
    ----------
    name : str
        Stands for what is made: the same name gives the same content.
    """
    base = factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "made-once"
    shared.mkdir(exist_ok=True)
    made = shared / name
    with FileLock(f"{made}.lock"):
        if not made.exists():
            unfinished = made.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            make(unfinished)
            unfinished.rename(made)
    return Path(shutil.copytree(made, factory.mktemp(name) / "copy"))
