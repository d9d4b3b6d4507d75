"""The table of planted leaks between two sets."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.report.records import Record


def overlap_table(record: Record) -> Iterator[str]:
    """Yield how many planted pairs were found, and how many others, by packing and direction."""
    items, effort = record.options["items"], record.options["effort"]
    yield f"{items} clips of 20 s and {items} of 8 s, `{effort}`; a planted pair is a long clip and"
    yield "a short one that was cut from it and coded again."
    yield ""
    yield "| packing | indexed | planted | found | other pairs | share of short clips, 95 % interval |"
    yield "|---|---|---|---|---|---|"
    for row in record.rows:
        low, high = (100 * end for end in row["interval"])
        share = f"{100 * row['share']:.1f} %, {low:.1f} to {high:.1f}"
        numbers = f"{row['planted']} | {row['found']} | {row['false']}"
        yield f"| {row['packing']} | {row['indexed']} | {numbers} | {share} |"
