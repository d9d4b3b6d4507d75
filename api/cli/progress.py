"""What a person sees while a command works: a bar in a terminal, a line every so often elsewhere."""

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


class Watch:
    """Progress over items: how many, how many hours, how fast, how long still, what was found.

    Parameters
    ----------
    total : int or None
        Items, where that is known.
    every_s : float
        Seconds between two lines where the console is no terminal.
    """

    def __init__(self, console: Console, doing: str, *, total: int | None, every_s: float = EVERY_S) -> None:
        self._console, self._doing, self._total, self._every_s = console, doing, total, every_s
        self._heard_s, self._n_items, self._n_found, self._began_at = 0.0, 0, 0, time.monotonic()
        self._in_lines = not console.is_terminal and not console.quiet
        self._ended = threading.Event()
        self._speaker = threading.Thread(target=self._speak, daemon=True)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=16),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            _Left(),
            TextColumn("{task.fields[said]}", markup=False),
            console=console,
            disable=not console.is_terminal or console.quiet,
        )
        self._task = self._progress.add_task(doing, total=total, said="")

    def __enter__(self) -> Self:
        self._progress.start()
        if self._in_lines:
            self._speaker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._speaker.is_alive():
            self._speaker.join()
        self._progress.stop()

    def item(self, *, duration_s: float | None, found: str | None = None, said: str | None = None) -> None:
        """Count one item; `found` is what was found of it, and `said` what a verbose command says besides."""
        self._heard_s += duration_s or 0.0
        self._n_items += 1
        if found is not None:
            self._n_found += 1
        if loudness() is Loudness.VERBOSE and (said or found):
            self._console.print(said or found, soft_wrap=True)
        elif found is not None and self._console.is_terminal:
            self._console.print(found, style="yellow", soft_wrap=True)
        self._progress.update(self._task, advance=1, said=self._so_far())

    def line(self) -> str:
        """Say in one line how far it is."""
        total = "" if self._total is None else f" of {self._total:,}"
        passed_s = time.monotonic() - self._began_at
        left = ""
        if self._total and self._n_items:
            left = f", about {_clock(passed_s / self._n_items * max(self._total - self._n_items, 0))} left"
        done = f"{self._doing}: {self._n_items:,}{total} items after {_clock(passed_s)}"
        return f"{done}{left}, {self._so_far()}"

    def _so_far(self) -> str:
        rate = self._heard_s / max(time.monotonic() - self._began_at, 1e-3)
        return f"{self._heard_s / 3600:.2f} h, {rate:,.0f} x real time, {self._n_found:,} found"

    def _speak(self) -> None:
        while not self._ended.wait(self._every_s):
            self._console.print(shown(self.line()), soft_wrap=True)


@contextmanager
def working(console: Console, doing: str, *, every_s: float = EVERY_S) -> Iterator[None]:
    """Show that a command is at work whose length is not known: a spinner, or a line every so often."""
    if console.is_terminal or console.quiet:
        with console.status(f"{doing} ..."):
            yield
        return
    ended, began_at = threading.Event(), time.monotonic()

    def is_speech() -> None:
        while not ended.wait(every_s):
            passed = _clock(time.monotonic() - began_at)
            console.print(f"{doing}: still at work after {passed}", soft_wrap=True)

    speaker = threading.Thread(target=is_speech, daemon=True)
    speaker.start()
    try:
        yield
    finally:
        ended.set()
        speaker.join()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class _Left(ProgressColumn):
    """Time left, from the rate since the beginning; a dash where the end is not known."""

    def render(self, task: Task) -> Text:
        """Draw it."""
        left_s = task.time_remaining
        return Text("-- left" if left_s is None else f"{_clock(left_s)} left")
