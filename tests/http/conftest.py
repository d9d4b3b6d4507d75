"""A server with its own home and a job handler that each test defines."""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import structlog
from starlette.testclient import TestClient
from typer.testing import CliRunner

from earwitness.api.cli.app import app
from earwitness.api.http.application import create_app
from earwitness.api.http.jobs.heartbeat import Heartbeat
from earwitness.api.http.service import open_service
from earwitness.api.settings import Settings
from earwitness.index.store.home_address import HomeAddress
from earwitness.index.store.jobs import Job
from earwitness.index.writer import Writer

MAX_UPLOAD = 100_000
structlog.configure(
    # the server's own; the default draws tracebacks with all variables, which takes seconds
    processors=[
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    ]
)
Work = Callable[[Job, Heartbeat], dict[str, Any]]
Serve = Callable[..., Any]


class StubJobHandler:
    """Calls a function for every job, and stores the uploads that it was given."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self.uploads: list[bytes] = []

    def do(self, job: Job, heartbeat: Heartbeat) -> dict[str, Any]:
        assert job.spool_path is not None
        self.uploads.append(job.spool_path.read_bytes())
        return self._work(job, heartbeat)

    def rest(self) -> None:
        """There is nothing to close."""

    def close(self) -> None:
        """There is nothing to release."""


def spool_of(settings: Settings) -> list[Path]:
    """Return the files in the spool."""
    return list((settings.home / "spool").iterdir())


@cache
def description() -> dict[str, Any]:
    """Return the API's description, which is the same of every server, and takes a while to make."""
    described: dict[str, Any] = create_app(Settings(home=Path("unused"))).openapi()
    return described


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home without content, to be copied: making one takes a while."""
    home = tmp_path_factory.mktemp("homes") / "empty"
    Writer.open(HomeAddress(home)).close()
    return home


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a test's server: its home, and a small limit on uploads."""
    return Settings(home=tmp_path / "home", max_upload_bytes=MAX_UPLOAD)


@pytest.fixture
def serve(settings: Settings, empty_home: Path) -> Serve:
    """Start a server: ``with serve(work, **settings) as client``."""

    @contextmanager
    def started(work: Work = lambda job, _: {"kind": job.kind}, **changed: Any) -> Iterator[TestClient]:
        handler = StubJobHandler(work)
        own = settings.model_copy(update=changed)
        if not own.home.exists():
            shutil.copytree(empty_home, own.home)
        app = create_app(
            own,
            opened=partial(open_service, open_job_worker=lambda *_: handler),
        )
        with TestClient(app, base_url="http://127.0.0.1") as client:
            client.event_hooks["response"].append(partial(check_declared, description()))
            client.handler = handler  # type: ignore[attr-defined]
            while app.state.service.runner.complaints():
                time.sleep(0.01)
            yield client

    return started


def check_declared(described: dict[str, Any], answer: Any) -> None:
    """Assert that OpenAPI declares the status and media type of a response for its route."""
    method, path = answer.request.method.lower(), answer.request.url.path
    for template, operations in described["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) and method in operations:
            declared = operations[method]["responses"]
            assert str(answer.status_code) in declared, f"{method} {template}: {answer.status_code}"
            media = answer.headers["content-type"].partition(";")[0]
            assert media in declared[str(answer.status_code)]["content"], f"{method} {template}: {media}"


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Blocks a job until the test sets it; it is set at the end in any case."""
    event = threading.Event()
    yield event
    event.set()


def wait_for(client: TestClient, address: str, *, timeout_s: float = 20.0) -> dict[str, Any]:
    """Poll a job until it has ended."""
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        job: dict[str, Any] = client.get(address).json()
        if job["state"] in {"done", "failed", "cancelled"}:
            return job
        time.sleep(0.02)
    raise AssertionError(f"{address} did not end: {job}")


def home_with_names(folder: Path, rows: Sequence[str], *, dataset: str) -> Path:
    """Return a home in which a list with these rows is indexed as the names of a dataset."""
    (folder / "songs.csv").write_text("\n".join(rows))
    command = ["--home", str(folder / "home"), "index", str(folder / "songs.csv"), "--name", dataset]
    assert CliRunner().invoke(app, command).exit_code == 0
    return folder / "home"


@pytest.fixture
def listed(settings: Settings, listed_home: Path) -> Settings:
    """A copy of the home with names that a module of tests defines."""
    shutil.copytree(listed_home, settings.home)
    return settings
