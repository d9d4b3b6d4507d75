"""Opens a source in this process: hundreds of small ones need no process each."""

from __future__ import annotations

from pathlib import Path

from earwitness.api.datasets.isolated.read_request import Request
from earwitness.api.datasets.items import Reader, SourceLimits
from earwitness.api.datasets.open_source import open_here


def open_source(
    source: str | Path,
    *,
    reader: str | None = None,
    audio_column: str | None = None,
    limits: SourceLimits | None = None,
    root: str | Path | None = None,
) -> Reader:
    """Open a source as `earwitness.api.datasets.open_source` does, in this process."""
    options = {"reader": reader, "audio_column": audio_column, "root": None if root is None else str(root)}
    return open_here(Request(source=str(source), limits=limits or SourceLimits(), options=options))
