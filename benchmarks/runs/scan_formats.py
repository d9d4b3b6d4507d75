"""One dataset of short items in three packings: equal findings, speed, memory, and resumed scans after kills.

    python -m benchmarks scan-formats --items 10000 --work work/scan-formats

Only `earwitness` commands scan. Rows, by ``what``: ``decode`` (the same items only decoded, by as many
processes), ``scan`` (one for each packing, and for each effort on a sample), ``same`` (items on which two
packings differ), ``kills``, ``excerpt`` (one for each degraded excerpt of a registered work). Times are
wall times with the start; ``cpu_s``, ``rss_mb`` and ``pss_mb`` are summed over all processes.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import psutil

from benchmarks.data.corpus import Corpus, Track
from benchmarks.data.packings import PACKINGS, pack
from benchmarks.data.scan_items import Item, make, plan, some, works
from benchmarks.report.records import record, save
from benchmarks.runs.crash import EARWITNESS, Moment, forget
from benchmarks.runs.crash import run as run_killed
from benchmarks.runs.scan_rates import earwitness, link
from benchmarks.systems.resource_meter import Meter
from earwitness.api.scan.checkpoint import partial_path
from earwitness.fingerprint.decode import Decoder
from earwitness.fingerprint.errors import AudioError
from earwitness.fingerprint.extract import extractor

Row = dict[str, Any]

LEAST_RUN_S: Final = 4.0
"""Seconds before the first kill, so that a scan has finished starting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Settings and paths of all measurements."""

    work: Path
    home: Path
    workers: int
    truth: Mapping[str, Item]
    named: Mapping[str, Track]
    """Track of each registered file, by name."""


def main(argv: Sequence[str]) -> int:
    """Write the items, register the works, scan, compare, kill, write the record."""
    options = _options(argv)
    corpus = Corpus.open(options.corpus)
    registered = works(corpus, options.works)
    items = plan(corpus, registered, n=options.items, n_degraded=options.degraded, seed=options.seed)
    folder = options.work / "items"
    make(corpus, items, folder, n_processes=options.workers, seed=options.seed)
    home = options.work / f"home-{extractor().scheme}-{options.works}"
    bench = Bench(
        work=options.work, home=home, workers=options.workers,
        truth={Path(item.name).name: item for item in items},
        named=link(corpus.root, registered, options.work / "works"),
    )  # fmt: skip
    if not home.exists():
        earwitness(home, "register", str(options.work / "works"), "--owner", "open corpus")
    packed = {
        packing: pack(packing, items, folder=folder, target=options.work / f"{packing}-{options.items}")
        for packing in options.packings.split(",")
    }
    rows = list(measure(bench, packed, items, options))
    settings = {key: value for key, value in vars(options).items() if key not in ("corpus", "work", "name")}
    settings |= {
        "items": len(items),
        "hours_of_works": round(sum(t.duration_s for t in registered) / 3600, 2),
    }
    made = record("scan-formats", scheme=extractor().scheme, seed=options.seed, options=settings, rows=rows)
    print(save(made, options.name))
    return 0


def _options(argv: Sequence[str]) -> argparse.Namespace:
    it = argparse.ArgumentParser(prog="python -m benchmarks scan-formats", description=__doc__)
    it.add_argument("--corpus", type=Path, default=Path("corpus"))
    it.add_argument("--work", type=Path, default=Path("work/scan-formats"))
    it.add_argument("--items", type=int, default=10_000)
    it.add_argument("--degraded", type=int, default=300)
    it.add_argument("--works", type=int, default=60)
    it.add_argument("--packings", default=",".join(PACKINGS))
    it.add_argument("--kills", type=int, default=20)
    it.add_argument("--sample", type=int, default=300, help="items that each effort is timed on; 0 for none")
    it.add_argument("--workers", type=int, default=2)
    it.add_argument("--seed", type=int, default=11)
    it.add_argument("--name", default="scan-formats")
    return it.parse_args(argv)


def measure(
    bench: Bench, packed: Mapping[str, Path], items: Sequence[Item], options: argparse.Namespace
) -> Iterator[Row]:
    """Yield all rows of the record in order, and print each when it is measured."""
    for row in _rows(bench, packed, items, options):
        if row["what"] != "excerpt":
            print(json.dumps(row), flush=True)
        yield row


def _rows(
    bench: Bench, packed: Mapping[str, Path], items: Sequence[Item], options: argparse.Namespace
) -> Iterator[Row]:
    first = next(iter(packed))
    yield decode_alone("all", [packed["folder"] / item.name for item in items], bench.workers)
    lasted_s = {}
    for packing, source in packed.items():
        row = scanned(bench, packing, source, "fast")
        lasted_s[packing] = row["wall_s"]
        yield row
    by_packing = {packing: findings(bench, packing, "fast") for packing in packed}
    for packing in list(packed)[1:]:
        differing = sum(
            by_packing[first].get(key) != by_packing[packing].get(key)
            for key in by_packing[first] | by_packing[packing]
        )
        yield {
            "what": "same",
            "packings": [first, packing],
            "items": len(by_packing[packing]),
            "differ": differing,
        }
    if options.kills:
        yield killed(
            bench, first, packed[first], lasted_s=lasted_s[first], kills=options.kills, seed=options.seed
        )
    if options.sample:
        few = some(items, options.sample)
        sample, one = (
            pack("folder", part, folder=options.work / "items", target=options.work / f"few-{len(part)}")
            for part in (few, few[:1])
        )
        yield scanned(bench, "start", one, "fast")
        yield decode_alone("sample", [sample / item.name for item in few], bench.workers)
        for effort in ("fast", "standard", "full"):
            yield scanned(bench, "sample", sample, effort)
    yield from excerpts(bench, first)


def decode_alone(case: str, files: Sequence[Path], n_processes: int) -> Row:
    """Decode the items in the sandbox, with as many processes as a scan has workers; return the row."""
    context = get_context("spawn")
    barrier, answers = context.Barrier(n_processes + 1), context.Queue()
    shares = [files[number::n_processes] for number in range(n_processes)]
    processes = [context.Process(target=_decode_all, args=(share, barrier, answers)) for share in shares]
    for process in processes:
        process.start()
    barrier.wait()
    began = time.perf_counter()
    with Meter(psutil.Process()) as meter:
        audio_s = sum(answers.get() for _ in processes)
        wall_s = time.perf_counter() - began
    for process in processes:
        process.join()
    return {
        "what": "decode", "case": case, "items": len(files), **_speeds(len(files), audio_s, wall_s),
        "cpu_s": meter.cpu_s,
    }  # fmt: skip


def _decode_all(files: Sequence[Path], barrier: Any, answers: Any) -> None:
    audio_s = 0.0
    with Decoder() as decoder:
        decoder.decode(files[0], name="warm")
        barrier.wait()
        for file in files:
            try:
                audio_s += decoder.decode(file, name=file.name).waveform.duration_s
            except AudioError as error:
                print(f"{file.name}: {error}", file=sys.stderr)
        answers.put(audio_s)


def _speeds(n_items: int, audio_s: float, wall_s: float) -> Row:
    return {
        "audio_h": round(audio_s / 3600, 3), "wall_s": round(wall_s, 1),
        "items_per_s": round(n_items / wall_s, 1), "x_real_time": round(audio_s / wall_s),
    }  # fmt: skip


def scanned(bench: Bench, packing: str, source: Path, effort: str) -> Row:
    """Run one complete scan without cached findings, and return its row."""
    forget(bench.home)
    out = _out(bench, packing, effort)
    for left in (out, partial_path(out)):  # left by an interrupted run
        left.unlink(missing_ok=True)
    command = [EARWITNESS, "--home", bench.home, "scan", source, "--force", "--out", out, "--effort", effort]
    began = time.perf_counter()
    process = subprocess.Popen(
        [*map(str, command), "--workers", str(bench.workers)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    with Meter(psutil.Process(process.pid)) as meter:
        process.wait()
    wall_s = time.perf_counter() - began
    if process.returncode not in (0, 1, 3):
        raise RuntimeError(f"the scan of {source} ended with {process.returncode}")
    lines = _lines(out)
    audio_s = sum(line["item"]["duration_s"] or 0.0 for line in lines)
    return {
        "what": "scan", "packing": packing, "effort": effort, "items": len(lines),
        **_speeds(len(lines), audio_s, wall_s), "rss_mb": meter.rss_mb, "pss_mb": meter.pss_mb,
        "cpu_s": meter.cpu_s,
        "verdicts": dict(Counter(line["verdict"] for line in lines)), **_scored(bench, lines),
    }  # fmt: skip


def _scored(bench: Bench, lines: Sequence[Mapping[str, Any]]) -> Row:
    """Return the numbers of excerpts matched with their work, and of items matched with another."""
    n_excerpts = right = wrong = listed = 0
    for line in lines:
        item = _item(bench, line)
        own = None if item.condition is None else item.track
        named = [] if line["verdict"] != "match" else _ranked_tracks(bench, line)
        n_excerpts += own is not None
        right += own is not None and own in named
        wrong += bool(named) and named[0] != own
        listed += own is not None and own in _ranked_tracks(bench, line)
    return {"excerpts": n_excerpts, "matched": right, "matched_or_possible": listed, "false_matches": wrong}


def _item(bench: Bench, line: Mapping[str, Any]) -> Item:
    """Return the origin of an item in any packing, by its file name."""
    item = bench.truth.get(Path(line["item"]["path"]).name)
    assert item is not None, line["item"]
    return item


def _ranked_tracks(bench: Bench, line: Mapping[str, Any]) -> list[str]:
    """Return the tracks of a finding, best first."""
    paths = [match["recording"]["path"] for match in line["matches"]]
    return [track.path for path in paths for name, track in bench.named.items() if path.endswith(name)]


def _out(bench: Bench, packing: str, effort: str) -> Path:
    return bench.work / f"findings-{packing}-{effort}.jsonl"


def _lines(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


def findings(bench: Bench, packing: str, effort: str) -> dict[str, Any]:
    """Return verdict, error code, duration and matches of each recording, by sha256."""
    return {
        line["item"]["sha256"]: (
            line["verdict"], line["error"] and line["error"]["code"], line["item"]["duration_s"],
            line["matches"],
        )
        for line in _lines(_out(bench, packing, effort))
    }  # fmt: skip


def killed(bench: Bench, packing: str, source: Path, *, lasted_s: float, kills: int, seed: int) -> Row:
    """Scan again, killed -9 at random moments and resumed; compare the findings byte by byte."""
    complete, out = _out(bench, packing, "fast"), bench.work / "findings-killed.jsonl"
    chance, after = random.Random(seed), list[float]()
    arguments = (
        "scan",
        source,
        "--effort",
        "fast",
        "--workers",
        bench.workers,
        "--force",
        "--resume",
        "--out",
        out,
    )
    scans = differing = 0
    while len(after) < kills:
        forget(bench.home)
        out.unlink(missing_ok=True)
        ran = None
        while ran is None or ran.killed:
            wait_s = LEAST_RUN_S + chance.uniform(0.0, 1.5 * lasted_s / kills)
            moment = Moment(after_s=wait_s) if len(after) < kills else None
            ran = run_killed(bench.home, bench.work / "stdout", *arguments, kill=moment)
            after += [round(ran.seconds, 2)] if ran.killed else []
        scans += 1
        differing += out.read_bytes() != complete.read_bytes()
    return {"what": "kills", "packing": packing, "kills": len(after), "scans": scans, "differ": differing,
            "after_s": after}  # fmt: skip


def excerpts(bench: Bench, packing: str) -> Iterator[Row]:
    """What became of each degraded excerpt at `fast`."""
    for line in _lines(_out(bench, packing, "fast")):
        item = _item(bench, line)
        if item.condition is not None:
            best = line["matches"][0] if line["matches"] else None
            yield {
                "what": "excerpt", "item": item.name, "condition": item.condition, "length_s": item.length_s,
                "verdict": line["verdict"], "right": item.track in _ranked_tracks(bench, line)[:1],
                "e_value": best and best["e_value"],
            }  # fmt: skip
