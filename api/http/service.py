"""The state of a running server for one tenant: settings, the home's writer, jobs, the spool, the runner."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from fastapi import Request

from earwitness.api.evidence.evidence_bundle import evidence_file
from earwitness.api.evidence.evidence_errors import NoEvidence
from earwitness.api.http.http_errors import (
    BatchNotFound,
    JobEnded,
    JobNotFound,
    NotAllowed,
    NothingToRetry,
    NoWorkers,
    QueueFull,
)
from earwitness.api.http.jobs.fair_queue import FairQueue
from earwitness.api.http.jobs.findings_journal import (
    DAY_S,
    RESULT_FOLDER,
    findings_file,
    prune,
)
from earwitness.api.http.jobs.job_runner import Runner
from earwitness.api.http.jobs.lane import JobHandler
from earwitness.api.http.jobs.lane_worker import open_lane_worker
from earwitness.api.http.metrics import Metrics
from earwitness.api.http.notices.notice_sender import NoticeSender
from earwitness.api.http.protection.api_keys import KeyRing
from earwitness.api.http.protection.connection_slots import UploadSlots
from earwitness.api.http.schemas import JobOut, moment
from earwitness.api.http.uploads.spool import SPOOL_FOLDER, Spool, Spooled
from earwitness.api.settings import Settings
from earwitness.index.store.jobs import Job, Jobs, JobState
from earwitness.index.writer import Writer

MAX_QUEUED: Final = 1_000
PATIENCE_S: Final = 10.0

OpenJobHandler = Callable[[Settings, Mapping[str, Writer], Metrics, str], JobHandler]
"""Makes the job handler of the lane that the last argument names, with the writer of each tenant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What one tenant has of an open home that is being served. Made by `open_service`.

    Settings, writer and jobs are the tenant's, and reach nothing of another tenant. The rest is the server's.

    Attributes
    ----------
    own_tenant : str
        The tenant of the server's settings, whose keys may also see and do what concerns all tenants.
    tenants : mapping of str to Service
        The services of all tenants that are served, this one included.
    sandbox_missing : tuple of str
        The parts of the decoder's sandbox that are missing on this machine.
    names_lock : threading.Lock
        Held while the works that are known by name are changed.
    stopping : threading.Event
        Set when the server begins to stop: requests that wait for a job are answered.
    """

    settings: Settings
    writer: Writer
    jobs: Jobs
    spool: Spool
    runner: Runner
    metrics: Metrics
    slots: UploadSlots
    sender: NoticeSender
    own_tenant: str
    tenants: Mapping[str, Service] = field(repr=False)
    sandbox_missing: tuple[str, ...] = ()
    names_lock: threading.Lock = field(default_factory=threading.Lock)
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def is_own(self) -> bool:
        """Whether this is the service of the server's own tenant."""
        return self.settings.tenant == self.own_tenant

    def accept(
        self,
        kind: str,
        file: Spooled,
        fields: Mapping[str, Any],
        *,
        key: str | None = None,
        batch: str | None = None,
    ) -> tuple[Job, bool]:
        """Turn an upload into a durable job.

        Parameters
        ----------
        fields
            The form's fields besides the file.
        key
            The client's Idempotency-Key: repeating it returns the first job.
        batch
            The batch that it belongs to.

        Returns
        -------
        job, is_new

        Raises
        ------
        KeyReused
            When `key` came with another request before.
        """
        payload = {**fields, "file": file.name, "sha256": file.sha256, "n_bytes": file.n_bytes}
        job, is_new = self.jobs.enqueue(kind, payload, spool_path=file.path, idempotency_key=key, batch=batch)
        if not is_new:
            file.path.unlink()
        self.metrics.uploaded(file.n_bytes)
        self.runner.wake()
        return job, is_new

    def demand_workers(self, kind: str) -> None:
        """Raise NoWorkers when no job of this kind can be done."""
        trouble = self.runner.trouble(kind)
        if trouble is not None:
            raise NoWorkers(reason=trouble)

    def demand_room_in_queue(self) -> None:
        """Raise QueueFull when as many jobs of this tenant wait as the server accepts."""
        waiting = self.jobs.count()[JobState.QUEUED]
        if waiting >= MAX_QUEUED:
            raise QueueFull(waiting=waiting)

    def job(self, job_id: str) -> Job:
        """Return one of this tenant's jobs; raises JobNotFound."""
        job = self.jobs.get(job_id)
        if job is None:
            raise JobNotFound(job=job_id)
        return job

    def batch(self, batch: str) -> list[Job]:
        """Return the jobs of one of this tenant's batches; raises BatchNotFound."""
        found = self.jobs.of_batch(batch)
        if not found:
            raise BatchNotFound(batch=batch)
        return found

    def cancel_batch(self, batch: str) -> None:
        """End every job of a batch that has not ended; raises BatchNotFound."""
        for job in self.batch(batch):
            if job.ended_at is None:
                with suppress(JobEnded):  # it has ended meanwhile
                    self.cancel(job.id)

    def cancel(self, job_id: str) -> Job:
        """End a job that is queued (at once), running (soon) or can be retried; its upload is removed.

        Raises
        ------
        JobNotFound
        JobEnded
            When it is done or has failed; cancelling twice is no error.
        """
        job = self.jobs.cancel(job_id)
        if job is None:
            raise JobNotFound(job=job_id)
        if job.state is not JobState.CANCELLED:
            raise JobEnded(job=job_id, state=job.state.value)
        if not self.runner.cancel(job_id) and job.spool_path is not None:
            job.spool_path.unlink(missing_ok=True)  # else its lane removes it when the job has stopped
        return job

    def retry(self, job_id: str) -> Job:
        """Queue a job again that failed for no fault of its upload.

        Raises
        ------
        JobNotFound
        NothingToRetry
            When it did not fail so, or its upload is gone. Retrying twice is no error.
        """
        before = self.job(job_id)
        if before.is_retryable and not self._has_upload(before):
            raise NothingToRetry(job=job_id, state=before.state.value)
        job = self.jobs.retry(job_id)
        if job is None or job.ended_at is not None:
            raise NothingToRetry(job=job_id, state=before.state.value)
        self.runner.wake()
        return job

    @staticmethod
    def _has_upload(job: Job) -> bool:
        return job.spool_path is not None and job.spool_path.is_file()

    def findings_file(self, job_id: str) -> Path:
        """Path of the findings of an index or scan job."""
        return findings_file(self.settings.home, job_id)

    def evidence_file(self, job: Job) -> Path:
        """Path of the evidence of a check; raises NoEvidence where there is none, or none any more."""
        path = evidence_file(self.settings.home, job.id)
        if job.state is not JobState.DONE or not path.exists():
            raise NoEvidence(job=job.id)
        return path

    def _place(self, job: Job) -> int | None:
        if job.state is not JobState.QUEUED:
            return None
        return self.jobs.ahead_of(job, self.runner.lane_of(job.kind)) or None

    def show(self, job: Job) -> JobOut:
        """Return a job as the API shows it."""
        progress = self.runner.progress(job.id) if job.state is JobState.RUNNING else None
        address = f"/v1/jobs/{job.id}"
        has_findings = job.state is JobState.DONE and self.findings_file(job.id).exists()
        retryable = job.is_retryable and self._has_upload(job)
        fields = {
            "id": job.id,
            "kind": job.kind,
            "state": job.state.value,
            "file": job.payload["file"],
            "created_at": moment(job.created_at),
            "ended_at": None if job.ended_at is None else moment(job.ended_at),
            "batch": job.batch,
            "place": self._place(job),
            "attempts": job.attempts,
            "progress": progress and asdict(progress),
            "result": job.result,
            "error": job.failure and asdict(job.failure),
            "links": {
                "self": address,
                "page": f"/jobs/{job.id}",
                "batch": None if job.batch is None else f"/v1/batches/{job.batch}",
                "findings": f"{address}/findings" if has_findings else None,
                "cancel": f"{address}/cancel" if job.ended_at is None or retryable else None,
                "retry": f"{address}/retry" if retryable else None,
            },
        }
        return JobOut.model_validate(fields)


