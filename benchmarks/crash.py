"""``python -m benchmarks crash``: kill -9 real commands at random moments, and look at what is left.

`register` acknowledges a work by its line on stdout; what `index` has stored may never be less after a kill
than it was before. After every kill the store must be sound; at the end all items must be there, and a
resumed scan's findings must be, byte for byte, those of an unbroken one.

Each row of the record is one run: the command, when it was killed if it was, how many items had been
acknowledged or stored before, how many of those were missing afterwards, and how many problems were found.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.records import record, save
from fingerprint.decode import Decoder
from fingerprint.extract import extractor
from fingerprint.types import RATE_HZ
from index.enroll import Writer
from index.library import Library
from index.records import CollectionKind
from index.upkeep import verify

ORIGINALS = Path(__file__).parents[1] / "sample_audio" / "originals"
EARWITNESS = Path(sys.executable).with_name("earwitness")
WORK_S, CLIP_S = 18.0, 5.0
N_WORKS, N_CLIPS = 20, 60


@dataclass(slots=True, kw_only=True)
class Bench:
    """Folders, chance, and the rows so far."""

    folder: Path
    chance: random.Random
    rows: list[dict[str, Any]] = field(default_factory=list)

    def left(self, command: str, kills: int) -> int:
        """Count the kills that a command still has to bear."""
        return kills - len([row for row in self.rows if row["command"] == command and row["killed"]])

    def note(self, command: str, after_s: float, *, killed: bool, **found: Any) -> None:
        """Keep one run's outcome, and say it where something was lost."""
        self.rows.append({"command": command, "after_s": round(after_s, 2), "killed": killed, **found})
        if found.get("lost") or found.get("problems"):
            print(f"LOST: {self.rows[-1]}", file=sys.stderr)


def main(argv: list[str]) -> int:
    """Run the entry; the exit status is 1 when anything was lost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks crash")
    parser.add_argument("--kills", type=int, default=50, help="a command")
    parser.add_argument("--commands", default="register,index,scan")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--name", default="crash")
    chosen = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="crash-") as folder:
        bench = Bench(folder=Path(folder), chance=random.Random(chosen.seed))
        cut(bench.folder / "works", N_WORKS, WORK_S)
        cut(bench.folder / "clips", N_CLIPS, CLIP_S)
        for command in chosen.commands.split(","):
            TRIALS[command](bench, chosen.kills)
    kept = record("crash", scheme=extractor().scheme, seed=chosen.seed, options=vars(chosen), rows=bench.rows)
    print(f"{save(kept, chosen.name)}: {summary(bench.rows)}")
    return int(any(row.get("lost") or row.get("problems") for row in bench.rows))


def summary(rows: list[dict[str, Any]]) -> str:
    """Say how often each command was killed, and what was lost."""
    commands = dict.fromkeys(row["command"] for row in rows)
    kills = ", ".join(
        f"{command} {sum(row['command'] == command and row['killed'] for row in rows)}"
        for command in commands
    )
    lost, problems = (sum(row.get(key, 0) for row in rows) for key in ("lost", "problems"))
    return f"killed {kills}; {lost} lost, {problems} problems"


def cut(folder: Path, n_pieces: int, length_s: float) -> None:
    """Cut the sample originals into pieces, each at its own place and loudness."""
    folder.mkdir()
    with Decoder() as decoder:
        sounds = [
            decoder.decode(path, name=path.name).waveform.samples for path in sorted(ORIGINALS.iterdir())
        ]
    n_samples = round(length_s * RATE_HZ)
    for number in range(n_pieces):
        sound, step = sounds[number % len(sounds)], number // len(sounds)
        room = max(1, len(sound) - n_samples)
        start = step * (room // max(1, n_pieces // len(sounds)))
        piece = sound[start : start + n_samples] * (1 - 0.01 * step)
        with wave.open(str(folder / f"{number:03d}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE_HZ)
            file.writeframes((np.clip(piece, -1, 1) * 32_000).astype("<i2").tobytes())


def run(home: Path, out: Path, *arguments: object, kill_after_s: float | None) -> tuple[float, bool]:
    """Run a command with stdout to a file; returns the seconds that it ran, and whether it was killed."""
    began = time.monotonic()
    with out.open("wb") as stdout:
        process = subprocess.Popen(
            [EARWITNESS, "--home", home, *map(str, arguments)],
            stdout=stdout,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        try:
            status = process.wait(timeout=kill_after_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return time.monotonic() - began, True
    if status not in {0, 1}:
        raise RuntimeError(f"{arguments} ended with status {status}")
    return time.monotonic() - began, False


def stored(home: Path, kind: CollectionKind) -> set[str]:
    """The paths that a reader sees in a home's one collection of a kind."""
    if not (home / "catalog.sqlite").exists():
        return set()
    with Writer.open(home) as writer:
        numbers = [each.id for each in writer.collections if each.kind is kind]
    with Library.open(home) as library:
        return {path for number in numbers for path in paths_of(library, number)}


