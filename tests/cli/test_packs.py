"""Packs as users give them: made in one home, sent as a file, added in another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from earwitness.api.cli.app import app

SAMPLES = Path(__file__).parents[2] / "sample_audio"


def earwitness(*arguments: object, home: Path) -> Result:
    """Run one command."""
    return CliRunner().invoke(app, ["--home", str(home), *map(str, arguments)])


def findings(home: Path) -> list[dict[str, Any]]:
    """What a check of the sample works finds; an epoch counts the changes of a home."""
    ran = earwitness("check", SAMPLES / "originals", "--effort", "fast", "--format", "jsonl", home=home)
    assert ran.exit_code == 1, ran.output
    found = [json.loads(line) for line in ran.stdout.splitlines()]
    return [{**each, "search": {**each["search"], "epoch": 0}} for each in found]


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the sample dataset indexed."""
    home = tmp_path_factory.mktemp("home")
    ran = earwitness("index", SAMPLES / "scraped.zip", "--name", "scraped", "--effort", "fast", home=home)
    assert ran.exit_code == 0, ran.output
    return home


def test_a_dataset_that_came_as_a_pack_answers_as_one_that_was_indexed(indexed: Path, tmp_path: Path) -> None:
    """All findings are equal, and the files of the pack are known by their bytes besides."""
    key, pack, other = tmp_path / "key.pem", tmp_path / "scraped.pack", tmp_path / "other"
    fingerprint = earwitness("pack", "keys", "create", key, home=other).stdout.strip()
    made = earwitness("pack", "make", "scraped", "--out", pack, "--key", key, "--json", home=indexed)
    assert (made.exit_code, json.loads(made.stdout)["signer"]) == (0, fingerprint)
    assert "fingerprints" in made.stderr
    refused = earwitness("pack", "add", pack, home=other)
    assert refused.exit_code == 2 and fingerprint in refused.stderr
    assert earwitness("pack", "keys", "accept", fingerprint, home=other).exit_code == 0
    assert earwitness("pack", "verify", pack, home=other).exit_code == 0
    assert earwitness("pack", "add", pack, home=other).exit_code == 0
    assert findings(other) == findings(indexed)
    known = earwitness("same-file", SAMPLES / "scraped.zip", "--json", home=other)
    answer = json.loads(known.stdout)
    assert (answer["known"], answer["datasets"]) == (answer["items"], {"scraped": answer["items"]})
    shelf = json.loads(earwitness("shelf", "scraped", "--json", home=other).stdout)["datasets"]
    assert [each["kind"] for each in shelf[0]["evidence"]] == ["sound", "file"]
    # what `remove` took away comes back with the pack
    assert earwitness("remove", "scraped", "--yes", home=other).exit_code == 0
    assert earwitness("pack", "add", pack, home=other).exit_code == 0
    assert findings(other) == findings(indexed)
    assert earwitness("pack", "remove", "scraped", home=other).exit_code == 0
    assert json.loads(earwitness("collections", "--json", home=other).stdout)["collections"] == []


def test_a_pack_without_sound_shows_no_fingerprint(indexed: Path, tmp_path: Path) -> None:
    """What is left out is not in the pack, and an existing file is not replaced unasked."""
    pack = tmp_path / "files.pack"
    made = earwitness("pack", "make", "scraped", "--out", pack, "--without", "sound", home=indexed)
    assert made.exit_code == 0 and "fingerprints of" not in made.stdout
    assert "holds no audio" in made.stderr and "fingerprints" not in made.stderr
    assert earwitness("pack", "make", "scraped", "--out", pack, home=indexed).exit_code == 2
    shown = json.loads(earwitness("pack", "show", pack, "--json", home=indexed).stdout)
    assert (sorted(shown["parts"]), shown["scheme"]) == (["card.json", "files.parquet"], None)
