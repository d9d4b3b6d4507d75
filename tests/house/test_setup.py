"""Setting up on a machine where other programs are at work."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = (
    "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt-get)",
    "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (unattended-upgr)",
    "E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using it?",
)


def install(
    folder: Path, *, says: str, failures: int, patience_s: int = 600
) -> subprocess.CompletedProcess[str]:
    """Run scripts/apt.sh with an apt-get that fails so many times, and a sleep that takes no time."""
    made = {
        "apt-get": f'echo "$@" >>{folder}/calls\n'
        f"n=$(wc -l <{folder}/calls)\n[ $n -gt {failures} ] || {{ echo '{says}' >&2; exit 100; }}\n",
        "sleep": "exit 0\n",
    }
    for name, body in made.items():
        (folder / name).write_text(f"#!/usr/bin/env bash\n{body}")
        (folder / name).chmod(0o755)
    environment = os.environ | {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "APT_PATIENCE_S": str(patience_s),
    }
    command = [str(ROOT / "scripts/apt.sh"), "bubblewrap"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("says", LOCKS)
def test_setup_waits_for_apt(tmp_path: Path, says: str) -> None:
    """Where another program holds one of apt's locks, setup waits and goes on, and says why it waits."""
    done = install(tmp_path, says=says, failures=3)
    calls = (tmp_path / "calls").read_text().splitlines()
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("waiting") == 1
    assert [" update" in call for call in calls] == [True, True, True, True, False]
    assert all("DPkg::Lock::Timeout=" in call for call in calls)


@pytest.mark.parametrize(
    ("says", "patience_s"), [("E: Unable to fetch some archives", 600), (LOCKS[0], 0)], ids=["other", "late"]
)
def test_setup_does_not_wait_for_what_waiting_does_not_mend(
    tmp_path: Path, says: str, patience_s: int
) -> None:
    """Another failure, or a lock that is never let go of, ends setup with apt's own words."""
    done = install(tmp_path, says=says, failures=9, patience_s=patience_s)
    assert done.returncode == 1
    assert says in done.stderr
