"""Parsers of MPEG transport and program streams: count packets that are missing or out of place."""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from earwitness.fingerprint.decode.containers.mpeg_tags import is_non_audio
from earwitness.fingerprint.decode.file_view import SCAN_BYTES, FileView
from earwitness.fingerprint.decode.formats import Format
from earwitness.fingerprint.decode.magic import TS_STEPS
from earwitness.fingerprint.decode.worker.parts import FileLayout, StartsFile, single_piece

PACK: Final = re.compile(rb"\x00\x00\x01\xba")
TOLERANCE_BYTES: Final = 256
"""Bytes of a program stream that may be out of place without a report."""

SYNC: Final = 0x47
WINDOW_PACKETS: Final = 8_192
TOLERANCE_PACKETS: Final = 2
"""Packets that may be out of place without a report: a broadcast is cut at any byte."""


def parse_ts(file: FileView, start: int, _: StartsFile) -> FileLayout:
    """Check the packets of a transport stream; one that does not begin with the sync byte is damaged."""
    head = file.read_at(start, 2_048)
    first, step = next(
        (
            (at, step)
            for at, step in TS_STEPS
            if all(head[at + n * step : at + n * step + 1] == b"G" for n in range(5))
        ),
        (0, 188),
    )
    n_lost, offset = 0, start + first
    while offset < file.size:
        window = np.frombuffer(file.read_at(offset, step * WINDOW_PACKETS), dtype=np.uint8)
        in_place = window[::step] == SYNC
        n_bad = int(np.count_nonzero(~in_place))
        n_lost += n_bad
        if n_bad > len(in_place) // 2:
            offset = _resynchronise(file, offset, step)
        offset += step * WINDOW_PACKETS
    n_rest = (file.size - start) % step
    missing = (
        "the last packet is cut off" if n_rest and not n_lost and not _is_padding(file, n_rest) else None
    )
    if n_lost > TOLERANCE_PACKETS:
        missing = f"{n_lost:,} packets in it are damaged"
    return single_piece(file, start, file.size, Format.TS, missing, at_end=n_lost <= TOLERANCE_PACKETS)


def _is_padding(file: FileView, n_bytes: int) -> bool:
    """Whether the last `n_bytes` of the file are padding rather than part of a packet."""
    return not file.read_at(file.size - n_bytes, n_bytes).strip(b"\0\xff")


def _resynchronise(file: FileView, offset: int, step: int) -> int:
    """Offset from which the last packets of a window are aligned, after most of the window was not."""
    end = offset + step * (WINDOW_PACKETS - 8)
    tail = file.read_at(end, 8 * step)
    for shift in range(min(step, len(tail))):
        if all(sync == SYNC for sync in tail[shift::step]):
            return offset + shift
    return offset


def parse_ps(file: FileView, start: int, _: StartsFile) -> FileLayout:
    """Step over the packs of a program stream (ISO 13818-1, 2.5); bytes between its packets are damage."""
    offset, n_lost, truncated = start, 0, False
    while offset < file.size:
        window = file.read_at(offset, SCAN_BYTES)
        n_bytes = _packets(window)
        offset += n_bytes
        if n_bytes >= len(window) - 14 or (n_bytes and len(window) == SCAN_BYTES):
            truncated = offset > file.size
            if not n_bytes or offset >= file.size - 14:
                break
            continue
        pack = next(file.find(PACK, offset + 1), file.size)
        n_lost += 0 if is_non_audio(file, offset, pack) else pack - offset
        offset = pack
    missing = "the last packet is cut off" if truncated else None
    if n_lost > TOLERANCE_BYTES:
        missing = f"{n_lost:,} bytes in it are damaged"
    return single_piece(file, start, file.size, Format.MPEG, missing, at_end=n_lost <= TOLERANCE_BYTES)


def _packets(window: bytes) -> int:
    """Size of the packs and packets at the start of `window`; larger than it if the last is incomplete."""
    position, last = 0, len(window) - 14
    while position <= last:
        if window[position] or window[position + 1] or window[position + 2] != 1:
            break
        code = window[position + 3]
        if code == 0xBA:
            position += 14 + (window[position + 13] & 7) if window[position + 4] >> 6 == 1 else 12
        elif code == 0xB9:
            position += 4
        elif code >= 0xBB:
            position += 6 + (window[position + 4] << 8 | window[position + 5])
        else:
            break
    return position
