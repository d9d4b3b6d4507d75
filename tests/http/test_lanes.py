"""Lanes: no error of a job or the store ends one, and without one no job is accepted."""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any
from unittest.mock import Mock

import pytest
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from earwitness.api.http.application import create_app
from earwitness.api.http.http_errors import BadKeyRecord, CannotListen, SandboxIncomplete
from earwitness.api.http.jobs import job_runner, lane
from earwitness.api.http.jobs.heartbeat import Heartbeat
from earwitness.api.http.logs.log_output import Unfailing
from earwitness.api.http.protection.isolation_check import demand_sandbox
from earwitness.api.http.server import serve as serve_for_real
from earwitness.api.http.service import open_service
from earwitness.api.settings import Settings
from earwitness.fingerprint.decode.parent.sandbox_check import SandboxReport
from earwitness.fingerprint.errors import NotAudio, SandboxMissing
from earwitness.index.store.jobs import LEASE_S, Job, Jobs
from earwitness.index.store.store_errors import DiskFailed, DiskFull, JobLost, StoreUnwritable
from tests.http.conftest import Serve, StubJobHandler, spool_of, wait_for

AUDIO = {"file": ("song.wav", b"some sound")}


class NoException(BaseException):
    """An exception that is no Exception, as native libraries may raise."""


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once."""
    monkeypatch.setattr(lane, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(lane, "IDLE_S", 0.05)


def once(client: TestClient, title: str) -> dict[str, Any]:
    """Send a work and wait for the end of its job."""
    sent = client.post("/v1/works", files=AUDIO, data={"title": title})
    assert sent.status_code == 202, sent.text
    return wait_for(client, sent.headers["Location"])


@pytest.mark.parametrize(
    "error", [RecursionError, MemoryError, SystemExit, NoException, OSError, UnicodeError]
)
def test_a_lane_outlives_whatever_a_job_raises(serve: Serve, error: type[BaseException]) -> None:
    """The job has failed with the code `internal`, and the next job is done."""

    def work(job: Job, _: Heartbeat) -> dict[str, Any]:
        if job.payload["title"] == "bad":
            raise error
        return {}

    with serve(work) as client:
        assert once(client, "bad")["error"]["code"] == "internal"
        assert once(client, "good")["state"] == "done"


@pytest.mark.parametrize(
    "result", [{"a": object()}, {"a": "\udc80"}, {1: {2}}], ids=["object", "surrogate", "set"]
)
def test_a_lane_outlives_a_result_that_cannot_be_stored(serve: Serve, result: dict[str, Any]) -> None:
    """A result that no store takes ends its job, and not the lane."""
    with serve(lambda job, _: result if job.payload["title"] == "bad" else {}) as client:
        assert once(client, "bad")["state"] in {"done", "failed"}
        assert once(client, "good")["state"] == "done"


@pytest.mark.parametrize(
    "trouble",
    [
        DiskFull(path="catalog.sqlite"),
        OperationalError("UPDATE", {}, Exception("disk I/O error")),
        OSError(28, "No space left on device"),
    ],
    ids=["full", "input-output", "system"],
)
@pytest.mark.parametrize("end", ["finish", "fail"])
def test_the_end_of_a_job_is_stored_when_the_store_is_back(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, trouble: Exception, end: str
) -> None:
    """A disk that is full when a job ends loses neither its result nor its failure, nor the lane."""
    full, real = threading.Event(), getattr(Jobs, end)
    full.set()

    def record(self: Jobs, *arguments: Any) -> Job:
        if full.is_set():
            raise trouble
        return real(self, *arguments)  # type: ignore[no-any-return]

    def work(job: Job, _: Heartbeat) -> dict[str, Any]:
        if end == "fail" and job.payload["title"] == "bad":
            raise NotAudio(name="song.wav", looks_like="text")
        return {"n": 1}

    monkeypatch.setattr(Jobs, end, record)
    with serve(work) as client:
        address = client.post("/v1/works", files=AUDIO, data={"title": "bad"}).headers["Location"]
        until(lambda: client.get("/readyz").status_code == 503)
        assert "cannot be stored" in client.get("/readyz").json()["reasons"][0]
        assert client.get(address).json()["state"] == "running"
        full.clear()
        assert wait_for(client, address)["state"] == ("done" if end == "finish" else "failed")
        assert once(client, "good")["state"] == "done"
        assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("closed file")])
def test_a_log_that_cannot_be_written_ends_nothing(error: Exception) -> None:
    """The disk that the log goes to may be the one that is full, and its reader may be gone."""
    stream = Mock(spec=io.StringIO)
    stream.write.side_effect = stream.flush.side_effect = error
    log = Unfailing(stream)
    assert log.write("a line\n") == 0
    log.flush()


def test_a_lane_outlives_a_log_that_raises(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the logging fails, the job after the bad one is done."""

    def work(job: Job, _: Heartbeat) -> dict[str, Any]:
        if job.payload["title"] == "bad":
            raise ZeroDivisionError
        return {}

    def refuse(*_: object, **__: object) -> None:
        raise OSError(27, "File too large")

    with serve(work) as client:
        with monkeypatch.context() as patch:
            patch.setattr(
                lane, "_log", type("Log", (), dict.fromkeys(("exception", "warning", "info"), refuse))
            )
            bad = client.post("/v1/works", files=AUDIO, data={"title": "bad"}).headers["Location"]
            until(lambda: client.get(bad).json()["state"] != "queued")
            time.sleep(0.1)
        assert once(client, "good")["state"] == "done"


