"""JSON from outside, limited in size and depth, without NaN and infinities."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from typing import Final, cast

from earwitness.api.datasets.items import Json
from earwitness.api.datasets.names import label

_FIELDS: Final = 256
_TEXT: Final = 4096
_DEPTH: Final = 4


class BadJson(ValueError):
    """The text is not JSON that is accepted; the message says why."""


def parse_json(text: str | bytes) -> Json:
    """Parse JSON; NaN becomes null, and an infinity its name.

    Raises
    ------
    BadJson
        Not JSON, not UTF-8, nested too deeply, or with a number of thousands of digits.
    """
    try:
        return cast(Json, json.loads(text, parse_constant=constant_of))
    except RecursionError:
        raise BadJson("nested too deeply") from None
    except ValueError as error:
        raise BadJson(label(str(error))[:200]) from None


def constant_of(name: str) -> str | None:
    """The value of a constant that JSON does not have: null for NaN; an infinity is kept as text."""
    return None if name == "NaN" else name


def json_object(text: str | bytes) -> dict[str, Json]:
    """Parse a JSON object; anything else is `BadJson`."""
    value = parse_json(text)
    if not isinstance(value, dict):
        raise BadJson(f"it is not an object but a {type(value).__name__}")
    return value


def text_of(row: Mapping[str, Json], *keys: str) -> str | None:
    """The first of these fields that holds text or a number, as text; None when none does."""
    for key in keys:
        value = row.get(key)
        if isinstance(value, str) and value.strip():
            return value.strip()
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
    return None


def shown_json(row: Mapping[str, Json]) -> dict[str, Json]:
    """A row's fields for storing and showing: names and texts as labels, long and deep values cut."""
    return {label(key): _shown(value, depth=0) for key, value in itertools.islice(row.items(), _FIELDS)}


def _shown(value: Json, *, depth: int) -> Json:
    if isinstance(value, str):
        return label(value if len(value) <= _TEXT else value[:_TEXT] + "...")
    if isinstance(value, list):
        return [] if depth > _DEPTH else [_shown(each, depth=depth + 1) for each in value[:_FIELDS]]
    if isinstance(value, dict):
        inner = {} if depth > _DEPTH else dict(itertools.islice(value.items(), _FIELDS))
        return {label(key): _shown(each, depth=depth + 1) for key, each in inner.items()}
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 1 << 63:
        return float(value) if abs(value) < 1 << 1000 else None
    return value
