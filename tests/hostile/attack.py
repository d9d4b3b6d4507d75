"""What the attacks on a store share: a small home, its true answers, commands, a count of what went wrong.

Each attack prints one line, ``N tried, N lost, N silent, N exits other than 0, 1, 2, 3, N tracebacks``, and
exits with 1 when any but the first is above zero. *Lost* is something acknowledged that is not there any more
without an error; *silent* is another answer than the true one without an error.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from benchmarks.runs.crash import EARWITNESS, cut
from earwitness.api.cli.app import app

EXPECTED = frozenset({0, 1, 2, 3})
QUICKLY = ("--effort", "fast")
ALONE = (*QUICKLY, "--workers", "1")
MAY_DIFFER = {"search", "elapsed_s", "remembered"}
"""Keys of a finding that say when and of what state it was asked, not what was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def is_traceback(self) -> bool:
        """Whether it ended as a defect does."""
        return "Traceback (most recent call last)" in self.out + self.err


@dataclass(slots=True, kw_only=True)
class Tally:
    """What was tried, and what went wrong."""

    tried: int = 0
    lost: int = 0
    silent: int = 0
    exits: int = 0
    tracebacks: int = 0
    kinds: dict[str, int] = field(default_factory=dict)

    def note(
        self, kind: str, ended: Sequence[Ended] = (), *, lost: bool = False, silent: bool = False
    ) -> None:
        """Count one attempt, and say at once what went wrong."""
        self.tried += 1
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        exits = [each for each in ended if each.status not in EXPECTED]
        traces = [each for each in ended if each.is_traceback]
        self.lost, self.silent = self.lost + lost, self.silent + silent
        self.exits, self.tracebacks = self.exits + bool(exits), self.tracebacks + bool(traces)
        if lost or silent or exits or traces:
            print(f"{kind}: lost {lost}, silent {silent}, {[each.status for each in ended]}", file=sys.stderr)
            for each in [*exits, *traces][:1]:
                print(each.err[-3_000:], file=sys.stderr)

    def end(self) -> int:
        """Print the line; returns the exit status."""
        kinds = ", ".join(f"{kind} {number}" for kind, number in sorted(self.kinds.items()))
        wrong = f"{self.exits} exits other than 0, 1, 2, 3, {self.tracebacks} tracebacks"
        print(f"{self.tried} tried, {self.lost} lost, {self.silent} silent, {wrong} ({kinds})")
        return int(bool(self.lost or self.silent or self.exits or self.tracebacks))


def run_here(home: Path, *arguments: object) -> Ended:
    """Run a command in this process, where all is loaded already."""
    done = CliRunner().invoke(app, ["--home", str(home), *map(str, arguments)])
    err = done.stderr
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        err += f"Traceback (most recent call last) {done.exception!r}"
    return Ended(status=done.exit_code, out=done.stdout, err=err)


def start(home: Path, *arguments: object) -> subprocess.Popen[str]:
    """Start a command in a process group of its own."""
    return subprocess.Popen(
        [EARWITNESS, "--home", str(home), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )


def answers(home: Path, clips: Path) -> tuple[Ended, Any]:
    """What `check` says of every clip; None where it could not be said."""
    ended = run_here(home, "check", clips, "--format", "jsonl", *QUICKLY)
    if ended.status not in {0, 1}:
        return ended, None
    lines = [json.loads(line) for line in ended.out.splitlines() if line.startswith("{")]
    return ended, [_plain(line) for line in lines]


def _plain(said: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in said.items() if key not in MAY_DIFFER}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Sounds, a whole home of them, and what it answers."""

    root: Path
    home: Path
    works: Path
    more: Path
    clips: Path
    truth: Any

    def copy(self, name: str = "copy") -> Path:
        """A fresh copy of the home."""
        target = self.root / name
        shutil.rmtree(target, ignore_errors=True)
        return Path(shutil.copytree(self.home, target))


def scene(root: Path, made: Path | None = None) -> Scene:
    """Make works and clips, register the ones and index the others; some works are left to be registered.

    Parameters
    ----------
    made : Path or None
        A folder in which this function made a scene before: it is copied.
    """
    home, works, more, clips = root / "home", root / "works", root / "more", root / "clips"
    if made is not None:
        shutil.copytree(made, root, dirs_exist_ok=True)
        return _asked(root)
    root.mkdir(exist_ok=True)
    cut(works, 2, 18.0)
    cut(more, 4, 17.0)
    cut(clips, 3, 6.0)
    for arguments in (("register", works), ("index", clips, "--name", "clips")):
        ended = run_here(home, *arguments, *ALONE)
        assert ended.status in {0, 1}, ended.err
    return _asked(root)


def _asked(root: Path) -> Scene:
    """A scene that was made, and what it answers."""
    home, works, more, clips = root / "home", root / "works", root / "more", root / "clips"
    truth = answers(home, clips)[1]
    assert truth and all(each["matches"] for each in truth), "every clip is in the index"
    return Scene(root=root, home=home, works=works, more=more, clips=clips, truth=truth)


def parser(doc: str | None) -> argparse.ArgumentParser:
    """The options that every attack takes."""
    it = argparse.ArgumentParser(description=doc)
    it.add_argument("--seconds", type=float, default=20.0, help="stop after so long")
    it.add_argument("--n", type=int, default=10**9, help="stop after so many attempts")
    it.add_argument("--seed", type=int, default=1)
    it.add_argument("--kinds", default="", help="only these, with commas between")
    it.add_argument("--scene", type=Path, help="a folder that `scene` made, which is copied")
    return it


def attack(options: argparse.Namespace, kinds: Mapping[str, Callable[[random.Random, Tally], None]]) -> int:
    """Try one kind after another until time or number is up."""
    chance, tally = random.Random(options.seed), Tally()
    chosen = options.kinds.split(",") if options.kinds else list(kinds)
    until = time.monotonic() + options.seconds
    while tally.tried < options.n and time.monotonic() < until:
        kinds[chosen[tally.tried % len(chosen)]](chance, tally)
    return tally.end()
