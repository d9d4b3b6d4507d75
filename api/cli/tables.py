"""Matches as a table for people."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from api.findings import Finding, MatchSaid
from api.wording import clock

COLUMNS = (
    "item", "found in", "as", "here", "there", "speed", "pitch", "tempo", "covers", "E-value",
)  # fmt: skip


def match_table(findings: Iterable[Finding]) -> Table:
    """Show every match of some findings: where in each file, how it was changed, how likely by chance."""
    table = Table(*COLUMNS, box=None, pad_edge=False, header_style="bold")
    for finding in findings:
        for match in finding.matches:
            table.add_row(*(Text(cell, overflow="fold") for cell in _cells(finding, match)))
    return table


def _cells(finding: Finding, match: MatchSaid) -> tuple[str, ...]:
    spans = match.segments
    return (
        finding.item.id,
        f"{match.collection} {match.version}",
        f"{match.recording.title or match.recording.path} [{match.kind.replace('_', ' ')}]",
        _spans((each.query_start_s, each.query_end_s) for each in spans),
        _spans((each.reference_start_s, each.reference_end_s) for each in spans),
        f"{(match.speed - 1) * 100:+.1f} %",
        f"{match.pitch_cents:+.0f} ct",
        f"{(match.tempo - 1) * 100:+.1f} %",
        f"{match.query_coverage * 100:.0f} % / {match.reference_coverage * 100:.0f} %",
        f"{match.e_value:.1e}" + ("*" if match.e_extrapolated else ""),
    )


def _spans(spans: Iterable[tuple[float, float]]) -> str:
    shown = [f"{clock(start)}-{clock(end)}" for start, end in spans]
    more = f" +{len(shown) - 3}" if len(shown) > 3 else ""
    return ", ".join(shown[:3]) + more


FOOTNOTE = "* lies beyond what decoys can check, and is extrapolated"


def needs_footnote(findings: Iterable[Finding]) -> bool:
    """Say whether a table of these holds a mark."""
    return any(match.e_extrapolated for finding in findings for match in finding.matches)
