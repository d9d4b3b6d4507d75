"""Albums: several files, or a zip, are one batch with one page and one headline."""

from __future__ import annotations

import io
import re
import threading
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from earwitness.api.answers.card_index import CardIndex
from earwitness.api.answers.messages import messages
from earwitness.api.datasets.open_source import open_source
from earwitness.api.http.album_view import album_view
from earwitness.api.http.jobs import unpack_album
from earwitness.api.http.jobs.heartbeat import Heartbeat
from earwitness.api.http.jobs.unpack_album import AlbumUnpacker
from earwitness.api.http.schemas import JOB_EXAMPLE, JobOut
from earwitness.api.http.service import Service
from earwitness.index.database.records import CollectionKind
from earwitness.index.match import Verdict
from earwitness.index.store.jobs import Job
from tests.contract.packings import clip
from tests.http.conftest import Serve, spool_of, wait_for
from tests.http.test_pages import HTML, finding_of

BATCH = "ab" * 16


def by_name(job: Job, _: Heartbeat) -> dict[str, Any]:
    """Answer a check by the name of its file: "match…" is found, anything else is not."""
    found = job.payload["file"].startswith("match")
    return finding_of(Verdict.MATCH if found else Verdict.NO_MATCH)


def with_dataset(client: Any) -> Service:
    """Give the server a dataset, and return its service."""
    service: Service = client.app.state.service
    service.writer.collection(CollectionKind.DATASET, "scraped-2026", "1")
    return service


def ended(client: Any, batch: str) -> dict[str, Any]:
    """Wait until every job of a batch has ended, and return it."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        answer: dict[str, Any] = client.get(f"/v1/batches/{batch}").json()
        if all(job["ended_at"] for job in answer["jobs"]):
            return answer
        time.sleep(0.02)
    raise AssertionError(answer)


def headline(page: str) -> str:
    """The headline of a page."""
    found = re.search(r"<h1[^>]*>([^<]*)</h1>", page)
    assert found is not None
    return found[1]


def zip_of(members: Mapping[str, bytes]) -> bytes:
    """A zip with these members."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return held.getvalue()


def test_several_files_of_a_form_are_one_album(serve: Serve) -> None:
    """Without scripts, a form with several files gives one page with one headline, found tracks first."""
    names = ("a.wav", "match-b.wav", "c.wav", "match-d.wav")
    with serve(by_name) as client:
        with_dataset(client)
        files = [("file", (name, name.encode())) for name in names]
        sent = client.post("/check", files=files, headers=HTML, follow_redirects=False)
        assert sent.status_code == 303
        batch = sent.headers["Location"].removeprefix("/albums/")
        answer = ended(client, batch)
        page = client.get(f"/albums/{batch}").text
        german = client.get(f"/albums/{batch}", headers={"Accept-Language": "de"}).text
    assert [job["file"] for job in answer["jobs"]] == list(names)
    assert (answer["total"], answer["ended"], answer["found"]) == (4, 4, 2)
    assert client.handler.uploads == [name.encode() for name in names]
    assert headline(page) == "2 of your 4 tracks are in datasets we know, whole or in part."
    assert headline(german) == "2 Ihrer 4 Stücke sind ganz oder zum Teil in Datensätzen, die wir kennen."
    assert re.findall(r"<h3>(.*?)</h3>\n<p>", page) == [names[1], names[3], names[0], names[2]]
    assert 'http-equiv="refresh"' not in page


def test_results_come_in_one_by_one(serve: Serve, gate: threading.Event) -> None:
    """While tracks wait, the page says how many are done and found, each waiting one its place."""

    def work(job: Job, heartbeat: Heartbeat) -> dict[str, Any]:
        if not job.payload["file"].startswith("match"):
            gate.wait(20)
        return by_name(job, heartbeat)

    with serve(work) as client:
        with_dataset(client)
        jobs = [
            client.post("/v1/checks", files={"file": (name, b"sound")}, data={"batch": BATCH}).json()
            for name in ("match-a.wav", "b.wav", "c.wav")
        ]
        wait_for(client, jobs[0]["links"]["self"])
        page = client.get(f"/albums/{BATCH}").text
        waiting = client.get(jobs[2]["links"]["self"]).json()
        gate.set()
        ended(client, BATCH)
    assert {job["batch"] for job in jobs} == {BATCH}
    assert headline(page) == "1 of 3 tracks are done."
    assert "So far 1 of them is in a dataset we know, whole or in part." in page
    assert 'http-equiv="refresh"' in page
    assert waiting["place"] == 1


