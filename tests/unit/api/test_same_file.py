"""The evidence "the same file": found in every packing, and never part of the verdict."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from earwitness.api.cli.app import app
from earwitness.api.packs.add_pack import add_pack
from tests.contract.packings import CLIPS, PACKINGS
from tests.unit.api.made_packs import file_row, made_pack, settings


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home without an index, whose lists hold the first two of the clips that the packings are of."""
    home = tmp_path_factory.mktemp("home")
    rows = [file_row(f"audio/{name}", audio, sha256=None) for name, audio in list(CLIPS.items())[:2]]
    add_pack(made_pack(home / "a.pack", files=rows), settings(home), unsigned=True)
    return home


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_known_file_is_named_in_every_packing(home: Path, tmp_path: Path, packing: str) -> None:
    """A file with a listed MD5 is named with dataset and card, without an index and without decoding."""
    source = PACKINGS[packing](tmp_path)
    ran = CliRunner().invoke(
        app, ["--home", str(home), "same-file", str(source), "--json", "--out", str(tmp_path / "out.jsonl")]
    )
    assert ran.exit_code == 1, ran.output
    answer = json.loads(ran.stdout)
    assert (answer["known"], answer["datasets"]) == (2, {"made-up": 2})
    found = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    named = {paths for each in found for one in each["same_file"] for paths in one["paths"]}
    assert named == {"audio/clip_0.wav", "audio/clip_1.wav"}
    assert {one["card"] for each in found for one in each["same_file"]} == {"made_up"}
    assert {one["digest"] for each in found for one in each["same_file"]} == {"md5"}


def test_files_that_no_list_holds_are_said_to_prove_nothing(home: Path, tmp_path: Path) -> None:
    """Without a known file the status is 0, and the answer says that it does not cover changed copies."""
    (tmp_path / "clip.wav").write_bytes(CLIPS["clip_3.wav"])
    ran = CliRunner().invoke(app, ["--home", str(home), "same-file", str(tmp_path)])
    assert ran.exit_code == 0
    assert "says nothing of changed copies" in ran.stderr
