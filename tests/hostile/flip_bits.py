"""Flip one bit in a file of a store: ``python -m tests.hostile.flip_bits --seconds 60 --seed 1``.

The catalog, its log, a search segment, the counter of changes, a backup and the file of an unfinished scan
are each damaged in turn. What `check`, `verify`, `restore` and `scan --resume` then say is true, or an error.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from earwitness.api.scan.checkpoint import partial_path
from earwitness.index.library import Library
from earwitness.index.store.home_address import HomeAddress
from tests.hostile.attack import (
    ALONE,
    Scene,
    Tally,
    answers,
    attack,
    parser,
    run_here,
    scene,
    start,
)


def flip(path: Path, chance: random.Random) -> None:
    """Flip one bit of a file."""
    data = bytearray(path.read_bytes())
    bit = chance.randrange(8 * len(data))
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)


class Flips:
    """Everything that can be damaged, and how it is looked at afterwards."""

    def __init__(self, made: Scene) -> None:
        self.made = made
        self.backup = made.root / "packed"
        assert run_here(made.home, "backup", self.backup).status == 0
        self.logged = self._with_log()
        self.findings, self.partial = self._unfinished()
        logged = answers(Path(shutil.copytree(self.logged, made.root / "asked")), made.clips)[1]
        self.truth = dict.fromkeys(("catalog.sqlite", "catalog.counter", "segments"), made.truth)
        self.truth["catalog.sqlite-wal"] = logged
        assert logged and all(each["matches"] for each in logged), "the log holds the dataset"
        self.kinds = {
            "catalog": lambda chance, tally: self.home("catalog.sqlite", made.home, chance, tally),
            "log": lambda chance, tally: self.home("catalog.sqlite-wal", self.logged, chance, tally),
            "counter": lambda chance, tally: self.home("catalog.counter", made.home, chance, tally),
            "segment": lambda chance, tally: self.home("segments", made.home, chance, tally),
            "backup": self.packed,
            "partial": self.unfinished,
        }

    def _with_log(self) -> Path:
        """A home whose dataset is only in the log: somebody read the catalog all the while it was indexed."""
        home, held = self.made.root / "logged", self.made.root / "held"
        assert run_here(home, "register", self.made.works, *ALONE).status in {0, 1}
        with Library.open(HomeAddress(home)):
            assert run_here(home, "index", self.made.clips, "--name", "clips", *ALONE).status in {0, 1}
            shutil.copytree(home, held)
        (held / "catalog.sqlite-shm").unlink(missing_ok=True)
        return held

    def _unfinished(self) -> tuple[bytes, bytes]:
        """The findings of a whole scan, and the file of one that was killed."""
        root, home = self.made.root, self.made.copy("scanned")
        whole, broken = root / "whole.jsonl", root / "broken.jsonl"
        assert run_here(home, "scan", self.made.clips, *ALONE, "--out", whole).status in {0, 1}
        process = start(self.made.copy("scanned"), "scan", self.made.clips, *ALONE, "--out", broken)
        partial = partial_path(broken)
        while process.poll() is None:
            if partial.exists() and partial.read_bytes().count(b"\n") >= 2:
                os.killpg(process.pid, signal.SIGSTOP)
                break
            time.sleep(0.001)
        kept = partial.read_bytes() if partial.exists() else b""
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert kept.count(b"\n") >= 2, "the scan was over before it could be stopped"
        return whole.read_bytes(), kept

    def home(self, name: str, whole: Path, chance: random.Random, tally: Tally) -> None:
        """Damage one file of a home, and ask it."""
        home = self.made.root / "copy"
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(whole, home)
        path = home / name
        flip(chance.choice(sorted(path.iterdir())) if path.is_dir() else path, chance)
        verified = run_here(home, "verify")
        asked, said = answers(home, self.made.clips)
        listed = run_here(home, "collections", "--format", "jsonl")
        wrong = said != self.truth[name]
        silent = wrong and (said is not None or verified.status == 0)
        tally.note(name, [verified, asked, listed], silent=silent, lost=wrong and said == [])

    def packed(self, chance: random.Random, tally: Tally) -> None:
        """Damage a backup, and restore it."""
        damaged, home = self.made.root / "damaged", self.made.root / "restored"
        shutil.copy(self.backup, damaged)
        flip(damaged, chance)
        shutil.rmtree(home, ignore_errors=True)
        ended, silent = [run_here(home, "restore", damaged)], False
        if ended[0].status == 0:
            asked, said = answers(home, self.made.clips)
            ended, silent = [*ended, asked], said != self.made.truth
        tally.note("backup", ended, silent=silent)

    def unfinished(self, chance: random.Random, tally: Tally) -> None:
        """Damage the file of a scan that was killed, and resume it."""
        out = self.made.root / "resumed.jsonl"
        out.unlink(missing_ok=True)
        partial_path(out).write_bytes(self.partial)
        flip(partial_path(out), chance)
        ended = run_here(self.made.copy("scanned"), "scan", self.made.clips, *ALONE, "--resume", "--out", out)
        silent = ended.status in {0, 1} and out.read_bytes() != self.findings
        tally.note("partial", [ended], silent=silent)


def main() -> int:
    """Run the attack."""
    options = parser(__doc__).parse_args()
    with tempfile.TemporaryDirectory(prefix="flips-") as folder:
        return attack(options, Flips(scene(Path(folder), options.scene)).kinds)


if __name__ == "__main__":
    sys.exit(main())
