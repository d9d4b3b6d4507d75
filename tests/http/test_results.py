"""Findings of jobs on disk: after kills, and until they are pruned."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from earwitness.api.finding_json import to_line
from earwitness.api.http.jobs import job_worker
from earwitness.api.http.jobs.findings_journal import (
    DAY_S,
    FindingsJournal,
    findings_file,
    journal_of,
    prune,
)
from earwitness.api.http.jobs.heartbeat import Heartbeat
from earwitness.api.pipeline.enroll import Enrolled, Outcome
from earwitness.api.pipeline.run_spec import ItemResult
from earwitness.api.settings import Settings
from earwitness.index.database.records import ItemRow
from earwitness.index.store.jobs import Job
from tests.http.conftest import Serve, wait_for
from tests.unit.api.made_findings import finding

AUDIO = {"file": ("set.tar", b"some sound")}


def result_of(name: str, *, stored: bool = False) -> ItemResult:
    """Return a worker's result for an item: its finding, or, when it is stored already, none."""
    found = finding(item=name)
    existing = ItemRow.__new__(ItemRow) if stored else None
    return ItemResult(item=found.item, finding=None if stored else found, existing=existing)


def test_a_journal_returns_the_findings_of_an_earlier_run(tmp_path: Path) -> None:
    """An item that is not compared again has its earlier finding; an incomplete entry does not count."""
    path = tmp_path / "job.journal"
    with FindingsJournal(path) as journal:
        journal.note([result_of("a"), result_of("b")])
    path.write_bytes(path.read_bytes() + b'{"item": "c", "sha')
    with FindingsJournal(path) as journal:
        journal.note([result_of("c"), result_of("b", stored=True)])
        for name in "abc":
            stored, expected = journal.finding(result_of(name, stored=True)), result_of(name).finding
            assert stored is not None and expected is not None
            assert to_line(stored) == to_line(expected)
        assert journal.finding(result_of("d", stored=True)) is None
        assert not journal.holds(result_of("d", stored=True))


def test_an_index_job_that_was_killed_reports_all_of_its_findings(
    serve: Serve, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that continues after a kill has the findings and counts of one that was never interrupted."""
    names, runs = ["a", "b", "c", "d"], list[int]()

    def enrolled(*_: Any, before: Any, **__: Any) -> Iterator[Enrolled]:
        first = not runs
        runs.append(1)
        for n, name in enumerate(names):
            answer = result_of(name, stored=not first and n < 2)
            before([answer])
            if first and n == 2:
                raise KeyboardInterrupt  # in the journal, not stored
            yield Enrolled(result=answer, outcome=Outcome.ALREADY if answer.existing else Outcome.ADDED)

    class Reader:
        total = len(names)

    def work(job: Job, heartbeat: Heartbeat) -> dict[str, Any]:
        worker = job_worker.JobWorker.__new__(job_worker.JobWorker)
        worker._settings, worker._metrics, worker._writer = settings, Silent(), None  # type: ignore[assignment]
        monkeypatch.setattr(worker, "_reader", lambda _: Reader(), raising=False)
        try:
            return worker._index(job, heartbeat)
        except KeyboardInterrupt:  # the state after a kill
            return worker._index(job, heartbeat)

    monkeypatch.setattr(job_worker, "index_source", enrolled)
    with serve(work) as client:
        sent = client.post("/v1/collections", files=AUDIO, data={"name": "set"}).headers["Location"]
        job = wait_for(client, sent)
        lines = client.get(f"{sent}/findings").text.splitlines()
    assert len(runs) == 2
    assert [json.loads(line)["item"]["id"] for line in lines] == names
    assert (job["result"]["items"], job["result"]["added"], job["result"]["already"]) == (4, 4, 0)
    assert not journal_of(settings.home, job["id"]).exists()


class Silent:
    """Metrics that count nothing."""

    def judged(self, *_: object) -> None:
        """Count nothing."""


def left(home: Path, names: Sequence[str], *, days_ago: float) -> None:
    """Write files in the folder of results that look so many days old."""
    for name in names:
        path = home / "results" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}\n")
        then = time.time() - days_ago * DAY_S
        os.utime(path, (then, then))


@pytest.mark.parametrize(("keep_days", "stay"), [(30.0, ["b"]), (0.0, ["a", "b"]), (1.0, [])])
def test_findings_are_stored_as_long_as_the_settings_say(
    tmp_path: Path, keep_days: float, stay: list[str]
) -> None:
    """Old findings of ended jobs and unfinished files are removed; files of open jobs stay."""
    left(tmp_path, ["a.jsonl", "open.jsonl"], days_ago=40)
    left(tmp_path, ["b.jsonl", "b.journal", ".b.jsonl.x", "b.jsonl.partial", "open.journal"], days_ago=2)
    prune(tmp_path, keep_days=keep_days, unended=lambda: {"open"})
    names = {path.name for path in (tmp_path / "results").iterdir()}
    assert names == {f"{name}.jsonl" for name in stay} | {"open.jsonl", "open.journal"}


def test_old_findings_go_when_a_job_ends(serve: Serve, settings: Settings) -> None:
    """A server that never restarts removes old findings too."""
    with serve(keep_findings_days=1) as client:
        left(settings.home, ["old.jsonl"], days_ago=2)
        wait_for(client, client.post("/v1/works", files=AUDIO).headers["Location"])
        until = time.monotonic() + 20
        while findings_file(settings.home, "old").exists() and time.monotonic() < until:
            time.sleep(0.02)
        assert not findings_file(settings.home, "old").exists()
