"""How long a mutator runs: some seconds, or a number of rounds, which are the same on every machine."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator


def add_options(parser: argparse.ArgumentParser, *, seed: int) -> None:
    """Add ``--seconds``, ``--rounds`` and ``--seed``."""
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rounds", type=int, help="run so many rounds, however long they take")
    parser.add_argument("--seed", type=int, default=seed)


def rounds(options: argparse.Namespace) -> Iterator[int]:
    """Yield the numbers of the rounds that the options ask for, from 0."""
    if options.rounds is not None:
        yield from range(options.rounds)
        return
    end, number = time.monotonic() + options.seconds, 0
    while time.monotonic() < end:
        yield number
        number += 1
