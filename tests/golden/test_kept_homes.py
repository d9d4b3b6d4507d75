"""A home and an unfinished scan that an earlier version left are opened, and answered as that version did.

``kept/home.tar.gz`` is a home (store schema 0004) with two works and the sample collection; a scan of it at
``fast`` left its findings. ``kept/unfinished.jsonl.partial`` is what a scan of the same collection at
``standard`` had written when it was cut off after three items. ``--update-golden`` does not change them: they
stand for homes of that day. Delete both first to have them written by the version of today.
"""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.golden.compare import check
from tests.golden.entrance import earwitness
from tests.golden.normal import SAMPLES, Normaliser

KEPT = Path(__file__).parent / "kept"
HOME, UNFINISHED = KEPT / "home.tar.gz", KEPT / "unfinished.jsonl.partial"
WORKS = [SAMPLES / "originals" / name for name in ("paper_lanterns.opus", "tin_parade.mp3")]
N_KEPT = 3
MOST_BYTES = 1_500_000


@pytest.fixture(scope="module", autouse=True)
def written(update: bool, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Write the home and the unfinished scan where they are missing and that is asked for."""
    if update and not HOME.exists():
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(tmp_path_factory.mktemp("kept"))
            write_kept(Path.cwd())


def write_kept(folder: Path) -> None:
    """Make the home, then let a scan write its findings so far where its end does not delete them."""
    home, partial = folder / "home", folder / "out.jsonl.partial"
    shutil.copy(SAMPLES / "scraped.zip", folder)
    for command in (
        ("register", *WORKS, "--owner", "Someone", "--effort", "fast"),
        ("index", "scraped.zip", "--name", "scraped", "--effort", "fast"),
        ("scan", "scraped.zip", "--out", "fast.jsonl", "--effort", "fast"),
    ):
        assert earwitness(*command, home=home).exit in {0, 1}
    KEPT.mkdir(exist_ok=True)
    with tarfile.open(HOME, "w:gz") as archive:
        archive.add(home, "home", filter=lambda member: None if "-shm" in member.name else member)
    partial.touch()
    (folder / "second-name").hardlink_to(partial)
    assert earwitness("scan", "scraped.zip", "--out", "out.jsonl", home=home).exit == 1
    lines = (folder / "second-name").read_bytes().splitlines(keepends=True)
    UNFINISHED.write_bytes(b"".join(lines[: 1 + N_KEPT]))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Unpack the home, and put the scanned collection and the unfinished scan beside it."""
    with tarfile.open(HOME) as archive:
        archive.extractall(tmp_path, filter="data")
    shutil.copy(UNFINISHED, tmp_path / "out.jsonl.partial")
    shutil.copy(SAMPLES / "scraped.zip", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_kept_home_is_opened_and_its_scan_goes_on(folder: Path, update: bool) -> None:
    """The home is sound, checks and scans find the same, and the scan that was cut off goes on."""
    normal, home = Normaliser(folder), folder / "home"
    answers: dict[str, Any] = {}

    def ask(name: str, *arguments: object) -> None:
        answers[name] = normal.ended(earwitness(*arguments, home=home))

    ask("1 collections", "collections", "--json")
    ask("2 verify", "verify", "--json")
    ask("3 check", "check", WORKS[0], "--effort", "fast", "--json")
    ask("4 refused without --resume", "scan", "scraped.zip", "--out", "out.jsonl", "--json")
    ask("5 scan that goes on", "scan", "scraped.zip", "--out", "out.jsonl", "--resume", "--json")
    answers["5 findings"] = normal.lines(folder / "out.jsonl")
    ask("6 scan again at fast", "scan", "scraped.zip", "--out", "fast.jsonl", "--effort", "fast", "--json")
    answers["6 findings"] = normal.lines(folder / "fast.jsonl")
    ask("7 register more", "register", SAMPLES / "originals/night_bus.opus", "--effort", "fast", "--json")
    ask("8 rebuild", "rebuild", "--json")
    ask("9 check after a rebuild", "check", WORKS[0], "--effort", "fast", "--json")
    assert not (folder / "out.jsonl.partial").exists()
    check("kept-home", answers, update=update)


def test_what_is_kept_is_small() -> None:
    """The home and the unfinished scan take little room in the repository."""
    assert HOME.stat().st_size + UNFINISHED.stat().st_size < MOST_BYTES
