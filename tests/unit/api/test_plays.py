"""Plays from segments made by hand: joined, kept apart, named once, and written."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from earwitness.api.cue.find_plays import Gap, PlayList, for_long_recordings
from earwitness.api.cue.play_sentences import long_clock, play_cells, play_summary
from earwitness.api.cue.plays import Play, Stretch, gaps_between, plays_of
from earwitness.api.cue.write_plays import FORMS, PLAY_COLUMNS, write_plays
from earwitness.api.datasets.items import SourceItem
from earwitness.api.datasets.open_source import open_source
from earwitness.api.findings import FindingError, FindingItem
from earwitness.api.settings import Settings
from earwitness.index.match import Verdict
from tests.unit.api.made_findings import SEARCH, match

SONG = match(speed=1.0, tempo=1.0)
OTHER = replace(SONG, recording=replace(SONG.recording, id="ef" * 32, path="other.mp3"))


def stretch(
    start_s: float, end_s: float, from_s: float, *, of: str = "song", verdict: Verdict = Verdict.MATCH
) -> Stretch:
    """A stretch of the long recording that plays a song unchanged from `from_s` on."""
    there = (from_s, from_s + end_s - start_s)
    return Stretch(here=(start_s, end_s), there=there, match=SONG if of == "song" else OTHER, verdict=verdict)


def spans(plays: list[Play]) -> list[tuple[float, float]]:
    """Begin and end of each play."""
    return [(play.start_s, play.end_s) for play in plays]


@pytest.mark.parametrize(
    ("second", "joined"),
    [
        (stretch(90, 120, 80), True),  # under speech in between: on the line of the first
        (stretch(25, 60, 15), True),  # found again in the next part, which overlaps
        (stretch(32, 60, 70), True),  # a cut: the recording jumps on
        (stretch(32, 60, 5), True),  # a loop of 15 s
        (stretch(90, 120, 0), False),  # played again later
        (stretch(31, 60, -60), False),  # played again at once, from the beginning
        (stretch(90, 120, 95), False),  # a later part of it, after a pause
    ],
)
def test_stretches_of_one_play_are_joined(second: Stretch, joined: bool) -> None:
    """A play goes on under other sound and over a cut; the same recording played again is another play."""
    first = stretch(10, 30, 0)
    if second.there[0] < 0:
        first, second = stretch(10, 30, 60), replace(second, there=(0.0, 29.0))
    plays = plays_of([second, first])
    assert len(plays) == (1 if joined else 2)
    if joined:
        assert spans(plays) == [(10, second.here[1])]


def test_a_faster_play_keeps_its_line() -> None:
    """A play at another speed leads further into the recording, by that speed."""
    fast = replace(SONG, speed=1.1)
    one = Stretch(here=(0, 10), there=(0, 11), match=fast, verdict=Verdict.MATCH)
    two = Stretch(here=(110, 120), there=(121, 132), match=fast, verdict=Verdict.MATCH)
    assert spans(plays_of([one, two])) == [(0, 120)]
    assert len(plays_of([replace(one, match=SONG), replace(two, match=SONG)])) == 2


def test_one_place_is_one_play() -> None:
    """Another version at the same place is named beside the surer one; a cross-fade keeps both."""
    weaker = stretch(12, 29, 2, of="other", verdict=Verdict.POSSIBLE)
    (play,) = plays_of([stretch(10, 30, 0), weaker])
    assert (play.match.recording.path, [each.recording.path for each in play.also]) == (
        "song.mp3", ["other.mp3"],
    )  # fmt: skip
    both = plays_of([stretch(10, 30, 0), stretch(25, 60, 0, of="other")])
    assert spans(both) == [(10, 30), (25, 60)]


def test_seconds_of_a_play_that_match_count_once() -> None:
    """The matched seconds leave out what lies under other sound."""
    (play,) = plays_of([stretch(10, 30, 0), stretch(25, 40, 15), stretch(100, 110, 90)])
    assert (play.matched_s, play.end_s - play.start_s) == (40, 100)


def test_gaps_are_what_no_play_covers() -> None:
    """Time between plays, before the first and after the last; short pauses are left out."""
    plays = plays_of([stretch(10, 30, 0), stretch(32, 60, 0, of="other")])
    assert gaps_between(plays, duration_s=100.0) == [(0.0, 10), (60, 100.0)]
    assert gaps_between([], duration_s=100.0) == [(0.0, 100.0)]
    assert gaps_between([], duration_s=2.0) == []


def play_list() -> PlayList:
    """A recording of two minutes with two plays."""
    hostile = replace(OTHER, recording=replace(OTHER.recording, title='=say "hi"\x1b', artist="An Artist"))
    plays = plays_of([stretch(10, 30, 0), replace(stretch(60, 90, 5), match=hostile)])
    item = FindingItem(id="show.mp3", path="show.mp3", sha256="00" * 32, duration_s=120.0)
    gaps = [Gap(start_s=0, end_s=10, is_silent=True), Gap(start_s=30, end_s=60, is_silent=False)]
    return PlayList(item=item, search=SEARCH, plays=plays, gaps=gaps, n_parts=1)


def test_every_format_has_the_same_plays(tmp_path: Path) -> None:
    """CSV, JSON and the CUE sheet, which the reader of CUE sheets reads back, agree on starts and names."""
    texts = {form: write(play_list()) for form, write in FORMS.items()}
    rows = list(csv.DictReader(io.StringIO(texts["csv"])))
    assert list(rows[0]) == list(PLAY_COLUMNS)
    assert [(row["start_s"], row["verdict"]) for row in rows] == [
        ("10", "match"), ("30", "unknown"), ("60", "match"),
    ]  # fmt: skip
    assert rows[2]["title"] == '\'=say "hi"\\x1b'
    answer = json.loads(texts["json"])
    assert answer["schema"] == "earwitness.cue/1"
    assert [(each["start_s"], each["from_s"]) for each in answer["plays"]] == [(10, 0), (60, 5)]
    (tmp_path / "show.mp3").write_bytes(b"")
    write_plays(play_list(), tmp_path / "show.cue", form="cue")
    sheet = open_source(str(tmp_path / "show.cue"))
    tracks = [item for item in sheet if isinstance(item, SourceItem)]
    assert [item.start_s for item in tracks] == [None, 10.0, 30.0, 60.0]
    assert tracks[3].identifiers is not None and tracks[3].identifiers.artist == "An Artist"


def test_sentences_count_what_is_sure() -> None:
    """The summary counts sure plays, says what was searched and what is missing."""
    found = play_list()
    assert "2 plays of 2 recordings" in play_summary(found)
    assert [cells[2] for cells in play_cells(found)] == ["silence", "match", "unknown", "match"]
    found.error = FindingError(code="truncated_audio", message="show.mp3 ends early", hint="fetch it")
    found.not_compared_s = 5.0
    assert "show.mp3 ends early (5.0 s were not compared)" in play_summary(found)
    unsure = replace(found, plays=plays_of([stretch(10, 30, 0, verdict=Verdict.POSSIBLE)]))
    assert "no sure play; 1 more is possible" in play_summary(unsure)
    assert long_clock(3_725.34) == "1:02:05.3"


def test_limits_that_were_set_stay(tmp_path: Path) -> None:
    """A day of sound is allowed, but for a limit that the user set."""
    assert for_long_recordings(Settings(home=tmp_path)).max_seconds == 26 * 3600
    assert for_long_recordings(Settings(home=tmp_path, max_seconds=60.0)).max_seconds == 60.0
