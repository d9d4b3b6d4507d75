"""A play list as a table and as sentences."""

from __future__ import annotations

from collections.abc import Iterator

from earwitness.api.cue.find_plays import PlayList
from earwitness.api.cue.write_plays import UNKNOWN, title_line
from earwitness.api.printable import shown
from earwitness.api.sentences import count, e_value_cell, e_value_note, searched_how, searched_in


def long_clock(seconds: float) -> str:
    """Write a time as hours, minutes and seconds, such as ``1:02:05.3``."""
    tenths = round(seconds * 10)
    hours, rest = divmod(tenths, 36_000)
    return f"{hours}:{rest // 600:02d}:{rest % 600 / 10:04.1f}"


def play_cells(found: PlayList) -> Iterator[tuple[str, ...]]:
    """Yield a row of a table for each play and each unknown stretch, in the order of time."""
    rows = [
        (
            play.start_s,
            play.end_s,
            str(play.verdict).replace("_", " "),
            title_line(play),
            long_clock(play.stretches[0].there[0]),
            long_clock(play.stretches[-1].there[1]),
            f"{len(play.also):,} more" if play.also else "",
            e_value_cell(play.match),
        )
        for play in found.plays
    ]
    rows += [
        (gap.start_s, gap.end_s, "silence" if gap.is_silent else UNKNOWN, "", "", "", "", "")
        for gap in found.gaps
    ]
    for start_s, end_s, *cells in sorted(rows):
        yield (long_clock(start_s), long_clock(end_s), *map(shown, cells))


def play_summary(found: PlayList) -> str:
    """Return a paragraph about a play list."""
    return " ".join(_sentences(found))


def _sentences(found: PlayList) -> Iterator[str]:
    item = found.item
    if item.duration_s is None:
        yield f"{item.id} could not be compared"
    else:
        yield f"{item.id}, {long_clock(item.duration_s)}: {_plays(found)}."
        unknown = [gap for gap in found.gaps if not gap.is_silent]
        seconds = sum(gap.end_s - gap.start_s for gap in unknown)
        if unknown:
            stretches = count(len(unknown), "stretch", "stretches")
            yield f"Unknown: {stretches}, {long_clock(seconds)} in all."
        yield f"Searched {_where(found)}, {searched_how(found.search)}."
        chance = f"{found.expected_false:.2g} sure plays would be expected by chance"
        yield f"If nothing of this were played, {chance}."
        if note := e_value_note([play.match for play in found.plays]):
            yield f"{note}."
    if found.error is not None:
        missing = f" ({found.not_compared_s:,.1f} s were not compared)" if found.not_compared_s else ""
        yield f"{found.error.message}{missing}. What to do: {found.error.hint}."
    elif found.not_compared_s:
        yield f"{found.not_compared_s:,.1f} s of it were not compared."


def _where(found: PlayList) -> str:
    return "the registered works" if found.search.for_works else searched_in(found.search)


def _plays(found: PlayList) -> str:
    sure = found.count("match")
    parts = [f"{count(sure, 'play')} of {len(_recordings(found)):,} recordings" if sure else "no sure play"]
    if number := found.count("possible"):
        parts.append(f"{number:,} more {'is' if number == 1 else 'are'} possible and should be listened to")
    if number := found.count("shared_material"):
        parts.append(
            f"{number:,} only {'shares' if number == 1 else 'share'} material with several recordings"
        )
    return "; ".join(parts)


def _recordings(found: PlayList) -> set[str]:
    return {play.match.recording.id for play in found.plays if play.verdict == "match"}
