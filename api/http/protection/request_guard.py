"""Checks every request first: its Host, its Origin and its API key.

Every page in the user's browser can reach a server on loopback: another site's form may post to it, and a
page whose name resolves to 127.0.0.1 may read from it. So Host and Origin are always checked.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from earwitness.api.http.http_errors import BadHost, BadTarget, CrossSite, RequestError
from earwitness.api.http.problems import problem
from earwitness.api.http.protection.api_keys import KeyRing, client_of
from earwitness.api.http.protection.hosts import OwnNames, parse
from earwitness.api.http.protection.scopes import Needed, needed_for

OPEN_PATHS: Final = frozenset({"/livez", "/readyz"})
"""Health probes: they have no key and any Host, and their answers hold nothing private."""
KEY_IN_FORM: Final = frozenset({"/v2/lookup"})
"""Paths whose routes find the key in the form, where no header has it."""
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; media-src blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Usage": "train-ai=n",
    "tdm-reservation": "1",
}


class Guard:
    """ASGI middleware: refuses a request before its body is read, and sets headers on every response."""

    def __init__(self, app: ASGIApp, *, keys: KeyRing, names: OwnNames) -> None:
        self._app, self._keys, self._names = app, keys, names

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
            as_path(scope)
            self._admit(request)
        except RequestError as error:
            await problem(error, request)(scope, receive, send_guarded)
        else:
            await self._app(scope, receive, send_guarded)

    def _admit(self, request: Request) -> None:
        if request.scope["path"] in OPEN_PATHS:
            return
        self._names.demand(host_of(request), reached_at=(request.scope.get("server") or (None,))[0])
        if request.method not in SAFE_METHODS:
            demand_own_page(request)
        authorization, path = request.headers.get("authorization"), request.scope["path"]
        request.state.keys, request.state.authorization = self._keys, authorization
        if authorization is not None or path not in KEY_IN_FORM:
            demand_scopes(request, needed_for(request.method, path))
        address = (request.scope.get("client") or ("",))[0]
        request.state.client = client_of(authorization if self._keys else None, address)


def demand_scopes(request: Request, needed: Needed, *, key: str | None = None) -> None:
    """Demand scopes of the key of a request, or of a key in its form; the request acts for its tenant.

    Raises
    ------
    NotAllowed, KeyExpired, ScopeMissing
    """
    keys: KeyRing = request.state.keys
    request.state.tenant = keys.admit(request.state.authorization or f"Bearer {key or ''}", needed)


def host_of(request: Request) -> str:
    """Return the host of a request; raises BadHost where it is missing, malformed or repeated."""
    hosts = request.headers.getlist("host")
    if len(hosts) != 1:
        raise BadHost
    return parse(hosts[0].strip())


def as_path(scope: Scope) -> None:
    """Split the URL of a request line into a path and a Host header, as HTTP requires.

    Raises
    ------
    BadTarget
        For anything that is neither a URL nor a path.
    """
    target: str = scope["path"]
    if target.startswith("/"):
        return
    scheme, separator, rest = target.partition("://")
    authority, slash, path = rest.partition("/")
    if scheme.lower() not in {"http", "https"} or not separator:
        raise BadTarget
    scope["path"] = slash + path or "/"
    scope["raw_path"] = scope["path"].encode("utf-8", "surrogateescape")
    others = [(name, value) for name, value in scope["headers"] if name != b"host"]
    scope["headers"] = [(b"host", authority.encode("utf-8", "surrogateescape")), *others]


def demand_own_page(request: Request) -> None:
    """Raise CrossSite when the headers name another origin; only browsers send such headers."""
    origin = request.headers.get("origin")
    if request.headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
        raise CrossSite(origin=origin or "another site")
    if origin is not None and netloc(origin) != request.headers.get("host", "").lower():
        raise CrossSite(origin=origin)


def netloc(origin: str) -> str | None:
    """Return host and port of an origin; None of what is no origin."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None
