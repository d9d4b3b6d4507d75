"""A real server on a disk that fills up and is freed: accepted jobs are done, and the server continues."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.http.test_real_server import SAMPLES, answer_of, free_port, running, send

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="limits of another process are Linux's"),
]


@contextmanager
def full_disk(process: int) -> Iterator[None]:
    """Let a running process write to no file beyond its first bytes."""
    hard = resource.prlimit(process, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(process, resource.RLIMIT_FSIZE, (1, hard))
    try:
        yield
    finally:
        resource.prlimit(process, resource.RLIMIT_FSIZE, (hard, hard))


def test_a_full_disk_is_reported_and_accepted_jobs_are_done_when_it_is_freed(tmp_path: Path) -> None:
    """Uploads are refused, jobs that failed by the full disk can be retried, and both lanes continue."""
    works = sorted((SAMPLES / "originals").iterdir())
    with running(tmp_path / "home", free_port()) as (client, process):
        accepted = send(client, "/v1/works", works[0], title="first")
        with full_disk(process.pid):
            until = time.monotonic() + 60
            while client.get("/readyz").status_code == 200 and time.monotonic() < until:
                time.sleep(0.1)
            assert client.get("/readyz").status_code == 503
            assert client.get("/livez").status_code == 200
            with works[1].open("rb") as file:
                refused = client.post("/v1/works", files={"file": file})
            assert refused.status_code in {500, 503, 507}, refused.text
        job = answer_of(client, accepted)
        if job["state"] == "failed":  # the disk was full while it was being done
            assert client.post(job["links"]["retry"]).status_code == 202
            job = answer_of(client, accepted)
        assert (job["state"], job["result"]["status"]) == ("done", "registered")
        assert answer_of(client, send(client, "/v1/works", works[1]))["result"]["status"] == "registered"
        archive = send(client, "/v1/collections", SAMPLES / "scraped.zip", name="scraped")
        assert answer_of(client, archive)["state"] == "done"
        assert client.get("/readyz").status_code == 200
        assert list((tmp_path / "home" / "spool").iterdir()) == []
