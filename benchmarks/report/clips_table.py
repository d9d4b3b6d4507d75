"""The table of recordings that a dataset holds as many clips."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.report.records import Record


def clips_table(record: Record) -> Iterator[str]:
    """Yield how many clips were found, by how densely they were cut and how the track was degraded."""
    n_tracks = record.options["tracks"]
    yield f"Clips of 10 s of the first minute of {n_tracks} tracks, searched for with that minute."
    yield ""
    yield "| a clip every | track | clips | `match`, % | or `possible`, % | tracks with no match |"
    yield "|---|---|---|---|---|---|"
    groups = dict.fromkeys((row["every_s"], row["condition"]) for row in record.rows)
    for every_s, condition in groups:
        rows = [row for row in record.rows if (row["every_s"], row["condition"]) == (every_s, condition)]
        clips, match = (sum(row[name] for row in rows) for name in ("clips", "match"))
        either = match + sum(row["possible"] for row in rows)
        shares = f"{100 * match / clips:.1f} | {100 * either / clips:.1f}"
        n_without = sum(not row["match"] for row in rows)
        yield f"| {every_s:g} s | {condition} | {clips} | {shares} | {n_without} |"
