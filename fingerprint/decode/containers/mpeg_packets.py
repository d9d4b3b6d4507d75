"""MPEG transport and program streams: whether each packet begins where it must."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import numpy as np

from earwitness.fingerprint.decode.containers.mpeg_tags import is_no_sound
from earwitness.fingerprint.decode.file_view import SCAN_BYTES, FileView, View
from earwitness.fingerprint.decode.formats import Format
from earwitness.fingerprint.decode.magic import TS_STEPS
from earwitness.fingerprint.decode.worker.parts import FileLayout, Piece

PACK: Final = re.compile(rb"\x00\x00\x01\xba")
SPARE_BYTES: Final = 256
"""Bytes of a program stream that may be out of place, besides those before its first pack."""

SYNC: Final = 0x47
WINDOW_PACKETS: Final = 8_192
SPARE_PACKETS: Final = 2
"""Packets that may be out of place: a recording begins and ends anywhere."""


def lay_ts(stored: FileView, start: int, _: Callable[[int], bool]) -> FileLayout:
    """The packets of a transport stream; one that does not begin with the sync byte is damaged."""
    head = stored.at(start, 2_048)
    first, step = next(
        (
            (at, step)
            for at, step in TS_STEPS
            if all(head[at + n * step : at + n * step + 1] == b"G" for n in range(5))
        ),
        (0, 188),
    )
    n_lost, offset = 0, start + first
    while offset < stored.size:
        window = np.frombuffer(stored.at(offset, step * WINDOW_PACKETS), dtype=np.uint8)
        in_place = window[::step] == SYNC
        n_bad = int(np.count_nonzero(~in_place))
        n_lost += n_bad
        if n_bad > len(in_place) // 2:
            offset = _in_step(stored, offset, step)
        offset += step * WINDOW_PACKETS
    torn = (stored.size - start) % step
    missing = "the last packet is cut off" if torn and not n_lost and not _ends_blank(stored, torn) else None
    if n_lost > SPARE_PACKETS:
        missing = f"{n_lost:,} packets in it are damaged"
    piece = Piece(
        format=Format.TS,
        stored=stored if start == 0 else View(stored, [(start, stored.size)]),
        missing=missing,
        at_end=n_lost <= SPARE_PACKETS,
    )
    return FileLayout(pieces=(piece,), end=stored.size)


def _ends_blank(stored: FileView, n_bytes: int) -> bool:
    """Whether the last bytes are no part of a packet, but padding."""
    return not stored.at(stored.size - n_bytes, n_bytes).strip(b"\0\xff")


def _in_step(stored: FileView, offset: int, step: int) -> int:
    """Where packets are in step again, from the end of a window on that was mostly out of step."""
    end = offset + step * (WINDOW_PACKETS - 8)
    tail = stored.at(end, 8 * step)
    for shift in range(min(step, len(tail))):
        if all(sync == SYNC for sync in tail[shift::step]):
            return offset + shift
    return offset


def lay_ps(stored: FileView, start: int, _: Callable[[int], bool]) -> FileLayout:
    """The packs of a program stream (ISO 13818-1, 2.5); bytes between its packets are damage."""
    offset, n_lost, torn = start, 0, False
    while offset < stored.size:
        window = stored.at(offset, SCAN_BYTES)
        place = _packets(window)
        offset += place
        if place >= len(window) - 14 or (place and len(window) == SCAN_BYTES):
            torn = offset > stored.size
            if not place or offset >= stored.size - 14:
                break
            continue
        found = next(stored.find(PACK, offset + 1), stored.size)
        n_lost += 0 if is_no_sound(stored, offset, found) else found - offset
        offset = found
    missing = "the last packet is cut off" if torn else None
    if n_lost > SPARE_BYTES:
        missing = f"{n_lost:,} bytes in it are damaged"
    whole = stored if start == 0 else View(stored, [(start, stored.size)])
    piece = Piece(format=Format.MPEG, stored=whole, missing=missing, at_end=n_lost <= SPARE_BYTES)
    return FileLayout(pieces=(piece,), end=stored.size)


def _packets(window: bytes) -> int:
    """Bytes of the packs and packets at the start of some bytes, the last of which may not be all there."""
    place, last = 0, len(window) - 14
    while place <= last:
        if window[place] or window[place + 1] or window[place + 2] != 1:
            break
        code = window[place + 3]
        if code == 0xBA:
            place += 14 + (window[place + 13] & 7) if window[place + 4] >> 6 == 1 else 12
        elif code == 0xB9:
            place += 4
        elif code >= 0xBB:
            place += 6 + (window[place + 4] << 8 | window[place + 5])
        else:
            break
    return place
