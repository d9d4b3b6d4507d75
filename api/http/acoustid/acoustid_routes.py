"""AcoustID's address for lookups: a client needs only another base address."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from anyio import to_thread
from fastapi import APIRouter, Request

from earwitness.api.http.acoustid.acoustid_schemas import (
    LOOKUP_EXAMPLE,
    AcoustidErrorOut,
    LookupIn,
    LookupOut,
)
from earwitness.api.http.acoustid.lookup_answer import answer
from earwitness.api.http.acoustid.lookup_request import fields_of, lookup_of
from earwitness.api.http.protection.request_guard import demand_scopes
from earwitness.api.http.protection.scopes import needed_for
from earwitness.api.http.service import service_of

_WORDS: Final = {
    400: "A parameter is missing or wrong, or the request cannot be read.",
    401: "An API key is needed, as `client` or in the Authorization header.",
    403: "The key may not ask, or a page of another site sent the form.",
    408: "The form stalled.",
    413: "The form has more bytes than any lookup.",
    421: "The Host header names another machine than this server answers for.",
    500: "Something went wrong on the server; it has been logged.",
    503: "The store cannot be reached.",
}
RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"application/json": {"example": LOOKUP_EXAMPLE}}},
    **{status: {"model": AcoustidErrorOut, "description": words} for status, words in _WORDS.items()},
}
_FIELDS: Final = LookupIn.model_json_schema()
_FORM: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {"application/x-www-form-urlencoded": {"schema": _FIELDS}},
    }
}
_QUERY: Final[dict[str, Any]] = {
    "parameters": [
        {"name": name, "in": "query", "required": name in _FIELDS["required"], "schema": field}
        | {"description": field["description"]}
        for name, field in _FIELDS["properties"].items()
    ]
}

router = APIRouter(prefix="/v2", tags=["acoustid"])


@router.get(
    "/lookup",
    operation_id="lookup",
    summary="Look a fingerprint up",
    responses=RESPONSES,
    response_model_exclude_none=True,
    openapi_extra=_QUERY,
)
async def get_lookup(request: Request) -> LookupOut:
    """Find works and items of datasets by the Chromaprint of a whole file, in AcoustID's form.

    `score` is 1 for the same fingerprint and 0 for one that differs as unrelated audio does; the lowest that
    is answered is 0.5. Every recording that is at most 7 s longer or shorter is compared. Excerpts and copies
    at another speed are not found this way: a check finds those.
    """
    return await _looked_up(request)


@router.post(
    "/lookup",
    operation_id="postLookup",
    summary="Look a fingerprint up",
    responses=RESPONSES,
    response_model_exclude_none=True,
    openapi_extra=_FORM,
)
async def post_lookup(request: Request) -> LookupOut:
    """Do the same with the parameters in a form, which may be compressed by gzip."""
    return await _looked_up(request)


async def _looked_up(request: Request) -> LookupOut:
    fields = await fields_of(request)
    demand_scopes(request, needed_for(request.method, request.url.path), key=fields.get("client"))
    lookup, service = lookup_of(fields), service_of(request)  # known by now: the key may be in the form
    found = await to_thread.run_sync(
        partial(answer, service.writer, lookup), limiter=service.slots.list_threads
    )
    return LookupOut.model_validate(found)
