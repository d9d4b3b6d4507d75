"""Parsers of WavPack and IFF files: where one file ends and the next begins."""

from __future__ import annotations

import struct
from typing import Final

from earwitness.fingerprint.decode.containers.mpeg_tags import tag_end
from earwitness.fingerprint.decode.containers.stated_lengths import SLACK_BYTES
from earwitness.fingerprint.decode.file_view import FileView
from earwitness.fingerprint.decode.formats import Format
from earwitness.fingerprint.decode.worker.parts import FileLayout, StartsFile, single_piece

INITIAL: Final = 0x800
"""Flag of the first block of each group of channels in WavPack."""


def parse_wavpack(file: FileView, start: int, starts_file: StartsFile) -> FileLayout:
    """Step over the blocks of a WavPack file, up to one that restarts at sample 0."""
    offset, begun = start, False
    while True:
        head = file.read_at(offset, 32)
        if len(head) < 32 or head[:4] != b"wvpk":
            after = tag_end(file, offset)
            if after is None:
                break
            offset = after
            continue
        size, _, _, index, n_samples, flags = struct.unpack("<IIIIII", head[4:28])
        if begun and n_samples and not index and flags & INITIAL:
            return single_piece(file, start, offset, Format.WAVPACK)
        begun = begun or n_samples > 0
        offset += 8 + size
    end = offset if start < offset < file.size and starts_file(offset) else file.size
    return single_piece(file, start, end, Format.WAVPACK)


def parse_iff(file: FileView, start: int, starts_file: StartsFile) -> FileLayout:
    """Read the stated size of an IFF file: 32 bits in 8SVX, 64 in DSDIFF."""
    long = file.read_at(start, 4) == b"FRM8"
    head = file.read_at(start + 4, 8)
    size = int.from_bytes(head if long else head[:4], "big")
    end = start + (12 if long else 8) + size
    end += (end - start) % 2
    if end > file.size + SLACK_BYTES:
        missing = f"its form ends {end - file.size:,} bytes past the end of the file"
        return single_piece(file, start, file.size, Format.IFF, missing)
    return single_piece(file, start, end if starts_file(end) else file.size, Format.IFF)
