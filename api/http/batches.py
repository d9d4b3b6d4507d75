"""Checks that were sent together, such as an album: their numbers."""

from __future__ import annotations

from collections.abc import Sequence

from earwitness.api.http.schemas import BatchOut, JobOut


def batch_out(batch: str, jobs: Sequence[JobOut]) -> BatchOut:
    """Return a batch as the API shows it; a zip counts by its recordings, not by itself."""
    refused = sum(len(job.result["refused"]) for job in jobs if job.kind == "album" and job.result)
    tracks = [job for job in jobs if is_track(job)]
    ended = sum(job.ended_at is not None for job in tracks)
    return BatchOut(
        id=batch,
        total=len(tracks) + refused,
        ended=ended + refused,
        found=sum(map(is_found, tracks)),
        jobs=list(jobs),
    )


def is_track(job: JobOut) -> bool:
    """Whether a job counts as a recording; a zip that was not read counts as one."""
    return job.kind != "album" or job.state in {"failed", "cancelled"}


def is_found(job: JobOut) -> bool:
    """Whether a check found a match by sound, or a known dataset that lists the file."""
    if job.kind != "check" or job.result is None:
        return False
    return job.result["verdict"] == "match" or bool(job.result.get("same_file"))
