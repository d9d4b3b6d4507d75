"""``python -m benchmarks crash``: kill -9 real commands at random moments, and check the store.

`register` acknowledges a work by its line on stdout; what `index` has stored must still be stored after
a kill. Every other kill comes just after a change of the store's files, so that many kills interrupt a
transaction or come between writing a shard and renaming it. After every kill the store must be consistent; at
the end all items must be stored, and the findings of a resumed scan must equal, byte for byte, those of an
uninterrupted scan.

Each row of the record is one run: the command, when it was killed if it was, how often the store's files had
changed by then, how many items had been acknowledged or stored before, how many are stored afterwards, how
many of the former were missing, and how many problems `verify` reported.
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
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.report.records import record, save
from earwitness.fingerprint.decode import Decoder
from earwitness.fingerprint.extract import extractor
from earwitness.fingerprint.types import RATE_HZ
from earwitness.index.database.records import CollectionKind
from earwitness.index.library import Library
from earwitness.index.store.home_address import HomeAddress
from earwitness.index.store.verify import verify
from earwitness.index.writer import Writer

ORIGINALS = Path(__file__).parents[2] / "sample_audio" / "originals"
EARWITNESS = Path(sys.executable).with_name("earwitness")
QUICKLY = ("--effort", "fast", "--workers", "1")
WORK_S, CLIP_S = 18.0, 3.0
N_WORKS, N_CLIPS = 20, 256
"""A transaction holds 32 clips; eight transactions fill a shard. Starting a command takes longer."""

LOOK_S = 0.002
LEAST_TO_DO = 0.4
"""Starting takes this share of the time and changes of an uninterrupted run, even with little to do."""

EARLY = 0.8
"""Kills timed from the start come within this share of a run: a run that ends before its kill is wasted."""

JUST_AFTER_S = 0.03
"""Seconds; a change is seen after some milliseconds, and a commit takes about as long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When a command is killed: seconds after its start, or after a number of changes of the store's files.

    Attributes
    ----------
    changes : int
        Number of changes to wait for.
    """

    changes: int = 0
    after_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """Outcome of a command: seconds, observed changes of the store, whether it was killed."""

    seconds: float
    changes: int
    killed: bool


@dataclass(slots=True, kw_only=True)
class Bench:
    """Folder, random generator and rows of a run."""

    folder: Path
    chance: random.Random
    rows: list[dict[str, Any]] = field(default_factory=list)

    def left(self, command: str, kills: int) -> int:
        """Return the number of kills left for a command."""
        return kills - len([row for row in self.rows if row["command"] == command and row["killed"]])

    def moment(self, command: str, kills: int, unbroken: Ran, *, to_do: float = 1.0) -> Moment | None:
        """Draw when to kill the next run: at any moment or just after a change; None when no kill is left.

        Parameters
        ----------
        to_do : float
            Share of the work that earlier, killed runs have left; with less of it a run ends sooner.
        """
        left = self.left(command, kills)
        if left <= 0:
            return None
        if left % 2:
            return Moment(after_s=self.chance.uniform(0.0, EARLY * to_do * unbroken.seconds))
        changes = self.chance.randint(1, max(1, round(to_do * unbroken.changes)))
        return Moment(changes=changes, after_s=self.chance.uniform(0.0, JUST_AFTER_S))

    def note(self, command: str, ran: Ran, **outcome: Any) -> None:
        """Add one run's outcome to the rows, and print it where something was lost."""
        run_facts = {"after_s": round(ran.seconds, 2), "changes": ran.changes, "killed": ran.killed}
        self.rows.append({"command": command, **run_facts, **outcome})
        if outcome.get("lost") or outcome.get("problems"):
            print(f"LOST: {self.rows[-1]}", file=sys.stderr)


def main(argv: list[str]) -> int:
    """Run the entry; the exit status is 1 when anything was lost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks crash")
    parser.add_argument("--kills", type=int, default=50, help="kills for each command")
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
    made = record("crash", scheme=extractor().scheme, seed=chosen.seed, options=vars(chosen), rows=bench.rows)
    print(f"{save(made, chosen.name)}: {summary(bench.rows)}")
    return int(any(row.get("lost") or row.get("problems") for row in bench.rows))


def summary(rows: list[dict[str, Any]]) -> str:
    """Return a line with the kills of each command, and what was lost."""
    commands = dict.fromkeys(row["command"] for row in rows)
    kills = ", ".join(
        f"{command} {sum(row['command'] == command and row['killed'] for row in rows)}"
        for command in commands
    )
    lost, problems = (sum(row.get(key, 0) for row in rows) for key in ("lost", "problems"))
    return f"killed {kills}; {lost} lost, {problems} problems"


def cut(folder: Path, n_pieces: int, length_s: float) -> None:
    """Cut the sample originals into pieces with different start and loudness."""
    folder.mkdir()
    with Decoder() as decoder:
        sounds = [
            decoder.decode(path, name=path.name).waveform.samples for path in sorted(ORIGINALS.iterdir())
        ]
    n_samples = round(length_s * RATE_HZ)
    for number in range(n_pieces):
        sound, step = sounds[number % len(sounds)], number // len(sounds)
        spare = max(1, len(sound) - n_samples)
        start = step * (spare // max(1, n_pieces // len(sounds)))
        piece = sound[start : start + n_samples] * (1 - 0.01 * step)
        with wave.open(str(folder / f"{number:03d}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE_HZ)
            file.writeframes((np.clip(piece, -1, 1) * 32_000).astype("<i2").tobytes())


def run(home: Path, out: Path, *arguments: object, kill: Moment | None = None) -> Ran:
    """Run a command with stdout to a file, and kill it at a moment if it still runs then."""
    began, changes, before = time.monotonic(), 0, look(home)
    changed_at = began
    with out.open("wb") as stdout:
        process = subprocess.Popen(
            [EARWITNESS, "--home", home, *map(str, arguments)],
            stdout=stdout,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        while (status := process.poll()) is None:
            now, seen = time.monotonic(), look(home)
            if seen != before:
                changes, before, changed_at = changes + 1, seen, now
            since = began if kill is None or kill.changes == 0 else changed_at
            if kill is not None and changes >= kill.changes and now - since >= kill.after_s:
                process.kill()
                process.wait()
                return Ran(seconds=time.monotonic() - began, changes=changes, killed=True)
            time.sleep(LOOK_S)
    if status not in {0, 1}:
        raise RuntimeError(f"{arguments} ended with status {status}")
    return Ran(seconds=time.monotonic() - began, changes=changes, killed=False)


def look(home: Path) -> set[tuple[str, int, int]]:
    """Return name, size and time of last change of the store's files."""
    files = set()
    for folder in (home, home / "segments"):
        with suppress(FileNotFoundError):  # a file may vanish between its name and its size
            for entry in os.scandir(folder):
                about = entry.stat()
                files.add((entry.name, about.st_size, about.st_mtime_ns))
    return files


