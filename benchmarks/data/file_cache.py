"""Files that are made once and read again, by several processes at a time."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def keep(file: Path, write: Callable[[Path], object]) -> None:
    """Have `write` make a file, if there is none; others see it whole or not at all.

    Two processes that want the same file at once both make it, each under a name of its own.
    """
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(f"{os.getpid()}-{file.name}")
        write(partial)
        partial.replace(file)
