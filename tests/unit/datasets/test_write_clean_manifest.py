"""A clean manifest is the manifest, less what is excluded."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.api.datasets.isolated.read_request import Request
from earwitness.api.datasets.items import Manifest
from earwitness.api.datasets.open_source import open_here, open_source
from earwitness.api.datasets.write_clean_manifest import write_clean
from tests.contract.packings import PACKINGS

LISTS = ("csv", "tsv", "jsonl", "kaldi", "lhotse", "lhotse cuts")


@pytest.mark.parametrize("name", LISTS)
def test_what_is_written_is_what_may_stay(name: str, tmp_path: Path) -> None:
    """Cleaning a manifest and reading it again gives the items that were not excluded, in order."""
    source = PACKINGS[name](tmp_path)
    reader = open_source(source)
    ids = [item.item_id for item in reader]
    out = (source if source.is_dir() else source.parent) / f"clean{''.join(source.suffixes) or '.scp'}"
    cleaned = write_clean(reader, {ids[1], ids[3]}, out)
    assert (cleaned.n_kept, cleaned.n_left_out) == (2, 2)
    assert [item.item_id for item in open_source(out)] == [ids[0], ids[2]]


@pytest.mark.parametrize("name", LISTS)
def test_excluding_nothing_changes_nothing(name: str, tmp_path: Path) -> None:
    """A manifest with nothing excluded is written again byte for byte."""
    source = PACKINGS[name](tmp_path)
    reader = open_source(source)
    assert isinstance(reader, Manifest)
    file = source / "wav.scp" if source.is_dir() else source
    stored = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    assert b"".join(entry.text for entry in reader.written()) == stored


CELL = st.text(alphabet='ab",\n \u00e9#', max_size=6)


@given(rows=st.lists(st.tuples(CELL, CELL), min_size=1, max_size=6))
def test_any_csv_is_kept_byte_for_byte(
    rows: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Quotes, commas and line breaks inside cells survive a cleaning that excludes nothing."""
    import csv
    import io

    text = io.StringIO()
    csv.writer(text).writerows([("id", "path"), *rows, ("last", "x.wav")])
    source = tmp_path_factory.mktemp("csv") / "list.csv"
    source.write_text(text.getvalue(), newline="")
    reader = open_here(Request(source=str(source), options={"reader": "csv"}))
    assert isinstance(reader, Manifest)
    assert b"".join(entry.text for entry in reader.written()) == source.read_bytes()


def test_shards_with_something_excluded_leave_the_shard_list(tmp_path: Path) -> None:
    """A WebDataset's clean list names the shards that hold nothing excluded."""
    reader = open_source(PACKINGS["webdataset"](tmp_path))
    first = next(iter(reader))
    cleaned = write_clean(reader, {first.item_id}, tmp_path / "shards.txt")
    assert (cleaned.form, cleaned.n_left_out) == ("shard list", 1)
    assert (tmp_path / "shards.txt").read_text().split() == [reader.shards[1]]


def test_a_source_without_a_manifest_gets_one(tmp_path: Path) -> None:
    """The items of a zip that may stay are listed by id."""
    reader = open_source(PACKINGS["zip"](tmp_path))
    cleaned = write_clean(reader, {"clip_0.wav"}, tmp_path / "clean.jsonl")
    assert cleaned.form == "jsonl"
    assert len((tmp_path / "clean.jsonl").read_text().splitlines()) == cleaned.n_kept == 3


def test_a_shard_list_that_would_be_empty_is_an_index_of_samples(tmp_path: Path) -> None:
    """Where every shard holds something excluded, the samples that may stay are listed, and that is said."""
    reader = open_source(PACKINGS["webdataset"](tmp_path))
    ids = [item.item_id for item in reader]
    cleaned = write_clean(reader, {ids[0], ids[2]}, tmp_path / "clean.jsonl")
    assert (cleaned.form, cleaned.n_kept, cleaned.n_left_out) == ("sample index", 2, 2)
    assert "every shard" in cleaned.sentence
    lines = (tmp_path / "clean.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == [ids[1], ids[3]]


def test_samples_that_go_with_their_shard_are_counted(tmp_path: Path) -> None:
    """A shard list says how much of what may stay it leaves out."""
    reader = open_source(PACKINGS["webdataset"](tmp_path))
    cleaned = write_clean(reader, {next(iter(reader)).item_id}, tmp_path / "shards.txt")
    assert "1 samples that may stay" in cleaned.sentence
