"""``scan --in``: a source is searched for the items of indexed datasets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.planted import LEAKS, TEST, earwitness, folder_of, parquet_of, tar_of, test_set, training

FAST = ("--effort", "fast")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the training set (a folder) and the test set (a tar) indexed; no work is registered."""
    made = tmp_path_factory.mktemp("sets")
    home = made / "home"
    for source, name in (
        (folder_of(training(), made / "training"), "training"),
        (tar_of(test_set(), made / "test.tar"), "test"),
    ):
        assert earwitness("index", source, "--name", name, *FAST, home=home).exit_code == 0
    return home


def found(path: Path) -> set[tuple[str, str]]:
    """Pairs of an item and the dataset item that it matches."""
    findings = [json.loads(line) for line in path.read_text().splitlines()]
    pairs = ((each["item"]["id"], match) for each in findings for match in each["matches"])
    return {(item, match["recording"]["path"]) for item, match in pairs}


def scan(source: Path, home: Path, out: Path, *options: object) -> tuple[int, dict[str, Any], str]:
    """Scan a source; returns the exit status, the JSON and what people read."""
    done = earwitness("scan", source, "--out", out, *FAST, "--json", *options, home=home)
    return done.exit_code, json.loads(done.stdout), done.stderr


@pytest.mark.parametrize("pack", [folder_of, tar_of, parquet_of])
def test_leaks_are_found_in_both_directions(pack: Callable[..., Path], home: Path, tmp_path: Path) -> None:
    """Whatever the packing, exactly the planted pairs match, whichever side is the source."""
    out = tmp_path / "findings.jsonl"
    status, answer, said = scan(pack(test_set(), tmp_path / "a"), home, out, "--in", "training")
    by_name = {name: name for name in TEST} | {f"a#{n}": name for n, name in enumerate(TEST)}
    assert {(there, by_name[here]) for here, there in found(out)} == LEAKS
    assert (status, answer["verdicts"]) == (1, {"match": 3, "no_match": 1})
    assert answer["datasets"] == {"training (version 1)": 3}
    assert "works" not in answer
    assert "3 items matched 3 dataset items" in said
    assert "registered work" not in said
    status, _, _ = scan(pack(training(), tmp_path / "b"), home, out, "--in", "test:1", "--force")
    assert (status, {there for _, there in found(out)}) == (1, {test for _, test in LEAKS})


def test_every_output_of_a_scan_is_written(home: Path, tmp_path: Path) -> None:
    """Exclude list, clean manifest, page and CSV say the same as the findings, and speak of datasets."""
    source = folder_of(test_set(), tmp_path / "set")
    names = ("exclude.txt", "clean.jsonl", "page.html")
    listed, clean, page = (tmp_path / name for name in names)
    extras = ("--exclude-list", listed, "--clean-manifest", clean, "--report", page)
    scan(source, home, tmp_path / "out.csv", "--in", "training", "--format", "csv", *extras)
    assert listed.read_text().split() == ["bus_part.wav", "harbour.wav", "reel.wav"]
    assert [json.loads(line)["id"] for line in clean.read_text().splitlines()] == ["parade.wav"]
    text = page.read_text()
    assert "Matches with items of datasets" in text and "reel_part.wav" in text
    assert "Matches by work" not in text
    assert (tmp_path / "out.csv").read_text().count("training,1,") == 3


def test_several_datasets_are_searched_in_one_scan(home: Path, tmp_path: Path) -> None:
    """With two datasets, each match names its own, and the counts are by dataset."""
    out = tmp_path / "out.jsonl"
    source = folder_of({"bus.wav": training()["bus.wav"]}, tmp_path / "set")
    _, answer, _ = scan(source, home, out, "--in", "training", "--in", "test")
    assert answer["datasets"] == {"training (version 1)": 1, "test (version 1)": 1}
    assert found(out) == {("bus.wav", "bus.wav"), ("bus.wav", "bus_part.wav")}


def test_a_pack_is_searched_like_a_dataset_indexed_here(home: Path, tmp_path: Path) -> None:
    """The sound of a dataset that came as a pack counts as well."""
    key, pack, other = tmp_path / "key.pem", tmp_path / "training.pack", tmp_path / "home"
    fingerprint = earwitness("pack", "keys", "create", key, home=other).stdout.strip()
    assert earwitness("pack", "make", "training", "--out", pack, "--key", key, home=home).exit_code == 0
    assert earwitness("pack", "keys", "accept", fingerprint, home=other).exit_code == 0
    assert earwitness("pack", "add", pack, home=other).exit_code == 0
    source = tar_of(test_set(), tmp_path / "test.tar")
    _, answer, _ = scan(source, other, tmp_path / "out.jsonl", "--in", "training")
    assert answer["verdicts"] == {"match": 3, "no_match": 1}


def test_another_dataset_is_another_scan(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupted scan is resumed only against the same datasets; the error says which they were."""
    source, out = folder_of(test_set(), tmp_path / "set"), tmp_path / "out.jsonl"
    with monkeypatch.context() as patch:
        patch.setattr("earwitness.api.scan.run_scan.write_findings", _interrupted)
        stopped = earwitness("scan", source, "--out", out, "--in", "training", *FAST, home=home)
    assert stopped.exit_code == 130
    changed = earwitness("scan", source, "--out", out, "--in", "test", "--resume", *FAST, home=home)
    assert changed.exit_code == 2
    assert "another dataset (['training:1'], now ['test:1'])" in changed.stderr
    resumed, answer, _ = scan(source, home, out, "--in", "training", "--resume")
    assert (resumed, answer["verdicts"]) == (1, {"match": 3, "no_match": 1})


def _interrupted(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_dataset_that_is_not_here_is_named(home: Path, tmp_path: Path) -> None:
    """A wrong name is an error that lists the datasets; so is an empty home."""
    source = folder_of({"a.wav": training()["reel_part.wav"]}, tmp_path / "set")
    for where, text in ((home, "choose from training:1, test:1"), (tmp_path / "none", "")):
        done = earwitness("scan", source, "--out", tmp_path / "out", "--in", "trainng", home=where)
        assert done.exit_code == 2 and text in done.stderr
    named = earwitness("scan", source, "--out", "-", "--in", "test", "--links", tmp_path / "l", home=home)
    assert named.exit_code == 2
