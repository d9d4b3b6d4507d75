"""Markdown tables derived from the raw records: shares with their 95 % intervals."""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.data.corpus import Corpus
from benchmarks.report.clips_table import clips_table
from benchmarks.report.cue_table import cue_table
from benchmarks.report.false_match_tables import false_matches_table
from benchmarks.report.hardening_table import hardening_table
from benchmarks.report.overlap_table import overlap_table
from benchmarks.report.power_tables import power_lines
from benchmarks.report.records import RECORDS, Record, header, load, wilson
from benchmarks.report.scan_tables import scan_speed_table, stored_copies_table
from benchmarks.report.score import MATCH_E, outcome
from benchmarks.runs.cases import cases_table

Row = Mapping[str, Any]
NOT_FOUND: Final = "not found"
COLUMNS: Final = ("named", "reported", "placed_half_second", "placed_quarter_second", "false_match")
HEADS: Final = ("ranked first", "reported as match, right", "within 0.5 s", "within 0.25 s", "false matches")


def main(argv: Sequence[str]) -> int:
    """Print the tables of all records, or of those named."""
    it = argparse.ArgumentParser(prog="python -m benchmarks tables", description=__doc__)
    it.add_argument("records", nargs="*", type=Path, default=sorted(RECORDS.glob("*.json.gz")))
    for path in it.parse_args(argv).records:
        print("\n".join(report(path)))
    return 0


def report(path: Path) -> Iterator[str]:
    """Yield the lines of a record: its name, its origin and its table."""
    record = load(path)
    yield f"## {path.name.removesuffix('.json.gz')}"
    yield ""
    yield header(record)
    yield ""
    yield from TABLES.get(record.entry, plain_table)(record)


def same_recording() -> Callable[[str, str], bool]:
    """Return a function that decides whether two tracks of the corpus hold the same recording."""
    group = {track.path: track.dup_group or track.path for track in Corpus.open(Path()).tracks}
    return lambda one, other: group.get(one, one) == group.get(other, other)


def score_threshold(rows: Sequence[Row]) -> dict[float, float]:
    """Return, for each query length, the highest score of a peer for an absent query."""
    highest: dict[float, float] = defaultdict(float)
    for row in rows:
        if row["track"] is None and row["answers"]:
            highest[row["length_s"]] = max(highest[row["length_s"]], row["answers"][0]["score"])
    return highest


def reported_by(record: Record) -> Callable[[Row, Row], bool]:
    """Return a function that decides whether an answer is certain: by E-value, or by a peer's score."""
    if not record.options.get("peer"):
        return lambda _row, answer: answer["e"] <= MATCH_E
    highest = score_threshold(record.rows)
    return lambda row, answer: answer["score"] > highest[row["length_s"]]


def counts(record: Record) -> dict[tuple[str, float, str], list[dict[str, bool]]]:
    """Return outcomes by kind, length and condition; absent queries are under ``absent``."""
    same, is_reported = same_recording(), reported_by(record)
    groups: dict[tuple[str, float, str], list[dict[str, bool]]] = defaultdict(list)
    for row in record.rows:
        condition = "absent" if row["track"] is None else row["condition"]
        groups[row["kind"], row["length_s"], condition].append(
            outcome(row, same=same, is_reported=is_reported)
        )
    return groups


def identify_table(record: Record) -> Iterator[str]:
    """Yield one line for each kind, length and condition."""
    yield f"{record.options['hours']} h of references, {record.options['references']} tracks, effort " + str(
        record.options["effort"] if not record.options.get("peer") else record.options["peer"]
    )
    yield ""
    yield "| kind | s | condition | n | " + " | ".join(HEADS) + " |"
    yield "|---" * (4 + len(HEADS)) + "|"
    for (kind, length_s, condition), outcomes in counts(record).items():
        cells = [share(sum(one[column] for one in outcomes), len(outcomes)) for column in COLUMNS]
        if condition == "absent":
            cells = ["", "", "", "", cells[-1]]
        yield f"| {kind} | {length_s:g} | {condition} | {len(outcomes)} | " + " | ".join(cells) + " |"
    yield ""
    seconds = [row["s"] for row in record.rows]
    low, middle, high = np.percentile(seconds, [5, 50, 95]) * 1000
    yield f"Seconds from waveform to matches: median {middle:.0f} ms, 5-95 % {low:.0f}-{high:.0f} ms."


