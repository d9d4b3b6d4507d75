"""Jobs that outlive the process that runs them: rows with a lease and a count of attempts.

A job is queued, running, done, failed or cancelled. The worker that claims a queued job holds a lease and
prolongs it. When the worker dies, the lease expires, or `Jobs.requeue_lost` ends it at once, and the job is
queued again. A job that was started several times without progress has failed; its upload is stored for some
time, so that the job can be retried.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, case, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from earwitness.index.database.catalog import Catalog
from earwitness.index.database.records import Failure
from earwitness.index.database.tables import JOB
from earwitness.index.store.store_errors import CatalogDamaged, JobLost, KeyReused

MAX_ATTEMPTS: Final = 3
"""How often a job is started without progress before it has failed."""
LEASE_S: Final = 60.0

GAVE_UP: Final = Failure(
    code="job_gave_up",
    message=f"the job was stopped {MAX_ATTEMPTS} times without progress",
    hint="try it again; if it stops again, split the upload or give the server more memory",
)
RETRYABLE: Final = frozenset(
    {
        "job_gave_up",
        "job_too_long",
        "internal",
        "disk_full",
        "disk_failed",
        "store_unwritable",
        "home_busy",
        "catalog_unreachable",
        "sandbox_missing",
        "workers_fail",
        "library_moved",
    }
)
"""Error codes whose cause is not the upload: it stays stored for some time, and the job can be retried."""


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
    """One job as it was when it was read. Times are seconds since 1970.

    Attributes
    ----------
    number : int
        Order in which the jobs came.
    attempts : int
        How often it was claimed; with `id` it names one lease.
    items_done : int
        How many items were done when that was last written down; never fewer than before.
    spool_path : Path or None
        The upload that it works on.
    """

    id: str
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

    @property
    def is_retryable(self) -> bool:
        """Whether its failure has another cause than its upload, which is still stored."""
        failed = self.state is JobState.FAILED and self.failure is not None
        return failed and self.failure.code in RETRYABLE and self.spool_path is not None  # type: ignore[union-attr]


class Jobs:
    """The jobs of one home; every change is one transaction. Its methods may be called from any thread.

    Parameters
    ----------
    catalog : Catalog
        A catalog at its newest schema: `Writer.catalog`, or one of its own.
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
    ) -> tuple[Job, bool]:
        """Queue a job; it is on the disk when this returns.

        Returns
        -------
        job, is_new
            With an idempotency key that came before, the job that it made then, and False.

        Raises
        ------
        KeyReused
            When the key came before with another kind or payload.
        """
        job = uuid.uuid4().hex
        values = {
            "id": job,
            "tenant": self._tenant,
            "kind": kind,
            "state": JobState.QUEUED.value,
            "payload": _with_checksum(job, _json(payload)),
            "spool_path": None if spool_path is None else str(spool_path),
            "idempotency_key": idempotency_key,
            "attempts": 0,
            "created_at": time.time(),
        }
        try:
            with self._catalog.writing() as connection:
                values["number"] = self._next_number(connection)
                connection.execute(insert(JOB).values(values))
        except IntegrityError:
            known = self._by_key(idempotency_key)
            if known is None:
                raise
            if (known.kind, _json(known.payload)) != (kind, _json(payload)):
                raise KeyReused(key=str(idempotency_key)) from None
            return known, False
        return self._existing(job), True

    def get(self, job: str) -> Job | None:
        """One job; None for another tenant's, too."""
        with self._catalog.reading() as connection:
            row = connection.execute(self._select(JOB.c.id == job)).one_or_none()
        return None if row is None else _job(row)

    def recent(self, *, limit: int, before: int | None = None) -> list[Job]:
        """Jobs, newest first; `before` is the number of the last one of the page before."""
        older = JOB.c.number < before if before is not None else JOB.c.number.is_not(None)
        with self._catalog.reading() as connection:
            rows = connection.execute(self._select(older).order_by(JOB.c.number.desc()).limit(limit)).all()
        return [_job(row) for row in rows]

    def unfinished(self) -> set[str]:
        """Ids of the jobs that are queued or running, or may be tried again."""
        which = JOB.c.state.in_(_UNFINISHED) | (_RETRYABLE_FAILED & JOB.c.spool_path.is_not(None))
        with self._catalog.reading() as connection:
            statement = select(JOB.c.id).where(JOB.c.tenant == self._tenant, which)
            return set(connection.execute(statement).scalars())

    def count(self) -> dict[JobState, int]:
        """How many jobs are in each state."""
        statement = (
            select(JOB.c.state, func.count()).where(JOB.c.tenant == self._tenant).group_by(JOB.c.state)
        )
        with self._catalog.reading() as connection:
            counts = {str(state): int(number) for state, number in connection.execute(statement)}
        return {state: counts.get(state.value, 0) for state in JobState}

    def spool_paths(self) -> set[Path]:
        """Uploads that a job needs, or may need if it is tried again; other files there are orphans."""
        wanted = (JOB.c.state.in_(_UNFINISHED) | _RETRYABLE_FAILED) & JOB.c.spool_path.is_not(None)
        with self._catalog.reading() as connection:
            return {
                Path(path) for path in connection.execute(select(JOB.c.spool_path).where(wanted)).scalars()
            }

    def release_uploads(self, *, ended_before: float) -> list[Path]:
        """Detach uploads that were stored for a retry; returns their files, which the caller removes.

        Parameters
        ----------
        ended_before
            Seconds since 1970: jobs that failed later keep theirs.
        """
        old = _RETRYABLE_FAILED & JOB.c.spool_path.is_not(None) & (JOB.c.ended_at < ended_before)
        old &= JOB.c.tenant == self._tenant
        with self._catalog.reading() as connection:
            rows = connection.execute(select(JOB.c.id, JOB.c.spool_path).where(old)).all()
        if rows:
            with self._catalog.writing() as connection:
                mine = JOB.c.id.in_([row.id for row in rows]) & old
                connection.execute(update(JOB).where(mine).values(spool_path=None))
        return [Path(row.spool_path) for row in rows]

    def claim(
        self, kinds: Sequence[str], *, lease_s: float = LEASE_S, held: Collection[str] = ()
    ) -> Job | None:
        """Take the oldest queued job of these kinds; None when there is none.

        Parameters
        ----------
        held
            Jobs that this process is known to work on: they are not taken back, even where a full disk kept
            their leases from being prolonged.
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
        """Prolong a lease, and write down how far the job is.

        Parameters
        ----------
        items_done
            Items whose results are on the disk; more than ever before is progress.

        Raises
        ------
        JobLost
            When it ran out meanwhile and the job passed to another.
        """
        now = time.time()
        further = JOB.c.items_done < items_done
        self._change(
            job,
            lease_until=now + lease_s,
            heartbeat_at=now,
            items_done=case((further, items_done), else_=JOB.c.items_done),
            fruitless=case((further, 0), else_=JOB.c.fruitless),
        )

    def finish(self, job: Job, result: Any) -> Job:
        """Record a job's result (anything JSON can hold); raises `JobLost` as `heartbeat` does."""
        done = _with_checksum(job.id, _storable(json.dumps(result, ensure_ascii=False)))
        self._change(job, state=JobState.DONE.value, ended_at=time.time(), lease_until=None, result=done)
        return self._existing(job.id)

    def fail(self, job: Job, failure: Failure) -> Job:
        """Record why a job failed; it is not tried again. Raises `JobLost` as `heartbeat` does."""
        self._change(job, state=JobState.FAILED.value, lease_until=None, **_failed(failure))
        return self._existing(job.id)

    def release(self, job: Job) -> None:
        """Queue a job again that its worker stops on purpose; it is not counted as an attempt."""
        fruitless = case((JOB.c.fruitless > 0, JOB.c.fruitless - 1), else_=0)
        values = {"attempts": job.attempts - 1, "fruitless": fruitless, "lease_until": None}
        self._change(job, state=JobState.QUEUED.value, **values)

    def retry(self, job: str) -> Job | None:
        """Queue a job again whose failure says nothing about its upload; others stay. None without a job."""
        mine = (JOB.c.id == job) & (JOB.c.tenant == self._tenant)
        nothing = dict.fromkeys(("ended_at", "error_code", "error_message", "error_hint", "result"))
        with self._catalog.writing() as connection:
            again = update(JOB).where(mine, _RETRYABLE_FAILED, JOB.c.spool_path.is_not(None))
            connection.execute(again.values(state=JobState.QUEUED.value, fruitless=0, **nothing))
        return self.get(job)

    def cancel(self, job: str) -> Job | None:
        """End a job that is queued, running, or kept for a retry; others stay. None where there is none."""
        open_ = JOB.c.state.in_(_UNFINISHED) | (_RETRYABLE_FAILED & JOB.c.spool_path.is_not(None))
        mine = open_ & (JOB.c.id == job) & (JOB.c.tenant == self._tenant)
        with self._catalog.writing() as connection:
            connection.execute(
                update(JOB)
                .where(mine)
                .values(state=JobState.CANCELLED.value, ended_at=time.time(), lease_until=None)
            )
        return self.get(job)

    def requeue_lost(self, *, only_expired: bool = False, held: Collection[str] = ()) -> int:
        """Queue running jobs again whose worker is gone; those that never got further have failed.

        Parameters
        ----------
        only_expired
            False means that every running job's worker is known to be gone: at a server's start, when it
            has the home's lock.
        held
            Jobs whose worker is known to be there.

        Returns
        -------
        n_jobs : int
            How many were running.
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
            spent = update(JOB).where(gone, JOB.c.fruitless >= MAX_ATTEMPTS)
            failed = connection.execute(
                spent.values(state=JobState.FAILED.value, lease_until=None, **_failed(GAVE_UP))
            )
            again = update(JOB).where(gone).values(state=JobState.QUEUED.value, lease_until=None)
            return failed.rowcount + connection.execute(again).rowcount

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
        mine = running & (JOB.c.id == job.id) & (JOB.c.attempts == job.attempts)
        with self._catalog.writing() as connection:
            if not connection.execute(update(JOB).where(mine).values(values)).rowcount:
                raise JobLost(job=job.id)


def _json(payload: Mapping[str, Any]) -> str:
    return _storable(json.dumps(dict(payload), ensure_ascii=False, sort_keys=True))


SEAL: Final = "sealed:"
"""How a stored payload or result begins; digits of its checksum and a colon follow. Older ones have none."""
_DIGITS: Final = 16


def _with_checksum(job: str, text: str) -> str:
    """Put the checksum of a text, and of the job that it is of, before it."""
    digest = blake2b(f"{job}:{text}".encode(), digest_size=_DIGITS // 2).hexdigest()
    return f"{SEAL}{digest}:{text}"


def _verified_json(job: str, stored: str) -> Any:
    """Return a payload or result as it was stored.

    Raises
    ------
    CatalogDamaged
    """
    text = stored[len(SEAL) + _DIGITS + 1 :] if stored.startswith(SEAL) else stored
    if text is not stored and stored != _with_checksum(job, text):
        raise _damaged(job, "its values do not have the checksum stored with them")
    try:
        return json.loads(text)
    except ValueError as error:
        raise _damaged(job, str(error)) from error


def _state(row: Row[Any]) -> JobState:
    if row.state not in set(JobState):
        raise _damaged(row.id, f"there is no state {row.state!r}")
    return JobState(row.state)


def _damaged(job: str, reason: str) -> CatalogDamaged:
    return CatalogDamaged(where=f"the catalog's row of job {job}", reason=reason)


def _storable(text: str) -> str:
    """Replace what no database takes: lone surrogates, as file names that are no UTF-8 have them."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _failed(failure: Failure) -> dict[str, object]:
    return {
        "ended_at": time.time(),
        "error_code": failure.code,
        "error_message": _storable(failure.message),
        "error_hint": _storable(failure.hint),
    }


def _job(row: Row[Any]) -> Job:
    failure = None
    if row.error_code is not None:
        failure = Failure(code=row.error_code, message=row.error_message, hint=row.error_hint)
    return Job(
        id=row.id,
        number=row.number,
        kind=row.kind,
        state=_state(row),
        payload=_verified_json(row.id, row.payload),
        spool_path=None if row.spool_path is None else Path(row.spool_path),
        attempts=row.attempts,
        created_at=row.created_at,
        ended_at=row.ended_at,
        result=None if row.result is None else _verified_json(row.id, row.result),
        failure=failure,
        items_done=row.items_done,
    )
