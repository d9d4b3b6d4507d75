"""Rows of matches in terminals of any width, in pipes, and with names that are hostile."""

from __future__ import annotations

import io
import time
from dataclasses import replace
from typing import Any

import pytest
from rich.cells import cell_len

from earwitness.api.cli.console import Loudness, SafeConsole, set_loudness
from earwitness.api.cli.match_tables import (
    ROWS_SHOWN,
    fitted,
    lines_of,
    print_matches,
    rows_of,
)
from earwitness.api.cli.progress import ItemProgress, working
from earwitness.api.findings import Finding, FindingRecording, FindingSegment
from earwitness.index.match import Verdict
from tests.unit.api.made_findings import finding, match

LONG = "a folder with spaces/" * 6 + "clip.wav"
WIDE = "坂本龍一" * 20
SPAN = FindingSegment(query_start_s=0.0, query_end_s=8.0, reference_start_s=61.2, reference_end_s=70.1)


def sample(item: str = LONG, *, title: str | None = WIDE, n_spans: int = 5, **changed: Any) -> Finding:
    """A finding whose names are long."""
    recording = FindingRecording(id="ab" * 32, path="song.mp3", title=title, owner=None, isrc=None)
    matches = (match(recording=recording, segments=(SPAN,) * n_spans, **changed),)
    return finding(item=item, matches=matches)


def printed(findings: list[Finding], *, width: int | None) -> str:
    """What a terminal of so many columns, or a pipe, is given."""
    out = io.StringIO()
    console = SafeConsole(
        file=out,
        width=width or 80,
        force_terminal=width is not None,
        color_system=None,
        markup=False,
        highlight=False,
    )
    print_matches(findings, console)
    return out.getvalue()


@pytest.mark.parametrize("width", [40, 60, 80, 100, 132, 200, 400])
def test_rows_fit_the_terminal(width: int) -> None:
    """No line is wider than the terminal, whatever the names are, and both names are in it."""
    findings = [
        sample(),
        sample("short.wav", title=None, n_spans=1),
        sample("b.wav", title="x" * 300),
    ]
    lines = list(lines_of([row for each in findings for row in rows_of(each)], width))
    assert max(map(cell_len, lines)) <= width
    assert any("short.wav" in line and "song.mp3" in line for line in lines)


def test_a_pipe_gets_one_line_for_each_match() -> None:
    """In a pipe each match is one line with complete names: no box, no colour, nothing cut or wrapped."""
    findings = [sample(f"{number}/{LONG}") for number in range(ROWS_SHOWN + 5)]
    text = printed(findings, width=None)
    rows = [line for line in text.splitlines() if line.startswith("match ")]
    assert len(rows) == ROWS_SHOWN + 5
    assert all(LONG in row and WIDE in row and row.count("1:01.2-1:10.1") == 5 for row in rows)
    assert "\x1b" not in text
    assert "…" not in text
    assert f"{ROWS_SHOWN + 5} rows for {ROWS_SHOWN + 5} items." in text


def test_what_is_not_shown_is_counted() -> None:
    """A terminal gets `ROWS_SHOWN` rows, and the number of those not shown."""
    text = printed([sample(f"{number}.wav") for number in range(ROWS_SHOWN + 5)], width=300)
    assert text.count("[modified]") == ROWS_SHOWN
    assert "105 rows for 105 items; 5 are not shown here" in text


def test_possible_is_not_shown_as_a_match() -> None:
    """A row is a match only if its finding is and its own E-value suffices."""
    only_possible = replace(sample(e_value=1e-9), verdict=Verdict.POSSIBLE)
    weak = replace(sample(), matches=(match(), match(e_value=1e-3)))
    assert [row.cells[0] for row in rows_of(only_possible)] == ["possible"]
    assert [row.cells[0] for row in rows_of(weak)] == ["match", "possible"]
    assert "1 of them only possible" in printed([only_possible, sample()], width=None)


@pytest.mark.parametrize("width", [60, 300, None])
@pytest.mark.parametrize("attack", ["\x1b[2J\x1b]0;x\x07", "\x9b2J", "a\u202eb", "a\nb\r\x00"])
def test_a_name_does_nothing_to_a_terminal(attack: str, width: int | None) -> None:
    """Control and direction characters of titles, names and ids are shown as escapes."""
    text = printed([sample(attack, title=attack, collection=attack)], width=width)
    allowed = {"\n", "…"} | ({"\x1b"} if width else set())
    assert all(char.isprintable() or char in allowed for char in text)
    assert attack not in text


@pytest.mark.parametrize("room", range(1, 12))
def test_shortened_text_fits(room: int) -> None:
    """A text is cut in its middle to the cells there are, wide characters included."""
    for text in ("abcdefghijklmnop", "坂本龍一坂本龍一", "a坂b本c龍d"):
        assert cell_len(fitted(text, room)) <= room


def test_progress_is_printed_in_lines_without_a_terminal() -> None:
    """A line has the items done, the total, hours, rate and matches."""
    out = io.StringIO()
    console = SafeConsole(file=out, width=80, markup=False, highlight=False)
    with ItemProgress(console, "scanning", total=40, every_s=0.02) as watch:
        for number in range(3):
            watch.item(duration_s=3600.0, match="x" if number else None)
            time.sleep(0.05)
    lines = out.getvalue().splitlines()
    assert len(lines) >= 2
    assert lines[-1].startswith("scanning: 3 of 40 items after 0:00, about 0:0")
    assert "3.00 h" in lines[-1]
    assert "2 matches" in lines[-1]


def test_quiet_prints_no_progress() -> None:
    """Under --quiet, not even a line."""
    out = io.StringIO()
    console = SafeConsole(file=out, quiet=True)
    with ItemProgress(console, "scanning", total=2, every_s=0.01) as watch:
        watch.item(duration_s=1.0)
        time.sleep(0.05)
    assert out.getvalue() == ""


def test_verbose_prints_each_item() -> None:
    """Under --verbose, each item is printed with its verdict."""
    out = io.StringIO()
    set_loudness(Loudness.VERBOSE)
    try:
        with ItemProgress(SafeConsole(file=out, width=80), "scanning", total=2) as watch:
            watch.item(duration_s=1.0, detail="a.wav: no_match")
    finally:
        set_loudness(Loudness.NORMAL)
    assert "a.wav: no_match" in out.getvalue()


def test_a_long_command_prints_lines_in_a_pipe() -> None:
    """Without a terminal, regular lines show that the command is still working."""
    out = io.StringIO()
    with working(SafeConsole(file=out, width=80), "Verifying", every_s=0.01):
        time.sleep(0.1)
    lines = out.getvalue().splitlines()
    assert len(lines) >= 2
    assert all(line.startswith("Verifying: still working after 0:0") for line in lines)


def test_progress_without_matches_states_none() -> None:
    """Where matches are not known while a command runs, no number of them is shown."""
    out = io.StringIO()
    console = SafeConsole(file=out, width=80, markup=False, highlight=False)
    with ItemProgress(console, "comparing", total=None, every_s=0.01, counts_matches=False) as watch:
        watch.expect(2)
        watch.item(duration_s=3600.0)
        time.sleep(0.05)
    assert "comparing: 1 of 2 items" in out.getvalue()
    assert "match" not in out.getvalue()
