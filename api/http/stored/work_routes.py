"""The routes of registered works: listed, read, corrected, deleted."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.concurrency import run_in_threadpool

from earwitness.api.http.openapi_problems import ANY, WRITES, problems
from earwitness.api.http.service import Service, service_of
from earwitness.api.http.stored.stored_schemas import (
    RemovedOut,
    WorkChangeIn,
    WorkOut,
    WorksOut,
)
from earwitness.api.http.uploads.json_body import described_body, json_body
from earwitness.api.pipeline.stored_works import correct_work, one_work, remove_work, works_page
from earwitness.api.watch.watching import watches_of
from earwitness.index.database.records import ItemRow

LARGEST: Final = 2**53
"""Largest number that every JSON reader keeps exactly."""
Served = Annotated[Service, Depends(service_of)]
WorkId = Annotated[int, Path(ge=1, le=LARGEST, description="`id` of the work.")]
_WORDS: Final[dict[str, Any]] = {
    "_404": "There is no such work.",
    "_408": "The body stalled.",
    "_413": "The body is longer than any correction.",
    "_422": "A field is wrong.",
}

router = APIRouter(prefix="/v1/works", tags=["works"])


@router.get("", operation_id="listWorks", summary="List works", responses=problems(*ANY, 422, **_WORDS))
def get_works(
    service: Served,
    cursor: Annotated[int, Query(ge=0, le=LARGEST, description="`next` of the page before.")] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> WorksOut:
    """List the registered works in the order in which they were registered, a page at a time."""
    found = works_page(service.writer, after=cursor, limit=limit + 1)
    more = str(found[limit - 1].id) if len(found) > limit else None
    watched = watches_of(service.writer, [each.id for each in found[:limit]])
    return WorksOut(works=[WorkOut.of(each, watched.get(each.id)) for each in found[:limit]], next=more)


@router.get(
    "/{work_id}",
    operation_id="getWork",
    summary="Get a work",
    responses=problems(*ANY, 404, 422, **_WORDS),
)
def get_work(work_id: WorkId, service: Served) -> WorkOut:
    """Return what is stored of a work: its label. Its audio is not stored."""
    return shown(service, one_work(service.writer, work_id))


@router.patch(
    "/{work_id}",
    operation_id="correctWork",
    summary="Correct a work",
    responses=problems(*WRITES, 404, 408, 413, 422, **_WORDS),
    openapi_extra=described_body(WorkChangeIn),
)
async def patch_work(work_id: WorkId, request: Request, service: Served) -> WorkOut:
    """Change the title, artist, album, owner or ISRC of a work; null removes one.

    Later findings have the new texts. To repeat a correction changes nothing.
    """
    change = await json_body(request, WorkChangeIn)
    changes = change.changes()
    work = await run_in_threadpool(correct_work, service.writer, work_id, changes)
    return await run_in_threadpool(shown, service, work)


@router.delete(
    "/{work_id}",
    operation_id="deleteWork",
    summary="Delete a work",
    responses=problems(*WRITES, 404, 422, **_WORDS),
)
def delete_work(work_id: WorkId, service: Served) -> RemovedOut:
    """Delete a work, its fingerprint and its notices; later scans do not find it.

    Findings of jobs that have ended keep its label.
    """
    return RemovedOut.of(remove_work(service.writer, work_id))


def shown(service: Service, work: ItemRow) -> WorkOut:
    """Return a work as the API shows it."""
    return WorkOut.of(work, watches_of(service.writer, [work.id]).get(work.id))
