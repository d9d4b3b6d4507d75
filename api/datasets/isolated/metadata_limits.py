"""Limits the depth and length of metadata, and escapes text that cannot be encoded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from earwitness.api.datasets.items import Json
from earwitness.api.datasets.names import label

MAX_DEPTH: Final = 32
"""Levels of metadata; a deeper value becomes null."""
MAX_CHARS: Final = 256 << 10
"""Characters of one item's metadata, names included; what follows becomes null or is left out."""
_MAX_DIGITS_BITS: Final = 1 << 10
_VALUE_CHARS: Final = 8
"""Characters that a value counts for which is no text."""


def limit_metadata(metadata: Mapping[str, Json]) -> dict[str, Json]:
    """Return metadata within the limits on depth and size; metadata within them is unchanged.

    Lone surrogates are escaped, a number that JSON cannot hold becomes null.
    """
    return _Budget().fields(metadata, MAX_DEPTH)


def escape_surrogates(text: str) -> str:
    """Escape lone surrogates; other text is unchanged."""
    return "".join(map(label, text)) if any("\ud800" <= char <= "\udfff" for char in text) else text


class _Budget:
    """Characters that are left of `MAX_CHARS`."""

    def __init__(self) -> None:
        self._left = MAX_CHARS

    def fields(self, value: Mapping[str, Json], depth: int) -> dict[str, Json]:
        """Copy the fields that fit."""
        copied: dict[str, Json] = {}
        for name, each in value.items():
            if not self._take(len(name)):
                break
            copied[escape_surrogates(name)] = self._value(each, depth - 1)
        return copied

    def _value(self, value: Json, depth: int) -> Json:
        if isinstance(value, str):
            return escape_surrogates(value) if self._take(len(value)) else None
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
        copied: list[Json] = []
        for each in value:
            if self._left <= 0:
                break
            copied.append(self._value(each, depth - 1))
        return copied

    def _take(self, n_chars: int) -> bool:
        self._left -= n_chars
        return self._left >= 0