def test_an_album_can_be_cancelled(serve: Serve, gate: threading.Event) -> None:
    """Cancelling ends what waits and deletes its uploads; cancelling again changes nothing."""

    def work(job: Job, heartbeat: Heartbeat) -> dict[str, Any]:
        while not gate.wait(0.01):
            heartbeat.check()
        return by_name(job, heartbeat)

    with serve(work) as client:
        service = with_dataset(client)
        for name in ("a.wav", "b.wav", "c.wav"):
            client.post("/v1/checks", files={"file": (name, b"sound")}, data={"batch": BATCH})
        for _ in range(2):
            page = client.post(f"/albums/{BATCH}/cancel", headers=HTML)
            assert page.status_code == 200
        states = {job["state"] for job in ended(client, BATCH)["jobs"]}
        until = time.monotonic() + 10
        while spool_of(service.settings) and time.monotonic() < until:
            time.sleep(0.02)
        assert spool_of(service.settings) == []
    assert states == {"cancelled"}


def test_a_batch_that_there_is_not_is_said_so(serve: Serve) -> None:
    """An unknown batch is 404 for programs and a page for persons; a malformed one is refused."""
    with serve() as client:
        with_dataset(client)
        assert client.get(f"/v1/batches/{BATCH}").json()["code"] == "batch_not_found"
        page = client.get(f"/albums/{BATCH}", headers=HTML)
        assert (page.status_code, "no album under this link" in page.text) == (404, True)
        refused = client.post("/v1/checks", files={"file": b"sound"}, data={"batch": "../x"})
        assert refused.status_code == 422


def test_a_refused_form_of_several_leaves_nothing_behind(serve: Serve) -> None:
    """Where one of several files is empty, or a field is wrong, none is kept and none is queued."""
    with serve(by_name) as client:
        service = with_dataset(client)
        several = [("file", ("a.wav", b"sound")), ("file", ("b.wav", b"")), ("file", ("c.wav", b"sound"))]
        assert client.post("/check", files=several).status_code == 422
        good = [("file", ("a.wav", b"sound")), ("file", ("b.wav", b"more"))]
        assert client.post("/check", files=good, data={"effort": "no"}).status_code == 422
        assert spool_of(service.settings) == []
        assert sum(service.jobs.count().values()) == 0


def test_other_forms_still_take_one_file(serve: Serve) -> None:
    """The API takes one file a request, so that an answer is about one job."""
    with serve(by_name) as client:
        with_dataset(client)
        two = [("file", ("a.wav", b"sound")), ("file", ("b.wav", b"more"))]
        for path in ("/v1/checks", "/v1/works", "/register"):
            assert client.post(path, files=two).status_code == 400


def unpacked(client: Any, data: bytes) -> tuple[dict[str, Any], Service]:
    """Unpack a zip as the job of an album does, and return its result."""
    service = with_dataset(client)
    sent = client.post("/v1/checks", files={"file": ("album.zip", data)}).json()
    assert (sent["kind"], sent["batch"] is not None) == ("album", True)
    job = service.job(sent["id"])
    return unpack(service, job, data), service


def unpack(service: Service, job: Job, data: bytes) -> dict[str, Any]:
    """Read a zip in the reading process, and queue its recordings."""
    path = service.settings.home / "again.zip"
    path.write_bytes(data)

    class Beat:
        def beat(self, done: int, total: int | None) -> None:
            """Nothing stops it."""

    unpacker = AlbumUnpacker(job=job, jobs=service.jobs, spool=service.spool)
    return unpacker.unpack(open_source(path, reader="zip"), Beat())  # type: ignore[arg-type]


def test_a_zip_becomes_a_check_for_each_recording(serve: Serve) -> None:
    """Its recordings are queued once, with their bytes; what is refused is named, the rest counted."""
    members = {
        "Album/1.wav": clip(1),
        "Album/2.wav": clip(2),
        "Album/inner.zip": zip_of({"x.wav": clip(3)}),
        "Album/cover.txt": b"no audio",
    }
    with serve(
        lambda job, _: {"tracks": 0, "refused": []} if job.kind == "album" else by_name(job, _)
    ) as client:
        result, service = unpacked(client, zip_of(members))
        album = service.jobs.recent(limit=10)[-1]
        again = unpack(service, album, zip_of(members))
        answer = ended(client, album.batch or "")
        uploads = client.handler.uploads
    assert result["tracks"] == again["tracks"] == 2
    assert [each["path"] for each in result["refused"]] == ["Album/inner.zip"]
    assert result["passed_over"] == {"txt": 1}
    assert [job["file"] for job in answer["jobs"]] == ["album.zip", "1.wav", "2.wav"]
    assert uploads[1:] == [clip(1), clip(2)]


