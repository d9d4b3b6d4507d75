"""How much of one set lies in another, as items and as seconds, each with a confidence interval."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any, Final

Z_95: Final = 1.959964
"""Standard score of a two-sided interval of 95 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A part of a whole, with the Wilson interval of its fraction.

    Attributes
    ----------
    part, whole : float
        In items, or in seconds.
    low, high : float
        Ends of the interval of 95 % of ``part / whole``, between 0 and 1.
    """

    part: float
    whole: float
    low: float
    high: float

    @property
    def fraction(self) -> float:
        """The part as a fraction of the whole; 0 where there is nothing."""
        return self.part / self.whole if self.whole else 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the share for ``--json``; the fraction and its interval are null where there is nothing."""
        ends = [round(self.low, 4), round(self.high, 4)] if self.whole else None
        fraction = round(self.fraction, 4) if self.whole else None
        return {
            "part": round(self.part, 2),
            "of": round(self.whole, 2),
            "fraction": fraction,
            "interval_95": ends,
        }


def wilson(fraction: float, n: float) -> tuple[float, float]:
    """Return the Wilson score interval of 95 % of a fraction of `n` items (Wilson 1927); 0 to 1 for none."""
    if n <= 0:
        return 0.0, 1.0
    centre = (fraction + Z_95**2 / (2 * n)) / (1 + Z_95**2 / n)
    half = Z_95 / (1 + Z_95**2 / n) * sqrt(fraction * (1 - fraction) / n + Z_95**2 / (4 * n * n))
    return max(centre - half, 0.0), min(centre + half, 1.0)


@dataclass(slots=True, kw_only=True)
class Coverage:
    """Counts over the items of one set: those that share sound with another, and their seconds."""

    n_items: int = 0
    n_shared: int = 0
    total_s: float = 0.0
    shared_s: float = 0.0
    total_squared: float = 0.0
    shared_squared: float = 0.0
    product: float = 0.0

    def add(self, *, total_s: float, shared_s: float, shares: bool) -> None:
        """Add one item that was compared."""
        shared_s = min(shared_s, total_s)
        self.n_items += 1
        self.n_shared += shares
        self.total_s += total_s
        self.shared_s += shared_s
        self.total_squared += total_s**2
        self.shared_squared += shared_s**2
        self.product += total_s * shared_s

    @property
    def items(self) -> Share:
        """Items that share sound, of all that were compared."""
        fraction = self.n_shared / self.n_items if self.n_items else 0.0
        low, high = wilson(fraction, self.n_items)
        return Share(part=self.n_shared, whole=self.n_items, low=low, high=high)

    @property
    def seconds(self) -> Share:
        """Seconds that lie in the other set, of all that were compared.

        Seconds of one item are no independent observations, so the interval is that of the effective number
        of items: as many as would give the variance of the ratio (Korn and Graubard 1998), and no more than
        items of one length would count as (Kish 1965).
        """
        fraction = self.shared_s / self.total_s if self.total_s else 0.0
        low, high = wilson(fraction, self._n_effective(fraction) if self.total_s else 0.0)
        return Share(part=self.shared_s, whole=self.total_s, low=low, high=high)

    def _n_effective(self, fraction: float) -> float:
        most = self.total_s**2 / self.total_squared
        residual = self.shared_squared - 2 * fraction * self.product + fraction**2 * self.total_squared
        if self.n_items < 2 or residual <= 1e-9 * self.total_squared or not 0.0 < fraction < 1.0:
            return most
        variance = self.n_items / (self.n_items - 1) * residual / self.total_s**2
        return min(fraction * (1 - fraction) / variance, most)
