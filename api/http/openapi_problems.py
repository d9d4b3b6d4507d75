"""OpenAPI descriptions of problems: every error status that a route may return, with its media type."""

from __future__ import annotations

from typing import Any, Final

PROBLEM_TYPE: Final = "application/problem+json"
Responses = dict[int | str, dict[str, Any]]

WORDS: Final[dict[int, str]] = {
    400: "The request cannot be read: its form, its Host header, or its target.",
    401: "An API key is needed.",
    403: "The key may not be used for this, or a page of another site may not write here.",
    404: "There is no such job or collection.",
    408: "The upload stalled, or came too slowly.",
    409: "This cannot be done now: no dataset, no work, or a job that has ended.",
    413: "The upload is larger than this server takes.",
    415: "The body is no multipart form.",
    421: "The Host header names another machine than this server answers for.",
    422: "A field is wrong, the file is empty, or the Idempotency-Key was used for another request.",
    429: "This client sends too many uploads at once.",
    500: "Something went wrong on the server; it has been logged.",
    503: "Too many jobs wait, no such job can be done at present, or the store cannot be reached.",
    507: "The server's disk is nearly full.",
}
ANY: Final = (400, 401, 403, 421, 500, 503)
"""Statuses that every route under /v1, and /metrics, may return."""
WRITES: Final = (*ANY, 507)
UPLOADS: Final = (*WRITES, 408, 409, 413, 415, 422, 429)


def problems(*statuses: int, ok: dict[str, Any] | None = None, **words: str) -> Responses:
    """Describe problems.

    Parameters
    ----------
    ok
        The description of 200.
    words
        Another description than that of `WORDS` for a status, as ``_404="..."``.
    """
    content = {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}}
    good: Responses = {} if ok is None else {200: ok}
    return good | {
        status: {"description": words.get(f"_{status}", WORDS[status]), "content": content}
        for status in sorted(statuses)
    }