def open_service(
    settings: Settings,
    *,
    open_job_worker: OpenJobHandler = open_lane_worker,
    sandbox_missing: tuple[str, ...] = (),
) -> Service:
    """Take the home's lock, queue the jobs of an ended server again, and start the lanes.

    Parameters
    ----------
    open_job_worker : callable
        Makes the job handlers; tests pass another.

    Returns
    -------
    service : Service
        That of the settings' tenant; its `tenants` has those of all tenants with keys.

    Raises
    ------
    BadKeyRecord
    HomeBusy
        When another process writes to this home.
    HomeServed
        When another server runs on it.
    SchemeMismatch, CatalogTooNew
        When another program is needed to read it.
    """
    tenants = KeyRing(settings.api_keys, tenant=settings.tenant).tenants
    writers = _open_writers(settings, tenants)
    jobs = {tenant: Jobs(writer.catalog, tenant=tenant) for tenant, writer in writers.items()}
    queue = FairQueue(jobs)
    queue.requeue_lost()
    spool = Spool(settings.home / SPOOL_FOLDER, max_bytes=settings.max_upload_bytes)
    spool.sweep(queue.spool_paths())
    (settings.home / RESULT_FOLDER).mkdir(exist_ok=True, mode=0o700)
    tidy(settings, queue)
    metrics, sender = Metrics(queue.count), NoticeSender(settings, writers)

    def job_ended() -> None:
        sender.wake()
        tidy(settings, queue)

    runner = Runner(
        queue,
        lambda lane: open_job_worker(settings, writers, metrics, lane),
        metrics,
        job_wall_s=settings.job_wall_s,
        tidy=job_ended,
    )
    runner.start()
    sender.start()
    services = dict[str, Service]()
    own = Service(
        settings=settings,
        writer=writers[settings.tenant],
        jobs=jobs[settings.tenant],
        spool=spool,
        runner=runner,
        metrics=metrics,
        sender=sender,
        slots=UploadSlots(a_client=settings.uploads_per_client),
        own_tenant=settings.tenant,
        tenants=services,
        sandbox_missing=sandbox_missing,
    )
    for tenant in tenants:
        services[tenant] = replace(
            own, settings=settings.of_tenant(tenant), writer=writers[tenant], jobs=jobs[tenant]
        )
    return services[settings.tenant]


