"""Evidence over HTTP: to download, to print, and gone after its time."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from earwitness.api.answers.card_index import CardIndex
from earwitness.api.evidence.evidence_bundle import evidence_bundle, evidence_file, home_key
from earwitness.api.evidence.verify_evidence import verify_evidence
from earwitness.api.finding_json import from_json
from earwitness.api.http import pages
from earwitness.api.http.jobs.findings_journal import prune
from earwitness.api.http.jobs.heartbeat import Heartbeat
from earwitness.api.settings import Settings
from earwitness.api.shelf.dataset_cards import Card, Statement, card_of
from earwitness.index.database.records import CollectionKind
from earwitness.index.match import Verdict
from earwitness.index.store.jobs import Job
from tests.http.conftest import Serve, description, wait_for
from tests.http.test_pages import ACCUSING, HTML, MARK, assert_only_our_markup, finding_of, hostile


def with_evidence(
    settings: Settings, finding: dict[str, Any], cards: CardIndex
) -> Callable[[Job, Heartbeat], dict[str, Any]]:
    """A job that keeps the evidence of a finding, as a check does."""

    def work(job: Job, _: Heartbeat) -> dict[str, Any]:
        bundle = evidence_bundle(
            [from_json(finding)],
            cards,
            state_digest="ab" * 32,
            answered_at=datetime(2026, 11, 30, tzinfo=UTC),
            key=home_key(settings),
        )
        evidence_file(settings.home, job.id).write_bytes(bundle)
        return finding

    return work


def test_an_answer_is_handed_on_as_a_file_and_on_paper(
    serve: Serve, settings: Settings, tmp_path: Path
) -> None:
    """The page offers the signed file, which verifies, and a page to print, which loads nothing else."""
    work = with_evidence(settings, finding_of(Verdict.MATCH), CardIndex({}))
    with serve(work) as client:
        client.app.state.service.writer.collection(CollectionKind.DATASET, "scraped-2026", "1")
        sent = client.post("/check", files={"file": ("song.wav", b"sound")}, headers=HTML)
        job = wait_for(client, f"/v1{sent.url.path}")
        page = client.get(sent.url.path).text
        evidence = client.get(f"/v1/jobs/{job['id']}/evidence")
        jsonschema.validate(evidence.json(), {**description(), "$ref": "#/components/schemas/EvidenceOut"})
        printed = client.get(f"/jobs/{job['id']}/print")
        letters = re.findall(rf'href="(/jobs/{job["id"]}/letter\?card=\d+)" download', page)
        texts = {
            language: client.get(letters[0], headers={"Accept-Language": language})
            for language in ("en", "de")
        }
        assert client.get(f"/jobs/{job['id']}/letter?card=9", headers=HTML).status_code == 404
    assert f'href="/v1/jobs/{job["id"]}/evidence" download' in page
    assert f'href="/jobs/{job["id"]}/print"' in page
    assert evidence.headers["Content-Disposition"].startswith("attachment")
    file = tmp_path / "evidence.json"
    file.write_bytes(evidence.content)
    verified = verify_evidence(file)
    assert verified.id in page
    assert verified.id in printed.text
    assert len(letters) == 1
    for text in texts.values():
        assert text.headers["content-type"].startswith("text/plain")
        assert not ACCUSING.search(text.text)
        assert all(said in text.text for said in (verified.id, "scraped-2026", "shard-0/clip_12.ogg"))
    assert "1:01.2 to 1:10.1 there is 0:00.0 to 0:08.0 of the recording" in texts["en"].text
    policy = printed.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "unsafe-inline" not in policy


def test_the_page_and_the_paper_say_where_to_write(serve: Serve, settings: Settings) -> None:
    """The address of the card is a link with source and date, on both; the letter begins with it."""
    contact = {
        "kind": "opt_out",
        "address": "mailto:leave-me-out@example.org",
        "source": "a page that was read",
        "seen": "2026-11-02",
    }
    fields = {"schema": "earwitness.card/1", "id": "scraped", "name": "Scraped", "statements": {}}
    known = CardIndex({}, {"scraped-2026": card_of(fields | {"contact": [contact]})})
    work = with_evidence(settings, finding_of(Verdict.MATCH), known)
    with serve(work) as client, pytest.MonkeyPatch.context() as patched:
        patched.setattr(pages, "known_cards", lambda _: known)
        client.app.state.service.writer.collection(CollectionKind.DATASET, "scraped-2026", "1")
        sent = client.post("/check", files={"file": ("song.wav", b"sound")}, headers=HTML)
        job = wait_for(client, f"/v1{sent.url.path}")
        page, paper = (client.get(f"/jobs/{job['id']}{each}").text for each in ("", "/print"))
        text = client.get(f"/jobs/{job['id']}/letter?card=0").text
    for shown in (page, paper):
        assert '<a href="mailto:leave-me-out@example.org"' in shown
        assert "a page that was read" in shown and "2026-11-02" in shown
        assert "Ask to be left out:" in shown
    assert text.startswith("To: leave-me-out@example.org (")
    assert "a page that was read, 2026-11-02" in text.splitlines()[0]


def test_evidence_that_is_gone_is_said_to_be_gone(serve: Serve) -> None:
    """Without evidence the page says so; its addresses are 404 with a page for persons."""
    with serve(lambda *_: finding_of(Verdict.MATCH)) as client:
        client.app.state.service.writer.collection(CollectionKind.DATASET, "scraped-2026", "1")
        sent = client.post("/check", files={"file": ("song.wav", b"sound")}, headers=HTML)
        job = wait_for(client, f"/v1{sent.url.path}")
        assert "is not kept any more" in client.get(sent.url.path).text
        missing = client.get(f"/v1/jobs/{job['id']}/evidence")
        assert (missing.status_code, missing.json()["code"]) == (404, "no_evidence")
        page = client.get(f"/jobs/{job['id']}/print", headers=HTML)
        assert (page.status_code, "There is no evidence for this answer" in page.text) == (404, True)


def test_evidence_is_kept_as_long_as_findings_are(tmp_path: Path) -> None:
    """It is deleted with the findings of that age, and not before."""
    (tmp_path / "results").mkdir()
    evidence_file(tmp_path, "ab").write_text(json.dumps({}))
    assert prune(tmp_path, keep_days=1.0, unended=set) == 0
    os.utime(evidence_file(tmp_path, "ab"), (0.0, 0.0))
    assert prune(tmp_path, keep_days=1.0, unended=set) == 1


@pytest.mark.parametrize("language", ["en", "de"])
def test_no_text_of_others_becomes_markup_on_paper(serve: Serve, settings: Settings, language: str) -> None:
    """Names, titles, lists and cards that try to break out are text on the printed page, too."""
    statement = Statement(value=MARK, source=MARK, date=MARK)
    card = Card(id=MARK, name=MARK, statements=dict.fromkeys(("licence", "home"), statement))
    work = with_evidence(settings, hostile(), CardIndex({MARK: card}))
    with serve(work) as client:
        client.app.state.service.writer.collection(CollectionKind.DATASET, "a", "1")
        sent = client.post("/check", files={"file": (MARK, b"sound")}, headers=HTML)
        wait_for(client, f"/v1{sent.url.path}")
        page = client.get(f"{sent.url.path}/print", headers={"Accept-Language": language}).text
    assert "alert(1)" in page
    assert_only_our_markup(page)
