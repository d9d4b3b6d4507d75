"""Gives each request an id, and logs how it was answered."""

from __future__ import annotations

import re
import time
import uuid
from typing import Any, Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from earwitness.api.printable import shown

REQUEST_ID: Final = "X-Request-Id"
_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
FREQUENT: Final = ("/livez", "/readyz", "/metrics", "/static/")
"""Beginnings of paths whose requests are logged only at the level `debug`."""
LONGEST_PATH: Final = 300

_log = structlog.get_logger("earwitness.request")


class RequestLog:
    """ASGI middleware: one line a request, without its query, which may hold a key."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, and log it when its answer is sent, or when it fails."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id, began = request_id_of(scope), time.perf_counter()
        answered: dict[str, Any] = {"status": None, "bytes": 0}

        async def send_counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered["status"] = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            elif message["type"] == "http.response.body":
                answered["bytes"] += len(message.get("body", b""))
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, send_counted)
            except Exception:
                answered["status"] = answered["status"] or 500  # it is answered outside
                raise
            finally:
                log_request(scope, answered, seconds=time.perf_counter() - began)


def request_id_of(scope: Scope) -> str:
    """Return the id that the client or a proxy gave the request, if it is harmless; else a new one."""
    given = Headers(scope=scope).get(REQUEST_ID, "")
    return given if _ID.fullmatch(given) else uuid.uuid4().hex


def log_request(scope: Scope, answered: dict[str, Any], *, seconds: float) -> None:
    """Log one request; `status` is None where the client had gone before there was an answer."""
    path = scope["path"]
    log = _log.debug if path.startswith(FREQUENT) else _log.info
    address = (scope.get("client") or ("",))[0]
    log(
        "request",
        method=scope["method"],
        path=shown(path[:LONGEST_PATH]),
        client=scope.get("state", {}).get("client", f"address {address}"),
        ms=round(1_000 * seconds),
        **answered,
    )
