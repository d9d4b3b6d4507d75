"""Counts of the record ``power``: how many copies were found, and the shortest length that is enough."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.data.corpus import Corpus
from benchmarks.report.records import Record, wilson
from earwitness.index.match import Effort, MatchClass
from earwitness.index.matching.verdict import MATCH_E_VALUE, POSSIBLE_E_VALUE

POWER: Final = "power"
"""Name of the record."""

CLEAN: Final = "clean"
NEEDED_SHARE: Final = 0.95
"""Share of clean copies that are found at a length that may read ``no_match``. Chosen by hand."""

ACTIVE_SHARE: Final = 0.9
"""Active share of an excerpt from which on it counts as a copy of its length: the others are too quiet for
it, and would be judged by a shorter length. Chosen by hand."""


def measured(record: Record) -> dict[str, Any]:
    """Return what the product keeps of the record, as JSON values."""
    rows = counted(record)
    return {
        "command": "python -m benchmarks power --write",
        "scheme": record.scheme,
        "commit": record.commit,
        "made_at": record.made_at,
        "references": record.options["references"],
        "hours": record.options["hours"],
        "codes": record.options["codes"],
        "shortest_s": {effort.value: shortest_s(rows, effort) for effort in Effort},
        "rows": rows,
    }


def counted(record: Record) -> list[dict[str, Any]]:
    """Count the copies that were found, by effort, length and condition, in the order of the record."""
    group = {track.path: track.dup_group or track.path for track in Corpus.open(Path()).tracks}
    counts: dict[tuple[str, float, str], dict[str, Any]] = {}
    for row in record.rows:
        if row["active_s"] < ACTIVE_SHARE * row["length_s"]:
            continue
        key = {name: row[name] for name in ("effort", "length_s", "condition")}
        count = counts.setdefault(tuple(key.values()), key | {"found": 0, "possible": 0, "of": 0})
        right = [
            answer["e"]
            for answer in row["answers"]
            if group.get(answer["track"]) == group[row["track"]]
            and answer["kind"] != MatchClass.SHARED_MATERIAL
        ]
        best = min(right, default=float("inf"))
        count["found"] += best <= MATCH_E_VALUE
        count["possible"] += MATCH_E_VALUE < best <= POSSIBLE_E_VALUE
        count["of"] += 1
    return list(counts.values())


def shortest_s(rows: Sequence[dict[str, Any]], effort: Effort) -> float:
    """Return the shortest length from which on, at every length, `NEEDED_SHARE` of the clean copies match."""
    clean: dict[float, float] = {
        row["length_s"]: row["found"] / row["of"]
        for row in rows
        if row["effort"] == effort and row["condition"] == CLEAN
    }
    short = [length_s for length_s, share in clean.items() if share < NEEDED_SHARE]
    return min(length_s for length_s in clean if length_s > max(short, default=0.0))


def power_lines(record: Record) -> Iterator[str]:
    """Yield the tables of all efforts."""
    rows, options = counted(record), record.options
    yield "Copies of test music that are reported as `match` of their recording, of the copies searched,"
    yield f"against {options['hours']:g} h of references ({options['references']} tracks). In brackets:"
    yield "copies that are reported as `possible` besides."
    for effort in Effort:
        of_effort = [row for row in rows if row["effort"] == effort]
        lengths = sorted({row["length_s"] for row in of_effort})
        yield ""
        yield f"`{effort}`, by seconds:"
        yield ""
        yield "| condition | " + " | ".join(f"{length_s:g}" for length_s in lengths) + " |"
        yield "|---" * (1 + len(lengths)) + "|"
        for condition in dict.fromkeys(row["condition"] for row in of_effort):
            cells = {r["length_s"]: _cell(r) for r in of_effort if r["condition"] == condition}
            yield f"| {condition} | " + " | ".join(cells.get(each, "") for each in lengths) + " |"


def _cell(row: dict[str, Any]) -> str:
    possible = f" (+{row['possible']})" if row["possible"] else ""
    return f"{row['found']}/{row['of']}{possible}"


def shortest_lines(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield for each effort the shortest length that may read ``no_match``, and what it rests on."""
    for effort in Effort:
        least_s = shortest_s(rows, effort)
        (clean,) = (
            row
            for row in rows
            if (row["effort"], row["length_s"], row["condition"]) == (effort, least_s, CLEAN)
        )
        low, _ = wilson(clean["found"], clean["of"])
        yield (
            f"- `{effort}`: {least_s:g} s. Of clean copies of that length, {clean['found']} of {clean['of']}"
            f" were found (lower 95 % bound {100 * low:.0f} %)."
        )
