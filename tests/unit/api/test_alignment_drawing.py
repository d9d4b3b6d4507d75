"""The drawing of a match: both files on one axis, whatever their lengths are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.api.answers.alignment_drawing import SHORTEST, WIDTH, Drawing, alignment_drawing
from earwitness.api.answers.messages import messages
from earwitness.api.findings import FindingSegment
from tests.unit.api.made_findings import match

EN = messages("en")
SECONDS = st.floats(0, 90_000, allow_nan=False)


def drawn(
    segments: list[tuple[float, float, float, float]], duration_s: float, coverage: float = 1.0
) -> Drawing:
    """The drawing of a match with these segments: start and end in the query, then in the reference."""
    names = ("query_start_s", "query_end_s", "reference_start_s", "reference_end_s")
    made = tuple(FindingSegment(**dict(zip(names, each, strict=True))) for each in segments)
    drawing = alignment_drawing(match(segments=made, reference_coverage=coverage), duration_s, EN)
    assert drawing is not None
    return drawing


def test_equal_sounds_stand_below_each_other() -> None:
    """The longest stretch is at one place of the axis; theirs begins before or after the reader's file."""
    drawing = drawn([(10.0, 20.0, 0.0, 10.0)], 40.0, coverage=0.5)
    assert drawing.yours.stretches == drawing.theirs.stretches == ((250.0, 250.0),)
    assert (drawing.yours.x, drawing.yours.width) == (0.0, 1000.0)
    assert (drawing.theirs.x, drawing.theirs.width) == (250.0, 500.0)
    assert [tick.label for tick in drawing.theirs.ticks] == ["0:00", "0:10", "0:20"]
    assert [tick.x for tick in drawing.theirs.ticks] == ["25.0%", "50.0%", "75.0%"]
    assert drawing.text == (
        "Drawing of both files on one axis of time. Yours is 0:40.0 long."
        " In yours 0:10.0 to 0:20.0, in theirs 0:00.0 to 0:10.0."
    )


def test_a_far_longer_file_is_drawn_near_the_match() -> None:
    """Of an hour that holds ten seconds, as much is drawn as lets the reader's file be seen."""
    drawing = drawn([(0.0, 10.0, 1_800.0, 1_810.0)], 10.0, coverage=10 / 3_600)
    assert (drawing.theirs.x, drawing.theirs.width) == (0.0, WIDTH)
    assert drawing.yours.width == pytest.approx(WIDTH / 2)
    assert drawing.theirs.ticks[0].label == "29:55"


@given(
    segments=st.lists(st.tuples(SECONDS, SECONDS, SECONDS, SECONDS), min_size=1, max_size=5),
    duration_s=st.floats(0.1, 90_000),
    coverage=st.floats(0, 1),
)
def test_every_drawing_stays_within_its_axis(
    segments: list[tuple[float, float, float, float]], duration_s: float, coverage: float
) -> None:
    """Lines, stretches and ticks lie in the drawing, are wide enough to be seen, and are few."""
    drawing = drawn(segments, duration_s, coverage)
    for line in (drawing.yours, drawing.theirs):
        for x, width in ((line.x, line.width), *line.stretches):
            assert 0 <= x <= WIDTH and SHORTEST <= width <= WIDTH
        assert len(line.ticks) <= 20
        assert all(0 <= float(tick.x.rstrip("%")) <= 100 for tick in line.ticks)


def test_without_a_length_nothing_is_drawn() -> None:
    """Where the length of the reader's file is not known there is no axis."""
    assert alignment_drawing(match(), None, EN) is None
