"""Records of delimited text whose quotation marks may be unbalanced: no record takes in the rows after it.

RFC 4180 lets a quoted field hold line breaks, and many tables (Common Voice's) are written without any
quoting. A field that is left open at the end of its line is read over the next lines only where that is
plausible: where its end is the end of a cell, and no line within it is a row. Else the lines are rows.
"""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from earwitness.api.datasets.manifests.lines import Line
from earwitness.api.datasets.names import suffix

_SPAN_BYTES: Final = 1 << 20
"""Bytes that one record may have."""
_MOST: Final = 0.8
"""Share of the lines that must have the same number of cells; chosen by hand."""
_WASTED_BYTES: Final = 64 << 20
"""Bytes read in vain for the ends of open fields; after them, no field of the file may span lines."""
_DELIMITERS: Final = "\t|;,"
"""Order of preference: commas are more usual in the text of a table with bars than the reverse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Cells of one row (or its error), and its bytes as written."""

    cells: tuple[str, ...]
    raw: bytes
    error: str | None = None


class Records:
    """Iterates over the records of delimited text.

    Parameters
    ----------
    lines : iterator of Line
    n_columns : int
        Cells of a complete row; 0 where that is not known.
    path_at : int or None
        Index of the path's column, by which a row is distinguished from a line of text.
    """

    def __init__(self, lines: Iterator[Line], *, delimiter: str, n_columns: int, path_at: int | None) -> None:
        self._lines, self._delimiter = lines, delimiter
        self._n_columns, self._path_at = n_columns, path_at
        self._ahead: deque[Line] = deque()
        self._wasted = 0
        self._form: str | None = None

    def __iter__(self) -> Iterator[Record]:
        while (line := self._next()) is not None:
            yield self._record(line)

    def _next(self) -> Line | None:
        return self._ahead.popleft() if self._ahead else next(self._lines, None)

    def _record(self, line: Line) -> Record:
        if line.too_long:
            return Record(cells=(), raw=b"", error="the line is too long")
        if '"' not in line.text or not is_open(line.text, self._delimiter):
            return self._one(line)
        more = self._span(line) if self._wasted < _WASTED_BYTES else None
        if more is None:
            return self._one(line, quoted=False)
        text = line.text + "".join(each.text for each in more)
        raw = line.raw + b"".join(each.raw for each in more)
        return self._checked(cells_of(text, self._delimiter), raw)

    def _span(self, first: Line) -> list[Line] | None:
        """The lines that close a field which the first line leaves open; None if the first line is a row."""
        alone = self._is_row(first.text)
        more: list[Line] = []
        length = len(first.text)
        while length < _SPAN_BYTES and (line := self._next()) is not None:
            more.append(line)
            length += len(line.text)
            closed = closing(line.text, self._delimiter)
            if line.too_long or self._holds_row(line.text[:closed], line=line.text, alone=alone):
                break
            if closed is not None:
                if self._closes(line.text, closed):
                    return more
                break
        self._wasted += length
        self._ahead.extendleft(reversed(more))
        return None

    def _closes(self, text: str, at: int) -> bool:
        """Whether a quotation mark ends a field: a delimiter, or the line's end, comes after it."""
        return text[at : at + 1] in {"", "\r", "\n"} or text[at:].lstrip(" ").startswith(self._delimiter)

    def _holds_row(self, before: str, *, line: str, alone: bool) -> bool:
        """Whether a line in a quoted field is a row itself; ``before`` is the part inside the field."""
        cells, at = before.rstrip("\r\n").split(self._delimiter), self._path_at
        if at is not None and self._form is not None and self._form.startswith(".") and len(cells) > at:
            inside = len(cells) > at + 1 or before == line
            if inside and _form(cells[at]) == self._form:
                return True
        return alone and self._is_row(line)

    def _is_row(self, text: str) -> bool:
        """Whether a line, without quoting, is a complete row: all its cells, and a path in its column."""
        cells = text.rstrip("\r\n").split(self._delimiter)
        if not self._n_columns or len(cells) != self._n_columns:
            return False
        if self._path_at is None or self._path_at >= len(cells):
            return True
        form = _form(cells[self._path_at])
        if form == "word" and any(cell.startswith(" ") for cell in cells[1:]):
            return False  # words of a sentence
        return form != "" and (self._form is None or form == self._form)

    def _one(self, line: Line, *, quoted: bool = True) -> Record:
        cells = cells_of(line.text, self._delimiter) if quoted else None
        bare = tuple(cell.strip() for cell in line.text.rstrip("\r\n").split(self._delimiter))
        # a delimiter between balanced quotation marks may still separate cells
        swallowed = cells is not None and '"' in line.text and len(cells) != len(bare) == self._n_columns
        if not quoted or swallowed:
            at = self._path_at
            return self._checked(tuple(c.strip('"') if n == at else c for n, c in enumerate(bare)), line.raw)
        return self._checked(cells, line.raw)

    def _checked(self, cells: tuple[str, ...] | None, raw: bytes) -> Record:
        if cells is None:
            return Record(cells=(), raw=raw, error="it is not a row of delimited text")
        if any("\0" in cell for cell in cells):
            return Record(cells=(), raw=raw, error="it holds a NUL")
        if self._path_at is not None and self._path_at < len(cells):
            self._form = self._form or _form(cells[self._path_at]) or None
        return Record(cells=cells, raw=raw)