def paths_of(library: Library, collection: int) -> Iterator[str]:
    """The paths of a collection's readable items, by way of its recordings."""
    probe = np.eye(library.extractor.params.dim, dtype=np.float32)
    n_codes = library.n_codes([collection])
    if n_codes:
        hits = library.search(probe, k=n_codes, collections=[collection])
        for recording in np.unique(hits.recording):
            yield from (item.path for item in library.items(int(recording), [collection]))


def problems_in(home: Path) -> int:
    """How much `verify` finds wrong."""
    if not (home / "catalog.sqlite").exists():
        return 0
    with Writer.open(home) as writer:
        return len(verify(writer))


def trial_of_register(bench: Bench, kills: int) -> None:
    """Kill `register`; every work whose line was printed must be there."""
    arguments = ("register", bench.folder / "works", "--effort", "fast")
    _until_killed(bench, kills, arguments, CollectionKind.WORKS, N_WORKS)


def trial_of_index(bench: Bench, kills: int) -> None:
    """Kill `index`; what was stored before must be there."""
    arguments = ("index", bench.folder / "clips", "--name", "clips", "--effort", "fast")
    _until_killed(bench, kills, arguments, CollectionKind.DATASET, N_CLIPS)


def _until_killed(
    bench: Bench, kills: int, arguments: tuple[object, ...], kind: CollectionKind, n_items: int
) -> None:
    command, out = str(arguments[0]), bench.folder / "stdout"
    unbroken_s, _ = run(bench.folder / f"{command}-unbroken", out, *arguments, kill_after_s=None)
    number = 0
    while bench.left(command, kills) > 0:
        number += 1
        home, before, killed = bench.folder / f"{command}-{number}", set[str](), True
        while killed:
            after_s = bench.chance.uniform(0.0, unbroken_s) if bench.left(command, kills) > 0 else None
            ran_s, killed = run(home, out, *arguments, kill_after_s=after_s)
            promised = before | acknowledged(out)
            before = stored(home, kind)
            bench.note(
                command,
                ran_s,
                killed=killed,
                promised=len(promised),
                lost=len(promised - before) + (0 if killed else n_items - len(before)),
                problems=problems_in(home),
            )


def acknowledged(out: Path) -> set[str]:
    """The works whose registration was printed, line by whole line."""
    lines = out.read_text(encoding="utf-8").splitlines(keepends=True)
    return {line.removesuffix(" is registered.\n") for line in lines if line.endswith(" is registered.\n")}


def trial_of_scan(bench: Bench, kills: int) -> None:
    """Kill `scan` and resume it until it ends; its findings must be those of an unbroken scan."""
    home, out = bench.folder / "scan-home", bench.folder / "stdout"
    run(home, out, "register", bench.folder / "works", "--effort", "fast", kill_after_s=None)
    arguments = ("scan", bench.folder / "clips", "--effort", "fast", "--resume", "--out")
    whole = bench.folder / "unbroken.jsonl"
    unbroken_s, _ = run(home, out, *arguments, whole, kill_after_s=None)
    number = 0
    while bench.left("scan", kills) > 0:
        number += 1
        findings, killed = bench.folder / f"{number}.jsonl", True
        forget(home)
        while killed:
            after_s = bench.chance.uniform(0.0, unbroken_s) if bench.left("scan", kills) > 0 else None
            ran_s, killed = run(home, out, *arguments, findings, kill_after_s=after_s)
            differs = not killed and findings.read_bytes() != whole.read_bytes()
            half = killed and findings.exists() and findings.read_bytes() != whole.read_bytes()
            lost = N_CLIPS if differs or half else 0
            bench.note("scan", ran_s, killed=killed, lost=lost, problems=problems_in(home))


def forget(home: Path) -> None:
    """Drop remembered findings, so that every scan has its work to do."""
    from index.answers import Answers

    answers = Answers(home)
    answers.forget()
    answers.close()


TRIALS = {"register": trial_of_register, "index": trial_of_index, "scan": trial_of_scan}
