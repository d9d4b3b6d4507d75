"""The stretch of a file that an entry means: columns named like a start, an end or a length, in any unit.

A column that is named like a stretch is never passed over: where its unit or its value is not clear, that is
an error of the entry. The audio of the file would be that of other entries, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from earwitness.api.datasets.entries.clock_times import (
    clock_of,
    is_absent,
    is_date,
    is_infinite,
    number_of,
    time_of,
)
from earwitness.api.datasets.entries.stretch import (
    LONGEST_S,
    WHOLE_FILE,
    BadStretch,
    Stretch,
    checked_stretch,
    no_time,
)
from earwitness.api.datasets.entries.stretch_names import StretchColumn, stretch_column
from earwitness.api.datasets.entries.stretch_pairs import UNIT_KEYS, paired_columns, stated_unit
from earwitness.api.datasets.entries.stretch_ranges import range_of
from earwitness.api.datasets.items import Json
from earwitness.api.datasets.manifests.columns import plain_name
from earwitness.api.datasets.names import label

OwnRate: TypeAlias = Callable[[], float | None]
"""The sampling rate of the entry's file, in Hz, as its first bytes state it; None where they do not."""

_RATE_KEYS: Final = frozenset({
    "sample_rate", "sampling_rate", "samplerate", "samplingrate", "sr", "fs", "rate", "sample_rate_hz",
    "sampling_rate_hz", "sampling_frequency", "audio_sample_rate", "audio_sampling_rate",
    "orig_sample_rate", "sample_freq",
})  # fmt: skip
_FPS_KEYS: Final = frozenset({"fps", "frame_rate", "framerate", "frames_per_second", "video_fps"})


def stretch_of(row: Mapping[str, Json], *, own_rate: OwnRate = lambda: None) -> Stretch:
    """The stretch that a row means; `WHOLE_FILE` when no column is named like one.

    Raises
    ------
    BadStretch
        A column is named like a stretch, and its unit or its value is not clear.
    """
    row = {key: _single(value) for key, value in row.items()}
    columns = _columns_of(row)
    chosen = columns.chosen
    if not columns.has_start:
        chosen |= paired_columns(
            row, with_length="length" in chosen, length_key=columns.no_time.get("length")
        )
        if "end" in chosen and "start" not in chosen:
            raise BadStretch(f"column {label(chosen['end'][1])} names an end, and no start is named")
    _check_times(columns, row)
    if "start" not in chosen and "offset" in chosen:
        chosen["start"] = chosen["offset"]
    elif "end" not in chosen and "offset" in chosen and _is_onset(chosen):
        chosen["end"] = chosen["offset"]
    if not chosen.keys() & {"start", "end"}:
        stretch = range_of(row, object_stretch=stretch_of)
        if stretch == WHOLE_FILE:
            _refuse_no_start(columns, row)
        return stretch
    return _stretch_of_columns(chosen, row, own_rate)


def units_and_rates(row: Mapping[str, Json]) -> dict[str, Json]:
    """The fields of a row that state the unit of its times, or a rate of samples or frames."""
    return {key: value for key, value in row.items() if plain_name(key) in _RATE_KEYS | _FPS_KEYS | UNIT_KEYS}


