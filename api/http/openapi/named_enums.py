"""Names for sets of words in the API's description, so that a generated client has one type for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, get_args

from earwitness.api.http.notices.notice_schemas import EffortName, LimitCode, OutcomeName
from earwitness.api.http.openapi.shipped_schemas import REF
from earwitness.api.http.schemas import JobKind, JobState

NAMED: Final[Mapping[str, tuple[str, ...]]] = {
    "JobKind": get_args(JobKind),
    "JobState": get_args(JobState),
    "Effort": get_args(EffortName),
    "Outcome": get_args(OutcomeName),
    "LimitCode": get_args(LimitCode),
}
"""Words that occur in several types."""
OF_FIELDS: Final[Mapping[tuple[str, str], str]] = {
    ("Finding", "verdict"): "Verdict",
    ("FindingMatch", "class"): "MatchClass",
    ("FindingName", "kind"): "NameKind",
    ("FindingPart", "kind"): "PartKind",
    ("FindingSameFile", "digest"): "DigestKind",
    ("CollectionOut", "kind"): "CollectionKind",
    ("WorkResultOut", "status"): "WorkStatus",
    ("NoticeOut", "delivery"): "Delivery",
    ("ChangeOut", "kind"): "ChangeKind",
    ("ChangeOut", "reasons"): "ChangeReason",
    ("AskedOut", "sound"): "AskedSound",
    ("CardShips", "value"): "Shipped",
    ("CardPlatforms", "value"): "Platform",
    ("CardContact", "kind"): "ContactKind",
}
"""Words of one field, by its type and name."""


def name_enums(described: dict[str, Any]) -> None:
    """Move each set of words of the description to a component, and refer to it."""
    schemas = described["components"]["schemas"]
    names = {words: name for name, words in NAMED.items()}
    for (kind, field), name in OF_FIELDS.items():
        (enum,) = enums_in(schemas[kind]["properties"][field])
        names[tuple(enum["enum"])] = name
    found = {id(each): each for each in enums_in(described)}
    for enum in found.values():
        known = names.get(tuple(enum["enum"]))
        if known is not None and enum is not schemas.get(known):
            kept: dict[str, Any] = {key: enum[key] for key in ("description", "default") if key in enum}
            enum.clear()
            enum.update({"$ref": f"{REF}{known}", **kept})
    for words, name in names.items():
        schemas[name] = {"title": name, "type": "string", "enum": list(words)}


def enums_in(part: Any) -> Iterator[dict[str, Any]]:
    """Yield the schemas in a part of the description that list several words."""
    if isinstance(part, list):
        for each in part:
            yield from enums_in(each)
    elif isinstance(part, dict):
        if isinstance(part.get("enum"), list) and len(part["enum"]) > 1:
            yield part
        for key, each in part.items():
            if key not in {"example", "examples"}:
                yield from enums_in(each)
