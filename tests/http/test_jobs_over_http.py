"""The life of a job: accepted, done once, and never lost."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from earwitness.api.http.jobs.heartbeat import Heartbeat
from earwitness.api.settings import Settings
from earwitness.fingerprint.errors import NotAudio
from earwitness.index.store.home_address import HomeAddress
from earwitness.index.store.jobs import Job, Jobs
from earwitness.index.writer import Writer
from tests.http.conftest import Serve, spool_of, wait_for

AUDIO = {"file": ("song.wav", b"some sound")}


def test_a_job_is_accepted_and_done_and_its_upload_removed(serve: Serve, settings: Settings) -> None:
    """202 gives the job's address; the handler gets the bytes; the upload is removed at the end."""
    with serve(lambda job, _: {"payload": dict(job.payload)}) as client:
        sent = client.post(
            "/v1/works", files=AUDIO, data={"title": "Étude", "artist": "Bea", "isrc": "qz-abc-26-00001"}
        )
        assert sent.status_code == 202
        assert sent.headers["Location"] == sent.json()["links"]["self"]
        job = wait_for(client, sent.headers["Location"])
        assert (job["state"], job["kind"], job["file"], job["attempts"]) == ("done", "work", "song.wav", 1)
        assert job["result"]["payload"]["title"] == "Étude"
        assert job["result"]["payload"]["artist"] == "Bea"
        assert job["result"]["payload"]["isrc"] == "QZABC2600001"
        assert client.handler.uploads == [b"some sound"]
    assert spool_of(settings) == []


def test_a_failure_gives_its_reason_without_internal_file_names(serve: Serve, settings: Settings) -> None:
    """An error becomes the job's error, and the path of the spooled file does not appear in it."""

    def fail(job: Job, _: Heartbeat) -> dict[str, Any]:
        raise NotAudio(name=str(job.spool_path), looks_like="text")

    with serve(fail) as client:
        job = wait_for(client, client.post("/v1/works", files=AUDIO).headers["Location"])
        assert job["state"] == "failed"
        assert job["error"]["code"] == "not_audio"
        assert job["error"]["message"].startswith("song.wav is not audio")
    assert spool_of(settings) == []


def test_a_bug_fails_its_job_and_no_other(serve: Serve) -> None:
    """An unforeseen error fails that job with the code `internal`; the lane continues."""

    def break_once(job: Job, _: Heartbeat) -> dict[str, Any]:
        if job.payload["title"] == "bad":
            raise ZeroDivisionError
        return {}

    with serve(break_once) as client:
        bad = client.post("/v1/works", files=AUDIO, data={"title": "bad"}).headers["Location"]
        good = client.post("/v1/works", files=AUDIO, data={"title": "good"}).headers["Location"]
        assert wait_for(client, bad)["error"]["code"] == "internal"
        assert wait_for(client, good)["state"] == "done"


def test_progress_is_reported_while_a_job_runs(serve: Serve, gate: threading.Event) -> None:
    """A running job reports its progress, and a long one makes no short one wait."""

    def work(job: Job, heartbeat: Heartbeat) -> dict[str, Any]:
        if job.kind == "index":
            heartbeat.beat(3, 7)
            gate.wait(20)
        return {}

    with serve(work) as client:
        long = client.post("/v1/collections", files=AUDIO, data={"name": "set"}).headers["Location"]
        short = client.post("/v1/works", files=AUDIO).headers["Location"]
        assert wait_for(client, short)["state"] == "done"
        running = client.get(long).json()
        assert (running["state"], running["progress"]) == ("running", {"done": 3, "total": 7})
        gate.set()
        assert wait_for(client, long)["progress"] is None


def test_the_same_key_starts_one_job(serve: Serve, settings: Settings) -> None:
    """Repeating a request under its Idempotency-Key returns the first job and stores no second upload."""
    with serve() as client:
        key = {"Idempotency-Key": "once"}
        first = client.post("/v1/works", files=AUDIO, data={"title": "a"}, headers=key)
        again = client.post("/v1/works", files=AUDIO, data={"title": "a"}, headers=key)
        assert again.status_code == 202
        assert again.json()["id"] == first.json()["id"]
        assert again.headers["Idempotency-Replayed"] == "true"
        other = client.post("/v1/works", files=AUDIO, data={"title": "b"}, headers=key)
        assert (other.status_code, other.json()["code"]) == (422, "key_reused")
        wait_for(client, first.headers["Location"])
        assert len(client.handler.uploads) == 1
    assert spool_of(settings) == []


