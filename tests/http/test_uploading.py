"""The process that answers single uploads can be ended at any time, and its lane continues."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from earwitness.api.http.jobs.heartbeat import Cancelled
from earwitness.api.http.uploads.upload_process import Ask, UploadWorker
from earwitness.api.pipeline.run_spec import RunSpec
from earwitness.api.scan.worker_errors import WorkersFail
from earwitness.api.settings import Settings
from earwitness.fingerprint.errors import SandboxMissing
from earwitness.index.match import Effort

STUB = "tests.http.stub_upload_worker"


@pytest.fixture
def limits(tmp_path: Path) -> Settings:
    """Settings under which an upload may take three seconds."""
    return Settings(home=tmp_path, item_wall_s=3.0)


@pytest.fixture
def worker(limits: Settings) -> Iterator[UploadWorker]:
    """A process that runs the stub."""
    worker = UploadWorker(limits, scheme="", module=STUB)
    yield worker
    worker.close()


def ask(name: str, settings: Settings) -> Ask:
    """Return a request for an upload of this name."""
    order = RunSpec(settings=settings, effort=Effort.FAST, collections=(), state_digest="", search=None)
    return Ask(order=order, epoch=1, home_epoch=1, file=settings.home / "x", name=name, n_bytes=1)


def test_one_process_answers_upload_after_upload(worker: UploadWorker, limits: Settings) -> None:
    """A process is not started for each upload, which would take seconds."""
    answers = [worker.answer(ask(name, limits), watch=lambda: None).item for name in ("a", "b")]
    worker.rest(2)
    answers.append(worker.answer(ask("c", limits), watch=lambda: None).item)
    assert [said.id for said in answers] == ["a", "b", "c"]
    assert len({said.path for said in answers}) == 1


@pytest.mark.parametrize(
    ("name", "code"), [("poison", "worker_died"), ("half", "worker_died"), ("endless", "item_timeout")]
)
def test_an_upload_that_ends_or_holds_the_process_is_not_readable(
    worker: UploadWorker, limits: Settings, name: str, code: str
) -> None:
    """Its error gives the reason, and the next upload is answered."""
    answer = worker.answer(ask(name, limits), watch=lambda: None)
    assert answer.error is not None and answer.error.code == code
    assert "hostile" not in answer.error.hint
    assert worker.answer(ask("good", limits), watch=lambda: None).error is None


def test_work_that_is_stopped_ends_its_process_at_once(worker: UploadWorker, limits: Settings) -> None:
    """Work on a cancelled upload ends, whatever the process was doing."""
    number = int(worker.answer(ask("a", limits), watch=lambda: None).item.path)

    def stop() -> None:
        raise Cancelled

    began_at = time.monotonic()
    with pytest.raises(Cancelled):
        worker.answer(ask("endless", limits), watch=stop)
    assert time.monotonic() - began_at < 2.5
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)
    assert worker.answer(ask("good", limits), watch=lambda: None).error is None


@pytest.mark.parametrize(("scheme", "error"), [("missing", SandboxMissing), ("dies", WorkersFail)])
def test_a_process_that_cannot_work_raises_at_its_start(
    limits: Settings, scheme: str, error: type[Exception]
) -> None:
    """So the lane does not start, and no job is accepted."""
    with pytest.raises(error):
        UploadWorker(limits, scheme=scheme, module=STUB)
