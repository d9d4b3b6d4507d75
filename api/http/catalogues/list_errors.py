"""Errors of a list of works that was sent by the page."""

from __future__ import annotations

from earwitness.api.http.http_errors import RequestError


class EmptyList(RequestError):
    """Neither a list nor a file of works was sent."""

    code = "empty_list"
    status = 422

    def __init__(self) -> None:
        super().__init__("the list holds nothing", hint="paste at least one line, or choose a file")


class TwoLists(RequestError):
    """Both a pasted list and a file were sent."""

    code = "two_lists"
    status = 422

    def __init__(self) -> None:
        super().__init__("both a pasted list and a file were sent", hint="send them one after the other")


class ListTooLarge(RequestError):
    """A list of works has more bytes than are read in one request."""

    code = "list_too_large"
    status = 413

    def __init__(self, *, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        super().__init__(
            f"the list has more than the {limit_bytes:,} bytes that are read in one request",
            hint="send it in parts, or use `earwitness check --catalogue` where the server runs",
        )
