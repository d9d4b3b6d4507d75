"""Figures of the records, for docs/results.md."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

from benchmarks.report.false_match_tables import plot_false_matches
from benchmarks.report.records import RECORDS, Record, load, wilson
from benchmarks.report.tables import counts

FALSE_MATCHES: Final = "false-matches.png"
SHARES: Final = (("named", "#9ab6d3", "ranked first"), ("reported", "#1f4e79", "reported as a match"))
"""Column of the counts, colour and label."""


def draw(folder: Path) -> list[str]:
    """Draw every identify record and the false matches by kind, and return the names of the files written."""
    names = []
    for path in sorted(RECORDS.glob("identify-*.json.gz")):
        name = path.name.replace(".json.gz", ".png")
        _shares(load(path), folder / name)
        names.append(name)
    false = [load(path) for path in sorted(RECORDS.glob("false-matches-test*.json.gz"))]
    if false:
        plot_false_matches([row for record in false for row in record.rows], folder / FALSE_MATCHES)
        names.append(FALSE_MATCHES)
    return names


def _shares(record: Record, file: Path) -> None:
    groups = {key: group for key, group in counts(record).items() if key[0] == "music" and key[2] != "absent"}
    lengths = sorted({length_s for _, length_s, _ in groups})
    conditions = list(dict.fromkeys(condition for _, _, condition in groups))
    figure, axes = pyplot.subplots(
        1,
        len(lengths),
        figsize=(1.5 + 3.6 * len(lengths), 0.27 * len(conditions) + 1.4),
        squeeze=False,
        sharey=True,
        layout="constrained",
    )
    for axis, length_s in zip(axes[0], lengths, strict=True):
        for column, colour, label in SHARES:
            for place, condition in enumerate(conditions):
                outcomes = groups["music", length_s, condition]
                hits, n = sum(one[column] for one in outcomes), len(outcomes)
                low, high = wilson(hits, n)
                height = -place + (0.18 if column == "named" else -0.18)
                axis.barh(height, hits / n, 0.34, color=colour, label=label if place == 0 else None)
                axis.plot([low, high], [height, height], color="black", linewidth=0.8)
        axis.set_yticks([-place for place in range(len(conditions))], conditions, fontsize=9)
        axis.set(xlim=(0, 1), ylim=(0.6 - len(conditions), 0.6))
        axis.set_xlabel("share of excerpts, with its 95 % interval", fontsize=9)
        axis.set_title(f"{length_s:g} s excerpts, {record.options.get('peer') or record.scheme}", fontsize=10)
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2, fontsize=9)
    figure.savefig(file, dpi=110, metadata={"Software": None})
    pyplot.close(figure)
