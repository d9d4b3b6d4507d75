"""Columns that name a stretch only together: ``in``/``out``, ``seek``/``duration``, a value and its unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from earwitness.api.datasets.entries.clock_times import is_absent, number_of, time_of
from earwitness.api.datasets.entries.stretch import BadStretch, no_time
from earwitness.api.datasets.entries.stretch_names import StretchColumn
from earwitness.api.datasets.items import Json
from earwitness.api.datasets.manifests.columns import plain_name
from earwitness.api.datasets.names import label

_PAIRS: Final = (
    ("mark_in", "mark_out"), ("cue_in", "cue_out"), ("tc_in", "tc_out"), ("time_in", "time_out"),
    ("st", "et"), ("s_time", "e_time"), ("t1", "t2"),
    ("time1", "time2"), ("time_1", "time_2"), ("time0", "time1"), ("time_0", "time_1"),
    ("left_time", "right_time"), ("min_time", "max_time"), ("time_min", "time_max"),
)  # fmt: skip
"""Names of a start and an end, if both are there and are times in that order."""
_UNCLEAR_PAIRS: Final = (
    ("in", "out"), ("s", "e"), ("left", "right"), ("lower", "upper"), ("first", "last"), ("tic", "toc"),
)  # fmt: skip
"""Names that may mean this, or something else."""
_POSITIONS: Final = frozenset({
    "seek", "skip", "ss", "seek_s", "seek_sec", "skip_s", "position_s", "pos_s", "time_s", "time_sec",
})  # fmt: skip
"""Names of a start, if a length is there."""
_UNCLEAR_POSITIONS: Final = frozenset({"time", "timestamp", "t", "at", "ts", "delay", "position", "pos"})
"""Names that may mean this, or a position in a list, or when something was recorded."""
_FLAGS: Final = frozenset({"true", "false", "yes", "no", "y", "n"})
"""Values of a column ``skip`` that is a flag, not a time."""
_LENGTHS: Final = frozenset({"t", "for", "take", "take_s", "seconds", "secs"})
"""Names of a length beside one of those."""
_LONGEST_S: Final = 1e6
UNIT_KEYS: Final = frozenset({"unit", "units", "time_unit", "time_units", "timeunit", "unit_of_time"})


def paired_columns(
    row: Mapping[str, Json], *, with_length: bool, length_key: str | None = None
) -> dict[str, tuple[StretchColumn, str]]:
    """The columns that name a start and an end (or a length) together, by role; empty where none do.

    Parameters
    ----------
    with_length : bool
        Whether a column of the row states a length.
    length_key : str or None
        A column that is named like a length and holds no time.

    Raises
    ------
    BadStretch
        Two columns may name a stretch, and their names have other uses too; or one of them is a time and
        the other one is not.
    """
    keys = {plain_name(key): key for key in row if len(key) <= 80}
    return _start_and_end(row, keys) or _start_and_length(row, keys, with_length, length_key)


def _start_and_end(row: Mapping[str, Json], keys: Mapping[str, str]) -> dict[str, tuple[StretchColumn, str]]:
    for first, last in (*_PAIRS, *_UNCLEAR_PAIRS):
        if first not in keys or last not in keys:
            continue
        start_s, end_s = time_of(row[keys[first]]), time_of(row[keys[last]])
        if (first, last) in _PAIRS and (start_s is None) != (end_s is None):
            key = keys[first if start_s is None else last]
            if not is_absent(row[key]):
                raise no_time(key, row[key], both_ends=True)
            stated = ("end", keys[last]) if start_s is None else ("start", keys[first])
            return {stated[0]: _column(*stated)}
        if start_s is not None and end_s is not None and 0.0 <= start_s < end_s < _LONGEST_S:
            if (first, last) in _UNCLEAR_PAIRS:
                raise _unclear(keys[first], keys[last])
            return {"start": _column("start", keys[first]), "end": _column("end", keys[last])}
    return {}


def _start_and_length(
    row: Mapping[str, Json], keys: Mapping[str, str], with_length: bool, length_key: str | None
) -> dict[str, tuple[StretchColumn, str]]:
    for name, key in keys.items():
        beside = next((k for n, k in keys.items() if n in _LENGTHS and n != name), None)
        length = None if with_length else length_key or beside
        states_length = with_length or length is not None
        if name in _POSITIONS and states_length and (columns := _position(row, key, length)):
            return columns
        number = number_of(row[key])
        if number is None or not 0.0 <= number < _LONGEST_S:
            continue
        if name in _UNCLEAR_POSITIONS and (with_length or (name == "at" and beside is not None)):
            raise _unclear(key, beside or "duration")
    return {}


def _position(
    row: Mapping[str, Json], key: str, length_key: str | None
) -> dict[str, tuple[StretchColumn, str]]:
    """The columns of a position and of the length beside it (None: the row's usual one); empty for none."""
    if is_absent(row[key]) or str(row[key]).strip().lower() in _FLAGS:
        return {}
    columns = {"start": _column("start", key)}
    if length_key is not None:
        if is_absent(row[length_key]):
            return {}
        columns["length"] = _column("length", length_key)
    for _, each in columns.values():
        if time_of(row[each]) is None:
            raise no_time(each, row[each], both_ends=True)
    return columns


def _unclear(one: str, other: str) -> BadStretch:
    return BadStretch(f"columns {label(one)} and {label(other)} may name a stretch, and that is not clear")


def stated_unit(row: Mapping[str, Json]) -> str | None:
    """The unit of the row's times, where a column states it: ``ms``, ``samples``; None where none does.

    A column ``unit`` may be the unit of something else; ``time_unit`` is a unit of times, whatever its value.
    """
    for key, value in row.items():
        if (name := plain_name(key)) in UNIT_KEYS and isinstance(value, str) and value.strip():
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


def _column(role: str, key: str) -> tuple[StretchColumn, str]:
    unit = 1.0 if plain_name(key).endswith(("_s", "_sec")) else None
    return StretchColumn(role=role, unit=unit, rank=0), key
