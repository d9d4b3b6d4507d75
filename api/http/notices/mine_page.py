"""The page of one's own works: correct, delete and watch them, and read notices and past answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from earwitness.api.answers.messages import Messages
from earwitness.api.http.http_errors import UploadTooLarge
from earwitness.api.http.notices.notice_routes import notices_of
from earwitness.api.http.page_templates import messages_of, render_page
from earwitness.api.http.service import Service, service_of
from earwitness.api.http.stored.stored_schemas import WorkChangeIn
from earwitness.api.http.stored.work_routes import LARGEST, WorkId
from earwitness.api.http.uploads.json_body import MAX_BYTES
from earwitness.api.http.uploads.receive_upload import paced
from earwitness.api.pipeline.stored_works import correct_work, one_work, remove_work, works_page
from earwitness.api.watch.notice_contents import Outcome
from earwitness.api.watch.notice_words import change_sentences, found_sentences, notice_headline
from earwitness.api.watch.watching import begin_watch, end_watch, watches_of
from earwitness.index.database.records import TEXTS, ItemRow
from earwitness.index.notices.notice_records import Notice, Watch
from earwitness.index.store.jobs import Job, JobState

WORKS_SHOWN: Final = 20
NOTICES_SHOWN: Final = 5
JOBS_LOOKED_AT: Final = 500
MOST_FIELDS: Final = 20
STATES: Final[Mapping[Outcome, str]] = {
    Outcome.MATCH: "found",
    Outcome.SAME_FILE: "found",
    Outcome.POSSIBLE: "unsure",
    Outcome.SHARED_MATERIAL: "unsure",
    Outcome.NAMED: "unsure",
    Outcome.NO_MATCH: "nothing",
}
Served = Annotated[Service, Depends(service_of)]

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeView:
    """A notice as the page shows it.

    Attributes
    ----------
    state : str
        ``found``, ``unsure`` or ``nothing``; empty where not all was compared.
    change : tuple of str
        What changed since the version before, if that is known.
    """

    id: int
    date: str
    state: str
    headline: str
    change: tuple[str, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PastAnswer:
    """A check or registration of the work's file."""

    job: str
    kind: str
    date: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkView:
    """A work as the page shows it."""

    id: int
    name: str
    file: str
    texts: Mapping[str, str]
    watched_since: str | None
    notices: tuple[NoticeView, ...]
    answers: tuple[PastAnswer, ...]


@router.get("/mine")
def get_mine(
    request: Request, service: Served, cursor: Annotated[int, Query(ge=0, le=LARGEST)] = 0
) -> HTMLResponse:
    """Show the registered works, a page at a time."""
    found = works_page(service.writer, after=cursor, limit=WORKS_SHOWN + 1)
    rows, t = found[:WORKS_SHOWN], messages_of(request)
    watched = watches_of(service.writer, [row.id for row in rows])
    jobs = service.jobs.recent(limit=JOBS_LOOKED_AT, states=(JobState.DONE,), kinds=("check", "work"))
    works = [_view(row, watched.get(row.id), service, jobs, t) for row in rows]
    more = rows[-1].id if len(found) > WORKS_SHOWN else None
    return render_page(request, "mine.html", works=works, texts=TEXTS, next=more, is_first=not cursor)


@router.post("/mine/{work_id}/watch")
async def post_watch(work_id: WorkId, request: Request, service: Served) -> Response:
    """Begin to watch a work, or end it, and redirect to it."""
    wanted = (await _fields(request)).get("watch") == "on"
    await run_in_threadpool(_set_watch, service, work_id, wanted)
    return _to_work(work_id)


@router.post("/mine/{work_id}")
async def post_correction(work_id: WorkId, request: Request, service: Served) -> Response:
    """Correct the texts of a work, and redirect to it; an empty text is removed."""
    fields = await _fields(request)
    await run_in_threadpool(_correct, service, work_id, fields)
    return _to_work(work_id)


@router.post("/mine/{work_id}/delete")
async def post_delete(work_id: WorkId, request: Request, service: Served) -> Response:
    """Delete a work with its watch and notices, where that was confirmed, and redirect to the page."""
    if (await _fields(request)).get("confirm") != "yes":
        return _to_work(work_id)
    await run_in_threadpool(remove_work, service.writer, work_id)
    return RedirectResponse("/mine", status_code=303)


def _to_work(work: int) -> Response:
    return RedirectResponse(f"/mine?cursor={work - 1}#work-{work}", status_code=303)


def _set_watch(service: Service, work: int, wanted: bool) -> None:
    one_work(service.writer, work)
    if wanted:
        begin_watch(service.writer, service.settings, [work])
    else:
        end_watch(service.writer, [work])


def _correct(service: Service, number: int, fields: Mapping[str, str]) -> None:
    """Correct what was changed: a stored text that is no valid ISRC stays as long as nobody changes it."""
    work = one_work(service.writer, number)
    given = {name: fields[name].strip() for name in TEXTS if name in fields}
    changed = {name: text or None for name, text in given.items() if text != (getattr(work, name) or "")}
    try:
        change = WorkChangeIn.model_validate(changed)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False, include_context=False)) from error
    if changed:
        correct_work(service.writer, number, change.changes())


async def _fields(request: Request) -> dict[str, str]:
    """Return the fields of a small form without files."""
    body = bytearray()
    async for part in paced(request, limit_bytes=MAX_BYTES):
        body += part
        if len(body) > MAX_BYTES:
            raise UploadTooLarge(limit_bytes=MAX_BYTES)
    try:
        pairs = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict"
        )
    except ValueError as error:
        detail = {"type": "value_error", "loc": ("body",), "msg": "is no form", "input": None}
        raise RequestValidationError([detail]) from error
    return dict(pairs)


def _view(row: ItemRow, watch: Watch | None, service: Service, jobs: Iterable[Job], t: Messages) -> WorkView:
    notices = notices_of(service).page(limit=NOTICES_SHOWN, item=row.id)
    return WorkView(
        id=row.id,
        name=" – ".join(filter(None, (row.artist, row.title or row.path))),
        file=row.path,
        texts={name: getattr(row, name) or "" for name in TEXTS},
        watched_since=None if watch is None else _date(watch.since, t),
        notices=tuple(_notice_view(each, t) for each in notices),
        answers=tuple(
            PastAnswer(job=job.id, kind=job.kind, date=t.date(datetime.fromtimestamp(job.created_at, UTC)))
            for job in jobs
            if row.sha256 is not None and job.payload.get("sha256") == row.sha256
        ),
    )


def _notice_view(notice: Notice, t: Messages) -> NoticeView:
    return NoticeView(
        id=notice.id,
        date=_date(notice.created_at, t),
        state=STATES.get(Outcome(notice.outcome), ""),
        headline=notice_headline(notice.contents, t),
        change=tuple(change_sentences(notice.contents, t)),
        sentences=tuple(found_sentences(notice.contents, t)),
    )


def _date(text: str, t: Messages) -> str:
    return t.date(datetime.fromisoformat(text))