def test_a_stopping_server_puts_its_job_back(serve: Serve, settings: Settings) -> None:
    """A job that a shutdown interrupts is queued again, and the next server finishes it."""
    began = threading.Event()

    def long(_: Job, heartbeat: Heartbeat) -> dict[str, Any]:
        while True:
            heartbeat.beat(1, None)
            began.set()

    with serve(long) as client:
        address = client.post("/v1/works", files=AUDIO).headers["Location"]
        assert began.wait(20)
    with serve() as client:
        job = wait_for(client, address)
        assert (job["state"], job["attempts"]) == ("done", 1)
        assert client.handler.uploads == [b"some sound"]


def leave_running(settings: Settings, *, attempts: int) -> str:
    """Make a home as a server leaves it that was killed during a job."""
    spool = settings.home / "spool"
    spool.mkdir(parents=True)
    (spool / "upload").write_bytes(b"some sound")
    (spool / "orphan").write_bytes(b"a half upload")
    with Writer.open(HomeAddress(settings.home)) as writer:
        jobs = Jobs(writer.catalog)
        payload = {"file": "song.wav", "title": None, "owner": None, "isrc": None}
        job, _ = jobs.enqueue("work", payload, spool_path=spool / "upload")
        for _ in range(attempts):
            jobs.requeue_lost()
            jobs.claim(["work"])
    return f"/v1/jobs/{job.id}"


def test_a_job_of_a_killed_server_is_done_at_once(serve: Serve, settings: Settings) -> None:
    """The home's lock proves that the old server has ended, so its lease need not run out."""
    address = leave_running(settings, attempts=1)
    with serve() as client:
        job = wait_for(client, address)
        assert (job["state"], job["attempts"]) == ("done", 2)
        assert client.handler.uploads == [b"some sound"]
    assert spool_of(settings) == []


def test_a_job_that_was_stopped_without_progress_can_be_tried_again(serve: Serve, settings: Settings) -> None:
    """It is not started a fourth time by itself, accuses nobody, and its upload is stored for a retry."""
    address = leave_running(settings, attempts=3)
    with serve() as client:
        job = client.get(address).json()
        assert (job["state"], job["error"]["code"]) == ("failed", "job_gave_up")
        assert "stopped 3 times without progress" in job["error"]["message"]
        assert "hostile" not in str(job["error"])
        assert client.handler.uploads == []
        assert "Try it again" in client.get(job["links"]["page"]).text
    with serve() as client:  # the sweep of the next start leaves it alone
        job = client.get(address).json()
        again = client.post(job["links"]["retry"])
        assert (again.status_code, again.headers["Location"]) == (202, address)
        job = wait_for(client, address)
        assert (job["state"], job["error"], job["links"]["retry"]) == ("done", None, None)
        assert client.handler.uploads == [b"some sound"]
    assert spool_of(settings) == []


def test_the_upload_of_a_failed_job_is_deleted_when_it_is_cancelled(serve: Serve, settings: Settings) -> None:
    """To cancel a failed job that could be retried removes its upload at once."""
    address = leave_running(settings, attempts=3)
    with serve() as client:
        job = client.post(client.get(address).json()["links"]["cancel"]).json()
        assert (job["state"], job["links"]["retry"], job["links"]["cancel"]) == ("cancelled", None, None)
        assert spool_of(settings) == []


def test_an_upload_is_stored_for_a_number_of_days(serve: Serve, settings: Settings) -> None:
    """After that it is deleted, and the job cannot be retried."""
    address = leave_running(settings, attempts=3)
    with serve(keep_uploads_days=0.0) as client:
        assert spool_of(settings) == []
        assert client.get(address).json()["links"]["retry"] is None
        answer = client.post(f"{address}/retry")
        assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_retry")


