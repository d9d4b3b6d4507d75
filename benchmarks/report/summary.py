"""Measured numbers of README and docs: blocks between markers, written from the records and tested.

``python -m benchmarks summary`` writes them, and docs/results.md with every table and the plots.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.report.false_match_tables import false_matches_table, pooled, recall_table
from benchmarks.report.names_table import names_lines
from benchmarks.report.power_tables import POWER, counted, power_lines, shortest_lines
from benchmarks.report.privacy_table import privacy_lines
from benchmarks.report.records import RECORDS, Record, header, load, wilson
from benchmarks.report.scan_tables import scan_speed_table, stored_copies_table
from benchmarks.report.tables import (
    calibrate_table,
    counts,
    report,
    reported_by,
    same_recording,
)

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
PAGES: Final = (
    ROOT / "README.md",
    DOCS / "tour.md",
    DOCS / "accuracy.md",
    DOCS / "cost.md",
    DOCS / "shelf.md",
    DOCS / "findings.md",
)
"""Pages with measured blocks."""
DEMO: Final = RECORDS / "demo.txt"
RESULTS: Final = DOCS / "results.md"
BLOCK: Final = re.compile(r"(<!-- begin (\w+) -->\n)(.*?)(<!-- end \2 -->)", re.DOTALL)

PRODUCT, PEER, SPEED, SCAN = (
    "identify-earwitness-full-test",
    "identify-chromaprint-test",
    "speed",
    "scan-rates",
)
CHANCE: Final = "calibrate-fast"
FALSE: Final = "false-matches-test"
"""Start of the names of the records of false matches by kind: one for each effort."""
FEW: Final = "false-matches-few"
SCALE: Final = "scale"
PRIVACY: Final = "pack-privacy"
NAMES: Final = ("names", "names-large", "names-chance", "names-spellings")


def main(argv: Sequence[str]) -> int:
    """Write the blocks of all pages, and docs/results.md, from the records."""
    if argv:
        raise SystemExit("summary takes no options")
    for page in PAGES:
        page.write_text(rendered(page.read_text(encoding="utf-8")), encoding="utf-8")
    from benchmarks.report.plots import draw  # loads matplotlib

    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(results(draw(RESULTS.parent)), encoding="utf-8")
    return 0


def rendered(text: str) -> str:
    """Return a page with its blocks filled from the records; a block without a record is marked."""
    return BLOCK.sub(lambda block: block[1] + "\n".join(BLOCKS[block[2]]()) + "\n" + block[4], text)


def results(figures: Sequence[str]) -> str:
    """Return the page with the plots and all tables."""
    lines = [
        "# Results",
        "",
        "Written by `python -m benchmarks summary` from benchmarks/records/; no number is typed.",
        "",
    ]
    lines += [f"![{name}]({name})" for name in figures]
    for path in sorted(RECORDS.glob("*.json.gz")):
        lines += ["", *report(path)]
    return "\n".join(lines) + "\n"


def load_record(name: str) -> Record | None:
    """Return a record by its name, or None where it does not exist."""
    path = RECORDS / f"{name}.json.gz"
    return load(path) if path.exists() else None


def rates() -> Iterator[str]:
    """Yield how often music is identified in each condition, by the product and the built-in peer."""
    product, peer = load_record(PRODUCT), load_record(PEER)
    if product is None:
        yield "Not measured yet."
        return
    product_groups, peer_groups = counts(product), counts(peer) if peer else {}
    lengths = sorted({length_s for _, length_s, _ in product_groups}, reverse=True)
    conditions = list(
        dict.fromkeys(name for kind, _, name in product_groups if kind == "music" and name != "absent")
    )
    options = product.options
    yield f"Excerpts of music that was not trained on, against {options['hours']:g} h of references "
    yield f"({options['references']} tracks), `{options['effort']}`. In %: ranked first / reported as"
    yield "`match` and right, with the 95 % interval of the second. Chromaprint is compared at every offset,"
    yield "and counted where its score is above that of every absent query."
    yield ""
    yield (
        "| condition | n | "
        + " | ".join(f"{s:g} s" for s in lengths)
        + " | "
        + " | ".join(f"Chromaprint {s:g} s" for s in lengths)
        + " |"
    )
    yield "|---" * (2 + 2 * len(lengths)) + "|"
    for name in conditions:
        n = len(product_groups["music", lengths[0], name])
        cells = [_pair(product_groups.get(("music", s, name), []), interval=True) for s in lengths]
        cells += [_pair(peer_groups.get(("music", s, name), []), interval=False) for s in lengths]
        yield f"| {name} | {n} | " + " | ".join(cells) + " |"
    yield ""
    absent = [one for (_, _, name), group in product_groups.items() if name == "absent" for one in group]
    false = sum(one["false_match"] for one in absent)
    low, high = wilson(false, len(absent))
    yield f"False matches among {len(absent)} excerpts of tracks that are in no index: {false} "
    yield f"(95 % interval {100 * low:.2f}-{100 * high:.2f} %)."
    queries, pairs = second_tracks(product)
    yield f"Of the {len(product.rows) - len(absent)} excerpts of indexed tracks,"
    yield f"{queries} also matched a second track, {pairs} pairs of tracks in all."
    yield f"{header(product)}."


def shares() -> Iterator[str]:
    """Yield the rate of right matches for each length, and that of false matches of absent music."""
    product, chances = load_record(PRODUCT), load_record(CHANCE)
    if product is None or chances is None:
        yield "Not measured yet."
        return
    groups = counts(product)
    options = product.options
    for length_s in sorted({length_s for _, length_s, _ in groups}):
        per_condition = [
            100 * sum(one["reported"] for one in group) / len(group)
            for (kind, s, name), group in groups.items()
            if kind == "music" and s == length_s and name != "absent"
        ]
        mean = sum(per_condition) / len(per_condition)
        yield f"- Excerpts of {length_s:g} s in {len(per_condition)} conditions (codecs, noise, rooms, speed,"
        yield f"  pitch, tempo, cuts): the right recording is reported as `match` in {mean:.0f} %,"
        yield f"  in the worst condition in {min(per_condition):.0f} %."
    absent = [one for (_, _, name), group in groups.items() if name == "absent" for one in group]
    false = sum(one["false_match"] for one in absent)
    yield f"- Music that is in no index: {false} of {len(absent)} excerpts read `match`."
    yield ""
    yield "Music that was not used in training;"
    yield f"{options['hours']:g} h of references, effort `{options['effort']}`."


def chance() -> Iterator[str]:
    """Yield claimed E-values beside the counted false matches."""
    record = load_record(CHANCE)
    if record is None:
        yield "Not measured yet."
        return
    yield "False matches for each excerpt of 3 or 8 s whose music is not in the index: claimed E-value and"
    yield f"counted rate ({record.options['role']} music; the rest of its package is left out too):"
    yield ""
    yield from calibrate_table(record)
    yield ""
    yield f"{header(record)}."


def kinds() -> Iterator[str]:
    """Yield claimed and counted false matches by kind of sound, lengths as one, and the recall by kind."""
    found = [load(path) for path in sorted(RECORDS.glob(f"{FALSE}*.json.gz"))]
    if not found:
        yield "Not measured yet."
        return
    yield from by_kind(*found)


def by_kind(*records: Record) -> Iterator[str]:
    """Yield the false matches and the recall of some records by kind of sound, lengths as one."""
    rows = pooled([row for record in records for row in record.rows])
    yield from false_matches_table(rows)
    yield ""
    yield from recall_table(rows)
    yield ""
    for record in records:
        yield f"{header(record)}."


def names() -> Iterator[str]:
    """Yield the calibration of E-values by name, and the speed of lists of names."""
    records = [record for record in map(load_record, NAMES) if record is not None]
    yield from names_lines(records) if records else ["Not measured yet."]


def privacy() -> Iterator[str]:
    """Yield how close sound that is made again from packs comes to the original."""
    made = load_record(PRIVACY)
    yield from privacy_lines(made) if made is not None else ["Not measured yet."]


def power() -> Iterator[str]:
    """Yield how often copies are found, by effort, length and condition."""
    record = load_record(POWER)
    if record is None:
        yield "Not measured yet."
        return
    yield from power_lines(record)
    yield ""
    yield f"{header(record)}."


def shortest() -> Iterator[str]:
    """Yield the shortest length that may read `no_match`, at each effort."""
    record = load_record(POWER)
    yield from ["Not measured yet."] if record is None else shortest_lines(counted(record))


def second_tracks(record: Record) -> tuple[int, int]:
    """Return how many queries matched another track than the right one, and how many pairs of tracks."""
    reported, same = reported_by(record), same_recording()
    wrong = [
        (row["q"], row["condition"], row["length_s"], row["track"], answer["track"])
        for row in record.rows
        for answer in row["answers"]
        if row["track"] and reported(row, answer) and not same(answer["track"], row["track"])
    ]
    return len({one[:3] for one in wrong}), len({one[3:] for one in wrong})


def _pair(outcomes: Sequence[Mapping[str, bool]], *, interval: bool) -> str:
    if not outcomes:
        return ""
    n = len(outcomes)
    named, reported = (sum(one[column] for one in outcomes) for column in ("named", "reported"))
    low, high = wilson(reported, n)
    return f"{100 * named / n:.0f} / {100 * reported / n:.0f}" + (
        f" ({100 * low:.0f}-{100 * high:.0f})" if interval else ""
    )


def speed() -> Iterator[str]:
    """Yield sizes and times."""
    yield from _costs(SPEED)


def scale() -> Iterator[str]:
    """Yield sizes and times with a million codes."""
    yield from _costs(SCALE)


def _costs(name: str) -> Iterator[str]:
    record = load_record(name)
    if record is None:
        yield "Not measured yet."
        return
    yield "| what | measured | by processor time | unit |"
    yield "|---|---|---|---|"
    for row in record.rows:
        cpu = f"{row['cpu']:g}" if "cpu" in row else ""
        unit = row["unit"]
        if "in the index" in row:
            unit += f"; {row['in the index']:g} of them in the index"
        yield f"| {row['what']}: {row['case']} | {row['value']:g} | {cpu} | {unit} |"
    yield ""
    yield f"{header(record)}."


def of_record(name: str, table: Callable[[Record], Iterator[str]]) -> Callable[[], Iterator[str]]:
    """Return a function that yields the table of one record."""

    def lines() -> Iterator[str]:
        made = load_record(name)
        yield from ["Not measured yet."] if made is None else table(made)

    return lines


def long_queries() -> Iterator[str]:
    """Yield how many long absent queries match, among pieces of their own makers."""
    made = load_record("false-matches-long")
    if made is None:
        yield "- Longer absent queries: not measured yet."
        return
    absent = [row for row in made.rows if row["condition"] is None]
    kinds = ", ".join(sorted({row["kind"].replace("_", " ") for row in absent}))
    (length_s,) = {row["length_s"] for row in absent}
    by_effort = [
        (effort, [row for row in absent if row["effort"] == effort]) for effort in made.options["efforts"]
    ]
    counts = " and ".join(
        f"{sum(row['verdict'] == 'match' for row in rows)} of {len(rows)} at `{effort}`"
        for effort, rows in by_effort
    )
    yield f"- Absent queries of {length_s:g} s, beside pieces of the same makers ({kinds}), read `match` in"
    yield f"  {counts}. A limit of the search was chosen on other excerpts of these makers."


def few() -> Iterator[str]:
    """Yield how many absent queries match where the index holds few recordings of their maker."""
    made = load_record(FEW)
    if made is None:
        yield "- Few recordings of one maker: not measured yet."
        return
    absent = [row for row in made.rows if row["condition"] is None]
    lengths = sorted({row["length_s"] for row in absent})
    n_match, n_possible = (sum(row["verdict"] == name for row in absent) for name in ("match", "possible"))
    most = made.options["references"]
    yield f"- Where an index holds 1 to {most} recordings of a maker (a voice, a kit, a"
    yield f"  soundfont, a synthesiser), {n_match} of {len(absent):,} absent queries of {lengths[0]:g} to"
    yield f"  {lengths[-1]:g} s by this maker read `match`, and {n_possible} `possible`. Chance would give"
    yield f"  {len(absent) * 1e-4:.1g} and {len(absent) * 1e-2:.0f}. Longer ones were not counted."


def scan() -> Iterator[str]:
    """Yield the outcome of a scan of the open corpus."""
    record = load_record(SCAN)
    if record is None:
        yield "Not measured yet."
        return
    rows = record.rows
    named = [row for row in rows if row["named"] == row["track"]]
    right = [row for row in named if row["verdict"] == "match"]
    placed = [row for row in named if row["off"] is not None and row["off"] <= 0.5]
    wrong = [row for row in rows if row["verdict"] == "match" and row["named"] != row["track"]]
    options = record.options
    seconds: Mapping[str, float] = options["seconds"]
    yield f"{options['tracks']} tracks ({options['hours']:g} h) registered as works in"
    yield f"{seconds['register']:.0f} s and indexed as a dataset in {seconds['index']:.0f} s; a zip with"
    yield f"{len(rows)} excerpts of 8 s (clean, mp3 32k, opus 12k, 300-3400 Hz) scanned"
    yield f"at `{options['effort']}` in {seconds['scan']:.0f} s. Reported as `match` of the right work:"
    yield f"{len(right)}; as `possible`: {len(named) - len(right)}; within 0.5 s of the right"
    yield f"place: {len(placed)}; reported as `match` of another: {len(wrong)}."
    yield f"The seconds were taken on a busy machine. {header(record)}."


def check() -> Iterator[str]:
    """Yield the part of the demo output that checks two files."""
    lines = list(demo())
    first = next((n for n, line in enumerate(lines) if line.startswith("    $ earwitness check")), 0)
    last = next((n for n, line in enumerate(lines) if n > first and not line.strip()), len(lines))
    yield from lines[first:last]


def demo() -> Iterator[str]:
    """Yield the stored output of `make demo`."""
    text = DEMO.read_text(encoding="utf-8") if DEMO.exists() else "Not run yet.\n"
    yield from ("    " + line if line else "" for line in text.rstrip("\n").split("\n"))


BLOCKS: Final[dict[str, Callable[[], Iterator[str]]]] = {
    "demo": demo,
    "check": check,
    "shares": shares,
    "rates": rates,
    "chance": chance,
    "kinds": kinds,
    "power": power,
    "shortest": shortest,
    "speed": speed,
    "scale": scale,
    "scan": scan,
    "long": long_queries,
    "few": few,
    "few_table": of_record(FEW, by_kind),
    "scan_speed": of_record("scan-speed", scan_speed_table),
    "stored_copies": of_record("stored-copies", stored_copies_table),
    "names": names,
    "privacy": privacy,
}
