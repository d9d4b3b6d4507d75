"""One lane: a thread that carries out jobs one after another. No error of a job ends it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from earwitness.api.http.http_errors import INTERNAL, http_hint
from earwitness.api.http.jobs.fair_queue import FairQueue
from earwitness.api.http.jobs.heartbeat import Cancelled, Halted, Heartbeat, Progress
from earwitness.api.http.metrics import Metrics
from earwitness.fingerprint.errors import EarwitnessError
from earwitness.index.database.records import Failure
from earwitness.index.store.jobs import Job, JobState
from earwitness.index.store.store_errors import JobLost, StoreError

IDLE_S: Final = 2.0
"""Seconds that an idle lane waits before it reads the queue again; a new job wakes it at once."""
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 30.0

PROGRESS_INTERVAL_S: Final = 2.0
"""Shortest time between two writes of a job's progress, in seconds."""

STORE_ERRORS: Final = (StoreError, SQLAlchemyError, OSError)
"""Errors of a full disk or an unreachable database: they pass, so the write is tried again."""

_log = structlog.get_logger("earwitness.jobs")


class JobHandler(Protocol):
    """Carries out the jobs of a lane and owns its worker processes. Used by one thread."""

    def do(self, job: Job, heartbeat: Heartbeat) -> dict[str, Any]:
        """Carry out a job and return its result; an EarwitnessError is the job's failure."""

    def rest(self) -> None:
        """Called from time to time while the lane is idle."""

    def close(self) -> None:
        """Release every resource."""


@dataclass(slots=True, kw_only=True)
class Work:
    """A running job."""

    job: Job
    cancelled: threading.Event = field(default_factory=threading.Event)
    progress: Progress | None = None
    stored_at: float = 0.0

    @property
    def items_done(self) -> int:
        """Items done so far."""
        return 0 if self.progress is None else self.progress.done


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneState:
    """State shared by the lanes of one runner.

    Attributes
    ----------
    at_work : dict
        The running jobs of all lanes, by job id.
    ended : callable
        Called with every job whose work has ended, to remove its upload.
    """

    jobs: FairQueue
    metrics: Metrics
    halted: threading.Event
    at_work: dict[str, Work]
    ended: Callable[[Job], None]
    job_wall_s: float


