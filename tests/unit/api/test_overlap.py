"""Pairs, shares and splits of a comparison, from findings made by hand."""

from __future__ import annotations

import csv
import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from earwitness.api.datasets.items import NONE_PASSED_OVER, Json, Skipped, SourceItem
from earwitness.api.findings import Finding, FindingMatch
from earwitness.api.overlap.collect_pairs import PairCollector
from earwitness.api.overlap.overlap_errors import NoSuchSplit, OneSplit
from earwitness.api.overlap.overlap_report import write_overlap_report
from earwitness.api.overlap.overlap_result import NotCompared, Overlap
from earwitness.api.overlap.overlap_sentences import overlap_summary
from earwitness.api.overlap.pairs import Pair, write_left_out, write_pairs
from earwitness.api.overlap.shares import Coverage, wilson
from earwitness.api.overlap.sides import splits_of
from earwitness.api.overlap.stored_items import StoredItems
from earwitness.api.scan.tally import Tally
from earwitness.index.database.records import Collection, CollectionKind
from earwitness.index.match import Verdict
from tests.unit.api.made_findings import finding, match

SHA, OTHER_SHA = "cd" * 32, "ab" * 32
DATASET = Collection(
    id=1, kind=CollectionKind.DATASET, name="scraped-2026", version="1", scheme="ew1", indexed_at="",
    n_items=3, n_unreadable=0, n_codes=0, complete=True, changed_epoch=0,
)  # fmt: skip


def stored() -> StoredItems:
    """A dataset of a song, a copy of the made finding's item, and an item that could not be read."""
    lengths = {("song.mp3", OTHER_SHA): 80.0, ("copy.ogg", SHA): 8.0, ("new.mp3", "ef" * 32): 12.0}
    same = {OTHER_SHA: ["song.mp3"], SHA: ["copy.ogg"], "ee" * 32: ["short.wav"]}
    return StoredItems(
        collection=DATASET, durations_s=lengths, by_sha256=same, not_read=Counter({"empty_file": 1})
    )


def collected(
    *findings: Finding, sides: tuple[str, str] = ("here", "there"), stretches: frozenset[str] = frozenset()
) -> Overlap:
    """Compare a side "here" of these findings with the dataset, which is the side "there"."""
    overlap = Overlap(sides=sides, tallies=[Tally()], not_compared={"there": NotCompared()})
    collector = PairCollector(overlap, query="here", targets={"there": stored()}, stretches=stretches)
    for each in findings:
        collector.take(each)
    collector.finish()
    return overlap


def from_elsewhere(verdict: Verdict = Verdict.MATCH, **changed: Any) -> Finding:
    """A finding whose item is no file of the dataset."""
    made = finding(verdict, **changed)
    return replace(made, item=replace(made.item, sha256="00" * 32))


@pytest.mark.parametrize(
    ("fraction", "n", "low", "high"),
    [(0.75, 4, 0.3006, 0.9544), (0.0, 10, 0.0, 0.2775), (1.0, 10, 0.7225, 1.0), (0.5, 100, 0.4038, 0.5962)],
)
def test_an_interval_is_wilsons(fraction: float, n: int, low: float, high: float) -> None:
    """The interval of a share agrees with published values, and no item tells nothing."""
    assert wilson(fraction, n) == pytest.approx((low, high), abs=1e-4)
    assert wilson(fraction, 0) == (0.0, 1.0)


def test_seconds_of_one_item_are_one_observation() -> None:
    """Equally long items that lie in the other set or do not give the interval of the items."""
    held = Coverage()
    for number in range(40):
        held.add(total_s=300.0, shared_s=300.0 * (number < 10), shares=number < 10)
    ends = (held.seconds.low, held.seconds.high)
    assert held.seconds.fraction == held.items.fraction == 0.25
    assert ends == pytest.approx((held.items.low, held.items.high), abs=0.005)


def test_uneven_items_widen_the_interval_of_seconds() -> None:
    """One long item among short ones says less about seconds than equal ones do."""
    even, uneven = Coverage(), Coverage()
    for number in range(20):
        even.add(total_s=50.0, shared_s=50.0 * (number % 2), shares=bool(number % 2))
        long = 905.0 if number == 0 else 5.0
        uneven.add(total_s=long, shared_s=long * (number % 2 == 0), shares=number % 2 == 0)
    assert uneven.seconds.high - uneven.seconds.low > even.seconds.high - even.seconds.low


