"""Whether the E-values of a scan hold on its own items.

An E-value promises how many matches as good chance gives. So a scan knows how many of its items chance may
leave between `MATCH_E_VALUE` and `POSSIBLE_E_VALUE`, and can count how many there are. Where there are far
more, its items resemble the searched recordings more than unrelated audio does (the same instruments, drum
kit or voice), its E-values are too small, and no match rests on them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from earwitness.api.findings import Finding
from earwitness.index.matching.verdict import MATCH_E_VALUE, POSSIBLE_E_VALUE

LEAST_P: Final = 1e-3
"""Probability below which a number of items is no accident: one scan in a thousand fails without a cause."""

LEAST_RATIO: Final = 2.0
"""E-values claim the number of chance matches within this factor, so up to it nothing is wrong."""

LEAST_OBSERVED: Final = 5
"""Smallest number of items that is taken for a failure: fewer may be one recording in several versions."""

DISTURBED_SHARE: Final = 0.1
"""Disturbed copies, with an E-value in this range too, for each copy that is found with a smaller one.

Chosen by hand. ``benchmarks identify --effort full`` measures it: over its 33 conditions 0.006 at 8 s and
0.03 at 3 s; at most 0.12 under any of them but for drums alone and three pieces at once.
"""


@dataclass(slots=True, kw_only=True)
class Audit:
    """Counts of items by their smallest E-value; matches of shared material do not count.

    Attributes
    ----------
    n_searched : int
        Items that were compared.
    n_certain : int
        Items with an E-value of at most `MATCH_E_VALUE`.
    n_observed : int
        Items with an E-value above that, and of at most `POSSIBLE_E_VALUE`.
    """

    n_searched: int = 0
    n_certain: int = 0
    n_observed: int = 0

    def count(self, finding: Finding) -> None:
        """Add the finding of one item, graded or not."""
        if finding.item.duration_s is not None:
            self.take(finding.best_e_value)

    def take(self, best_e_value: float) -> None:
        """Add one item that was compared, by its smallest E-value; infinite without a match."""
        self.n_searched += 1
        self.n_certain += best_e_value <= MATCH_E_VALUE
        self.n_observed += MATCH_E_VALUE < best_e_value <= POSSIBLE_E_VALUE

    @property
    def expected_by_chance(self) -> float:
        """Most items that chance is expected to leave in the range of `n_observed`."""
        return self.n_searched * (POSSIBLE_E_VALUE - MATCH_E_VALUE)

    @property
    def expected_disturbed(self) -> float:
        """Disturbed copies that are expected in that range, by the number of those found with certainty."""
        return self.n_certain * DISTURBED_SHARE

    @property
    def claims_supported(self) -> bool:
        """Whether the items are few enough for the E-values to hold.

        They are too many where all of this is so: at least `LEAST_OBSERVED`, more than `LEAST_RATIO` times as
        many as expected, and so many with a probability below `LEAST_P` (Poisson).
        """
        expected = self.expected_by_chance + self.expected_disturbed
        if self.n_observed < LEAST_OBSERVED or self.n_observed <= LEAST_RATIO * expected:
            return True
        from scipy.special import pdtrc  # loaded only where a scan is in doubt

        return bool(pdtrc(self.n_observed - 1, expected) >= LEAST_P)

    def to_json(self) -> dict[str, Any]:
        """Return the counts for ``--json`` and the HTTP API."""
        return {
            "searched": self.n_searched,
            "e_value_above": MATCH_E_VALUE,
            "e_value_up_to": POSSIBLE_E_VALUE,
            "observed": self.n_observed,
            "expected_by_chance": _rounded(self.expected_by_chance),
            "expected_disturbed_copies": _rounded(self.expected_disturbed),
        }


def audited(findings: Iterable[Finding]) -> Audit:
    """Return the audit of some findings."""
    audit = Audit()
    for finding in findings:
        audit.count(finding)
    return audit


def _rounded(number: float) -> float:
    return float(f"{number:.2g}")
