"""The main job on the open corpus: its tracks as works and as a dataset, a zip of degraded excerpts scanned.

Only `earwitness` commands are run. Rows: ``item``, ``condition``, ``track``, ``verdict``, ``named`` (the best
match's path) and ``off`` (seconds from the right place, a repeat counting as zero).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.data.corpus import Corpus, Track
from benchmarks.data.degrade import CONDITIONS
from benchmarks.data.fetch import packages
from benchmarks.data.overlays import Material
from benchmarks.data.queries import Excerpt, degraded, pick
from benchmarks.report.records import record, save
from benchmarks.report.score import SAME_SOUND, repeat_similarity
from earwitness.fingerprint.extract import extractor

SCANNED: Final = ("clean", "mp3_32k", "opus_12k", "band_300_3400")
QUERY_S: Final = 8.0
SEED: Final = 3


def main(argv: Sequence[str]) -> int:
    """Register, index, scan, score, write the record."""
    it = argparse.ArgumentParser(prog="python -m benchmarks scan-rates", description=__doc__)
    it.add_argument("--corpus", type=Path, default=Path("corpus"))
    it.add_argument("--work", type=Path, default=Path("work"))
    it.add_argument("--items", type=int, default=200)
    it.add_argument("--effort", default="fast")
    options = it.parse_args(argv)
    corpus = Corpus.open(options.corpus)
    core = set(packages("core"))
    tracks = [t for t in corpus.select(kind="music") if t.package in core]
    folder = options.work / "scan-rates"
    links = link(corpus.root, tracks, folder / "core")
    home = folder / f"home-{extractor().scheme}"
    seconds = {
        "register": earwitness(home, "register", str(folder / "core"), "--owner", "open corpus"),
        "index": earwitness(home, "index", str(folder / "core"), "--name", "open-core"),
    }
    excerpts = make_zip(corpus, tracks, folder / "excerpts.zip", n=options.items, work=options.work)
    out = folder / "findings.jsonl"
    out.unlink(missing_ok=True)
    seconds["scan"] = earwitness(
        home, "scan", str(folder / "excerpts.zip"), "--out", str(out), "--effort", options.effort
    )
    findings = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    rows = [row(corpus.root, finding, excerpts, links) for finding in findings]
    settings = {"effort": options.effort, "seconds": seconds, "tracks": len(tracks),
            "hours": round(sum(track.duration_s for track in tracks) / 3600, 2)}  # fmt: skip
    print(
        save(
            record("scan-rates", scheme=extractor().scheme, seed=SEED, options=settings, rows=rows),
            "scan-rates",
        )
    )
    return 0


def link(root: Path, tracks: Sequence[Track], folder: Path) -> dict[str, Track]:
    """Hard-link the tracks into one folder; return each name with its track."""
    named = {f"{track.package}/{track.sha256[:8]}{Path(track.path).suffix}": track for track in tracks}
    for name, track in named.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            target.hardlink_to(root / track.path)
    return named


def earwitness(home: Path, *arguments: str) -> float:
    """Run a command and return its seconds; exit 1 means findings, 3 unreadable items."""
    start = time.perf_counter()
    done = subprocess.run(
        [Path(sys.executable).with_name("earwitness"), *arguments],
        env=os.environ | {"EARWITNESS_HOME": str(home)}, stdout=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    if done.returncode not in (0, 1, 3):
        raise RuntimeError(f"earwitness {arguments[0]} ended with {done.returncode}")
    return round(time.perf_counter() - start, 1)


def make_zip(
    corpus: Corpus, tracks: Sequence[Track], path: Path, *, n: int, work: Path
) -> dict[str, tuple[Excerpt, str]]:
    """Write a zip of `n` excerpts under the conditions in turn; return the origin of each member."""
    material = Material(corpus)
    excerpts = pick(corpus.root, tracks, n=n, longest_s=QUERY_S, seed=SEED)
    made = {}
    with zipfile.ZipFile(path, "w") as archive:
        for number, excerpt in enumerate(excerpts):
            condition = SCANNED[number % len(SCANNED)]
            file = degraded(
                corpus.root, excerpt, condition,
                longest_s=QUERY_S, seed=SEED, material=material, folder=work / "queries" / f"scan-{SEED}",
            )  # fmt: skip
            archive.write(file, f"{number:03d}.wav")
            made[f"{number:03d}.wav"] = (excerpt, condition)
    return made


def row(
    root: Path,
    finding: Mapping[str, Any],
    made: Mapping[str, tuple[Excerpt, str]],
    links: Mapping[str, Track],
) -> dict[str, Any]:
    """Return the row of one item."""
    excerpt, condition = made[finding["item"]["id"]]
    outcome: dict[str, Any] = {
        "item": finding["item"]["id"], "condition": condition, "track": excerpt.path,
        "verdict": finding["verdict"], "named": None, "off": None,
    }  # fmt: skip
    if finding["matches"]:
        best = finding["matches"][0]
        track = next((links[name] for name in links if best["recording"]["path"].endswith(name)), None)
        outcome["named"] = track.path if track else best["recording"]["path"]
        if track and track.path == excerpt.path:
            outcome["off"] = _off_s(root, excerpt, condition, best["segments"][0])
    return outcome


def _off_s(root: Path, excerpt: Excerpt, condition: str, segment: Mapping[str, float]) -> float:
    true_s = excerpt.start_s + CONDITIONS[condition].stretch * segment["query_start_s"]
    off_s = abs(segment["reference_start_s"] - true_s)
    length_s = segment["query_end_s"] - segment["query_start_s"]
    if off_s > 0.5:
        similarity = repeat_similarity(
            root / excerpt.path, true_s=true_s, claimed_s=segment["reference_start_s"], length_s=length_s
        )
        off_s = 0.0 if similarity >= SAME_SOUND else off_s
    return round(off_s, 3)