def test_a_job_is_not_taken_from_a_lane_that_still_works_on_it(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, gate: threading.Event
) -> None:
    """A lease that could not be prolonged on a full disk does not start the job a second time."""

    def work(job: Job, _: Heartbeat) -> dict[str, Any]:
        if job.kind == "work":
            gate.wait(20)
        return {}

    with serve(work) as client:
        slow = client.post("/v1/works", files=AUDIO).headers["Location"]
        until(lambda: client.get(slow).json()["state"] == "running")
        late = time.time() + 10 * LEASE_S
        monkeypatch.setattr("earwitness.index.store.jobs.time.time", lambda: late)
        other = client.post("/v1/collections", files=AUDIO, data={"name": "set"}).headers["Location"]
        assert wait_for(client, other)["state"] == "done"
        gate.set()
        job = wait_for(client, slow)
        assert (job["state"], job["attempts"]) == ("done", 1)


def test_a_job_that_another_took_over_leaves_its_lane_alone(serve: Serve) -> None:
    """A lease that is taken back before the job's failure is stored is only logged."""

    def work(job: Job, _: Heartbeat) -> dict[str, Any]:
        if job.payload["title"] == "bad" and job.attempts == 1:
            client.app.state.service.jobs.requeue_lost()
            raise NotAudio(name="song.wav", looks_like="text")
        return {}

    with serve(work) as client:
        bad = once(client, "bad")
        assert (bad["state"], bad["attempts"]) == ("done", 2)
        assert once(client, "good")["state"] == "done"


def test_without_a_lane_no_job_is_accepted(settings: Settings) -> None:
    """While a job handler does not start, POST returns 503 and /readyz the reason; later, jobs are done."""
    broken = threading.Event()
    broken.set()

    def open_job_worker(*_: object) -> StubJobHandler:
        if broken.is_set():
            raise SandboxMissing(reason="bubblewrap (bwrap) is not installed")
        return StubJobHandler(lambda *_: {})

    app = create_app(settings, opened=partial(open_service, open_job_worker=open_job_worker))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        until(lambda: client.post("/v1/works", files=AUDIO).status_code == 503)
        refused = client.post("/v1/works", files=AUDIO)
        assert (refused.status_code, refused.json()["code"]) == (503, "no_workers")
        assert "bubblewrap" in refused.json()["detail"]
        assert "bubblewrap" in " ".join(client.get("/readyz").json()["reasons"])
        assert 'earwitness_lane_alive{lane="quick"} 0.0' in client.get("/metrics").text
        broken.clear()
        until(lambda: client.get("/readyz").status_code == 200)
        assert once(client, "good")["state"] == "done"
        assert 'earwitness_lane_alive{lane="quick"} 1.0' in client.get("/metrics").text
    assert spool_of(settings) == []


def report(*, sandbox: str = "bwrap", filtered: bool = True, holes: tuple[str, ...] = ()) -> SandboxReport:
    """Return a result of the sandbox's test."""
    return SandboxReport(
        sandbox=sandbox,  # type: ignore[arg-type]
        reason=None if sandbox == "bwrap" else "bubblewrap (bwrap) is not installed",
        calls_filtered=filtered,
        denied={},
        holes=holes,
    )


