"""The routes of lists of works without audio. They are answered at once: a list is read in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Final

from anyio import to_thread
from fastapi import APIRouter, Depends, Request

from earwitness.api.datasets.name_lists.name_source import NameSource
from earwitness.api.http.catalogues.ask_catalogue import asked_list, opened_list
from earwitness.api.http.catalogues.catalogue_schemas import (
    CATALOGUE_EXAMPLE,
    CatalogueIn,
    CatalogueOut,
)
from earwitness.api.http.catalogues.receive_catalogue import ReceivedList, received_list
from earwitness.api.http.openapi_problems import UPLOADS, problems
from earwitness.api.http.service import Service, service_of
from earwitness.api.shelf.catalogue import NamedWork, answered, store_works
from earwitness.api.shelf.catalogue_json import answers_json
from earwitness.api.shelf.dataset_cards import NOT_PROVEN
from earwitness.api.shelf.names_evidence import names_sentences
from earwitness.api.shelf.stored_names import open_names
from earwitness.index.names.name_list import NameList

Served = Annotated[Service, Depends(service_of)]
_WORDS: Final[dict[str, Any]] = {
    "_413": "The list has more bytes or works than this server takes at once.",
    "_415": "The body is neither a multipart form nor JSON.",
    "_422": "A field is wrong, the file is empty, or it is no list of works.",
}
_FILE: Final = (
    "CSV with a header row: artist, title, and any of album, isrc, link, youtube_id, spotify_id, mbid."
)

router = APIRouter(prefix="/v1", tags=["catalogue"])


_FORM: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"file": {"type": "string", "format": "binary", "description": _FILE}},
    "required": ["file"],
    "additionalProperties": False,
}
_ROWS: Final = {"$ref": f"#/components/schemas/{CatalogueIn.__name__}"}


def _body(media_type: str, **content: Any) -> dict[str, Any]:
    """Describe the body for OpenAPI; the routes read the stream themselves, so FastAPI does not know it.

    Each address takes both kinds of bodies. It is described with one of them: generated clients have one type
    of body for an operation.
    """
    return {"requestBody": {"required": True, "content": {media_type: content}}}


_AS_JSON: Final = _body("application/json", schema=_ROWS, example=CATALOGUE_EXAMPLE)
_AS_FILE: Final = _body("multipart/form-data", schema=_FORM)
_STORED: Final = problems(*UPLOADS, **_WORDS, _409="As many works are stored by name as one tenant may have.")
_CHECKED: Final = problems(*UPLOADS, **_WORDS, _409="No list of names is stored.")


@router.post(
    "/catalogue/file",
    operation_id="createCatalogueFromFile",
    summary="Register works of a table by name",
    responses=_STORED,
    openapi_extra=_AS_FILE,
)
@router.post(
    "/catalogue",
    operation_id="createCatalogue",
    summary="Register works by name",
    responses=_STORED,
    openapi_extra=_AS_JSON,
)
async def post_catalogue(request: Request, service: Served) -> CatalogueOut:
    """Store works without audio, and say which datasets name them.

    A list of which most of the first works have neither an identifier nor both artist and title is refused
    (422, `not_a_catalogue`). Sending a list again changes nothing. A work with an identifier, or else with
    the artist and title, of a stored one takes its place.
    """
    async with received_list(request, service) as received:
        return await _in_thread(service, partial(_register, received, service))


@router.post(
    "/catalogue/checks/file",
    operation_id="createCatalogueCheckFromFile",
    summary="Check works of a table by name",
    responses=_CHECKED,
    openapi_extra=_AS_FILE,
)
@router.post(
    "/catalogue/checks",
    operation_id="createCatalogueCheck",
    summary="Check works by name",
    responses=_CHECKED,
    openapi_extra=_AS_JSON,
)
async def post_catalogue_check(request: Request, service: Served) -> CatalogueOut:
    """Say which datasets name these works; nothing is stored.

    A list of which most of the first works have neither an identifier nor both artist and title is refused
    (422, `not_a_catalogue`).
    """
    async with received_list(request, service) as received:
        return await _in_thread(service, partial(_check, received, service))


async def _in_thread(service: Service, work: partial[CatalogueOut]) -> CatalogueOut:
    return await to_thread.run_sync(work, limiter=service.slots.list_threads)


def _register(received: ReceivedList, service: Service) -> CatalogueOut:
    settings = service.settings
    with opened_list(received, settings) as (names, works):
        with service.names_lock:
            n_new = store_works(works, received.shown_as, settings)
        lists = open_names(settings)
        return _answer(list(answered(works, lists)), lists, names, n_new=n_new)


def _check(received: ReceivedList, service: Service) -> CatalogueOut:
    asked = asked_list(received, service.settings)
    return _answer(asked.answers, asked.lists, asked.names, n_new=None)


def _answer(
    answers: Sequence[NamedWork], lists: Sequence[NameList], names: NameSource, *, n_new: int | None
) -> CatalogueOut:
    fields = answers_json(answers, lists, names)
    works = [
        {**each, "sentence": " ".join(names_sentences(one.names)) or None}
        for each, one in zip(fields["works"], answers, strict=True)
    ]
    return CatalogueOut.model_validate({**fields, "works": works, "new": n_new, "not_proven": NOT_PROVEN})
