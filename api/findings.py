"""Findings: the answer about one item, and its JSON form (``earwitness.finding/1``).

Numbers are rounded only here, when a line is written: seconds to 0.01, ratios to 0.001, coverages and
similarities to 0.01, E-values to two significant digits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from earwitness.fingerprint.errors import EarwitnessError
from earwitness.fingerprint.types import AudioPart
from earwitness.index.match import Effort, Verdict
from earwitness.index.matching.verdict import MATCH_E_VALUE, SCAN_E_VALUE

SCHEMA: Final = "earwitness.finding/1"
SCHEMAS: Final = {"finding": Path(__file__).parent / "schemas" / "finding-1.json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingItem:
    """The item that was searched for.

    Attributes
    ----------
    sha256 : str or None
        Digest of its bytes as stored; None where they could not be read.
    duration_s : float or None
        Seconds that were compared.
    parts : tuple of AudioPart
        The streams of a file that holds several, on the item's timeline; empty where there is one.
    not_compared_s : float
        Seconds that the item is known to have, and that were not compared.
    """

    id: str
    path: str
    sha256: str | None
    duration_s: float | None
    parts: tuple[AudioPart, ...] = ()
    not_compared_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingError:
    """Why an item could not be compared, or not to its end."""

    code: str
    message: str
    hint: str

    @staticmethod
    def of(error: EarwitnessError) -> FindingError:
        """Copy code, message and hint of an error."""
        return FindingError(code=error.code, message=error.message, hint=error.hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingCollection:
    """One collection that was searched, in its state at that time."""

    name: str
    version: str
    indexed_at: str
    items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingSearch:
    """What was searched, and for which changes; ``no_match`` means no more than this."""

    collections: tuple[FindingCollection, ...]
    effort: Effort
    speed: tuple[float, float]
    pitch_cents: tuple[float, float]
    tempo: tuple[float, float]
    scheme: str
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRecording:
    """The recording that matches: `id` is the sha256 of its bytes, `path` the name it was added under."""

    id: str
    path: str
    title: str | None
    owner: str | None
    isrc: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingSegment:
    """One aligned stretch, in seconds from each file's start."""

    query_start_s: float
    query_end_s: float
    reference_start_s: float
    reference_end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingMatch:
    """One item of a collection that holds the query's audio, or a part of it."""

    collection: str
    version: str
    recording: FindingRecording
    kind: str
    e_value: float
    e_extrapolated: bool
    similarity: float
    query_coverage: float
    reference_coverage: float
    speed: float | None
    pitch_cents: float | None
    tempo: float | None
    """All three are None where the change was not measured."""
    segments: tuple[FindingSegment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The answer about one item; the best match comes first.

    Attributes
    ----------
    match_e_value : float
        Largest E-value with the verdict ``match``; it is lower in a scan of many items.
    """

    item: FindingItem
    verdict: Verdict
    error: FindingError | None
    search: FindingSearch
    matches: tuple[FindingMatch, ...]
    match_e_value: float = MATCH_E_VALUE

    @property
    def best_e_value(self) -> float:
        """The smallest E-value; infinite without a match."""
        return min((match.e_value for match in self.matches), default=float("inf"))

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as a JSON object of the schema ``earwitness.finding/1``."""
        return to_json(self)


def graded(finding: Finding, *, n_items: int) -> Finding:
    """Apply the rule of a scan: for a ``match``, E-value times the items of the scan is at most 0.1 as well.

    Otherwise it is ``possible``. Findings are graded at the end of a scan, when its number of items is known.
    """
    may_be_chance = finding.verdict is Verdict.MATCH and finding.best_e_value * n_items > SCAN_E_VALUE
    verdict = Verdict.POSSIBLE if may_be_chance else finding.verdict
    return replace(finding, verdict=verdict, match_e_value=threshold(n_items))


def threshold(n_items: int) -> float:
    """Return the largest E-value that is a match in a scan of `n_items`."""
    return min(MATCH_E_VALUE, SCAN_E_VALUE / max(n_items, 1))


def to_json(finding: Finding) -> dict[str, Any]:
    """Return the finding in the form of the schema, rounded, keys in order."""
    error = finding.error
    return {
        "schema": SCHEMA,
        "item": _item_json(finding.item),
        "verdict": str(finding.verdict),
        "error": error and {"code": error.code, "message": error.message, "hint": error.hint},
        "search": search_json(finding.search),
        "matches": [_match_json(match) for match in finding.matches],
    }


def _item_json(item: FindingItem) -> dict[str, Any]:
    """Return the item in the form of the schema; optional keys without a value are left out."""
    fields: dict[str, Any] = {
        "id": item.id,
        "path": item.path,
        "sha256": item.sha256,
        "duration_s": None if item.duration_s is None else round(item.duration_s, 2),
    }
    if len(item.parts) > 1:
        fields["parts"] = [
            {
                "label": part.label,
                "start_s": round(part.start_s, 2),
                "duration_s": round(part.duration_s, 2),
                "kind": part.kind,
            }
            for part in item.parts
        ]
    if round(item.not_compared_s, 2) > 0:
        fields["not_compared_s"] = round(item.not_compared_s, 2)
    return fields


def search_json(search: FindingSearch) -> dict[str, Any]:
    """Return what was searched, in the form of the schema."""
    return {
        "collections": [
            {"name": c.name, "version": c.version, "indexed_at": c.indexed_at, "items": c.items}
            for c in search.collections
        ],
        "effort": str(search.effort),
        "speed": [round(ratio, 3) for ratio in search.speed],
        "pitch_cents": [round(cents) for cents in search.pitch_cents],
        "tempo": [round(ratio, 3) for ratio in search.tempo],
        "scheme": search.scheme,
        "epoch": search.epoch,
    }


def _match_json(match: FindingMatch) -> dict[str, Any]:
    recording = match.recording
    return {
        "collection": match.collection,
        "version": match.version,
        "recording": {
            "id": recording.id,
            "path": recording.path,
            "title": recording.title,
            "owner": recording.owner,
            "isrc": recording.isrc,
        },
        "class": match.kind,
        "e_value": float(f"{match.e_value:.1e}"),
        "e_extrapolated": match.e_extrapolated,
        "similarity": round(match.similarity, 2),
        "query_coverage": round(match.query_coverage, 2),
        "reference_coverage": round(match.reference_coverage, 2),
        "speed": None if match.speed is None else round(match.speed, 3),
        "pitch_cents": None if match.pitch_cents is None else round(match.pitch_cents),
        "tempo": None if match.tempo is None else round(match.tempo, 3),
        "segments": [
            {
                "query_start_s": round(segment.query_start_s, 2),
                "query_end_s": round(segment.query_end_s, 2),
                "reference_start_s": round(segment.reference_start_s, 2),
                "reference_end_s": round(segment.reference_end_s, 2),
            }
            for segment in match.segments
        ],
    }


def to_line(finding: Finding) -> str:
    """Return one line of JSON, newline included; characters beyond ASCII are escaped."""
    return json.dumps(to_json(finding), allow_nan=False) + "\n"


def from_json(fields: Mapping[str, Any]) -> Finding:
    """Parse a finding; ``from_json(to_json(f))`` is `f` rounded.

    Raises
    ------
    KeyError, TypeError, ValueError
        When `fields` does not have the form of the schema.
    """
    if fields["schema"] != SCHEMA:
        raise ValueError(f"{fields['schema']} is not {SCHEMA}")
    return Finding(
        item=_item_of(fields["item"]),
        verdict=Verdict(fields["verdict"]),
        error=None if fields["error"] is None else FindingError(**fields["error"]),
        search=search_from_json(fields["search"]),
        matches=tuple(_match_of(match) for match in fields["matches"]),
    )


def _item_of(fields: Mapping[str, Any]) -> FindingItem:
    parts = tuple(AudioPart(**part) for part in fields.get("parts") or ())
    return FindingItem(**{**fields, "parts": parts, "not_compared_s": fields.get("not_compared_s") or 0.0})


def search_from_json(fields: Mapping[str, Any]) -> FindingSearch:
    """Parse the result of `search_json`."""
    return FindingSearch(
        collections=tuple(FindingCollection(**each) for each in fields["collections"]),
        effort=Effort(fields["effort"]),
        speed=_pair(fields["speed"]),
        pitch_cents=_pair(fields["pitch_cents"]),
        tempo=_pair(fields["tempo"]),
        scheme=fields["scheme"],
        epoch=fields["epoch"],
    )


def _pair(values: list[float]) -> tuple[float, float]:
    low, high = values
    return (float(low), float(high))


def _match_of(fields: Mapping[str, Any]) -> FindingMatch:
    for name in ("e_value", "similarity", "query_coverage", "reference_coverage"):
        if not isinstance(fields[name], int | float):
            raise TypeError(f"{name} is not a number")
    rest = {key: value for key, value in fields.items() if key not in {"class", "recording", "segments"}}
    return FindingMatch(
        kind=fields["class"],
        recording=FindingRecording(**fields["recording"]),
        segments=tuple(FindingSegment(**each) for each in fields["segments"]),
        **rest,
    )


def read_lines(path: Path) -> Iterator[Finding]:
    """Yield the findings of a jsonl file, in its spec.

    Raises
    ------
    OSError
    ValueError
        When a line is not a finding; the message has its number.
    """
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                yield from_json(json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                reason = f"no {error}" if isinstance(error, KeyError) else str(error)
                raise ValueError(f"line {number:,}: {reason}") from error


@cache
def schema(name: str = "finding") -> dict[str, Any]:
    """Return a JSON Schema (draft 2020-12) of the package."""
    loaded: dict[str, Any] = json.loads(SCHEMAS[name].read_text(encoding="utf-8"))
    return loaded
