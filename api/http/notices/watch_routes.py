"""The routes that begin and end to watch a work."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter

from earwitness.api.http.notices.notice_schemas import WatchOut
from earwitness.api.http.openapi_problems import WRITES, problems
from earwitness.api.http.stored.work_routes import Served, WorkId
from earwitness.api.pipeline.stored_works import one_work
from earwitness.api.watch.watching import begin_watch, end_watch, watches_of

_WORDS: Final[dict[str, Any]] = {"_404": "There is no such work.", "_422": "A field is wrong."}

router = APIRouter(prefix="/v1/works", tags=["works"])


@router.put(
    "/{work_id}/watch",
    operation_id="watchWork",
    summary="Watch a work",
    responses=problems(*WRITES, 404, 422, **_WORDS),
)
def put_watch(work_id: WorkId, service: Served) -> WatchOut:
    """Ask each dataset that is indexed or added from now on about a work, once. To repeat it changes nothing.

    What is indexed already is not asked; a check does.
    """
    one_work(service.writer, work_id)
    begin_watch(service.writer, service.settings, [work_id])
    return WatchOut.of(work_id, watches_of(service.writer, [work_id]).get(work_id))


@router.delete(
    "/{work_id}/watch",
    operation_id="unwatchWork",
    summary="End to watch a work",
    responses=problems(*WRITES, 404, 422, **_WORDS),
)
def delete_watch(work_id: WorkId, service: Served) -> WatchOut:
    """Do not watch a work any more; its notices stay. To repeat it changes nothing."""
    one_work(service.writer, work_id)
    end_watch(service.writer, [work_id])
    return WatchOut.of(work_id, None)
