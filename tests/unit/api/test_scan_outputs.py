"""Outputs of a scan: complete files, counts, and sentences."""

from __future__ import annotations

import csv
import os
import stat
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from earwitness.api.finding_json import from_json, to_json, to_line
from earwitness.api.findings import Finding, FindingItem, FindingRecording
from earwitness.api.scan.outputs import (
    CSV_COLUMNS,
    FORMULA,
    whole_file,
    write_exclude_list,
    write_findings,
)
from earwitness.api.scan.scan_errors import CannotWrite, NotFindings
from earwitness.api.scan.tally import Tally, keys_in, keys_of, match_keys
from earwitness.api.sentences import sentence, summary
from earwitness.index.match import Verdict
from tests.unit.api.made_findings import finding, match

EVERY = [finding(verdict, item=f"{verdict}.ogg") for verdict in Verdict]


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_every_finding_comes_back(tmp_path: Path, form: str) -> None:
    """Nothing of a finding is lost in a file."""
    path = tmp_path / "findings"
    write_findings(EVERY, path, form=form)
    if form == "jsonl":
        assert len(path.read_text().splitlines()) == len(EVERY)
        assert keys_of(path) == keys_in(EVERY)
        return
    rows = pq.read_table(path).to_pylist()
    assert [to_json(from_json(row)) for row in rows] == [to_json(each) for each in EVERY]


def test_csv_has_a_row_for_every_item(tmp_path: Path) -> None:
    """Items without a match have their row too, with the reason."""
    write_findings(EVERY, tmp_path / "f.csv", form="csv")
    with (tmp_path / "f.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert list(dict.fromkeys(row["verdict"] for row in rows)) == [str(verdict) for verdict in Verdict]
    assert tuple(rows[0]) == CSV_COLUMNS


@pytest.mark.parametrize("start", ["=", "+", "-", "@", " =", "\u3000=", "\uff1d", "\uff20"])
def test_csv_runs_nothing(tmp_path: Path, start: str) -> None:
    """A text that a spreadsheet would take for a formula is made text, in every column."""
    recording = FindingRecording(id="ab" * 32, path="p", title=f"{start}cmd|x!A1", owner=None, isrc=None)
    hostile = finding(item=f"{start}HYPERLINK(1)", matches=(match(recording=recording),))
    write_findings([hostile], tmp_path / "f.csv", form="csv")
    with (tmp_path / "f.csv").open(newline="") as lines:
        (row,) = csv.DictReader(lines)
    assert row["item_id"] == f"'{start}HYPERLINK(1)"
    assert row["title"] == f"'{start}cmd|x!A1"
    assert not [cell for cell in row.values() if cell.lstrip().startswith(FORMULA)]


def test_csv_moves_no_terminal(tmp_path: Path) -> None:
    """Control and direction characters are written as escapes, so that printing the file does nothing."""
    recording = FindingRecording(id="ab" * 32, path="p", title="\x1b[2J\u202e", owner="a\r\nb", isrc=None)
    write_findings([finding(matches=(match(recording=recording),))], tmp_path / "f.csv", form="csv")
    text = (tmp_path / "f.csv").read_text()
    assert "\\x1b[2J\\u202e" in text
    assert all(char.isprintable() or char == "\n" for char in text)


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_a_file_has_the_permissions_of_the_umask(tmp_path: Path, umask: int) -> None:
    """What is written can be read by whom the umask lets read, finished or not."""
    before = os.umask(umask)
    try:
        with whole_file(tmp_path / "out") as file:
            file.write(b"x")
            (unfinished,) = tmp_path.iterdir()
            assert unfinished.stat().st_mode & 0o777 == 0o666 & ~umask
    finally:
        os.umask(before)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o666 & ~umask


def test_a_link_keeps_leading_to_the_output(tmp_path: Path) -> None:
    """An output named by a symbolic link replaces the file that it leads to, not the link."""
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    with whole_file(tmp_path / "link") as file:
        file.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_a_device_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    """A pipe or a device stays what it is."""
    os.mkfifo(tmp_path / "pipe")
    reading = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with whole_file(tmp_path / "pipe") as file:
        file.write(b"findings")
    assert os.read(reading, 100) == b"findings"
    os.close(reading)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_file_appears_complete_or_not_at_all(tmp_path: Path) -> None:
    """What stops in the middle of writing leaves the old file, and no other."""
    path = tmp_path / "out"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), whole_file(path) as file:
        file.write(b"ne")
        raise KeyboardInterrupt
    assert [each.name for each in tmp_path.iterdir()] == ["out"]
    assert path.read_text() == "old"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """An output that cannot be written is a CannotWrite that names it."""
    with pytest.raises(CannotWrite, match="nowhere"), whole_file(tmp_path / "nowhere" / "out"):
        pass


