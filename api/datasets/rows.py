"""Rows of CSV, TSV and JSONL, bad ones included, each with the bytes it was written as."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from api.datasets.json_text import BadJson, json_object
from api.datasets.labels import label
from api.datasets.presets import Layout
from api.datasets.types import Json, SourceLimits

DELIMITERS: Final = {"csv": ",", "tsv": "\t"}
_TOO_LONG: Final = "\0\n"
"""Stands for a line that exceeds its cap; no row may hold a NUL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row as it was written: its number in the file, and its fields or what is wrong with it."""

    number: int
    text: bytes
    fields: Mapping[str, Json] = field(default_factory=dict)
    error: str | None = None
    is_header: bool = False


def rows(stream: BinaryIO, kind: str, *, layout: Layout, limits: SourceLimits) -> Iterator[Row]:
    """Go through a manifest: its header, where it has one, and its rows."""
    lines = _Lines(stream, limits.header_bytes)
    return _json_rows(lines) if kind == "jsonl" else _csv_rows(lines, DELIMITERS[kind], layout)


class _Lines:
    """Lines of text, none longer than the cap; remembers the bytes of those not yet taken."""

    def __init__(self, stream: BinaryIO, max_bytes: int) -> None:
        self._stream, self._max_bytes = stream, max_bytes
        self._encoding = "utf-8-sig"  # of the first line
        self._taken = b""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._stream.readline(self._max_bytes + 1)
        if not line:
            raise StopIteration
        encoding, self._encoding = self._encoding, "utf-8"
        if len(line) > self._max_bytes:
            self._pass_over()
            return _TOO_LONG
        self._taken += line
        return line.decode(encoding, "surrogateescape")

    def _pass_over(self) -> None:
        while (rest := self._stream.readline(self._max_bytes)) and not rest.endswith(b"\n"):
            pass

    def take(self) -> bytes:
        """The bytes of the lines since the last taking."""
        taken, self._taken = self._taken, b""
        return taken


def _json_rows(lines: _Lines) -> Iterator[Row]:
    for number, line in enumerate(lines):
        text = lines.take()
        if not line.strip():
            continue
        try:
            yield Row(number=number, text=text, fields=json_object(line))
        except BadJson as error:
            yield Row(number=number, text=text, error=str(error))


def _csv_rows(lines: _Lines, delimiter: str, layout: Layout) -> Iterator[Row]:
    for _ in range(layout.skip_rows):
        next(lines, None)
    table = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    columns = list(layout.columns or ()) or _header(table)
    if header := lines.take():
        yield Row(number=-1, text=header, is_header=True)
    number = 0
    while (row := _csv_row(table, columns, number, lines)) is not None:
        if row.error or row.fields:
            yield row
            number += 1


def _header(table: Iterator[list[str]]) -> list[str]:
    try:
        return next(table, [])
    except csv.Error as error:  # without its header no row can be understood
        raise OSError(f"damaged header: {label(str(error))}") from error


def _csv_row(table: Iterator[list[str]], columns: list[str], number: int, lines: _Lines) -> Row | None:
    """The next row, without fields when it is empty; None at the end."""
    try:
        cells = next(table, None)
    except csv.Error as error:
        return Row(number=number, text=lines.take(), error=label(str(error)))
    if cells is None:
        return None
    text = lines.take()
    if "\0" in "".join(cells):
        return Row(number=number, text=text, error="it holds a NUL or is too long")
    fields: dict[str, Json] = {label(name): label(cell) for name, cell in zip(columns, cells, strict=False)}
    return Row(number=number, text=text, fields=fields)
