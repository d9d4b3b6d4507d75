"""Plays: the stretches of a long recording in which one recording is played on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from earwitness.api.findings import Finding, FindingMatch
from earwitness.index.match import Verdict, covered_s

SAME_LINE_S: Final = 2.0
SAME_LINE: Final = 0.02
"""Two stretches are of one play where the second begins as late in the recording as the first one leads to:
within so many seconds, and this share of the time between them. Chosen by hand."""

CUT_S: Final = 5.0
CUT_BACK_S: Final = 30.0
"""Stretches closer than `CUT_S` are of one play too, such as one with a cut or a loop, unless the recording
begins again, more than `CUT_BACK_S` earlier. Chosen by hand."""

SAME_PLACE: Final = 0.5
"""A play that shares this much of its matched seconds with a surer one is another name for that. Chosen by
hand."""

LEAST_GAP_S: Final = 3.0
"""Shortest time between plays that is listed. Chosen by hand."""

_RANK: Final = {Verdict.MATCH: 0, Verdict.POSSIBLE: 1, Verdict.SHARED_MATERIAL: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """One segment of a match, in seconds of the long recording and of the one that is played."""

    here: tuple[float, float]
    there: tuple[float, float]
    match: FindingMatch
    verdict: Verdict

    @property
    def rate(self) -> float:
        """Seconds of the recording in one second of the play."""
        if self.match.speed is not None and self.match.tempo is not None:
            return self.match.speed * self.match.tempo
        return (self.there[1] - self.there[0]) / max(self.here[1] - self.here[0], 1e-3)


@dataclass(slots=True, kw_only=True)
class Play:
    """One play of one recording.

    Attributes
    ----------
    also : list of FindingMatch
        Other recordings that match the same place, such as another version, or a copy in another dataset.
    """

    stretches: list[Stretch]
    also: list[FindingMatch] = field(default_factory=list)

    @property
    def start_s(self) -> float:
        """Where it begins in the long recording, in seconds."""
        return self.stretches[0].here[0]

    @property
    def end_s(self) -> float:
        """Where it ends in the long recording, in seconds."""
        return max(stretch.here[1] for stretch in self.stretches)

    @property
    def spans(self) -> list[tuple[float, float]]:
        """The stretches of the long recording that match."""
        return [stretch.here for stretch in self.stretches]

    @property
    def matched_s(self) -> float:
        """Seconds of the play that match; the rest lies under other sound, or was cut."""
        return covered_s(self.spans)

    @property
    def best(self) -> Stretch:
        """The surest of its stretches."""
        return min(self.stretches, key=lambda one: (_RANK[one.verdict], one.match.e_value))

    @property
    def match(self) -> FindingMatch:
        """The match of its surest stretch."""
        return self.best.match

    @property
    def verdict(self) -> Verdict:
        """``match`` (sure), ``possible``, or ``shared_material``."""
        return self.best.verdict


def stretches_in(finding: Finding, *, offset_s: float) -> Iterator[Stretch]:
    """Yield the segments of a part of the long recording; `offset_s` is where the part begins."""
    for match in finding.matches:
        for each in match.segments:
            yield Stretch(
                here=(each.query_start_s + offset_s, each.query_end_s + offset_s),
                there=(each.reference_start_s, each.reference_end_s),
                match=match,
                verdict=finding.verdict_of(match),
            )


def plays_of(stretches: Iterable[Stretch]) -> list[Play]:
    """Join stretches to plays, one for each time that a recording is played, in their order."""
    by_recording = defaultdict[tuple[str, str, str, str], list[Stretch]](list)
    for stretch in stretches:
        match = stretch.match
        by_recording[match.collection, match.version, match.recording.path, match.recording.id].append(
            stretch
        )
    plays = [play for each in by_recording.values() for play in _plays_of_one(each)]
    return sorted(_named_once(plays), key=lambda play: (play.start_s, play.end_s))


def _plays_of_one(stretches: Sequence[Stretch]) -> Iterator[Play]:
    """Yield the plays of one recording."""
    open_plays = list[Play]()
    for stretch in sorted(stretches, key=lambda each: each.here):
        fitting = [play for play in open_plays if _continues(play, stretch)]
        if fitting:
            fitting[-1].stretches.append(stretch)
        else:
            open_plays.append(Play(stretches=[stretch]))
    yield from open_plays


def _continues(play: Play, stretch: Stretch) -> bool:
    """Whether a stretch continues a play: on its line, or after a short cut."""
    last = play.stretches[-1]
    gap_s = stretch.here[0] - last.here[1]
    led_to_s = last.there[1] + gap_s * last.rate
    off_s = stretch.there[0] - led_to_s
    if abs(off_s) <= SAME_LINE_S + SAME_LINE * abs(gap_s):
        return True
    return abs(gap_s) <= CUT_S and off_s >= -CUT_BACK_S


def _named_once(plays: Sequence[Play]) -> list[Play]:
    """Leave each place to its surest play, and list the others there."""
    standing = list[Play]()
    order = sorted(plays, key=lambda one: (_RANK[one.verdict], -round(one.matched_s), one.match.e_value))
    for play in order:
        holder = next((other for other in standing if _at_same_place(play, other)), None)
        if holder is None:
            standing.append(play)
        else:
            holder.also.append(play.match)
    return standing


def _at_same_place(play: Play, other: Play) -> bool:
    both = [
        (max(start_s, other.start_s), min(end_s, other.end_s))
        for start_s, end_s in play.spans
        if min(end_s, other.end_s) > max(start_s, other.start_s)
    ]
    return covered_s(both) >= SAME_PLACE * play.matched_s


def gaps_between(plays: Sequence[Play], *, duration_s: float) -> list[tuple[float, float]]:
    """Return the stretches of at least `LEAST_GAP_S` in which nothing is played that was found."""
    gaps, covered_to_s = list[tuple[float, float]](), 0.0
    for play in plays:
        if play.start_s - covered_to_s >= LEAST_GAP_S:
            gaps.append((covered_to_s, play.start_s))
        covered_to_s = max(covered_to_s, play.end_s)
    if duration_s - covered_to_s >= LEAST_GAP_S:
        gaps.append((covered_to_s, duration_s))
    return gaps
