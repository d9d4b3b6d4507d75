"""Metadata in bounds."""

from __future__ import annotations

import json
import pickle

import pytest

from earwitness.api.datasets.isolated.metadata_limits import MAX_CHARS, bounded
from earwitness.api.datasets.items import Json


def nested(depth: int, kind: str) -> Json:
    """Lists or objects within each other."""
    value: Json = 1
    for _ in range(depth):
        value = [value] if kind == "list" else {"x": value}
    return value


def test_ordinary_metadata_is_kept_as_it_is() -> None:
    """Text of any script, numbers, lists and objects come out unchanged."""
    said: dict[str, Json] = {"title": "Café 歌", "n": 7, "x": 0.5, "tags": ["a", {"b": None}], "ok": True}
    assert bounded(said) == said


@pytest.mark.parametrize("depth", [40, 600, 900, 100_000])
@pytest.mark.parametrize("kind", ["list", "object"])
def test_metadata_of_any_depth_can_be_handed_on(depth: int, kind: str) -> None:
    """What is nested more deeply than anybody writes it is cut there, and can be pickled and written."""
    kept = bounded({"title": "a", "deep": nested(depth, kind)})
    assert kept["title"] == "a"
    assert pickle.loads(pickle.dumps(kept)) == json.loads(json.dumps(kept)) == kept


@pytest.mark.parametrize(
    "large",
    [
        {"x": "y" * (MAX_CHARS + 1)},
        {str(n): "y" * 1000 for n in range(10_000)},
        {"x": list(range(1_000_000))},
        {"y" * (MAX_CHARS + 1): 1},
        {"x": {str(n): None for n in range(1_000_000)}},
    ],
    ids=["text", "fields", "list", "name", "object"],
)
def test_metadata_of_any_length_is_bounded(large: dict[str, Json]) -> None:
    """What there is no room for is left out; what comes before it stays."""
    kept = bounded({"title": "a", **large})
    assert kept["title"] == "a"
    assert len(json.dumps(kept)) < 4 * MAX_CHARS


def test_text_that_is_no_text_is_escaped() -> None:
    """Lone surrogates, in names and values, can be written as UTF-8 afterwards; huge numbers become null."""
    kept = bounded({"ti\udce9": ["Caf\udce9", float("nan"), 10**400]})
    assert kept == {"ti\\xe9": ["Caf\\xe9", None, None]}
    json.dumps(kept, ensure_ascii=False).encode()
