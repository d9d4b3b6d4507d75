"""``python -m benchmarks ENTRY ...``: how well and how fast."""

from __future__ import annotations

import importlib
import sys

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
    module = "fetch" if sys.argv[1] == "corpus" else sys.argv[1].replace("-", "_")
    code: int = importlib.import_module(f"benchmarks.{module}").main(sys.argv[2:])
    return code


if __name__ == "__main__":
    sys.exit(main())
