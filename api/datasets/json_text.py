"""JSON from outside: capped in size and depth, with nothing in it that JSON does not have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

from api.datasets.labels import label
from api.datasets.types import Json


class BadJson(ValueError):
    """The text is no JSON that we accept; the message says why."""


def parse_json(text: str | bytes) -> Json:
    """Parse JSON; NaN and infinities become null, since no JSON of ours may hold them.

    Raises
    ------
    BadJson
        Not JSON, not UTF-8, nested too deeply, or with a number of thousands of digits.
    """
    try:
        return cast(Json, json.loads(text, parse_constant=lambda _: None))
    except RecursionError:
        raise BadJson("nested too deeply") from None
    except ValueError as error:
        raise BadJson(label(str(error))[:200]) from None


def json_object(text: str | bytes) -> dict[str, Json]:
    """Parse a JSON object; anything else is `BadJson`."""
    value = parse_json(text)
    if not isinstance(value, dict):
        raise BadJson(f"an object is wanted, this is a {type(value).__name__}")
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


def seconds_of(row: Mapping[str, Json], *keys: str) -> float | None:
    """The first of these fields that reads as a number of seconds from 0 up; None when none does."""
    for key in keys:
        value = row.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            continue
        try:
            seconds = float(value)
        except (ValueError, OverflowError):
            continue
        if 0.0 <= seconds < 1e9:
            return seconds
    return None
