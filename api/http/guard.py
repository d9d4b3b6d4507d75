"""What every request passes first: is it for this host, from our own page, and by somebody we know.

A server that is open on loopback is still reached by every page in the user's browser: another site's form
may post to it, and a name that resolves to 127.0.0.1 may read it. So Host and Origin are checked in any case.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.errors import CrossSite, RequestError, UnknownHost
from api.http.keys import KeyRing
from api.http.problems import problem

LOOPBACK_NAMES: Final = frozenset({"127.0.0.1", "localhost", "::1"})
OPEN_PATHS: Final = frozenset({"/livez", "/readyz"})
"""Health probes carry no key and name whatever host their balancer pleases; they give nothing away."""
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """ASGI middleware: refuses before the body is read, carries the tenant, sets headers on every answer."""

    def __init__(self, app: ASGIApp, *, keys: KeyRing, hosts: Collection[str]) -> None:
        self._app, self._keys, self._hosts = app, keys, frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        request = Request(scope)
        try:
            self._admit(request)
        except RequestError as error:
            await problem(error, request)(scope, receive, send_guarded)
        else:
            await self._app(scope, receive, send_guarded)

    def _admit(self, request: Request) -> None:
        if request.url.path in OPEN_PATHS:
            return
        demand_own_host(request, hosts=self._hosts)
        if request.method not in SAFE_METHODS:
            demand_own_page(request)
        request.state.tenant = self._keys.tenant(request.headers.get("authorization"))


def demand_own_host(request: Request, *, hosts: Collection[str]) -> None:
    """Raise UnknownHost unless the Host header is one of `hosts`; ``*`` among them admits all."""
    host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    if host not in hosts and "*" not in hosts:
        raise UnknownHost(host=host)


def demand_own_page(request: Request) -> None:
    """Raise CrossSite when a browser says that another origin sends this; curl says nothing like it."""
    origin = request.headers.get("origin")
    if request.headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
        raise CrossSite(origin=origin or "another site")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise CrossSite(origin=origin)
