"""Errors of a lookup, and AcoustID's numbers for them and for all other errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from earwitness.api.http.http_errors import RequestError

LOOKUP_PATHS: Final = ("/v2/",)
"""Paths whose errors have AcoustID's form."""
_BY_STATUS: Final[Mapping[int, int]] = {401: 4, 403: 12, 429: 14, 503: 13}
_INTERNAL: Final = 5
_BAD_PARAMETER: Final = 2


class BadLookup(RequestError):
    """Root of the errors of a lookup; `number` is AcoustID's."""

    code = "bad_lookup"
    number: ClassVar[int] = _BAD_PARAMETER


class UnknownAnswerFormat(BadLookup):
    """Another format than JSON was requested."""

    code = "unknown_answer_format"
    number = 1

    def __init__(self) -> None:
        super().__init__("unknown format", hint="answers are JSON only: leave `format` out")


class ParameterMissing(BadLookup):
    """A parameter that every lookup needs is missing."""

    code = "parameter_missing"

    def __init__(self, *, name: str) -> None:
        self.name = name
        super().__init__(
            f'missing required parameter "{name}"',
            hint="send what `fpcalc` prints",
        )


class BadFingerprint(BadLookup):
    """The fingerprint cannot be read, or shows nothing."""

    code = "bad_fingerprint"
    number = 3

    def __init__(self, *, reason: str) -> None:
        self.reason = reason
        super().__init__(f"invalid fingerprint: {reason}", hint="send it as `fpcalc` prints it")


class BadDuration(BadLookup):
    """The duration is no number of seconds, or longer than a day."""

    code = "bad_duration"
    number = 8

    def __init__(self) -> None:
        super().__init__("invalid duration", hint="send the length of the whole file in seconds")


class BadLookupForm(BadLookup):
    """The body is no form that could be read."""

    code = "bad_lookup_form"

    def __init__(self, *, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the form cannot be read: {reason}", hint="send it URL-encoded; gzip is understood")


class LookupTooLarge(BadLookup):
    """The form has more bytes than any lookup."""

    code = "lookup_too_large"
    status = 413

    def __init__(self, *, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        super().__init__(
            f"the form has more than {limit_bytes:,} bytes", hint="send the fingerprint of the first 120 s"
        )


def acoustid_error(status: int, message: str, number: int | None = None) -> dict[str, Any]:
    """Return an error in AcoustID's form."""
    fallback = _BY_STATUS.get(status, _INTERNAL if status >= 500 else _BAD_PARAMETER)
    return {"status": "error", "error": {"code": number or fallback, "message": message}}
