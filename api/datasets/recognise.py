"""Tells a source's format from its content."""

from __future__ import annotations

import tarfile
from contextlib import closing
from pathlib import Path

from api.datasets.labels import HEAD_BYTES, looks_like_audio
from api.datasets.members import called_like_audio
from api.datasets.places import Place
from api.datasets.streams import UNPACK_ERRORS
from api.datasets.tape import BLOCK, open_tape
from api.datasets.types import SourceLimits
from api.errors import ItemRefused


def recognise_folder(root: Path) -> str:
    """Name the reader for a folder."""
    del root
    return "folder"


def recognise_file(place: Place, *, limits: SourceLimits) -> str | None:
    """Name the reader for one file, from its first bytes; None when no reader knows them."""
    head = place.head(HEAD_BYTES)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    if _tar_header(head):
        return "tar"
    if packing := _packing(head):
        unpacked = _unpacked_head(place, packing=packing, limits=limits)
        return packing if _tar_header(unpacked) else None
    return "file" if called_like_audio(place.name) or looks_like_audio(head) else None


def _packing(head: bytes) -> str | None:
    if head.startswith(b"\x1f\x8b"):
        return "tar.gz"
    return "tar.zst" if head.startswith(b"\x28\xb5\x2f\xfd") else None


def _unpacked_head(place: Place, *, packing: str, limits: SourceLimits) -> bytes:
    with closing(place.open()) as stream:
        try:
            return open_tape(stream, packing=packing, name=place.name, limits=limits).read(BLOCK)
        except (ItemRefused, *UNPACK_ERRORS):
            return b""


def _tar_header(block: bytes) -> bool:
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError, OverflowError):
        # two empty blocks are an empty tar
        return False
    return True
