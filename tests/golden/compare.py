"""Compare answers with those that are kept, or keep them anew."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

FINDINGS: Final = Path(__file__).parent / "findings"
TOLERANCES: Final = {
    "e_value": 0.05,  # of log10: one step of its second digit
    "expected_false_matches": 0.05,
    "expected_possible": 0.05,
    "similarity": 0.0101,
    "query_coverage": 0.0101,
    "reference_coverage": 0.0101,
    "seconds": 0.0201,
}
"""By how much a number may differ, by its field (``_s`` at the end: seconds); all others: not at all."""

_LOGARITHMIC: Final = {"e_value", "expected_false_matches", "expected_possible"}
SHOWN: Final = 10


def check(name: str, found: Mapping[str, Any], *, update: bool) -> None:
    """Compare answers by item with ``findings/NAME.jsonl``.

    Parameters
    ----------
    found
        Item to its answer, of JSON's types.
    update
        Keep them instead.

    Raises
    ------
    AssertionError
        With the first differences: item, field, expected, found.
    """
    path = FINDINGS / f"{name}.jsonl"
    if update:
        path.parent.mkdir(exist_ok=True)
        rows = (json.dumps({"id": item, "answer": found[item]}, ensure_ascii=False) for item in sorted(found))
        path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    rows_kept = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    differ = list(differences({row["id"]: row["answer"] for row in rows_kept}, found))
    shown = "".join(f"\n  {line}" for line in differ[:SHOWN])
    assert not differ, (
        f"{path.name}: {len(differ)} differences from what is kept; the first {len(differ[:SHOWN])}:{shown}"
        "\nIf they are meant: pytest tests/golden --update-golden, and read the change of the data."
    )


def differences(kept: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    """Yield each difference in words."""
    for item in sorted(kept.keys() | found.keys()):
        if item not in kept or item not in found:
            yield f"{item}: expected {_brief(kept, item)}, found {_brief(found, item)}"
            continue
        for field, one, other in _unequal("", kept[item], found[item]):
            yield f"{item}: {field or 'answer'}: expected {one}, found {other}"


def _brief(answers: Mapping[str, Any], item: str) -> str:
    return json.dumps(answers[item])[:200] if item in answers else "nothing"


def _unequal(field: str, kept: Any, found: Any) -> Iterator[tuple[str, str, str]]:
    """Yield field, expected and found of each place where two values differ."""
    if isinstance(kept, dict) and isinstance(found, dict):
        for key in [*kept, *(key for key in found if key not in kept)]:
            if key in kept and key in found:
                yield from _unequal(f"{field}.{key}".lstrip("."), kept[key], found[key])
            else:
                yield f"{field}.{key}".lstrip("."), _brief(kept, key), _brief(found, key)
        if kept.keys() == found.keys() and list(kept) != list(found):
            yield f"{field} (order of keys)", str(list(kept)), str(list(found))
    elif isinstance(kept, list) and isinstance(found, list) and len(kept) == len(found):
        for number, (one, other) in enumerate(zip(kept, found, strict=True)):
            yield from _unequal(f"{field}[{number}]", one, other)
    elif not _alike(field.rpartition(".")[2], kept, found):
        yield field, json.dumps(kept, ensure_ascii=False), json.dumps(found, ensure_ascii=False)


def _alike(field: str, kept: Any, found: Any) -> bool:
    tolerance = TOLERANCES.get(field, TOLERANCES["seconds"] if field.endswith("_s") else 0.0)
    if type(kept) is not type(found) or not isinstance(kept, float) or not tolerance:
        return type(kept) is type(found) and bool(kept == found)
    if field in _LOGARITHMIC:
        return bool(kept == found) or (min(kept, found) > 0 and abs(math.log10(kept / found)) <= tolerance)
    return bool(abs(kept - found) <= tolerance)
