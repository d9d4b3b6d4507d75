"""The HTML pages: upload forms, and a job page that reloads itself until the job has ended."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from earwitness.api.answers.answer import answer_of
from earwitness.api.answers.card_index import known_cards
from earwitness.api.answers.letter import letter
from earwitness.api.answers.messages import Messages
from earwitness.api.evidence.evidence_errors import NoEvidence
from earwitness.api.evidence.match_figure import match_figure, pictures_of
from earwitness.api.evidence.pictures_json import pictures_file
from earwitness.api.evidence.printed_answer import printed_answer
from earwitness.api.evidence.verify_evidence import VerifiedEvidence, verify_evidence
from earwitness.api.http.album_view import album_view
from earwitness.api.http.catalogues.catalogue_schemas import MAX_WORKS
from earwitness.api.http.job_view import job_view
from earwitness.api.http.jobs.unpack_album import MAX_TRACKS
from earwitness.api.http.page_templates import WEB, messages_of, render_page
from earwitness.api.http.protection.request_guard import demand_scopes
from earwitness.api.http.protection.scopes import KINDS
from earwitness.api.http.routes import queue_upload, queue_uploads
from earwitness.api.http.service import Service, service_of
from earwitness.api.http.uploads.forms import CheckForm, WorkForm
from earwitness.index.database.records import CollectionKind
from earwitness.index.match import Effort
from earwitness.index.names.verify_names import n_name_lists
from earwitness.index.store.jobs import Job

STATIC: Final = StaticFiles(directory=WEB / "static")
SLOWEST_REFRESH_S: Final = 15
UPLOAD_ERRORS: Final = (
    "other", "upload_too_large", "album_too_large", "upload_too_slow", "empty_file", "queue_full",
    "uploads_busy", "too_many_uploads", "no_workers", "no_room", "disk_full", "nothing_indexed",
    "no_such_collection", "not_allowed", "internal",
)  # fmt: skip
"""Codes of errors that the script on the first page explains; all others as ``other``."""

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
        max_upload_bytes=service.settings.max_upload_bytes,
        max_tracks=MAX_TRACKS,
        max_works=MAX_WORKS,
        upload_errors=upload_errors(messages_of(request)),
    )


@router.post("/check")
async def post_check(request: Request, service: Served) -> Response:
    """Accept one file, several, or a zip to check, and redirect to the answer or to that of the album."""
    accepted = await queue_uploads("check", CheckForm, request, service, max_files=MAX_TRACKS)
    job, _ = accepted[0]
    address = f"/jobs/{job.id}" if job.batch is None else f"/albums/{job.batch}"
    return RedirectResponse(address, status_code=303)


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
    t = messages_of(request)
    pictures = pictures_of(pictures_file(service.settings.home, job.id), job.id, t)
    view = job_view(out, known_cards(service.settings), t, pictures)
    refresh_s = None if job.ended_at is not None else refresh_after(job.created_at)
    evidence = evidence_of(job, service)
    return render_page(request, "job.html", job=out, view=view, evidence=evidence, refresh_s=refresh_s)


@router.get("/jobs/{job_id}/pictures/{number}")
def get_picture(job_id: str, number: int, request: Request, service: Served) -> Response:
    """Show the sound of a match as a figure: the longest stretch in both recordings."""
    job = service.job(job_id)
    path = pictures_file(service.settings.home, job.id)
    figure = match_figure(path, number, messages_of(request).language)
    if figure is None:
        raise NoEvidence(job=job_id)
    return Response(figure, media_type="image/png", headers={"Cache-Control": "no-store"})


def evidence_of(job: Job, service: Service) -> VerifiedEvidence | None:
    """Return the evidence of a job's answer; None where there is none, or none any more."""
    with suppress(NoEvidence):
        return verify_evidence(service.evidence_file(job))
    return None


@router.get("/jobs/{job_id}/print")
def get_printed(job_id: str, request: Request, service: Served) -> HTMLResponse:
    """Show an answer as one page that prints well, made from its signed evidence."""
    evidence = verify_evidence(service.evidence_file(service.job(job_id)))
    page = printed_answer(evidence, messages_of(request))
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": page.policy}
    return HTMLResponse(page.text, headers=headers)


@router.get("/albums/{batch_id}")
def get_album(batch_id: str, request: Request, service: Served) -> HTMLResponse:
    """Show what came of the tracks of an album so far."""
    jobs = service.batch(batch_id)
    cards, t = known_cards(service.settings), messages_of(request)
    view = album_view(batch_id, [service.show(each) for each in jobs], cards, t)
    refresh_s = None if view.is_done else refresh_after(jobs[-1].created_at)
    return render_page(request, "album.html", view=view, refresh_s=refresh_s)


@router.get("/jobs/{job_id}/letter")
def get_letter(job_id: str, request: Request, service: Served, card: int = 0) -> Response:
    """Return the text of a letter about one dataset of an answer, by its number on the page."""
    evidence, t = verify_evidence(service.evidence_file(service.job(job_id))), messages_of(request)
    (finding,) = evidence.findings
    answer = answer_of(finding, evidence.cards, t, answered_at=evidence.answered_at)
    if not 0 <= card < len(answer.cards):
        raise NoEvidence(job=job_id)
    text = letter(
        answer.cards[card], t, file=finding.item.path, answered_at=evidence.answered_at, number=evidence.id
    )
    headers = {"Cache-Control": "no-store", "Content-Disposition": 'attachment; filename="letter.txt"'}
    return PlainTextResponse(text, headers=headers)


@router.get("/robots.txt")
def get_robots() -> PlainTextResponse:
    """Keep the pages out of search engines and training data."""
    return PlainTextResponse("User-agent: *\nDisallow: /\nContent-Usage: train-ai=n\n")


def refresh_after(created_at: float) -> int:
    """Return the seconds after which a page reloads itself: longer, the longer it has been waited for."""
    return min(SLOWEST_REFRESH_S, 1 + int((time.time() - created_at) / 10))


@router.post("/albums/{batch_id}/cancel")
def post_cancel_album(batch_id: str, service: Served) -> Response:
    """Cancel what has not ended of an album, and redirect to it."""
    service.cancel_batch(batch_id)
    return RedirectResponse(f"/albums/{batch_id}", status_code=303)


@router.post("/jobs/{job_id}/cancel")
def post_cancel(job_id: str, request: Request, service: Served) -> Response:
    """Cancel a job, and redirect to it."""
    demand_scopes(request, KINDS[service.job(job_id).kind])
    return RedirectResponse(f"/jobs/{service.cancel(job_id).id}", status_code=303)


@router.post("/jobs/{job_id}/retry")
def post_retry(job_id: str, request: Request, service: Served) -> Response:
    """Queue a failed job again, and redirect to it."""
    demand_scopes(request, KINDS[service.job(job_id).kind])
    return RedirectResponse(f"/jobs/{service.retry(job_id).id}", status_code=303)


def upload_errors(t: Messages) -> dict[str, str]:
    """Return what the page says of errors of an upload, by code, for the script that sends files."""
    return {code: f"{t(f'error.{code}.what')} {t(f'error.{code}.do')}" for code in UPLOAD_ERRORS}


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 2**30:.3g} GB" if n_bytes >= 2**30 else f"{n_bytes / 2**20:.3g} MB"
