"""Jobs over HTTP: listed by state and kind, and waited for."""

from __future__ import annotations

import threading
import time

import pytest

from tests.http.conftest import Serve, wait_for

AUDIO = {"file": ("song.wav", b"some sound")}


def test_jobs_are_listed_newest_first_by_state_and_kind(serve: Serve, gate: threading.Event) -> None:
    """Following the cursor lists each job once; `state` and `kind` choose among them."""
    with serve(lambda job, _: {"waited": job.kind == "index" and gate.wait(20)}) as client:
        works = [client.post("/v1/works", files=AUDIO).json()["id"] for _ in range(3)]
        index = client.post("/v1/collections", files=AUDIO, data={"name": "set"}).json()["id"]
        for each in works:
            wait_for(client, f"/v1/jobs/{each}")
        found, address = [], "/v1/jobs?limit=2"
        while address:
            page = client.get(address).json()
            found += [each["id"] for each in page["jobs"]]
            address = page["next"] and f"/v1/jobs?limit=2&cursor={page['next']}"
        assert found == [index, *reversed(works)]

        def chosen(query: str) -> list[str]:
            return [each["id"] for each in client.get(f"/v1/jobs?{query}").json()["jobs"]]

        assert chosen("state=done") == list(reversed(works))
        assert chosen("state=running&state=queued") == chosen("kind=index") == [index]
        assert client.get("/v1/jobs?state=asleep").status_code == 422


def test_a_request_waits_for_its_job(serve: Serve, gate: threading.Event) -> None:
    """With `wait` the answer comes when the job has ended, and not before."""
    with serve(lambda *_: {"waited": gate.wait(20)}) as client:
        address = client.post("/v1/works", files=AUDIO).headers["Location"]
        assert client.get(f"{address}?wait=0.1").json()["ended_at"] is None
        threading.Timer(0.2, gate.set).start()
        job = client.get(f"{address}?wait=20").json()
        assert (job["state"], job["result"]) == ("done", {"waited": True})


def test_a_stopping_server_answers_those_who_wait(serve: Serve, gate: threading.Event) -> None:
    """A request that waits does not hold the server up."""
    with serve(lambda *_: {"waited": gate.wait(20)}) as client:
        address = client.post("/v1/works", files=AUDIO).headers["Location"]
        client.app.state.service.stopping.set()
        began = time.monotonic()
        assert client.get(f"{address}?wait=30").json()["ended_at"] is None
        assert time.monotonic() - began < 20


@pytest.mark.parametrize("wait", ["61", "-1", "nan", "long"])
def test_a_wait_has_a_limit(serve: Serve, wait: str) -> None:
    """More than a minute, or no number, is refused."""
    with serve() as client:
        assert client.get(f"/v1/jobs/x?wait={wait}").status_code == 422
