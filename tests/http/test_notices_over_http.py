"""Watched works over HTTP: watched, noticed, followed as a feed, sent, and handed on as evidence."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlsplit
from xml.etree import ElementTree

import jsonschema
import pytest

from earwitness.api.evidence.verify_evidence import VerifiedNotice, verify_any_evidence
from earwitness.api.http.jobs.job_worker import JobWorker
from earwitness.api.http.service import Service
from earwitness.api.pipeline import enroll as enrolling
from earwitness.api.pipeline.run_spec import ItemResult
from earwitness.api.pipeline.stored_works import one_work
from earwitness.index.match import Effort
from tests.http.conftest import Serve, description
from tests.http.stored_things import add_works
from tests.unit.api.made_watch import Made, MadeHome, MadePool, result_of
from tests.unit.api.test_deliver import Receiver, receiver

__all__ = ["receiver"]

ATOM = "{http://www.w3.org/2005/Atom}"
HOSTILE = "<script>&\"'\x0b</script>"


@pytest.fixture(autouse=True)
def made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Made items are indexed, without audio."""
    monkeypatch.setattr(enrolling, "Pool", MadePool)


def index(service: Service, version: str, *items: Made) -> None:
    """Index made items as a version of a dataset."""
    MadeHome(settings=service.settings, writer=service.writer).index("set", version, items)


def watched(client: Any, title: str = "Rain") -> tuple[int, Any]:
    """Register a work and watch it; return its number and its row."""
    service = client.app.state.service
    (number,) = add_works(service.writer, title)
    answer = client.put(f"/v1/works/{number}/watch")
    assert answer.status_code == 200 and answer.json()["watched_since"] is not None
    return number, one_work(service.writer, number)


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    until = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_work_is_watched_and_not_watched(serve: Serve) -> None:
    """Repeating either changes nothing; the work says since when; a work that there is not is 404."""
    with serve() as client:
        number, _ = watched(client)
        address = f"/v1/works/{number}"
        since = client.get(address).json()["watched_since"]
        assert client.put(f"{address}/watch").json() == {"work": number, "watched_since": since}
        assert client.get("/v1/works").json()["works"][0]["watched_since"] == since
        for _ in range(2):
            assert client.delete(f"{address}/watch").json() == {"work": number, "watched_since": None}
        assert client.get(address).json()["watched_since"] is None
        for method in ("PUT", "DELETE"):
            answer = client.request(method, "/v1/works/999/watch")
            assert (answer.status_code, answer.json()["code"]) == (404, "no_such_work")


def test_notices_are_listed_read_and_handed_on(serve: Serve, tmp_path: Path) -> None:
    """Newest first, a page at a time, by work and dataset; the evidence of each verifies offline."""
    with serve() as client:
        service = client.app.state.service
        number, work = watched(client)
        index(service, "1", Made(seed=5, work=work))
        index(service, "2", Made(seed=6))
        index(service, "3", Made(seed=6))
        found, address = [], "/v1/notices?limit=1"
        while address:
            page = client.get(address).json()
            found += page["notices"]
            address = page["next"] and f"/v1/notices?limit=1&cursor={page['next']}"
        kinds = [each["change"] and each["change"]["kind"] for each in found]
        assert [each["dataset"]["version"] for each in found] == ["3", "2", "1"]
        assert (kinds, found[1]["outcome"]) == (["absent", "went", None], "no_match")
        news = client.get(f"/v1/notices?news=true&work={number}&dataset=set").json()["notices"]
        assert [each["id"] for each in news] == [found[1]["id"], found[2]["id"]]
        assert client.get("/v1/notices?dataset=set:1").json()["notices"] == [found[2]]
        assert client.get(f"/v1/notices/{found[0]['id']}").json() == found[0]
        file = tmp_path / "evidence.json"
        signed = client.get(found[1]["evidence"])
        jsonschema.validate(
            signed.json(), {**description(), "$ref": "#/components/schemas/NoticeEvidenceOut"}
        )
        file.write_bytes(signed.content)
        verified = verify_any_evidence(file)
        assert isinstance(verified, VerifiedNotice) and verified.notice["change"]["kind"] == "went"
        for address in ("/v1/notices/999", "/v1/notices/999/evidence"):
            answer = client.get(address)
            assert (answer.status_code, answer.json()["code"]) == (404, "no_such_notice")
        assert client.delete(f"/v1/works/{number}").status_code == 200
        assert client.get("/v1/notices").json() == {"notices": [], "next": None}


def moment(element: ElementTree.Element, name: str) -> datetime:
    """A date of RFC 3339, with its zone."""
    text = element.findtext(f"{ATOM}{name}") or ""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", text)
    return datetime.fromisoformat(text)


