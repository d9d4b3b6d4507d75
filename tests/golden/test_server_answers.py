"""Answers of the server to uploads, and results of its jobs, equal the expected ones."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from tests.golden.compare import check
from tests.golden.normalise import SAMPLES, Normaliser
from tests.golden.product import served
from tests.golden.queries import queries

TIMEOUT_S = 120.0


class Server:
    """A client that stores every answer under a name."""

    def __init__(self, client: TestClient, normaliser: Normaliser) -> None:
        self._client, self._normaliser = client, normaliser
        self.answers: dict[str, Any] = {}

    def get(self, name: str, address: str) -> None:
        """Store the answer to a request without an upload."""
        answer = self._client.get(address)
        self.answers[name] = {"status": answer.status_code, "answer": self._normaliser.value(answer.json())}

    def send(self, case: str, address: str, file: str, data: bytes, **fields: object) -> None:
        """Upload a file; store the answer, and the finished job with its findings."""
        self._normaliser.add({file: data})
        answer = self._client.post(address, files={"file": (file, data)}, data=fields)
        stored = {"status": answer.status_code, "answer": self._normaliser.value(answer.json())}
        if answer.status_code == 202:
            job = self._finished(answer.headers["Location"])
            stored["job"] = self._normaliser.value(job)
            if job["links"]["findings"]:
                lines = self._client.get(job["links"]["findings"]).text.splitlines()
                stored["findings"] = [self._normaliser.value(json.loads(line)) for line in lines]
        self.answers[case] = stored

    def _finished(self, address: str) -> dict[str, Any]:
        until = time.monotonic() + TIMEOUT_S
        while (job := self._client.get(address).json())["state"] in {"queued", "running"}:
            assert time.monotonic() < until, job
            time.sleep(0.05)
        return dict(job)


def test_the_server(update: bool, tmp_path: Path) -> None:
    """Jobs of works, datasets, scans and checks, and refused requests, have the expected answers."""
    makers, scraped = queries(), (SAMPLES / "scraped.zip").read_bytes()
    with served(tmp_path / "home") as client:
        server = Server(client, Normaliser(tmp_path))
        song = (SAMPLES / "originals/tin_parade.mp3").read_bytes()
        server.send("check, nothing indexed", "/v1/checks", "song.mp3", song)
        server.send("scan, nothing registered", "/v1/collections?scan=true", "scraped.zip", scraped)
        for path in sorted((SAMPLES / "originals").glob("*.opus")):
            server.send(f"work {path.name}", "/v1/works", path.name, path.read_bytes(), owner="An Artist")
        for name in ("silence-6s.flac", "page.mp3", "clean-8s-night_bus.flac"):
            server.send(f"work {name}", "/v1/works", name, makers[name](), title="A Title")
        server.send("work", "/v1/works", "song.mp3", song, owner="An Artist")
        server.send("work again", "/v1/works", "song.mp3", song, owner="An Artist", title="New")
        server.send("work, bad code", "/v1/works", "song.mp3", song, isrc="no code")
        server.send("dataset", "/v1/collections", "scraped.zip", scraped, name="scraped")
        server.send("dataset again", "/v1/collections", "scraped.zip", scraped, name="scraped")
        server.send("dataset, no archive", "/v1/collections", "page.zip", makers["page.mp3"](), name="page")
        server.send("dataset, no name", "/v1/collections", "scraped.zip", scraped)
        server.send("scan", "/v1/collections?scan=true", "scraped.zip", scraped, effort="fast")
        for name in ("clean-20s-tin_parade.flac", "absent-02-12s.flac", "page.mp3", "silence-6s.flac"):
            server.send(f"check {name}", "/v1/checks", name, makers[name]())
        server.send("check, fast", "/v1/checks", "song.mp3", song, effort="fast", collections="scraped")
        server.send("check, unknown dataset", "/v1/checks", "song.mp3", song, collections="other")
        server.send("check, unknown field", "/v1/checks", "song.mp3", song, efort="fast")
        server.get("collections", "/v1/collections")
        server.get("no such job", "/v1/jobs/nobody")
        server.get("no such address", "/v1/nothing")
    check("server", server.answers, update=update)
