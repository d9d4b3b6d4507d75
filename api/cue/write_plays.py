"""Write what is played in a long recording as CSV, JSON or a CUE sheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from earwitness.api.cue.find_plays import PlayList
from earwitness.api.cue.plays import Play
from earwitness.api.datasets.manifests.cue_sheet import FRAMES_PER_S
from earwitness.api.finding_json import search_json
from earwitness.api.findings import FindingMatch
from earwitness.api.printable import shown
from earwitness.api.scan.outputs import text_cell, whole_file
from earwitness.api.scan.tally import title_of, work_label

UNKNOWN: Final = "unknown"
PLAY_COLUMNS: Final = (
    "start_s", "end_s", "verdict", "title", "artist", "path", "collection", "version", "recording_id",
    "from_s", "to_s", "matched_s", "e_value", "e_extrapolated", "speed", "pitch_cents", "tempo", "also",
)  # fmt: skip
"""One row for each play, and for each stretch of unknown sound between plays."""

_KINDS: Final = {".mp3": "MP3", ".aif": "AIFF", ".aiff": "AIFF"}


def play_json(play: Play) -> dict[str, Any]:
    """Return a play as a JSON object."""
    match, recording = play.match, play.match.recording
    measured = match.speed is not None and match.pitch_cents is not None and match.tempo is not None
    return {
        "start_s": round(play.start_s, 2),
        "end_s": round(play.end_s, 2),
        "verdict": str(play.verdict),
        "title": recording.title,
        "artist": recording.artist,
        "path": recording.path,
        "collection": match.collection,
        "version": match.version,
        "recording_id": recording.id,
        "from_s": round(play.stretches[0].there[0], 2),
        "to_s": round(play.stretches[-1].there[1], 2),
        "matched_s": round(play.matched_s, 2),
        "e_value": match.e_rounded,
        "e_extrapolated": match.e_extrapolated,
        "speed": round(match.speed or 1.0, 3) if measured else None,
        "pitch_cents": round(match.pitch_cents or 0.0) if measured else None,
        "tempo": round(match.tempo or 1.0, 3) if measured else None,
        "also": [_also(other) for other in play.also],
    }


def _also(match: FindingMatch) -> dict[str, Any]:
    return {
        "path": match.recording.path,
        "title": match.recording.title,
        "collection": match.collection,
        "version": match.version,
        "recording_id": match.recording.id,
    }


def play_list_json(found: PlayList) -> dict[str, Any]:
    """Return a play list as a JSON object, without its schema."""
    error = found.error
    return {
        "item": {"id": found.item.id, "sha256": found.item.sha256, "duration_s": _rounded(found)},
        "search": search_json(found.search),
        "plays": [play_json(play) for play in found.plays],
        "gaps": [
            {"start_s": round(gap.start_s, 2), "end_s": round(gap.end_s, 2), "silent": gap.is_silent}
            for gap in found.gaps
        ],
        "error": error and {"code": error.code, "message": error.message, "hint": error.hint},
        "not_compared_s": round(found.not_compared_s, 2),
        "expected_false": float(f"{found.expected_false:.2g}"),
    }


def _rounded(found: PlayList) -> float | None:
    return None if found.item.duration_s is None else round(found.item.duration_s, 2)


def _rows(found: PlayList) -> Iterator[dict[str, Any]]:
    """Yield plays and unknown stretches in the order of time, for CSV."""
    rows = [
        {**play_json(play), "also": "; ".join(work_label(each) for each in play.also)} for play in found.plays
    ]
    rows += [
        {"start_s": round(gap.start_s, 2), "end_s": round(gap.end_s, 2), "verdict": UNKNOWN}
        for gap in found.gaps
        if not gap.is_silent
    ]
    yield from sorted(rows, key=lambda row: (row["start_s"], row["end_s"]))


def plays_csv(found: PlayList) -> str:
    """Return the plays as a table."""
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(PLAY_COLUMNS)
    rows.writerows([text_cell(row.get(column)) for column in PLAY_COLUMNS] for row in _rows(found))
    return text.getvalue()


def plays_text(found: PlayList) -> str:
    """Return the plays as one JSON object, indented."""
    return json.dumps({"schema": "earwitness.cue/1", **play_list_json(found)}, indent=1) + "\n"


def cue_sheet(found: PlayList) -> str:
    """Return a CUE sheet: one track for each play, and for each stretch between plays.

    A sheet has no ends: a track lasts until the next one. Of plays that overlap, each begins its own.
    """
    name = Path(found.item.path).name
    kind = _KINDS.get(Path(name).suffix.lower(), "WAVE")
    lines = ["REM made by earwitness; a track is a play that was found, or what lies between"]
    lines.append(f'FILE "{_quoted(name)}" {kind}')
    for number, (start_s, title, artist, remark) in enumerate(_tracks(found), start=1):
        lines += [f"  TRACK {number:02d} AUDIO", f'    TITLE "{_quoted(title)}"']
        lines += [f'    PERFORMER "{_quoted(artist)}"'] if artist else []
        lines += [f"    REM {remark}", f"    INDEX 01 {_disc_time(start_s)}"]
    return "\n".join([*lines, ""])


def _tracks(found: PlayList) -> list[tuple[float, str, str | None, str]]:
    tracks: list[tuple[float, str, str | None, str]] = [
        (
            play.start_s,
            play.match.recording.title or play.match.recording.path,
            play.match.recording.artist,
            f"VERDICT {play.verdict}",
        )
        for play in found.plays
    ]
    tracks += [
        (gap.start_s, "silence" if gap.is_silent else UNKNOWN, None, f"VERDICT {UNKNOWN}")
        for gap in found.gaps
    ]
    return sorted(tracks, key=lambda track: track[0])


def _quoted(text: str) -> str:
    return shown(text).replace('"', "'")


def _disc_time(seconds: float) -> str:
    frames = round(seconds * FRAMES_PER_S)
    minutes, rest = divmod(frames, 60 * FRAMES_PER_S)
    return f"{minutes:02d}:{rest // FRAMES_PER_S:02d}:{rest % FRAMES_PER_S:02d}"


FORMS: Final[dict[str, Callable[[PlayList], str]]] = {
    "csv": plays_csv,
    "json": plays_text,
    "cue": cue_sheet,
}


def write_plays(found: PlayList, path: Path, *, form: str) -> None:
    """Write the plays in one of `FORMS`."""
    with whole_file(path) as file:
        file.write(FORMS[form](found).encode("utf-8", "backslashreplace"))


def title_line(play: Play) -> str:
    """Return what is played, for people."""
    match = play.match
    return title_of(match) if match.is_work else work_label(match)
