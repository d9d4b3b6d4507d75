"""Metadata within its limits."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable

import pytest

from earwitness.api.datasets.isolated.metadata_limits import MAX_CHARS, limit_metadata
from earwitness.api.datasets.items import Json


def nested(depth: int, kind: str) -> Json:
    """Lists or objects within each other."""
    value: Json = 1
    for _ in range(depth):
        value = [value] if kind == "list" else {"x": value}
    return value


def test_ordinary_metadata_is_unchanged() -> None:
    """Text of any script, numbers, lists and objects come out unchanged."""
    metadata: dict[str, Json] = {"title": "Café 歌", "n": 7, "x": 0.5, "tags": ["a", {"b": None}], "ok": True}
    assert limit_metadata(metadata) == metadata


@pytest.mark.parametrize("depth", [40, 600, 900, 100_000])
@pytest.mark.parametrize("kind", ["list", "object"])
def test_metadata_of_any_depth_can_be_pickled_and_written(depth: int, kind: str) -> None:
    """Metadata that is nested too deeply is cut at the limit."""
    limited = limit_metadata({"title": "a", "deep": nested(depth, kind)})
    assert limited["title"] == "a"
    assert pickle.loads(pickle.dumps(limited)) == json.loads(json.dumps(limited)) == limited


@pytest.mark.parametrize(
    "make",
    [
        lambda: {"x": "y" * (MAX_CHARS + 1)},
        lambda: {str(n): "y" * 1000 for n in range(10_000)},
        lambda: {"x": list(range(1_000_000))},
        lambda: {"y" * (MAX_CHARS + 1): 1},
        lambda: {"x": {str(n): None for n in range(1_000_000)}},
    ],
    ids=["text", "fields", "list", "name", "object"],
)
def test_metadata_of_any_length_is_limited(make: Callable[[], dict[str, Json]]) -> None:
    """What exceeds the limit is left out; what comes before it stays."""
    limited = limit_metadata({"title": "a", **make()})
    assert limited["title"] == "a"
    assert len(json.dumps(limited)) < 4 * MAX_CHARS


def test_lone_surrogates_are_escaped() -> None:
    """Lone surrogates, in names and values, can be written as UTF-8 afterwards; huge numbers become null."""
    limited = limit_metadata({"ti\udce9": ["Caf\udce9", float("nan"), 10**400]})
    assert limited == {"ti\\xe9": ["Caf\\xe9", None, None]}
    json.dumps(limited, ensure_ascii=False).encode()
