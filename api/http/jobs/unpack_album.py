"""Unpacks an uploaded zip into one check for each recording in it; the reading process reads the zip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from earwitness.api.datasets.item_errors import ItemRefused, NoSound
from earwitness.api.datasets.items import Reader, Skipped, SourceItem
from earwitness.api.findings import FindingError
from earwitness.api.http.http_errors import AlbumTooLarge, UploadTooLarge
from earwitness.api.http.jobs.heartbeat import Heartbeat
from earwitness.api.http.uploads.spool import Spool, Spooled
from earwitness.fingerprint.errors import AudioError
from earwitness.index.store.jobs import Job, Jobs

MAX_TRACKS: Final = 200
"""Recordings of one zip, or of one form, that are compared; the others are named as not compared."""
MAX_TIMES_UPLOAD: Final = 4
"""Unpacked bytes of one zip that are compared, in sizes of the largest upload."""
BLOCK_BYTES: Final = 1 << 20


@dataclass(slots=True, kw_only=True)
class AlbumUnpacker:
    """Queues the recordings of a zip as checks of one batch.

    A job that is started again after a kill queues no recording twice: each has its key.
    """

    job: Job
    jobs: Jobs
    spool: Spool
    n_queued: int = 0
    n_bytes: int = 0
    refused: list[dict[str, str]] = field(default_factory=list)

    def unpack(self, reader: Reader, heartbeat: Heartbeat) -> dict[str, Any]:
        """Queue every recording, and return how many, what was refused, and what is no recording."""
        for number, item in enumerate(reader):
            heartbeat.beat(number, reader.total)
            if isinstance(item, Skipped):
                error = FindingError(code=item.code, message=item.message, hint=item.hint)
                self._refuse(item.path, error)
                continue
            try:
                self._queue(item, number)
            except (AudioError, ItemRefused, UploadTooLarge, AlbumTooLarge) as failed:
                self._refuse(item.path, FindingError.of(failed))
        return {
            "tracks": self.n_queued,
            "refused": self.refused,
            "passed_over": dict(reader.passed_over),
        }

    def _refuse(self, path: str, error: FindingError) -> None:
        self.refused.append({"path": path, "code": error.code, "message": error.message, "hint": error.hint})

    def _queue(self, item: SourceItem, number: int) -> None:
        limit_bytes = MAX_TIMES_UPLOAD * self.spool.max_bytes
        if self.n_queued >= MAX_TRACKS or self.n_bytes >= limit_bytes:
            raise AlbumTooLarge(max_tracks=MAX_TRACKS, limit_bytes=limit_bytes)
        file = self._copy(item)
        self.n_bytes += file.n_bytes
        with self.spool.unless_refused(file):
            _, is_new = self.jobs.enqueue(
                "check",
                self._payload(file),
                spool_path=file.path,
                idempotency_key=f"album {self.job.id} {number}",
                batch=self.job.batch,
            )
        if not is_new:
            file.path.unlink()
        self.n_queued += 1

    def _copy(self, item: SourceItem) -> Spooled:
        if item.open is None:
            raise NoSound(name=item.path)
        with item.open() as stream, self.spool.begin() as upload:
            while block := stream.read(BLOCK_BYTES):
                upload.write(block)
            return upload.seal(name=item.path.rpartition("/")[2][:255] or "track")

    def _payload(self, file: Spooled) -> Mapping[str, Any]:
        asked = {name: self.job.payload[name] for name in ("collections", "effort")}
        return {**asked, "file": file.name, "sha256": file.sha256, "n_bytes": file.n_bytes}
