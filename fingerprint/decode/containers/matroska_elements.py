"""Parsers of Matroska segments and Flash files: bytes between their elements are damage."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from earwitness.fingerprint.decode.containers.mpeg_tags import is_non_audio
from earwitness.fingerprint.decode.file_view import SCAN_BYTES, FileView
from earwitness.fingerprint.decode.formats import Format
from earwitness.fingerprint.decode.worker.parts import FileLayout, StartsFile, single_piece

EBML: Final = 0x1A45DFA3
SEGMENT: Final = 0x18538067
CLUSTER: Final = 0x1F43B675
NEXT_CLUSTER: Final = re.compile(rb"\x1f\x43\xb6\x75")
KNOWN: Final = frozenset(
    {0x114D9B74, 0x1549A966, 0x1654AE6B, 0x1C53BB6B, 0x1941A469, 0x1043A770, 0x1254C367, 0x1B538667,
     0xEC, 0xBF, 0xE7, 0xA7, 0xAB, 0xA3, 0xA0, 0xAF, 0x5854}
)  # fmt: skip
"""Elements of a segment and of a cluster (RFC 9559, 5) that are skipped."""

HEAD_BYTES: Final = 16
FLASH_TAGS: Final = frozenset({8, 9, 15, 18})
"""Types of tags in a Flash file: audio, video, and two of data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Elements:
    """Result of a walk through a Matroska segment.

    Attributes
    ----------
    lost_bytes : int
        Bytes that are not elements.
    truncated : bool
        Whether the file ends inside the last element.
    end : int
        Offset after the last element, or of the next file.
    """

    lost_bytes: int
    truncated: bool
    end: int


def element(head: bytes) -> tuple[int, int, int | None]:
    """Id of the EBML element (RFC 8794) that `head` begins (0: none), its header size, and its data size."""
    if not head or not head[0]:
        return 0, 0, None
    id_bytes = 9 - head[0].bit_length()
    if len(head) <= id_bytes or not head[id_bytes]:
        return 0, 0, None
    size_bytes = 9 - head[id_bytes].bit_length()
    all_ones = (1 << 7 * size_bytes) - 1
    size = int.from_bytes(head[id_bytes : id_bytes + size_bytes], "big") & all_ones
    n_bytes = id_bytes + size_bytes
    return int.from_bytes(head[:id_bytes], "big"), n_bytes, None if size == all_ones else size


def walk_segment(file: FileView, start: int, end: int) -> Elements:
    """Step over the elements of a segment and of its clusters, from the first one at `start`."""
    offset, lost_bytes = start, 0
    base, window = start, b""
    while offset < end:
        if offset + HEAD_BYTES > base + len(window) or offset < base:
            base, window = offset, file.read_at(offset, SCAN_BYTES)
        at = offset - base
        identity, n_bytes, size = element(window[at : at + HEAD_BYTES])
        if identity == CLUSTER:
            offset += n_bytes
        elif identity == EBML and offset > start:
            return Elements(lost_bytes=lost_bytes, truncated=False, end=offset)
        elif identity in KNOWN and size is not None:
            offset += n_bytes + size
        else:
            cluster = min(next(file.find(NEXT_CLUSTER, offset + 1), end), end)
            lost_bytes += 0 if is_non_audio(file, offset, cluster) else cluster - offset
            offset = cluster
    return Elements(lost_bytes=lost_bytes, truncated=offset > end, end=end)


def parse_flv(file: FileView, start: int, starts_file: StartsFile) -> FileLayout:
    """Step over the tags of a Flash file, up to the next file."""
    offset = start + max(9, int.from_bytes(file.read_at(start + 5, 4), "big"))
    base, window, missing, at_end = offset, b"", None, True
    while offset + 4 < file.size:
        if offset + HEAD_BYTES > base + len(window):
            base, window = offset, file.read_at(offset, SCAN_BYTES)
        head = window[offset - base : offset - base + 15]
        if len(head) < 15 or head[4] & 0xDF not in FLASH_TAGS or any(head[12:15]):
            break
        offset += 15 + int.from_bytes(head[5:8], "big")
    end = file.size
    if offset > file.size:
        missing = "its last tag is incomplete"
    elif offset + 4 < file.size:
        next_file = next((place for place in (offset + 4, offset) if starts_file(place)), None)
        end = file.size if next_file is None else next_file
        if next_file is None and not is_non_audio(file, offset + 4, file.size):
            missing, at_end = f"{file.size - offset - 4:,} bytes in it are not tags of a Flash file", False
    return single_piece(file, start, end, Format.FLV, missing, at_end=at_end)