@pytest.mark.parametrize(
    ("trial", "words"),
    [
        (report(), ()),
        (report(sandbox="rlimits"), ("without bubblewrap", "system call filter are active")),
        (report(filtered=False), ("system calls are not filtered",)),
        (report(sandbox="rlimits", holes=("home folder",)), ("home folder",)),
    ],
    ids=["complete", "no bubblewrap", "no filter", "holes"],
)
def test_missing_parts_of_the_sandbox_are_reported_or_stop_the_start(
    settings: Settings,
    serve: Serve,
    monkeypatch: pytest.MonkeyPatch,
    trial: SandboxReport,
    words: tuple[str, ...],
) -> None:
    """By default they are remarks of the start and of /readyz; where the settings require it, an error."""
    monkeypatch.setattr("earwitness.api.http.protection.isolation_check.describe_sandbox", lambda _: trial)
    missing = demand_sandbox(settings)
    assert all(word in "; ".join(missing) for word in words) and bool(missing) == bool(words)
    demanding = settings.model_copy(update={"require_sandbox": True})
    if words:
        with pytest.raises(SandboxIncomplete, match="EARWITNESS_REQUIRE_SANDBOX"):
            demand_sandbox(demanding)
    else:
        assert demand_sandbox(demanding) == ()


def test_the_server_does_not_start_without_what_its_settings_require(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sandbox, the key records and the port are checked before the home is made or opened."""
    monkeypatch.setattr("earwitness.fingerprint.decode.parent.sandbox.shutil.which", lambda _: None)
    with pytest.raises(SandboxMissing):
        serve_for_real(settings.model_copy(update={"sandbox": "bwrap"}), host="127.0.0.1", port=0)
    with pytest.raises(SandboxIncomplete):
        serve_for_real(settings.model_copy(update={"require_sandbox": True}), host="127.0.0.1", port=0)
    with pytest.raises(BadKeyRecord):
        serve_for_real(settings.model_copy(update={"api_keys": ("ew_key",)}), host="127.0.0.1", port=0)
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(CannotListen):
        serve_for_real(settings, host="127.0.0.1", port=taken.getsockname()[1])
    assert not settings.home.exists()


@pytest.mark.parametrize("when", ["queued", "running"])
def test_a_job_can_be_cancelled(serve: Serve, settings: Settings, gate: threading.Event, when: str) -> None:
    """It ends at once or soon, its upload is deleted, and the lane continues; twice is no error."""
    stopped = threading.Event()

    def work(job: Job, heartbeat: Heartbeat) -> dict[str, Any]:
        if job.payload["title"] == "slow":
            try:
                while not gate.wait(0.01):
                    heartbeat.check()
            finally:
                stopped.set()
        return {}

    with serve(work) as client:
        slow = client.post("/v1/works", files=AUDIO, data={"title": "slow"}).headers["Location"]
        until(lambda: client.get(slow).json()["state"] == "running")
        address = slow
        if when == "queued":
            address = client.post("/v1/works", files=AUDIO, data={"title": "next"}).headers["Location"]
        job = client.get(address).json()
        for _ in range(2):
            answer = client.post(job["links"]["cancel"])
            assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
        assert answer.json()["links"]["cancel"] is None
        if when == "running":
            assert stopped.wait(10)
        gate.set()
        assert once(client, "good")["state"] == "done"
        until(lambda: spool_of(settings) == [])
        assert client.get(address).json()["state"] == "cancelled"
        assert "was cancelled" in client.get(address.replace("/v1", "")).text
        assert 'earwitness_jobs{state="cancelled"} 1.0' in client.get("/metrics").text


def test_what_has_ended_cannot_be_cancelled(serve: Serve) -> None:
    """A result stays, and an unknown job is a 404."""
    with serve() as client:
        done = once(client, "good")
        answer = client.post(f"{done['links']['self']}/cancel")
        assert (answer.status_code, answer.json()["code"]) == (409, "job_ended")
        assert client.get(done["links"]["self"]).json()["state"] == "done"
        assert client.post("/v1/jobs/nobody/cancel").status_code == 404


def test_a_job_that_takes_too_long_is_stopped(serve: Serve) -> None:
    """No job blocks its lane for ever; it fails, and its hint names the setting of the limit."""

    def work(job: Job, heartbeat: Heartbeat) -> dict[str, Any]:
        while job.payload["title"] == "slow":
            heartbeat.check()
            time.sleep(0.01)
        return {}

    with serve(work, job_wall_s=0.1) as client:
        slow = once(client, "slow")
        assert (slow["state"], slow["error"]["code"]) == ("failed", "job_too_long")
        assert "EARWITNESS_JOB_WALL_S" in slow["error"]["hint"]
        assert once(client, "good")["state"] == "done"


def until(holds: Callable[[], bool], *, timeout_s: float = 20.0) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < end, "it did not become true"
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("trouble", "status"),
    [
        (DiskFull(path="catalog.sqlite"), 507),
        (DiskFailed(path="catalog.sqlite", reason="disk I/O error"), 503),
        (StoreUnwritable(path="catalog.sqlite", reason="read-only file system"), 503),
        (OSError(28, "No space left on device"), 507),
        (OSError(27, "File too large"), 507),
        (OSError(122, "Disk quota exceeded"), 507),
    ],
)
def test_a_disk_that_cannot_be_written_is_no_defect_of_the_server(
    serve: Serve,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    trouble: Exception,
    status: int,
) -> None:
    """A full or failing disk is a problem of its own with a hint, and no traceback in the log."""

    def refuse(*_: Any, **__: Any) -> None:
        raise trouble

    with serve(lambda *_: {}) as client:
        monkeypatch.setattr(Jobs, "enqueue", refuse)
        monkeypatch.setattr(Jobs, "claim", refuse)
        response = client.post("/v1/works", files={"file": ("a.mp3", b"x" * 64)})
        time.sleep(0.3)
    assert response.status_code == status, response.text
    assert response.json()["hint"]
    logged = capfd.readouterr()
    assert "Traceback" not in logged.out + logged.err


@pytest.fixture
def lease_troubles(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Renew leases all the time; returns what is logged as trouble."""
    troubles: list[str] = []
    monkeypatch.setattr(job_runner, "LEASE_S", 0.04)
    monkeypatch.setattr(job_runner, "log_trouble", lambda what, error, **_: troubles.append(what))
    return troubles


def test_a_lease_that_is_renewed_too_late_is_no_trouble(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, lease_troubles: list[str]
) -> None:
    """A job that ends just before its lease is renewed is not logged as taken over by another worker."""
    renew, ends, renewed = Jobs.heartbeat, threading.Event(), list[str]()

    def renew_late(jobs: Jobs, job: Job, **options: Any) -> None:
        ends.set()
        until(lambda: jobs.get(job.id).ended_at is not None)  # type: ignore[union-attr]
        renewed.append(job.id)
        renew(jobs, job, **options)

    def work(_: Job, __: Heartbeat) -> dict[str, Any]:
        ends.wait(20)
        ends.clear()
        return {}

    monkeypatch.setattr(Jobs, "heartbeat", renew_late)
    with serve(work) as client:
        for title in ("first", "second"):  # the lease of the second is renewed after the first is dealt with
            assert once(client, title)["state"] == "done"
        until(lambda: len(set(renewed)) == 2)
        assert lease_troubles == []


def test_a_lease_that_another_took_is_trouble(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, lease_troubles: list[str], gate: threading.Event
) -> None:
    """A running job whose lease cannot be renewed is logged."""
    monkeypatch.setattr(Jobs, "heartbeat", Mock(side_effect=JobLost(job="x")))
    with serve(lambda _, __: {"waited": gate.wait(20)}) as client:
        address = client.post("/v1/works", files=AUDIO, data={"title": "one"}).headers["Location"]
        until(lambda: "lease not renewed" in lease_troubles)
        gate.set()
        wait_for(client, address)


def test_a_job_that_fails_by_a_full_disk_has_a_hint_for_clients(serve: Serve) -> None:
    """The hint of a failed job is about the server's disk and not about a command."""

    def work(_: Job, __: Heartbeat) -> dict[str, Any]:
        raise DiskFull(path="codes.faiss")

    with serve(work) as client:
        error = once(client, "one")["error"]
    assert error["code"] == "disk_full"
    assert "retry the job" in error["hint"]
    assert "command" not in error["hint"]
