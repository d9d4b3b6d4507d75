"""Tables of programmes and of hostile load state what the rows say."""

from __future__ import annotations

from typing import Any

from benchmarks.report.clips_table import clips_table
from benchmarks.report.cue_table import cue_table
from benchmarks.report.hardening_table import hardening_table
from benchmarks.report.records import record
from benchmarks.sets.cue import Planted, played


def play(path: str, start_s: float, end_s: float) -> dict[str, Any]:
    """A play as the command lists it."""
    return {"path": path, "start_s": start_s, "end_s": end_s, "verdict": "match"}


def test_a_planted_play_is_found_where_its_track_is_played() -> None:
    """Of several plays the one with most seconds in common counts; another track or time does not."""
    planted = Planted(track="007/one.ogg", start_s=100.0, end_s=160.0, speech_db=0.0)
    plays = [play("007/one.ogg", 90, 110), play("007/one.ogg", 101, 159), play("008/two.ogg", 100, 160)]
    assert played(planted, plays) == plays[1]
    others = [plays[2], play("009/one.ogg", 100, 160), play("007/one.ogg", 200, 260)]
    assert played(planted, others) is None


def test_the_table_of_plays_counts_found_and_placed_ones() -> None:
    """A play that begins 1.5 s late is found, and is not placed within a second."""
    row = {"what": "play", "track": "a", "start_s": 0.0, "end_s": 60.0, "speech": 0.0}
    rows = [row | {"start_off_s": off, "end_off_s": 0.2} for off in (0.1, 1.5)]
    rows += [row | {"start_off_s": None, "end_off_s": None}]
    run = {
        "what": "run",
        "hours": 2.0,
        "indexed_hours": 1.0,
        "plays": 3,
        "false": 1,
        "s": 72.0,
        "most_mb": 500,
    }
    made = record("cue", scheme="s", seed=0, options={"tracks": 6, "effort": "fast"}, rows=[*rows, run])
    text = "\n".join(cue_table(made))
    assert "(100 times real time), 500 MB at most." in text and "not played there: 1, of 3." in text
    assert "| +0 dB | 3 | 66.7 (20.8-93.9) | 33.3 (6.1-79.2) | 66.7 (20.8-93.9) |" in text


def test_the_table_of_clips_sums_tracks_of_one_density_and_condition() -> None:
    """A track without a match is counted apart."""
    row = {"every_s": 0.7, "condition": "clean", "clips": 10, "match": 10, "possible": 0}
    rows = [row, row | {"match": 0, "possible": 5}, row | {"condition": "phone", "match": 8}]
    made = record("clips", scheme="s", seed=0, options={"tracks": 2}, rows=rows)
    assert list(clips_table(made))[-2:] == [
        "| 0.7 s | clean | 20 | 50.0 | 75.0 | 1 |",
        "| 0.7 s | phone | 10 | 80.0 | 80.0 | 0 |",
    ]


def test_the_table_of_hostile_load_has_a_line_for_each_row() -> None:
    """Each kind of row is stated in words."""
    slow = {"what": "slow", "requests": 9, "median_ms": 2.0, "p95_ms": 3.0, "not_answered": 0}
    rows = [
        {"what": "upload", "sent_mib": 513, "status": 413, "s": 1.0, "grown_mib": 1.5},
        slow | {"clients": 0},
        slow | {"clients": 500},
        {"what": "idempotency", "requests": 50, "accepted": 50, "jobs": 1, "statuses": {"202": 50}},
        {
            "what": "kills",
            "kills": 9,
            "jobs": 4,
            "states": {"done": 3, "failed": 1},
            "errors": {"job_gave_up": 1},
        },
        {"what": "openapi", "operations": 34, "requests": 9_000, "failures": []},
        {"what": "openapi", "operations": 34, "requests": 9_000, "failures": ["Server error: GET /"]},
        {"what": "terms", "servers": 2, "jobs": 8, "states": {"done": 8}, "slowest_s": 1.5, "ended_s": [1.5]},
    ]
    made = record("hardening", scheme="s", seed=0, options={}, rows=rows)
    lines = list(hardening_table(made))[2:]
    assert len(lines) == len(rows)
    assert lines[0] == "| a chunked upload without an end | HTTP 413 after 513 MiB; memory grew by 1.5 MiB |"
    assert "3 done, 1 failed; errors: 1 job_gave_up" in lines[4]
    assert "9,000 made-up requests to 34 operations | each answer is as" in lines[5]
    assert lines[6].endswith("| Server error: GET / |")
