"""A home and an unfinished scan of an earlier version can be opened, with the same answers.

``kept/home.tar.gz`` is a home (store schema 0004) with two works, the sample collection, and the findings of
a scan at ``fast``. ``kept/unfinished.jsonl.partial`` is the output of a scan of the same collection at
``standard`` that was interrupted after three items. ``--update-golden`` does not change them; delete both
first to have them written by the current version.
"""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.golden.compare import check
from tests.golden.normalise import SAMPLES, Normaliser
from tests.golden.product import earwitness

KEPT = Path(__file__).parent / "kept"
HOME, UNFINISHED = KEPT / "home.tar.gz", KEPT / "unfinished.jsonl.partial"
WORKS = [SAMPLES / "originals" / name for name in ("paper_lanterns.opus", "tin_parade.mp3")]
N_FINISHED = 3
MAX_BYTES = 1_500_000


@pytest.fixture(scope="module", autouse=True)
def written(update: bool, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Write the home and the unfinished scan if they are missing and an update is requested."""
    if update and not HOME.exists():
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(tmp_path_factory.mktemp("kept"))
            write_kept(Path.cwd())


def write_kept(folder: Path) -> None:
    """Create the home, and a partial output of a scan that its end does not delete."""
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
    assert (
        earwitness("scan", "scraped.zip", "--out", "out.jsonl", "--effort", "standard", home=home).exit == 1
    )
    lines = (folder / "second-name").read_bytes().splitlines(keepends=True)
    UNFINISHED.write_bytes(b"".join(lines[: 1 + N_FINISHED]))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Unpack the home, and put the scanned collection and the unfinished scan beside it."""
    with tarfile.open(HOME) as archive:
        archive.extractall(tmp_path, filter="data")
    shutil.copy(UNFINISHED, tmp_path / "out.jsonl.partial")
    shutil.copy(SAMPLES / "scraped.zip", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_earlier_home_is_opened_and_its_scan_is_resumed(folder: Path, update: bool) -> None:
    """The home is valid, checks and scans have the same findings, and the interrupted scan is resumed."""
    normaliser, home = Normaliser(folder), folder / "home"
    answers: dict[str, Any] = {}

    def run(name: str, *arguments: object) -> None:
        answers[name] = normaliser.result(earwitness(*arguments, home=home))

    run("1 collections", "collections", "--json")
    run("2 verify", "verify", "--json")
    run("3 check", "check", WORKS[0], "--effort", "fast", "--json")
    standard = ("scan", "scraped.zip", "--out", "out.jsonl", "--effort", "standard", "--json")
    run("4 refused without --resume", *standard)
    run("5 scan that goes on", *standard, "--resume")
    answers["5 findings"] = normaliser.lines(folder / "out.jsonl")
    run("6 scan again at fast", "scan", "scraped.zip", "--out", "fast.jsonl", "--effort", "fast", "--json")
    answers["6 findings"] = normaliser.lines(folder / "fast.jsonl")
    run("7 register more", "register", SAMPLES / "originals/night_bus.opus", "--effort", "fast", "--json")
    run("8 rebuild", "rebuild", "--json")
    run("9 check after a rebuild", "check", WORKS[0], "--effort", "fast", "--json")
    assert not (folder / "out.jsonl.partial").exists()
    check("kept-home", answers, update=update)


def test_the_earlier_home_is_small() -> None:
    """The home and the unfinished scan have less than 1.5 MB."""
    assert HOME.stat().st_size + UNFINISHED.stat().st_size < MAX_BYTES
