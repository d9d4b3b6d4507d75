"""What a job's work is given while it runs: where to report progress, and whether to go on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from earwitness.api.http.http_errors import JobTooLong


@dataclass(frozen=True, slots=True)
class Progress:
    """Items done of a running job, and how many there are, where that is known."""

    done: int
    total: int | None


class Interrupted(Exception):
    """Work on a job stops before its end, for a reason that its subclass names."""


class Halted(Interrupted):
    """The server is stopping; the job goes back to the queue and is gone on with at the next start."""


class Cancelled(Interrupted):
    """Somebody cancelled the job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """What a job's work is given: whom to tell how far it is, and when to stop.

    Attributes
    ----------
    ends_at : float
        When the job has run for too long, on the monotonic clock.
    wall_s : float
        How many seconds that is from its beginning.
    """

    report: Callable[[Progress], None]
    halted: threading.Event
    cancelled: threading.Event
    ends_at: float
    wall_s: float

    def beat(self, done: int, total: int | None) -> None:
        """Say how far the job is; raises as `check` does."""
        self.report(Progress(done, total))
        self.check()

    def check(self) -> None:
        """Raise Cancelled, Halted or JobTooLong where the work is to stop; call it every second or so."""
        if self.cancelled.is_set():
            raise Cancelled
        if self.halted.is_set():
            raise Halted
        if time.monotonic() >= self.ends_at:
            raise JobTooLong(limit_s=self.wall_s)
