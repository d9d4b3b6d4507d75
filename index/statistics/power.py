"""How often a copy is found: what an answer of ``no_match`` is worth.

``power.json`` counts, by effort, length and condition, how many copies of test recordings were found.
``python -m benchmarks power --write`` writes it from ``benchmarks/records/power.json.gz``, whose entry
describes the test; nothing in it is typed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from earwitness.index.match import Effort

POWER_FILE: Final = Path(__file__).parent / "power.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """Copies of one length that were searched under one condition.

    Attributes
    ----------
    condition : str
        What was done to the copy: a name of `benchmarks.data.degrade`.
    found : int
        Copies whose recording was reported as ``match``.
    possible : int
        Copies whose recording was reported only as ``possible``.
    of : int
        Copies that were searched.
    """

    condition: str
    found: int
    possible: int
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """How often copies were found by a search like one that found nothing.

    Attributes
    ----------
    length_s : float
        Length of the copies: the greatest one tested that is not above the active seconds of the item.
    tested_hours, searched_hours : float
        Hours of audio in the index of the test, and in that of the search.
    """

    effort: Effort
    length_s: float
    tested_hours: float
    searched_hours: float
    rows: tuple[Tested, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerTable:
    """The contents of ``power.json``.

    Attributes
    ----------
    scheme : str
        Scheme of the fingerprints that were tested; nothing is known of others.
    hours, n_codes
        Size of the index of the test.
    shortest_s : mapping of Effort to float
        Active seconds that ``no_match`` needs: the shortest length from which on nearly all clean copies are
        found (the rule is `benchmarks.report.power_tables.shortest_s`).
    rows : mapping of Effort and length to rows
        What was counted; lengths ascend.
    """

    scheme: str
    hours: float
    n_codes: int
    shortest_s: Mapping[Effort, float]
    rows: Mapping[Effort, Mapping[float, tuple[Tested, ...]]]

    def at(self, effort: Effort, *, active_s: float, n_codes: int) -> Power | None:
        """Return how often a copy of `active_s` seconds is found among `n_codes` codes.

        None where no length as short as that was tested.
        """
        lengths = [length_s for length_s in self.rows[effort] if length_s <= rounded_s(active_s)]
        if not lengths:
            return None
        return Power(
            effort=effort,
            length_s=max(lengths),
            tested_hours=self.hours,
            searched_hours=self.hours * n_codes / self.n_codes,
            rows=self.rows[effort][max(lengths)],
        )


def rounded_s(active_s: float) -> float:
    """Round active seconds to a tenth: they are counted in blocks that are a little shorter than that."""
    return round(active_s, 1)


@cache
def power_table() -> PowerTable:
    """Return the counts that the package ships."""
    return table_of(json.loads(POWER_FILE.read_text(encoding="utf-8")))


def table_of(fields: Mapping[str, Any]) -> PowerTable:
    """Parse the JSON of the file."""
    rows: dict[Effort, dict[float, tuple[Tested, ...]]] = {effort: {} for effort in Effort}
    for row in sorted(fields["rows"], key=lambda row: float(row["length_s"])):
        of_effort = rows[Effort(row["effort"])]
        of_effort[row["length_s"]] = (*of_effort.get(row["length_s"], ()), _tested(row))
    return PowerTable(
        scheme=fields["scheme"],
        hours=fields["hours"],
        n_codes=fields["codes"],
        shortest_s={Effort(effort): length_s for effort, length_s in fields["shortest_s"].items()},
        rows=rows,
    )


def tested_of(rows: Sequence[Mapping[str, Any]]) -> tuple[Tested, ...]:
    """Parse the rows of a finding."""
    return tuple(map(_tested, rows))


def _tested(row: Mapping[str, Any]) -> Tested:
    return Tested(**{name: row[name] for name in ("condition", "found", "possible", "of")})