def test_the_exclude_list_has_the_requested_verdicts(tmp_path: Path) -> None:
    """Ids of the verdicts that were named, one a line, and no others."""
    chosen = {Verdict.MATCH, Verdict.NOT_READABLE}
    assert write_exclude_list(EVERY, tmp_path / "x", verdicts=chosen) == 2
    assert set((tmp_path / "x").read_text().split()) == {"match.ogg", "not_readable.ogg"}


def test_a_file_that_holds_no_findings_is_refused(tmp_path: Path) -> None:
    """A baseline of something else is an error, not an empty baseline."""
    (tmp_path / "b.jsonl").write_text('{"schema": "other"}\n')
    with pytest.raises(NotFindings):
        keys_of(tmp_path / "b.jsonl")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"schema"', b'"schEma"'),
        (b"finding/2", b"finding/3"),
        (b'"match"', b'"mavch"'),
        (b'"e_value": ', b'"e_value": "'),
        (b'"e_value": 1', b'"e_value": null, "x": 1'),
        (b'"item": {', b'"item": ['),
        (b'"segments"', b'"segmentr"'),
        (b"song", b"s\xefng"),
        (b"}\n", b"\n"),
    ],
)
def test_a_damaged_line_of_findings_is_named(old: bytes, new: bytes, tmp_path: Path) -> None:
    """Where a line of earlier findings is not what a scan writes, the error has the file and the line."""
    line = to_line(finding()).encode()
    assert old in line
    path = tmp_path / "before.jsonl"
    path.write_bytes(line + line.replace(old, new, 1))
    with pytest.raises(NotFindings, match=r"before\.jsonl .*line 2: "):
        keys_of(path)


@pytest.mark.parametrize(
    ("verdicts", "strict", "known", "expected"),
    [
        ([Verdict.NO_MATCH], False, False, 0),
        ([Verdict.MATCH], False, False, 1),
        ([Verdict.POSSIBLE, Verdict.SHARED_MATERIAL, Verdict.TOO_SHORT_OR_SILENT], False, False, 0),
        ([Verdict.NOT_READABLE], False, False, 3),
        ([Verdict.MATCH, Verdict.NOT_READABLE], False, False, 1),
        ([Verdict.MATCH, Verdict.NOT_READABLE], True, False, 3),
        ([Verdict.MATCH], False, True, 0),
    ],
)
def test_the_exit_status_of_a_scan(verdicts: list[Verdict], strict: bool, known: bool, expected: int) -> None:
    """0 clean, 1 findings, 3 unread items (first with `strict`); a baseline does not count."""
    tally = Tally()
    for verdict in verdicts:
        tally.count(finding(verdict), known=known)
    assert tally.exit_code(strict=strict) == expected


def test_unlikely_matches_beside_a_likely_one_are_not_counted() -> None:
    """What a finding adds to the diff and the works is what would be a match on its own."""
    beside = finding(
        matches=(match(), match(recording=replace(match().recording, id="ee" * 32), e_value=5e-3))
    )
    assert len(match_keys(beside)) == 1


def test_what_was_not_searched_is_not_called_clean() -> None:
    """A summary counts unread items and their errors, and marks a partial scan."""
    tally = Tally(partial=["only one item in 10 was compared"])
    for each in EVERY:
        tally.count(each)
    text = summary(tally)
    assert "could not be read" in text
    assert "empty_file" in text
    assert "partial" in text


@pytest.mark.parametrize("each", EVERY, ids=lambda each: str(each.verdict))
def test_a_sentence_names_the_match_or_the_search(each: Finding) -> None:
    """One sentence a file: it names the file, and only a searched item without a match is called no match."""
    text = sentence(each)
    assert each.item.id in text
    assert ("No match" in text) is (each.verdict is Verdict.NO_MATCH)
    if each.verdict is Verdict.NO_MATCH:
        assert "812 items of 1 dataset" in text


def test_an_item_without_bytes_has_a_place_in_the_diff() -> None:
    """Where there is no sha256, an item's place stands for it."""
    placed = finding(item="a")
    bare = replace(placed, item=FindingItem(id="a", path="a", sha256=None, duration_s=None))
    assert next(iter(match_keys(bare)))[0] == "a"
