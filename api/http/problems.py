"""Every error as an RFC 9457 problem: one place that maps ours, FastAPI's and the unforeseen to a status."""

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

from earwitness.api.http.http_errors import (
    ClientTooBusy,
    NotAForm,
    NotAllowed,
    NoWorkers,
    QueueFull,
    RequestError,
    UploadsBusy,
)
from earwitness.api.http.jobs.lane import INTERNAL
from earwitness.api.http.openapi_problems import PROBLEM_TYPE
from earwitness.api.http.pages import problem_page
from earwitness.fingerprint.errors import AudioError, EarwitnessError
from earwitness.index.store.store_errors import DiskFull

STATUS_BY_CODE: Final[Mapping[str, int]] = {
    "scheme_mismatch": 409,
    "home_busy": 503,
    "disk_full": 507,
    "disk_failed": 503,
    "store_unwritable": 503,
    "no_such_collection": 404,
    "nothing_indexed": 409,
    "nothing_registered": 409,
    "key_reused": 422,
    "name_reserved": 422,
    "home_missing": 409,
    "catalog_unreachable": 503,
}
"""Errors of the rooms below that a client may want to tell apart; the rest are ours to repair: 500."""

NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the system says where a disk, a quota or a file's size limit is full."""

UNREAD: Final = (ClientTooBusy, UploadsBusy, NoWorkers, QueueFull, NotAForm)
"""Refusals of an upload whose body is not read: the connection is of no more use."""
API_PATHS: Final = ("/v1/", "/livez", "/readyz", "/metrics")
"""What answers programs alone, and always as it is described."""

_log = structlog.get_logger("earwitness.http")


def status_of(error: EarwitnessError) -> int:
    """Say with which HTTP status `error` is answered."""
    if isinstance(error, RequestError):
        return error.status
    if isinstance(error, AudioError):
        return 422
    return STATUS_BY_CODE.get(error.code, 500)


def problem(error: EarwitnessError, request: Request) -> Response:
    """Turn one of our errors into a problem answer."""
    headers = {"Connection": "close"} if isinstance(error, UNREAD) or status_of(error) in {408, 413} else {}
    if isinstance(error, NotAllowed):
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
        hint=error.hint,
        headers=headers,
    )


def install(app: FastAPI) -> None:
    """Make `app` answer every error as a problem."""
    handlers: dict[type[Exception], Callable[[Request, Any], Awaitable[Response]]] = {
        EarwitnessError: _ours,
        HTTPException: _starlette,
        RequestValidationError: _validation,
        ClientDisconnect: _gone,
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
) -> Response:
    path = request.scope["path"]
    if "text/html" in request.headers.get("accept", "") and not path.startswith(API_PATHS):
        return problem_page(status, detail=detail, hint=hint, headers=headers)
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


async def _ours(request: Request, error: EarwitnessError) -> Response:
    return problem(error, request)


async def _starlette(request: Request, error: HTTPException) -> Response:
    hint = "GET /openapi.json lists what this server understands"
    return _answer(
        request,
        error.status_code,
        code="http",
        detail=str(error.detail),
        hint=hint,
        headers=error.headers,
    )


async def _validation(request: Request, error: RequestValidationError) -> Response:
    wrong = [f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors()]
    hint = "GET /openapi.json says what is wanted"
    return _answer(request, 422, code="bad_request", detail="; ".join(wrong), hint=hint)


async def _gone(_: Request, __: ClientDisconnect) -> Response:
    return Response(status_code=400)  # nobody reads this; the half upload is already removed


async def _system(request: Request, error: OSError) -> Response:
    """Say that the disk is full as what it is, not as a defect."""
    if error.errno not in NO_ROOM:
        return await _unforeseen(request, error)
    _log.error("no room left", path=request.scope["path"], why=error.strerror)
    full = DiskFull(path="what was sent")
    hint = "try again later, or free disk space on the server"
    return _answer(request, 507, code=full.code, detail=full.message, hint=hint)


async def _unforeseen(request: Request, error: Exception) -> Response:
    _log.error("unforeseen", path=request.scope["path"], exc_info=error)
    said = INTERNAL
    return _answer(request, 500, code=said.code, detail=said.message, hint=said.hint)
