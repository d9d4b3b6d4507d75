"""Metadata in bounds: as deep and as long as anybody writes it, and text that every encoding takes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from earwitness.api.datasets.items import Json
from earwitness.api.datasets.names import label

MAX_DEPTH: Final = 32
"""Levels of metadata that are kept; what lies deeper becomes null."""
MAX_CHARS: Final = 256 << 10
"""Characters of one item's metadata, names included; what comes after them becomes null or is left out."""
_MAX_DIGITS_BITS: Final = 1 << 10
_VALUE_CHARS: Final = 8
"""What a value that is no text counts as."""


def bounded(metadata: Mapping[str, Json]) -> dict[str, Json]:
    """Return metadata whose depth, size and characters are bounded; ordinary metadata comes out as it is.

    Lone surrogates are escaped, a number that JSON cannot hold becomes null.
    """
    return _Room().fields(metadata, MAX_DEPTH)


def whole_text(text: str) -> str:
    """Return text without lone surrogates: they are escaped. All other text comes out as it is."""
    return "".join(map(label, text)) if any("\ud800" <= char <= "\udfff" for char in text) else text


class _Room:
    """How many characters may still be kept."""

    def __init__(self) -> None:
        self._left = MAX_CHARS

    def fields(self, value: Mapping[str, Json], depth: int) -> dict[str, Json]:
        """Keep the fields that there is room for."""
        kept: dict[str, Json] = {}
        for name, each in value.items():
            if not self._take(len(name)):
                break
            kept[whole_text(name)] = self._value(each, depth - 1)
        return kept

    def _value(self, value: Json, depth: int) -> Json:
        if isinstance(value, str):
            return whole_text(value) if self._take(len(value)) else None
        if not self._take(_VALUE_CHARS) or depth <= 0:
            return None
        if isinstance(value, dict):
            return self.fields(value, depth)
        if isinstance(value, list):
            return self._list(value, depth)
        if isinstance(value, float):
            return value if math.isfinite(value) else None
        if isinstance(value, bool | int):
            return value if value.bit_length() <= _MAX_DIGITS_BITS else None
        return None

    def _list(self, value: list[Json], depth: int) -> list[Json]:
        kept: list[Json] = []
        for each in value:
            if self._left <= 0:
                break
            kept.append(self._value(each, depth - 1))
        return kept

    def _take(self, n_chars: int) -> bool:
        self._left -= n_chars
        return self._left >= 0
