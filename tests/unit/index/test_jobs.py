"""Jobs: queued, claimed, lost, taken back, given up, and the same request twice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from earwitness.index.database.records import Failure
from earwitness.index.store.home_address import HomeAddress
from earwitness.index.store.jobs import MAX_ATTEMPTS, Job, Jobs, JobState
from earwitness.index.store.store_errors import CatalogDamaged, JobLost, KeyReused
from earwitness.index.writer import Writer
from tests.contract.small_store import CODEC


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writer]:
    """One home for all of these tests; each uses a tenant of its own."""
    with Writer.open(HomeAddress(tmp_path_factory.mktemp("home")), codec=CODEC) as opened:
        yield opened


@pytest.fixture
def jobs(writer: Writer, request: pytest.FixtureRequest) -> Jobs:
    """The jobs of a tenant that has none."""
    return Jobs(writer.catalog, tenant=request.node.name[:60])


def _claimed(jobs: Jobs, lease_s: float = 60.0) -> Job:
    job = jobs.claim(["check"], lease_s=lease_s)
    assert job is not None
    return job


def test_jobs_are_done_in_the_order_in_which_they_came(jobs: Jobs) -> None:
    """The oldest of the wanted kinds is claimed, and no job twice."""
    first, _ = jobs.enqueue("check", {"n": 1})
    jobs.enqueue("index", {})
    second, _ = jobs.enqueue("check", {"n": 2}, spool_path=Path("/spool/x"))
    assert [_claimed(jobs).id, _claimed(jobs).id] == [first.id, second.id]
    assert jobs.claim(["check"]) is None
    assert [job.number for job in jobs.recent(limit=2)] == [3, 2]
    assert [job.number for job in jobs.recent(limit=2, before=2)] == [1]
    assert jobs.spool_paths() == {Path("/spool/x")}


def test_a_result_comes_back_as_it_was_given(jobs: Jobs) -> None:
    """Payload and result are any JSON."""
    jobs.enqueue("check", {"name": "ü", "deep": [1, {"a": None}]})
    done = jobs.finish(_claimed(jobs), {"verdict": "match"})
    assert (done.state, done.result, done.payload["name"]) == (JobState.DONE, {"verdict": "match"}, "ü")
    assert done.ended_at is not None and jobs.count()[JobState.DONE] == 1


@pytest.mark.parametrize("column", ["result", "payload"])
def test_a_flipped_bit_of_a_stored_job_is_an_error(tmp_path: Path, column: str) -> None:
    """Whichever bit of a job's payload or result flips, reading it is an error, never another answer."""
    with Writer.open(HomeAddress(tmp_path), codec=CODEC) as writer:
        jobs, catalog = Jobs(writer.catalog), writer.catalog
        jobs.enqueue("check", {"effort": "fast"})
        done = jobs.finish(_claimed(jobs), {"verdict": "match", "e_value": 1e-9})
        with catalog.reading() as connection:
            stored = str(connection.exec_driver_sql(f"SELECT {column} FROM job").scalar_one()).encode()
        for place in range(len(stored)):
            for bit in (0, 3, 6):
                broken = bytearray(stored)
                broken[place] ^= 1 << bit
                with catalog.writing() as connection:
                    connection.execute(
                        text(f"UPDATE job SET {column} = CAST(:broken AS TEXT)"), {"broken": bytes(broken)}
                    )
                with pytest.raises(CatalogDamaged):
                    jobs.get(done.id)


def test_a_job_of_before_is_still_read(tmp_path: Path) -> None:
    """Payloads and results that were stored without a checksum are read as they are."""
    with Writer.open(HomeAddress(tmp_path), codec=CODEC) as writer:
        jobs, catalog = Jobs(writer.catalog), writer.catalog
        job, _ = jobs.enqueue("check", {"a": 1})
        with catalog.writing() as connection:
            connection.exec_driver_sql("""UPDATE job SET payload = '{"b": 2}', result = '{"c": 3}'""")
        again = jobs.get(job.id)
    assert again is not None and (again.payload, again.result) == ({"b": 2}, {"c": 3})


def test_a_failure_keeps_its_reason(jobs: Jobs) -> None:
    """A failed job says why, and is not tried again."""
    jobs.enqueue("check", {})
    failed = jobs.fail(_claimed(jobs), Failure(code="empty", message="no bytes", hint="send some"))
    assert failed.failure == Failure(code="empty", message="no bytes", hint="send some")
    assert jobs.claim(["check"]) is None


