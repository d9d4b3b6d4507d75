"""Jobs that outlive the process that runs them: rows with a lease and a count of attempts.

A job is queued, running, done, failed or cancelled. A worker claims a queued job, holds a lease and prolongs
it. When the worker dies, the lease expires or `Jobs.requeue_lost` ends it, and the job is queued again. A job
that was started several times without progress fails; its upload is stored for some time for a retry.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, case, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from earwitness.index.database.catalog import Catalog
from earwitness.index.database.records import Failure
from earwitness.index.database.sealed_json import damaged_job, sealed, storable, unsealed
from earwitness.index.database.tables import JOB
from earwitness.index.store.store_errors import JobLost, KeyReused

MAX_ATTEMPTS: Final = 3
"""Number of starts without progress after which a job fails."""
LEASE_S: Final = 60.0

NO_PROGRESS: Final = Failure(
    code="job_gave_up",
    message=f"the job was stopped {MAX_ATTEMPTS} times without progress",
    hint="retry it; if it stops again, split the upload or give the server more memory",
)
RETRYABLE: Final = frozenset(
    {
        "job_gave_up",
        "job_too_long",
        "internal",
        "home_busy",
        "disk_full",
        "disk_failed",
        "store_unwritable",
        "catalog_unreachable",
        "sandbox_missing",
        "workers_fail",
        "library_moved",
        "too_many_open_files",
    }
)
"""Codes of errors that the upload did not cause: the upload stays stored, and the job can be retried."""


class JobState(StrEnum):
    """State of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


