"""Scopes of API keys, and which of them each address needs."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Scope(StrEnum):
    """What a key may be used for."""

    ASK = "ask"
    """Check recordings and lists, look fingerprints up, and list datasets."""
    REGISTER = "register"
    """Register, list, correct, watch and delete works, and read the notices about them."""
    INDEX = "index"
    """Index and scan archives, and delete datasets."""
    ADMIN = "admin"
    """Everything, and metrics."""


Needed = frozenset[Scope]
ALL: Final[Needed] = frozenset(Scope)
ANY_KEY: Final[Needed] = frozenset()
"""Every key will do."""
_ASK: Final[Needed] = frozenset({Scope.ASK})
_REGISTER: Final[Needed] = frozenset({Scope.REGISTER})
_INDEX: Final[Needed] = frozenset({Scope.INDEX})
_ADMIN: Final[Needed] = frozenset({Scope.ADMIN})
_READS: Final = ("GET", "HEAD", "OPTIONS")

KINDS: Final[Mapping[str, Needed]] = {
    "check": _ASK,
    "album": _ASK,
    "work": _REGISTER,
    "index": _INDEX,
    "scan": _INDEX,
}
"""Scopes that the jobs of each kind need."""

RULES: Final[tuple[tuple[tuple[str, ...], str, Needed], ...]] = (
    (("POST",), "/v1/checks", _ASK),
    (("GET", "POST", "PUT", "PATCH", "DELETE"), "/v1/works", _REGISTER),
    (("GET",), "/v1/notices", _REGISTER),
    (("GET",), "/v1/notices.atom", _REGISTER),
    (("GET", "PUT", "DELETE"), "/v1/webhook", _REGISTER),
    (("POST",), "/v1/catalogue/checks", _ASK),
    (("POST",), "/v1/catalogue", _REGISTER),
    (("GET",), "/v1/collections", _ASK),
    (("POST",), "/v1/collections", _INDEX),
    (("POST",), "/v1/scans", _INDEX),
    (("GET",), "/v1/datasets", _ASK),
    (("DELETE",), "/v1/datasets", _INDEX),
    (("GET", "POST"), "/v1/jobs", ANY_KEY),
    (("GET", "POST"), "/v1/batches", _ASK),
    (("GET", "POST"), "/v2/lookup", _ASK),
    (("GET",), "/metrics", _ADMIN),
    (("GET",), "/openapi.json", ANY_KEY),
    (("GET",), "/", _ASK),
    (("POST",), "/check", _ASK),
    (("GET", "POST"), "/catalogue", _ASK),
    (("POST",), "/register", _REGISTER),
    (("GET", "POST"), "/mine", _REGISTER),
    (("GET", "POST"), "/albums", _ASK),
    (("GET", "POST"), "/jobs", ANY_KEY),
    (("GET",), "/robots.txt", ANY_KEY),
    (("GET",), "/static", ANY_KEY),
    (("GET",), "/livez", ANY_KEY),
    (("GET",), "/readyz", ANY_KEY),
)
"""Methods, beginning of the path, and scopes; the first that fits counts. Every route has a rule; at another
address a request that reads needs `ask`, and any other `admin`. What a job needs to be cancelled or retried
depends on its kind (`KINDS`): its routes demand that."""


def rule_of(method: str, path: str) -> Needed | None:
    """Return the scopes of the rule for a request; None where there is none."""
    method = "GET" if method in _READS else method
    for methods, start, needed in RULES:
        if method in methods and (path == start or path.startswith(f"{start}/")):
            return needed
    return None


def needed_for(method: str, path: str) -> Needed:
    """Return the scopes that a request needs."""
    rule = rule_of(method, path)
    if rule is not None:
        return rule
    return _ASK if method in _READS else _ADMIN
