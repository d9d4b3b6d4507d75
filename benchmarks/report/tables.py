"""Markdown tables from the raw records: shares with their 95 % intervals, never stored, always derived."""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.data.corpus import Corpus
from benchmarks.report.records import RECORDS, Record, load, wilson
from benchmarks.report.score import MATCH_E, outcome
from benchmarks.runs.cases import cases_table

Row = Mapping[str, Any]
NOT_FOUND: Final = "not found"
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


MOST_ROWS: Final = 40
"""Rows of one kind that are shown; more are left to the record."""


def plain_table(kept: Record) -> Iterator[str]:
    """The rows as they are, a table for each kind of them."""
    for what in dict.fromkeys(row.get("what") for row in kept.rows):
        rows = [row for row in kept.rows if row.get("what") == what]
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
    """Lists of raw seconds are left to the record too."""
    return f"{len(value)} values" if isinstance(value, list) and len(value) > 3 else str(value)


def calibrate_table(kept: Record) -> Iterator[str]:
    """Claimed against observed."""
    from benchmarks.runs.calibrate import Asked, table  # loads the search

    yield f"{len(kept.rows)} absent queries, {kept.options['n_codes']} codes, {kept.options['effort']}"
    yield ""
    yield table([Asked(**row) for row in kept.rows])


def codes_table(kept: Record) -> Iterator[str]:
    """Recall and cost of each kind of index at each size, then by condition, then how fair the crowd is."""
    measured = [row for row in kept.rows if "ranks" in row]
    conditions = list(dict.fromkeys(name for row in measured for name in row["ranks"]))
    yield "Of single fine rows of degraded excerpts, in %: those whose own place (the right recording, within"
    yield "one code) is among so many nearest codes; ms of one core to look up the 63 rows of one 8 s query."
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
            f"{each * 3600 / kept.options['hop_s'] / 1e6:.3f}",
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
    for row in kept.rows:
        if row["kind"] == "likeness":
            quantiles = [np.quantile(row[of], [0.1, 0.5, 0.9]).round(3) for of in ("real", "made")]
            real, made = ("/".join(map(str, those)) for those in quantiles)
            yield ""
            n_real = kept.options["stock_codes"]
            yield f"Highest similarity of strangers' codes (10/50/90 %) to {n_real:,} real codes: {real};"
            yield f"to as many made ones: {made}."


def recall(ranks: Sequence[int | None], k: int) -> float:
    """Share of rows whose own place is among the `k` nearest."""
    return sum(rank is not None and rank < k for rank in ranks) / max(len(ranks), 1)


def changes_table(kept: Record) -> Iterator[str]:
    """How far the reported change is from the true one, for each kind and length."""
    options = kept.options
    yield f"{options['hours']} h of references, {options['references']} tracks, effort {options['effort']}."
    yield "Errors are those of the whole stretch of time (speed times tempo) and of the whole shift of pitch"
    yield "(speed included), where the right track is named: median and 90th percentile."
    yield ""
    yield "| change | s | n | found, % | named alike, % | time, in % | pitch, in cents |"
    yield "|---" * 7 + "|"
    same = same_recording()
    groups: dict[tuple[str, float], list[Row]] = defaultdict(list)
    for row in kept.rows:
        groups[row["change"], row["length_s"]].append(row)
        if row["change"] != "none":
            groups["all changed", row["length_s"]].append(row)
    for (change, length_s), group in sorted(groups.items(), key=lambda one: (-one[0][1], one[0][0])):
        found = [row for row in group if row["answers"] and same(row["answers"][0]["track"], row["track"])]
        alike = sum(moved(row["true"]) == moved(row["answers"][0]["change"]) for row in found)
        errors = np.array([change_errors(row["true"], row["answers"][0]["change"]) for row in found])
        cells = ["", ""]
        if len(errors):
            (time, pitch), (most_time, most_pitch) = np.quantile(errors, [0.5, 0.9], axis=0)
            cells = [f"{time:.2f}, {most_time:.2f}", f"{pitch:.0f}, {most_pitch:.0f}"]
        counted = [share(len(found), len(group)), share(alike, len(found))]
        yield f"| {change} | {length_s:g} | {len(group)} | " + " | ".join([*counted, *cells]) + " |"


def change_errors(true: Sequence[float], said: Sequence[float]) -> tuple[float, float]:
    """Error of the stretch of time in %, and of the pitch in cents; changes are (speed, cents, tempo)."""
    (speed, cents, tempo), (said_speed, said_cents, said_tempo) = true, said
    stretch = said_speed * said_tempo / (speed * tempo)
    pitch = said_cents - cents + 1200 * np.log2(said_speed / speed)
    return 100 * abs(stretch - 1), abs(float(pitch))