_UNFINISHED: Final = (JobState.QUEUED.value, JobState.RUNNING.value)
_RETRYABLE_FAILED: Final = (JOB.c.state == JobState.FAILED.value) & JOB.c.error_code.in_(sorted(RETRYABLE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A snapshot of one job. Times are seconds since 1970.

    Attributes
    ----------
    tenant : str
        Whose job it is.
    number : int
        Order in which the jobs were queued.
    attempts : int
        Number of claims; together with `id` it identifies one lease.
    items_done : int
        Number of finished items at the last heartbeat; it never decreases.
    spool_path : Path or None
        The upload of the job.
    batch : str or None
        The batch that it belongs to, such as the tracks of one album.
    """

    id: str
    tenant: str
    number: int
    kind: str
    state: JobState
    payload: Mapping[str, Any]
    spool_path: Path | None
    attempts: int
    created_at: float
    ended_at: float | None
    result: Any
    failure: Failure | None
    items_done: int = 0
    batch: str | None = None

    @property
    def is_retryable(self) -> bool:
        """Whether the upload did not cause the failure and is still stored."""
        failed = self.state is JobState.FAILED and self.failure is not None
        return failed and self.failure.code in RETRYABLE and self.spool_path is not None  # type: ignore[union-attr]


class Jobs:
    """The jobs of one tenant of a home. Every change is one transaction; all methods are thread-safe.

    Parameters
    ----------
    catalog : Catalog
        A catalog at the newest schema: `Writer.catalog`, or a separate one.
    """

    def __init__(self, catalog: Catalog, *, tenant: str = "local") -> None:
        self._catalog, self._tenant = catalog, tenant

    def enqueue(
        self,
        kind: str,
        payload: Mapping[str, Any],
        *,
        spool_path: Path | None = None,
        idempotency_key: str | None = None,
        batch: str | None = None,
    ) -> tuple[Job, bool]:
        """Queue a job; it is on the disk when this returns.

        Returns
        -------
        job, is_new
            For a known idempotency key, its existing job and False.

        Raises
        ------
        KeyReused
            When the key belongs to a job of another kind or payload.
        """
        job = uuid.uuid4().hex
        values = {
            "id": job,
            "tenant": self._tenant,
            "kind": kind,
            "state": JobState.QUEUED.value,
            "payload": sealed(job, _json(payload)),
            "spool_path": None if spool_path is None else str(spool_path),
            "idempotency_key": idempotency_key,
            "batch": batch,
            "attempts": 0,
            "created_at": time.time(),
        }
        try:
            with self._catalog.writing() as connection:
                values["number"] = self._next_number(connection)
                connection.execute(insert(JOB).values(values))
        except IntegrityError:
            existing = self._by_key(idempotency_key)
            if existing is None:
                raise
            if (existing.kind, _json(existing.payload)) != (kind, _json(payload)):
                raise KeyReused(key=str(idempotency_key)) from None
            return existing, False
        return self._existing(job), True

    def get(self, job: str) -> Job | None:
        """Return one job; None when this tenant has no such job."""
        with self._catalog.reading() as connection:
            row = connection.execute(self._select(JOB.c.id == job)).one_or_none()
        return None if row is None else _job(row)

    def recent(
        self,
        *,
        limit: int,
        before: int | None = None,
        states: Collection[JobState] = (),
        kinds: Collection[str] = (),
    ) -> list[Job]:
        """Return jobs, newest first; `before` is the number of the last job of the previous page.

        Only those of the given states and kinds are returned; empty ones select all.
        """
        older = JOB.c.number < before if before is not None else JOB.c.number.is_not(None)
        if states:
            older &= JOB.c.state.in_([each.value for each in states])
        if kinds:
            older &= JOB.c.kind.in_(kinds)
        with self._catalog.reading() as connection:
            rows = connection.execute(self._select(older).order_by(JOB.c.number.desc()).limit(limit)).all()
        return [_job(row) for row in rows]

    def of_batch(self, batch: str) -> list[Job]:
        """Return the jobs of a batch in the order in which they were queued; empty where there is none."""
        with self._catalog.reading() as connection:
            rows = connection.execute(self._select(JOB.c.batch == batch).order_by(JOB.c.number)).all()
        return [_job(row) for row in rows]

    def ahead_of(self, job: Job, kinds: Sequence[str]) -> int:
        """Count the jobs of these kinds that were queued before this one and have not ended."""
        earlier = JOB.c.state.in_(_UNFINISHED) & (JOB.c.number < job.number) & JOB.c.kind.in_(kinds)
        statement = select(func.count()).where(JOB.c.tenant == self._tenant, earlier)
        with self._catalog.reading() as connection:
            return int(connection.execute(statement).scalar_one())

    def unfinished(self) -> set[str]:
        """Return the ids of the jobs of all tenants that are queued, running, or can be retried."""
        which = JOB.c.state.in_(_UNFINISHED) | (_RETRYABLE_FAILED & JOB.c.spool_path.is_not(None))
        with self._catalog.reading() as connection:
            return set(connection.execute(select(JOB.c.id).where(which)).scalars())

    def waiting_tenants(self, kinds: Sequence[str]) -> list[str]:
        """Return every tenant with a job of these kinds to claim; the one that has waited longest first."""
        queued = (JOB.c.state == JobState.QUEUED.value) & JOB.c.kind.in_(kinds)
        lost = (JOB.c.state == JobState.RUNNING.value) & (JOB.c.lease_until < time.time())
        oldest = select(JOB.c.tenant).where(queued | lost).group_by(JOB.c.tenant)
        with self._catalog.reading() as connection:
            return list(connection.execute(oldest.order_by(func.min(JOB.c.created_at))).scalars())

    def count(self) -> dict[JobState, int]:
        """Count the jobs in each state."""
        statement = (
            select(JOB.c.state, func.count()).where(JOB.c.tenant == self._tenant).group_by(JOB.c.state)
        )
        with self._catalog.reading() as connection:
            counts = {str(state): int(number) for state, number in connection.execute(statement)}
        return {state: counts.get(state.value, 0) for state in JobState}

    def spool_paths(self) -> set[Path]:
        """Return the uploads that a job of any tenant needs; other files there are orphans."""
        needed = (JOB.c.state.in_(_UNFINISHED) | _RETRYABLE_FAILED) & JOB.c.spool_path.is_not(None)
        with self._catalog.reading() as connection:
            return {
                Path(path) for path in connection.execute(select(JOB.c.spool_path).where(needed)).scalars()
            }

    def release_uploads(self, *, ended_before: float) -> list[Path]:
        """Detach uploads that were stored for a retry; return their paths, which the caller deletes.

        Parameters
        ----------
        ended_before
            Seconds since 1970: jobs that failed later keep their uploads.
        """
        old = _RETRYABLE_FAILED & JOB.c.spool_path.is_not(None) & (JOB.c.ended_at < ended_before)
        old &= JOB.c.tenant == self._tenant
        with self._catalog.reading() as connection:
            rows = connection.execute(select(JOB.c.id, JOB.c.spool_path).where(old)).all()
        if rows:
            with self._catalog.writing() as connection:
                these = JOB.c.id.in_([row.id for row in rows]) & old
                connection.execute(update(JOB).where(these).values(spool_path=None))
        return [Path(row.spool_path) for row in rows]

    def claim(
        self, kinds: Sequence[str], *, lease_s: float = LEASE_S, held: Collection[str] = ()
    ) -> Job | None:
        """Take the oldest queued job of these kinds; None when there is none.

        Parameters
        ----------
        held
            Jobs that this process runs: they are not queued again, even when a full disk prevented their
            leases from being prolonged.
        """
        self.requeue_lost(only_expired=True, held=held)
        waiting = (JOB.c.state == JobState.QUEUED.value) & JOB.c.kind.in_(kinds)
        oldest = self._select(waiting).order_by(JOB.c.number).limit(1).with_for_update(skip_locked=True)
        with self._catalog.writing() as connection:
            row = connection.execute(oldest).one_or_none()
            if row is None:
                return None
            now = time.time()
            values = {"attempts": row.attempts + 1, "fruitless": row.fruitless + 1}
            values |= {"lease_until": now + lease_s, "heartbeat_at": now}
            running = update(JOB).where(JOB.c.id == row.id)
            connection.execute(running.values(state=JobState.RUNNING.value, **values))
        return self._existing(row.id)

    def heartbeat(self, job: Job, *, lease_s: float = LEASE_S, items_done: int = 0) -> None:
        """Prolong a lease, and store the progress of the job.

        Parameters
        ----------
        items_done
            Number of items whose results are on the disk; an increase is progress.

        Raises
        ------
        JobLost
            When the lease expired and another worker claimed the job.
        """
        now = time.time()
        progressed = JOB.c.items_done < items_done
        self._change(
            job,
            lease_until=now + lease_s,
            heartbeat_at=now,
            items_done=case((progressed, items_done), else_=JOB.c.items_done),
            fruitless=case((progressed, 0), else_=JOB.c.fruitless),
        )

    def finish(self, job: Job, result: Any) -> Job:
        """Store a job's result (a JSON value); raises `JobLost` like `heartbeat`."""
        stored = sealed(job.id, storable(json.dumps(result, ensure_ascii=False)))
        self._change(job, state=JobState.DONE.value, ended_at=time.time(), lease_until=None, result=stored)
        return self._existing(job.id)

    def fail(self, job: Job, failure: Failure) -> Job:
        """Store why a job failed; it is not started again. Raises `JobLost` like `heartbeat`."""
        self._change(job, state=JobState.FAILED.value, lease_until=None, **_failed(failure))
        return self._existing(job.id)

    def release(self, job: Job) -> None:
        """Queue a job again that its worker stops on purpose; this is not counted as an attempt."""
        fruitless = case((JOB.c.fruitless > 0, JOB.c.fruitless - 1), else_=0)
        values = {"attempts": job.attempts - 1, "fruitless": fruitless, "lease_until": None}
        self._change(job, state=JobState.QUEUED.value, **values)

    def retry(self, job: str) -> Job | None:
        """Queue a failed job again if its upload did not cause the failure; None if there is no such job."""
        this_job = (JOB.c.id == job) & (JOB.c.tenant == self._tenant)
        cleared = dict.fromkeys(("ended_at", "error_code", "error_message", "error_hint", "result"))
        with self._catalog.writing() as connection:
            retried = update(JOB).where(this_job, _RETRYABLE_FAILED, JOB.c.spool_path.is_not(None))
            connection.execute(retried.values(state=JobState.QUEUED.value, fruitless=0, **cleared))
        return self.get(job)

    def cancel(self, job: str) -> Job | None:
        """Cancel a job that is queued, running or can be retried; None when there is no such job."""
        cancellable = JOB.c.state.in_(_UNFINISHED) | (_RETRYABLE_FAILED & JOB.c.spool_path.is_not(None))
        this_job = cancellable & (JOB.c.id == job) & (JOB.c.tenant == self._tenant)
        with self._catalog.writing() as connection:
            connection.execute(
                update(JOB)
                .where(this_job)
                .values(state=JobState.CANCELLED.value, ended_at=time.time(), lease_until=None)
            )
        return self.get(job)

    def requeue_lost(self, *, only_expired: bool = False, held: Collection[str] = ()) -> int:
        """Queue running jobs without a worker again; those without progress fail after `MAX_ATTEMPTS`.

        Parameters
        ----------
        only_expired
            False means that no running job has a worker: at the start of a server that holds the home's
            lock.
        held
            Jobs that this process runs.

        Returns
        -------
        n_jobs : int
            Number of jobs that were running.
        """
        gone = (JOB.c.tenant == self._tenant) & (JOB.c.state == JobState.RUNNING.value)
        if only_expired:
            gone &= JOB.c.lease_until < time.time()
        if held:
            gone &= JOB.c.id.not_in(held)
        with self._catalog.reading() as connection:
            if not connection.execute(select(func.count()).where(gone)).scalar_one():
                return 0
        with self._catalog.writing() as connection:
            exhausted = update(JOB).where(gone, JOB.c.fruitless >= MAX_ATTEMPTS)
            failed = connection.execute(
                exhausted.values(state=JobState.FAILED.value, lease_until=None, **_failed(NO_PROGRESS))
            )
            requeued = update(JOB).where(gone).values(state=JobState.QUEUED.value, lease_until=None)
            return failed.rowcount + connection.execute(requeued).rowcount

    def _select(self, which: ColumnElement[bool]) -> Any:
        return select(JOB).where(JOB.c.tenant == self._tenant, which)

    def _by_key(self, key: str | None) -> Job | None:
        with self._catalog.reading() as connection:
            row = connection.execute(self._select(JOB.c.idempotency_key == key)).one_or_none()
        return None if row is None else _job(row)

    def _next_number(self, connection: Connection) -> int:
        last = select(func.coalesce(func.max(JOB.c.number), 0)).where(JOB.c.tenant == self._tenant)
        return int(connection.execute(last).scalar_one()) + 1

    def _existing(self, job: str) -> Job:
        stored = self.get(job)
        if stored is None:
            raise JobLost(job=job)
        return stored

    def _change(self, job: Job, **values: object) -> None:
        running = JOB.c.state == JobState.RUNNING.value
        this_lease = running & (JOB.c.id == job.id) & (JOB.c.attempts == job.attempts)
        with self._catalog.writing() as connection:
            if not connection.execute(update(JOB).where(this_lease).values(values)).rowcount:
                raise JobLost(job=job.id)


def _json(payload: Mapping[str, Any]) -> str:
    return storable(json.dumps(dict(payload), ensure_ascii=False, sort_keys=True))


def _state(row: Row[Any]) -> JobState:
    if row.state not in set(JobState):
        raise damaged_job(row.id, f"there is no state {row.state!r}")
    return JobState(row.state)


def _failed(failure: Failure) -> dict[str, object]:
    return {
        "ended_at": time.time(),
        "error_code": failure.code,
        "error_message": storable(failure.message),
        "error_hint": storable(failure.hint),
    }


def _job(row: Row[Any]) -> Job:
    failure = None
    if row.error_code is not None:
        failure = Failure(code=row.error_code, message=row.error_message, hint=row.error_hint)
    return Job(
        id=row.id,
        tenant=row.tenant,
        number=row.number,
        kind=row.kind,
        state=_state(row),
        payload=unsealed(row.id, row.payload),
        spool_path=None if row.spool_path is None else Path(row.spool_path),
        attempts=row.attempts,
        created_at=row.created_at,
        ended_at=row.ended_at,
        result=None if row.result is None else unsealed(row.id, row.result),
        failure=failure,
        items_done=row.items_done,
        batch=row.batch,
    )
