"""The server's log: a line for each request, an id in it and in the answer, text or JSON."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from structlog.testing import capture_logs

from earwitness.api.http.logs.log_output import log_to_stderr
from earwitness.api.settings import Settings
from tests.http.conftest import Serve


@pytest.fixture
def as_before() -> Iterator[None]:
    """Undo what a test sets up."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def test_each_request_is_logged_without_its_query(serve: Serve) -> None:
    """Method, path, status, client and time are logged; a key in the query is not."""
    with serve() as client, capture_logs() as lines:
        client.get("/v2/lookup?client=ew_secret&duration=1")
        client.get("/v1/jobs/nothing", headers={"X-Request-Id": "from-proxy.1"})
        client.get("/v1/jobs/a%0Aevent%1B[31m")
    first, second, third = (line for line in lines if line["event"] == "request")
    assert (first["method"], first["path"], first["status"]) == ("GET", "/v2/lookup", 400)
    assert "secret" not in str(lines)
    assert second["status"] == 404
    assert second["bytes"] > 0
    assert second["client"].startswith("address ")
    assert third["path"].isprintable()


def test_an_answer_has_the_id_of_its_request(serve: Serve) -> None:
    """A harmless id is kept, and any other is replaced; two requests have two ids."""
    with serve() as client:
        kept = client.get("/livez", headers={"X-Request-Id": "from-proxy.1"})
        assert kept.headers["X-Request-Id"] == "from-proxy.1"
        made = {client.get("/v1/works").headers["X-Request-Id"] for _ in range(2)}
        assert len(made) == 2
        odd = client.get("/livez", headers={"X-Request-Id": "a b\tc" + "x" * 99})
        assert len(odd.headers["X-Request-Id"]) == 32


@pytest.mark.usefixtures("as_before")
def test_a_line_of_json_is_one_event(capsys: pytest.CaptureFixture[str]) -> None:
    """Events of this program and of libraries are JSON; those below the level are left out."""
    log_to_stderr(Settings(log_format="json", log_level="warning"))
    structlog.get_logger().info("not shown")
    try:
        raise ValueError("line\nbreak")
    except ValueError:
        structlog.get_logger().error("broken", request_id="7", exc_info=True)
    logging.getLogger("some.library").info("not shown")
    logging.getLogger("some.library").warning("from elsewhere", extra={"color_message": "x"})
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert (first["event"], first["level"], first["request_id"]) == ("broken", "error", "7")
    assert "ValueError: line" in first["exception"]
    assert (second["event"], second["level"]) == ("from elsewhere", "warning")
