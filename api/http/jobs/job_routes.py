"""The route that lists jobs, and how a request waits for one."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from earwitness.api.http.openapi_problems import ANY, problems
from earwitness.api.http.schemas import JobEntryOut, JobKind, JobsOut, moment
from earwitness.api.http.service import Service, service_of
from earwitness.index.store.jobs import Job, JobState

LONGEST_WAIT_S: Final = 60.0
FIRST_LOOK_S: Final = 0.05
SLOWEST_LOOK_S: Final = 1.0
"""A waiting request looks whether its job has ended, first soon, later at this interval."""
LARGEST: Final = 2**53

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])


@router.get("", operation_id="listJobs", summary="List jobs", responses=problems(*ANY, 422))
def get_jobs(
    service: Annotated[Service, Depends(service_of)],
    state: Annotated[list[JobState] | None, Query(description="Only these states; may be repeated.")] = None,
    kind: Annotated[list[JobKind] | None, Query(description="Only these kinds; may be repeated.")] = None,
    cursor: Annotated[int | None, Query(ge=1, le=LARGEST, description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> JobsOut:
    """List the jobs, newest first, a page at a time."""
    found = service.jobs.recent(limit=limit + 1, before=cursor, states=state or (), kinds=kind or ())
    more = str(found[limit - 1].number) if len(found) > limit else None
    return JobsOut(jobs=[entry(each) for each in found[:limit]], next=more)


def entry(job: Job) -> JobEntryOut:
    """Return a job as a list shows it."""
    fields = {
        "id": job.id,
        "kind": job.kind,
        "state": job.state.value,
        "file": job.payload["file"],
        "created_at": moment(job.created_at),
        "ended_at": None if job.ended_at is None else moment(job.ended_at),
        "error": job.failure and asdict(job.failure),
        "link": f"/v1/jobs/{job.id}",
    }
    return JobEntryOut.model_validate(fields)


async def when_ended(job_id: str, service: Service, request: Request, *, wait_s: float) -> Job:
    """Return a job when it has ended, and after `wait_s` seconds in any case.

    It returns at once when the server stops, and when the client has gone.

    Raises
    ------
    JobNotFound
    """
    until, pause_s = time.monotonic() + wait_s, FIRST_LOOK_S
    while True:
        job = await run_in_threadpool(service.job, job_id)
        left_s = until - time.monotonic()
        if job.ended_at is not None or left_s <= 0 or service.stopping.is_set():
            return job
        if await request.is_disconnected():
            return job
        await asyncio.sleep(min(pause_s, left_s))
        pause_s = min(SLOWEST_LOOK_S, 1.5 * pause_s)