def share(hits: int, trials: int) -> str:
    """Return a share in per cent with its 95 % interval."""
    low, high = wilson(hits, trials)
    return f"{100 * hits / max(trials, 1):.1f} ({100 * low:.1f}-{100 * high:.1f})"


MOST_ROWS: Final = 40
"""Most rows of one kind in a table; more are only in the record."""


def plain_table(record: Record) -> Iterator[str]:
    """Yield the rows unchanged, one table for each kind."""
    for what in dict.fromkeys(row.get("what") for row in record.rows):
        rows = [row for row in record.rows if row.get("what") == what]
        if len(rows) > MOST_ROWS:
            yield f"{what}: {len(rows)} rows, in the record."
        else:
            names = list(dict.fromkeys(name for row in rows for name in row))
            yield "| " + " | ".join(names) + " |"
            yield "|---" * len(names) + "|"
            for row in rows:
                yield "| " + " | ".join(_cell(row.get(name, "")) for name in names) + " |"
        yield ""


def _cell(value: object) -> str:
    """Return the text of a cell; of a long list only its length."""
    return f"{len(value)} values" if isinstance(value, list) and len(value) > 3 else str(value)


def calibrate_table(record: Record) -> Iterator[str]:
    """Yield claimed E-values beside observed rates."""
    from benchmarks.runs.calibrate import AbsentQuery, table  # loads the search

    yield f"{len(record.rows)} absent queries, {record.options['n_codes']} codes, {record.options['effort']}"
    yield ""
    yield table([AbsentQuery(**row) for row in record.rows])


def codes_table(record: Record) -> Iterator[str]:
    """Yield recall and cost of each kind of index, recall by condition, and the check of synthetic codes."""
    measured = [row for row in record.rows if "ranks" in row]
    conditions = list(dict.fromkeys(name for row in measured for name in row["ranks"]))
    yield "Share of single query frames of degraded excerpts, in %, whose true place (the right recording,"
    yield "within one code) is among the 1, 8, 24 or 64 nearest codes; ms of one core to search the 63 frames"
    yield "of an 8 s query."
    yield ""
    yield "| codes | kind | 1 | 8 | 24 | 64 | ms | bytes a code | MB an hour | built in s |"
    yield "|---" * 10 + "|"
    for row in measured:
        every = [rank for name in conditions for rank in row["ranks"][name]]
        each = row["bytes"] / row["n_codes"]
        cells = [
            *(f"{100 * recall(every, k):.1f}" for k in (1, 8, 24, 64)),
            f"{np.median(row['ms']):.3g}",
            f"{each:.1f}",
            f"{each * 3600 / record.options['hop_s'] / 1e6:.3f}",
            f"{row['build_s']:.0f}",
        ]
        yield f"| {row['n_codes']:,} | {row['kind']} | " + " | ".join(cells) + " |"
    yield ""
    yield "Among the 24 nearest, by condition:"
    yield ""
    yield "| codes | kind | " + " | ".join(conditions) + " |"
    yield "|---" * (2 + len(conditions)) + "|"
    for row in measured:
        groups = [row["ranks"][name] for name in conditions]
        cells = [share(sum(rank is not None and rank < 24 for rank in one), len(one)) for one in groups]
        yield f"| {row['n_codes']:,} | {row['kind']} | " + " | ".join(cells) + " |"
    for row in record.rows:
        if row["kind"] == "likeness":
            quantiles = [np.quantile(row[of], [0.1, 0.5, 0.9]).round(3) for of in ("real", "made")]
            real, made = ("/".join(map(str, those)) for those in quantiles)
            yield ""
            n_real = record.options["stock_codes"]
            yield f"Highest similarity of absent codes (10/50/90 %) to {n_real:,} real codes: {real};"
            yield f"to as many synthetic codes: {made}."


def recall(ranks: Sequence[int | None], k: int) -> float:
    """Return the share of query frames whose true place is among the `k` nearest codes."""
    return sum(rank is not None and rank < k for rank in ranks) / max(len(ranks), 1)