def test_the_feed_is_valid_atom(serve: Serve) -> None:
    """Feed and entries have all that RFC 4287 demands, ids stay, and hostile titles are text."""
    with serve() as client:
        service = client.app.state.service
        _, work = watched(client, HOSTILE)
        for text in (client.get("/v1/notices.atom").text,):
            assert ElementTree.fromstring(text).findall(f"{ATOM}entry") == []
        index(service, "1", Made(seed=5, work=work))
        index(service, "2", Made(seed=6))
        index(service, "3", Made(seed=6))
        answer = client.get("/v1/notices.atom")
        assert answer.headers["content-type"].startswith("application/atom+xml")
        feed = ElementTree.fromstring(answer.content)
        entries = feed.findall(f"{ATOM}entry")
        assert (feed.tag, len(entries)) == (f"{ATOM}feed", 2)
        for each in (feed, *entries):
            for name in ("id", "title", "updated"):
                assert len(each.findall(f"{ATOM}{name}")) == 1, name
            assert urlsplit(each.findtext(f"{ATOM}id") or "").scheme == "urn"
        assert feed.findtext(f"{ATOM}author/{ATOM}name") == "earwitness"
        links = {each.get("rel"): each.get("href") for each in feed.findall(f"{ATOM}link")}
        assert links == {"self": "http://127.0.0.1/v1/notices.atom"}
        assert moment(feed, "updated") == max(moment(each, "updated") for each in entries)
        assert len({each.findtext(f"{ATOM}id") for each in (feed, *entries)}) == 3
        assert "<script>" in (entries[0].findtext(f"{ATOM}title") or "")
        assert "Gone: it was found in version 1" in (entries[0].findtext(f"{ATOM}content") or "")
        assert client.get("/v1/notices.atom").content == answer.content
        german = client.get("/v1/notices.atom?every=true", headers={"Accept-Language": "de"})
        assert len(ElementTree.fromstring(german.content).findall(f"{ATOM}entry")) == 3
        assert "Mitteilungen" in german.text


def test_the_server_sends_what_is_noticed(serve: Serve, receiver: Receiver) -> None:
    """Set by the API, the address gets a notice soon after; the secret is shown once."""
    with serve(webhook_private=True) as client:
        service = client.app.state.service
        assert client.get("/v1/webhook").json()["code"] == "no_webhook"
        _, work = watched(client)
        hook = client.put("/v1/webhook", json={"url": receiver.url}).json()
        assert hook["secret"].startswith("whsec_") and not hook["every"]
        index(service, "1", Made(seed=5, work=work))
        service.sender.wake()
        wait_until(lambda: client.get("/v1/notices").json()["notices"][0]["delivery"] == "sent")
        assert len(receiver.received) == 1
        again = client.put("/v1/webhook", json={"url": receiver.url, "every": True}).json()
        assert (again["secret"], again["every"], again["waiting"]) == (None, True, 0)
        assert client.get("/v1/webhook").json() == again
        assert client.delete("/v1/webhook").json() == again
        assert client.delete("/v1/webhook").status_code == client.get("/v1/webhook").status_code == 404


def test_a_private_address_is_refused_or_gets_nothing(serve: Serve, receiver: Receiver) -> None:
    """A server without the setting takes no plain address, and never connects to a private one."""
    with serve() as client:
        answer = client.put("/v1/webhook", json={"url": receiver.url})
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_webhook")
        service = client.app.state.service
        url = f"https://127.0.0.1:{receiver.server_port}/"
        assert client.put("/v1/webhook", json={"url": url}).status_code == 200
        _, work = watched(client)
        index(service, "1", Made(seed=5, work=work))
        service.sender.wake()
        wait_until(lambda: client.get("/v1/webhook").json()["failure"] is not None)
        assert "not a public address" in client.get("/v1/webhook").json()["failure"]
        assert not receiver.received


def test_what_a_killed_command_left_is_noticed(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server makes notices that were to be made when the command beside it was killed."""
    with serve() as client:
        service = client.app.state.service
        _, work = watched(client)
        with monkeypatch.context() as killed:
            killed.setattr(enrolling, "settle", lambda *_, **__: [])
            index(service, "1", Made(seed=5, work=work))
        service.sender.wake()
        wait_until(lambda: len(client.get("/v1/notices").json()["notices"]) == 1)


def test_a_work_is_registered_and_watched_at_once(serve: Serve) -> None:
    """`watch=true` of the form makes the job watch the work; without it the job is as it was before."""
    with serve() as client:
        service = client.app.state.service
        for fields, wanted in (({"watch": "true"}, True), ({"watch": "false"}, None), ({}, None)):
            sent = client.post("/v1/works", files={"file": ("a.wav", b"sound")}, data=fields)
            assert sent.status_code == 202
            assert service.jobs.get(sent.json()["id"]).payload.get("watch") is wanted
        assert client.post("/v1/works", files={"file": b"x"}, data={"watch": "maybe"}).status_code == 422
        for seed, is_watched in ((1, True), (2, False)):
            result = result_of(Made(seed=seed), service.writer, Effort.STANDARD)
            worker = JobWorker(service.settings, service.writer, service.metrics, cast(Any, Answers(result)))
            payload = {"file": "a.wav", "n_bytes": 5, **({"watch": True} if is_watched else {})}
            job, _ = service.jobs.enqueue("work", payload, spool_path=Path("a.wav"))
            worker.do(job, cast(Any, SimpleNamespace(check=lambda: None)))
            work = client.get("/v1/works").json()["works"][-1]
            assert (work["file"], work["watched_since"] is not None) == (f"{seed}.wav", is_watched)


class Answers:
    """In the place of the process for single uploads: gives one result."""

    def __init__(self, result: ItemResult) -> None:
        self._result = result

    def answer(self, *_: Any, **__: Any) -> ItemResult:
        return self._result
