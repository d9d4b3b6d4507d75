"""The HTML pages, which need no scripts."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from earwitness.api.http.jobs.heartbeat import Heartbeat
from earwitness.api.http.schemas import FINDING_EXAMPLE
from earwitness.index.database.records import CollectionKind
from earwitness.index.match import Verdict
from earwitness.index.store.jobs import Job
from tests.http.conftest import Serve, wait_for

HTML = {"Accept": "text/html,application/xhtml+xml"}
ACCUSING = re.compile(r"infring|stolen|steal|pirat|illegal|copied|theft|violat", re.IGNORECASE)
ERROR = {"code": "not_audio", "message": "x is not audio we read", "hint": "give wav"}


def finding_of(verdict: Verdict) -> dict[str, Any]:
    """Return a finding of each verdict, as the schema requires it."""
    finding: dict[str, Any] = json.loads(json.dumps(FINDING_EXAMPLE)) | {"verdict": verdict.value}
    if verdict is Verdict.SHARED_MATERIAL:
        finding["matches"][0]["class"] = "shared_material"
    elif verdict not in {Verdict.MATCH, Verdict.POSSIBLE}:
        finding["matches"] = []
    if verdict in {Verdict.NOT_READABLE, Verdict.TOO_SHORT_OR_SILENT}:
        finding["error"] = ERROR
    return finding


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_check_redirects_to_its_result(serve: Serve, verdict: Verdict) -> None:
    """The form redirects to a page with one clear sentence and the matches, which accuses nobody."""
    with serve(lambda *_: finding_of(verdict)) as client:
        client.app.state.service.writer.collection(CollectionKind.DATASET, "scraped-2026", "1")
        sent = client.post(
            "/check", files={"file": ("<b>song.wav", b"sound")}, headers=HTML, follow_redirects=False
        )
        assert sent.status_code == 303
        address = sent.headers["Location"]
        wait_for(client, f"/v1{address}")
        page = client.get(address).text
    assert 'http-equiv="refresh"' not in page
    assert page.count("<h1") == 1
    assert "&lt;b&gt;song.wav" in page
    assert ("<table>" in page) == (verdict in {Verdict.MATCH, Verdict.POSSIBLE, Verdict.SHARED_MATERIAL})
    assert ("No match" in page) == (verdict is Verdict.NO_MATCH)
    assert not ACCUSING.search(page)
    assert "<script" not in page


def test_the_page_of_a_running_job_reloads(serve: Serve, gate: Any) -> None:
    """Until the job has ended the page reloads itself."""

    def wait(_: Job, heartbeat: Heartbeat) -> dict[str, Any]:
        heartbeat.beat(1, 2)
        gate.wait(20)
        return {"status": "registered", "error": None, "finding": None}

    with serve(wait) as client:
        sent = client.post("/register", files={"file": b"sound"}, data={"title": "T"})
        assert 'http-equiv="refresh"' in sent.text
        gate.set()
        wait_for(client, f"/v1{sent.url.path}")
        assert "The work is registered." in client.get(sent.url.path).text


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (
            {"status": "existing", "error": None, "finding": finding_of(Verdict.MATCH)},
            "was registered before",
        ),
        ({"status": "refused", "error": ERROR, "finding": None}, "X is not audio we read."),
    ],
)
def test_the_page_of_a_work_states_its_outcome(serve: Serve, result: dict[str, Any], words: str) -> None:
    """Registered before, or refused with the reason and a hint."""
    with serve(lambda *_: result) as client:
        sent = client.post("/register", files={"file": b"sound"})
        wait_for(client, f"/v1{sent.url.path}")
        assert words in client.get(sent.url.path).text


def test_archives_have_pages_too(serve: Serve) -> None:
    """The page of an indexed dataset states its counts; that of a failed job the reason."""
    counted = {"name": "set", "version": "1", "items": 2, "not_readable": 1, "matches": 1, "already": 0}
    with serve(lambda *_: counted) as client:
        sent = client.post("/v1/collections", files={"file": b"PK"}, data={"name": "set"}).json()
        wait_for(client, sent["links"]["self"])
        assert "2 items in all, 1 of them not readable." in client.get(sent["links"]["page"]).text
    with serve(lambda *_: 1 / 0) as client:
        sent = client.post("/v1/collections", files={"file": b"PK"}, data={"name": "set"}).json()
        wait_for(client, sent["links"]["self"])
        assert "This could not be done." in client.get(sent["links"]["page"]).text


def test_a_person_gets_a_page_when_something_is_wrong(serve: Serve) -> None:
    """A client that accepts HTML gets the reason and the hint as a page, with the same status."""
    with serve() as client:
        answer = client.post("/register", files={"file": b"sound"}, data={"isrc": "no"}, headers=HTML)
        assert (answer.status_code, answer.headers["content-type"]) == (422, "text/html; charset=utf-8")
        assert "That did not work" in answer.text
        assert "isrc" in answer.text


def test_the_first_page_lists_the_datasets(serve: Serve) -> None:
    """Without a dataset it offers no check; the style sheet comes from this server."""
    with serve() as client:
        assert "No dataset is indexed yet" in client.get("/").text
        for name in ("first", "second"):
            client.app.state.service.writer.collection(CollectionKind.DATASET, name, "7")
        page = client.get("/")
        assert page.text.count('type="checkbox"') == 2
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert client.get("/static/style.css").headers["content-type"].startswith("text/css")
