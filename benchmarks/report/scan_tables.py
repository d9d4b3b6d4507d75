"""Markdown tables of scans: their speed, and what searching by changed copies gains and loses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any, Final

from benchmarks.report.records import Record, header
from earwitness.index.matching.verdict import MATCH_E_VALUE

WAYS: Final = {"copies": "with changed copies", "ladder": "every change undone", "fast": "`fast`"}
"""The ways that `benchmarks.scanning.stored_copies` searches in, with their names in the table."""


def scan_speed_table(made: Record) -> Iterator[str]:
    """Yield the speed of scans, beside `fast` and decoding of the same round; medians over rounds."""
    scans = [row for row in made.rows if row["what"] == "scan"]
    cases = list(dict.fromkeys(row["case"] for row in scans))
    by_round = {(row["case"], row["round"]): row["value"] for row in scans}
    rounds = sorted({row["round"] for row in scans})
    yield "| one core | x real time | of `fast` | of decoding alone |"
    yield "|---|---|---|---|"
    for case in cases:
        of = [
            median(by_round[case, number] / by_round[other, number] for number in rounds)
            for other in ("fast", "decode alone")
        ]
        speed = median(by_round[case, number] for number in rounds)
        yield f"| {case} | {speed:.0f} | {100 * of[0]:.0f} % | {100 * of[1]:.0f} % |"
    yield ""
    others = "; ".join(
        f"{row['what']}: {row['value']:g} {row['unit']} for {row['case']}"
        for row in made.rows
        if row["what"] != "scan"
    )
    yield f"Against {made.options['works']} works of {made.options['hours']:g} h; {others}. {header(made)}."


def stored_copies_table(made: Record) -> Iterator[str]:
    """Yield what is found with changed copies, without them and at `fast`, by condition; and the time."""
    lengths = sorted({row["length_s"] for row in made.rows}, reverse=True)
    present = [row for row in made.rows if row["track"] is not None]
    absent = [row for row in made.rows if row["track"] is None]
    columns = [(length_s, way) for length_s in lengths for way in WAYS]
    yield _line("reported as `match` and right", [f"{s:g} s, {WAYS[way]}" for s, way in columns])
    yield "|---" * (len(columns) + 1) + "|"
    for condition in [*dict.fromkeys(row["condition"] for row in present), "all"]:
        own = [row for row in present if condition in (row["condition"], "all")]
        cells = [_share_found(own, length_s, way) for length_s, way in columns]
        yield _line(condition, cells)
    yield _line("ms of CPU, absent, mean", [_mean_ms(absent, s, way) for s, way in columns])
    yield _line("ms of CPU, absent, median", [_median_ms(absent, s, way) for s, way in columns])
    n_absent = len(absent) // max(len(lengths), 1)
    yield _line(f"E <= 0.01 of {n_absent} absent", [_false(absent, s, way) for s, way in columns])
    yield ""
    options = made.options
    n_each = len(_of(present, lengths[0])) // len({row["condition"] for row in present})
    yield f"{n_each} excerpts of each condition and length."
    yield f"{options['works']} works of {options['hours']:g} h at `{options['effort']}`; their copies took"
    yield f"{options['copies_cpu_s_per_hour']:g} s of CPU for each hour. {header(made)}."


def _line(name: str, cells: Sequence[str]) -> str:
    return f"| {name} | {' | '.join(cells)} |"


def _of(rows: Sequence[Mapping[str, Any]], length_s: float) -> list[Mapping[str, Any]]:
    return [row for row in rows if row["length_s"] == length_s]


def _share_found(rows: Sequence[Mapping[str, Any]], length_s: float, way: str) -> str:
    own = _of(rows, length_s)
    found = [
        row for row in own if (best := row[way][0]) and best[0] == row["track"] and best[1] <= MATCH_E_VALUE
    ]
    return f"{100 * len(found) / len(own):.1f} %"


def _mean_ms(rows: Sequence[Mapping[str, Any]], length_s: float, way: str) -> str:
    own = _of(rows, length_s)
    return f"{1e3 * sum(row[way][1] for row in own) / max(len(own), 1):.1f}"


def _median_ms(rows: Sequence[Mapping[str, Any]], length_s: float, way: str) -> str:
    return f"{1e3 * median([row[way][1] for row in _of(rows, length_s)] or [0.0]):.1f}"


def _false(rows: Sequence[Mapping[str, Any]], length_s: float, way: str) -> str:
    return str(sum(bool(row[way][0]) for row in _of(rows, length_s)))
