"""The API of version 1. A route receives, hands over, and says what became of it; it works nothing out."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool

from earwitness.api.http.http_errors import NoFindings
from earwitness.api.http.openapi_problems import ANY, UPLOADS, WRITES, Responses, problems
from earwitness.api.http.schemas import JOB_EXAMPLE, CollectionOut, CollectionsOut, JobOut
from earwitness.api.http.service import Service, service_of
from earwitness.api.http.uploads.forms import (
    Asked,
    CheckForm,
    IndexForm,
    ScanForm,
    WorkForm,
    parse,
    upload_body,
)
from earwitness.api.http.uploads.receive_upload import receive
from earwitness.api.pipeline.searched_collections import require_datasets, require_works
from earwitness.index.store.jobs import Job, JobState
from earwitness.index.store.store_errors import NameReserved
from earwitness.index.writer import WORKS

NDJSON: Final = "application/x-ndjson"
Served = Annotated[Service, Depends(service_of)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="Any text of yours; sending the same request again under it starts nothing new.",
    ),
]


ACCEPTED: Final[Responses] = {
    202: {
        "description": "The upload is safe and the job will be done; ask at the address in Location.",
        "headers": {"Location": {"schema": {"type": "string"}, "description": "Where to ask about the job."}},
        "content": {
            "application/json": {
                "example": {**JOB_EXAMPLE, "state": "queued", "ended_at": None, "attempts": 0, "result": None}
            }
        },
    }
}

router = APIRouter(prefix="/v1")


@router.post(
    "/checks",
    operation_id="createCheck",
    summary="Check a recording",
    tags=["checks"],
    status_code=202,
    responses=ACCEPTED
    | problems(*UPLOADS, 404, _404="No dataset has one of these names.", _409="No dataset is indexed."),
    openapi_extra={"requestBody": upload_body(CheckForm, file="The audio to ask about.")},
)
async def post_check(
    request: Request, response: Response, service: Served, key: IdempotencyKey = None
) -> JobOut:
    """Ask whether a recording is in an indexed dataset."""
    return promised(response, service, *await take_in("check", CheckForm, request, service, key=key))


@router.post(
    "/works",
    operation_id="createWork",
    summary="Register a work",
    tags=["works"],
    status_code=202,
    responses=ACCEPTED | problems(*UPLOADS),
    openapi_extra={"requestBody": upload_body(WorkForm, file="The work's audio.")},
)
async def post_work(
    request: Request, response: Response, service: Served, key: IdempotencyKey = None
) -> JobOut:
    """Register a work; it is looked for in the indexed datasets at once."""
    return promised(response, service, *await take_in("work", WorkForm, request, service, key=key))


@router.post(
    "/collections",
    operation_id="createCollection",
    summary="Index or scan an archive",
    tags=["collections"],
    status_code=202,
    responses=ACCEPTED | problems(*UPLOADS, _409="A scan was asked for, and no work is registered."),
    openapi_extra={"requestBody": upload_body(IndexForm, file="A zip or tar of audio.")},
)
async def post_collection(
    request: Request,
    response: Response,
    service: Served,
    scan: Annotated[
        bool,
        Query(description="Only look for registered works in it; `name` is not needed and nothing is kept."),
    ] = False,
    key: IdempotencyKey = None,
) -> JobOut:
    """Index an archive of audio as a dataset, or scan it for registered works."""
    kind, form = ("scan", ScanForm) if scan else ("index", IndexForm)
    return promised(response, service, *await take_in(kind, form, request, service, key=key))


@router.get(
    "/collections",
    operation_id="listCollections",
    summary="List collections",
    tags=["collections"],
    responses=problems(*ANY, 422),
)
def get_collections(
    service: Served,
    cursor: Annotated[int, Query(ge=0, description="The `next` of the page before.")] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> CollectionsOut:
    """List the datasets and the registry of works, a page at a time."""
    known = sorted(service.writer.collections, key=lambda each: each.id)
    rest = [each for each in known if each.id > cursor]
    page = rest[:limit]
    more = str(page[-1].id) if len(rest) > limit else None
    return CollectionsOut(collections=[CollectionOut.of(each) for each in page], next=more)


@router.get(
    "/jobs/{job_id}",
    operation_id="getJob",
    summary="Ask about a job",
    tags=["jobs"],
    responses=problems(
        *ANY,
        404,
        422,
        ok={"content": {"application/json": {"example": JOB_EXAMPLE}}},
        _404="There is no such job.",
    ),
)
def get_job(job_id: str, response: Response, service: Served) -> JobOut:
    """Say how a job stands, and its result once it has one."""
    job = service.job(job_id)
    response.headers["Cache-Control"] = "no-store"
    if job.ended_at is None:
        response.headers["Retry-After"] = "1"
    return service.show(job)


@router.post(
    "/jobs/{job_id}/cancel",
    operation_id="cancelJob",
    summary="Cancel a job",
    tags=["jobs"],
    responses=problems(
        *WRITES, 404, 409, 422, _404="There is no such job.", _409="The job has ended already."
    ),
)
def post_cancel(job_id: str, service: Served) -> JobOut:
    """End a job before it is done; its upload is deleted. Cancelling it again changes nothing.

    A queued job ends at once, a running one within seconds; a failed one that could be tried again no longer
    can. What an index job has stored by then stays in its
    dataset, which says that it is not complete.
    """
    return service.show(service.cancel(job_id))


@router.post(
    "/jobs/{job_id}/retry",
    operation_id="retryJob",
    summary="Try a failed job again",
    tags=["jobs"],
    status_code=202,
    responses=ACCEPTED
    | problems(
        *WRITES,
        404,
        409,
        422,
        _404="There is no such job.",
        _409="The job did not fail, its upload was at fault, or its upload is no longer kept.",
    ),
)
def post_retry(job_id: str, response: Response, service: Served) -> JobOut:
    """Queue a job again that failed for no fault of its upload.

    Such an upload (of a job that was stopped several times without progress, or took too long) is kept for
    some days. `links.retry` of the job is set as long as that is so.
    """
    return promised(response, service, service.retry(job_id), True)


@router.get(
    "/jobs/{job_id}/findings",
    operation_id="getFindings",
    summary="Fetch findings",
    tags=["jobs"],
    response_class=FileResponse,
    responses=problems(
        *ANY,
        404,
        422,
        ok={"content": {NDJSON: {"schema": {"type": "string"}}}, "description": "One finding a line."},
        _404="There is no such job, or it has no findings yet.",
    ),
)
def get_findings(job_id: str, service: Served) -> FileResponse:
    """Fetch what an index or scan job found, one JSON object (earwitness.finding/1) a line."""
    job = service.job(job_id)
    file = service.findings_file(job.id)
    if job.state is not JobState.DONE or not file.exists():
        raise NoFindings(job=job.id, state=job.state.value)
    return FileResponse(file, media_type=NDJSON, filename=f"findings-{job.id}.jsonl")


async def take_in(
    kind: str, form: type[Asked], request: Request, service: Service, *, key: str | None = None
) -> tuple[Job, bool]:
    """Receive an upload and turn it into a job; whatever is refused leaves no file behind."""
    service.demand_workers(kind)
    await run_in_threadpool(service.demand_room_in_queue)
    received = await receive(request, service.spool, service.slots)
    with service.spool.unless_refused(received.file):
        asked = parse(form, received.fields)
        await run_in_threadpool(demand_something_to_search, kind, asked, service)
        return await run_in_threadpool(
            lambda: service.accept(kind, received, asked.model_dump(mode="json"), key=key)
        )


def promised(response: Response, service: Service, job: Job, is_new: bool) -> JobOut:
    """Say that a job will be done, and where to ask about it."""
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    if not is_new:
        response.headers["Idempotency-Replayed"] = "true"
    return service.show(job)


def demand_something_to_search(kind: str, asked: Asked, service: Service) -> None:
    """Refuse a job that would search nothing, before it is queued."""
    known = service.writer.collections
    if isinstance(asked, CheckForm):
        require_datasets(known, asked.collections, home=service.settings.home)
    if isinstance(asked, IndexForm) and asked.name.casefold() == WORKS:
        raise NameReserved(name=asked.name)
    if kind == "scan":
        require_works(known, home=service.settings.home)
