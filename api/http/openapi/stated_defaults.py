"""Defaults in the API's description: a field that may be left out must not read as one that is always there.

Generators take a field with a default as one that is always there. That holds for no body of a request; and
null is not what a missing field means where the two differ, as in a correction.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from earwitness.api.http.openapi.shipped_schemas import REF


def state_defaults(described: dict[str, Any]) -> None:
    """Remove each default of null, and say the others of bodies of requests in words."""
    schemas = described["components"]["schemas"]
    for whole in schemas.values():
        for field in whole.get("properties", {}).values():
            if "default" in field and field["default"] is None:
                del field["default"]
    for body in _bodies(described):
        for field in _resolved(body, schemas).get("properties", {}).values():
            if (default := field.pop("default", None)) not in (None, ""):
                text = str(default).lower() if isinstance(default, bool) else default
                field["description"] = f"{field['description']} Default: `{text}`."


def _bodies(described: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for operations in described["paths"].values():
        for operation in operations.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                yield content["schema"]


def _resolved(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    found: dict[str, Any] = schemas[schema["$ref"].removeprefix(REF)]
    return found