def _stretch_of_columns(
    chosen: Mapping[str, tuple[StretchColumn, str]], row: Mapping[str, Json], own_rate: OwnRate
) -> Stretch:
    ends = [row[key] for role, (_, key) in chosen.items() if role in {"start", "end", "length"}]
    both_ends = "start" in chosen and len(ends) > 1 and any(time_of(end) is not None for end in ends)

    def seconds(role: str) -> float | None:
        if role not in chosen:
            return None
        column, key = chosen[role]
        if time_of(row[key]) is None:
            raise no_time(key, row[key], both_ends=both_ends)
        return _seconds(row[key], column.with_unit(stated_unit(row)), key=key, row=row, own_rate=own_rate)

    start_s, end_s = seconds("start"), seconds("end")
    if end_s is None and start_s is not None:
        length_s = seconds("length")
        end_s = None if length_s is None else start_s + length_s
    return checked_stretch(start_s, end_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    """The columns of a row that name a stretch.

    Attributes
    ----------
    chosen : dict of str to (StretchColumn, str)
        The clearest column of each role, with its key.
    no_time : dict of str to str
        By role, the key of a column whose name has other uses too, and whose value is no time.
    has_start : bool
        Whether a column is named like a start, even if it states none.
    """

    chosen: dict[str, tuple[StretchColumn, str]]
    no_time: dict[str, str]
    has_start: bool


def _columns_of(row: Mapping[str, Json]) -> _Columns:
    chosen: dict[str, tuple[StretchColumn, str]] = {}
    no_time: dict[str, str] = {}
    has_start = False
    for key, value in row.items():
        column = stretch_column(key)
        if column is None:
            continue
        if is_date(value):
            if column.role != "start":  # a start that is a date is when something was recorded
                no_time.setdefault(column.role, key)
            continue
        has_start |= column.role in {"start", "offset"}
        if column.role == "offset" and isinstance(value, list) and value:
            raise BadStretch(f"column {label(key)} names several times")
        if is_absent(value) or (column.soft and value in ([], {})):
            continue
        if column.soft and time_of(value) is None:
            no_time.setdefault(column.role, key)
            continue
        best = chosen.get(column.role)
        if best is None or column.rank < best[0].rank:
            chosen[column.role] = (column, key)
        elif column.rank == best[0].rank:
            _check_agree(row, (column, key), best)
    return _Columns(chosen=chosen, no_time=no_time, has_start=has_start)


def _check_times(columns: _Columns, row: Mapping[str, Json]) -> None:
    """Refuse a row with one column that is a time, and a second one, needed beside it, that is not."""
    chosen = columns.chosen
    needed: tuple[str, ...] = ()
    if not chosen.keys() & {"start", "offset"}:
        needed = ("start", "offset") if chosen.keys() & {"end", "length"} else ()
    elif not chosen.keys() & {"end", "length"} and not ("offset" in chosen and _is_onset(chosen)):
        needed = ("end", "length", "offset") if _is_onset(chosen) else ("end", "length")
    for role in needed:
        key = columns.no_time.get(role)
        if key is None:
            continue
        # "from": "Ann" beside a duration is a person
        if role == "start" and "end" not in chosen and not re.search(r"\d", str(row[key])):
            continue
        raise no_time(key, row[key], both_ends=True)


def _refuse_no_start(columns: _Columns, row: Mapping[str, Json]) -> None:
    """Refuse a row without a stretch whose ``offset`` is no time, or whose ``from`` is infinite."""
    for role in ("start", "offset"):
        key = columns.no_time.get(role)
        # "from": "Ann" alone is a person
        if key is not None and (role == "offset" or is_infinite(row[key])):
            raise no_time(key, row[key])


def _is_onset(chosen: Mapping[str, tuple[StretchColumn, str]]) -> bool:
    return "start" in chosen and "onset" in chosen["start"][1].lower()


def _single(value: Json) -> Json:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _check_agree(
    row: Mapping[str, Json], one: tuple[StretchColumn, str], other: tuple[StretchColumn, str]
) -> None:
    """Refuse two columns of one role that differ, such as minutes in one and seconds in the other."""
    times_s = []
    for column, key in (one, other):
        number = number_of(row[key])
        if number is not None and (column.unit is None or isinstance(column.unit, float)):
            times_s.append(number * (column.unit or 1.0))
    if len(times_s) == 2 and abs(times_s[0] - times_s[1]) > 0.1 + 0.01 * abs(times_s[0]):
        raise BadStretch(f"columns {label(one[1])} and {label(other[1])} name different times")


def _seconds(
    value: Json, column: StretchColumn, *, key: str, row: Mapping[str, Json], own_rate: OwnRate
) -> float | None:
    name = f"column {label(key)}"
    number, clock = number_of(value), clock_of(value)
    if number is None and clock is not None and column.unit in {None, 1.0, 60.0, 3600.0}:
        return clock
    if number is None:
        raise no_time(key, value)
    if number < 0:
        # an end of -1 is the end of the file (Kaldi, NeMo)
        if column.role != "start" and column.role != "offset" and number == -1:
            return None
        raise BadStretch(f"{name} names a stretch, and {number:g} is below 0")
    seconds = number * _factor(column.unit, name, row, own_rate)
    if not seconds < LONGEST_S:
        raise BadStretch(f"{name} names a stretch, and {number:g} is too large")
    return seconds


def _factor(unit: float | str | None, name: str, row: Mapping[str, Json], own_rate: OwnRate) -> float:
    if unit is None:
        return 1.0
    if isinstance(unit, float):
        return unit
    if unit == "undecided":
        raise BadStretch(f"{name} names a stretch, and its unit is not clear")
    rate = _stated(row, _FPS_KEYS) if unit == "frames" else None
    rate = rate or _stated(row, _RATE_KEYS)
    if rate is None and unit != "frames":
        rate = own_rate()
    if rate is None:
        raise BadStretch(
            f"{name} counts {'frames' if unit == 'frames' else 'samples'}, and their rate is not stated"
        )
    return 1.0 / rate


def _stated(row: Mapping[str, Json], keys: frozenset[str]) -> float | None:
    for key, value in row.items():
        if plain_name(key) in keys:
            number = number_of(value)
            if number is not None and 0.1 <= number <= 1e7:
                return number
    return None
