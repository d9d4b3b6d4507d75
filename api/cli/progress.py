"""Progress of a command: a bar in a terminal, a line every `EVERY_S` seconds elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from earwitness.api.cli.console import Loudness, loudness
from earwitness.api.printable import shown

EVERY_S: Final = 10.0
"""Seconds between two lines of progress where no terminal shows a bar."""


class ItemProgress:
    """Progress over items: their number, hours of audio, rate, time left, and number of matches.

    Parameters
    ----------
    total : int or None
        Items, where that is known.
    every_s : float
        Seconds between two lines where the console is no terminal.
    counts_matches : bool
        Whether the number of matches is known while it runs, and shown.
    """

    def __init__(
        self,
        console: Console,
        doing: str,
        *,
        total: int | None,
        every_s: float = EVERY_S,
        counts_matches: bool = True,
    ) -> None:
        self._counts_matches = counts_matches
        self._console, self._doing, self._total, self._every_s = console, doing, total, every_s
        self._decoded_s, self._n_items, self._n_matches, self._began_at = 0.0, 0, 0, time.monotonic()
        self._in_lines = not console.is_terminal and not console.quiet
        self._ended = threading.Event()
        self._printer = threading.Thread(target=self._print_lines, daemon=True)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=16),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            _Left(),
            TextColumn("{task.fields[counts]}", markup=False),
            console=console,
            disable=not console.is_terminal or console.quiet,
        )
        self._task = self._progress.add_task(doing, total=total, counts="")

    def __enter__(self) -> Self:
        self._progress.start()
        if self._in_lines:
            self._printer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._printer.is_alive():
            self._printer.join()
        self._progress.stop()

    def item(self, *, duration_s: float | None, match: str | None = None, detail: str | None = None) -> None:
        """Count one item.

        Parameters
        ----------
        match
            A line about its match, printed in a terminal; None without a match.
        detail
            The line that a verbose command prints instead.
        """
        self._decoded_s += duration_s or 0.0
        self._n_items += 1
        if match is not None:
            self._n_matches += 1
        if loudness() is Loudness.VERBOSE and (detail or match):
            self._console.print(detail or match, soft_wrap=True)
        elif match is not None and self._console.is_terminal:
            self._console.print(match, style="yellow", soft_wrap=True)
        self._progress.update(self._task, advance=1, counts=self._counts())

    def expect(self, total: int) -> None:
        """Set the number of items, where it is known only after the beginning."""
        self._total = total
        self._progress.update(self._task, total=total)

    def line(self) -> str:
        """Return the progress as one line."""
        total = "" if self._total is None else f" of {self._total:,}"
        passed_s = time.monotonic() - self._began_at
        left = ""
        if self._total and self._n_items:
            left = f", about {_clock(passed_s / self._n_items * max(self._total - self._n_items, 0))} left"
        done = f"{self._doing}: {self._n_items:,}{total} items after {_clock(passed_s)}"
        return f"{done}{left}, {self._counts()}"

    def _counts(self) -> str:
        rate = self._decoded_s / max(time.monotonic() - self._began_at, 1e-3)
        done = f"{self._decoded_s / 3600:.2f} h, {rate:,.0f} x real time"
        return f"{done}, {self._n_matches:,} matches" if self._counts_matches else done

    def _print_lines(self) -> None:
        while not self._ended.wait(self._every_s):
            self._console.print(shown(self.line()), soft_wrap=True)


@contextmanager
def working(console: Console, doing: str, *, every_s: float = EVERY_S) -> Iterator[None]:
    """Show that a command of unknown length is working: a spinner, or a line every `every_s` seconds."""
    if console.is_terminal or console.quiet:
        with console.status(f"{doing} ..."):
            yield
        return
    ended, began_at = threading.Event(), time.monotonic()

    def print_lines() -> None:
        while not ended.wait(every_s):
            passed = _clock(time.monotonic() - began_at)
            console.print(f"{doing}: still working after {passed}", soft_wrap=True)

    printer = threading.Thread(target=print_lines, daemon=True)
    printer.start()
    try:
        yield
    finally:
        ended.set()
        printer.join()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class _Left(ProgressColumn):
    """Time left, from the rate since the beginning; a dash where the total is not known."""

    def render(self, task: Task) -> Text:
        """Return the time left as text."""
        left_s = task.time_remaining
        return Text("-- left" if left_s is None else f"{_clock(left_s)} left")