def moved(change: Sequence[float]) -> tuple[bool, bool, bool]:
    """Which of speed, pitch and tempo a change moves."""
    speed, cents, tempo = change
    return speed != 1.0, cents != 0.0, tempo != 1.0


def classes_table(kept: Record) -> Iterator[str]:
    """What kind each pair was told to be, by what it is, and whether all parts of a query were told."""
    same = same_recording()
    options = kept.options
    yield f"{options['hours']} h of references, {options['made']} made tracks, effort {options['effort']}."
    yield "Pairs of a query and a recording that it holds, by what they are:"
    yield ""
    pairs = [
        (one["kind"], row["case"], told_kind(row, one, same))
        for row in kept.rows
        if row["part"] == "classes"
        for one in row["expected"]
    ]
    kinds = list(dict.fromkeys(kind for kind, _, _ in pairs))
    told = [*kinds, *sorted({kind for _, _, kind in pairs} - {*kinds, NOT_FOUND}), NOT_FOUND]
    yield "| is | n | " + " | ".join(told) + " |"
    yield "|---" * (2 + len(told)) + "|"
    for kind in kinds:
        group = [(case, said) for is_kind, case, said in pairs if is_kind == kind]
        yield _counted(f"**{kind}**", [said for _, said in group], told)
        for case in dict.fromkeys(case for case, _ in group):
            yield _counted(case, [said for its, said in group if its == case], told)
    yield ""
    yield "| structure | queries | parts | told, % | placed within 1 s, % | segments | elsewhere | false |"
    yield "|---" * 8 + "|"
    structures = [row for row in kept.rows if row["part"] == "structure"]
    for case in dict.fromkeys(row["case"] for row in structures):
        rows = [row for row in structures if row["case"] == case]
        parts = [part for row in rows for part in parts_told(row, same)]
        found, placed = (sum(part[column] for part in parts) for column in (0, 1))
        segments, elsewhere, false = np.sum([strays(row, same) for row in rows], axis=0)
        yield (
            f"| {case} | {len(rows)} | {len(parts)} | {share(found, len(parts))} | "
            f"{share(placed, len(parts))} | {segments} | {elsewhere} | {false} |"
        )
    yield ""
    yield "*Elsewhere*: of an expected work, at another place of the query, which may be a repeat."
    yield "*False*: of another work."


def _counted(head: str, said: Sequence[str], columns: Sequence[str]) -> str:
    cells = [str(said.count(column) or "") for column in columns]
    return f"| {head} | {len(said)} | " + " | ".join(cells) + " |"


def told_kind(row: Row, expected: Row, same: Callable[[str, str], bool]) -> str:
    """The class that a row's best answer of the expected recording has."""
    return next((a["kind"] for a in row["answers"] if same(a["track"], expected["track"])), NOT_FOUND)


def parts_told(row: Row, same: Callable[[str, str], bool]) -> list[tuple[bool, bool]]:
    """For each expected part: whether segments of its work cover half of it, and do at the right place."""
    return [
        (_covered(row, one, same, off_s=np.inf) >= 0.5, _covered(row, one, same, off_s=1.0) >= 0.5)
        for one in row["expected"]
    ]


def _covered(row: Row, expected: Row, same: Callable[[str, str], bool], *, off_s: float) -> float:
    """Share of an expected part that segments cover whose place is off by no more than `off_s`."""
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


def strays(row: Row, same: Callable[[str, str], bool]) -> tuple[int, int, int]:
    """Segments told, those elsewhere in an expected work, and those of another."""
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
    """Length of what two spans share."""
    return max(0.0, min(one[1], other[1]) - max(one[0], other[0]))


def crash_table(kept: Record) -> Iterator[str]:
    """What kills left of each command's work."""
    yield "| command | kills | of these with a part stored | runs to the end | lost | problems |"
    yield "|---" * 6 + "|"
    for command in dict.fromkeys(row["command"] for row in kept.rows):
        runs = [row for row in kept.rows if row["command"] == command]
        kills = [row for row in runs if row["killed"]]
        most = max(row.get("stored", 0) for row in runs)
        amid = sum(0 < row.get("stored", 0) < most for row in kills)
        lost, problems = (sum(row.get(name, 0) for row in runs) for name in ("lost", "problems"))
        ended = len(runs) - len(kills)
        yield f"| {command} | {len(kills)} | {amid} | {ended} | {lost} | {problems} |"


TABLES: Final[dict[str, Callable[[Record], Iterator[str]]]] = {
    "calibrate": calibrate_table,
    "changes": changes_table,
    "classes": classes_table,
    "codes": codes_table,
    "crash": crash_table,
    "cases": cases_table,
    "identify": identify_table,
}
