"""The types of jobs in the API's description: one for each kind, so that its result has a type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from earwitness.api.http.openapi.shipped_schemas import REF

KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "check": ("CheckJob", "Finding"),
    "album": ("AlbumJob", "AlbumResultOut"),
    "work": ("WorkJob", "WorkResultOut"),
    "index": ("IndexJob", "IndexResultOut"),
    "scan": ("ScanJob", "ScanResultOut"),
}
"""Type of the job, and of its result, by the kind of the job."""
_RESULT: Final = "Null until the job is done."


def divide_jobs(schemas: dict[str, Any]) -> None:
    """Describe a job as one of five types that differ in kind and result.

    Jobs of earlier versions, whose results may lack fields, are shown as they are stored.
    """
    job = schemas["JobOut"]
    for kind, (name, result) in KINDS.items():
        fields = {
            **job["properties"],
            "kind": {"type": "string", "const": kind},
            "result": {"anyOf": [{"$ref": f"{REF}{result}"}, {"type": "null"}], "description": _RESULT},
        }
        schemas[name] = {
            **job,
            "title": name,
            "description": f"A job of the kind `{kind}`.",
            "properties": fields,
        }
    mapping = {kind: f"{REF}{name}" for kind, (name, _) in KINDS.items()}
    schemas["JobOut"] = {
        "title": "JobOut",
        "description": job["description"],
        "oneOf": [{"$ref": each} for each in mapping.values()],
        "discriminator": {"propertyName": "kind", "mapping": mapping},
    }
    refers_to_finding = {"anyOf": [{"$ref": f"{REF}Finding"}, {"type": "null"}]}
    finding = schemas["WorkResultOut"]["properties"]["finding"]
    schemas["WorkResultOut"]["properties"]["finding"] = {
        **refers_to_finding,
        "description": finding["description"],
    }
