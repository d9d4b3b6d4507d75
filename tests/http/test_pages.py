"""The HTML pages, which need no scripts."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from earwitness.api.answers.card_index import CardIndex
from earwitness.api.http import pages
from earwitness.api.http.jobs.heartbeat import Heartbeat
from earwitness.api.http.schemas import FINDING_EXAMPLE
from earwitness.api.shelf.dataset_cards import Card, Statement
from earwitness.index.database.records import CollectionKind
from earwitness.index.match import Verdict
from earwitness.index.store.jobs import Job
from tests.http.conftest import MAX_UPLOAD, Serve, wait_for

HTML = {"Accept": "text/html,application/xhtml+xml"}
ACCUSING = re.compile(r"infring|stolen|steal|pirat|illegal|copied|theft|violat", re.IGNORECASE)
HEADLINES = {
    Verdict.MATCH: "This recording is in scraped-2026.",
    Verdict.NOT_READABLE: "This file was compared only in part. In that part no match was found.",
    Verdict.TOO_SHORT_OR_SILENT: "There is too little sound in this file to compare it.",
}
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
    assert ('class="card"' in page) == (verdict in {Verdict.MATCH, Verdict.POSSIBLE, Verdict.SHARED_MATERIAL})
    headline = re.search(r"<h1[^>]*>([^<]*)</h1>", page)
    assert headline is not None
    assert headline[1] == HEADLINES.get(verdict, "No match was found.")
    assert not ACCUSING.search(page)


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
        ({"status": "refused", "error": ERROR, "finding": None}, "is not a sound file that can be read"),
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
        assert "2 items in all, 1 not readable." in client.get(sent["links"]["page"]).text
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


HTTP_WORDS = re.compile(
    r"\bHTTP|\b[45][0-9]{2}\b|\bPOST\b|\bheader\b|Not Found|Method Not Allowed|\bjob\b", re.IGNORECASE
)


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize(
    ("method", "path", "sent", "status"),
    [
        ("GET", "/jobs/nobody", {}, 404),
        ("GET", "/no/such/page", {}, 404),
        ("GET", "/check", {}, 405),
        ("POST", "/register", {"files": {"file": b""}}, 422),
        ("POST", "/register", {"files": {"file": b"x" * (MAX_UPLOAD + 1)}}, 413),
        ("POST", "/register", {"data": {"title": "no form"}}, 415),
        ("POST", "/check", {"files": {"file": b"sound"}}, 409),
    ],
)
def test_what_is_wrong_is_said_to_persons(
    serve: Serve, language: str, method: str, path: str, sent: dict[str, Any], status: int
) -> None:
    """A page about an error says in the reader's language what to do, and has no word of HTTP."""
    with serve() as client:
        headers = {**HTML, "Accept-Language": language}
        answer = client.request(method, path, headers=headers, follow_redirects=False, **sent)
    assert answer.status_code == status
    shown = re.sub(r"<header>.*?</header>|<footer>.*?</footer>|<head>.*?</head>", "", answer.text, flags=re.S)
    words = re.sub(r"<[^>]*>", " ", shown)
    assert ("Das hat nicht geklappt." if language == "de" else "That did not work.") in words
    assert not HTTP_WORDS.search(words), words
    assert "<details" not in shown


def test_our_own_pages_reserve_their_contents(serve: Serve) -> None:
    """Every answer says that it is not for training, and robots.txt keeps all robots out."""
    with serve() as client:
        for path in ("/", "/jobs/nobody", "/static/style.css", "/v1/collections", "/robots.txt"):
            headers = client.get(path).headers
            assert (headers["Content-Usage"], headers["tdm-reservation"]) == ("train-ai=n", "1")
        assert "User-agent: *\nDisallow: /\n" in client.get("/robots.txt").text


def test_the_language_is_that_of_the_browser_or_of_the_link(serve: Serve) -> None:
    """Accept-Language chooses; a link chooses before it, also for the pages that follow."""
    with serve() as client:
        assert 'lang="de"' in client.get("/", headers={"Accept-Language": "de"}).text[:60]
        assert 'lang="en"' in client.get("/", headers={"Accept-Language": "fr"}).text[:60]
        chosen = client.get("/?lang=de", headers={"Accept-Language": "en"})
        assert "Ist meine Musik in einem Datensatz?" in chosen.text
        assert chosen.headers["Content-Language"] == "de"
        assert "httponly" in chosen.headers["Set-Cookie"].lower()
        assert 'lang="de"' in client.get("/").text[:60]
        assert 'lang="en"' in client.get("/?lang=en").text[:60]
        assert "Set-Cookie" not in client.get("/?lang=../../etc").headers


