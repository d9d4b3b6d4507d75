"""The JSON form of findings (``earwitness.finding/2``); findings of ``earwitness.finding/1`` are read too.

Numbers are rounded only here, when a line is written: seconds to 0.01, ratios to 0.001, coverages and
similarities to 0.01, E-values to two significant digits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from earwitness.api.findings import (
    Finding,
    FindingCollection,
    FindingError,
    FindingItem,
    FindingMatch,
    FindingRecording,
    FindingSearch,
    FindingSegment,
    asserted_first,
    round_e,
)
from earwitness.api.shelf.names_evidence import named_in_of
from earwitness.api.shelf.same_file_evidence import SameFile
from earwitness.fingerprint.types import AudioPart
from earwitness.index.match import Effort, Verdict
from earwitness.index.matching.verdict import MATCH_E_VALUE, POSSIBLE_E_VALUE
from earwitness.index.statistics.power import Power, tested_of

SCHEMA: Final = "earwitness.finding/2"
SCHEMA_1: Final = "earwitness.finding/1"
"""Earlier schema, without the verdict ``shared_material``."""

DERIVED: Final = frozenset({"class", "recording", "segments", "e_extrapolated"})
"""Keys of a match that are no field of `FindingMatch` under the same name."""

SCHEMAS: Final = {
    "finding": Path(__file__).parent / "schemas" / "finding-2.json",
    "finding-1": Path(__file__).parent / "schemas" / "finding-1.json",
}


def to_json(finding: Finding) -> dict[str, Any]:
    """Return the finding in the form of the schema, rounded, keys in order."""
    error = finding.error
    unsupported = {} if finding.claims_supported else {"claims_supported": False}
    return {
        "schema": SCHEMA,
        "item": _item_json(finding.item),
        "verdict": str(finding.verdict),
        **unsupported,
        "error": error and {"code": error.code, "message": error.message, "hint": error.hint},
        "search": search_json(finding.search),
        "matches": [_match_json(match) for match in finding.matches],
        **({"power": _power_json(finding.power)} if finding.power else {}),
        **({"same_file": [_same_file_json(each) for each in finding.same_file]} if finding.same_file else {}),
        **({"names": [each.to_json() for each in finding.names]} if finding.names else {}),
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


def _power_json(power: Power) -> dict[str, Any]:
    hours = {name: round(getattr(power, name), 2) for name in ("tested_hours", "searched_hours")}
    return {**asdict(power), "effort": str(power.effort), **hours, "rows": list(map(asdict, power.rows))}


def _power_of(fields: Mapping[str, Any]) -> Power:
    return Power(**{**fields, "effort": Effort(fields["effort"]), "rows": tested_of(fields["rows"])})


def _same_file_json(found: SameFile) -> dict[str, Any]:
    return {**asdict(found), "paths": list(found.paths)}


def _match_json(match: FindingMatch) -> dict[str, Any]:
    return {
        "collection": match.collection,
        "version": match.version,
        "recording": _recording_json(match.recording),
        "class": match.kind,
        "e_value": match.e_rounded,
        "e_extrapolated": match.e_extrapolated,
        "e_checked_to": round_e(match.e_checked_to),
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


def _recording_json(recording: FindingRecording) -> dict[str, Any]:
    """Return the recording in the form of the schema; optional keys without a value are left out."""
    fields: dict[str, Any] = {
        "id": recording.id,
        "path": recording.path,
        "title": recording.title,
        "owner": recording.owner,
        "isrc": recording.isrc,
    }
    optional = {"artist": recording.artist, "album": recording.album}
    return fields | {key: text for key, text in optional.items() if text is not None}


def to_line(finding: Finding) -> str:
    """Return one line of JSON, newline included; characters beyond ASCII are escaped."""
    return json.dumps(to_json(finding), allow_nan=False) + "\n"


def from_json(fields: Mapping[str, Any]) -> Finding:
    """Parse a finding of this schema or an earlier one; ``from_json(to_json(f))`` is `f` rounded.

    Raises
    ------
    KeyError, TypeError, ValueError
        When `fields` does not have the form of the schema.
    """
    version = fields["schema"]
    if version not in {SCHEMA, SCHEMA_1}:
        raise ValueError(f"{version} is not {SCHEMA}")
    matches = fields["matches"]
    if version == SCHEMA_1:
        matches = [{**match, **_checked_to(match)} for match in matches]
    finding = Finding(
        item=_item_of(fields["item"]),
        verdict=Verdict(fields["verdict"]),
        error=None if fields["error"] is None else FindingError(**fields["error"]),
        search=search_from_json(fields["search"]),
        matches=tuple(map(_match_of, matches)),
        same_file=tuple(_same_file_of(each) for each in fields.get("same_file") or ()),
        names=tuple(named_in_of(each) for each in fields.get("names") or ()),
        claims_supported=fields.get("claims_supported") is not False,
        power=None if fields.get("power") is None else _power_of(fields["power"]),
    )
    return _of_version_1(finding) if version == SCHEMA_1 else finding


def _of_version_1(finding: Finding) -> Finding:
    """Apply today's verdicts to an earlier finding, in which shared material counted like other matches.

    A verdict is never raised: a scan may have lowered it because of its number of items.
    """
    finding = replace(finding, matches=asserted_first(finding.matches))
    if finding.verdict not in {Verdict.MATCH, Verdict.POSSIBLE}:
        return finding
    if finding.best_e_value > POSSIBLE_E_VALUE:
        return replace(finding, verdict=Verdict.SHARED_MATERIAL)
    return replace(finding, verdict=Verdict.POSSIBLE) if finding.best_e_value > MATCH_E_VALUE else finding


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


def _checked_to(fields: Mapping[str, Any]) -> Mapping[str, float]:
    """Return the smallest E-value that was checked, which the earlier schema does not have.

    It was 1e-4, and 1e-3 before that.
    """
    if fields["e_extrapolated"]:
        return {"e_checked_to": MATCH_E_VALUE if fields["e_value"] < MATCH_E_VALUE else 10 * MATCH_E_VALUE}
    return {"e_checked_to": min(MATCH_E_VALUE, fields["e_value"])}


def _same_file_of(fields: Mapping[str, Any]) -> SameFile:
    return SameFile(**{**fields, "paths": tuple(fields["paths"])})


def _match_of(fields: Mapping[str, Any]) -> FindingMatch:
    for name in ("e_value", "e_checked_to", "similarity", "query_coverage", "reference_coverage"):
        if not isinstance(fields[name], int | float):
            raise TypeError(f"{name} is not a number")
    rest = {key: value for key, value in fields.items() if key not in DERIVED}
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
