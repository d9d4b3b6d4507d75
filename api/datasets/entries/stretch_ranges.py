"""One column with both ends of a stretch: ``[11, 19]``, ``0:11-0:19``, ``00:00:11,000 --> 00:00:19,000``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from earwitness.api.datasets.entries.clock_times import clock_of, time_of
from earwitness.api.datasets.entries.stretch import (
    WHOLE_FILE,
    BadStretch,
    Stretch,
    checked_stretch,
    edge_of,
)
from earwitness.api.datasets.entries.stretch_names import (
    has_both_ends,
    is_clear_range,
    named_like_range,
    words_of,
)
from earwitness.api.datasets.items import Json
from earwitness.api.datasets.names import label

_RANGE: Final = re.compile(
    r"[\[(]?\s*([\d.:]+)\s*(s|sec|ms)?\s*(?:-|–|—|,|;|~|to|-->|\.\.)\s*([\d.:]+)\s*(s|sec|ms)?\s*[\])]?"
)
_TWO_NUMBERS: Final = re.compile(r"[\[(]?\s*[\d.]+(?:\s*[/:|]\s*|\s+)[\d.]+\s*[\])]?")
_MARK: Final = re.compile(r"\s*(?:-->|\.\.|[-–—,;~]|\bto\b)\s*")
_TIME_WORDS: Final = frozenset({"time", "times", "timestamp", "timestamps", "interval", "span"})
_LONGEST_RANGE: Final = 80
"""Characters of a range; longer text is something else."""


def range_of(row: Mapping[str, Json], *, object_stretch: Callable[[Mapping[str, Json]], Stretch]) -> Stretch:
    """The stretch that one field of a row states; `WHOLE_FILE` where none does.

    Parameters
    ----------
    object_stretch : callable
        Gives the stretch of an object with a start and an end.

    Raises
    ------
    BadStretch
        A field is named like a range, and its value is not clear.
    """
    for key, value in row.items():
        if not named_like_range(key):
            continue
        stretch = None
        if isinstance(value, dict):
            stretch = object_stretch(value)
        elif isinstance(value, list):
            stretch = _stretch_of_list(key, value)
        elif isinstance(value, str):
            stretch = _stretch_of_text(key, value)
        if stretch is not None and (stretch != WHOLE_FILE or not isinstance(value, dict)):
            return stretch
    return WHOLE_FILE


def _stretch_of_list(key: str, value: list[Json]) -> Stretch | None:
    if len(value) != 2 or any(isinstance(each, list | dict) for each in value):
        return None
    start_s, end_s = (edge_of(each, seconds_per_unit=_unit_of(key), key=key) for each in value)
    return checked_stretch(start_s, end_s)


def _stretch_of_text(key: str, value: str) -> Stretch | None:
    ends: tuple[str, str] | None = None
    if len(value) < _LONGEST_RANGE and "-->" in value:
        first, _, last = value.partition("-->")
        ends = first.strip(), last.strip()
    elif len(value) < _LONGEST_RANGE and (match := _RANGE.fullmatch(value.strip())):
        if _plainly_times(key, value):
            first, last = (f"{match[n]}{match[n + 1] or match[4] or ''}" for n in (1, 3))
            ends = first, last
        elif is_clear_range(words_of(key)):
            raise _not_clear(key, value)
    elif is_clear_range(words_of(key)) and (
        _TWO_NUMBERS.fullmatch(value.strip()) or _has_time(value.strip())
    ):
        raise _not_clear(key, value)
    if ends is None:
        return None
    start_s, end_s = (edge_of(each, seconds_per_unit=_unit_of(key), key=key) for each in ends)
    return checked_stretch(start_s, end_s)


def _unit_of(key: str) -> float:
    """Seconds per unit of a range's numbers."""
    return 1e-3 if "ms" in words_of(key) else 1.0


def _not_clear(key: str, value: str) -> BadStretch:
    return BadStretch(f"column {label(key)} names a stretch, and {label(value)!r} is not clear")


def _has_time(text: str) -> bool:
    """Whether text that is no range begins or ends with a time: ``0:04-soon``, ``[4, soon]``, ``4s to``.

    ``seg_0012``, ``verse 2`` and ``3-A`` are names.
    """
    inner = text.strip("[]() ")
    parts = _MARK.split(inner)
    if len(text) >= _LONGEST_RANGE or len(parts) != 2:
        return False
    if inner != text:
        return any(time_of(part) is not None for part in parts)
    return any(clock_of(part) is not None for part in parts)


def _plainly_times(key: str, value: str) -> bool:
    """Whether ``3-4`` is a stretch and no number of something: it has clocks, points, brackets or units."""
    words = words_of(key)
    return bool(re.search(r"[:.\[(]|s", value)) or bool(_TIME_WORDS & set(words)) or has_both_ends(words)
