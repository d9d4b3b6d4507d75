"""Compares answers with the expected ones in ``findings/``, or updates those."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

FINDINGS: Final = Path(__file__).parent / "findings"
TOLERANCES: Final = {
    "e_value": 0.05,  # of log10: one step of its second digit; and see LOG_TOLERANCE
    "expected_false_matches": 0.05,
    "expected_possible": 0.05,
    "similarity": 0.0101,
    "query_coverage": 0.0101,
    "reference_coverage": 0.0101,
    "seconds": 0.0201,
}
"""Tolerance of numbers by their field (``_s`` at the end: seconds); all others must be equal."""

LOG_TOLERANCE: Final = 0.01
"""More tolerance of an E-value, as a part of its log10: processors round decoded audio differently."""

_LOGARITHMIC: Final = {"e_value", "expected_false_matches", "expected_possible"}
_E_VALUE_IN_TEXT: Final = re.compile(r"(?<=~)\d(?:\.\d)?e-\d+")
SHOWN: Final = 10


def check(name: str, actual: Mapping[str, Any], *, update: bool) -> None:
    """Compare answers by item with ``findings/NAME.jsonl``.

    Parameters
    ----------
    actual
        Answers by item, as JSON values.
    update
        Whether to write them to the file first.

    Raises
    ------
    AssertionError
        With the first differences: item, field, expected, actual.
    """
    path = FINDINGS / f"{name}.jsonl"
    if update:
        path.parent.mkdir(exist_ok=True)
        rows = (
            json.dumps({"id": item, "answer": actual[item]}, ensure_ascii=False) for item in sorted(actual)
        )
        path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    expected = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    differ = list(differences({row["id"]: row["answer"] for row in expected}, actual))
    shown = "".join(f"\n  {line}" for line in differ[:SHOWN])
    assert not differ, (
        f"{path.name}: {len(differ)} differences; the first {len(differ[:SHOWN])}:{shown}"
        "\nIf they are intended: pytest tests/golden --update-golden, and review the diff of the data."
    )


def differences(expected: Mapping[str, Any], actual: Mapping[str, Any]) -> Iterator[str]:
    """Yield a description of each difference."""
    for item in sorted(expected.keys() | actual.keys()):
        if item not in expected or item not in actual:
            yield f"{item}: expected {_brief(expected, item)}, actual {_brief(actual, item)}"
            continue
        for field, one, other in _unequal("", expected[item], actual[item]):
            yield f"{item}: {field or 'answer'}: expected {one}, actual {other}"


def _brief(answers: Mapping[str, Any], item: str) -> str:
    return json.dumps(answers[item])[:200] if item in answers else "nothing"


def _unequal(field: str, expected: Any, actual: Any) -> Iterator[tuple[str, str, str]]:
    """Yield field, expected and actual value of each difference."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key in [*expected, *(key for key in actual if key not in expected)]:
            if key in expected and key in actual:
                yield from _unequal(f"{field}.{key}".lstrip("."), expected[key], actual[key])
            else:
                yield f"{field}.{key}".lstrip("."), _brief(expected, key), _brief(actual, key)
        if expected.keys() == actual.keys() and list(expected) != list(actual):
            yield f"{field} (order of keys)", str(list(expected)), str(list(actual))
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for number, (one, other) in enumerate(zip(expected, actual, strict=True)):
            yield from _unequal(f"{field}[{number}]", one, other)
    elif not _is_equal(field.rpartition(".")[2], expected, actual):
        yield field, json.dumps(expected, ensure_ascii=False), json.dumps(actual, ensure_ascii=False)


def _is_equal(field: str, expected: Any, actual: Any) -> bool:
    if type(expected) is not type(actual):
        return False
    if isinstance(expected, str):
        return _is_equal_text(expected, actual)
    tolerance = TOLERANCES.get(field, TOLERANCES["seconds"] if field.endswith("_s") else 0.0)
    if not isinstance(expected, float) or not tolerance:
        return bool(expected == actual)
    if field in _LOGARITHMIC:
        return _is_near(expected, actual, tolerance)
    return bool(abs(expected - actual) <= tolerance)


def _is_near(expected: float, actual: float, tolerance: float) -> bool:
    """Compare E-values by their log10."""
    if min(expected, actual) <= 0:
        return expected == actual
    allowed = tolerance + LOG_TOLERANCE * abs(math.log10(expected))
    return abs(math.log10(expected / actual)) <= allowed


def _is_equal_text(expected: str, actual: str) -> bool:
    """Compare texts; the E-values in them (``~5e-7``) with their tolerance, all else exactly."""
    texts = [_E_VALUE_IN_TEXT.split(text) for text in (expected, actual)]
    values = [[float(value) for value in _E_VALUE_IN_TEXT.findall(text)] for text in (expected, actual)]
    return texts[0] == texts[1] and all(
        _is_near(one, other, TOLERANCES["e_value"]) for one, other in zip(*values, strict=True)
    )
