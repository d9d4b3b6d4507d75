"""Consoles for results (standard output) and other texts (standard error); both escape control characters."""

from __future__ import annotations

import os
import sys
from contextvars import ContextVar
from enum import IntEnum
from typing import Any

from rich.console import Console

from earwitness.api.printable import shown


class Loudness(IntEnum):
    """How much is printed on standard error."""

    QUIET = 0
    NORMAL = 1
    VERBOSE = 2


_LOUDNESS: ContextVar[Loudness] = ContextVar("loudness", default=Loudness.NORMAL)
_TO_STDERR: ContextVar[bool] = ContextVar("results go to stderr", default=False)


def set_loudness(loudness: Loudness) -> None:
    """Choose how much this command prints on standard error."""
    _LOUDNESS.set(loudness)


def loudness() -> Loudness:
    """Return how much this command prints on standard error."""
    return _LOUDNESS.get()


def keep_stdout_free(*, free: bool = True) -> None:
    """Print texts for people on standard error, because standard output carries data."""
    _TO_STDERR.set(free)


class SafeConsole(Console):
    """A console that escapes control characters in every text; callers switch its markup off."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print; names and titles in the text cannot move the cursor or change colours."""
        super().print(
            *(shown(each, lines=True) if isinstance(each, str) else each for each in objects), **options
        )

    def on_broken_pipe(self) -> None:
        """Raise, so that the command exits with its own status (the library would exit with 1)."""
        raise BrokenPipeError


def to_stderr() -> Console:
    """Return a console for progress, notes and summaries; it is silent under ``--quiet``."""
    return SafeConsole(
        stderr=True,
        markup=False,
        highlight=False,
        quiet=loudness() is Loudness.QUIET,
        soft_wrap=not sys.stderr.isatty(),
    )


def to_stdout() -> Console:
    """Return a console for results, which go to standard error where standard output carries data."""
    if _TO_STDERR.get():
        return to_stderr()
    return SafeConsole(markup=False, highlight=False, soft_wrap=not sys.stdout.isatty())


def print_error(text: str) -> None:
    """Print a text on standard error, if that is still open."""
    stream = sys.stderr if sys.stderr is not None and not sys.stderr.closed else None
    if stream is not None:
        try:
            print(shown(text, lines=True), file=stream, flush=True)
        except OSError:
            sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123 (for the interpreter's last flush)


def ready_streams() -> None:
    """Replace closed standard streams by the null device, and escape characters that cannot be encoded."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115, PTH123
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115, PTH123
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
