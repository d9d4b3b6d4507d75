"""Rows of text manifests, unreadable ones included, each with its bytes as written."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from earwitness.api.datasets.access.locations import Location
from earwitness.api.datasets.items import Json, SourceLimits
from earwitness.api.datasets.manifests.delimited import Records, cells_of
from earwitness.api.datasets.manifests.json_text import BadJson, parse_json
from earwitness.api.datasets.manifests.layouts import Layout
from earwitness.api.datasets.manifests.lines import Line, lines_of
from earwitness.api.datasets.names import label

_EXTINF: Final = re.compile(r"#EXTINF:\s*-?[\d.]*[^,]*,(.*)", re.IGNORECASE)
_VLC_TIME: Final = re.compile(r"#EXTVLCOPT:(start|stop)-time=\s*(.*)", re.IGNORECASE)
_PLS: Final = re.compile(r"(File|Title|Length|NumberOfEntries|Version)(\d*)\s*=(.*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row as written: its number in the file, and its fields or its error."""

    number: int
    text: bytes
    fields: Mapping[str, Json] = field(default_factory=dict)
    error: str | None = None
    is_header: bool = False


def rows(place: Location, kind: str, *, layout: Layout, limits: SourceLimits) -> Iterator[Row]:
    """Rows of a manifest, and its other lines (header, blank lines, comments) as headers."""
    lines = lines_of(place, limits)
    if kind == "jsonl":
        return _json_rows(lines)
    return _list_rows(lines) if kind == "list" else _delimited_rows(lines, layout)


def _no_row(text: bytes) -> Row:
    return Row(number=-1, text=text, is_header=True)


def _json_rows(lines: Iterator[Line]) -> Iterator[Row]:
    number = 0
    for line in lines:
        if line.too_long:
            yield Row(number=number, text=b"", error="the line is too long")
        elif not line.text.strip():
            yield _no_row(line.raw)
            continue
        else:
            yield json_row(number, line.raw, line.text)
        number += 1


def json_row(number: int, raw: bytes, text: str) -> Row:
    """The row of one JSON text."""
    try:
        return value_row(number, raw, parse_json(text))
    except BadJson as error:
        return Row(number=number, text=raw, error=str(error))


def value_row(number: int, raw: bytes, value: Json) -> Row:
    """The row of one JSON value: an object, or a text that is a path."""
    if isinstance(value, str):
        value = {"path": value}
    if not isinstance(value, dict):
        return Row(number=number, text=raw, error=f"it is not an object but a {type(value).__name__}")
    return Row(number=number, text=raw, fields=value)


def _list_rows(lines: Iterator[Line]) -> Iterator[Row]:
    """Paths, one a line; M3U and PLS lists with their titles and times."""
    number, before, details = 0, b"", dict[str, Json]()
    for line in lines:
        text = line.text.strip()
        if line.too_long:
            yield Row(number=number, text=b"", error="the line is too long")
        elif pls := _PLS.fullmatch(text):
            if pls[1].lower() != "file":
                yield _no_row(line.raw)
                continue
            yield Row(number=number, text=line.raw, fields={"path": pls[3].strip()})
        elif not text or text.startswith("#") or (text.startswith("[") and text.endswith("]")):
            before += line.raw
            if match := _EXTINF.match(text):
                details["title"] = match[1].strip()
            if match := _VLC_TIME.match(text):
                details["start" if match[1].lower() == "start" else "end"] = match[2]
                details.setdefault("start", "0")
            if not details:
                yield _no_row(before)
                before = b""
            continue
        else:
            yield Row(number=number, text=before + line.raw, fields={"path": text, **details})
            before, details = b"", {}
        number += 1
    if before:
        yield _no_row(before)


def _delimited_rows(lines: Iterator[Line], layout: Layout) -> Iterator[Row]:
    lines, header = _headed(lines, layout)
    if text := b"".join(line.raw for line in header.lines):
        yield _no_row(text)
    path_at = layout.path_at(header.names)
    records = Records(lines, delimiter=layout.delimiter, n_columns=len(header.names), path_at=path_at)
    number = 0
    for record in records:
        if record.error is None and not any(cell.strip() for cell in record.cells):
            yield _no_row(record.raw)
            continue
        if record.error is not None:
            yield Row(number=number, text=record.raw, error=label(record.error))
        else:
            fields: dict[str, Json] = dict(zip(header.names, record.cells, strict=False))
            yield Row(number=number, text=record.raw, fields=fields)
        number += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    names: tuple[str, ...]
    lines: tuple[Line, ...]


def _headed(lines: Iterator[Line], layout: Layout) -> tuple[Iterator[Line], _Header]:
    """The lines after the header, and the header with the lines before it."""
    before: list[Line] = []
    skipped = 0
    for line in lines:
        if skipped < layout.skip_rows:
            before.append(line)
            skipped += bool(line.text) or line.too_long
        elif not line.text.strip() and not line.too_long:
            before.append(line)
        elif layout.columns is not None:
            return itertools.chain([line], lines), _Header(names=layout.columns, lines=tuple(before))
        else:
            cells = None if line.too_long else cells_of(line.text, layout.delimiter)
            if cells is None:  # without its header no row can be understood
                raise OSError("damaged header")
            return lines, _Header(names=_distinct(cells), lines=(*before, line))
    return iter(()), _Header(names=layout.columns or (), lines=tuple(before))


def _distinct(cells: tuple[str, ...]) -> tuple[str, ...]:
    """Column names; a name that repeats gets a number, so that no column hides another."""
    seen: dict[str, int] = {}
    names = []
    for n, cell in enumerate(cells):
        name = cell.strip().lstrip("#").strip() or f"column {n + 1}"
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return tuple(names)
