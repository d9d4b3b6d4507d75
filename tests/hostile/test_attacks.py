"""Short runs of the attacks on a store; longer ones by hand are in ``benchmarks/records/attacks.txt``."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hostile.attack import scene
from tests.made_once import made_once

ROOT = Path(__file__).parents[2]


def may_mount() -> bool:
    """Whether this user may mount a file system, in a name space of its own at least."""
    unshare = shutil.which("unshare")
    return (
        unshare is not None and subprocess.run([unshare, "-rm", "true"], capture_output=True).returncode == 0
    )


@pytest.fixture(scope="module")
def made_scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sounds and the home that all attacks begin with."""

    def make(folder: Path) -> None:
        scene(folder)

    return made_once(tmp_path_factory, "scene", make)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "n"), [("flip_bits", 6), ("kill_commands", 8), ("full_disk", 4)])
def test_a_short_attack_finds_nothing(made_scene: Path, name: str, n: int) -> None:
    """Nothing is lost, silent or a traceback, and every exit status is one of ours."""
    if name == "full_disk" and not may_mount():
        pytest.skip("no file system can be mounted here")
    command = [sys.executable, "-m", f"tests.hostile.{name}", "--n", str(n), "--seconds", "30"]
    command += ["--scene", str(made_scene)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 lost, 0 silent, 0 exits other than 0, 1, 2, 3, 0 tracebacks" in done.stdout