def test_the_same_request_twice_is_one_job(jobs: Jobs) -> None:
    """An idempotency key names one job; with another request it is refused."""
    job, is_new = jobs.enqueue("check", {"n": 1}, idempotency_key="k")
    again, is_new_again = jobs.enqueue("check", {"n": 1}, idempotency_key="k")
    assert (job.id, is_new) == (again.id, not is_new_again)
    with pytest.raises(KeyReused):
        jobs.enqueue("check", {"n": 2}, idempotency_key="k")


def test_a_job_whose_lease_ran_out_passes_to_another(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first worker's report no longer counts; a heartbeat would have kept the job."""
    jobs.enqueue("check", {})
    slow = _claimed(jobs, lease_s=10.0)
    jobs.heartbeat(slow, lease_s=100.0)
    later = time.time() + 50.0
    monkeypatch.setattr(time, "time", lambda: later)
    assert jobs.claim(["check"]) is None
    monkeypatch.setattr(time, "time", lambda: later + 100.0)
    quick = _claimed(jobs)
    assert quick.id == slow.id and quick.attempts == 2
    with pytest.raises(JobLost):
        jobs.finish(slow, {})
    assert jobs.finish(quick, {}).state is JobState.DONE


def test_a_job_that_is_stopped_again_and_again_without_progress_is_given_up(jobs: Jobs) -> None:
    """After its last attempt it has failed, says how often it was stopped, and can be tried again."""
    job, _ = jobs.enqueue("check", {}, spool_path=Path("/spool/y"))
    for _ in range(MAX_ATTEMPTS):
        _claimed(jobs)
        jobs.requeue_lost()
    assert jobs.claim(["check"]) is None
    failed = jobs.get(job.id)
    assert failed is not None and failed.state is JobState.FAILED
    assert failed.failure is not None and failed.failure.code == "job_gave_up"
    assert failed.is_retryable and job.id in jobs.unfinished()
    again = jobs.retry(job.id)
    assert again is not None and again.state is JobState.QUEUED and again.failure is None
    assert jobs.finish(_claimed(jobs), {}).state is JobState.DONE
    assert not jobs.spool_paths() & {Path("/spool/y")}


def test_only_deaths_without_progress_count(jobs: Jobs) -> None:
    """Getting further, and being stopped on purpose, begin the count anew or leave it."""
    job, _ = jobs.enqueue("index", {})
    for done in (1, 1, 2, 2, 2, 5):
        claimed = jobs.claim(["index"])
        assert claimed is not None
        jobs.heartbeat(claimed, items_done=done)
        jobs.requeue_lost()
    for _ in range(5):
        claimed = jobs.claim(["index"])
        assert claimed is not None
        jobs.release(claimed)
    now = jobs.get(job.id)
    assert now is not None and (now.state, now.items_done) == (JobState.QUEUED, 5)


def test_a_job_is_cancelled_once(jobs: Jobs) -> None:
    """Queued or running, it ends; its worker's report no longer counts; what has ended stays as it is."""
    queued, _ = jobs.enqueue("check", {})
    cancelled = jobs.cancel(queued.id)
    assert cancelled is not None and cancelled.state is JobState.CANCELLED
    assert jobs.claim(["check"]) is None
    jobs.enqueue("check", {})
    running = _claimed(jobs)
    jobs.cancel(running.id)
    with pytest.raises(JobLost):
        jobs.finish(running, {})
    jobs.enqueue("check", {})
    done = jobs.finish(_claimed(jobs), {})
    assert jobs.cancel(done.id) == done and jobs.retry(done.id) == done
    assert jobs.cancel("nobody") is None and jobs.retry("nobody") is None


def test_uploads_of_failed_jobs_are_let_go_of_when_they_are_old(jobs: Jobs) -> None:
    """Only those that were kept for a retry, and only once they are older than was asked."""
    kept, _ = jobs.enqueue("check", {}, spool_path=Path("/spool/z"))
    jobs.fail(_claimed(jobs), Failure(code="job_too_long", message="long", hint="split"))
    assert jobs.release_uploads(ended_before=time.time() - 60) == []
    assert jobs.release_uploads(ended_before=time.time() + 60) == [Path("/spool/z")]
    gone = jobs.get(kept.id)
    assert gone is not None and gone.spool_path is None and not gone.is_retryable


def test_another_tenants_job_does_not_exist(jobs: Jobs, writer: Writer) -> None:
    """Jobs are seen by their tenant alone."""
    job, _ = jobs.enqueue("check", {})
    stranger = Jobs(writer.catalog, tenant="stranger")
    assert stranger.get(job.id) is None and stranger.claim(["check"]) is None
    assert stranger.recent(limit=9) == []
