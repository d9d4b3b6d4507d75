"""``python -m benchmarks classes``: reported class of match, and parts of a query that are reported.

Queries are constructed, so that the right answer is known (`constructed_queries`). Rows: ``q``, ``part``
("classes" or "structure"), ``case``, ``expected`` (each with ``track``, ``kind`` and the spans ``query`` and
``reference``), ``s`` (seconds from waveform to matches) and ``answers``, as in `identify`,
but all of them and with all ``segments``: query start and end, reference start and end, E-value.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from benchmarks.data.constructed_queries import (
    ConstructedQuery,
    QueryBuilder,
    classes,
    made_tracks,
    structures,
)
from benchmarks.data.corpus import Corpus
from benchmarks.data.overlays import Material
from benchmarks.report.records import record, save
from benchmarks.report.score import answers_of
from benchmarks.runs.identify import select
from benchmarks.systems.product import Product, readable, references
from earwitness.fingerprint.extract import extractor
from earwitness.index.match import Effort, Match

MOST_ANSWERS: Final = 50


def segments_of(match: Match) -> list[list[float]]:
    """Return all segments of a match in the form of a record."""
    return [
        [
            round(one.query_start_s, 2), round(one.query_end_s, 2),
            round(one.reference_start_s, 2), round(one.reference_end_s, 2), float(f"{one.e_value:.3g}"),
        ]
        for one in match.segments
    ]  # fmt: skip


def row(product: Product, query: ConstructedQuery, part: str) -> dict[str, Any]:
    """Search one constructed query, and return its row."""
    sound = query.sound()
    searched = product.search(sound, name=query.id)
    answers = answers_of(searched.matches, product.names, limit=MOST_ANSWERS)
    for answer, match in zip(answers, searched.matches, strict=False):
        answer["segments"] = segments_of(match)
    expected = [asdict(one) for one in query.expected]
    return {
        "q": query.id, "part": part, "case": query.case, "expected": expected,
        "s": round(searched.took_s, 3), "answers": answers,
    }  # fmt: skip


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command's options."""
    it = argparse.ArgumentParser(prog="python -m benchmarks classes", description=__doc__)
    it.add_argument("--corpus", type=Path, default=Path("corpus"))
    it.add_argument("--work", type=Path, default=Path("work"))
    it.add_argument("--each", type=int, default=40, help="queries of each class")
    it.add_argument("--structures", type=int, default=20, help="queries of each structure")
    it.add_argument("--effort", choices=[str(effort) for effort in Effort], default="standard")
    it.add_argument("--thin", type=int, default=1, help="use every N-th track only: for a trial")
    it.add_argument("--seed", type=int, default=2026)
    it.add_argument("--name", default="classes")
    return it


def main(argv: Sequence[str]) -> int:
    """Run the entry and write its record."""
    options = parser().parse_args(argv)
    corpus, effort = Corpus.open(options.corpus), Effort(options.effort)
    queried, indexed = select(corpus, role="test", kind="music", distractors=True)
    indexed, _ = readable(corpus.root, indexed[:: options.thin], work=options.work)
    known = {track.path for track in indexed}
    builder = QueryBuilder(
        corpus=corpus,
        works=tuple(track for track in queried if track.path in known),
        folder=options.work / "truths" / f"{options.seed}-{options.thin}",
        seed=options.seed,
        material=Material(corpus, role="test"),
    )
    folder, made = made_tracks(builder, n_classes=options.each, n_structures=options.structures)
    products = {
        False: Product(references(corpus.root, indexed, work=options.work), indexed, effort),
        True: Product(references(folder, made, work=options.work, name="made"), made, effort),
    }
    parts = {"classes": classes(builder, options.each), "structure": structures(builder, options.structures)}
    rows = [row(products[one.made], one, part) for part, queries in parts.items() for one in queries]
    settings = vars(options) | {
        "corpus": None, "work": None, "references": len(indexed), "made": len(made),
        "hours": round(sum(track.duration_s for track in indexed) / 3600, 2),
    }  # fmt: skip
    made_record = record("classes", scheme=extractor().scheme, seed=options.seed, options=settings, rows=rows)
    print(save(made_record, options.name), file=sys.stdout)
    return 0
