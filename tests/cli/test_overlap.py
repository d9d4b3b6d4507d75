"""``overlap``: planted leaks are found in both directions, however the sets are packed."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.planted import (
    LEAKS,
    TEST,
    TRAINING,
    earwitness,
    folder_of,
    parquet_of,
    tar_of,
    test_set,
    training,
)

FAST = ("--effort", "fast")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the training set indexed."""
    made = tmp_path_factory.mktemp("sets")
    source = folder_of(training(), made / "training")
    assert earwitness("index", source, "--name", "training", *FAST, home=made / "home").exit_code == 0
    return made / "home"


def overlap(home: Path, *arguments: object) -> tuple[int, dict[str, Any], str]:
    """Compare; returns the exit status, the JSON and what people read."""
    done = earwitness("overlap", *arguments, *FAST, "--json", home=home)
    return done.exit_code, json.loads(done.stdout), done.stderr


def shares(answer: dict[str, Any]) -> list[tuple[int, int]]:
    """Items that overlap, of all, in each direction."""
    return [(each["items"]["part"], each["items"]["of"]) for each in answer["shares"]]


def pairs(path: Path) -> set[tuple[str, str]]:
    """The items of the pairs in a CSV."""
    return {(row["item_a"], row["item_b"]) for row in csv.DictReader(path.open())}


@pytest.mark.parametrize("pack", [folder_of, tar_of])
def test_a_source_is_compared_with_an_indexed_dataset(
    pack: Callable[..., Path], home: Path, tmp_path: Path
) -> None:
    """Exactly the planted pairs overlap, in both directions, and lists for both sides leave them out."""
    left, out, page = tmp_path / "left.csv", tmp_path / "pairs.csv", tmp_path / "page.html"
    source = pack(test_set(), tmp_path / "test")
    outputs = ("--out", out, "--format", "csv", "--exclude-b", left, "--report", page)
    status, answer, said = overlap(home, "training", source, *outputs)
    assert (status, answer["pairs"], answer["same_file"]) == (1, 3, 1)
    assert pairs(out) == LEAKS
    assert {(each["of"], each["in"]): each["items"]["part"] for each in answer["shares"]} == {
        ("test", "training (version 1)"): 3,
        ("training (version 1)", "test"): 3,
    }
    assert sorted(shares(answer)) == [(3, 3), (3, 4)]
    assert answer["shares"][0]["seconds"]["part"] == pytest.approx(10 + 24 + 10, abs=2)
    listed = [row["id"] for row in csv.DictReader(left.open())]
    assert sorted(listed) == sorted(test for _, test in LEAKS)
    assert "3 of 4 items (75.0 %, 30.1 to 95.4)" in said
    assert "bus_part.wav" in page.read_text()


def test_two_sources_are_compared_without_an_index(home: Path, tmp_path: Path) -> None:
    """A tar and a table are compared with each other; nothing is stored in the home."""
    names = {f"b.parquet#{n}": name for n, name in enumerate(TRAINING)}
    one = tar_of(test_set(), tmp_path / "a.tar")
    other = parquet_of(training(), tmp_path / "b.parquet")
    out = tmp_path / "pairs.csv"
    status, answer, _ = overlap(home, one, other, "--out", out, "--format", "csv")
    assert (status, shares(answer)) == (1, [(3, 4), (3, 3)])
    assert {(names[b], a) for a, b in pairs(out)} == LEAKS
    assert json.loads(earwitness("collections", "--json", home=home).stdout)["collections"][0]["n_items"] == 3


def test_splits_of_a_table_are_compared(home: Path, tmp_path: Path) -> None:
    """The column divides the rows; pairs within a split do not count."""
    files = [*training().values(), *test_set().values(), training()["bus.wav"]]
    split = ["train"] * len(TRAINING) + ["test"] * len(TEST) + ["train"]
    table = parquet_of(
        {f"{n}.wav": file for n, file in enumerate(files)}, tmp_path / "t.parquet", split=split
    )
    out = tmp_path / "pairs.csv"
    options = ("--split-column", "split", "--splits", "train,test", "--out", out, "--format", "csv")
    status, answer, _ = overlap(home, table, *options)
    assert (status, answer["sets"]) == (1, ["train", "test"])
    assert answer["pairs"] == 4  # a second copy of the training piece in the training split leaks as well
    assert {int(b.partition("#")[2]) for _, b in pairs(out)} == {3, 4, 5}


def test_indexed_datasets_are_compared_by_their_bytes_only(home: Path, tmp_path: Path) -> None:
    """Without audio, only the same files are pairs; the answer asks for the audio of one side."""
    source = folder_of({"x.wav": test_set()["parade.wav"]}, tmp_path / "other")
    assert earwitness("index", source, "--name", "other", *FAST, home=home).exit_code == 0
    status, answer, said = overlap(home, "training", "other")
    assert (status, answer["by_sound"], answer["pairs"]) == (3, False, 0)
    assert "name one of the sets by its source" in said
    assert earwitness("remove", "other", "--yes", home=home).exit_code == 0


def test_sets_without_overlap_end_with_0(home: Path, tmp_path: Path) -> None:
    """Nothing shared is status 0 when all was compared, and 3 when an item could not be read."""
    alone = {"x.wav": test_set()["parade.wav"]}
    status, answer, said = overlap(home, folder_of(alone, tmp_path / "clean"), "training")
    assert (status, answer["pairs"], shares(answer)) == (0, 0, [(0, 1), (0, 3)])
    assert "no pair of items" in said
    broken = folder_of(alone | {"broken.wav": b"no audio"}, tmp_path / "broken")
    status, answer, said = overlap(home, broken, "training")
    assert (status, answer["not_compared"]["broken"]["reasons"]) == (3, {"not_audio": 1})
    assert "Of broken, 1 item could not be compared" in said


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("training",), "was named alone"),
        (("training", "--splits", "a,b"), "cannot be compared by its fingerprints"),
        (("training", "nowhere"), "nowhere does not exist"),
        (("training", "training:1", "--splits", "a,b"), ""),
    ],
)
def test_what_cannot_be_compared_is_an_error(arguments: tuple[str, ...], text: str, home: Path) -> None:
    """The message says what is missing; the exit status is 2."""
    done = earwitness("overlap", *arguments, home=home)
    assert done.exit_code == 2
    assert text in done.stderr