def _form(cell: str) -> str:
    """The form of a path: its suffix, or "word" for text without blanks; empty for other text."""
    cell = cell.strip().strip('"')
    ending = suffix(cell)
    if ending and " " not in ending:
        return ending
    return "word" if cell and not any(map(str.isspace, cell)) else ""


def is_open(text: str, delimiter: str) -> bool:
    """Whether a quoted field that begins in this line is still open at its end."""
    at = 0
    while True:
        while text[at : at + 1] == " ":
            at += 1
        if text[at : at + 1] == '"':
            end = _quote_end(text, at + 1)
            if end is None:
                return True
            at = end
        at = text.find(delimiter, at) + 1
        if not at:
            return False


def closing(text: str, delimiter: str) -> int | None:
    """Where in a line that begins inside a quoted field its last field ends; None where one stays open."""
    end = _quote_end(text, 0)
    if end is None:
        return None
    rest = text.find(delimiter, end)
    return None if rest >= 0 and is_open(text[rest + 1 :], delimiter) else end


def _quote_end(text: str, at: int) -> int | None:
    """The place after the quotation mark that ends a field; a doubled one is part of it."""
    while True:
        at = text.find('"', at)
        if at < 0:
            return None
        if text[at + 1 : at + 2] != '"':
            return at + 1
        at += 2


def cells_of(text: str, delimiter: str) -> tuple[str, ...] | None:
    """The cells of one record; None when the text is not one record."""
    try:
        records = list(
            csv.reader(io.StringIO(text, newline="\n"), delimiter=delimiter, skipinitialspace=True)
        )
    except csv.Error:
        return None
    return tuple(records[0]) if len(records) == 1 else () if not records else None


def delimiter_of(lines: Sequence[str]) -> str | None:
    """The delimiter that gives most of these lines the same number of cells; None when no line has one."""
    shown = [line for line in lines if line.strip()][:50]
    best: tuple[bool, float, int, str] | None = None
    for rank, delimiter in enumerate(_DELIMITERS):
        counts = [_n_cells(line, delimiter) for line in shown]
        if not counts or counts[0] < 2:
            continue
        share = sum(count == counts[0] for count in counts) / len(counts)
        choice = (share < _MOST, -share if share < _MOST else 0.0, rank, delimiter)
        best = choice if best is None else min(best, choice)
    return None if best is None else best[3]


def _n_cells(line: str, delimiter: str) -> int:
    cells = None if is_open(line, delimiter) else cells_of(line, delimiter)
    return line.count(delimiter) + 1 if cells is None else len(cells)
