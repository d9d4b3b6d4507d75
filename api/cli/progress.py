"""What a person sees while a command works; nothing where nobody watches."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

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


class Watch:
    """Progress over items: how many, how many hours, how fast, how long still, what was found.

    Parameters
    ----------
    total : int or None
        Items, where that is known.
    """

    def __init__(self, console: Console, doing: str, *, total: int | None) -> None:
        self._heard_s, self._n_found, self._began_at = 0.0, 0, time.monotonic()
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            _Rate(),
            TextColumn("{task.fields[said]}", markup=False),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task(doing, total=total, said="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def item(self, *, duration_s: float | None, found: str | None = None) -> None:
        """Count one item; `found` is said of it, and stays to be read."""
        self._heard_s += duration_s or 0.0
        if found is not None:
            self._n_found += 1
            if self._progress.console.is_terminal:
                self._progress.console.print(found, style="yellow", soft_wrap=True)
        rate = self._heard_s / max(time.monotonic() - self._began_at, 1e-3)
        said = f"{self._heard_s / 3600:.2f} h, {rate:,.0f} x real time, {self._n_found} found"
        self._progress.update(self._task, advance=1, said=said)


class _Rate(ProgressColumn):
    """Time left, from the rate since the beginning; a dash where the end is not known."""

    def render(self, task: Task) -> Text:
        """Draw it."""
        left_s = task.time_remaining
        return Text("-- left" if left_s is None else f"{left_s // 60:.0f}:{left_s % 60:02.0f} left")
