"""The process that answers single uploads: it can be ended at any time, and never takes its lane with it."""

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

MADE = "tests.http.upload_worker_made"


@pytest.fixture
def limits(tmp_path: Path) -> Settings:
    """Settings under which an upload may take three seconds."""
    return Settings(home=tmp_path, item_wall_s=3.0)


@pytest.fixture
def worker(limits: Settings) -> Iterator[UploadWorker]:
    """A process of our making."""
    made = UploadWorker(limits, scheme="", module=MADE)
    yield made
    made.close()


def ask(name: str, settings: Settings) -> Ask:
    """An upload of this name."""
    order = RunSpec(settings=settings, effort=Effort.FAST, collections=(), state_digest="", search=None)
    return Ask(order=order, epoch=1, file=settings.home / "x", name=name, n_bytes=1)


def test_one_process_answers_upload_after_upload(worker: UploadWorker, limits: Settings) -> None:
    """Starting one for each would cost seconds."""
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
    """It says why nothing is known of it, and the next one is answered."""
    answer = worker.answer(ask(name, limits), watch=lambda: None)
    assert answer.error is not None and answer.error.code == code
    assert "hostile" not in answer.error.hint
    assert worker.answer(ask("good", limits), watch=lambda: None).error is None


def test_work_that_is_stopped_ends_its_process_at_once(worker: UploadWorker, limits: Settings) -> None:
    """A cancelled upload is not worked on any longer, whatever it was doing."""
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
def test_a_process_that_cannot_work_says_so_at_its_start(
    limits: Settings, scheme: str, error: type[Exception]
) -> None:
    """So that the lane does not open, and nothing is promised."""
    with pytest.raises(error):
        UploadWorker(limits, scheme=scheme, module=MADE)