class Lane:
    """One thread and its job handler.

    Attributes
    ----------
    trouble : str or None
        Why no job can be done, or no result stored, at present; the lane keeps trying.
    is_open : bool
        Whether its job handler is ready.
    """

    def __init__(
        self, name: str, kinds: Sequence[str], state: LaneState, open_job_worker: Callable[[], JobHandler]
    ) -> None:
        self.name, self.kinds = name, tuple(kinds)
        self.trouble: str | None = None
        self.is_open = False
        self.wake = threading.Event()
        self.thread = threading.Thread(target=self._run, name=f"jobs-{name}", daemon=True)
        self._state, self._open_handler = state, open_job_worker
        self._handler_is_intact = True

    @property
    def is_alive(self) -> bool:
        """Whether a job accepted now will be done: false once the job handler did not start."""
        return self.thread.is_alive() and (self.is_open or self.trouble is None)

    def _run(self) -> None:
        pause_s = FIRST_PAUSE_S
        while not self._state.halted.is_set():
            try:
                self._work()
                pause_s = FIRST_PAUSE_S
            except BaseException as error:  # a library may raise another BaseException; the lane survives it
                self.is_open = False
                self.trouble = error.message if isinstance(error, EarwitnessError) else type(error).__name__
                self._state.halted.wait(pause_s)
                pause_s = min(LONGEST_PAUSE_S, 2 * pause_s)

    def _work(self) -> None:
        """Start a job handler and do jobs with it, until the server stops or a job broke the handler."""
        try:
            handler = self._open_handler()
        except Exception as error:
            log_trouble("lane does not open; it is tried again", error, lane=self.name)
            raise
        self.trouble, self.is_open, self._handler_is_intact = None, True, True
        try:
            while self._handler_is_intact and not self._state.halted.is_set():
                self.wake.clear()
                job = self._claim()
                if job is not None:
                    self._carry_out(job, handler)
                elif not self.wake.wait(IDLE_S):
                    self._rest(handler)
        finally:
            self.is_open = self._handler_is_intact is False  # started again at once: a client sees no gap
            handler.close()

    def _claim(self) -> Job | None:
        try:
            job = self._state.jobs.claim(self.kinds, held=self._held())
        except Exception as error:
            log_trouble("no job could be claimed", error, lane=self.name)
            self.trouble = f"no job can be taken from the store ({_reason(error)})"
            self._state.halted.wait(IDLE_S)
            return None
        self.trouble = None
        return job

    def _held(self) -> Collection[str]:
        return list(self._state.at_work)

    def _rest(self, handler: JobHandler) -> None:
        try:
            handler.rest()
        except Exception as error:  # the next job meets it again, and reports it
            _log.warning("idle job handler failed", lane=self.name, why=_reason(error))

    def _carry_out(self, job: Job, handler: JobHandler) -> None:
        state, work = self._state, Work(job=job)
        state.at_work[job.id] = work
        try:
            self._do(work, handler)
        finally:
            state.at_work.pop(job.id, None)
            state.ended(job)

    def _do(self, work: Work, handler: JobHandler) -> None:
        state, job = self._state, work.job
        try:
            self._demand_not_cancelled(job)
            with state.metrics.stage(job.kind):
                result = handler.do(job, self._heartbeat(work))
        except Halted:
            self._record(job, lambda: state.jobs.of(job).release(job))
        except (Cancelled, JobLost):
            _log.info("job stopped: it was cancelled", job=job.id, kind=job.kind)
        except EarwitnessError as error:
            self._fail(job, failure_of(error, job))
        except BaseException:
            _log.exception("job raised an unforeseen error", job=job.id, kind=job.kind)
            self._handler_is_intact = False  # the state of the handler is unknown
            self._fail(job, INTERNAL)
        else:
            self._finish(job, result)

    def _demand_not_cancelled(self, job: Job) -> None:
        """Raise Cancelled when the job was cancelled before this lane registered it as running."""
        current = self._state.jobs.of(job).get(job.id)
        if current is None or current.state is not JobState.RUNNING:
            raise Cancelled

    def _heartbeat(self, work: Work) -> Heartbeat:
        state = self._state

        def report(progress: Progress) -> None:
            work.progress = progress
            is_due = time.monotonic() - work.stored_at >= PROGRESS_INTERVAL_S
            if is_due and progress.done > work.job.items_done:
                work.stored_at = time.monotonic()
                self._store_progress(work)

        return Heartbeat(
            report=report,
            halted=state.halted,
            cancelled=work.cancelled,
            ends_at=time.monotonic() + state.job_wall_s,
            wall_s=state.job_wall_s,
        )

    def _store_progress(self, work: Work) -> None:
        """Store the progress of a job, so that a killed server counts it as progress."""
        try:
            self._state.jobs.of(work.job).heartbeat(work.job, items_done=work.items_done)
        except Exception as error:  # the next item stores it again
            _log.warning("progress is not stored yet", job=work.job.id, why=_reason(error))

    def _finish(self, job: Job, result: dict[str, Any]) -> None:
        try:
            self._record(job, lambda: self._state.jobs.of(job).finish(job, result))
        except Exception as error:
            log_trouble("a result cannot be stored", error, job=job.id, kind=job.kind)
            self._fail(job, INTERNAL)
        else:
            _log.info("job done", job=job.id, kind=job.kind)

    def _fail(self, job: Job, failure: Failure) -> None:
        _log.warning("job failed", job=job.id, kind=job.kind, code=failure.code)
        self._record(job, lambda: self._state.jobs.of(job).fail(job, failure))

    def _record(self, job: Job, write: Callable[[], object]) -> None:
        """Store the end of a job; while the store cannot be written to, try again."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                write()
            except JobLost as error:
                _log.warning("job lost", job=job.id, why=error.message)
            except STORE_ERRORS as error:
                _log.warning("the end of a job is not stored yet", job=job.id, why=_reason(error))
                self.trouble = f"the end of a job cannot be stored ({_reason(error)})"
                if self._state.halted.wait(pause_s):
                    return  # it stays "running" in the store, and is queued again at the next start
                pause_s = min(LONGEST_PAUSE_S, 2 * pause_s)
                continue
            self.trouble = None
            return


def log_trouble(event: str, error: BaseException, **fields: object) -> None:
    """Log an error of the store or the disk in one line, and an unforeseen one with its traceback."""
    if isinstance(error, (EarwitnessError, *STORE_ERRORS)):
        _log.error(event, why=_reason(error), **fields)
    else:
        _log.error(event, exc_info=error, **fields)


def _reason(error: Exception) -> str:
    return error.message if isinstance(error, EarwitnessError) else str(error) or type(error).__name__


def failure_of(error: EarwitnessError, job: Job) -> Failure:
    """Return an error as a failure, with the client's file name in place of the spooled file's."""
    message = error.message
    if job.spool_path is not None:
        for spooled in (str(job.spool_path), job.spool_path.name):
            message = message.replace(spooled, job.payload["file"])
    return Failure(code=error.code, message=message, hint=http_hint(error))
