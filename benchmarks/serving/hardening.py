"""``python -m benchmarks hardening``: the server under hostile load, as figures.

Rows of the record, by ``what``:

``upload``
    One chunked body without a stated length: ``sent_mib`` until the answer, its ``status``, the seconds, and
    by how many MiB the memory of the server process grew.
``slow``
    Requests of others before and while ``clients`` connections, each from an address of its own, send one
    byte of an upload a second: their median and 95th percentile in ms, and how many were not answered.
``idempotency``
    Uploads that were sent at once with one ``Idempotency-Key``: how many were accepted, and how many jobs
    they are.
``openapi``
    See `benchmarks.serving.openapi_cases`: how many ``requests`` were made up of how many ``operations``, and
    which answers were not as the description declares, or an error of the server.
``kills``
    Workers killed (SIGKILL) while checks are done: the states of the accepted jobs in the end, with the codes
    of their errors (``job_gave_up`` is a job that was set aside after three stops) and their verdicts.
``terms``
    Servers ended (SIGTERM) under load and started again: the seconds until each ended, and how many of the
    jobs that they had accepted have no result in the end.
"""

from __future__ import annotations

import argparse
import random
import socket
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final

import httpx2
import psutil

from benchmarks.report.records import record, save
from benchmarks.serving.openapi_cases import openapi
from benchmarks.serving.server_process import PATIENCE_S, MemoryWatch, ServerProcess, job_of, running
from earwitness.fingerprint.extract import extractor

SAMPLES: Final = Path(__file__).parents[2] / "sample_audio"
WORK: Final = SAMPLES / "originals" / "tin_parade.mp3"
MIB: Final = 1 << 20
N_ASKED: Final = 200
"""Requests of others whose time is measured, before and under load."""

Rows = Iterator[dict[str, Any]]


def main(argv: Sequence[str]) -> int:
    """Run the parts, print their rows, and write the record."""
    options = _arguments(argv)
    rows = list[dict[str, Any]]()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        with running(home) as server:
            index_sample(server)
            parts = {
                "upload": lambda: upload(server, n_mib=options.mib),
                "slow": lambda: slow(server, n_clients=options.clients),
                "idempotency": lambda: idempotency(server, n=50),
                "kills": lambda: kills(server, n=options.kills, seed=options.seed),
            }
            for name in options.parts:
                for row in parts[name]() if name in parts else ():
                    rows.append(row)
                    print(row, flush=True)
        if "openapi" in options.parts:
            # in a home of its own, of which the requests delete what is there
            with running(Path(folder) / "described") as described:
                index_sample(described)
                for row in openapi(described, seconds=options.seconds, seed=options.seed):
                    rows.append(row)
                    print(row, flush=True)
        if "terms" in options.parts:
            for row in terms(home, n=options.terms, seed=options.seed):
                rows.append(row)
                print(row, flush=True)
    stated = {name: value for name, value in vars(options).items() if name not in {"seed", "record"}}
    if options.record:
        made = record("hardening", scheme=extractor().scheme, seed=options.seed, options=stated, rows=rows)
        save(made, options.record)
    return 0


def index_sample(server: ServerProcess) -> None:
    """Index the bundled dataset, so that there is something to compare with."""
    with httpx2.Client(base_url=server.address, timeout=PATIENCE_S) as client:
        with (SAMPLES / "scraped.zip").open("rb") as file:
            sent = client.post("/v1/collections", files={"file": file}, data={"name": "scraped"})
        job_of(client, sent.headers["Location"])


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    it = argparse.ArgumentParser(prog="python -m benchmarks hardening", description=__doc__)
    every = ["upload", "slow", "idempotency", "openapi", "kills", "terms"]
    it.add_argument("--parts", nargs="+", choices=every, default=every)
    it.add_argument("--mib", type=int, default=10 << 10, help="MiB of the chunked upload")
    it.add_argument("--clients", type=int, default=500, help="slow connections")
    it.add_argument("--seconds", type=int, default=600, help="of made-up requests")
    it.add_argument("--kills", type=int, default=1_000, help="workers to kill")
    it.add_argument("--terms", type=int, default=100, help="servers to end under load")
    it.add_argument("--seed", type=int, default=0)
    it.add_argument("--record", help="name of the record of raw answers")
    return it.parse_args(argv)


def upload(server: ServerProcess, *, n_mib: int) -> Rows:
    """Send a chunked body that is larger than any upload may be."""
    begin, sent_mib, answer = time.monotonic(), 0, b""
    head = (
        b"POST /v1/checks HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n"
        b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
    )
    first = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    with MemoryWatch(server) as memory, socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head + b"%x\r\n%b\r\n" % (len(first), first))
        with suppress(OSError):
            for _ in range(n_mib):
                connection.sendall(b"%x\r\n%b\r\n" % (MIB, bytes(MIB)))
                sent_mib += 1
            connection.sendall(b"0\r\n\r\n")
        with suppress(OSError):
            answer = connection.recv(4096)
    grown = (memory.most_bytes - memory.before_bytes) / MIB
    status = int(answer.split()[1]) if answer.startswith(b"HTTP/1.1 ") else None
    seconds = round(time.monotonic() - begin, 2)
    yield {
        "what": "upload",
        "sent_mib": sent_mib,
        "status": status,
        "s": seconds,
        "grown_mib": round(grown, 1),
    }


