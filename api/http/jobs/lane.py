"""One lane: a thread that carries out jobs one after another. Nothing that a job does, or meets, ends it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from earwitness.api.http.http_errors import INTERNAL, http_hint
from earwitness.api.http.jobs.heartbeat import Cancelled, Halted, Heartbeat, Progress
from earwitness.api.http.metrics import Metrics
from earwitness.fingerprint.errors import EarwitnessError
from earwitness.index.database.records import Failure
from earwitness.index.store.jobs import Job, Jobs, JobState
from earwitness.index.store.store_errors import JobLost, StoreError

IDLE_S: Final = 2.0
"""How long an idle lane sleeps before it looks at the store again; a new job wakes it at once."""
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 30.0

NOTE_S: Final = 2.0
"""How often the progress of a job is written down, at most."""

STORE_ERRORS: Final = (StoreError, SQLAlchemyError, OSError)
"""What the store raises while its disk is full or its database away: it passes, so it is tried again."""

_log = structlog.get_logger("earwitness.jobs")


class JobHandler(Protocol):
    """Where a lane's jobs are done: owns the lane's worker processes. Used by one thread."""

    def do(self, job: Job, pulse: Heartbeat) -> dict[str, Any]:
        """Carry out a job and return its result; EarwitnessError is its failure."""

    def rest(self) -> None:
        """Called now and then while there is nothing to do."""

    def close(self) -> None:
        """Let go of everything."""


@dataclass(slots=True, kw_only=True)
class Work:
    """A job that is being done now."""

    job: Job
    cancelled: threading.Event = field(default_factory=threading.Event)
    progress: Progress | None = None
    noted_at: float = 0.0

    @property
    def items_done(self) -> int:
        """Items done so far."""
        return 0 if self.progress is None else self.progress.done


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """What the lanes of one runner share.

    Attributes
    ----------
    at_work : dict
        Job id -> what is being done now, in any lane.
    ended : callable
        Told of every job whose work has ended, to let go of what it left.
    """

    jobs: Jobs
    metrics: Metrics
    halted: threading.Event
    at_work: dict[str, Work]
    ended: Callable[[Job], None]
    job_wall_s: float


class Lane:
    """One thread and its desk.

    Attributes
    ----------
    trouble : str or None
        Why no job can be done, or none recorded, at present; the lane goes on trying.
    is_open : bool
        Whether its desk is ready.
    """

    def __init__(
        self, name: str, kinds: Sequence[str], floor: Floor, open_job_worker: Callable[[], JobHandler]
    ) -> None:
        self.name, self.kinds = name, tuple(kinds)
        self.trouble: str | None = None
        self.is_open = False
        self.wake = threading.Event()
        self.thread = threading.Thread(target=self._run, name=f"jobs-{name}", daemon=True)
        self._floor, self._open_desk = floor, open_job_worker
        self._is_fresh = True

    @property
    def is_alive(self) -> bool:
        """Whether a job that is promised now will be done: false once its desk did not open."""
        return self.thread.is_alive() and (self.is_open or self.trouble is None)

    def _run(self) -> None:
        pause_s = FIRST_PAUSE_S
        while not self._floor.halted.is_set():
            try:
                self._work()
                pause_s = FIRST_PAUSE_S
            except BaseException as error:  # a library may raise what is no Exception; the lane outlives it
                self.is_open = False
                self.trouble = error.message if isinstance(error, EarwitnessError) else type(error).__name__
                self._floor.halted.wait(pause_s)
                pause_s = min(LONGEST_PAUSE_S, 2 * pause_s)

    def _work(self) -> None:
        """Open a desk and do jobs at it, until the server stops or a job broke what the desk holds."""
        try:
            desk = self._open_desk()
        except Exception as error:
            log_trouble("lane does not open; it is tried again", error, lane=self.name)
            raise
        self.trouble, self.is_open, self._is_fresh = None, True, True
        try:
            while self._is_fresh and not self._floor.halted.is_set():
                self.wake.clear()
                job = self._claim()
                if job is not None:
                    self._carry_out(job, desk)
                elif not self.wake.wait(IDLE_S):
                    self._rest(desk)
        finally:
            self.is_open = self._is_fresh is False  # opened anew at once: no gap that anybody should see
            desk.close()

    def _claim(self) -> Job | None:
        try:
            job = self._floor.jobs.claim(self.kinds, held=self._held())
        except Exception as error:
            log_trouble("no job could be claimed", error, lane=self.name)
            self.trouble = f"no job can be taken from the store ({_reason(error)})"
            self._floor.halted.wait(IDLE_S)
            return None
        self.trouble = None
        return job

    def _held(self) -> Collection[str]:
        return list(self._floor.at_work)

    def _rest(self, desk: JobHandler) -> None:
        try:
            desk.rest()
        except Exception as error:  # it will be met again, and told, by the next job
            _log.warning("desk does not rest", lane=self.name, why=_reason(error))

    def _carry_out(self, job: Job, desk: JobHandler) -> None:
        floor, work = self._floor, Work(job=job)
        floor.at_work[job.id] = work
        try:
            self._do(work, desk)
        finally:
            floor.at_work.pop(job.id, None)
            floor.ended(job)

    def _do(self, work: Work, desk: JobHandler) -> None:
        floor, job = self._floor, work.job
        try:
            self._demand_wanted(job)
            with floor.metrics.stage(job.kind):
                result = desk.do(job, self._pulse(work))
        except Halted:
            self._record(job, lambda: floor.jobs.release(job))
        except (Cancelled, JobLost):
            _log.info("job stopped: it was cancelled", job=job.id, kind=job.kind)
        except EarwitnessError as error:
            self._fail(job, failure_of(error, job))
        except BaseException:
            _log.exception("job broke", job=job.id, kind=job.kind)
            self._is_fresh = False  # nobody knows what it left at the desk
            self._fail(job, INTERNAL)
        else:
            self._finish(job, result)

    def _demand_wanted(self, job: Job) -> None:
        """Raise Cancelled when the job was cancelled before it was known to be at work here."""
        now = self._floor.jobs.get(job.id)
        if now is None or now.state is not JobState.RUNNING:
            raise Cancelled

    def _pulse(self, work: Work) -> Heartbeat:
        floor = self._floor

        def report(progress: Progress) -> None:
            work.progress = progress
            if time.monotonic() - work.noted_at >= NOTE_S and progress.done > work.job.items_done:
                work.noted_at = time.monotonic()
                self._note(work)

        return Heartbeat(
            report=report,
            halted=floor.halted,
            cancelled=work.cancelled,
            ends_at=time.monotonic() + floor.job_wall_s,
            wall_s=floor.job_wall_s,
        )

    def _note(self, work: Work) -> None:
        """Write down that a job got further: should the server be killed now, that was not in vain."""
        try:
            self._floor.jobs.heartbeat(work.job, items_done=work.items_done)
        except Exception as error:  # it is written again with the next item
            _log.warning("progress is not written down yet", job=work.job.id, why=_reason(error))

    def _finish(self, job: Job, result: dict[str, Any]) -> None:
        try:
            self._record(job, lambda: self._floor.jobs.finish(job, result))
        except Exception as error:
            log_trouble("a result cannot be kept", error, job=job.id, kind=job.kind)
            self._fail(job, INTERNAL)
        else:
            _log.info("job done", job=job.id, kind=job.kind)

    def _fail(self, job: Job, failure: Failure) -> None:
        _log.warning("job failed", job=job.id, kind=job.kind, code=failure.code)
        self._record(job, lambda: self._floor.jobs.fail(job, failure))

    def _record(self, job: Job, write: Callable[[], object]) -> None:
        """Write down what became of a job, as often as it takes while the store cannot be written to."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                write()
            except JobLost as error:
                _log.warning("job lost", job=job.id, why=error.message)
            except STORE_ERRORS as error:
                _log.warning("what became of a job is not written down yet", job=job.id, why=_reason(error))
                self.trouble = f"what became of a job cannot be written down ({_reason(error)})"
                if self._floor.halted.wait(pause_s):
                    return  # it is running in the store, and taken up at the next start
                pause_s = min(LONGEST_PAUSE_S, 2 * pause_s)
                continue
            self.trouble = None
            return


def log_trouble(what: str, error: BaseException, **said: object) -> None:
    """Log what the store or the disk raised in one line, and what nobody foresaw with its traceback."""
    if isinstance(error, (EarwitnessError, *STORE_ERRORS)):
        _log.error(what, why=_reason(error), **said)
    else:
        _log.error(what, exc_info=error, **said)


def _reason(error: Exception) -> str:
    return error.message if isinstance(error, EarwitnessError) else str(error) or type(error).__name__


def failure_of(error: EarwitnessError, job: Job) -> Failure:
    """Say an error without the spool's own file names, which mean nothing to the client."""
    message = error.message
    if job.spool_path is not None:
        for ours in (str(job.spool_path), job.spool_path.name):
            message = message.replace(ours, job.payload["file"])
    return Failure(code=error.code, message=message, hint=http_hint(error))
