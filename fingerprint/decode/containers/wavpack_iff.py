"""WavPack and IFF files: where one ends and another begins."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

from earwitness.fingerprint.decode.containers.mpeg_tags import tag_end
from earwitness.fingerprint.decode.containers.stated_lengths import SLACK_BYTES
from earwitness.fingerprint.decode.file_view import FileView, View
from earwitness.fingerprint.decode.formats import Format
from earwitness.fingerprint.decode.worker.parts import FileLayout, Piece

INITIAL: Final = 0x800
"""Flag of the first block of each group of channels in WavPack."""


def lay_wavpack(stored: FileView, start: int, other_sound: Callable[[int], bool]) -> FileLayout:
    """The blocks of a WavPack file, up to one that begins at sample 0 again."""
    offset, begun = start, False
    while True:
        head = stored.at(offset, 32)
        if len(head) < 32 or head[:4] != b"wvpk":
            behind = tag_end(stored, offset)
            if behind is None:
                break
            offset = behind
            continue
        size, _, _, index, n_samples, flags = struct.unpack("<IIIIII", head[4:28])
        if begun and n_samples and not index and flags & INITIAL:
            return _laid(stored, start, offset, Format.WAVPACK, None)
        begun = begun or n_samples > 0
        offset += 8 + size
    end = offset if start < offset < stored.size and other_sound(offset) else stored.size
    return _laid(stored, start, end, Format.WAVPACK, None)


def lay_iff(stored: FileView, start: int, other_sound: Callable[[int], bool]) -> FileLayout:
    """An IFF file, which states its size: 32 bits of 8SVX, 64 of DSDIFF."""
    long = stored.at(start, 4) == b"FRM8"
    head = stored.at(start + 4, 8)
    size = int.from_bytes(head if long else head[:4], "big")
    end = start + (12 if long else 8) + size
    end += (end - start) % 2
    if end > stored.size + SLACK_BYTES:
        missing = f"its form ends {end - stored.size:,} bytes past the end of the file"
        return _laid(stored, start, stored.size, Format.IFF, missing)
    return _laid(stored, start, end if other_sound(end) else stored.size, Format.IFF, None)


def _laid(stored: FileView, start: int, end: int, format_: Format, missing: str | None) -> FileLayout:
    whole = start == 0 and end == stored.size
    view = stored if whole else View(stored, [(start, end)])
    return FileLayout(pieces=(Piece(format=format_, stored=view, missing=missing),), end=end)
