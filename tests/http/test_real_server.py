"""A real server process with real audio, and a real kill."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import jsonschema
import pytest

from earwitness.api.evidence.verify_evidence import verify_evidence
from earwitness.api.finding_json import schema, to_json
from earwitness.api.http.protection.api_keys import mint

EARWITNESS = Path(sys.executable).with_name("earwitness")
SAMPLES = Path(__file__).parents[2] / "sample_audio"
MINUTES_S = 180.0

pytestmark = pytest.mark.slow


@contextmanager
def running(
    home: Path, port: int, *, api_keys: str = ""
) -> Iterator[tuple[httpx2.Client, subprocess.Popen[bytes]]]:
    """Run ``earwitness serve`` until the block ends, unless it is killed before."""
    command = [str(EARWITNESS), "--home", str(home), "serve", "--port", str(port)]
    process = subprocess.Popen(command, env={**os.environ, "EARWITNESS_API_KEYS": api_keys})
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            wait_until_ready(client, process)
            yield client, process
    finally:
        process.terminate()
        process.wait(30)


def wait_until_ready(client: httpx2.Client, process: subprocess.Popen[bytes]) -> None:
    """Poll until the server takes work."""
    until = time.monotonic() + MINUTES_S
    while time.monotonic() < until and process.poll() is None:
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError("the server did not get ready")


def answer_of(client: httpx2.Client, address: str) -> dict[str, Any]:
    """Poll a job until it has ended."""
    until = time.monotonic() + MINUTES_S
    while (job := client.get(address).json())["state"] not in {"done", "failed"}:
        assert time.monotonic() < until, job
        time.sleep(0.2)
    return dict(job)


def fits(client: httpx2.Client, name: str, result: dict[str, Any]) -> None:
    """Assert that a result has the type of this name in the server's own description."""
    described = client.get("/openapi.json").json()
    jsonschema.validate(result, {**described, "$ref": f"#/components/schemas/{name}"})


def send(client: httpx2.Client, to: str, path: Path, **fields: str) -> str:
    """Upload a file, and return the address of its job."""
    with path.open("rb") as file:
        sent = client.post(to, files={"file": (path.name, file)}, data=fields)
    assert sent.status_code == 202, sent.text
    return str(sent.headers["Location"])


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_real_audio_matches_and_a_killed_server_does_its_accepted_jobs(tmp_path: Path) -> None:
    """Works match a dataset, and jobs that were accepted before a kill -9 are done after it.

    One of the works is registered by a command beside the server. Each answer has evidence that verifies, and
    each recording of a zip has an answer.
    """
    port, works = free_port(), sorted((SAMPLES / "originals").iterdir())[:3]
    with running(tmp_path / "home", port) as (client, process):
        beside = [str(EARWITNESS), "--home", str(tmp_path / "home"), "register", str(works[0])]
        subprocess.run(beside, check=True, capture_output=True)
        for work in works[1:]:
            job = answer_of(client, send(client, "/v1/works", work, title=work.stem))
            assert job["result"]["status"] == "registered", job
            fits(client, "WorkResultOut", job["result"])
        dataset = answer_of(client, send(client, "/v1/collections", SAMPLES / "scraped.zip", name="scraped"))
        assert dataset["result"]["matches"] > 0, dataset
        fits(client, "IndexResultOut", dataset["result"])
        scan = answer_of(client, send(client, "/v1/collections?scan=true", SAMPLES / "scraped.zip"))
        assert scan["result"]["verdicts"]["match"] == dataset["result"]["matches"]
        fits(client, "ScanResultOut", scan["result"])
        lines = client.get(scan["links"]["findings"]).text.splitlines()
        assert len(lines) == scan["result"]["items"]
        accepted = [send(client, "/v1/checks", work) for work in works]
        process.send_signal(signal.SIGKILL)
        process.wait()
    with running(tmp_path / "home", port) as (client, _):
        checked = [answer_of(client, address)["result"] for address in accepted]
        for finding in checked:
            jsonschema.validate(finding, schema("finding"))
        assert sum(finding["verdict"] == "match" for finding in checked) > 0
        assert list((tmp_path / "home" / "spool").iterdir()) == []
        page = client.get(accepted[0].replace("/v1", "")).text
        assert works[0].name in page
        matched = next(at for at, found in zip(accepted, checked, strict=True) if found["verdict"] == "match")
        assert '<img class="picture"' in client.get(matched.replace("/v1", "")).text
        file = tmp_path / "evidence.json"
        for address, finding in zip(accepted, checked, strict=True):
            file.write_bytes(client.get(f"{address}/evidence").content)
            assert [to_json(each) for each in verify_evidence(file).findings] == [finding]
        album = answer_of(client, send(client, "/v1/checks", SAMPLES / "scraped.zip"))
        tracks = client.get(album["links"]["batch"]).json()["jobs"][1:]
        assert len(tracks) == album["result"]["tracks"] > 1
        found = [answer_of(client, track["links"]["self"])["result"]["verdict"] for track in tracks]
        assert found.count("match") == sum(each != "not_readable" for each in found) > 1


def test_a_tenants_searches_find_only_what_it_stored(tmp_path: Path) -> None:
    """Checks, scans and lookups of one tenant never find works or datasets of another, nor share its answers.

    Both tenants send the same files, so that equal audio, equal names and cached findings meet in one home.
    """
    works = [SAMPLES / "originals" / "tin_parade.mp3"]
    works += [each for each in sorted((SAMPLES / "originals").iterdir()) if each not in works][:1]
    pairs = {each: mint(each) for each in ("zebra", "mouse")}
    records = ",".join(str(record) for _, record in pairs.values())
    with running(tmp_path / "home", free_port(), api_keys=records) as (client, _):

        def act_as(tenant: str) -> None:
            client.headers["Authorization"] = f"Bearer {pairs[tenant][0]}"

        def result(to: str, path: Path, **fields: str) -> dict[str, Any]:
            return dict(answer_of(client, send(client, to, path, **fields))["result"])

        act_as("zebra")
        assert result("/v1/works", works[0], title="zebra song")["status"] == "registered"
        assert result("/v1/collections", SAMPLES / "scraped.zip", name="zebra-set")["matches"] > 0
        assert result("/v1/checks", works[0])["verdict"] == "match"
        assert result("/v1/collections?scan=true", SAMPLES / "scraped.zip")["verdicts"]["match"] > 0
        act_as("mouse")
        with works[0].open("rb") as file:
            assert client.post("/v1/checks", files={"file": file}).status_code == 409
        registered = result("/v1/works", works[1], title="mouse song")
        assert (registered["status"], registered["finding"]) == ("registered", None)
        scan = result("/v1/collections?scan=true", SAMPLES / "scraped.zip")
        assert "zebra song" not in scan["works"]
        archive = tmp_path / "own.zip"
        with zipfile.ZipFile(archive, "w") as packed:
            packed.write(works[1], works[1].name)
        assert result("/v1/collections", archive, name="mouse-set")["matches"] == 1
        answer = result("/v1/checks", works[0])
        assert answer["verdict"] == "no_match" and "zebra" not in json.dumps(answer)
        assert result("/v1/works", works[0], title="mouse cover")["status"] == "registered"
        act_as("zebra")
        again = result("/v1/checks", works[0])
        assert again["verdict"] == "match" and "mouse" not in json.dumps(again)
        titles = [each["title"] for each in client.get("/v1/works").json()["works"]]
        assert titles == ["zebra song"]
