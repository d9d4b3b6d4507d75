"""Parse times: seconds, ``1:02``, ``00:01:02.5``, ``1m2s``, ``PT1M2S``, ``900 ms``."""

from __future__ import annotations

import math
import re
from typing import Final

from earwitness.api.datasets.items import Json

_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_COMMA: Final = re.compile(r"[+-]?\d+,\d+")
_CLOCK: Final = re.compile(r"(?:(?P<d>\d+) days?,? )?(?:(?P<h>\d+):)?(?P<m>\d+):(?P<s>\d{1,2}(?:[.,]\d*)?)")
_NAMED: Final = re.compile(
    r"(?:PT)?(?:(?P<h>\d+(?:\.\d+)?) ?h(?:ours?|rs?)?)? ?(?:(?P<m>\d+(?:\.\d+)?) ?m(?:in(?:utes?|s)?)?)? ?"
    r"(?:(?P<s>\d+(?:[.,]\d+)?) ?s(?:ec(?:onds?|s)?)?)?",
    re.IGNORECASE,
)
_MILLISECONDS: Final = re.compile(r"(\d+(?:\.\d+)?) ?m(?:s|sec|illis|illiseconds?)", re.IGNORECASE)
_DATE: Final = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[/.]\d{1,2}[/.]\d{2,4}")
_LONGEST: Final = 64
_ABSENT: Final = frozenset({"", "none", "null", "nan", "na", "n/a", "-", "nat"})
_DATE_AND_TIME: Final = re.compile(
    r"(?:1970|1900|1899|0001|2000)-(?:01-01|12-30)[T ]"
    r"(?P<time>\d{1,2}:\d{2}:\d{2}(?:[.,]\d*)?)(?:Z|\+00:?00)?"
)
"""A time that a tool without plain times wrote with the date of its day 0."""


def number_of(value: Json) -> float | None:
    """A number, or text that is one (with a decimal point or comma); None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str):
        text = value.strip()
        if len(text) > _LONGEST or not (_NUMBER.fullmatch(text) or _COMMA.fullmatch(text)):
            return None
        value = text.replace(",", ".")
    try:
        number = float(value)
    except (OverflowError, ValueError):
        return None
    return number if math.isfinite(number) else None


def clock_of(value: Json) -> float | None:
    """Seconds of a time that states its own units, such as ``0:11`` or ``11s``; None when it does not."""
    if not isinstance(value, str) or len(value) > _LONGEST:
        return None
    text = value.strip()
    if match := _MILLISECONDS.fullmatch(text):
        return float(match[1]) / 1000.0
    if match := _DATE_AND_TIME.fullmatch(text):
        text = match["time"]
    match = _CLOCK.fullmatch(text) or _NAMED.fullmatch(text)
    parts = match.groupdict() if match else {}
    if not any(parts.values()):
        return None
    scale = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
    return sum(scale[name] * float(part.replace(",", ".")) for name, part in parts.items() if part)


def is_absent(value: Json) -> bool:
    """Whether a cell states nothing: null, NaN, empty, or a usual word for that."""
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or (isinstance(value, str) and value.strip().lower() in _ABSENT)


def is_infinite(value: Json) -> bool:
    """Whether a value is an infinite number, or the usual text for one."""
    if isinstance(value, str):
        return value.strip().lower().lstrip("+-") in {"inf", "infinity"}
    return isinstance(value, float) and math.isinf(value)


def time_of(value: Json) -> float | None:
    """A number, in whatever unit, or the seconds of a time that states its units; None for neither."""
    number = number_of(value)
    return clock_of(value) if number is None else number


def is_date(value: Json) -> bool:
    """Whether text begins with a calendar date: when something was recorded, not where in a file it is."""
    if not isinstance(value, str) or _DATE_AND_TIME.fullmatch(value.strip()):
        return False
    return bool(_DATE.match(value.strip()))
