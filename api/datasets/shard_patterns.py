"""Shard patterns: ``train-{0000..0009}.tar`` names ten files, ``{a,b}.tar`` two."""

from __future__ import annotations

import itertools
import re
from typing import Final

from earwitness.api.datasets.source_errors import SourceTooLarge

_BRACES: Final = re.compile(r"\{([^{}]*)\}")
_RANGE: Final = re.compile(r"(\d{1,12})\.\.(\d{1,12})")
MAX_SHARDS: Final = 100_000


def is_pattern(source: str) -> bool:
    """Whether a source is a shard pattern."""
    return any(_RANGE.fullmatch(body) or "," in body for body in _BRACES.findall(source))


def expand(pattern: str) -> list[str]:
    """Name every shard of a pattern, in order; a range keeps its leading zeros."""
    parts = _BRACES.split(pattern)  # text, braces, text, braces, ... text
    choices = [[part] if n % 2 == 0 else _choices(part, pattern) for n, part in enumerate(parts)]
    count = 1
    for choice in choices:
        count *= len(choice)
    if count > MAX_SHARDS:
        raise SourceTooLarge(source=pattern, what="shards", limit=f"{MAX_SHARDS:,}")
    return ["".join(pieces) for pieces in itertools.product(*choices)]


def _choices(body: str, pattern: str) -> list[str]:
    number_range = _RANGE.fullmatch(body)
    if not number_range:
        return body.split(",") if "," in body else [f"{{{body}}}"]
    first, last = number_range.groups()
    if int(last) - int(first) >= MAX_SHARDS:
        raise SourceTooLarge(source=pattern, what="shards", limit=f"{MAX_SHARDS:,}")
    return [str(number).zfill(len(first)) for number in range(int(first), int(last) + 1)]
