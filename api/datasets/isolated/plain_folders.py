"""Decides whether a source is plain audio files: nothing is unpacked, so no reading process is needed."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Final

from earwitness.api.datasets.access.locations import Location, local_location, walk
from earwitness.api.datasets.item_errors import ItemRefused
from earwitness.api.datasets.members import called_like_audio, is_archive
from earwitness.api.datasets.names import HEAD_BYTES, looks_like_audio

MAX_FILES: Final = 20_000
"""Files of a folder that are inspected; a larger folder gets a reading process."""
_MANIFESTS: Final = frozenset({"wav.scp"})
"""Files that make a folder a dataset in a format of its own."""


def is_plain(source: str, reader: str | None) -> bool:
    """Whether a source is a local audio file, or a local folder without archives and manifests."""
    if reader not in {None, "file", "folder"} or "\0" in source:
        return False
    path = Path(source)
    try:
        if path.is_file():
            return reader != "folder" and _is_audio(local_location(path.resolve()))
        return path.is_dir() and _holds_no_archive(path.resolve())
    except (OSError, ItemRefused):
        return False


def _is_audio(place: Location) -> bool:
    head = place.head(HEAD_BYTES)
    return called_like_audio(place.name) and looks_like_audio(head) and not is_archive(place.name, head=head)


def _holds_no_archive(folder: Path) -> bool:
    files = list(itertools.islice(walk(folder), MAX_FILES + 1))
    return len(files) <= MAX_FILES and not any(
        _needs_reader(file) for file in files if isinstance(file, Location)
    )


def _needs_reader(file: Location) -> bool:
    if called_like_audio(file.name):
        return False
    if file.name.rpartition("/")[2] in _MANIFESTS or is_archive(file.name, head=b""):
        return True
    return is_archive(file.name, head=file.head(HEAD_BYTES))
