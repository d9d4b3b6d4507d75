"""The HTML pages: upload forms, and a job page that reloads itself until the job has ended."""

from __future__ import annotations

import time
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from earwitness.api.answers.card_index import known_cards
from earwitness.api.http.job_view import job_view
from earwitness.api.http.page_templates import WEB, messages_of, render_page
from earwitness.api.http.routes import queue_upload
from earwitness.api.http.service import Service, service_of
from earwitness.api.http.uploads.forms import CheckForm, WorkForm
from earwitness.index.database.records import CollectionKind
from earwitness.index.match import Effort
from earwitness.index.names.verify_names import n_name_lists

STATIC: Final = StaticFiles(directory=WEB / "static")
SLOWEST_REFRESH_S: Final = 15

Served = Annotated[Service, Depends(service_of)]

router = APIRouter(include_in_schema=False)


@router.get("/")
def get_home(request: Request, service: Served) -> HTMLResponse:
    """Show the upload forms, the datasets and the number of works."""
    collections = service.writer.collections
    return render_page(
        request,
        "home.html",
        efforts=[each.value for each in Effort],
        datasets=[each for each in collections if each.kind is CollectionKind.DATASET],
        n_works=sum(each.n_items for each in collections if each.kind is CollectionKind.WORKS),
        n_lists=n_name_lists(service.settings.home),
        max_upload=_size(service.settings.max_upload_bytes),
    )


@router.post("/check")
async def post_check(request: Request, service: Served) -> Response:
    """Accept an upload to check, and redirect to its job."""
    job, _ = await queue_upload("check", CheckForm, request, service)
    return RedirectResponse(f"/jobs/{job.id}", status_code=303)


@router.post("/register")
async def post_register(request: Request, service: Served) -> Response:
    """Accept an upload to register, and redirect to its job."""
    job, _ = await queue_upload("work", WorkForm, request, service)
    return RedirectResponse(f"/jobs/{job.id}", status_code=303)


@router.get("/jobs/{job_id}")
def get_job(job_id: str, request: Request, service: Served) -> HTMLResponse:
    """Show the state of a job, or its result."""
    job = service.job(job_id)
    out = service.show(job)
    view = job_view(out, known_cards(service.settings), messages_of(request))
    waited_s = time.time() - job.created_at
    refresh_s = None if job.ended_at is not None else min(SLOWEST_REFRESH_S, 1 + int(waited_s / 10))
    return render_page(request, "job.html", job=out, view=view, refresh_s=refresh_s)


@router.post("/jobs/{job_id}/cancel")
def post_cancel(job_id: str, service: Served) -> Response:
    """Cancel a job, and redirect to it."""
    return RedirectResponse(f"/jobs/{service.cancel(job_id).id}", status_code=303)


@router.post("/jobs/{job_id}/retry")
def post_retry(job_id: str, service: Served) -> Response:
    """Queue a failed job again, and redirect to it."""
    return RedirectResponse(f"/jobs/{service.retry(job_id).id}", status_code=303)


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 2**30:.3g} GB" if n_bytes >= 2**30 else f"{n_bytes / 2**20:.3g} MB"
