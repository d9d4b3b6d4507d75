"""A stretch of a file, in seconds, and the error of an entry whose stretch is not clear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from earwitness.api.datasets.entries.clock_times import clock_of, number_of
from earwitness.api.datasets.items import Json
from earwitness.api.datasets.names import label

LONGEST_S: Final = 1e9
"""Times from this one up are refused, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Start and end in seconds; None is the file's own start or end."""

    start_s: float | None = None
    end_s: float | None = None


WHOLE_FILE: Final = Stretch()


class BadStretch(ValueError):
    """A column names a stretch that cannot be understood; the message says which column and why.

    Attributes
    ----------
    both_ends : bool
        Whether the row states both ends of the stretch, and one of them is no time.
    """

    def __init__(self, message: str, *, both_ends: bool = False) -> None:
        super().__init__(message)
        self.both_ends = both_ends


def no_time(key: str, value: Json, *, both_ends: bool = False) -> BadStretch:
    """The error of a column that is named like a stretch and holds something else."""
    return BadStretch(
        f"column {label(key)} names a stretch, and {label(str(value))[:40]!r} is not a time",
        both_ends=both_ends,
    )


def checked_stretch(start_s: float | None, end_s: float | None) -> Stretch:
    """A stretch that ends after it starts.

    Raises
    ------
    BadStretch
        It does not, or it ends too late.
    """
    if end_s is not None and not (start_s or 0.0) < end_s < LONGEST_S:
        raise BadStretch(f"its stretch is from {start_s or 0.0:g} s to {end_s:g} s")
    return Stretch(start_s=start_s, end_s=end_s)


def edge_of(value: Json, *, seconds_per_unit: float, key: str) -> float | None:
    """One end of a range, in seconds; None where the range states none.

    Raises
    ------
    BadStretch
        The value is no time.
    """
    if value is None:
        return None
    number = number_of(value)
    seconds = clock_of(value) if number is None else number * seconds_per_unit
    if seconds is None or not 0.0 <= seconds < LONGEST_S:
        raise no_time(key, value)
    return seconds
