"""What the records of lists of names show, in sentences and tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.report.records import Record


def names_lines(records: Sequence[Record]) -> Iterator[str]:
    """Yield the calibration of E-values by name, and how fast lists are read and asked."""
    for record in records:
        n_songs = f"{record.options['rows']:,}"
        how = "by the look-up" if _rows(record, "chance") else "in the songs themselves"
        if _rows(record, "spelling"):
            yield from _spellings(record)
            n_songs += " songs, each in one of many spellings and asked in others,"
        else:
            n_songs += " songs"
        yield f"E-values against chance, in a made-up list of {n_songs} with frequencies like"
        yield "those of real lists: artists and titles of different songs were paired, their E-values added"
        yield f"up, and the entries that have both counted {how}:"
        yield ""
        yield "| E-value | pairs | entries claimed | observed |"
        yield "|---|---|---|---|"
        for row in _rows(record, "chance") + _rows(record, "counted"):
            yield f"| {_bin(row)} | {row['pairs']:,} | {row['claimed']:,.1f} | {row['observed']:,} |"
        yield ""
        if _rows(record, "ask"):
            yield from _speed(record)
            yield ""
    yield "| published list | read as | rows | kept | not readable | s | of processor time |"
    yield "|---|---|---|---|---|---|---|"
    for row in (row for record in records for row in _rows(record, "read") if row["list"] != "made"):
        numbers = f"{row['rows']:,} | {row['kept']:,} | {row['refused']:,}"
        seconds = f"{row['s']:.1f} | {row['own_cpu_s'] + row['reader_cpu_s']:.1f}"
        yield f"| `{row['list']}` | {row['layout']} | {numbers} | {seconds} |"
    yield ""
    for record in records:
        load = (
            f", shared with other programs (load {_made(record)['load']:g})" if _rows(record, "read") else ""
        )
        yield f"{record.machine}{load}, commit {record.commit}, {record.made_at[:10]}."


def _spellings(record: Record) -> Iterator[str]:
    rows = _rows(record, "spelling")
    yield "Works that a list has in one spelling, asked in another (`benchmarks/shelf/spellings.py`):"
    yield ""
    yield "| spelling | of the title, found | of the artist, found |"
    yield "|---|---|---|"
    for kind in dict.fromkeys(row["kind"] for row in rows):
        by_part = {row["of"]: f"{row['found']:,} of {row['works']:,}" for row in rows if row["kind"] == kind}
        yield f"| {kind} | {by_part.get('title', '-')} | {by_part.get('artist', '-')} |"
    yield ""


def _speed(record: Record) -> Iterator[str]:
    made, (asked,) = _made(record), _rows(record, "ask")
    rate = made["rows"] / max(made["own_cpu_s"], made["reader_cpu_s"])
    yield f"In the layout of LAION-DISCO-12M it is kept in {made['s']:,.0f} s: {rate:,.0f} rows a second of"
    yield "processor time of the busier of its two processes. They take"
    yield f"{made['most_memory_mib']:.0f} MiB at most, and store {made['stored_mib']:,.0f} MiB."
    yield f"{asked['works']:,} works are asked in {asked['s']:.1f} s."


def _made(record: Record) -> Mapping[str, Any]:
    return next(row for row in _rows(record, "read") if row["list"] == "made")


def _rows(record: Record, what: str) -> list[Mapping[str, Any]]:
    return [row for row in record.rows if row["what"] == what]


def _bin(row: Mapping[str, Any]) -> str:
    if row["to"] is None:
        return f"above {row['from']:g}"
    return f"below {row['to']:g}" if not row["from"] else f"{row['from']:g} to {row['to']:g}"