def test_a_match_covers_both_sides() -> None:
    """Seconds are those of the spans, in each set; each second counts once."""
    again = match(segments=(*match().segments, replace(match().segments[0], query_end_s=6.0)))
    overlap = collected(from_elsewhere(matches=(again,)), from_elsewhere(Verdict.NO_MATCH, item="b"))
    there, back = overlap.covered["here", "there"], overlap.covered["there", "here"]
    assert (there.items.part, there.items.whole) == (1, 2)
    assert (there.seconds.part, there.seconds.whole) == (8.0, 16.0)
    assert (back.items.part, back.items.whole) == (1, 3)
    assert (round(back.seconds.part, 2), back.seconds.whole) == (8.9, 100.0)
    assert [(pair.items, pair.verdict) for pair in overlap.pairs] == [
        (("shard-0/clip_12.ogg", "song.mp3"), "match")
    ]


@pytest.mark.parametrize("verdict", [Verdict.POSSIBLE, Verdict.SHARED_MATERIAL])
def test_what_asserts_nothing_is_no_overlap(verdict: Verdict) -> None:
    """A possible match and shared material are listed, and count for no share and no exclude list."""
    overlap = collected(from_elsewhere(verdict))
    assert {pair.verdict for pair in overlap.pairs} == {str(verdict)}
    assert overlap.covered["here", "there"].n_shared == overlap.covered["there", "here"].n_shared == 0
    assert not list(overlap.left_out("here"))
    assert overlap.exit_code(strict=False) == 0
    assert overlap.exit_code(strict=False, exit_on=str(verdict)) == 1


def test_the_very_file_counts_without_a_match() -> None:
    """The same bytes are a pair even where the search found nothing, and cover both items whole."""
    overlap = collected(finding(Verdict.NO_MATCH))
    (pair,) = overlap.pairs
    assert (pair.items[1], pair.verdict, pair.same_file) == ("copy.ogg", "same_file", True)
    assert overlap.covered["here", "there"].shared_s == overlap.covered["there", "here"].shared_s == 8.0
    assert overlap.exit_code(strict=False) == 1


def test_a_part_of_a_file_is_not_the_file() -> None:
    """The bytes of an item that is a stretch of its file show nothing."""
    stretch = frozenset({"shard-0/clip_12.ogg"})
    assert not collected(finding(Verdict.NO_MATCH), stretches=stretch).pairs


def test_what_was_not_compared_is_no_part_of_a_share() -> None:
    """Items that could not be read, or are too short, are counted apart; the exit status says so."""
    short = from_elsewhere(Verdict.TOO_SHORT_OR_SILENT)
    unread = from_elsewhere(Verdict.NOT_READABLE, item="b")
    overlap = collected(short, unread)
    assert overlap.covered["here", "there"].n_items == 0
    assert overlap.not_compared["here"].reasons == {"empty_file": 2}
    assert overlap.exit_code(strict=False) == 3
    assert "Of here, 2 items could not be compared by sound" in overlap_summary(overlap)
    both = collected(unread, from_elsewhere())
    assert (both.exit_code(strict=False), both.exit_code(strict=True)) == (1, 3)


def test_pairs_stand_in_the_order_of_the_sets() -> None:
    """Where the first set is the indexed one, items and times are turned round."""
    overlap = collected(from_elsewhere(), sides=("there", "here"))
    (pair,) = overlap.pairs
    assert (pair.sets, pair.items) == (("there", "here"), ("song.mp3", "shard-0/clip_12.ogg"))
    assert pair.spans == [((61.2, 70.1), (0.0, 8.0))]
    assert pair.covers == (0.0312, 0.98)
    assert list(overlap.left_out("there")) == ["song.mp3"]


