"""A running job reports its progress here, and learns here when to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from earwitness.api.http.http_errors import JobTooLong


@dataclass(frozen=True, slots=True)
class Progress:
    """Items done of a running job, and their number where it is known."""

    done: int
    total: int | None


class Interrupted(Exception):
    """A job stops before its end; the subclass names the reason."""


class Halted(Interrupted):
    """The server is stopping; the job goes back to the queue and continues at the next start."""


class Cancelled(Interrupted):
    """A client cancelled the job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """Reports the progress of a job, and raises when it has to stop.

    Attributes
    ----------
    ends_at : float
        Moment on the monotonic clock after which the job has run too long.
    wall_s : float
        Longest time for the job, in seconds.
    """

    report: Callable[[Progress], None]
    halted: threading.Event
    cancelled: threading.Event
    ends_at: float
    wall_s: float

    def beat(self, done: int, total: int | None) -> None:
        """Report the progress; raises as `check` does."""
        self.report(Progress(done, total))
        self.check()

    def check(self) -> None:
        """Raise Cancelled, Halted or JobTooLong when the job has to stop; call it about once a second."""
        if self.cancelled.is_set():
            raise Cancelled
        if self.halted.is_set():
            raise Halted
        if time.monotonic() >= self.ends_at:
            raise JobTooLong(limit_s=self.wall_s)
