"""Pairs of items of two sets that share sound or are the very file; written as JSON lines or CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from earwitness.api.findings import FindingMatch
from earwitness.api.scan.outputs import as_text, whole_file, write_table

SCHEMA: Final = "earwitness.overlap-pair/1"
PAIR_COLUMNS: Final = (
    "set_a", "item_a", "set_b", "item_b", "verdict", "same_file", "class", "e_value", "e_extrapolated",
    "similarity", "covers_a", "covers_b", "start_a_s", "end_a_s", "start_b_s", "end_b_s",
)  # fmt: skip
"""One row for each stretch that a pair shares; one without a stretch for a pair that only its bytes show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One item of each of two sets.

    Attributes
    ----------
    sets, items : tuple of str
        Names of the sets, and ids of the items, in the order in which the sets were named.
    same_file : bool
        Whether both are the same bytes.
    verdict : str
        ``match``, ``possible``, ``shared_material``; ``same_file`` where only the bytes show it.
    match : FindingMatch or None
        The match by sound; None where only the bytes show it.
    swapped : bool
        Whether the query of the match is the second item.
    """

    sets: tuple[str, str]
    items: tuple[str, str]
    verdict: str
    same_file: bool
    match: FindingMatch | None = None
    swapped: bool = False

    @property
    def is_certain(self) -> bool:
        """Whether the pair counts as overlap: a match, or the very file."""
        return self.verdict in {"match", "same_file"}

    @property
    def spans(self) -> list[tuple[tuple[float, float], tuple[float, float]]]:
        """Start and end in seconds of each shared stretch, in the first and in the second item."""
        spans = [
            ((each.query_start_s, each.query_end_s), (each.reference_start_s, each.reference_end_s))
            for each in (() if self.match is None else self.match.segments)
        ]
        return [(there, here) for here, there in spans] if self.swapped else spans

    @property
    def covers(self) -> tuple[float, float] | None:
        """Fraction of the first and of the second item that the stretches cover."""
        if self.match is None:
            return None
        both = (self.match.query_coverage, self.match.reference_coverage)
        return both[::-1] if self.swapped else both

    def to_json(self) -> dict[str, Any]:
        """Return the pair as a JSON object of the schema ``earwitness.overlap-pair/1``."""
        fields: dict[str, Any] = {
            "schema": SCHEMA,
            "set_a": self.sets[0],
            "item_a": self.items[0],
            "set_b": self.sets[1],
            "item_b": self.items[1],
            "verdict": self.verdict,
            "same_file": self.same_file,
        }
        match, covers = self.match, self.covers
        if match is not None and covers is not None:
            fields |= {
                "class": match.kind,
                "e_value": match.e_rounded,
                "e_extrapolated": match.e_extrapolated,
                "similarity": round(match.similarity, 2),
                "covers_a": round(covers[0], 2),
                "covers_b": round(covers[1], 2),
            }
        return fields | {"segments": [_segment(*span) for span in self.spans]}


def _segment(here: tuple[float, float], there: tuple[float, float]) -> dict[str, float]:
    return {
        "start_a_s": round(here[0], 2),
        "end_a_s": round(here[1], 2),
        "start_b_s": round(there[0], 2),
        "end_b_s": round(there[1], 2),
    }


def write_pairs(pairs: Iterable[Pair], path: Path, *, form: Literal["jsonl", "csv"]) -> None:
    """Write the pairs, one JSON object a line, or one CSV row for each stretch."""
    with whole_file(path) as file:
        if form == "csv":
            write_table((row for pair in pairs for row in _flat_rows(pair)), PAIR_COLUMNS, file)
            return
        for pair in pairs:
            file.write(json.dumps(pair.to_json()).encode() + b"\n")


def _flat_rows(pair: Pair) -> Iterator[dict[str, Any]]:
    fields = pair.to_json()
    segments = fields.pop("segments") or [{}]
    return (fields | segment for segment in segments)


def write_left_out(items: Iterable[str], path: Path) -> None:
    """Write the ids of items to leave out of a set, as the set has them.

    A path that ends with ``.csv`` gets the columns of WavCaps' black lists, ``index,id``; any other one id a
    line.
    """
    with whole_file(path) as file, as_text(file) as text:
        if path.suffix.lower() == ".csv":
            csv.writer(text).writerows([("index", "id"), *enumerate(items)])
        else:
            text.writelines(f"{each}\n" for each in items)
