"""Parser of bare AC-3 and E-AC-3 frames (ATSC A/52): counts frames without decoding them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from earwitness.fingerprint.decode.containers.mpeg_tags import is_non_audio
from earwitness.fingerprint.decode.file_view import SCAN_BYTES, FileView, SplicedView
from earwitness.fingerprint.decode.formats import Format
from earwitness.fingerprint.decode.worker.parts import FileLayout, Piece, StartsFile

_WORDS: Final = (
    (64, 69, 96), (80, 87, 120), (96, 104, 144), (112, 121, 168), (128, 139, 192), (160, 174, 240),
    (192, 208, 288), (224, 243, 336), (256, 278, 384), (320, 348, 480), (384, 417, 576), (448, 487, 672),
    (512, 557, 768), (640, 696, 960), (768, 835, 1_152), (896, 975, 1_344), (1_024, 1_114, 1_536),
    (1_152, 1_253, 1_728), (1_280, 1_393, 1_920),
)  # fmt: skip
"""16-bit words of a frame by bit rate and sample rate (table 5.18)."""

_RATES_HZ: Final = (48_000, 44_100, 32_000)
SYNC: Final = b"\x0b\x77"
HEADER_BYTES: Final = 6
TOLERANCE_S: Final = 0.25
"""Seconds of a piece that may be missing or damaged without a report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ac3Frame:
    """Header of one frame; dependent frames, which add channels to another one, count no samples."""

    format: Format
    n_bytes: int
    n_samples: int
    rate_hz: int


@dataclass(slots=True, kw_only=True)
class _Run:
    first: Ac3Frame
    start: int
    end: int = 0
    n_samples: int = 0
    junk_bytes: int = 0


def ac3_frame(head: bytes) -> Ac3Frame | None:
    """Parse a frame header of six bytes; None if they are no header."""
    if len(head) < HEADER_BYTES or head[:2] != SYNC:
        return None
    version, rate = head[5] >> 3, head[4] >> 6
    if version <= 10:
        code = head[4] & 63
        if rate == 3 or code >= 2 * len(_WORDS):
            return None
        words = _WORDS[code // 2][rate] + (code & 1 if rate == 1 else 0)
        return Ac3Frame(format=Format.AC3, n_bytes=2 * words, n_samples=1_536, rate_hz=_RATES_HZ[rate])
    if version > 16:
        return None
    coded = head[4] >> 4 & 3
    if rate == 3 and coded == 3:
        return None
    rate_hz = _RATES_HZ[coded] // 2 if rate == 3 else _RATES_HZ[rate]
    blocks = 6 if rate == 3 else (1, 2, 3, 6)[coded]
    is_dependent = head[2] >> 6 == 1 or head[2] >> 3 & 7
    n_bytes = 2 * (((head[2] & 7) << 8 | head[3]) + 1)
    return Ac3Frame(
        format=Format.EAC3, n_bytes=n_bytes, n_samples=0 if is_dependent else 256 * blocks, rate_hz=rate_hz
    )


def parse_ac3(file: FileView, start: int, starts_file: StartsFile) -> FileLayout:
    """Split a file of bare frames into pieces of one format and sample rate."""
    runs: list[_Run] = []
    offset, end = start, file.size
    while offset < file.size:
        window = file.read_at(offset, SCAN_BYTES)
        n_bytes = _add_frames(window, offset, runs)
        offset += n_bytes
        if n_bytes:
            continue
        if runs and starts_file(offset) and file.read_at(offset, 2) != SYNC:
            end = offset
            break
        following = _find_frames(file, offset + 1)
        if runs and following - offset > 4_096 and not is_non_audio(file, offset, following):
            runs[-1].junk_bytes += following - offset
        offset = following
    unchanged = start == 0 and end == file.size and len(runs) == 1
    pieces = tuple(_piece(file, run, unchanged=unchanged) for run in runs)
    return FileLayout(pieces=pieces, end=end)


def _add_frames(window: bytes, offset: int, runs: list[_Run]) -> int:
    """Add the complete frames at the start of `window` to `runs`; return their size in bytes."""
    position = 0
    while (frame := ac3_frame(window[position : position + HEADER_BYTES])) is not None:
        if position + frame.n_bytes > len(window):
            break
        first = runs[-1].first if runs else None
        if first is None or (first.format, first.rate_hz) != (frame.format, frame.rate_hz):
            runs.append(_Run(first=frame, start=offset + position))
        position += frame.n_bytes
        runs[-1].n_samples += frame.n_samples
        runs[-1].end = offset + position
    return position


def _find_frames(file: FileView, offset: int) -> int:
    """Offset of the next two consecutive frames; the size of the file if there are none."""
    while offset < file.size:
        window = file.read_at(offset, SCAN_BYTES)
        position = window.find(SYNC)
        while position >= 0:
            frame = ac3_frame(file.read_at(offset + position, HEADER_BYTES))
            if (
                frame is not None
                and ac3_frame(file.read_at(offset + position + frame.n_bytes, HEADER_BYTES)) is not None
            ):
                return offset + position
            position = window.find(SYNC, position + 1)
        offset += max(1, len(window) - 1)
    return file.size


def _piece(file: FileView, run: _Run, *, unchanged: bool) -> Piece:
    seconds = run.n_samples / run.first.rate_hz
    junk_s = run.junk_bytes * seconds / max(run.end - run.start - run.junk_bytes, 1)
    damaged = junk_s > TOLERANCE_S
    return Piece(
        format=run.first.format,
        file=file if unchanged else SplicedView(file, [(run.start, run.end)]),
        expected_s=seconds,
        tolerance_s=TOLERANCE_S,
        missing_s=junk_s if damaged else 0.0,
        missing=f"{run.junk_bytes:,} bytes in it are no frames of sound" if damaged else None,
        at_end=False,
    )
