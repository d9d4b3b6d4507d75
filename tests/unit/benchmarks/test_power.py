"""What the product says about its power is what the record counted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.data.corpus import Corpus
from benchmarks.report.power_tables import POWER, counted, measured, shortest_s
from benchmarks.report.records import RECORDS, Record, load
from benchmarks.runs.power import CONDITIONS, LENGTHS_S, written
from earwitness.index.match import Effort
from earwitness.index.statistics.power import POWER_FILE, power_table, table_of

TRACK, OTHER = [track.path for track in Corpus.open(RECORDS).tracks if not track.dup_group][:2]


def row(e_value: float | None, **changed: Any) -> dict[str, Any]:
    """An excerpt that was answered with this E-value, or not at all."""
    answers = [] if e_value is None else [{"track": TRACK, "e": e_value, "kind": "excerpt"}]
    fields = {"effort": "fast", "length_s": 2.0, "condition": "clean", "track": TRACK, "active_s": 2.0}
    return fields | {"answers": answers} | changed


def counts_of(*rows: dict[str, Any]) -> dict[str, Any]:
    """The counts of rows of one effort, length and condition."""
    made = Record(
        entry="power", scheme="s", commit="c", machine="m", seed=1, made_at="", options={}, rows=rows
    )
    (counts,) = counted(made)
    return {name: counts[name] for name in ("found", "possible", "of")}


def test_the_shipped_counts_are_those_of_the_record() -> None:
    """Writing power.json anew from benchmarks/records/ changes nothing."""
    made = measured(load(RECORDS / f"{POWER}.json.gz"))
    assert POWER_FILE.read_text(encoding="utf-8") == written(made), "run `benchmarks power --write`"
    assert json.loads(written(made)) == made


def test_every_effort_has_all_lengths_and_conditions() -> None:
    """The product knows the power of each effort at each length, under each condition."""
    for effort in Effort:
        rows = power_table().rows[effort]
        assert list(rows) == sorted(LENGTHS_S)
        for tested in rows.values():
            assert {each.condition for each in tested} == {"clean", *CONDITIONS}
            assert all(each.found + each.possible <= each.of for each in tested)


def test_matches_and_possible_matches_are_counted_apart() -> None:
    """1e-4 is a match, 1e-2 is possible, and what is above is not found."""
    rows = [row(1e-9), row(1e-4), row(1.1e-4), row(1e-2), row(1.1e-2), row(None)]
    assert counts_of(*rows) == {"found": 2, "possible": 2, "of": 6}


def test_only_the_right_recording_is_found() -> None:
    """Another recording, or one that is only shared material, is no copy that was found."""
    wrong = row(1e-9, answers=[{"track": OTHER, "e": 1e-9, "kind": "excerpt"}])
    shared = row(1e-9, answers=[{"track": TRACK, "e": 1e-9, "kind": "shared_material"}])
    assert counts_of(wrong, shared) == {"found": 0, "possible": 0, "of": 2}


def test_excerpts_that_are_mostly_silent_are_left_out() -> None:
    """An excerpt of less audible sound is no copy of its length, found or not."""
    assert counts_of(row(None, active_s=1.7), row(1e-9, active_s=1.8)) == {"found": 1, "possible": 0, "of": 1}


@pytest.mark.parametrize(
    ("found", "expected_s"),
    [([90, 94, 95, 100], 2.0), ([95, 95, 95, 95], 1.0), ([95, 94, 95, 95], 2.0), ([0, 0, 0, 95], 3.0)],
)
def test_the_shortest_length_is_the_first_after_the_last_failure(found: list[int], expected_s: float) -> None:
    """From the shortest length on, 95 of 100 clean copies match at every length; other rows do not count."""
    clean = [
        {"effort": "full", "condition": "clean", "length_s": length_s, "found": n, "of": 100}
        for length_s, n in zip([1.0, 1.5, 2.0, 3.0], found, strict=True)
    ]
    others = [{**clean[-1], "found": 0, "condition": "phone"}, {**clean[-1], "found": 0, "effort": "fast"}]
    assert shortest_s([*others, *clean], Effort.FULL) == expected_s


def test_the_table_gives_no_length_above_the_audible_seconds() -> None:
    """The greatest tested length that is not above them counts; below the smallest nothing is known."""
    rows = [
        {"effort": "fast", "condition": "clean", "length_s": length_s, "found": 1, "possible": 0, "of": 1}
        for length_s in (5.0, 2.0)
    ]
    fields = {"scheme": "s", "hours": 10.0, "codes": 100, "shortest_s": {"fast": 2.0}, "rows": rows}
    table = table_of(fields)

    def at(active_s: float) -> float | None:
        power = table.at(Effort.FAST, active_s=active_s, n_codes=250)
        return None if power is None else power.length_s

    assert [at(active_s) for active_s in (1.9, 1.999, 4.9, 5.0, 99.0)] == [None, 2.0, 2.0, 5.0, 5.0]
    power = table.at(Effort.FAST, active_s=9.0, n_codes=250)
    assert power is not None and power.searched_hours == 25.0
