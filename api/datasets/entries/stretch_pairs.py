"""Columns that name a stretch only together: ``in``/``out``, ``seek``/``duration``, a value and its unit."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from earwitness.api.datasets.entries.clock_times import clock_of, number_of
from earwitness.api.datasets.items import Json
from earwitness.api.datasets.names import label

_PAIRS: Final = (
    ("in_point", "out_point"), ("inpoint", "outpoint"), ("mark_in", "mark_out"), ("cue_in", "cue_out"),
    ("tc_in", "tc_out"), ("time_in", "time_out"), ("st", "et"), ("s_time", "e_time"), ("t1", "t2"),
    ("time1", "time2"), ("time_1", "time_2"), ("time0", "time1"), ("time_0", "time_1"),
    ("left_time", "right_time"), ("min_time", "max_time"), ("time_min", "time_max"),
)  # fmt: skip
"""Names that say where a stretch begins and ends if both are there, and both are times in that order."""
_UNCLEAR_PAIRS: Final = (
    ("in", "out"), ("s", "e"), ("left", "right"), ("lower", "upper"), ("first", "last"), ("tic", "toc"),
)  # fmt: skip
"""Names that may say this, or something else."""
_POSITIONS: Final = frozenset({
    "seek", "skip", "ss", "seek_s", "seek_sec", "skip_s", "position_s", "pos_s", "time_s", "time_sec",
})  # fmt: skip
"""Names that say where a stretch begins if its length is there."""
_UNCLEAR_POSITIONS: Final = frozenset({"time", "timestamp", "t", "at", "ts", "delay", "position", "pos"})
"""Names that may say this, or a place in a list, or when something was recorded."""
_TAKEN: Final = frozenset({"t", "for", "take", "take_s", "seconds", "secs"})
"""Names that say a length beside one of those."""
_LONGEST_S: Final = 1e6
_UNIT_KEYS: Final = frozenset({"unit", "units", "time_unit", "time_units", "timeunit", "unit_of_time"})
_OTHER_SCRIPTS: Final = {
    "\u5f00\u59cb": " start ", "\u958b\u59cb": " start ", "\u8d77\u59cb": " start ",
    "\u7ed3\u675f": " end ", "\u7d50\u675f": " end ", "\u7d42\u4e86": " end ",
    "\u043d\u0430\u0447\u0430\u043b\u043e": " start ", "\u043a\u043e\u043d\u0435\u0446": " end ",
    "\u65f6\u95f4": " time ", "\u6642\u9593": " time ", "\u65f6\u957f": " duration ",
}  # fmt: skip


class BadStretch(ValueError):
    """A column names a stretch that cannot be understood; the message says which and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StretchColumn:
    """What a column's name says: its role, and its unit (a factor to seconds, a word, or None)."""

    role: str
    unit: float | str | None
    rank: int
    soft: bool = False
    """Whether the name has other uses too, so that only a value that is a time makes it a stretch."""


def in_latin(name: str) -> str:
    """A column's name without accents; Chinese, Japanese and Russian words for start and end in English."""
    if name.isascii():
        return name
    for word, meant in _OTHER_SCRIPTS.items():
        name = name.lower().replace(word, meant) if word in name.lower() else name
    return "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))


def paired(row: Mapping[str, Json], *, with_length: bool) -> dict[str, tuple[StretchColumn, str]]:
    """The columns that name a start and an end (or a length) together, by role; empty where none do.

    Raises
    ------
    BadStretch
        Two columns may name a stretch, and are called by names that have other uses too.
    """
    keys = {_plain(key): key for key in row if len(key) <= 80}
    for first, last in (*_PAIRS, *_UNCLEAR_PAIRS):
        if first not in keys or last not in keys:
            continue
        start_s, end_s = _time(row[keys[first]]), _time(row[keys[last]])
        if start_s is not None and end_s is not None and 0.0 <= start_s < end_s < _LONGEST_S:
            if (first, last) in _UNCLEAR_PAIRS:
                raise _unclear(keys[first], keys[last])
            return {"start": _column("start", keys[first]), "end": _column("end", keys[last])}
    for name, key in keys.items():
        number = number_of(row[key])
        if number is None or not 0.0 <= number < _LONGEST_S:
            continue
        taken = next((k for n, k in keys.items() if n in _TAKEN and n != name), None)
        if name in _POSITIONS and with_length:
            return {"start": _column("start", key)}
        if name in _POSITIONS and taken is not None and _time(row[taken]) is not None:
            return {"start": _column("start", key), "length": _column("length", taken)}
        if name in _UNCLEAR_POSITIONS and (with_length or (name == "at" and taken is not None)):
            raise _unclear(key, taken or "duration")
    return {}


def _unclear(one: str, other: str) -> BadStretch:
    return BadStretch(f"columns {label(one)} and {label(other)} may name a stretch, and that is not clear")


def unit_stated(row: Mapping[str, Json]) -> str | None:
    """The unit of the row's times, where a column states it: ``ms``, ``samples``; None where none does.

    A column ``unit`` may be about something else; one called ``time_unit`` is about times, whatever it says.
    """
    for key, value in row.items():
        if (name := _plain(key)) in _UNIT_KEYS and isinstance(value, str) and value.strip():
            word = value.strip().lower()
            if name not in {"unit", "units"} or word in _TIME_UNITS:
                return word
    return None


_TIME_UNITS: Final = frozenset({
    "s", "sec", "secs", "second", "seconds", "ms", "msec", "millis", "millisecond", "milliseconds", "us",
    "microsecond", "microseconds", "ns", "nanosecond", "nanoseconds", "min", "minute", "minutes", "h", "hour",
    "hours", "sample", "samples", "frame", "frames", "percent", "beat", "beats", "bar", "bars", "tick",
    "ticks",
})  # fmt: skip


def _time(value: Json) -> float | None:
    number = number_of(value)
    return clock_of(value) if number is None else number


def _column(role: str, key: str) -> tuple[StretchColumn, str]:
    unit = 1.0 if _plain(key).endswith(("_s", "_sec")) else None
    return StretchColumn(role=role, unit=unit, rank=0), key


def _plain(name: str) -> str:
    split = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name.strip())
    return re.sub(r"[^a-z0-9]+", "_", split.lower()).strip("_")
