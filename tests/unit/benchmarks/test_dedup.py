"""The benchmark of copies counts pairs of clips as the command grouped them."""

from __future__ import annotations

import json

from benchmarks.report.records import Record
from benchmarks.report.tables import dedup_table
from benchmarks.sets.dedup import groups_in


def test_copies_are_read_from_the_groups() -> None:
    """Each copy belongs to the clip that is kept; pairs that only share audio are no group."""
    lines = [{"kept": "a", "others": ["b", "c"], "classes": []}, {"related": ["d", "e"], "classes": []}]
    assert list(groups_in([json.dumps(line) for line in lines])) == [("b", "a"), ("c", "a")]


def test_precision_and_recall_count_pairs() -> None:
    """Two clips of two pieces in one group are one false pair, and a clip alone misses its copy."""
    rows = [
        {"piece": 0, "group": "a"},
        {"piece": 0, "group": "a"},
        {"piece": 1, "group": "a"},
        {"piece": 1, "group": "d"},
    ]
    made = Record(
        entry="dedup",
        scheme="s",
        commit="c",
        machine="m",
        seed=0,
        made_at="t",
        options={"soundfont": "f", "pieces": 2, "effort": "fast"},
        rows=rows,
    )
    lines = list(dedup_table(made))
    assert lines[-2].startswith("| precision | 1 of 3 |")
    assert lines[-1].startswith("| recall | 1 of 2 |")
