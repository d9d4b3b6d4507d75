"""Examples of the API's types. FastAPI leaves null out of examples of answers, so they stand at the types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from earwitness.api.http.schemas import FINDING_EXAMPLE, JOB_EXAMPLE
from earwitness.api.http.stored.stored_schemas import WORK_EXAMPLE

_QUEUED: Final = {"state": "queued", "ended_at": None, "attempts": 0, "result": None}


def _queued(kind: str, file: str) -> dict[str, Any]:
    return {**JOB_EXAMPLE, **_QUEUED, "kind": kind, "file": file}


EXAMPLES: Final[Mapping[str, tuple[dict[str, Any], ...]]] = {
    "CheckJob": (JOB_EXAMPLE, _queued("check", "clip_12.ogg")),
    "AlbumJob": (_queued("album", "album.zip"),),
    "WorkJob": (_queued("work", "rain-on-glass.flac"),),
    "IndexJob": (_queued("index", "shard-0.tar"),),
    "ScanJob": (_queued("scan", "shard-0.tar"),),
    "Finding": (FINDING_EXAMPLE,),
    "WorkOut": (WORK_EXAMPLE,),
}
"""By the type that they are of."""