def test_a_job_that_makes_progress_is_not_given_up(serve: Serve, settings: Settings) -> None:
    """Kills are counted only when no progress was made between them."""
    settings.home.mkdir(parents=True)
    spool = settings.home / "spool"
    spool.mkdir()
    (spool / "upload").write_bytes(b"some sound")
    with Writer.open(HomeAddress(settings.home)) as writer:
        jobs = Jobs(writer.catalog)
        payload = {"file": "set.zip", "name": "set", "version": "1"}
        queued, _ = jobs.enqueue("index", payload, spool_path=spool / "upload")
        for done in range(1, 9):
            jobs.requeue_lost()
            job = jobs.claim(["index"])
            assert job is not None
            jobs.heartbeat(job, items_done=done)
    with serve() as client:
        job_now = wait_for(client, f"/v1/jobs/{queued.id}")
        assert (job_now["state"], job_now["attempts"]) == ("done", 9)


def test_progress_is_on_the_disk_before_the_server_can_be_killed(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The progress of a job is stored, so that a kill after it does not count as one without progress."""
    monkeypatch.setattr("earwitness.api.http.jobs.lane.PROGRESS_INTERVAL_S", 0.0)

    def work(job: Job, heartbeat: Heartbeat) -> dict[str, Any]:
        heartbeat.beat(7, 9)
        stored = client.app.state.service.jobs.get(job.id)
        return {"items_done": stored.items_done}

    with serve(work) as client:
        sent = client.post("/v1/works", files=AUDIO).headers["Location"]
        assert wait_for(client, sent)["result"] == {"items_done": 7}


def test_a_check_without_datasets_is_no_answer(serve: Serve, settings: Settings) -> None:
    """Where nothing can be searched, the request is refused: "no match" would have no meaning."""
    with serve() as client:
        answer = client.post("/v1/checks", files=AUDIO)
        assert (answer.status_code, answer.json()["code"]) == (409, "nothing_indexed")
        for address in ("/v1/scans", "/v1/collections?scan=true"):
            answer = client.post(address, files=AUDIO)
            assert (answer.status_code, answer.json()["code"]) == (409, "nothing_registered")
    assert spool_of(settings) == []


def test_two_servers_cannot_share_a_home(serve: Serve, settings: Settings) -> None:
    """The second is refused at its start; the first continues."""
    from earwitness.index.store.store_errors import HomeServed

    with serve() as client:
        with pytest.raises(HomeServed), serve():
            raise AssertionError("a second server started")
        assert client.get("/readyz").status_code == 200


def test_findings_can_be_fetched_only_when_there_are_some(serve: Serve, settings: Settings) -> None:
    """An index or scan job's findings are one file, offered once the job is done."""

    def work(job: Job, _: Heartbeat) -> dict[str, Any]:
        (settings.home / "results" / f"{job.id}.jsonl").write_text('{"a": 1}\n')
        return {}

    with serve(work) as client:
        assert client.get("/v1/jobs/nobody/findings").json()["code"] == "job_not_found"
        job = wait_for(
            client, client.post("/v1/collections", files=AUDIO, data={"name": "n"}).headers["Location"]
        )
        response = client.get(job["links"]["findings"])
        assert (response.text, response.headers["content-type"]) == ('{"a": 1}\n', "application/x-ndjson")
    with serve() as client:
        sent = client.post("/v1/works", files=AUDIO).headers["Location"]
        assert wait_for(client, sent)["links"]["findings"] is None
        assert client.get(f"{sent}/findings").json()["code"] == "no_findings"


def test_a_dataset_is_named_with_or_without_its_version(serve: Serve) -> None:
    """As for the commands; an unknown name or version is refused before a job is queued."""
    from earwitness.index.database.records import CollectionKind

    with serve() as client:
        for version in ("1", "2"):
            client.app.state.service.writer.collection(CollectionKind.DATASET, "set", version)
        for names, status in ((["set"], 202), (["set:2", "set:1"], 202), (["set:3"], 404), (["other"], 404)):
            answer = client.post("/v1/checks", files=AUDIO, data={"collections": names})
            assert answer.status_code == status, answer.text
        reserved = client.post("/v1/collections", files=AUDIO, data={"name": "Works"})
        assert (reserved.status_code, reserved.json()["code"]) == (422, "name_reserved")
