"""The benchmark of planted leaks: packings, places and its table."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.report.overlap_table import overlap_table
from benchmarks.report.records import Record
from benchmarks.sets.overlap import PACKINGS, place_of
from earwitness.api.datasets.open_source import open_source
from tests.contract.packings import clip


@pytest.mark.parametrize("packing", PACKINGS)
def test_every_packing_holds_the_clips_in_order(packing: str, tmp_path: Path) -> None:
    """A reader lists the clips of each packing, and their names or rows tell their places."""
    files = {f"s{number:05d}.wav": clip(number) for number in range(3)}
    source = PACKINGS[packing](files, tmp_path / "short")
    assert [place_of(item.item_id) for item in open_source(str(source))] == [0, 1, 2]


def test_the_table_states_found_and_other_pairs() -> None:
    """Each row has what was planted and found, and the share as the command states it."""
    row = {"packing": "tar", "indexed": "long clips", "planted": 4, "found": 3, "false": 1, "share": 0.2,
           "interval": [0.08, 0.42]}  # fmt: skip
    made = Record(entry="overlap", scheme="s", commit="c", machine="m", seed=0, made_at="t",
                  options={"items": 20, "effort": "fast"}, rows=[row])  # fmt: skip
    assert list(overlap_table(made))[-1] == "| tar | long clips | 4 | 3 | 1 | 20.0 %, 8.0 to 42.0 |"