def _open_writers(settings: Settings, tenants: Sequence[str]) -> dict[str, Writer]:
    """Open the home, and return the writer of each tenant; the first one closes it."""
    own, *others = tenants
    writer = Writer.open(settings.of_tenant(own).home_address, serves=True)
    try:
        return {own: writer, **{tenant: writer.of_tenant(tenant) for tenant in others}}
    except BaseException:
        writer.close()
        raise


def tidy(settings: Settings, jobs: FairQueue) -> None:
    """Remove findings, and uploads of failed jobs, that are older than the settings allow."""
    for upload in jobs.release_uploads(ended_before=time.time() - settings.keep_uploads_days * DAY_S):
        upload.unlink(missing_ok=True)
    prune(settings.home, keep_days=settings.keep_findings_days, unended=jobs.unfinished)


def close_service(service: Service) -> None:
    """Stop the lanes and close the home; a lane that does not end keeps the lock while it can write."""
    has_ended = service.sender.stop(patience_s=PATIENCE_S)
    if service.runner.stop(patience_s=PATIENCE_S) and has_ended:
        service.tenants[service.own_tenant].writer.close()


def service_of(request: Request) -> Service:
    """Return the service of the tenant that a request acts for: the only one that routes may use.

    Raises
    ------
    NotAllowed
        Where no key was accepted yet.
    """
    tenant = getattr(request.state, "tenant", None)
    if tenant is None:
        raise NotAllowed
    return own_service(request).tenants[tenant]


def own_service(request: Request) -> Service:
    """Return the service of the server's own tenant, for what is about the server and not about a tenant."""
    service: Service = request.app.state.service
    return service
