"""``python -m benchmarks ENTRY ...``: how well and how fast."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.data.corpus import Corpus
from earwitness.fingerprint.errors import EarwitnessError

ON_CORPUS: Final = frozenset(
    ("identify", "speed", "scale", "scan-rates", "scan-formats", "codes", "changes", "classes")
)
"""Entries that read the open corpus from the folder ``corpus`` where none is given."""
FETCH: Final = "python -m benchmarks corpus fetch"

ENTRIES = {
    "corpus": "fetch or list the open listening set",
    "identify": "degrade, ask, keep the raw answers",
    "speed": "x real time of each stage, bytes per hour, latency, starts",
    "scale": "a home of a million codes: bytes per hour, latency, the index's share of it",
    "scan-rates": "a zip of degraded excerpts scanned against the open corpus",
    "scan-formats": "one dataset of short items in three packings: scanned, killed, compared",
    "codes": "recall per byte of kinds of index, at a million codes and more",
    "changes": "how exactly speed, pitch and tempo are reported",
    "classes": "kinds of match on made-up truth, and whether every part of a query is told",
    "calibrate": "claimed against observed false matches",
    "crash": "kill -9 at random moments",
    "tables": "Markdown tables from the records",
    "summary": "README's numbers and docs/results.md from the records",
    "cases": "inputs that failed once, against what is expected of them",
    "smoke": "a small evaluation on sample_audio",
}


def main() -> int:
    """Hand over to the entry's module."""
    if len(sys.argv) < 2 or sys.argv[1] not in ENTRIES:
        print("usage: python -m benchmarks ENTRY ...", file=sys.stderr)
        for name, about in ENTRIES.items():
            print(f"  {name:12s} {about}", file=sys.stderr)
        return 2
    missing = missing_corpus(sys.argv[1], sys.argv[2:])
    if missing is not None:
        return cannot(f"{missing} holds no file of the open corpus", f"{FETCH} {missing} all")
    try:
        code: int = importlib.import_module(module_of(sys.argv[1])).main(sys.argv[2:])
    except FileNotFoundError as error:
        return cannot(f"{error.filename} is not there", f"correct its name, or fetch it: {FETCH}")
    except EarwitnessError as error:
        return cannot(error.message, error.hint)
    return code


def module_of(entry: str) -> str:
    """Return the module that an entry stands for."""
    elsewhere = {
        "corpus": "benchmarks.data.fetch",
        "tables": "benchmarks.report.tables",
        "summary": "benchmarks.report.summary",
    }
    return elsewhere.get(entry, f"benchmarks.runs.{entry.replace('-', '_')}")


def missing_corpus(entry: str, arguments: Sequence[str]) -> Path | None:
    """Return the folder that an entry would take the open corpus from, where it holds nothing of it."""
    if {"-h", "--help"} & set(arguments):
        return None
    found = argparse.ArgumentParser(add_help=False, allow_abbrev=True)
    found.add_argument("--corpus", type=Path, default=Path("corpus") if entry in ON_CORPUS else None)
    root: Path | None = found.parse_known_args(list(arguments))[0].corpus
    if root is None:
        return None
    corpus = Corpus.open(root)
    listed = len(corpus.tracks) + len(corpus.noises) + len(corpus.rooms)
    return root if len(corpus.missing()) == listed else None


def cannot(what: str, way_out: str) -> int:
    """Say what keeps an entry from being run; returns the exit status."""
    print(f"benchmarks: {what}\n  what to do: {way_out}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
