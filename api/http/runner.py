"""The threads that carry out jobs. Two lanes, so that a collection of a day's length keeps no check waiting.

This process holds the home's one writer lock, so every job that is ``running`` when it starts was somebody's
who is dead, and goes back to the queue at once. A job running at three deaths is taken for their cause.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import structlog

from api.http.metrics import Metrics
from fingerprint.errors import EarwitnessError
from index.errors import JobLost
from index.jobs import LEASE_S, Job, Jobs
from index.records import Failure

LANES: Final[Mapping[str, tuple[str, ...]]] = {"quick": ("check", "work"), "bulk": ("index", "scan")}
IDLE_S: Final = 2.0
"""How long an idle lane sleeps before it looks at the store again; a new job wakes it at once."""

_log = structlog.get_logger("earwitness.jobs")


@dataclass(frozen=True, slots=True)
class Progress:
    """Items done of a running job, and how many there are, where that is known."""

    done: int
    total: int | None


class Halted(Exception):
    """The server is stopping; the job goes back to the queue and is gone on with at the next start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """What a job's work is given: whom to tell how far it is, and when to stop."""

    report: Callable[[Progress], None]
    halted: threading.Event

    def beat(self, done: int, total: int | None) -> None:
        """Say how far the job is; raises Halted when the server is stopping."""
        self.report(Progress(done, total))
        if self.halted.is_set():
            raise Halted


class Desk(Protocol):
    """Where a lane's jobs are done: owns the lane's decoder and opened library. Used by one thread."""

    def do(self, job: Job, pulse: Pulse) -> dict[str, Any]:
        """Carry out a job and return its result; EarwitnessError is its failure."""

    def rest(self) -> None:
        """Called now and then while there is nothing to do."""

    def close(self) -> None:
        """Let go of everything."""


class Runner:
    """Carries out jobs until it is stopped.

    Parameters
    ----------
    jobs : Jobs
        The durable queue.
    open_desk : callable
        Makes a lane's desk; called in the lane's thread, since a decoder belongs to one.
    tidy : callable
        Lets go of what ended jobs left; called when one has ended.
    """

    def __init__(
        self,
        jobs: Jobs,
        open_desk: Callable[[], Desk],
        metrics: Metrics,
        *,
        tidy: Callable[[], None] = lambda: None,
    ) -> None:
        self._jobs, self._open_desk, self._metrics, self._tidy = jobs, open_desk, metrics, tidy
        self._halted = threading.Event()
        self._wake = {lane: threading.Event() for lane in LANES}
        self._opened = {lane: threading.Event() for lane in LANES}
        self._threads = [
            threading.Thread(target=self._run_lane, args=(lane, kinds), name=f"jobs-{lane}", daemon=True)
            for lane, kinds in LANES.items()
        ]
        self._running: dict[str, Job] = {}
        self._progress: dict[str, Progress] = {}

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()
        threading.Thread(target=self._keep_leases, name="jobs-lease", daemon=True).start()

    def stop(self, *, patience_s: float) -> bool:
        """Let lanes end the item at hand; returns whether they did.

        What takes longer is cut off when the process ends, and taken up at the next start.
        """
        self._halted.set()
        self.wake()
        for thread in self._threads:
            thread.join(patience_s)
        return not any(thread.is_alive() for thread in self._threads)

    def wake(self) -> None:
        """Say that there is a new job."""
        for event in self._wake.values():
            event.set()

    def progress(self, job: str) -> Progress | None:
        """How far a running job is."""
        return self._progress.get(job)

    def complaints(self) -> list[str]:
        """What keeps this runner from working; empty when nothing does."""
        dead = [f"{thread.name} has ended" for thread in self._threads if not thread.is_alive()]
        waiting = [f"jobs-{lane} is starting" for lane, opened in self._opened.items() if not opened.is_set()]
        return dead or waiting

    def _run_lane(self, lane: str, kinds: Sequence[str]) -> None:
        try:
            desk = self._open_desk()
        except Exception:
            _log.exception("lane did not open", lane=lane)
            return  # the thread ends, and /readyz says so
        self._opened[lane].set()
        try:
            while not self._halted.is_set():
                self._wake[lane].clear()
                job = self._claim(kinds)
                if job is not None:
                    self._carry_out(job, desk)
                elif not self._wake[lane].wait(IDLE_S):
                    self._rest(desk)
        finally:
            desk.close()

    def _claim(self, kinds: Sequence[str]) -> Job | None:
        try:
            return self._jobs.claim(kinds)
        except Exception:  # a full disk passes; a lane that died of it would not
            _log.exception("no job could be claimed")
            self._halted.wait(IDLE_S)
            return None

    def _rest(self, desk: Desk) -> None:
        try:
            desk.rest()
        except EarwitnessError as error:  # it will be met again, and told, by the next job
            _log.warning("desk does not rest", why=error.message)

    def _carry_out(self, job: Job, desk: Desk) -> None:
        self._running[job.id] = job
        pulse = Pulse(report=lambda progress: self._tell(job.id, progress), halted=self._halted)
        try:
            with self._metrics.stage(job.kind):
                result = desk.do(job, pulse)
            self._jobs.finish(job, result)
            _log.info("job done", job=job.id, kind=job.kind)
        except Halted:
            self._jobs.release(job)
        except JobLost as error:
            _log.warning("job lost", job=job.id, why=error.message)
        except EarwitnessError as error:
            self._fail(job, failure_of(error, job))
        except Exception:
            _log.exception("job broke", job=job.id, kind=job.kind)
            self._fail(job, INTERNAL)
        finally:
            self._running.pop(job.id, None)
            self._progress.pop(job.id, None)
            self._drop_spooled(job)
            self._tidy_up()

    def _fail(self, job: Job, failure: Failure) -> None:
        _log.warning("job failed", job=job.id, kind=job.kind, code=failure.code)
        self._jobs.fail(job, failure)

    def _drop_spooled(self, job: Job) -> None:
        now = self._jobs.get(job.id)
        if job.spool_path is not None and (now is None or now.ended_at is not None):
            job.spool_path.unlink(missing_ok=True)

    def _tidy_up(self) -> None:
        try:
            self._tidy()
        except Exception:  # files that stay too long do no harm; a lane that ends does
            _log.exception("old findings not removed")

    def _tell(self, job: str, progress: Progress) -> None:
        self._progress[job] = progress

    def _keep_leases(self) -> None:
        while not self._halted.wait(LEASE_S / 4):
            for job in list(self._running.values()):
                try:
                    self._jobs.heartbeat(job)
                except Exception:  # this process holds the home's lock: nobody else can take the job over
                    _log.exception("lease not renewed", job=job.id)


def failure_of(error: EarwitnessError, job: Job) -> Failure:
    """Say an error without the spool's own file names, which mean nothing to the client."""
    message = error.message.replace(str(job.spool_path), job.payload["file"])
    return Failure(code=error.code, message=message, hint=error.hint)


INTERNAL: Final = Failure(
    code="internal",
    message="something went wrong on the server; it has been logged",
    hint="try again; if it happens again, report it with the time and the address",
)
