"""Checks the tags that the decode worker sends: it is not trusted, and what files hold even less."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Final

from earwitness.fingerprint.types import Tags

MAX_CHARACTERS: Final = 500
"""Longest text; the rest of a longer one is left out."""


def tags_of(message: Mapping[str, object]) -> Tags:
    """Return the tags of the worker's message, each one line without control characters."""
    return Tags(**{field.name: _line(message.get(field.name)) for field in fields(Tags)})


def _line(value: object) -> str | None:
    """One line of printable characters; None where nothing is left or the value is no text."""
    if not isinstance(value, str):
        return None
    words = " ".join(value.split())
    text = "".join(character for character in words if character.isprintable())
    return text[:MAX_CHARACTERS].strip() or None
