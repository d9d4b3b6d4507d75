"""Carries out the jobs of a lane, each for the tenant that it belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from earwitness.api.http.jobs.heartbeat import Heartbeat
from earwitness.api.http.jobs.job_worker import JobWorker
from earwitness.api.http.metrics import Metrics
from earwitness.api.http.uploads.upload_process import UploadWorker
from earwitness.api.settings import Settings
from earwitness.fingerprint.decode import Decoder
from earwitness.index.store.jobs import Job
from earwitness.index.writer import Writer


class LaneWorker:
    """Carries out the jobs of one lane, with the settings, the collections and the scheme of their tenants.

    Parameters
    ----------
    writers : mapping of str to Writer
        The writer of each tenant.
    uploads : mapping of str to UploadWorker
        The process for single uploads of each scheme; none in the lane of archives.
    """

    def __init__(
        self,
        settings: Settings,
        writers: Mapping[str, Writer],
        metrics: Metrics,
        uploads: Mapping[str, UploadWorker],
    ) -> None:
        self._any_writer, self._uploads = next(iter(writers.values())), uploads
        self._workers = {
            tenant: JobWorker(settings.of_tenant(tenant), writer, metrics, uploads.get(writer.scheme))
            for tenant, writer in writers.items()
        }

    def do(self, job: Job, heartbeat: Heartbeat) -> dict[str, Any]:
        """Carry out one job."""
        return self._workers[job.tenant].do(job, heartbeat)

    def rest(self) -> None:
        """Close libraries that are out of date: while one is open, SQLite cannot shrink the catalog's log."""
        if self._uploads:
            home_epoch = self._any_writer.home_epoch
            for each in self._uploads.values():
                each.rest(home_epoch)

    def close(self) -> None:
        """End the processes for single uploads."""
        for each in self._uploads.values():
            each.close()


def open_lane_worker(
    settings: Settings, writers: Mapping[str, Writer], metrics: Metrics, lane: str
) -> LaneWorker:
    """Make the job worker of a lane.

    Raises
    ------
    SandboxMissing, WorkersFail
        When no audio could be decoded.
    """
    if lane != "quick":
        with Decoder(limits=settings.decode_limits(), sandbox=settings.sandbox):
            return LaneWorker(settings, writers, metrics, {})
    uploads = dict[str, UploadWorker]()
    with ExitStack() as undo:
        for scheme in sorted({each.scheme for each in writers.values()}):
            uploads[scheme] = UploadWorker(settings, scheme=scheme)
            undo.callback(uploads[scheme].close)
        undo.pop_all()
    return LaneWorker(settings, writers, metrics, uploads)
