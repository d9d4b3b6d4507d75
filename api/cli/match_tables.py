"""Matches as a table for people: fitted to a terminal, or one plain line each where the output is a pipe."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len, chop_cells

from earwitness.api.findings import Finding, FindingMatch
from earwitness.api.printable import shown
from earwitness.api.scan.tally import title_of
from earwitness.api.sentences import change_words, clock, count, e_value_cell, e_value_note
from earwitness.index.match import Verdict

if TYPE_CHECKING:
    from rich.console import Console

COLUMNS: Final = (
    "verdict", "item", "found in", "as", "here", "there", "speed", "pitch", "tempo", "covers", "E-value",
)  # fmt: skip
ROWS_SHOWN: Final = 100
"""Rows printed in a terminal; a pipe and every file get all of them."""

VERDICT_WORDS: Final = {
    Verdict.MATCH: "match",
    Verdict.POSSIBLE: "possible",
    Verdict.SHARED_MATERIAL: "shared",
}
"""The first cell of a row."""

UNMEASURED: Final = "?"
"""Printed for a change that was not measured."""

_GAP: Final = 2
_NAMES: Final = ("item", "found in", "as")
"""Columns whose texts may be shortened, in the middle, so that a row fits a terminal."""
_LEAST: Final = 12
"""Smallest width of a shortened name, in terminal cells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One match of an item; `cells` belong to `COLUMNS`."""

    finding: Finding
    match: FindingMatch
    cells: tuple[str, ...]


def print_matches(findings: Sequence[Finding], console: Console) -> None:
    """Print the matches of some findings, their number, and the number of those not shown."""
    rows = [row for finding in findings for row in rows_of(finding)]
    width = console.width if console.is_terminal else None
    shown_rows = rows if width is None else rows[:ROWS_SHOWN]
    for number, line in enumerate(lines_of(shown_rows, width)):
        console.print(line, soft_wrap=True, style="bold" if number == 0 else None)
    if note := e_value_note([row.match for row in shown_rows]):
        console.print(note, style="dim", soft_wrap=True)
    if len(rows) > 1:
        console.print(number_of(rows, hidden=len(rows) - len(shown_rows)), soft_wrap=True)


def number_of(rows: Sequence[Row], *, hidden: int) -> str:
    """Return a sentence with the number of rows, and the number of those not shown."""
    verdicts = Counter(row.cells[0] for row in rows)
    possible = f", {verdicts['possible']:,} of them only possible" if verdicts["possible"] else ""
    shared = f", {verdicts['shared']:,} of them of shared material" if verdicts["shared"] else ""
    left_out = f"; {hidden:,} are not shown here: write to a file or a pipe to get all" if hidden else ""
    items = count(len({row.finding.item.id for row in rows}), "item")
    return f"{count(len(rows), 'row')} for {items}{possible}{shared}{left_out}."


def rows_of(finding: Finding) -> Iterator[Row]:
    """Yield a row for every match: the segments, the change, the coverage and the E-value."""
    for match in finding.matches:
        cells = (VERDICT_WORDS[finding.verdict_of(match)], *_cells(finding, match))
        yield Row(finding=finding, match=match, cells=tuple(map(shown, cells)))


def lines_of(rows: Sequence[Row], width: int | None) -> Iterator[str]:
    """Lay rows out under a header.

    Parameters
    ----------
    width : int or None
        Cells of the terminal; None gives one line for each row, of any length.
    """
    table = [COLUMNS, *(row.cells for row in rows)]
    widths = fitting(table, width, shorten=[COLUMNS.index(name) for name in _NAMES])
    if width is not None and _length(widths) > width:
        return _in_blocks(rows, width)
    return in_columns(table, widths)


def in_columns(table: Sequence[tuple[str, ...]], widths: Sequence[int]) -> Iterator[str]:
    """Lay a table out in columns of these widths, with two spaces between them."""
    for cells in table:
        padded = (_padded(fitted(cell, width), width) for cell, width in zip(cells, widths, strict=True))
        yield (" " * _GAP).join(padded).rstrip()


def fitting(table: Sequence[tuple[str, ...]], width: int | None, *, shorten: Sequence[int]) -> list[int]:
    """Return the widths of a table's columns; those in `shorten` are narrowed until the table fits."""
    widths = [max(map(cell_len, column)) for column in zip(*table, strict=True)]
    while width is not None and _length(widths) > width:
        widest = max(shorten, key=widths.__getitem__)
        if widths[widest] <= _LEAST:
            break
        widths[widest] -= 1
    return widths


def _length(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))


def fitted(text: str, width: int) -> str:
    """Shorten a text in its middle until it fits into `width` cells; both ends of a name stay."""
    if cell_len(text) <= width:
        return text
    tail = (width - 1) // 2
    head = chop_cells(text, width - 1 - tail)[0] if width - 1 - tail else ""
    end = chop_cells(text[::-1], tail)[0][::-1] if tail else ""
    return f"{head}…{end}"


def _in_blocks(rows: Sequence[Row], width: int) -> Iterator[str]:
    """Lay rows out for a terminal that is too narrow for columns: two or three lines each."""
    yield fitted("item  ->  found in; then class, here -> there, change, covers, E-value", width)
    for row in rows:
        match, cell = row.match, dict(zip(COLUMNS, row.cells, strict=True))
        where = shown(f"{title_of(match)} ({cell['found in']})")
        free = width - len(cell["verdict"]) - len(":   ->  ")
        item = fitted(cell["item"], max(_LEAST, free - cell_len(where), free // 2))
        yield f"{cell['verdict']}: {item}  ->  {fitted(where, max(_LEAST, free - cell_len(item)))}"
        details = (
            shown(match.kind.replace("_", " ")),
            f"{cell['here']} -> {cell['there']}",
            change_words(match),
            cell["covers"],
            f"E {cell['E-value']}",
        )
        yield from _filled(details, width)


def _filled(parts: Iterable[str], width: int) -> Iterator[str]:
    """Join parts with semicolons into indented lines that fit."""
    line = ""
    for part in parts:
        longer = f"{line}; {part}" if line else f"    {part}"
        if line and cell_len(longer) > width:
            yield line
            longer = f"    {part}"
        line = fitted(longer, width)
    yield line


def _cells(finding: Finding, match: FindingMatch) -> tuple[str, ...]:
    spans = match.segments
    return (
        finding.item.id,
        f"{match.collection} {match.version}",
        f"{title_of(match)} [{match.kind.replace('_', ' ')}]",
        _spans((each.query_start_s, each.query_end_s) for each in spans),
        _spans((each.reference_start_s, each.reference_end_s) for each in spans),
        _percent(match.speed),
        UNMEASURED if match.pitch_cents is None else f"{match.pitch_cents:+.0f} ct",
        _percent(match.tempo),
        f"{match.query_coverage * 100:.0f} % / {match.reference_coverage * 100:.0f} %",
        e_value_cell(match),
    )


def _percent(ratio: float | None) -> str:
    return UNMEASURED if ratio is None else f"{(ratio - 1) * 100:+.1f} %"


def _spans(spans: Iterable[tuple[float, float]]) -> str:
    texts = [f"{clock(start)}-{clock(end)}" for start, end in spans]
    if len(texts) == 1 or not sys.stdout.isatty():
        return ", ".join(texts)
    return f"{texts[0]} +{len(texts) - 1}"
