"""Matroska and Flash files, looked through element by element: what lies between elements is damage."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from earwitness.fingerprint.decode.containers.mpeg_tags import is_no_sound
from earwitness.fingerprint.decode.file_view import SCAN_BYTES, FileView, View
from earwitness.fingerprint.decode.formats import Format
from earwitness.fingerprint.decode.worker.parts import FileLayout, Piece

EBML: Final = 0x1A45DFA3
SEGMENT: Final = 0x18538067
CLUSTER: Final = 0x1F43B675
NEXT_CLUSTER: Final = re.compile(rb"\x1f\x43\xb6\x75")
KNOWN: Final = frozenset(
    {0x114D9B74, 0x1549A966, 0x1654AE6B, 0x1C53BB6B, 0x1941A469, 0x1043A770, 0x1254C367, 0x1B538667,
     0xEC, 0xBF, 0xE7, 0xA7, 0xAB, 0xA3, 0xA0, 0xAF, 0x5854}
)  # fmt: skip
"""Elements of a segment and of a cluster (RFC 9559, 5) that are stepped over."""

HEAD_BYTES: Final = 16
FLASH_TAGS: Final = frozenset({8, 9, 15, 18})
"""Kinds of tags in a Flash file: sound, picture, and two of data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Elements:
    """What a walk along a Matroska segment comes to.

    Attributes
    ----------
    lost_bytes : int
        Bytes that are no elements.
    torn : bool
        Whether the file ends inside the last element.
    end : int
        Offset behind the last element, or of another file's first.
    """

    lost_bytes: int
    torn: bool
    end: int


def element(head: bytes) -> tuple[int, int, int | None]:
    """The EBML element (RFC 8794) that some bytes begin: its id (0: none), size of its head, and its own."""
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


def walk_segment(stored: FileView, start: int, end: int) -> Elements:
    """Step over the elements of a segment from its first on, into its clusters."""
    offset, lost_bytes = start, 0
    base, window = start, b""
    while offset < end:
        if offset + HEAD_BYTES > base + len(window) or offset < base:
            base, window = offset, stored.at(offset, SCAN_BYTES)
        at = offset - base
        identity, n_bytes, size = element(window[at : at + HEAD_BYTES])
        if identity == CLUSTER:
            offset += n_bytes
        elif identity == EBML and offset > start:
            return Elements(lost_bytes=lost_bytes, torn=False, end=offset)
        elif identity in KNOWN and size is not None:
            offset += n_bytes + size
        else:
            found = min(next(stored.find(NEXT_CLUSTER, offset + 1), end), end)
            lost_bytes += 0 if is_no_sound(stored, offset, found) else found - offset
            offset = found
    return Elements(lost_bytes=lost_bytes, torn=offset > end, end=end)


def lay_flv(stored: FileView, start: int, other_sound: Callable[[int], bool]) -> FileLayout:
    """The tags of a Flash file, and where another file begins behind them."""
    offset = start + max(9, int.from_bytes(stored.at(start + 5, 4), "big"))
    base, window, missing, at_end = offset, b"", None, True
    while offset + 4 < stored.size:
        if offset + HEAD_BYTES > base + len(window):
            base, window = offset, stored.at(offset, SCAN_BYTES)
        head = window[offset - base : offset - base + 15]
        if len(head) < 15 or head[4] & 0xDF not in FLASH_TAGS or any(head[12:15]):
            break
        offset += 15 + int.from_bytes(head[5:8], "big")
    end = stored.size
    if offset > stored.size:
        missing = "its last tag is cut off"
    elif offset + 4 < stored.size:
        begins = next((place for place in (offset + 4, offset) if other_sound(place)), None)
        end = stored.size if begins is None else begins
        if begins is None and not is_no_sound(stored, offset + 4, stored.size):
            missing, at_end = f"{stored.size - offset - 4:,} bytes in it are no tags of a Flash file", False
    whole = start == 0 and end == stored.size
    view = stored if whole else View(stored, [(start, end)])
    piece = Piece(format=Format.FLV, stored=view, missing=missing, at_end=at_end)
    return FileLayout(pieces=(piece,), end=end)
