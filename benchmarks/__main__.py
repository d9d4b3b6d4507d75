"""``python -m benchmarks ENTRY ...``: measures accuracy and speed."""

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
    (
        "identify",
        "false-matches",
        "speed",
        "scale",
        "scan-rates",
        "scan-formats",
        "codes",
        "changes",
        "classes",
        "power",
        "pack-privacy",
        "overlap",
        "cue",
        "clips",
        "stored-copies",
        "scan-speed",
        "fit",
    )
)
"""Entries that read the open corpus, by default from the folder ``corpus``."""
FETCH: Final = "python -m benchmarks corpus fetch"

ENTRIES = {
    "corpus": "fetch or list the open corpus",
    "known-files": "make the list of known files that the package ships",
    "kinds": "make test material of every kind: voices, kits, soundfonts, chips",
    "identify": "search degraded excerpts and record the raw answers",
    "power": "how often a copy is found, by length, condition and effort",
    "speed": "speed of each stage, bytes per hour, latency, start times",
    "scale": "a store of a million codes: bytes per hour, latency, share of the index",
    "scan-rates": "a zip of degraded excerpts scanned against the open corpus",
    "scan-formats": "one dataset of short items in three packings: scanned, killed, compared",
    "stored-copies": "searches of works with changed copies, beside undoing every change",
    "scan-speed": "scans at each effort beside pure decoding, against works of some hours",
    "codes": "recall per byte of kinds of index, at a million codes and more",
    "changes": "errors of the reported speed, pitch and tempo",
    "classes": "reported class of constructed queries, and parts of a query that are reported",
    "false-matches": "false matches by kind of sound, claimed against counted",
    "dedup": "copies among clips of pieces that one soundfont plays: precision and recall",
    "overlap": "planted leaks between two sets, in five packings and both directions",
    "clips": "recordings that a dataset holds as many clips, overlapping or end to end",
    "cue": "known plays in a programme of a day, under speech",
    "names": "lists of names: speed, and claimed E-values against shuffled pairs",
    "pack-privacy": "how much of the sound a pack gives away",
    "calibrate": "claimed E-values against observed false matches",
    "fit": "fit the numbers of the scheme's calibration, or check them",
    "crash": "kill -9 at random moments",
    "hardening": "the server under hostile load: uploads, slow clients, killed workers and servers",
    "tables": "Markdown tables from the records",
    "summary": "README's numbers and docs/results.md from the records",
    "match-steps": "figures of docs/matching.md: one query of sample_audio, step by step",
    "cases": "inputs that failed once, compared with the expected answers",
    "smoke": "a small evaluation on sample_audio",
}


def main() -> int:
    """Run the entry that the first argument names, and return the exit status."""
    if len(sys.argv) < 2 or sys.argv[1] not in ENTRIES:
        print("usage: python -m benchmarks ENTRY ...", file=sys.stderr)
        for name, about in ENTRIES.items():
            print(f"  {name:12s} {about}", file=sys.stderr)
        return 2
    missing = missing_corpus(sys.argv[1], sys.argv[2:])
    if missing is not None:
        return report_error(f"{missing} contains no file of the open corpus", f"{FETCH} {missing} all")
    try:
        code: int = importlib.import_module(module_of(sys.argv[1])).main(sys.argv[2:])
    except FileNotFoundError as error:
        return report_error(f"{error.filename} does not exist", f"correct the name, or fetch it: {FETCH}")
    except EarwitnessError as error:
        return report_error(error.message, error.hint)
    return code


def module_of(entry: str) -> str:
    """Return the name of the module that runs an entry."""
    others = {
        "corpus": "benchmarks.data.fetch",
        "known-files": "benchmarks.data.published_files",
        "kinds": "benchmarks.data.kinds.make",
        "fit": "benchmarks.fit.command",
        "dedup": "benchmarks.sets.dedup",
        "overlap": "benchmarks.sets.overlap",
        "clips": "benchmarks.sets.clips",
        "cue": "benchmarks.sets.cue",
        "pack-privacy": "benchmarks.shelf.pack_privacy",
        "stored-copies": "benchmarks.scanning.stored_copies",
        "scan-speed": "benchmarks.scanning.scan_speed",
        "hardening": "benchmarks.serving.hardening",
        "tables": "benchmarks.report.tables",
        "summary": "benchmarks.report.summary",
        "match-steps": "benchmarks.report.match_steps",
    }
    return others.get(entry, f"benchmarks.runs.{entry.replace('-', '_')}")


def missing_corpus(entry: str, arguments: Sequence[str]) -> Path | None:
    """Return the corpus folder of an entry if it contains no file of the open corpus, else None."""
    if {"-h", "--help", "--write"} & set(arguments):  # which read no audio
        return None
    options = argparse.ArgumentParser(add_help=False, allow_abbrev=True)
    options.add_argument("--corpus", type=Path, default=Path("corpus") if entry in ON_CORPUS else None)
    root: Path | None = options.parse_known_args(list(arguments))[0].corpus
    if root is None:
        return None
    corpus = Corpus.open(root)
    listed = len(corpus.tracks) + len(corpus.noises) + len(corpus.rooms)
    return root if len(corpus.missing()) == listed else None


def report_error(what: str, hint: str) -> int:
    """Print why an entry cannot run, with a hint, and return the exit status."""
    print(f"benchmarks: {what}\n  what to do: {hint}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