def changes_table(record: Record) -> Iterator[str]:
    """Yield the error of the reported change, for each kind of change and length."""
    options = record.options
    yield f"{options['hours']} h of references, {options['references']} tracks, effort {options['effort']}."
    yield "Errors of the total time stretch (speed times tempo) and of the total pitch shift (with speed),"
    yield "where the right track is ranked first: median and 90th percentile."
    yield ""
    yield "| change | s | n | ranked first, % | same kind of change, % | time, in % | pitch, in cents |"
    yield "|---" * 7 + "|"
    same = same_recording()
    groups: dict[tuple[str, float], list[Row]] = defaultdict(list)
    for row in record.rows:
        groups[row["change"], row["length_s"]].append(row)
        if row["change"] != "none":
            groups["all changed", row["length_s"]].append(row)
    for (change, length_s), group in sorted(groups.items(), key=lambda one: (-one[0][1], one[0][0])):
        named = [row for row in group if row["answers"] and same(row["answers"][0]["track"], row["track"])]
        same_kind = sum(moved(row["true"]) == moved(row["answers"][0]["change"]) for row in named)
        errors = np.array([change_errors(row["true"], row["answers"][0]["change"]) for row in named])
        cells = ["", ""]
        if len(errors):
            (time, pitch), (most_time, most_pitch) = np.quantile(errors, [0.5, 0.9], axis=0)
            cells = [f"{time:.2f}, {most_time:.2f}", f"{pitch:.0f}, {most_pitch:.0f}"]
        counted = [share(len(named), len(group)), share(same_kind, len(named))]
        yield f"| {change} | {length_s:g} | {len(group)} | " + " | ".join([*counted, *cells]) + " |"


def change_errors(true: Sequence[float], reported: Sequence[float]) -> tuple[float, float]:
    """Return the errors of time stretch in % and of pitch in cents; changes are (speed, cents, tempo)."""
    (speed, cents, tempo), (reported_speed, reported_cents, reported_tempo) = true, reported
    stretch = reported_speed * reported_tempo / (speed * tempo)
    pitch = reported_cents - cents + 1200 * np.log2(reported_speed / speed)
    return 100 * abs(stretch - 1), abs(float(pitch))


def moved(change: Sequence[float]) -> tuple[bool, bool, bool]:
    """Return which of speed, pitch and tempo differ from the original."""
    speed, cents, tempo = change
    return speed != 1.0, cents != 0.0, tempo != 1.0


def classes_table(record: Record) -> Iterator[str]:
    """Yield the reported class of each pair by its true class, and the share of parts reported."""
    same = same_recording()
    options = record.options
    yield f"{options['hours']} h of references, {options['made']} constructed tracks,"
    yield f"effort {options['effort']}."
    yield "Pairs of a query and a recording it contains, by true class (rows) and reported class (columns):"
    yield ""
    pairs = [
        (one["kind"], row["case"], reported_class(row, one, same))
        for row in record.rows
        if row["part"] == "classes"
        for one in row["expected"]
    ]
    kinds = list(dict.fromkeys(kind for kind, _, _ in pairs))
    reported = [*kinds, *sorted({kind for _, _, kind in pairs} - {*kinds, NOT_FOUND}), NOT_FOUND]
    yield "| true class | n | " + " | ".join(reported) + " |"
    yield "|---" * (2 + len(reported)) + "|"
    for kind in kinds:
        group = [(case, given) for true, case, given in pairs if true == kind]
        yield _counted(f"**{kind}**", [one for _, one in group], reported)
        for case in dict.fromkeys(case for case, _ in group):
            yield _counted(case, [one for name, one in group if name == case], reported)
    yield ""
    yield "| structure | queries | parts | reported, % | within 1 s, % | segments | elsewhere | false |"
    yield "|---" * 8 + "|"
    structures = [row for row in record.rows if row["part"] == "structure"]
    for case in dict.fromkeys(row["case"] for row in structures):
        rows = [row for row in structures if row["case"] == case]
        parts = [part for row in rows for part in parts_reported(row, same)]
        covered, placed = (sum(part[column] for part in parts) for column in (0, 1))
        segments, elsewhere, false = np.sum([count_misplaced(row, same) for row in rows], axis=0)
        yield (
            f"| {case} | {len(rows)} | {len(parts)} | {share(covered, len(parts))} | "
            f"{share(placed, len(parts))} | {segments} | {elsewhere} | {false} |"
        )
    yield ""
    yield "*Elsewhere*: segments of an expected work at another place of the query, which may be a repeat."
    yield "*False*: segments of another work."


def _counted(head: str, classes: Sequence[str], columns: Sequence[str]) -> str:
    cells = [str(classes.count(column) or "") for column in columns]
    return f"| {head} | {len(classes)} | " + " | ".join(cells) + " |"


