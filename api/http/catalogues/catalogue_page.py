"""The page that answers a list of works by name; nothing of the list or the answer is kept."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Final

from anyio import to_thread
from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from earwitness.api.answers.card_index import known_cards
from earwitness.api.answers.catalogue_answer import catalogue_answer
from earwitness.api.answers.list_troubles import list_troubles
from earwitness.api.answers.messages import Messages
from earwitness.api.http.catalogues.ask_catalogue import asked_list
from earwitness.api.http.catalogues.receive_pasted import PastedList, pasted_list
from earwitness.api.http.page_templates import messages_of, render_page
from earwitness.api.http.service import Service, service_of

TROUBLES_SHOWN: Final = 20
"""Rows of one kind of trouble that the page lists."""

router = APIRouter(include_in_schema=False)


@router.get("/catalogue")
def get_catalogue() -> RedirectResponse:
    """Redirect a reader who reloads an answer to the form: answers are not kept."""
    return RedirectResponse("/#names", status_code=303)


@router.post("/catalogue")
async def post_catalogue(request: Request, service: Annotated[Service, Depends(service_of)]) -> HTMLResponse:
    """Answer a pasted list, or a file of works, by name."""
    async with pasted_list(request, service) as pasted:
        answer = partial(_answered, request, service, pasted)
        return await to_thread.run_sync(answer, limiter=service.slots.list_threads)


def _answered(request: Request, service: Service, pasted: PastedList) -> HTMLResponse:
    asked, t = asked_list(pasted.received, service.settings), messages_of(request)
    lists = [each.dataset for each in asked.lists]
    cards = known_cards(service.settings)
    not_understood = () if pasted.lines is None else pasted.lines.not_understood
    row_at = partial(_row_at, pasted, t)
    return render_page(
        request,
        "catalogue.html",
        answer=catalogue_answer(asked.answers, lists, cards, t, asked_at=datetime.now(UTC)),
        troubles=list_troubles(asked.names, not_understood, row_at, t, most=TROUBLES_SHOWN),
        is_table=pasted.lines is None,
    )


def _row_at(pasted: PastedList, t: Messages, place: str) -> str:
    """Return the words for a place (``FILE#ROW``, counted from 0 below the header) in what was sent."""
    row = place.rpartition("#")[2]
    number = int(row) if row.isascii() and row.isdecimal() else 0
    if pasted.lines is not None:
        return t("list.line", number=pasted.lines.numbers[min(number, len(pasted.lines.numbers) - 1)])
    has_header = pasted.received.reader in {"csv", "tsv"}
    return t("list.row", number=number + (2 if has_header else 1))
