"""The JSON Schemas that the package ships, as named types of the API's description.

Generators name a type by its place in `components`. So every object in a shipped schema becomes a component
with a name of its own. Conditions between fields (`allOf` with `if`) are left out: no generator has types for
them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from earwitness.api.finding_json import SCHEMAS, schema

REF: Final = "#/components/schemas/"
NAME: Final = "x-component"
"""In the schema of a model: name of a component that Pydantic does not know, to be put in its place."""
PARTS: Final[Mapping[str, str]] = {
    "Finding/item": "FindingItem",
    "Finding/item/parts": "FindingPart",
    "Finding/error": "FindingError",
    "Finding/search": "FindingSearch",
    "Finding/search/collections": "SearchedCollection",
    "Finding/matches": "FindingMatch",
    "Finding/matches/recording": "MatchedRecording",
    "Finding/matches/segments": "MatchedSegment",
    "Finding/power": "FindingPower",
    "Finding/power/rows": "FindingPowerRow",
    "Finding/same_file": "FindingSameFile",
    "Finding/names": "FindingName",
    "Finding/names/entries": "FindingNameEntry",
    "Card/statements": "CardStatements",
}
"""Names of the objects in shipped schemas, by their place. A definition is named by its own name."""
_CONDITIONS: Final = " Conditions between its fields are in the JSON Schema that the program ships."
_LEFT_OUT: Final = ("$schema", "$id", "$defs", "allOf")
_TYPES: Final = {str: "string", int: "integer", float: "number", bool: "boolean"}


def shipped_schemas() -> dict[str, Any]:
    """Return the components of findings and of cards, by name."""
    components: dict[str, Any] = {}
    for name, whole in (("Finding", schema("finding")), ("Card", _card_schema())):
        _Parts(whole.get("$defs", {}), components).add(name, name, whole)
        if "allOf" in whole:
            components[name]["description"] += _CONDITIONS
    return components


def _card_schema() -> dict[str, Any]:
    whole: dict[str, Any] = json.loads(SCHEMAS["finding"].with_name("card-1.json").read_bytes())
    return whole


def refer_to_named(part: Any) -> Any:
    """Return a schema with references in place of names of components."""
    if isinstance(part, list):
        return [refer_to_named(each) for each in part]
    if not isinstance(part, dict):
        return part
    refers = {"$ref": f"{REF}{part[NAME]}"} if NAME in part else {}
    return refers | {key: refer_to_named(each) for key, each in part.items() if key != NAME}


class _Parts:
    """Moves the objects in one schema to components."""

    def __init__(self, definitions: Mapping[str, Any], components: dict[str, Any]) -> None:
        self._definitions = definitions
        self._components = components

    def add(self, name: str, place: str, whole: Mapping[str, Any]) -> dict[str, str]:
        """Add an object as a component, and return the reference to it."""
        fields = {key: self.typed(f"{place}/{key}", part) for key, part in whole["properties"].items()}
        left = {key: value for key, value in whole.items() if key not in _LEFT_OUT}
        self._components[name] = {**left, "title": name, "properties": fields}
        return {"$ref": f"{REF}{name}"}

    def typed(self, place: str, part: Mapping[str, Any]) -> dict[str, Any]:
        """Return a field in which each value states its type and each object is a component."""
        if "$ref" in part:
            return self._defined(place, part)
        if part.get("type") == "object":
            return self.add(PARTS[place], place, part)
        if "oneOf" in part:
            each = [self.typed(place, one) for one in part["oneOf"]]
            return {**_without(part, "oneOf"), "anyOf": each}
        if part.get("type") == "array":
            return {**part, "items": self.typed(place, part["items"])}
        if part.get("const") is False:  # generators have no type with one truth value
            return {**_without(part, "const"), "type": "boolean"}
        if "const" in part or "enum" in part:
            value = part["const"] if "const" in part else part["enum"][0]
            return {"type": _TYPES[type(value)], **part}
        return dict(part)

    def _defined(self, place: str, part: Mapping[str, Any]) -> dict[str, Any]:
        """Return the reference to a definition that is an object, and any other definition itself."""
        name = part["$ref"].rpartition("/")[2]
        whole, own = self._definitions[name], f"{place.partition('/')[0]}{name.capitalize()}"
        if whole.get("type") == "object":
            return {**self.add(own, own, whole), **_without(part, "$ref")}
        return {**self.typed(place, whole), **_without(part, "$ref")}


def _without(part: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name != key}