MARK = """"'><img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}{n}%s"""


def hostile() -> dict[str, Any]:
    """A finding in which every text that others may choose is one that tries to break out."""
    finding = finding_of(Verdict.MATCH)
    finding["item"] |= {"id": MARK, "path": MARK}
    finding["search"]["collections"][0] |= {"name": MARK, "version": MARK}
    texts = dict.fromkeys(("path", "title", "owner", "artist", "album"), MARK)
    finding["matches"][0] |= {"collection": MARK, "version": MARK}
    finding["matches"][0]["recording"] |= texts
    weak = json.loads(json.dumps(finding["matches"][0])) | {"e_value": 1e-3, "e_extrapolated": False}
    finding["matches"].append(weak)
    counts = {"n_paths": 9, "n_files": 10, "listed_by": MARK, "card": MARK}
    finding["same_file"] = [{"dataset": MARK, "version": "2", "digest": "md5", "paths": [MARK], **counts}]
    entry = {"place": MARK, "artists": [MARK], "title": MARK, "album": MARK, "ids": []}
    named = {"dataset": MARK, "version": "3", "card": None, "value": MARK, "entries": [entry]}
    counted = {"n_entries": 9, "n_listed": 10, "listed_by": MARK}
    finding["names"] = [
        {**named, **counted, "kind": "youtube", "e_value": None},
        {**named, **counted, "kind": "artist_title", "e_value": 3.0},
    ]
    return finding


@pytest.mark.parametrize("language", ["en", "de"])
def test_no_text_of_others_becomes_markup(serve: Serve, language: str) -> None:
    """File names, titles, tags, datasets, lists and cards are shown as text, wherever they stand."""
    statement = Statement(value=MARK, source=MARK, date=MARK)
    topics = ("contents", "publisher", "licence", "home", "download", "taken_from", MARK)
    card = Card(id=MARK, name=MARK, statements=dict.fromkeys(topics, statement))
    results = [
        hostile(),
        finding_of(Verdict.NOT_READABLE) | {"error": dict.fromkeys(("code", "message", "hint"), MARK)},
    ]
    with serve(lambda *_: results[-1]) as client, pytest.MonkeyPatch.context() as patched:
        patched.setattr(pages, "known_cards", lambda _: CardIndex({MARK: card}))
        client.app.state.service.writer.collection(CollectionKind.DATASET, MARK, MARK)
        while results:
            sent = client.post("/check", files={"file": (MARK, b"sound")}, headers=HTML)
            wait_for(client, f"/v1{sent.url.path}")
            results.pop()
            shown = client.get(sent.url.path, headers={"Accept-Language": language}).text
            assert "alert(1)" in shown
            assert_only_our_markup(shown)
        assert_only_our_markup(client.get("/", headers={"Accept-Language": language}).text)


def assert_only_our_markup(page: str) -> None:
    """Assert that a browser finds none of the elements and attributes that `MARK` would add."""
    tags: list[tuple[str, dict[str, str | None]]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
            tags.append((tag, dict(attributes)))

    Reader().feed(page)
    assert "img" not in {tag for tag, _ in tags}
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on")]
    for tag, attributes in tags:
        assert tag != "script" or str(attributes.get("src")).startswith("/static/")
        assert not str(attributes.get("href")).lower().startswith(("javascript:", '"'))


def test_the_first_page_lists_the_datasets(serve: Serve) -> None:
    """Without a dataset it offers no check; the style sheet comes from this server."""
    with serve() as client:
        assert "No dataset is here yet" in client.get("/").text
        for name in ("first", "second"):
            client.app.state.service.writer.collection(CollectionKind.DATASET, name, "7")
        page = client.get("/")
        assert page.text.count('type="checkbox" name="collections"') == 2
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert client.get("/static/style.css").headers["content-type"].startswith("text/css")