def test_a_zip_of_many_is_compared_up_to_its_limit(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recordings above the limits on number, bytes and size are named as not compared; the rest goes on."""
    monkeypatch.setattr(unpack_album, "MAX_TRACKS", 2)
    members = {"large.wav": clip(1) + bytes(200_000), **{f"{n}.wav": clip(n) for n in range(1, 5)}}
    with serve(
        lambda job, _: {"tracks": 0, "refused": []} if job.kind == "album" else by_name(job, _)
    ) as client:
        result, _ = unpacked(client, zip_of(members))
    codes = {each["path"]: each["code"] for each in result["refused"]}
    assert codes == {"large.wav": "upload_too_large", "3.wav": "album_too_large", "4.wav": "album_too_large"}
    assert result["tracks"] == 2


def test_refused_recordings_of_a_zip_stand_on_its_page(serve: Serve) -> None:
    """They count among the tracks, and the page says of each why it was not compared."""
    refused = [{"path": "inner.zip", "code": "nested_archive", "message": "x", "hint": "y"}]
    with serve(lambda *_: {"tracks": 0, "refused": refused, "passed_over": {}}) as client:
        with_dataset(client)
        sent = client.post("/check", files={"file": ("a.zip", zip_of({"a.wav": b"x"}))}, headers=HTML)
        batch = sent.url.path.removeprefix("/albums/")
        answer = ended(client, batch)
        page = client.get(f"/albums/{batch}").text
    assert (answer["total"], answer["ended"], answer["found"]) == (1, 1, 0)
    assert "inner.zip" in page
    assert "This archive cannot be opened here." in page
    assert headline(page) == "None of your tracks was compared to its end."
    assert "1 track was not compared" in page


def test_a_zip_without_recordings_is_not_said_to_have_no_match(serve: Serve) -> None:
    """Nothing was compared, so the page asserts nothing of a match, and counts what was passed over."""
    with serve(lambda *_: {"tracks": 0, "refused": [], "passed_over": {"txt": 1, "sf2": 2}}) as client:
        with_dataset(client)
        sent = client.post("/check", files={"file": ("a.zip", zip_of({"a.txt": b"x"}))}, headers=HTML)
        batch = sent.url.path.removeprefix("/albums/")
        ended(client, batch)
        page = client.get(f"/albums/{batch}").text
    assert headline(page) == "No recording was found in what you sent, so nothing was compared."
    assert "3 other files in the archive hold no sound that can be read here" in page
    assert "No match" not in page


def answered(kind: str, state: str, result: dict[str, Any] | None) -> JobOut:
    """A job of a batch that has ended."""
    failed = {"code": "zip_damaged", "message": "damaged", "hint": "zip it again"}
    fields = {"kind": kind, "state": state, "result": result, "error": failed if state == "failed" else None}
    links = {**JOB_EXAMPLE["links"], "batch": f"/v1/batches/{BATCH}"}
    return JobOut.model_validate({**JOB_EXAMPLE, **fields, "links": links, "batch": BATCH})


@pytest.mark.parametrize(
    ("jobs", "words"),
    [
        ([("check", "cancelled", None), ("check", "failed", None)], "None of your tracks was compared"),
        ([("check", "done", finding_of(Verdict.NOT_READABLE))], "None of your tracks was compared"),
        ([("check", "done", finding_of(Verdict.TOO_SHORT_OR_SILENT))], "None of your tracks was compared"),
        ([("check", "done", finding_of(Verdict.NO_MATCH)), ("check", "failed", None)],
         "No match was found for the 1 track that was compared. | 1 track was not compared"),
        ([("check", "done", finding_of(Verdict.NO_MATCH)), ("check", "done", finding_of(Verdict.POSSIBLE))],
         "No match was found for the 2 tracks that were compared. | 1 track has places that may be chance"),
        ([("check", "done", finding_of(Verdict.NO_MATCH)), ("album", "failed", None)],
         "No match was found for the 1 track that was compared. | 1 archive was not read to its end"),
        ([("check", "done", finding_of(Verdict.MATCH)), ("album", "cancelled", None)],
         "1 of your 2 tracks is in a dataset we know, whole or in part. | 1 archive was not read to its end"),
    ],
)  # fmt: skip
def test_an_album_never_calls_what_was_not_compared_no_match(
    jobs: list[tuple[str, str, dict[str, Any] | None]], words: str
) -> None:
    """What failed, was cancelled, unread, uncertain or cut off is counted apart, in every language."""
    shown = [answered(*each) for each in jobs]
    view = album_view(BATCH, shown, CardIndex({}), messages("en"))
    first, *others = words.split(" | ")
    assert view.headline.startswith(first)
    assert all(any(said.startswith(each) for said in view.sentences) for each in others)
    german = album_view(BATCH, shown, CardIndex({}), messages("de"))
    assert (german.state, len(german.sentences)) == (view.state, len(view.sentences))


STATIC = Path(__file__).parents[2] / "api" / "web" / "static"


@pytest.mark.parametrize("script", sorted(path.name for path in STATIC.glob("*.js")))
def test_scripts_are_our_own_and_need_nothing_else(serve: Serve, script: str) -> None:
    """Scripts come from this server and import only others of it; none makes code or markup of text."""
    with serve() as client:
        answer = client.get(f"/static/{script}")
        assert answer.headers["content-type"].startswith("text/javascript")
        assert "script-src 'self';" in answer.headers["Content-Security-Policy"]
    for imported in re.findall(r'import .* from "([^"]*)"', answer.text):
        assert (STATIC / imported).is_file()
    assert not re.search(
        r"\beval\b|Function\(|\.innerHTML\s*=|insertAdjacentHTML|document\.write", answer.text
    )
    assert "http:" not in answer.text
    assert "https:" not in answer.text
