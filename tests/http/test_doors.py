"""Checks of every request: problems, hosts, origins, keys, health, and the OpenAPI description."""

from __future__ import annotations

import base64
import re
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import validate

from earwitness.api.cli.commands.keys import create
from earwitness.api.finding_json import schema
from earwitness.api.http.application import create_app
from earwitness.api.http.http_errors import BadKeyRecord, NotAllowed, OpenDoor
from earwitness.api.http.openapi_problems import PROBLEM_TYPE
from earwitness.api.http.protection.api_keys import KeyRing, mint
from earwitness.api.http.protection.scopes import ALL
from earwitness.api.http.schemas import FINDING_EXAMPLE, JOB_EXAMPLE, JobOut, ProblemOut
from earwitness.api.http.server import serve as serve_for_real
from earwitness.api.settings import Settings
from tests.http.conftest import Serve

TEXTS = {"/v1/works/{work_id}", "/v1/webhook"}
"""Routes that take a few texts, and no upload."""


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("GET", "/v1/jobs/0000", 404),
        ("GET", "/v1/nothing", 404),
        ("DELETE", "/v1/works", 405),
        ("POST", "/v1/works", 415),
        ("POST", "/v1/jobs/0000/cancel", 404),
        ("POST", "/v1/jobs/0000/retry", 404),
        ("GET", "/v1/jobs/0000/findings", 404),
        ("GET", "/v1/collections?limit=0", 422),
    ],
)
def test_every_refusal_is_a_problem(serve: Serve, method: str, address: str, status: int) -> None:
    """Each error is an RFC 9457 problem with a code for programs and a hint for people."""
    with serve() as client:
        answer = client.request(method, address)
        assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM_TYPE)
        problem = ProblemOut.model_validate(answer.json())
        assert (problem.status, problem.type) == (status, f"urn:earwitness:problem:{problem.code}")
        assert problem.hint


def test_every_problem_is_declared_with_its_media_type_and_schema(settings: Settings) -> None:
    """Each operation under /v1 declares its responses without a key, for another host, and for a defect."""
    described = create_app(settings).openapi()
    for path, operations in described["paths"].items():
        if path == "/v2/lookup":  # its errors have AcoustID's form
            continue
        for operation in operations.values():
            answers = operation["responses"]
            for status in (status for status in answers if int(status) >= 400 and path != "/readyz"):
                content = answers[status]["content"]
                assert list(content) == [PROBLEM_TYPE], (path, status)
                assert content[PROBLEM_TYPE]["schema"] == {"$ref": "#/components/schemas/ProblemOut"}
            if path.startswith("/v1"):
                assert {"400", "401", "403", "421", "500", "503"} <= set(answers), path
            if "requestBody" in operation and path not in TEXTS:
                uploads = {"403", "408", "409", "413", "415", "422", "429", "507"}
                assert uploads <= set(answers), path
    assert "404" in described["paths"]["/v1/checks"]["post"]["responses"]


def test_a_program_gets_a_problem_whatever_it_accepts(serve: Serve) -> None:
    """API paths return problems whatever the client accepts; other paths return pages to browsers."""
    with serve() as client:
        for address in ("/v1/jobs/0000", "/v1/nothing", "/v1/collections?limit=0"):
            answer = client.get(address, headers={"Accept": "text/html"})
            assert answer.headers["content-type"] == PROBLEM_TYPE
        assert (
            client.get("/nothing", headers={"Accept": "text/html"})
            .headers["content-type"]
            .startswith("text/html")
        )


def test_a_bug_in_a_route_is_a_problem_too(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect has the code `internal`, without details."""
    from starlette.testclient import TestClient

    with serve() as client:
        monkeypatch.setattr(client.app.state.service.jobs, "get", lambda _: 1 / 0)
        quiet = TestClient(client.app, base_url="http://127.0.0.1", raise_server_exceptions=False)
        answer = quiet.get("/v1/jobs/0000")
        assert (answer.status_code, answer.json()["code"]) == (500, "internal")
        assert "Zero" not in answer.text


def test_the_description_is_valid_and_so_are_its_examples(settings: Settings) -> None:
    """OpenAPI's own validator accepts it; each operation has an id, a tag and a summary of its own."""
    described = create_app(settings).openapi()
    validate(described)
    operations = [operation for path in described["paths"].values() for operation in path.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations) == 37
    assert all(operation["tags"] and operation["summary"] for operation in operations)
    uploads = [operation["requestBody"] for operation in operations if "requestBody" in operation]
    assert len(uploads) == 11
    JobOut.model_validate(JOB_EXAMPLE)
    jsonschema.validate(FINDING_EXAMPLE, schema("finding"))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 409),
        ({"Origin": "http://127.0.0.1"}, 409),
        ({"Sec-Fetch-Site": "same-origin"}, 409),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example"}, 421),
        ({"Host": "localhost:8765"}, 409),
        ({"Host": "[::1]:8765"}, 409),
    ],
)
def test_other_sites_cannot_write_through_a_browser(
    serve: Serve, headers: dict[str, str], status: int
) -> None:
    """Another site may neither post a form to the server nor reach it under a name of its own."""
    with serve() as client:
        answer = client.post("/v1/checks", files={"file": b"sound"}, headers=headers)
        assert answer.status_code == status


