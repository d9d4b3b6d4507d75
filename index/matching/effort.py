"""Which changed copies of a query are looked up, and how the error budget is split among them.

The net itself stands about 8 % of speed, one semitone and 15 % of tempo, so the steps below overlap. Most
of the budget stays with the query as it is: many looks at rare changes must not drown plain matches.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from earwitness.index.match import Change, Effort

UNCHANGED: Final = Change()
"""Nothing changed."""

BUDGET_UNCHANGED: Final = 0.75
"""Share of the error budget that the unchanged query keeps where other rungs are looked up besides.

With half of it, it brought two thirds to four fifths of what chance gives at `full`, where only the few most
promising rungs are judged.
"""

_STANDARD_SPEEDS: Final[tuple[float, ...]] = (0.76, 0.84, 0.92, 1.09, 1.17, 1.27)
_STANDARD_PITCHES_CENTS: Final[tuple[float, ...]] = (-280.0, -150.0, 150.0, 280.0)
_STANDARD_TEMPOS: Final[tuple[float, ...]] = (0.84, 1.17)
_FULL_SPEEDS: Final = tuple(round(1.06**step, 4) for step in (-6, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6))
_FULL_PITCHES_CENTS: Final = (-500.0, -375.0, -250.0, -125.0, 125.0, 250.0, 375.0, 500.0)
_FULL_TEMPOS: Final = (0.7, 0.78, 0.88, 1.13, 1.26, 1.4, 1.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One change that is undone before looking up; `weight` is its share of the error budget, in (0, 1]."""

    change: Change
    weight: float

    def __post_init__(self) -> None:
        if not 0.0 < self.weight <= 1.0:
            raise ValueError(f"a rung has a share of the error budget, got {self.weight!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchGrid:
    """All rungs of one effort, the unchanged query first, and the ranges that "not found" speaks of.

    Attributes
    ----------
    speed, tempo : tuple of float
        Lowest and highest ratio searched, the net's own tolerance not counted.
    pitch_cents : tuple of float
    """

    effort: Effort
    variants: tuple[Variant, ...]
    speed: tuple[float, float]
    pitch_cents: tuple[float, float]
    tempo: tuple[float, float]


def _changes(effort: Effort) -> list[Change]:
    if effort is Effort.FAST:
        return []
    if effort is Effort.STANDARD:
        speeds, pitches, tempos = _STANDARD_SPEEDS, _STANDARD_PITCHES_CENTS, _STANDARD_TEMPOS
    else:
        speeds, pitches, tempos = _FULL_SPEEDS, _FULL_PITCHES_CENTS, _FULL_TEMPOS
    return (
        [Change(speed=speed) for speed in speeds]
        + [Change(pitch_cents=cents) for cents in pitches]
        + [Change(tempo=tempo) for tempo in tempos]
    )


@lru_cache(maxsize=3)
def search_grid(effort: Effort) -> SearchGrid:
    """The rungs of `effort`; their shares of the error budget add up to 1."""
    changes = _changes(effort)
    as_is = Variant(change=UNCHANGED, weight=BUDGET_UNCHANGED if changes else 1.0)
    share = (1.0 - as_is.weight) / max(len(changes), 1)
    variants = (as_is, *(Variant(change=change, weight=share) for change in changes))
    every = [variant.change for variant in variants]
    return SearchGrid(
        effort=effort,
        variants=variants,
        speed=(min(c.speed for c in every), max(c.speed for c in every)),
        pitch_cents=(min(c.pitch_cents for c in every), max(c.pitch_cents for c in every)),
        tempo=(min(c.tempo for c in every), max(c.tempo for c in every)),
    )
