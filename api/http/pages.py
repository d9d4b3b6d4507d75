"""The plain page: a form, and a result that looks again by itself until the answer is there."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from earwitness.api.http.page_sentences import PageText, say
from earwitness.api.http.routes import take_in
from earwitness.api.http.service import Service, service_of
from earwitness.api.http.uploads.forms import CheckForm, WorkForm
from earwitness.index.database.records import CollectionKind

WEB: Final = Path(__file__).parent.parent / "web"
PAGES: Final = Environment(
    loader=FileSystemLoader(WEB / "templates"),
    autoescape=select_autoescape(default=True),
    trim_blocks=True,
    lstrip_blocks=True,
)
STATIC: Final = StaticFiles(directory=WEB / "static")
SLOWEST_REFRESH_S: Final = 15

Served = Annotated[Service, Depends(service_of)]

router = APIRouter(include_in_schema=False)


@router.get("/")
def get_home(service: Served) -> HTMLResponse:
    """Show the forms, and what is known here."""
    known = service.writer.collections
    return _page(
        "home.html",
        datasets=[each for each in known if each.kind is CollectionKind.DATASET],
        n_works=sum(each.n_items for each in known if each.kind is CollectionKind.WORKS),
        max_upload=_size(service.settings.max_upload_bytes),
    )


@router.post("/check")
async def post_check(request: Request, service: Served) -> Response:
    """Take the form's recording and lead on to its answer."""
    job, _ = await take_in("check", CheckForm, request, service)
    return RedirectResponse(f"/jobs/{job.id}", status_code=303)


@router.post("/register")
async def post_register(request: Request, service: Served) -> Response:
    """Take the form's work and lead on to what became of it."""
    job, _ = await take_in("work", WorkForm, request, service)
    return RedirectResponse(f"/jobs/{job.id}", status_code=303)


@router.get("/jobs/{job_id}")
def get_job(job_id: str, service: Served) -> HTMLResponse:
    """Show how a job stands, or its answer."""
    job = service.job(job_id)
    out = service.show(job)
    said = say(out)
    waited_s = time.time() - job.created_at
    refresh_s = None if job.ended_at is not None else min(SLOWEST_REFRESH_S, 1 + int(waited_s / 10))
    words = {each.name: getattr(said, each.name) for each in fields(PageText)}
    return _page("job.html", job=out, refresh_s=refresh_s, **words)


@router.post("/jobs/{job_id}/cancel")
def post_cancel(job_id: str, service: Served) -> Response:
    """End a job, and show that it has ended."""
    return RedirectResponse(f"/jobs/{service.cancel(job_id).id}", status_code=303)


@router.post("/jobs/{job_id}/retry")
def post_retry(job_id: str, service: Served) -> Response:
    """Queue a failed job again, and show how it stands."""
    return RedirectResponse(f"/jobs/{service.retry(job_id).id}", status_code=303)


def problem_page(
    status: int, *, detail: str, hint: str, headers: Mapping[str, str] | None = None
) -> HTMLResponse:
    """Say to a person what went wrong and the way out."""
    page = _page("problem.html", status=status, message=detail, hint=hint)
    page.headers.update(headers or {})
    return page


def _page(template: str, *, status: int = 200, **values: object) -> HTMLResponse:
    return HTMLResponse(
        PAGES.get_template(template).render(values), status, headers={"Cache-Control": "no-store"}
    )


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 2**30:.3g} GB" if n_bytes >= 2**30 else f"{n_bytes / 2**20:.3g} MB"