def test_pairs_and_lists_are_written(tmp_path: Path) -> None:
    """JSON and CSV hold the same pairs; a black list has an index and an id, and any other list ids only."""
    hostile = replace(match(), recording=replace(match().recording, path="=cmd()"))
    pairs: list[Pair] = collected(from_elsewhere(matches=(match(), hostile))).pairs
    lines, table = tmp_path / "p.jsonl", tmp_path / "p.csv"
    write_pairs(pairs, lines, form="jsonl")
    write_pairs(pairs, table, form="csv")
    written = [json.loads(line) for line in lines.read_text().splitlines()]
    rows = list(csv.DictReader(table.open()))
    assert [row["verdict"] for row in rows] == [each["verdict"] for each in written] == ["match", "match"]
    assert [row["item_b"] for row in rows] == ["song.mp3", "'=cmd()"]
    assert float(rows[0]["start_b_s"]) == written[0]["segments"][0]["start_b_s"] == 61.2
    for name, text in (("l.csv", "index,id\r\n0,a\r\n1,b\r\n"), ("l.txt", "a\nb\n")):
        write_left_out(["a", "b"], tmp_path / name)
        assert (tmp_path / name).read_bytes().decode() == text


def test_the_page_escapes_names_and_loads_nothing(tmp_path: Path) -> None:
    """Names from outside are text, and the page holds shares, pairs and what was not compared."""
    hostile: FindingMatch = match(recording=replace(match().recording, path="<script>alert(1)</script>"))
    overlap = collected(from_elsewhere(matches=(hostile,)), from_elsewhere(Verdict.NOT_READABLE, item="b"))
    write_overlap_report(overlap, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert "<script" not in text and "&lt;script&gt;" in text
    assert "http" not in text.replace("http-equiv", "")
    assert "Not everything was compared" in text and "100.0 %" in text


class Rows:
    """A source whose items have a split in their metadata, and one that is not readable."""

    format, total, passed_over = "jsonl", None, NONE_PASSED_OVER
    shards: tuple[str, ...] = ()

    def __init__(self, splits: dict[str, Json]) -> None:
        self._splits = splits

    def __iter__(self) -> Iterator[SourceItem | Skipped]:
        for name, split in self._splits.items():
            metadata = {} if split is None else {"split": split}
            yield SourceItem(item_id=name, path=name, open=None, metadata=metadata)
        yield Skipped(item_id="bad", path="bad", code="empty_file", message="", hint="")


def test_a_source_is_divided_by_a_column() -> None:
    """Each split holds its items; items without one, or with another, are counted."""
    rows = Rows({"a": "train", "b": "test", "c": "train", "d": None, "e": "dev"})
    divided = splits_of(rows, column="split", names=["test", "train"])
    found = {side.name: [item.item_id for item in side.reader or ()] for side in divided.sides}
    assert found == {"test": ["b"], "train": ["a", "c"]}
    assert divided.unassigned == {"(none)": 1, "dev": 1, "(not readable)": 1}
    assert [side.name for side in splits_of(rows, column="split", names=[]).sides] == ["dev", "test", "train"]


def test_a_source_is_divided_by_folders_and_file_names() -> None:
    """A folder or the beginning of a file's name states the split; longer names go first."""
    names = ["train/a.wav", "data/test-0001.tar/b.wav", "train_clean/c.wav", "trainer/d.wav", "x.wav"]
    divided = splits_of(Rows(dict.fromkeys(names)), column=None, names=["train", "test", "train_clean"])
    found = {side.name: [item.item_id for item in side.reader or ()] for side in divided.sides}
    assert found == {"train": [names[0]], "test": [names[1]], "train_clean": [names[2]]}
    assert divided.unassigned == {"(none)": 2, "(not readable)": 1}


def test_splits_that_are_not_there_are_errors() -> None:
    """A wrong name lists what there is, and one split alone cannot be compared."""
    rows = Rows({"a": "train", "b": "test"})
    with pytest.raises(NoSuchSplit, match="there are"):
        splits_of(rows, column="split", names=["train", "tset"])
    with pytest.raises(OneSplit):
        splits_of(rows, column="split", names=["train"])
    with pytest.raises(OneSplit):
        splits_of(rows, column="no_such_column", names=[])


def test_no_item_gives_no_share() -> None:
    """Where nothing was compared, the share is null and its interval says nothing."""
    empty = Coverage()
    assert empty.items.to_json() == {"part": 0, "of": 0, "fraction": None, "interval_95": None}
    assert not math.isnan(empty.seconds.low)
