"""The drawing of a match: the reader's file and theirs as two lines on one axis of time, equal parts joined.

Theirs is shifted so that the longest stretch stands below the same stretch of the reader's file. Lengths of
the drawing are in units of `WIDTH`, or in per cent where a text stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from earwitness.api.answers.messages import Messages
from earwitness.api.findings import FindingMatch, FindingSegment

WIDTH: Final = 1000
SHORTEST: Final = 6
"""Width of a stretch that would be too short to be seen."""
BEYOND: Final = 0.5
"""How much of theirs is drawn before and after the reader's file, as a part of that file's length."""
LEAST_BEYOND_S: Final = 5.0
SPANS_IN_TEXT: Final = 3
"""Stretches that the text of the drawing names."""
STRETCHES_DRAWN: Final = 50
TICK_STEPS_S: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 43_200)
MAX_TICKS: Final = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A time below or above a line: its place in per cent, and how its text stands to that."""

    x: str
    anchor: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A file as a line, and its stretches that match."""

    x: float
    width: float
    stretches: tuple[tuple[float, float], ...]
    ticks: tuple[Tick, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Both files.

    Attributes
    ----------
    joins : tuple of str
        Corners that join each stretch with its counterpart, for a polygon between y = 16 and y = 40.
    text : str
        The same in words, for those who cannot see it.
    """

    yours: Line
    theirs: Line
    joins: tuple[str, ...]
    text: str


def alignment_drawing(match: FindingMatch, duration_s: float | None, t: Messages) -> Drawing | None:
    """Return the drawing of a match; None where the length of the reader's file is not known."""
    if not duration_s or not match.segments:
        return None
    segments = sorted(match.segments, key=lambda each: each.query_start_s - each.query_end_s)
    best, segments = segments[0], segments[:STRETCHES_DRAWN]
    shift_s = (best.query_start_s + best.query_end_s - best.reference_start_s - best.reference_end_s) / 2
    ends_s = shift_s + _their_length_s(match)
    beyond_s = max(BEYOND * duration_s, LEAST_BEYOND_S)
    axis = _Axis(
        start_s=max(min(0.0, shift_s), -beyond_s), end_s=min(max(duration_s, ends_s), duration_s + beyond_s)
    )
    yours = [(each.query_start_s, each.query_end_s) for each in segments]
    theirs = [(each.reference_start_s + shift_s, each.reference_end_s + shift_s) for each in segments]
    return Drawing(
        yours=axis.line(0.0, duration_s, yours, shift_s=0.0),
        theirs=axis.line(max(shift_s, axis.start_s), min(ends_s, axis.end_s), theirs, shift_s=shift_s),
        joins=tuple(axis.join(here, there) for here, there in zip(yours, theirs, strict=True)),
        text=_text(segments, duration_s, t),
    )


def _their_length_s(match: FindingMatch) -> float:
    """Return about how long their recording is: a finding has only the part of it that the match covers."""
    covered_s, last_s = 0.0, 0.0
    for segment in sorted(match.segments, key=lambda each: each.reference_start_s):
        covered_s += max(segment.reference_end_s - max(segment.reference_start_s, last_s), 0.0)
        last_s = max(last_s, segment.reference_end_s)
    return max(last_s, covered_s / max(match.reference_coverage, 1e-6))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Axis:
    """The common axis, in seconds of the reader's file."""

    start_s: float
    end_s: float

    def part(self, seconds: float) -> float:
        return min(max((seconds - self.start_s) / (self.end_s - self.start_s), 0.0), 1.0)

    def stretch(self, start_s: float, end_s: float) -> tuple[float, float]:
        """Return x and width."""
        x = min(round(self.part(start_s) * WIDTH, 1), WIDTH - SHORTEST)
        return x, max(round(self.part(end_s) * WIDTH - x, 1), SHORTEST)

    def line(
        self, start_s: float, end_s: float, stretches: Sequence[tuple[float, float]], *, shift_s: float
    ) -> Line:
        x, width = self.stretch(start_s, end_s)
        return Line(
            x=x,
            width=width,
            stretches=tuple(self.stretch(*each) for each in stretches),
            ticks=self._ticks(start_s, end_s, shift_s),
        )

    def join(self, here: tuple[float, float], there: tuple[float, float]) -> str:
        above, below = self.stretch(*here), self.stretch(*there)
        corners = ((above[0], 16), (sum(above), 16), (sum(below), 40), (below[0], 40))
        return " ".join(f"{x:g},{y}" for x, y in corners)

    def _ticks(self, start_s: float, end_s: float, shift_s: float) -> tuple[Tick, ...]:
        """Return the times of a file that begins at `shift_s` of the axis, between two places of the axis."""
        step = tick_step_s(self.end_s - self.start_s)
        first = max(0, -int(-(start_s - shift_s) // step))
        last = min(int((end_s - shift_s) // step), first + 2 * MAX_TICKS)
        return tuple(self._tick(number * step, shift_s) for number in range(first, last + 1))

    def _tick(self, seconds: int, shift_s: float) -> Tick:
        part = self.part(seconds + shift_s)
        anchor = "start" if part < 0.04 else "end" if part > 0.96 else "middle"
        return Tick(x=f"{100 * part:.1f}%", anchor=anchor, label=f"{seconds // 60}:{seconds % 60:02d}")


def tick_step_s(length_s: float) -> int:
    """Seconds between ticks of a time axis: the shortest usual step that gives at most `MAX_TICKS`."""
    return next((step for step in TICK_STEPS_S if length_s <= step * MAX_TICKS), TICK_STEPS_S[-1])


def _text(segments: Sequence[FindingSegment], duration_s: float, t: Messages) -> str:
    spans = [
        t(
            "drawing.span",
            yours=t("span", start=t.clock(each.query_start_s), end=t.clock(each.query_end_s)),
            theirs=t("span", start=t.clock(each.reference_start_s), end=t.clock(each.reference_end_s)),
        )
        for each in segments[:SPANS_IN_TEXT]
    ]
    more = len(segments) - len(spans)
    parts = [*spans, *([t("drawing.more", n=more)] if more else [])]
    return t("drawing.text", length=t.clock(duration_s), spans="; ".join(parts))
