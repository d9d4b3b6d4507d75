"""A work is watched from the command line: found in one version of a dataset, and gone in the next."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from earwitness.api.cli.app import app

SAMPLES = Path(__file__).parents[2] / "sample_audio"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A work, and two versions of a dataset: the first holds a part of it."""
    shutil.copy(SAMPLES / "originals" / "night_bus.opus", tmp_path)
    with zipfile.ZipFile(SAMPLES / "scraped.zip") as clips:
        for version, name in (("v1", "shard-0/clip_03.opus"), ("v2", "shard-1/clip_06.m4a")):
            (tmp_path / version).mkdir()
            (tmp_path / version / Path(name).name).write_bytes(clips.read(name))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EARWITNESS_HOME", str(tmp_path / "home"))
    return tmp_path


def earwitness(*arguments: object, status: int = 0) -> Result:
    """Run one command."""
    ran = CliRunner().invoke(app, [*map(str, arguments)])
    assert ran.exit_code == status, ran.output + ran.stderr
    return ran


def as_json(*arguments: object) -> dict[str, Any]:
    """Run a command, and return its JSON."""
    answer: dict[str, Any] = json.loads(earwitness(*arguments, "--json").stdout)
    return answer


def test_a_work_is_watched_and_its_removal_is_proven(folder: Path) -> None:
    """Each command says what it did; the signed file verifies, and its change is named."""
    earwitness("register", "night_bus.opus", "--watch", "--effort", "fast")
    assert [each["file"] for each in as_json("watch", "list")["works"]] == ["night_bus.opus"]
    first = earwitness("index", "v1", "--name", "set", "--effort", "fast").stdout
    assert "notice 1 of" in first and "night_bus.opus is in set:1." in first
    (second,) = as_json("index", "v2", "--name", "set", "--version", "2", "--effort", "fast")["notices"]
    assert (second["outcome"], second["change"]["kind"]) == ("no_match", "went")
    shown = as_json("watch", "notices", "--in", "set:2")["notices"]
    assert [(each["id"], each["sentences"], each["delivery"]) for each in shown] == [
        (2, second["sentences"], "none")
    ]
    earwitness("watch", "evidence", second["id"], "--out", "gone.json")
    assert "Gone: it was found in version 1" in earwitness("evidence", "verify", "gone.json").stdout
    text = Path("gone.json").read_text()
    Path("gone.json").write_text(text.replace('"kind": "went"', '"kind": "stayed"'))
    assert "/notice/change/kind was changed" in earwitness("evidence", "verify", "gone.json", status=2).stderr
    assert as_json("watch", "stop", "--all")["ended"] == 1
    assert as_json("watch", "list")["works"] == []
    assert "notices" not in as_json("index", "v1", "--name", "other", "--effort", "fast")


def test_errors_of_watching_have_a_way_on(folder: Path) -> None:
    """A work, a notice or an address that there is not is an error with what to do."""
    earwitness("watch", "webhook", "https://example.org/x")
    for arguments, hint in (
        (("watch", "add", "no.wav"), "watch list --all"),
        (("watch", "add"), "--all"),
        (("watch", "evidence", 9, "--out", "x.json"), "watch notices"),
        (("watch", "webhook", "http://example.org/"), "https"),
    ):
        assert hint in earwitness(*arguments, status=2).stderr
    earwitness("watch", "webhook", "--remove")
    assert "watch webhook https://" in earwitness("watch", "webhook", status=2).stderr