def reported_class(row: Row, expected: Row, same: Callable[[str, str], bool]) -> str:
    """Return the class of the row's best answer for the expected recording."""
    return next((a["kind"] for a in row["answers"] if same(a["track"], expected["track"])), NOT_FOUND)


def parts_reported(row: Row, same: Callable[[str, str], bool]) -> list[tuple[bool, bool]]:
    """Return for each expected part whether segments of its work cover half of it: anywhere, in place."""
    return [
        (_covered(row, one, same, off_s=np.inf) >= 0.5, _covered(row, one, same, off_s=1.0) >= 0.5)
        for one in row["expected"]
    ]


def _covered(row: Row, expected: Row, same: Callable[[str, str], bool], *, off_s: float) -> float:
    """Return the share of an expected part covered by segments that are off by at most `off_s` seconds."""
    start, end = expected["query"]
    lead = expected["reference"][0] - start
    covered = sum(
        overlap_s((begin, stop), (start, end))
        for answer in row["answers"]
        if same(answer["track"], expected["track"])
        for begin, stop, there, until, _ in answer["segments"]
        if abs((there + until - begin - stop) / 2 - lead) <= off_s
    )
    return float(covered / (end - start))


def count_misplaced(row: Row, same: Callable[[str, str], bool]) -> tuple[int, int, int]:
    """Return the numbers of all segments, of those elsewhere in an expected work, and of false ones."""
    segments = elsewhere = false = 0
    for answer in row["answers"]:
        own = [one["query"] for one in row["expected"] if same(answer["track"], one["track"])]
        for begin, stop, *_ in answer["segments"]:
            segments += 1
            false += not own
            right = any(overlap_s((begin, stop), span) >= 0.5 * (stop - begin) for span in own)
            elsewhere += bool(own) and not right
    return segments, elsewhere, false


def overlap_s(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the length of the overlap of two spans."""
    return max(0.0, min(one[1], other[1]) - max(one[0], other[0]))


def crash_table(record: Record) -> Iterator[str]:
    """Yield the outcome of the kills of each command."""
    yield "| command | kills | of these with a part stored | runs to the end | lost | problems |"
    yield "|---" * 6 + "|"
    for command in dict.fromkeys(row["command"] for row in record.rows):
        runs = [row for row in record.rows if row["command"] == command]
        kills = [row for row in runs if row["killed"]]
        most = max(row.get("stored", 0) for row in runs)
        amid = sum(0 < row.get("stored", 0) < most for row in kills)
        lost, problems = (sum(row.get(name, 0) for row in runs) for name in ("lost", "problems"))
        ended = len(runs) - len(kills)
        yield f"| {command} | {len(kills)} | {amid} | {ended} | {lost} | {problems} |"


def dedup_table(record: Record) -> Iterator[str]:
    """Yield precision and recall of the pairs that are grouped together."""
    pairs = list(combinations(record.rows, 2))
    true = [one["piece"] == other["piece"] for one, other in pairs]
    said = [one["group"] == other["group"] for one, other in pairs]
    right = sum(one and other for one, other in zip(true, said, strict=True))
    options = record.options
    yield f"{len(record.rows)} clips of {options['pieces']} pieces by the soundfont {options['soundfont']}, "
    yield f"`{options['effort']}`; pairs of clips of one piece are copies."
    yield ""
    yield "| | pairs | % | 95 % interval |"
    yield "|---|---|---|---|"
    for name, whole in (("precision", sum(said)), ("recall", sum(true))):
        low, high = wilson(right, whole)
        share = f"{100 * right / max(whole, 1):.1f} | {100 * low:.1f}-{100 * high:.1f}"
        yield f"| {name} | {right} of {whole} | {share} |"


TABLES: Final[dict[str, Callable[[Record], Iterator[str]]]] = {
    "calibrate": calibrate_table,
    "changes": changes_table,
    "classes": classes_table,
    "clips": clips_table,
    "codes": codes_table,
    "crash": crash_table,
    "cue": cue_table,
    "dedup": dedup_table,
    "hardening": hardening_table,
    "overlap": overlap_table,
    "false-matches": lambda record: false_matches_table(record.rows),
    "cases": cases_table,
    "identify": identify_table,
    "power": power_lines,
    "scan-speed": scan_speed_table,
    "stored-copies": stored_copies_table,
}
