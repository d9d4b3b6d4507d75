"""Rows of text manifests, bad ones included, each with the bytes it was written as."""

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
from earwitness.api.datasets.manifests.lines import Line, lines_of
from earwitness.api.datasets.manifests.presets import Layout
from earwitness.api.datasets.names import label

_EXTINF: Final = re.compile(r"#EXTINF:\s*-?[\d.]*[^,]*,(.*)", re.IGNORECASE)
_VLC_TIME: Final = re.compile(r"#EXTVLCOPT:(start|stop)-time=\s*(.*)", re.IGNORECASE)
_PLS: Final = re.compile(r"(File|Title|Length|NumberOfEntries|Version)(\d*)\s*=(.*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row as it was written: its number in the file, and its fields or what is wrong with it."""

    number: int
    text: bytes
    fields: Mapping[str, Json] = field(default_factory=dict)
    error: str | None = None
    is_header: bool = False


def rows(place: Location, kind: str, *, layout: Layout, limits: SourceLimits) -> Iterator[Row]:
    """Go through a manifest: its header and what else is no row (blank lines, comments), and its rows."""
    lines = lines_of(place, limits)
    if kind == "jsonl":
        return _json_rows(lines)
    return _list_rows(lines) if kind == "list" else _delimited_rows(lines, layout)


def _none(text: bytes) -> Row:
    return Row(number=-1, text=text, is_header=True)


def _json_rows(lines: Iterator[Line]) -> Iterator[Row]:
    number = 0
    for line in lines:
        if line.too_long:
            yield Row(number=number, text=b"", error="a line that is too long")
        elif not line.text.strip():
            yield _none(line.raw)
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
        return Row(number=number, text=raw, error=f"an object is wanted, this is a {type(value).__name__}")
    return Row(number=number, text=raw, fields=value)


def _list_rows(lines: Iterator[Line]) -> Iterator[Row]:
    """Paths, one a line; M3U and PLS lists with their titles and times."""
    number, held, details = 0, b"", dict[str, Json]()
    for line in lines:
        text = line.text.strip()
        if line.too_long:
            yield Row(number=number, text=b"", error="a line that is too long")
        elif pls := _PLS.fullmatch(text):
            if pls[1].lower() != "file":
                yield _none(line.raw)
                continue
            yield Row(number=number, text=line.raw, fields={"path": pls[3].strip()})
        elif not text or text.startswith("#") or (text.startswith("[") and text.endswith("]")):
            held += line.raw
            if found := _EXTINF.match(text):
                details["title"] = found[1].strip()
            if found := _VLC_TIME.match(text):
                details["start" if found[1].lower() == "start" else "end"] = found[2]
                details.setdefault("start", "0")
            if not details:
                yield _none(held)
                held = b""
            continue
        else:
            yield Row(number=number, text=held + line.raw, fields={"path": text, **details})
            held, details = b"", {}
        number += 1
    if held:
        yield _none(held)


def _delimited_rows(lines: Iterator[Line], layout: Layout) -> Iterator[Row]:
    lines, columns = _headed(lines, layout)
    header = b"".join(line.raw for line in columns.lines)
    if header:
        yield _none(header)
    named = columns.names
    path_at = layout.path_at(named)
    records = Records(lines, delimiter=layout.delimiter, n_columns=len(named), path_at=path_at)
    number = 0
    for record in records:
        if record.error is None and not any(cell.strip() for cell in record.cells):
            yield _none(record.raw)
            continue
        if record.error is not None:
            yield Row(number=number, text=record.raw, error=label(record.error))
        else:
            fields: dict[str, Json] = dict(zip(named, record.cells, strict=False))
            yield Row(number=number, text=record.raw, fields=fields)
        number += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    names: tuple[str, ...]
    lines: tuple[Line, ...]


def _headed(lines: Iterator[Line], layout: Layout) -> tuple[Iterator[Line], _Header]:
    """The lines after the header, and the header: what comes before it is kept with it."""
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
    """Column names, a second one of a name numbered, so that none hides the other."""
    seen: dict[str, int] = {}
    names = []
    for n, cell in enumerate(cells):
        name = cell.strip().lstrip("#").strip() or f"column {n + 1}"
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return tuple(names)