def test_with_keys_only_their_owners_are_accepted(serve: Serve) -> None:
    """No key, another key or a part of one: 401. Bearer and Basic both work; health probes need no key."""
    key, record = mint()
    basic = base64.b64encode(f"anybody:{key}".encode()).decode()
    unknown, _ = mint()
    with serve(api_keys=(str(record),)) as client:
        for wrong in ("", "Bearer", f"Bearer {unknown}", f"Bearer {key[:-1]}", "Basic !!!", f"Digest {key}"):
            answer = client.get("/v1/collections", headers={"Authorization": wrong})
            assert (answer.status_code, answer.json()["code"]) == (401, "not_allowed")
            assert answer.headers["WWW-Authenticate"].startswith("Basic")
        for right in (f"Bearer {key}", f"bearer {key}", f"Basic {basic}"):
            assert client.get("/v1/collections", headers={"Authorization": right}).status_code == 200
        assert client.get("/livez").status_code == client.get("/readyz").status_code == 200
        assert client.get("/metrics").status_code == 401


def test_a_key_is_stored_only_as_its_digest() -> None:
    """The record names its key by a prefix and does not hold its secret; two keys differ."""
    key, record = mint("studio")
    assert key.split("_", 2)[2] not in str(record)
    assert KeyRing([str(record)], tenant="studio").admit(f"Bearer {key}", ALL) == "studio"
    assert mint()[0] != mint()[0]
    with pytest.raises(NotAllowed):
        KeyRing([str(record)], tenant="studio").admit(None, ALL)


@pytest.mark.parametrize(
    "record", ["", "local:abc:def", "ew_12345678_secret", "An Other:12ab34cd:" + "0" * 64]
)
def test_an_invalid_record_stops_the_server_from_starting(settings: Settings, record: str) -> None:
    """A mistyped record must not leave the server open."""
    with pytest.raises(BadKeyRecord):
        create_app(settings.model_copy(update={"api_keys": (record,)}))


@pytest.mark.parametrize("keys", [",", " , ,", "abc", "local:12ab34cd:zz"])
def test_a_mistyped_list_of_keys_leaves_no_server_open(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, keys: str
) -> None:
    """Commas alone are as wrong as any other text: the server does not start without its keys."""
    monkeypatch.setenv("EARWITNESS_API_KEYS", keys)
    with pytest.raises(BadKeyRecord):
        serve_for_real(Settings(home=settings.home), host="127.0.0.1", port=0)
    assert not settings.home.exists()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])
def test_other_machines_need_keys(settings: Settings, host: str) -> None:
    """To listen on another address than loopback without a key is refused before the home is opened."""
    with pytest.raises(OpenDoor):
        serve_for_real(settings, host=host, port=0)
    assert not settings.home.exists()


def test_health_and_metrics(serve: Serve) -> None:
    """Alive, ready with its epoch, and metrics that count jobs, answers and uploads."""
    with serve() as client:
        assert client.get("/livez").text == "alive\n"
        ready: dict[str, Any] = client.get("/readyz").json()
        assert (ready["ready"], ready["reasons"]) == (True, [])
        client.post("/v1/works", files={"file": b"sound"})
        page = client.get("/metrics").text
        for name in ('earwitness_jobs{state="done"}', "earwitness_uploaded_bytes_total 5.0"):
            assert name in page
        assert 'earwitness_requests_total{route="/v1/works",status="202"} 1.0' in page


def test_collections_come_a_page_at_a_time(serve: Serve) -> None:
    """Following the cursor lists each collection once, in the order in which they were made."""
    from earwitness.index.database.records import CollectionKind

    with serve() as client:
        writer = client.app.state.service.writer
        for number in range(5):
            writer.collection(CollectionKind.DATASET, f"set-{number}", "1")
        names, address = [], "/v1/collections?limit=2"
        while address:
            page = client.get(address).json()
            names += [each["name"] for each in page["collections"]]
            address = page["next"] and f"/v1/collections?limit=2&cursor={page['next']}"
        assert names == [f"set-{number}" for number in range(5)]


def test_the_command_makes_a_key_that_is_accepted(capsys: pytest.CaptureFixture[str]) -> None:
    """The key goes to stdout alone, its record to stderr, and the two fit each other."""
    create()
    output = capsys.readouterr()
    (record,) = re.findall(r"EARWITNESS_API_KEYS=(\S+)", output.err)
    assert KeyRing([record]).admit(f"Bearer {output.out.strip()}", ALL) == "local"
