"""Markdown tables from the raw records: shares with their 95 % intervals, never stored, always derived."""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.corpus import Corpus
from benchmarks.records import RECORDS, Record, load, wilson
from benchmarks.score import MATCH_E, outcome

Row = Mapping[str, Any]
COLUMNS: Final = ("named", "told", "placed_half_second", "placed_quarter_second", "false_match")
HEADS: Final = ("named first", "told as match, right", "within 0.5 s", "within 0.25 s", "false matches")


def main(argv: Sequence[str]) -> int:
    """Print the tables of all records, or of those named."""
    it = argparse.ArgumentParser(prog="python -m benchmarks tables", description=__doc__)
    it.add_argument("records", nargs="*", type=Path, default=sorted(RECORDS.glob("*.json.gz")))
    for path in it.parse_args(argv).records:
        print("\n".join(report(path)))
    return 0


def report(path: Path) -> Iterator[str]:
    """A record under its name: where it comes from, and its table."""
    kept = load(path)
    yield f"## {path.name.removesuffix('.json.gz')}"
    yield ""
    yield header(kept)
    yield ""
    yield from TABLES.get(kept.entry, plain_table)(kept)


def header(kept: Record) -> str:
    """One line on where a record comes from."""
    return f"{kept.scheme}, commit {kept.commit}, {kept.made_at}, seed {kept.seed}, {kept.machine}"


def same_recording() -> Callable[[str, str], bool]:
    """Whether two tracks of the corpus hold the same recording."""
    group = {track.path: track.dup_group or track.path for track in Corpus.open(Path()).tracks}
    return lambda one, other: group.get(one, one) == group.get(other, other)


def score_threshold(rows: Sequence[Row]) -> dict[float, float]:
    """For each length, the highest score that a peer gave a query whose track is in no index."""
    highest: dict[float, float] = defaultdict(float)
    for row in rows:
        if row["track"] is None and row["answers"]:
            highest[row["length_s"]] = max(highest[row["length_s"]], row["answers"][0]["score"])
    return highest


def told_by(kept: Record) -> Callable[[Row, Row], bool]:
    """How a system says that it is certain: by its E-value, or a peer by its score."""
    if not kept.options.get("peer"):
        return lambda _row, answer: answer["e"] <= MATCH_E
    highest = score_threshold(kept.rows)
    return lambda row, answer: answer["score"] > highest[row["length_s"]]


def counts(kept: Record) -> dict[tuple[str, float, str], list[dict[str, bool]]]:
    """Outcomes by kind, length and condition; queries without a right answer are under ``absent``."""
    same, told = same_recording(), told_by(kept)
    groups: dict[tuple[str, float, str], list[dict[str, bool]]] = defaultdict(list)
    for row in kept.rows:
        condition = "absent" if row["track"] is None else row["condition"]
        groups[row["kind"], row["length_s"], condition].append(outcome(row, same=same, told=told))
    return groups


def identify_table(kept: Record) -> Iterator[str]:
    """One line for each kind, length and condition."""
    yield f"{kept.options['hours']} h of references, {kept.options['references']} tracks, effort " + str(
        kept.options["effort"] if not kept.options.get("peer") else kept.options["peer"]
    )
    yield ""
    yield "| kind | s | condition | n | " + " | ".join(HEADS) + " |"
    yield "|---" * (4 + len(HEADS)) + "|"
    for (kind, length_s, condition), outcomes in counts(kept).items():
        cells = [share(sum(one[column] for one in outcomes), len(outcomes)) for column in COLUMNS]
        if condition == "absent":
            cells = ["", "", "", "", cells[-1]]
        yield f"| {kind} | {length_s:g} | {condition} | {len(outcomes)} | " + " | ".join(cells) + " |"
    yield ""
    seconds = [row["s"] for row in kept.rows]
    low, middle, high = np.percentile(seconds, [5, 50, 95]) * 1000
    yield f"Seconds from waveform to matches: median {middle:.0f} ms, 5-95 % {low:.0f}-{high:.0f} ms."


def share(hits: int, trials: int) -> str:
    """A share in per cent with its interval."""
    low, high = wilson(hits, trials)
    return f"{100 * hits / max(trials, 1):.1f} ({100 * low:.1f}-{100 * high:.1f})"


def plain_table(kept: Record) -> Iterator[str]:
    """The rows as they are: for records of few rows."""
    names = list(dict.fromkeys(name for row in kept.rows for name in row))
    yield "| " + " | ".join(names) + " |"
    yield "|---" * len(names) + "|"
    for row in kept.rows:
        yield "| " + " | ".join(str(row.get(name, "")) for name in names) + " |"


def calibrate_table(kept: Record) -> Iterator[str]:
    """Claimed against observed."""
    from benchmarks.calibrate import Asked, table  # loads the search

    yield f"{len(kept.rows)} absent queries, {kept.options['n_codes']} codes, {kept.options['effort']}"
    yield ""
    yield table([Asked(**row) for row in kept.rows])


TABLES: Final[dict[str, Callable[[Record], Iterator[str]]]] = {
    "calibrate": calibrate_table,
    "identify": identify_table,
}
