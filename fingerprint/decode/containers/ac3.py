"""Frames of AC-3 and E-AC-3 (ATSC A/52): walked like those of MP3, so that their number is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from earwitness.fingerprint.decode.containers.mpeg_tags import is_no_sound
from earwitness.fingerprint.decode.file_view import SCAN_BYTES, FileView, View
from earwitness.fingerprint.decode.formats import Format
from earwitness.fingerprint.decode.worker.parts import FileLayout, Piece

_WORDS: Final = (
    (64, 69, 96), (80, 87, 120), (96, 104, 144), (112, 121, 168), (128, 139, 192), (160, 174, 240),
    (192, 208, 288), (224, 243, 336), (256, 278, 384), (320, 348, 480), (384, 417, 576), (448, 487, 672),
    (512, 557, 768), (640, 696, 960), (768, 835, 1_152), (896, 975, 1_344), (1_024, 1_114, 1_536),
    (1_152, 1_253, 1_728), (1_280, 1_393, 1_920),
)  # fmt: skip
"""Words of a frame by bit rate and sample rate (table 5.18)."""

_RATES_HZ: Final = (48_000, 44_100, 32_000)
SYNC: Final = b"\x0b\x77"
HEADER_BYTES: Final = 6
LEAST_S: Final = 0.25
"""Seconds of a link that may be missing or damaged before it is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ac3Frame:
    """One frame, as its header tells it; frames that add channels to another one have no samples."""

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
    """The frame that starts with these six bytes, or None if none does."""
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
    coded, blocks = head[4] >> 4 & 3, 6
    if rate == 3 and coded == 3:
        return None
    rate_hz = _RATES_HZ[coded] // 2 if rate == 3 else _RATES_HZ[rate]
    blocks = 6 if rate == 3 else (1, 2, 3, 6)[coded]
    adds = head[2] >> 6 == 1 or head[2] >> 3 & 7
    n_bytes = 2 * (((head[2] & 7) << 8 | head[3]) + 1)
    return Ac3Frame(
        format=Format.EAC3, n_bytes=n_bytes, n_samples=0 if adds else 256 * blocks, rate_hz=rate_hz
    )


def lay_ac3(stored: FileView, start: int, other_sound: Callable[[int], bool]) -> FileLayout:
    """Links of a file of bare AC-3 or E-AC-3 frames: they differ in kind or rate."""
    runs: list[_Run] = []
    offset, end = start, stored.size
    while offset < stored.size:
        window = stored.at(offset, SCAN_BYTES)
        place = _take(window, offset, runs)
        offset += place
        if place:
            continue
        if runs and other_sound(offset) and stored.at(offset, 2) != SYNC:
            end = offset
            break
        found = _next(stored, offset + 1)
        if runs and found - offset > 4_096 and not is_no_sound(stored, offset, found):
            runs[-1].junk_bytes += found - offset
        offset = found
    whole = start == 0 and end == stored.size and len(runs) == 1
    pieces = tuple(_piece(stored, run, whole=whole) for run in runs)
    return FileLayout(pieces=pieces, end=end)


def _take(window: bytes, offset: int, runs: list[_Run]) -> int:
    """Add the whole frames at the start of some bytes; returns how many bytes they are."""
    place = 0
    while (frame := ac3_frame(window[place : place + HEADER_BYTES])) is not None:
        if place + frame.n_bytes > len(window):
            break
        first = runs[-1].first if runs else None
        if first is None or (first.format, first.rate_hz) != (frame.format, frame.rate_hz):
            runs.append(_Run(first=frame, start=offset + place))
        place += frame.n_bytes
        runs[-1].n_samples += frame.n_samples
        runs[-1].end = offset + place
    return place


def _next(stored: FileView, offset: int) -> int:
    """Where two frames stand in a row again; the file's size where they do not."""
    while offset < stored.size:
        window = stored.at(offset, SCAN_BYTES)
        place = window.find(SYNC)
        while place >= 0:
            frame = ac3_frame(stored.at(offset + place, HEADER_BYTES))
            if (
                frame is not None
                and ac3_frame(stored.at(offset + place + frame.n_bytes, HEADER_BYTES)) is not None
            ):
                return offset + place
            place = window.find(SYNC, place + 1)
        offset += max(1, len(window) - 1)
    return stored.size


def _piece(stored: FileView, run: _Run, *, whole: bool) -> Piece:
    seconds = run.n_samples / run.first.rate_hz
    junk_s = run.junk_bytes * seconds / max(run.end - run.start - run.junk_bytes, 1)
    damaged = junk_s > LEAST_S
    return Piece(
        format=run.first.format,
        stored=stored if whole else View(stored, [(run.start, run.end)]),
        expected_s=seconds,
        spare_s=LEAST_S,
        missing_s=junk_s if damaged else 0.0,
        missing=f"{run.junk_bytes:,} bytes in it are no frames of sound" if damaged else None,
        at_end=False,
    )
