"""A server on a home of its own, whose jobs are done by a desk that each test writes."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from earwitness.api.http.application import create_app
from earwitness.api.http.jobs.heartbeat import Heartbeat
from earwitness.api.http.service import open_service
from earwitness.api.settings import Settings
from earwitness.index.store.jobs import Job

MAX_UPLOAD = 100_000
Work = Callable[[Job, Heartbeat], dict[str, Any]]
Serve = Callable[..., Any]


class WrittenDesk:
    """Does what it is told with every job, and remembers what it was given."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self.uploads: list[bytes] = []

    def do(self, job: Job, pulse: Heartbeat) -> dict[str, Any]:
        assert job.spool_path is not None
        self.uploads.append(job.spool_path.read_bytes())
        return self._work(job, pulse)

    def rest(self) -> None:
        """Nothing ages."""

    def close(self) -> None:
        """Nothing is held."""


def spool_of(settings: Settings) -> list[Path]:
    """What lies in the spool."""
    return list((settings.home / "spool").iterdir())


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Say where a test's server lives, and how little it takes."""
    return Settings(home=tmp_path / "home", max_upload_bytes=MAX_UPLOAD)


@pytest.fixture
def serve(settings: Settings) -> Serve:
    """Start a server; ``with serve(desk=..., **settings) as client``."""

    @contextmanager
    def started(work: Work = lambda job, _: {"kind": job.kind}, **changed: Any) -> Iterator[TestClient]:
        desk = WrittenDesk(work)
        app = create_app(
            settings.model_copy(update=changed), opened=partial(open_service, open_job_worker=lambda *_: desk)
        )
        with TestClient(app, base_url="http://127.0.0.1") as client:
            client.event_hooks["response"].append(partial(demand_declared, app.openapi()))
            client.desk = desk  # type: ignore[attr-defined]
            while app.state.service.runner.complaints():
                time.sleep(0.01)
            yield client

    return started


def demand_declared(described: dict[str, Any], answer: Any) -> None:
    """Whatever any test is answered, OpenAPI declares the status and the media type for that route."""
    method, path = answer.request.method.lower(), answer.request.url.path
    for template, operations in described["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) and method in operations:
            declared = operations[method]["responses"]
            assert str(answer.status_code) in declared, f"{method} {template}: {answer.status_code}"
            media = answer.headers["content-type"].partition(";")[0]
            assert media in declared[str(answer.status_code)]["content"], f"{method} {template}: {media}"


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Hold a desk's work until the test has looked; opened at the end in any case."""
    event = threading.Event()
    yield event
    event.set()


def wait_for(client: TestClient, address: str, *, timeout_s: float = 20.0) -> dict[str, Any]:
    """Ask about a job until it has ended."""
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        job: dict[str, Any] = client.get(address).json()
        if job["state"] in {"done", "failed", "cancelled"}:
            return job
        time.sleep(0.02)
    raise AssertionError(f"{address} did not end: {job}")
