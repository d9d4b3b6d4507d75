"""What is said of one item, from its matches and from what could be heard of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from earwitness.index.match import Match, Verdict

MATCH_E_VALUE: Final = 1e-4
"""Largest E-value of a match."""

POSSIBLE_E_VALUE: Final = 1e-2
"""Largest E-value of a possible match."""

SCAN_E_VALUE: Final = 0.1
"""Largest number of false matches to expect in a whole scan, for any one item to be called a match."""

NEEDED_ACTIVE_S: Final = 1.0
"""Active sound, in seconds, below which nothing can be said of an item."""


def verdict(matches: Sequence[Match], *, whole: bool, active_s: float, n_items: int | None = None) -> Verdict:
    """Decide what is said of one item.

    Parameters
    ----------
    matches
        What `identify` found for it.
    whole
        Whether the item was decoded to its end: else what was not heard may hold anything.
    active_s
        Seconds of the item that are neither silent nor near it.
    n_items
        Items of the whole scan, whose false matches add up; None outside a scan.
    """
    best = min((match.e_value for match in matches), default=float("inf"))
    if best <= MATCH_E_VALUE and best * (n_items or 1) <= SCAN_E_VALUE:
        return Verdict.MATCH
    if best <= POSSIBLE_E_VALUE:
        return Verdict.POSSIBLE
    if not whole:
        return Verdict.NOT_READABLE
    return Verdict.TOO_SHORT_OR_SILENT if active_s < NEEDED_ACTIVE_S else Verdict.NO_MATCH
