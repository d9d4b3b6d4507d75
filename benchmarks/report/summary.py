"""Measured numbers of README and docs: blocks between markers, written from the records and tested.

``python -m benchmarks summary`` writes them, and docs/results.md with every table and the plots.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.report.records import RECORDS, Record, load, wilson
from benchmarks.report.tables import (
    calibrate_table,
    counts,
    header,
    report,
    same_recording,
    told_by,
)

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
PAGES: Final = (ROOT / "README.md", DOCS / "tour.md", DOCS / "accuracy.md", DOCS / "cost.md")
"""Pages with measured blocks."""
DEMO: Final = RECORDS / "demo.txt"
RESULTS: Final = DOCS / "results.md"
BLOCK: Final = re.compile(r"(<!-- begin (\w+) -->\n)(.*?)(<!-- end \2 -->)", re.DOTALL)

OURS, PEER, SPEED, SCAN = "identify-earwitness-full-test", "identify-chromaprint-test", "speed", "scan-rates"
CHANCE: Final = "calibrate-fast"
SCALE: Final = "scale"


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
    """Return a page with its blocks as the records have them; a block without a record says so."""
    return BLOCK.sub(lambda found: found[1] + "\n".join(BLOCKS[found[2]]()) + "\n" + found[4], text)


def results(pictures: Sequence[str]) -> str:
    """Every table, after the plots."""
    lines = [
        "# Results",
        "",
        "Written by `python -m benchmarks summary` from benchmarks/records/; no number is typed.",
        "",
    ]
    lines += [f"![{name}]({name})" for name in pictures]
    for path in sorted(RECORDS.glob("*.json.gz")):
        lines += ["", *report(path)]
    return "\n".join(lines) + "\n"


def kept(name: str) -> Record | None:
    """A record by its name, if it was made."""
    path = RECORDS / f"{name}.json.gz"
    return load(path) if path.exists() else None


def rates() -> Iterator[str]:
    """How often music is found, for each condition, beside the built-in peer."""
    ours, peer = kept(OURS), kept(PEER)
    if ours is None:
        yield "Not measured yet."
        return
    mine, theirs = counts(ours), counts(peer) if peer else {}
    lengths = sorted({length_s for _, length_s, _ in mine}, reverse=True)
    conditions = list(dict.fromkeys(name for kind, _, name in mine if kind == "music" and name != "absent"))
    options = ours.options
    yield f"Excerpts of music that was not trained on, against {options['hours']:g} h of references "
    yield f"({options['references']} tracks), `{options['effort']}`. In %: named first / reported as"
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
        n = len(mine["music", lengths[0], name])
        cells = [_pair(mine.get(("music", s, name), []), interval=True) for s in lengths]
        cells += [_pair(theirs.get(("music", s, name), []), interval=False) for s in lengths]
        yield f"| {name} | {n} | " + " | ".join(cells) + " |"
    yield ""
    absent = [one for (_, _, name), group in mine.items() if name == "absent" for one in group]
    false = sum(one["false_match"] for one in absent)
    low, high = wilson(false, len(absent))
    yield f"False matches among {len(absent)} excerpts of tracks that no index holds: {false} "
    yield f"(95 % interval {100 * low:.2f}-{100 * high:.2f} %)."
    queries, pairs = besides(ours)
    yield f"Of the {len(ours.rows) - len(absent)} excerpts of indexed tracks,"
    yield f"{queries} matched a second track besides, {pairs} pairs of tracks in all."
    yield f"{header(ours)}."


def shares() -> Iterator[str]:
    """Three rates: music found, absent music claimed, and claimed against counted errors."""
    ours, chances = kept(OURS), kept(CHANCE)
    if ours is None or chances is None:
        yield "Not measured yet."
        return
    groups = counts(ours)
    options = ours.options
    for length_s in sorted({length_s for _, length_s, _ in groups}):
        per_condition = [
            100 * sum(one["told"] for one in group) / len(group)
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
    """What E-values claim, and what was counted."""
    record = kept(CHANCE)
    if record is None:
        yield "Not measured yet."
        return
    yield "False matches for each excerpt of 3 or 8 s whose music is not in the index, counted against what"
    yield f"their E-values claim ({record.options['role']} music, the rest of its package left out too):"
    yield ""
    yield from calibrate_table(record)
    yield ""
    yield f"{header(record)}."


def besides(record: Record) -> tuple[int, int]:
    """Queries reported to match another track than the right one, and how many pairs of tracks these are."""
    told, same = told_by(record), same_recording()
    wrong = [
        (row["q"], row["condition"], row["length_s"], row["track"], answer["track"])
        for row in record.rows
        for answer in row["answers"]
        if row["track"] and told(row, answer) and not same(answer["track"], row["track"])
    ]
    return len({one[:3] for one in wrong}), len({one[3:] for one in wrong})


def _pair(outcomes: Sequence[Mapping[str, bool]], *, interval: bool) -> str:
    if not outcomes:
        return ""
    n = len(outcomes)
    named, told = (sum(one[column] for one in outcomes) for column in ("named", "told"))
    low, high = wilson(told, n)
    return f"{100 * named / n:.0f} / {100 * told / n:.0f}" + (
        f" ({100 * low:.0f}-{100 * high:.0f})" if interval else ""
    )


def speed() -> Iterator[str]:
    """What it costs."""
    yield from _costs(SPEED)


def scale() -> Iterator[str]:
    """What it costs among a million codes."""
    yield from _costs(SCALE)


def _costs(name: str) -> Iterator[str]:
    record = kept(name)
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


def scan() -> Iterator[str]:
    """The main job on the open corpus."""
    record = kept(SCAN)
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
    """The part of the demo's output that checks two files."""
    lines = list(demo())
    first = next((n for n, line in enumerate(lines) if line.startswith("    $ earwitness check")), 0)
    last = next((n for n, line in enumerate(lines) if n > first and not line.strip()), len(lines))
    yield from lines[first:last]


def demo() -> Iterator[str]:
    """What `make demo` printed when its output was last kept."""
    text = DEMO.read_text(encoding="utf-8") if DEMO.exists() else "Not run yet.\n"
    yield from ("    " + line if line else "" for line in text.rstrip("\n").split("\n"))


BLOCKS: Final[dict[str, Callable[[], Iterator[str]]]] = {
    "demo": demo,
    "check": check,
    "shares": shares,
    "rates": rates,
    "chance": chance,
    "speed": speed,
    "scale": scale,
    "scan": scan,
}
