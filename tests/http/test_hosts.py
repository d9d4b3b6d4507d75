"""Host names that a server accepts, and invalid ones."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from earwitness.api.http.http_errors import BadHost, BadTarget, UnknownHost
from earwitness.api.http.openapi_problems import PROBLEM_TYPE
from earwitness.api.http.protection.hosts import OwnNames, parse
from earwitness.api.http.protection.request_guard import as_path
from tests.http.conftest import Serve


@pytest.mark.parametrize(
    ("authority", "host"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1:8765", "127.0.0.1"),
        ("localhost:", "localhost"),
        ("LocalHost.:80", "localhost"),
        ("[::1]", "::1"),
        ("[0:0:0:0:0:0:0:1]:8765", "::1"),
        ("[::ffff:192.0.2.7]:80", "192.0.2.7"),
        ("[fe80::1%25eth0]:80", "fe80::1"),
        ("Studio.Example:443", "studio.example"),
        ("my_machine", "my_machine"),
    ],
)
def test_a_host_is_read_in_one_spelling(authority: str, host: str) -> None:
    """Ports, case, final dots and long forms of an address do not make it another host."""
    assert parse(authority) == host


MALFORMED = [
    "", "[", "]", "[]", "[::1", "::1", "[:::1]", "[::1]x", "[::1]:x", "a:b", "a:99999", "a b", "a/b", "a@b",
    "user:pw@127.0.0.1", "127.0.0.1:80:80", "a,b", "[zz::1]", "\x7f", "é", "[127.0.0.1]", "[v1.x]", "a?b",
]  # fmt: skip


@pytest.mark.parametrize("authority", MALFORMED)
def test_what_is_no_host_is_refused_as_a_problem(serve: Serve, authority: str) -> None:
    """An invalid Host header is the client's error, and not a defect."""
    with pytest.raises(BadHost):
        parse(authority)
    with serve() as client:
        answer = client.get("/v1/collections", headers={"Host": authority.encode("latin-1")})
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_host")
        assert answer.headers["content-type"] == PROBLEM_TYPE
        assert client.get("/livez", headers={"Host": authority.encode("latin-1")}).status_code == 200


@pytest.mark.parametrize(
    ("bound", "others", "host", "reached_at", "is_accepted"),
    [
        ("192.0.2.7", (), "192.0.2.7", "192.0.2.7", True),
        ("192.0.2.7", (), "localhost", "192.0.2.7", True),
        ("192.0.2.7", (), "192.0.2.8", "192.0.2.7", False),
        ("studio.example", (), "studio.example", "192.0.2.7", True),
        ("2001:DB8::7", (), "2001:db8::7", "2001:db8::7", True),
        ("0.0.0.0", (), "192.0.2.7", "192.0.2.7", True),
        ("0.0.0.0", (), "192.0.2.8", "192.0.2.7", False),
        ("0.0.0.0", (), "evil.example", "192.0.2.7", False),
        ("0.0.0.0", ("Studio.Example",), "studio.example", "192.0.2.7", True),
        ("0.0.0.0", ("203.0.113.9",), "203.0.113.9", "172.17.0.2", True),
        ("::", (), "192.0.2.7", "::ffff:192.0.2.7", True),
        ("::", (), "fe80::1", "fe80::1%eth0", True),
        ("::", (), "2001:db8::7", "2001:db8::7", True),
        ("127.0.0.1", (), "evil.example", "127.0.0.1", False),
        ("127.0.0.1", ("*",), "evil.example", "127.0.0.1", True),
        ("0.0.0.0", (), "192.0.2.7", None, False),
    ],
)
def test_a_server_accepts_the_host_that_it_listens_on(
    bound: str, others: tuple[str, ...], host: str, reached_at: str | None, is_accepted: bool
) -> None:
    """Where it listens on all addresses, it accepts the one that the client connected to, and no other."""
    names = OwnNames(bound, others)
    if is_accepted:
        names.demand(host, reached_at=reached_at)
    else:
        with pytest.raises(UnknownHost, match="EARWITNESS_HOSTS"):
            names.demand(host, reached_at=reached_at)


def scope_of(target: str, *hosts: str) -> dict[str, object]:
    """Return uvicorn's scope for a request line and its Host headers."""
    headers = [(b"host", host.encode()) for host in hosts]
    return {"type": "http", "path": target, "raw_path": target.encode(), "headers": headers, "method": "GET"}


@pytest.mark.parametrize(
    ("target", "path", "host"),
    [
        ("http://127.0.0.1:8765/v1/jobs", "/v1/jobs", "127.0.0.1:8765"),
        ("HTTP://evil.example/", "/", "evil.example"),
        ("https://[::1]", "/", "[::1]"),
        ("/v1/jobs", "/v1/jobs", "header.example"),
    ],
)
def test_a_url_in_the_request_line_overrides_the_header(target: str, path: str, host: str) -> None:
    """HTTP requires this; a check of the header alone could be evaded."""
    scope = scope_of(target, "header.example")
    as_path(scope)
    assert (scope["path"], Request(scope).headers["host"]) == (path, host)


@pytest.mark.parametrize("target", ["*", "evil.example:443", "ftp://x/", "", "http:/x"])
def test_what_is_no_target_is_refused(target: str) -> None:
    """It is the client's error, and not a defect."""
    with pytest.raises(BadTarget):
        as_path(scope_of(target, "x"))


@pytest.mark.parametrize("origin", ["http://[", "http://[::1", "null", "http://evil.example", "[", "//"])
def test_a_malformed_origin_is_another_sites(serve: Serve, origin: str) -> None:
    """It is refused, and is no defect."""
    with serve() as client:
        answer = client.post("/v1/works", files={"file": b"x"}, headers={"Origin": origin})
        assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")


def test_two_host_headers_are_refused(serve: Serve) -> None:
    """Two programs that read different ones would disagree about the host."""
    with serve() as client:
        answer = client.get("/v1/collections", headers=[("Host", "127.0.0.1"), ("Host", "evil.example")])
        assert answer.status_code == 400
