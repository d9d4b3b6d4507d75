"""The table of the plays of a long programme."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.report.records import Record, wilson

PLACED_S = 1.0


def cue_table(record: Record) -> Iterator[str]:
    """Yield how many plays were found and placed, by the level of the speech over them."""
    run = next(row for row in record.rows if row["what"] == "run")
    plays = [row for row in record.rows if row["what"] == "play"]
    yield f"A programme of {run['hours']} h with {len(plays)} plays of {record.options['tracks']} tracks"
    yield f"({run['indexed_hours']} h), `{record.options['effort']}`: searched in {run['s']:.0f} s"
    yield f"({3600 * run['hours'] / run['s']:.0f} times real time), {run['most_mb']} MB at most."
    yield f"Sure plays of something that was not played there: {run['false']}, of {run['plays']}."
    yield ""
    yield "| speech above the music | plays | found, % | begin within 1 s, % | end within 1 s, % |"
    yield "|---|---|---|---|---|"
    for level in sorted({row["speech"] for row in plays}):
        own = [row for row in plays if row["speech"] == level]
        found = [row for row in own if row["start_off_s"] is not None]
        shares = [
            len(found),
            *(sum(abs(row[name]) <= PLACED_S for row in found) for name in ("start_off_s", "end_off_s")),
        ]
        cells = (f"{100 * n / len(own):.1f} ({_interval(n, len(own))})" for n in shares)
        yield f"| {level:+.0f} dB | {len(own)} | {' | '.join(cells)} |"


def _interval(hits: int, trials: int) -> str:
    low, high = wilson(hits, trials)
    return f"{100 * low:.1f}-{100 * high:.1f}"
