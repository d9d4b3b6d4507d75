"""The routes of API version 1. They check requests and describe jobs; the work is done in the lanes."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool

from earwitness.api.http.batches import batch_out
from earwitness.api.http.http_errors import NoFindings
from earwitness.api.http.jobs.job_routes import LARGEST, LONGEST_WAIT_S, when_ended
from earwitness.api.http.openapi_problems import ANY, UPLOADS, WRITES, Responses, problems
from earwitness.api.http.protection.request_guard import demand_scopes
from earwitness.api.http.protection.scopes import KINDS
from earwitness.api.http.schemas import BatchOut, CollectionOut, CollectionsOut, JobOut
from earwitness.api.http.service import Service, service_of
from earwitness.api.http.uploads.forms import (
    CheckForm,
    FormFields,
    IndexForm,
    ScanForm,
    WorkForm,
    parse,
    upload_body,
)
from earwitness.api.http.uploads.receive_upload import Received, receive
from earwitness.api.pipeline.searched_collections import require_datasets, require_works
from earwitness.index.database.records import WORKS
from earwitness.index.store.jobs import Job, JobState
from earwitness.index.store.store_errors import NameReserved

NDJSON: Final = "application/x-ndjson"
Served = Annotated[Service, Depends(service_of)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="Any text; the same request with the same text starts no second job. The text of another"
        " request is refused (422, `key_reused`).",
    ),
]


def accepted(model: str = "JobOut") -> Responses:
    """Describe the answer to an upload; `model` is the type of the job."""
    return {
        202: {
            "description": "The upload is stored and the job is queued; Location is the address of the job.",
            "headers": {"Location": {"schema": {"type": "string"}, "description": "Address of the job."}},
            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{model}"}}},
        }
    }


router = APIRouter(prefix="/v1")


@router.post(
    "/checks",
    operation_id="createCheck",
    summary="Check a recording",
    tags=["checks"],
    status_code=202,
    responses=accepted()
    | problems(*UPLOADS, 404, _404="No dataset has one of these names.", _409="No dataset is indexed."),
    openapi_extra={
        "requestBody": upload_body(CheckForm, file="The audio to check, or a zip: a batch of checks.")
    },
)
async def post_check(
    request: Request, response: Response, service: Served, key: IdempotencyKey = None
) -> JobOut:
    """Check whether a recording is in an indexed dataset."""
    return job_accepted(response, service, *await queue_upload("check", CheckForm, request, service, key=key))


@router.post(
    "/works",
    operation_id="createWork",
    summary="Register a work",
    tags=["works"],
    status_code=202,
    responses=accepted("WorkJob") | problems(*UPLOADS),
    openapi_extra={"requestBody": upload_body(WorkForm, file="The work's audio.")},
)
async def post_work(
    request: Request, response: Response, service: Served, key: IdempotencyKey = None
) -> JobOut:
    """Register a work, and search the indexed datasets for it."""
    return job_accepted(response, service, *await queue_upload("work", WorkForm, request, service, key=key))


@router.post(
    "/collections",
    operation_id="createCollection",
    summary="Index an archive",
    tags=["collections"],
    status_code=202,
    responses=accepted("IndexJob") | problems(*UPLOADS),
    openapi_extra={"requestBody": upload_body(IndexForm, file="A zip or tar of audio.")},
)
async def post_collection(
    request: Request,
    response: Response,
    service: Served,
    scan: Annotated[bool, Query(include_in_schema=False)] = False,
    key: IdempotencyKey = None,
) -> JobOut:
    """Index an archive of audio as a dataset. The name `works` is refused: the registry has it."""
    if scan:  # the address that scans had before they got one of their own
        return await post_scan(request, response, service, key)
    return job_accepted(response, service, *await queue_upload("index", IndexForm, request, service, key=key))


@router.post(
    "/scans",
    operation_id="createScan",
    summary="Scan an archive",
    tags=["collections"],
    status_code=202,
    responses=accepted("ScanJob") | problems(*UPLOADS, _409="No work is registered."),
    openapi_extra={"requestBody": upload_body(ScanForm, file="A zip or tar of audio.")},
)
async def post_scan(
    request: Request, response: Response, service: Served, key: IdempotencyKey = None
) -> JobOut:
    """Search an archive of audio for registered works; nothing of it is stored."""
    return job_accepted(response, service, *await queue_upload("scan", ScanForm, request, service, key=key))


@router.get(
    "/collections",
    operation_id="listCollections",
    summary="List collections",
    tags=["collections"],
    responses=problems(*ANY, 422),
)
def get_collections(
    service: Served,
    cursor: Annotated[int, Query(ge=0, le=LARGEST, description="`next` of the page before.")] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> CollectionsOut:
    """List the datasets and the registry of works, a page at a time."""
    collections = sorted(service.writer.collections, key=lambda each: each.id)
    rest = [each for each in collections if each.id > cursor]
    page = rest[:limit]
    more = str(page[-1].id) if len(rest) > limit else None
    return CollectionsOut(collections=[CollectionOut.of(each) for each in page], next=more)


@router.get(
    "/jobs/{job_id}",
    operation_id="getJob",
    summary="Get a job",
    tags=["jobs"],
    responses=problems(
        *ANY,
        404,
        422,
        _404="There is no such job.",
    ),
)
async def get_job(
    job_id: str,
    request: Request,
    response: Response,
    service: Served,
    wait: Annotated[
        float,
        Query(ge=0, le=LONGEST_WAIT_S, description="Seconds for which the answer waits for the job to end."),
    ] = 0.0,
) -> JobOut:
    """Return the state of a job, and its result when it has one."""
    job = await when_ended(job_id, service, request, wait_s=wait)
    response.headers["Cache-Control"] = "no-store"
    if job.ended_at is None:
        response.headers["Retry-After"] = "1"
    return await run_in_threadpool(service.show, job)


@router.post(
    "/jobs/{job_id}/cancel",
    operation_id="cancelJob",
    summary="Cancel a job",
    tags=["jobs"],
    responses=problems(
        *WRITES, 404, 409, 422, _404="There is no such job.", _409="The job has ended already."
    ),
)
def post_cancel(job_id: str, request: Request, service: Served) -> JobOut:
    """End a job before it is done; its upload is deleted. Cancelling it again changes nothing.

    A queued job ends at once, a running one within seconds; a failed one can no longer be retried. Items
    that an index job has stored stay in its dataset, which is marked as not complete.
    """
    demand_scopes(request, KINDS[service.job(job_id).kind])
    return service.show(service.cancel(job_id))


@router.post(
    "/jobs/{job_id}/retry",
    operation_id="retryJob",
    summary="Try a failed job again",
    tags=["jobs"],
    status_code=202,
    responses=accepted()
    | problems(
        *WRITES,
        404,
        409,
        422,
        _404="There is no such job.",
        _409="The job did not fail, its upload was at fault, or its upload is deleted.",
    ),
)
def post_retry(job_id: str, request: Request, response: Response, service: Served) -> JobOut:
    """Queue a failed job again whose upload was not at fault.

    Such an upload (of a job that was stopped several times without progress, or took too long) is stored for
    some days. `links.retry` of the job is set during that time.
    """
    demand_scopes(request, KINDS[service.job(job_id).kind])
    return job_accepted(response, service, service.retry(job_id), True)


@router.get(
    "/jobs/{job_id}/findings",
    operation_id="getFindings",
    summary="Get findings",
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
    """Return the findings of an index or scan job, one JSON object (earwitness.finding/2) a line."""
    job = service.job(job_id)
    file = service.findings_file(job.id)
    if job.state is not JobState.DONE or not file.exists():
        raise NoFindings(job=job.id, state=job.state.value)
    return FileResponse(file, media_type=NDJSON, filename=f"findings-{job.id}.jsonl")


@router.get(
    "/jobs/{job_id}/evidence",
    operation_id="getEvidence",
    summary="Get the signed evidence of a check",
    tags=["jobs"],
    response_class=FileResponse,
    responses=problems(
        *ANY,
        404,
        422,
        ok={
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/EvidenceOut"}}},
            "description": "earwitness.evidence/1: finding, cards, hashes, index and versions, signed.",
        },
        _404="There is no such job, it has no answer yet, or its evidence was deleted.",
    ),
)
def get_evidence(job_id: str, service: Served) -> FileResponse:
    """Return the evidence of an answer, as it was signed then; `earwitness evidence verify` verifies it."""
    job = service.job(job_id)
    file = service.evidence_file(job)
    return FileResponse(file, media_type="application/json", filename=f"evidence-{job.id}.json")


@router.get(
    "/batches/{batch_id}",
    operation_id="getBatch",
    summary="Get a batch",
    tags=["checks"],
    responses=problems(*ANY, 404, 422, _404="There is no such batch."),
)
def get_batch(batch_id: str, response: Response, service: Served) -> BatchOut:
    """Return the checks that were sent together, such as the tracks of an album or of a zip."""
    response.headers["Cache-Control"] = "no-store"
    return batch_out(batch_id, [service.show(each) for each in service.batch(batch_id)])


async def queue_upload(
    kind: str, form: type[FormFields], request: Request, service: Service, *, key: str | None = None
) -> tuple[Job, bool]:
    """Receive an upload and queue a job for it; a refused upload leaves no file behind."""
    ((job, is_new),) = await queue_uploads(kind, form, request, service, key=key)
    return job, is_new


async def queue_uploads(
    kind: str,
    form: type[FormFields],
    request: Request,
    service: Service,
    *,
    key: str | None = None,
    max_files: int = 1,
) -> list[tuple[Job, bool]]:
    """Receive a form with one or several files, and queue a job for each; of several, all are one batch.

    A zip to check becomes a job of kind ``album``, which queues a check for each recording in it.
    """
    service.demand_workers(kind)
    await run_in_threadpool(service.demand_room_in_queue)
    received = await receive(request, service.spool, service.slots, max_files=max_files)
    with service.spool.unless_refused(*received.files):
        fields = parse(form, received.fields)
        await run_in_threadpool(demand_something_to_search, kind, fields, service)
        return await run_in_threadpool(_accept_all, kind, received, fields, service, key)


def _accept_all(
    kind: str, received: Received, fields: FormFields, service: Service, key: str | None
) -> list[tuple[Job, bool]]:
    values = fields.model_dump(mode="json")
    batch = values.pop("batch", None)
    if values.get("watch") is False:  # as jobs of earlier versions, so that a repeated request is the same
        del values["watch"]
    kinds = ["album" if kind == "check" and is_zip(file.path) else kind for file in received.files]
    if len(kinds) > 1 or "album" in kinds:
        batch = batch or batch_of(key)
    return [
        service.accept(each, file, values, key=key, batch=batch)
        for each, file in zip(kinds, received.files, strict=True)
    ]


def batch_of(key: str | None) -> str:
    """Return a batch for uploads that name none: the same one for the same Idempotency-Key."""
    return uuid.uuid4().hex if key is None else uuid.uuid5(uuid.NAMESPACE_OID, key).hex


def is_zip(path: Path) -> bool:
    """Whether an upload begins as a zip does."""
    with path.open("rb") as file:
        return file.read(4) == b"PK\x03\x04"


def job_accepted(response: Response, service: Service, job: Job, is_new: bool) -> JobOut:
    """Return an accepted job, with its address in the headers."""
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    if not is_new:
        response.headers["Idempotency-Replayed"] = "true"
    return service.show(job)


def demand_something_to_search(kind: str, fields: FormFields, service: Service) -> None:
    """Refuse a job that would search nothing, before it is queued."""
    collections = service.writer.collections
    if isinstance(fields, CheckForm):
        require_datasets(collections, fields.collections, home=service.settings.home)
    if isinstance(fields, IndexForm) and fields.name.casefold() == WORKS:
        raise NameReserved(name=fields.name)
    if kind == "scan":
        require_works(collections, home=service.settings.home)
