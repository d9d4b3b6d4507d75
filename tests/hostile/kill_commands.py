"""Kill -9 every command that writes a store: ``python -m tests.hostile.kill_commands --seconds 60 --seed 1``.

Each run works on a copy of one home and is killed at a random moment, with all processes that it started.
What it acknowledged is there afterwards, what it had no business with still answers, `verify` finds the home
sound, and the same command run again ends well. `benchmarks crash` kills `register`, `index` and `scan` more
often and just after changes of the store's files; this script is broader and quicker.
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

from benchmarks.runs.crash import acknowledged
from earwitness.api.scan.checkpoint import partial_path
from earwitness.index.database.records import CollectionKind
from earwitness.index.library import Library
from earwitness.index.store.backup import FOLDER_PREFIX
from earwitness.index.store.home_address import HomeAddress
from tests.hostile.attack import (
    ALONE,
    Ended,
    Scene,
    Tally,
    answers,
    attack,
    parser,
    run_here,
    scene,
    start,
)

SERVES_S = 8.0
"""Seconds into which a server's kill falls: it does not end by itself."""


class Kills:
    """Every command that writes, how long it takes, and what must hold after its death."""

    def __init__(self, made: Scene) -> None:
        self.made, self.seconds = made, dict[str, float]()
        self.packed = made.root / "packed"
        assert run_here(made.home, "backup", self.packed).status == 0
        self.whole = made.root / "whole.jsonl"
        assert run_here(made.copy(), "scan", made.clips, *ALONE, "--out", self.whole).status in {0, 1}
        self.kinds = {
            "register": self.register,
            "index": self.index,
            "scan": self.scan,
            "remove": self.remove,
            "rebuild": self.rebuild,
            "backup": self.backup,
            "restore": self.restore,
            "serve": self.serve,
        }

    def killed(self, chance: random.Random, home: Path, *arguments: object) -> str:
        """Start a command and kill it; what it had printed by then."""
        name = str(arguments[0])
        began = time.monotonic()
        process = start(home, *arguments)
        # the longest run so far is what a moment is drawn from; the first ones are let live longer
        after_s = chance.uniform(0.0, self.seconds.get(name, 2.5))
        while process.poll() is None and time.monotonic() - began < after_s:
            time.sleep(0.002)
        lived = process.poll() is None
        if lived:
            os.killpg(process.pid, signal.SIGKILL)
            if name != "serve":
                self.seconds[name] = max(self.seconds.get(name, 2.5), 1.3 * after_s)
        else:
            self.seconds[name] = time.monotonic() - began
        return process.communicate()[0]

    def settle(self, kind: str, home: Path, tally: Tally, *, lost: bool, again: Ended | None = None) -> None:
        """Ask a home after a death: it is sound, and its dataset answers as before."""
        verified = run_here(home, "verify")
        asked, said = answers(home, self.made.clips)
        ended = [verified, asked, *([again] if again else [])]
        failed = again is not None and again.status not in {0, 1}
        tally.note(kind, ended, lost=lost or failed or said != self.made.truth, silent=verified.status != 0)

    def register(self, chance: random.Random, tally: Tally) -> None:
        """A work whose line was printed is a work."""
        home, printed = self.made.copy(), self.made.root / "printed"
        printed.write_text(self.killed(chance, home, "register", self.made.more, *ALONE))
        with Library.open(HomeAddress(home)) as library:
            (registry,) = (each.id for each in library.collections if each.kind is CollectionKind.WORKS)
            stored = {item.path for item in library.listing(registry)}
        again = run_here(home, "register", self.made.more, *ALONE)
        self.settle("register", home, tally, lost=not acknowledged(printed) <= stored, again=again)

    def index(self, chance: random.Random, tally: Tally) -> None:
        """Another dataset, wholly or in part, changes nothing of the first; again, it is completed."""
        home, arguments = self.made.copy(), ("index", self.made.works, "--name", "clips two", *ALONE)
        self.killed(chance, home, *arguments)
        again = run_here(home, *arguments)
        removed = run_here(home, "remove", "clips two", "--yes")
        self.settle("index", home, tally, lost=removed.status != 0, again=again)

    def scan(self, chance: random.Random, tally: Tally) -> None:
        """Resumed, it ends with the bytes of an unbroken scan."""
        home, out = self.made.copy(), self.made.root / "scan.jsonl"
        for left in (out, partial_path(out)):
            left.unlink(missing_ok=True)
        arguments = ("scan", self.made.clips, *ALONE, "--out", out, "--resume")
        self.killed(chance, home, *arguments)
        whole = out.exists()
        again = None if whole else run_here(home, *arguments)
        differs = out.read_bytes() != self.whole.read_bytes()
        self.settle("scan", home, tally, lost=differs, again=again)

    def remove(self, chance: random.Random, tally: Tally) -> None:
        """A dataset is there wholly or not at all; the second time it goes."""
        home = self.made.copy()
        index = run_here(home, "index", self.made.works, "--name", "gone", *ALONE)
        self.killed(chance, home, "remove", "gone", "--yes")
        listed = run_here(home, "collections", "--format", "jsonl")
        again = run_here(home, "remove", "gone", "--yes") if '"gone"' in listed.out else index
        self.settle("remove", home, tally, lost=False, again=again)

    def rebuild(self, chance: random.Random, tally: Tally) -> None:
        """Segments of before or after answer."""
        home = self.made.copy()
        self.killed(chance, home, "rebuild")
        self.settle("rebuild", home, tally, lost=False)

    def backup(self, chance: random.Random, tally: Tally) -> None:
        """The file is an earlier backup or the new one; copies are gone after the next."""
        folder, restored = self.made.root / "backups", self.made.root / "restored"
        for left in (folder, restored):
            shutil.rmtree(left, ignore_errors=True)
        folder.mkdir()
        file = Path(shutil.copy(self.packed, folder / "packed"))
        self.killed(chance, self.made.copy(), "backup", file, "--force")
        whole = run_here(restored, "restore", file)
        again = run_here(self.made.home, "backup", file, "--force")
        left_over = [path for path in folder.iterdir() if path.name.startswith(FOLDER_PREFIX)]
        self.settle("backup", restored, tally, lost=whole.status != 0 or bool(left_over), again=again)

    def restore(self, chance: random.Random, tally: Tally) -> None:
        """A home is there wholly, or restoring makes it."""
        home = self.made.root / "restored"
        shutil.rmtree(home, ignore_errors=True)
        self.killed(chance, home, "restore", self.packed)
        again = None
        if not (home / "catalog.sqlite").exists():
            again = run_here(home, "restore", self.packed)
        self.settle("restore", home, tally, lost=False, again=again)

    def serve(self, chance: random.Random, tally: Tally) -> None:
        """A server that dies leaves the home as it was, and its lock free."""
        home = self.made.copy()
        self.seconds["serve"] = SERVES_S
        self.killed(chance, home, "serve", "--port", str(chance.randrange(20_000, 60_000)))
        self.settle("serve", home, tally, lost=False, again=run_here(home, "rebuild"))


def main() -> int:
    """Run the attack."""
    options = parser(__doc__).parse_args()
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        return attack(options, Kills(scene(Path(folder), options.scene)).kinds)


if __name__ == "__main__":
    sys.exit(main())
