"""The benchmarks' entrance."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import ON_CORPUS


@pytest.mark.parametrize("given", [True, False], ids=["given", "default"])
@pytest.mark.parametrize("entry", sorted(ON_CORPUS)[:3])
def test_an_empty_corpus_is_said(entry: str, given: bool, tmp_path: Path) -> None:
    """Where the open corpus is not there, an entry says so, and how to fetch it."""
    folder = [] if not given else ["--corpus", str(tmp_path)]
    root = Path(__file__).parents[2]
    command = [sys.executable, "-P", "-m", "benchmarks", entry, *folder]
    done = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(root)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    assert "corpus fetch" in done.stderr
    assert "Traceback" not in done.stderr
