"""Made-up requests to every operation of the server's description, by Schemathesis."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx2

from benchmarks.serving.server_process import PATIENCE_S, ServerProcess

SCHEMATHESIS: Final = Path(sys.executable).with_name("schemathesis")
CHECKS: Final = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)


def openapi(server: ServerProcess, *, seconds: int, seed: int) -> Iterator[dict[str, Any]]:
    """Send valid and wrong requests to every operation, half of the time with ids of real objects."""
    with tempfile.TemporaryDirectory() as folder, httpx2.Client(base_url=server.address) as client:
        config, report = Path(folder) / "schemathesis.toml", Path(folder) / "report.json"
        failures, n_cases, operations = list[str](), 0, 0
        for known in (_real_ids(client), {}):
            config.write_text(_as_toml(known), "utf-8")
            command = [str(SCHEMATHESIS), "--config-file", str(config), "run"]
            command += [f"{server.address}/openapi.json"]
            command += ["--checks", ",".join(CHECKS), "--report-json-path", str(report), "--seed", str(seed)]
            command += ["--max-time", str(seconds // 2), "--request-timeout", str(PATIENCE_S)]
            command += ["--continue-on-failure", "--no-color"]
            ran = subprocess.run(command, cwd=folder, capture_output=True, check=False)
            if ran.returncode not in (0, 1):  # 1: it found something
                raise RuntimeError(f"schemathesis ended with {ran.returncode}: {ran.stderr[-500:]!r}")
            found = json.loads(report.read_bytes())
            report.unlink()
            n_cases += found["test_cases"]["generated"]
            operations = found["operations"]["tested"]
            for each in [*found["failures"], *found["errors"]]:
                failures += [f"{each.get('title', each)}: {', '.join(each.get('operations', []))}"]
    yield {"what": "openapi", "operations": operations, "requests": n_cases, "failures": failures}


def _real_ids(client: httpx2.Client) -> dict[str, str]:
    """Return ids of objects of the server, by the name that they have in addresses."""
    job = client.get("/v1/jobs").json()["jobs"][0]
    works = client.get("/v1/works").json()["works"]
    datasets = client.get("/v1/datasets").json()["datasets"]
    ids = {"job_id": job["id"], "dataset": f"{datasets[0]['name']}:{datasets[0]['version']}"}
    return ids | ({"work_id": works[0]["id"]} if works else {})


def _as_toml(ids: dict[str, str]) -> str:
    return "".join(
        ["[parameters]\n", *(f'"path.{name}" = {json.dumps(each)}\n' for name, each in ids.items())]
    )
