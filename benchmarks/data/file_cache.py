"""Files that are written once and read many times, by several processes at the same time."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def write_once(file: Path, write: Callable[[Path], object]) -> None:
    """Call `write` to write a file that does not exist; other processes see only the complete file.

    Two processes that need the same file both write it, each under its own temporary name.
    """
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(f"{os.getpid()}-{file.name}")
        write(partial)
        partial.replace(file)