def stored(home: Path, kind: CollectionKind) -> set[str]:
    """Return the item paths in a home's collections of a kind."""
    if not (home / "catalog.sqlite").exists():
        return set()
    with Writer.open(HomeAddress(home)) as writer:
        numbers = [each.id for each in writer.collections if each.kind is kind]
    with Library.open(HomeAddress(home)) as library:
        return {path for number in numbers for path in paths_of(library, number)}


def paths_of(library: Library, collection: int) -> Iterator[str]:
    """Yield the paths of a collection's readable items, through its recordings."""
    probe = np.eye(library.extractor.params.dim, dtype=np.float32)
    n_codes = library.n_codes([collection])
    if n_codes:
        hits = library.search(probe, k=n_codes, collections=[collection])
        for recording in np.unique(hits.recording):
            yield from (item.path for item in library.items(int(recording), [collection]))


def problems_in(home: Path) -> int:
    """Return the number of problems that `verify` reports."""
    if not (home / "catalog.sqlite").exists():
        return 0
    with Writer.open(HomeAddress(home)) as writer:
        return len(verify(writer.address, settled_s=0))


def trial_of_register(bench: Bench, kills: int) -> None:
    """Kill `register`; every work whose line was printed must be stored."""
    arguments = ("register", bench.folder / "works", *QUICKLY)
    _until_killed(bench, kills, arguments, CollectionKind.WORKS, N_WORKS)


def trial_of_index(bench: Bench, kills: int) -> None:
    """Kill `index`; what was stored before must still be stored."""
    arguments = ("index", bench.folder / "clips", "--name", "clips", *QUICKLY)
    _until_killed(bench, kills, arguments, CollectionKind.DATASET, N_CLIPS)


def _until_killed(
    bench: Bench, kills: int, arguments: tuple[object, ...], kind: CollectionKind, n_items: int
) -> None:
    command, out = str(arguments[0]), bench.folder / "stdout"
    unbroken = run(bench.folder / f"{command}-unbroken", out, *arguments)
    number = 0
    while bench.left(command, kills) > 0:
        number += 1
        home, before, killed = bench.folder / f"{command}-{number}", set[str](), True
        while killed:
            to_do = max(LEAST_TO_DO, 1 - len(before) / n_items)
            # once all items are stored, the last run on this home is not killed
            complete = len(before) == n_items
            moment = None if complete else bench.moment(command, kills, unbroken, to_do=to_do)
            ran = run(home, out, *arguments, kill=moment)
            killed = ran.killed
            promised = before | acknowledged(out)
            before = stored(home, kind)
            bench.note(
                command,
                ran,
                promised=len(promised),
                stored=len(before),
                lost=len(promised - before) + (0 if killed else n_items - len(before)),
                problems=problems_in(home),
            )


def acknowledged(out: Path) -> set[str]:
    """Return the works whose registration was printed in a complete line."""
    lines = out.read_text(encoding="utf-8").splitlines(keepends=True)
    return {line.removesuffix(" is registered.\n") for line in lines if line.endswith(" is registered.\n")}


def trial_of_scan(bench: Bench, kills: int) -> None:
    """Kill `scan` and resume it until it ends; its findings must equal those of an uninterrupted scan."""
    home, out = bench.folder / "scan-home", bench.folder / "stdout"
    run(home, out, "register", bench.folder / "works", *QUICKLY)
    arguments = ("scan", bench.folder / "clips", *QUICKLY, "--force", "--resume", "--out")
    complete = bench.folder / "unbroken.jsonl"
    unbroken = run(home, out, *arguments, complete)
    number = 0
    while bench.left("scan", kills) > 0:
        number += 1
        findings, killed = bench.folder / f"{number}.jsonl", True
        forget(home)
        while killed:
            ran = run(home, out, *arguments, findings, kill=bench.moment("scan", kills, unbroken))
            killed = ran.killed
            differs = not killed and findings.read_bytes() != complete.read_bytes()
            half = killed and findings.exists() and findings.read_bytes() != complete.read_bytes()
            lost = N_CLIPS if differs or half else 0
            bench.note("scan", ran, lost=lost, problems=problems_in(home))


def forget(home: Path) -> None:
    """Delete cached findings, so that every scan does all its work."""
    from earwitness.index.store.finding_cache import FindingCache

    answers = FindingCache(HomeAddress(home))
    answers.clear()
    answers.close()


TRIALS = {"register": trial_of_register, "index": trial_of_index, "scan": trial_of_scan}
