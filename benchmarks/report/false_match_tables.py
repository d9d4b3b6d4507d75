"""Claimed against counted false matches by kind of sound, length and effort: tables and a figure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

Row = Mapping[str, Any]
Group = tuple[str, float, str]
"""Kind, length in seconds, effort."""

CLAIMED: Final = (1e-4, 1e-3, 1e-2, 0.1)
"""E-values at which claimed and counted false matches are compared."""

MOST_RATIO: Final = 2.0
MOST_BOUND: Final = 3.0
"""A claim holds if the ratio of counted to claimed is at most the first and its upper bound below the second;
it fails if the lower bound is above the first. Otherwise the data do not say."""

LEAST_QUERIES: Final = 2000
LEAST_MAKERS: Final = 3
"""Kinds with fewer queries or makers are named as not known."""

DRAWS: Final = 1000
MATCH_E: Final = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """False matches of one group at one claimed E-value."""

    claimed: float
    n_queries: int
    matches: int
    queries: int
    """Queries with at least one false match."""
    low: float
    high: float
    """95 % bounds of the false matches per query."""

    @property
    def expected(self) -> float:
        """Number of false matches that the E-values claim."""
        return self.claimed * self.n_queries

    @property
    def ratio(self) -> float:
        """Counted over claimed."""
        return self.matches / max(self.expected, 1e-12)

    @property
    def conclusion(self) -> str:
        """``holds``, ``fails`` or ``not known``."""
        if self.low / self.claimed > MOST_RATIO:
            return "fails"
        holds = self.ratio <= MOST_RATIO and self.high / self.claimed < MOST_BOUND
        return "holds" if holds else "not known"


def groups_of(rows: Sequence[Row], *, absent: bool = True) -> dict[Group, list[Row]]:
    """Return the rows of absent queries, or of excerpts of references, by kind, length and effort."""
    groups: dict[Group, list[Row]] = {}
    for row in rows:
        if (row["condition"] is None) == absent:
            groups.setdefault((row["kind"], row["length_s"], row["effort"]), []).append(row)
    return dict(sorted(groups.items(), key=lambda one: (one[0][0], -one[0][1], one[0][2])))


def count(rows: Sequence[Row], claimed: float) -> Count:
    """Return the false matches of one group at one claimed E-value, with bounds.

    Bounds are the wider of the exact Poisson interval and of a bootstrap by maker, because one pair of makers
    may cause most false matches. With fewer than ``LEAST_MAKERS`` makers the bootstrap is by piece.
    """
    by_maker = len({row["maker"] for row in rows}) >= LEAST_MAKERS
    parts: dict[str, list[int]] = {}
    for row in rows:
        parts.setdefault(row["maker"] if by_maker else row["piece"], []).append(
            sum(e <= claimed for e in row["e_values"])
        )
    matches = sum(sum(part) for part in parts.values())
    low, high = poisson_bounds(matches, len(rows))
    least, most = bootstrap_bounds(
        np.array([sum(part) for part in parts.values()]), np.array([len(part) for part in parts.values()])
    )
    return Count(
        claimed=claimed,
        n_queries=len(rows),
        matches=matches,
        queries=sum(any(e <= claimed for e in row["e_values"]) for row in rows),
        low=min(low, least),
        high=max(high, most),
    )


def poisson_bounds(matches: int, n_queries: int) -> tuple[float, float]:
    """Return the exact 95 % interval of a Poisson rate (Garwood 1936)."""
    low = float(chi2.ppf(0.025, 2 * matches)) / 2 if matches else 0.0
    return low / n_queries, float(chi2.ppf(0.975, 2 * matches + 2)) / 2 / n_queries


def bootstrap_bounds(matches: NDArray[np.int64], sizes: NDArray[np.int64]) -> tuple[float, float]:
    """Return the 95 % interval of the rate when whole parts are drawn anew."""
    drawn = np.random.default_rng(0).integers(len(sizes), size=(DRAWS, len(sizes)))
    rates = matches[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.quantile(rates, [0.025, 0.975])
    return float(low), float(high)


def unknown_kinds(rows: Sequence[Row]) -> dict[str, str]:
    """Return kinds that have too little data, with the reason."""
    reasons: dict[str, str] = {}
    for (kind, _, _), group in groups_of(rows).items():
        n_makers = len({row["maker"] for row in group})
        if n_makers < LEAST_MAKERS:
            reasons[kind] = "one maker" if n_makers == 1 else f"{n_makers} makers"
        elif len(group) < LEAST_QUERIES:
            reasons.setdefault(kind, f"{len(group)} queries")
    return reasons


def pooled(rows: Sequence[Row]) -> list[Row]:
    """Return the rows with all lengths as one, for a shorter table."""
    return [{**row, "length_s": 0.0} for row in rows]


def false_matches_table(rows: Sequence[Row]) -> Iterator[str]:
    """Yield false matches by kind, length and effort: counted / claimed, and the bounds of the ratio."""
    yield "Counted false matches / claimed at each E-value (95 % bounds of counted over claimed; the wider of"
    yield "Poisson and bootstrap by maker). Bold: more than twice what is claimed, beyond chance."
    yield ""
    head = ["kind", "s", "effort", "makers", "pieces", "queries"]
    head += [f"E <= {claimed:g}" for claimed in CLAIMED] + ["`match`", "shared material"]
    yield "| " + " | ".join(head) + " |"
    yield "|---" * len(head) + "|"
    for (kind, length_s, effort), group in groups_of(rows).items():
        cells = [kind, _seconds(length_s), effort, str(len({row["maker"] for row in group}))]
        cells += [str(len({row["piece"] for row in group})), str(len(group))]
        cells += [_cell(count(group, claimed)) for claimed in CLAIMED]
        cells += [str(sum(row["verdict"] == "match" for row in group))]
        cells += [str(sum("shared_material" in row["classes"] for row in group))]
        yield "| " + " | ".join(cells) + " |"
    yield ""
    unknown = ", ".join(f"{kind} ({reason})" for kind, reason in unknown_kinds(rows).items())
    yield (
        f"Too little data to know more than these counts: {unknown}."
        if unknown
        else "No kind has too little data."
    )


def _seconds(length_s: float) -> str:
    return f"{length_s:g}" if length_s else "all"


def _cell(counted: Count) -> str:
    bounds = f"{counted.low / counted.claimed:.2g}-{counted.high / counted.claimed:.2g}"
    text = f"{counted.matches} / {counted.expected:.2g} ({bounds})"
    return f"**{text}**" if counted.conclusion == "fails" else text


def recall_table(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the share of degraded excerpts of references whose right match has an E-value of a match."""
    groups = groups_of(rows, absent=False)
    conditions = list(dict.fromkeys(row["condition"] for group in groups.values() for row in group))
    yield "Degraded excerpts of references: right matches with E <= 1e-4, in %; false: queries that match"
    yield "another reference too."
    yield ""
    yield "| kind | s | effort | n | all | " + " | ".join(conditions) + " | false |"
    yield "|---" * (6 + len(conditions)) + "|"
    for (kind, length_s, effort), group in groups.items():
        cells = [_found(group)]
        cells += [_found([row for row in group if row["condition"] == name]) for name in conditions]
        also = sum(any(e <= MATCH_E for e in row["e_values"]) for row in group)
        cells = [kind, _seconds(length_s), effort, str(len(group)), *cells, str(also)]
        yield f"| {' | '.join(cells)} |"


