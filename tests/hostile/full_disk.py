"""Commands on a disk that is full, or read-only: ``python -m tests.hostile.full_disk --seconds 60 --seed 1``.

A small file system of its own is filled up to some random bytes, then a command runs there; each also runs on
it mounted read-only. It may only say what is wrong; what was acknowledged is there when there is room again.
Without the right to mount, the script starts itself again in a name space where it has it.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.hostile.attack import (
    ALONE,
    QUICKLY,
    Ended,
    Scene,
    Tally,
    answers,
    attack,
    parser,
    run_here,
    scene,
)

DISK_BYTES = 24 << 20
READS = ("check", "verify", "collections")


class FullDisk:
    """A home on a disk of its own."""

    def __init__(self, made: Scene, disk: Path) -> None:
        self.made, self.disk = made, disk
        self.packed = made.root / "packed"
        assert run_here(made.home, "backup", self.packed).status == 0
        home, out = disk / "home", disk / "out.jsonl"
        self.commands: dict[str, tuple[Path, tuple[object, ...]]] = {
            "register": (home, ("register", made.more, *ALONE)),
            "index": (home, ("index", made.works, "--name", "works too", *ALONE)),
            "scan": (home, ("scan", made.clips, *ALONE, "--out", out)),
            "check": (home, ("check", made.clips, *QUICKLY)),
            "remove": (home, ("remove", "clips", "--yes")),
            "rebuild": (home, ("rebuild",)),
            "backup": (home, ("backup", disk / "packed", "--force")),
            "restore": (disk / "again", ("restore", self.packed)),
            "verify": (home, ("verify",)),
            "collections": (home, ("collections", "--format", "jsonl")),
        }

    def fresh(self) -> None:
        """Empty the disk, and copy the home there."""
        for path in self.disk.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        shutil.copytree(self.made.home, self.disk / "home")

    def full(self, chance: random.Random, tally: Tally) -> None:
        """Run a command where there is little room or none; then make room, and ask."""
        self.fresh()
        name = chance.choice(list(self.commands))
        left = chance.choice([0, 0, 4_096, 20_000, 60_000, 200_000, 600_000])
        filler = self.disk / "filler"
        with filler.open("wb") as file:
            file.write(bytes(max(0, shutil.disk_usage(self.disk).free - left)))
        home, arguments = self.commands[name]
        ended = run_here(home, *arguments)
        filler.unlink()
        removed = name == "remove" and ended.status == 0
        self.settle(f"full {name}", ended, tally, removed=removed)

    def read_only(self, chance: random.Random, tally: Tally) -> None:
        """Run a command where nothing can be written."""
        self.fresh()
        name = chance.choice(list(self.commands))
        home, arguments = self.commands[name]
        with remounted(self.disk):
            ended = run_here(home, *arguments)
        unread = name in READS and ended.status == 2
        self.settle(f"read-only {name}", ended, tally, lost=unread)

    def settle(
        self, name: str, ended: Ended, tally: Tally, *, lost: bool = False, removed: bool = False
    ) -> None:
        """Look at the home once there is room again."""
        verified = run_here(self.disk / "home", "verify")
        asked, said = answers(self.disk / "home", self.made.clips)
        gone = said != self.made.truth and not (removed or name.endswith(("index", "remove")))
        tally.note(name, [ended, verified, asked], lost=lost or gone, silent=verified.status != 0)


@contextmanager
def remounted(disk: Path) -> Iterator[None]:
    """Mount a disk read-only for a while."""
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    try:
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system in memory of a few megabytes."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    subprocess.run(mount, check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def main() -> int:
    """Run the attack."""
    if os.geteuid() != 0:
        os.execvp(
            "unshare", ["unshare", "-rm", sys.executable, "-m", "tests.hostile.full_disk", *sys.argv[1:]]
        )
    options = parser(__doc__).parse_args()
    with tempfile.TemporaryDirectory(prefix="full-") as folder, small_disk(Path(folder) / "disk") as disk:
        attacked = FullDisk(scene(Path(folder), options.scene), disk)
        return attack(options, {"full": attacked.full, "read-only": attacked.read_only})


if __name__ == "__main__":
    sys.exit(main())