def slow(server: ServerProcess, *, n_clients: int) -> Rows:
    """Measure what others wait for, before and while many connections send very slowly."""
    before = _asked(server)
    ended = threading.Event()
    with ExitStack() as stack:
        stack.callback(ended.set)
        open_ = [stack.enter_context(_slow_connection(server, number)) for number in range(n_clients)]
        dripping = threading.Thread(target=_drip, args=(open_, ended), daemon=True)
        dripping.start()
        during = _asked(server)
    dripping.join()
    for load, times in (("none", before), ("slow", during)):
        answered = sorted(each for each in times if each is not None)
        yield {
            "what": "slow",
            "clients": n_clients if load == "slow" else 0,
            "requests": len(times),
            "not_answered": times.count(None),
            "median_ms": round(statistics.median(answered) * 1e3, 2),
            "p95_ms": round(answered[round(0.95 * (len(answered) - 1))] * 1e3, 2),
        }


def _asked(server: ServerProcess) -> list[float | None]:
    """Return the seconds of requests one after the other; None for one that was not answered."""
    times = list[float | None]()
    with httpx2.Client(base_url=server.address, timeout=PATIENCE_S) as client:
        for number in range(N_ASKED):
            begin = time.perf_counter()
            try:
                answer = client.get(("/", "/v1/works")[number % 2])
                times.append(time.perf_counter() - begin if answer.status_code == 200 else None)
            except httpx2.TransportError:
                times.append(None)
    return times


def _slow_connection(server: ServerProcess, number: int) -> socket.socket:
    source = f"127.0.{1 + number // 250}.{1 + number % 250}"
    connection = socket.create_connection(("127.0.0.1", server.port), source_address=(source, 0))
    connection.sendall(
        b"POST /v1/checks HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n"
        b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
    )
    return connection


def _drip(connections: Sequence[socket.socket], ended: threading.Event) -> None:
    while not ended.wait(1.0):
        for each in connections:
            with suppress(OSError):  # the server may have closed it
                each.sendall(b"C")


def idempotency(server: ServerProcess, *, n: int) -> Rows:
    """Send one request many times at once."""
    contents, key = WORK.read_bytes(), {"Idempotency-Key": f"key-{time.time_ns()}"}

    def send(_: int) -> tuple[int, str]:
        files = {"file": (WORK.name, contents)}
        url = f"{server.address}/v1/checks"
        for _ in range(20):
            answer = httpx2.post(url, files=files, headers=key, timeout=PATIENCE_S)
            if answer.status_code not in {429, 503}:
                return answer.status_code, answer.headers.get("Location", "")
            time.sleep(1.0)
        return answer.status_code, ""

    with ThreadPoolExecutor(n) as pool:
        answers = list(pool.map(send, range(n)))
    accepted = [address for status, address in answers if status == 202]
    statuses = {str(status): number for status, number in Counter(status for status, _ in answers).items()}
    yield {
        "what": "idempotency",
        "requests": n,
        "accepted": len(accepted),
        "jobs": len(set(accepted)),
        "statuses": statuses,
    }


def kills(server: ServerProcess, *, n: int, seed: int) -> Rows:
    """Kill workers at random moments while checks are done."""
    rng, accepted, n_killed = random.Random(seed), list[str](), 0
    with httpx2.Client(base_url=server.address, timeout=PATIENCE_S) as client:
        while n_killed < n:
            while _n_waiting(client) < 4:
                accepted.append(_check(client))
            time.sleep(rng.uniform(0.02, 1.5))
            with suppress(psutil.Error, IndexError):
                rng.choice(server.workers()).kill()
                n_killed += 1
        jobs = [job_of(client, each) for each in accepted if each]
    states = Counter(each["state"] for each in jobs)
    yield {
        "what": "kills",
        "kills": n_killed,
        "jobs": len(jobs),
        "states": dict(states),
        "errors": dict(Counter(_error_code(each) for each in jobs)),
        "verdicts": dict(Counter((each.get("result") or {}).get("verdict", "") for each in jobs)),
    }


def _error_code(job: Mapping[str, Any]) -> str:
    """Return the code of the error of a job, or of its result; empty where there is none."""
    error = job.get("error") or (job.get("result") or {}).get("error") or {}
    return str(error.get("code", ""))


def _n_waiting(client: httpx2.Client) -> int:
    states = ("queued", "running")
    return sum(len(client.get("/v1/jobs", params={"state": each}).json()["jobs"]) for each in states)


def _check(client: httpx2.Client) -> str:
    """Send a check, and return the address of its job; empty where it was not accepted."""
    try:
        sent = client.post(
            "/v1/checks", files={"file": (WORK.name, WORK.read_bytes())}, data={"effort": "fast"}
        )
    except httpx2.TransportError:
        return ""
    if sent.status_code == 409:  # as it would be each time
        raise RuntimeError(f"no check is possible: {sent.text}")
    return str(sent.headers["Location"]) if sent.status_code == 202 else ""


def terms(home: Path, *, n: int, seed: int) -> Rows:
    """End servers under load; the next one does what they had accepted."""
    rng, accepted, ended_s = random.Random(seed), list[str](), list[float]()
    for _ in range(n):
        with running(home) as server, httpx2.Client(base_url=server.address, timeout=PATIENCE_S) as client:
            sending = threading.Event()

            def load(client: httpx2.Client = client, sending: threading.Event = sending) -> None:
                while not sending.is_set():
                    accepted.append(_check(client))
                    sending.wait(0.3)

            clients = [threading.Thread(target=load) for _ in range(4)]
            for each in clients:
                each.start()
            time.sleep(rng.uniform(0.3, 3.0))
            ended_s.append(round(server.stop(), 2))
            sending.set()
            for each in clients:
                each.join()
    with running(home) as server, httpx2.Client(base_url=server.address, timeout=PATIENCE_S) as client:
        states = Counter(job_of(client, each)["state"] for each in accepted if each)
    yield {
        "what": "terms",
        "servers": n,
        "jobs": sum(states.values()),
        "states": dict(states),
        "slowest_s": max(ended_s),
        "ended_s": ended_s,
    }
