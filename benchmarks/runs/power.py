"""How often a copy is found, by length, condition and effort: what an answer of no match is worth.

Excerpts of test music, which no fit has seen, are searched at each effort as `benchmarks.runs.identify` does
it; its rows, with ``effort``, are the record ``power``. Shorter queries are the middle of the longest. More
excerpts are searched without a disturbance than under each condition, because they decide the shortest
length that may read ``no_match``.

``--write`` writes the counts of the record into the product, where findings take them from.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.data.corpus import Corpus
from benchmarks.report.power_tables import CLEAN, POWER, measured
from benchmarks.report.records import RECORDS, load, record, save
from benchmarks.runs.identify import Plan, Task, resumed, select, tasks
from benchmarks.systems.product import Product, readable, references
from earwitness.fingerprint.extract import extractor
from earwitness.index.match import Effort
from earwitness.index.statistics.power import POWER_FILE

LENGTHS_S: Final = (15.0, 8.0, 5.0, 3.0, 2.5, 2.0, 1.75, 1.5, 1.25, 1.0, 0.75)
CONDITIONS: Final = ("mp3_32k", "phone", "room", "speech_0", "music_0", "speed_+12", "pitch_-2")
"""Conditions of `benchmarks.data.degrade`, besides the clean excerpt."""


def todo(
    plan: Plan, corpus: Corpus, queried: Sequence[Any], conditions: Sequence[str], *, n: int, n_clean: int
) -> list[Task]:
    """Return the tasks of one effort: `n_clean` clean excerpts, and the first `n` under each condition."""
    clean = tasks(plan, corpus, queried, conditions=[CLEAN], n=n_clean, n_absent=0)
    return clean + tasks(plan, corpus, queried, conditions=conditions, n=n, n_absent=0)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command's options."""
    it = argparse.ArgumentParser(prog="python -m benchmarks power", description=__doc__)
    it.add_argument("--corpus", type=Path, default=Path("corpus"), help="folder that `corpus fetch` filled")
    it.add_argument("--work", type=Path, default=Path("work"), help="folder of indexes and degraded queries")
    it.add_argument("--lengths", default=",".join(f"{one:g}" for one in LENGTHS_S), help="seconds")
    it.add_argument("--conditions", default=",".join(CONDITIONS), help="besides the clean excerpt")
    it.add_argument("--clean", type=int, default=100, help="clean excerpts for each effort")
    it.add_argument("--fast", type=int, default=100, help="excerpts for each condition at this effort")
    it.add_argument("--standard", type=int, default=40)
    it.add_argument("--full", type=int, default=40)
    it.add_argument("--workers", type=int, default=1)
    it.add_argument("--minutes", type=float, default=1e6, help="most minutes for each effort")
    it.add_argument("--seed", type=int, default=2026)
    it.add_argument("--name", default=POWER, help="name of the record")
    it.add_argument(
        "--write", action="store_true", help="only write the counts of the record into the product"
    )
    return it


def main(argv: Sequence[str]) -> int:
    """Run the entry and write its record, or write what the record says into the product."""
    options = parser().parse_args(argv)
    if not options.write:
        print(run(options))
    else:
        counts = measured(load(RECORDS / f"{options.name}.json.gz"))
        POWER_FILE.write_text(written(counts), encoding="utf-8")
    return 0


def written(counts: dict[str, Any]) -> str:
    """Return the text of the product's file: one line for each row."""
    head = json.dumps({**counts, "rows": []}, indent=1).removesuffix("[]\n}")
    return head + "[\n" + ",\n".join(f"  {json.dumps(row)}" for row in counts["rows"]) + "\n ]\n}\n"


def run(options: argparse.Namespace) -> Path:
    """Search all excerpts at all efforts, and save the record."""
    corpus = Corpus.open(options.corpus)
    queried, indexed = select(corpus, role="test", kind="music", distractors=True)
    indexed, unreadable = readable(corpus.root, indexed, work=options.work)
    known = {track.path for track in indexed}
    queried = [track for track in queried if track.path in known]
    home = references(corpus.root, indexed, work=options.work)
    scheme, rows = extractor().scheme, []
    for effort in Effort:
        plan = Plan(
            corpus=corpus.root, work=options.work, home=home, references=tuple(indexed), role="test",
            lengths_s=tuple(float(one) for one in options.lengths.split(",")), effort=effort,
            seed=options.seed,
        )  # fmt: skip
        conditions, n = options.conditions.split(","), getattr(options, effort.value)
        wanted = todo(plan, corpus, queried, conditions, n=n, n_clean=options.clean)
        print(f"{len(wanted)} excerpts at {effort}", file=sys.stderr)
        answers = options.work / "answers" / f"{options.name}-{effort}-{scheme}.jsonl"
        found = resumed(answers, plan, wanted, workers=options.workers, minutes=options.minutes)
        rows += [{"effort": effort.value, **row} for row in found]
    settings = vars(options) | {
        "corpus": None, "work": None, "write": None, "references": len(indexed), "unreadable": unreadable,
        "hours": round(sum(track.duration_s for track in indexed) / 3600, 2),
        "codes": Product(home, indexed, Effort.FAST).n_codes,
    }  # fmt: skip
    made = record("power", scheme=scheme, seed=options.seed, options=settings, rows=rows)
    return save(made, options.name)
