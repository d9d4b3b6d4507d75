"""Verdict about one item, from its matches and from how much of it was decoded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from earwitness.index.match import Effort, Match, MatchClass, Verdict
from earwitness.index.statistics.power import power_table, rounded_s

MATCH_E_VALUE: Final = 1e-4
"""Largest E-value of a match."""

POSSIBLE_E_VALUE: Final = 1e-2
"""Largest E-value of a possible match."""

SCAN_E_VALUE: Final = 0.1
"""Largest expected number of false matches in a complete scan at which an item is a match."""

STORED_ACTIVE_S: Final = 1.0
"""Seconds of active audio below which an item of a dataset is not stored. Chosen by hand."""


def needed_active_s(effort: Effort) -> float:
    """Return the seconds of active audio that a verdict of no match needs: see `PowerTable.shortest_s`."""
    return power_table().shortest_s[effort]


def verdict(
    matches: Sequence[Match], *, whole: bool, active_s: float, effort: Effort, n_items: int | None = None
) -> Verdict:
    """Return the verdict about one item.

    Matches of shared material count neither for ``match`` nor for ``possible``, however small their E-value:
    several different recordings contain the same stretch, so it does not show which one was copied, or
    whether one was.

    Parameters
    ----------
    matches
        Result of `identify`.
    whole
        Whether the item was decoded to its end; if not, the missing part may match.
    active_s
        Seconds of the item that are not silent or nearly silent.
    effort
        Effort of the search, on which the seconds depend that ``no_match`` needs.
    n_items
        Number of items of the scan, whose false matches add up; None outside a scan.
    """
    own = [match.e_value for match in matches if match.kind is not MatchClass.SHARED_MATERIAL]
    best = min(own, default=float("inf"))
    if best <= MATCH_E_VALUE and best * (n_items or 1) <= SCAN_E_VALUE:
        return Verdict.MATCH
    if best <= POSSIBLE_E_VALUE:
        return Verdict.POSSIBLE
    if len(own) < len(matches):
        return Verdict.SHARED_MATERIAL
    if not whole:
        return Verdict.NOT_READABLE
    enough = rounded_s(active_s) >= needed_active_s(effort)
    return Verdict.NO_MATCH if enough else Verdict.TOO_SHORT_OR_SILENT
