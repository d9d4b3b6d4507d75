"""Turns every error into an RFC 9457 problem: those of earwitness, of FastAPI and unforeseen ones."""

from __future__ import annotations

import errno
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from earwitness.api.answers.reader_errors import reader_error
from earwitness.api.http.acoustid.lookup_errors import LOOKUP_PATHS, BadLookup, acoustid_error
from earwitness.api.http.http_errors import (
    INTERNAL,
    ClientTooBusy,
    KeyExpired,
    NotAForm,
    NotAList,
    NotAllowed,
    NoWorkers,
    QueueFull,
    RequestError,
    UploadsBusy,
    http_hint,
)
from earwitness.api.http.openapi_problems import PROBLEM_TYPE
from earwitness.api.http.page_templates import messages_of, render_page
from earwitness.fingerprint.errors import AudioError, EarwitnessError
from earwitness.index.database.records import Failure
from earwitness.index.store.store_errors import DiskFull

STATUS_BY_CODE: Final[Mapping[str, int]] = {
    "scheme_mismatch": 409,
    "home_busy": 503,
    "disk_full": 507,
    "disk_failed": 503,
    "too_many_open_files": 503,
    "store_unwritable": 503,
    "no_such_collection": 404,
    "no_such_work": 404,
    "dataset_busy": 409,
    "nothing_indexed": 409,
    "nothing_registered": 409,
    "no_names_here": 409,
    "not_a_catalogue": 422,
    "catalogue_too_long": 409,
    "key_reused": 422,
    "no_evidence": 404,
    "no_such_notice": 404,
    "no_webhook": 404,
    "bad_webhook": 422,
    "name_reserved": 422,
    "home_missing": 409,
    "catalog_unreachable": 503,
    "chromaprint_missing": 503,
}
"""HTTP status by the code of an error; errors that are not listed are defects of the server: 500."""

DISK_FULL_ERRNOS: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Error numbers of a full disk, a used quota and a reached file size limit."""

BODY_NOT_READ: Final = (ClientTooBusy, UploadsBusy, NoWorkers, QueueFull, NotAForm, NotAList)
"""Errors that refuse an upload before its body is read; the connection is closed afterwards."""
BAD_REQUEST: Final = "bad_request"
"""Code of a request with a wrong field; its page names the field."""
API_PATHS: Final = ("/v1/", "/livez", "/readyz", "/metrics")
"""Paths whose errors are always JSON, never a page."""

_log = structlog.get_logger("earwitness.http")


def status_of(error: EarwitnessError) -> int:
    """Return the HTTP status of an error."""
    if isinstance(error, RequestError):
        return error.status
    if isinstance(error, AudioError):
        return 422
    return STATUS_BY_CODE.get(error.code, 500)


def problem(error: EarwitnessError, request: Request) -> Response:
    """Return the response for an error of earwitness."""
    closes = isinstance(error, BODY_NOT_READ) or status_of(error) in {408, 413}
    headers = {"Connection": "close"} if closes else {}
    if isinstance(error, NotAllowed | KeyExpired):
        headers["WWW-Authenticate"] = 'Basic realm="earwitness", charset="UTF-8"'
    if isinstance(error, QueueFull | NoWorkers):
        headers["Retry-After"] = "60"
    if isinstance(error, UploadsBusy | ClientTooBusy):
        headers["Retry-After"] = "5"
    return _answer(
        request,
        status_of(error),
        code=error.code,
        detail=error.message,
        hint=http_hint(error),
        headers=headers,
        number=error.number if isinstance(error, BadLookup) else None,
    )


def install(app: FastAPI) -> None:
    """Register the handlers that turn every error into a problem."""
    handlers: dict[type[Exception], Callable[[Request, Any], Awaitable[Response]]] = {
        EarwitnessError: _known,
        HTTPException: _starlette,
        RequestValidationError: _validation,
        ClientDisconnect: _disconnected,
        OSError: _system,
        Exception: _unforeseen,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


def _answer(
    request: Request,
    status: int,
    *,
    code: str,
    detail: str,
    hint: str,
    headers: Mapping[str, str] | None = None,
    number: int | None = None,
) -> Response:
    """Return an error as a problem, as a page to a browser, or as AcoustID states it (`number`)."""
    path = request.scope["path"]
    if path.startswith(LOOKUP_PATHS):
        return JSONResponse(acoustid_error(status, detail, number), status, headers=headers)
    if "text/html" in request.headers.get("accept", "") and not path.startswith(API_PATHS):
        return _page(request, status, Failure(code=code, message=detail, hint=hint), headers)
    body = {
        "type": f"urn:earwitness:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": path,
        "code": code,
        "hint": hint,
    }
    return JSONResponse(body, status, headers=headers, media_type=PROBLEM_TYPE)


def _page(request: Request, status: int, failure: Failure, headers: Mapping[str, str] | None) -> Response:
    """Say what is wrong in the reader's language; details for technicians only where they add something."""
    t = messages_of(request)
    has_own_words = t.has(f"error.{failure.code}.what") and failure.code != BAD_REQUEST
    return render_page(
        request,
        "problem.html",
        status=status,
        headers=headers,
        error=reader_error(failure, t),
        with_details=not has_own_words,
    )


async def _known(request: Request, error: EarwitnessError) -> Response:
    return problem(error, request)


async def _starlette(request: Request, error: HTTPException) -> Response:
    hint = "GET /openapi.json lists the addresses of this server"
    return _answer(
        request,
        error.status_code,
        code="http",
        detail=str(error.detail),
        hint=hint,
        headers=error.headers,
    )


async def _validation(request: Request, error: RequestValidationError) -> Response:
    errors = [f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors()]
    hint = "GET /openapi.json describes the fields"
    return _answer(request, 422, code=BAD_REQUEST, detail="; ".join(errors), hint=hint)


async def _disconnected(_: Request, __: ClientDisconnect) -> Response:
    return Response(status_code=400)  # nobody reads this response; the partial upload is already removed


async def _system(request: Request, error: OSError) -> Response:
    """Report a full disk as `disk_full`, and any other error of the system as a defect."""
    if error.errno not in DISK_FULL_ERRNOS:
        return await _unforeseen(request, error)
    _log.error("disk full", path=request.scope["path"], why=error.strerror)
    full = DiskFull(path="the upload")
    return _answer(request, 507, code=full.code, detail=full.message, hint=http_hint(full))


async def _unforeseen(request: Request, error: Exception) -> Response:
    _log.error("unforeseen", path=request.scope["path"], exc_info=error)
    return _answer(request, 500, code=INTERNAL.code, detail=INTERNAL.message, hint=INTERNAL.hint)