def _found(rows: Sequence[Row]) -> str:
    found = sum(row["right"] is not None and row["right"] <= MATCH_E for row in rows)
    return f"{100 * found / len(rows):.0f}" if rows else ""


def plot_false_matches(rows: Sequence[Row], path: Path) -> None:
    """Draw claimed against counted false matches, one panel for each kind, one line for each effort."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    groups = groups_of(rows)
    kinds = sorted({kind for kind, _, _ in groups})
    n_rows = -(-len(kinds) // 5)
    figure, axes = pyplot.subplots(
        n_rows, 5, figsize=(12, 2.5 * n_rows), sharex=True, sharey=True, squeeze=False
    )
    colours = {"fast": "#1f77b4", "standard": "#ff7f0e", "full": "#2ca02c"}
    for axis, kind in zip(axes.flat, kinds, strict=False):
        axis.plot(CLAIMED, CLAIMED, "k--", linewidth=0.8)
        axis.fill_between(
            CLAIMED, np.array(CLAIMED) / MOST_RATIO, np.array(CLAIMED) * MOST_RATIO, alpha=0.15, color="k"
        )
        for (of_kind, length_s, effort), group in groups.items():
            if of_kind == kind:
                counts = [count(group, claimed) for claimed in CLAIMED]
                rates = [one.matches / one.n_queries or np.nan for one in counts]
                style = "-" if length_s >= 8 else ":"
                axis.plot(CLAIMED, rates, f"o{style}", color=colours.get(effort), markersize=3,
                          label=f"{effort}, {length_s:g} s")  # fmt: skip
        axis.set(xscale="log", yscale="log", title=kind.replace("_", " "))
    for axis in axes.flat[len(kinds) :]:
        axis.axis("off")
    axes[0][0].legend(fontsize=6)
    figure.supxlabel("claimed E-value")
    figure.supylabel("false matches per absent query")
    figure.tight_layout()
    figure.savefig(path, dpi=56, metadata={"Software": None})
    pyplot.close(figure)
