"""Walks the frames of an MP3 or ADTS file from the first byte to the last, without decoding any.

So it is known what a file holds, whatever its tags or a decoder's guess say: how many frames, where their
rate or channels change, and what lies between them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from earwitness.fingerprint.decode.containers.mpeg_frames import (
    HEADER_BYTES,
    Frame,
    find_frames,
    frame_at,
    frames_at,
    mp3_frame,
)
from earwitness.fingerprint.decode.containers.mpeg_tags import (
    is_no_sound,
    tag_end,
    tags_from,
)
from earwitness.fingerprint.decode.file_view import SCAN_BYTES, FileView

MAX_RUNS: Final = 2_000
"""Runs of frames before the walk gives up; a file that changes its kind more often is damage."""


@dataclass(slots=True, kw_only=True)
class Run:
    """Frames of one kind: one link.

    Attributes
    ----------
    extents : list of (start, end)
        Where they stand in the file, tags and junk between them left out.
    n_frames : int
        Whole frames.
    n_samples : int
        Samples of one channel that they come to.
    junk_bytes : int
        Bytes after its frames that are neither frames nor a known tag, in stretches of more than a frame.
    """

    first: Frame
    extents: list[tuple[int, int]] = field(default_factory=list)
    n_frames: int = 0
    n_samples: int = 0
    junk_bytes: int = 0

    @property
    def seconds(self) -> float:
        """What its whole frames come to."""
        return self.n_samples / self.first.rate_hz

    @property
    def frame_bytes(self) -> float:
        """More than a frame usually has: where files were cut and joined, parts of frames are left over."""
        return 2.0 * sum(end - start for start, end in self.extents) / max(self.n_frames, 1)

    @property
    def junk_s(self) -> float:
        """What its junk would come to, had it been frames like the others."""
        n_bytes = sum(end - start for start, end in self.extents)
        return self.junk_bytes * self.seconds / n_bytes if n_bytes else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """What a file's frames come to.

    Attributes
    ----------
    end : int
        Offset behind the last frame, or where something of another format begins.
    given_up : bool
        Whether frames behind `end` were left, as there were too many runs.
    """

    runs: tuple[Run, ...]
    end: int
    given_up: bool = False


def walk(stored: FileView, start: int, *, adts: bool, other_sound: Callable[[int], bool]) -> Walk:
    """Follow all frames from `start`.

    Parameters
    ----------
    other_sound
        Whether a file of another format begins at an offset; the walk ends there.
    """
    runs: list[Run] = []
    offset, end = start, tags_from(stored, start)
    while offset < end:
        first = frame_at(stored, offset, adts=adts)
        if first is not None and _goes_on(stored, offset, first, runs, adts=adts):
            if not runs or runs[-1].first.kind != first.kind:
                if len(runs) == MAX_RUNS:
                    return Walk(runs=tuple(runs), end=offset, given_up=True)
                runs.append(Run(first=first))
            offset = _follow(stored, offset, runs[-1], adts=adts)
        elif (behind := tag_end(stored, offset)) is not None:
            offset = behind
        elif runs and other_sound(offset):
            return Walk(runs=tuple(runs), end=offset)
        else:
            found = find_frames(stored, offset + 1, end - offset - 1, adts=adts)
            behind = end if found is None else found
            if runs and behind - offset > runs[-1].frame_bytes and not is_no_sound(stored, offset, behind):
                runs[-1].junk_bytes += behind - offset
            offset = behind
    return Walk(runs=tuple(runs), end=stored.size)


def _goes_on(stored: FileView, offset: int, first: Frame, runs: list[Run], *, adts: bool) -> bool:
    """Whether frames really stand there; of the kind of those before, two are enough to say so."""
    known = bool(runs) and runs[-1].first.kind == first.kind
    return frames_at(stored, offset, 2 if known else 3, adts=adts)


def _follow(stored: FileView, start: int, run: Run, *, adts: bool) -> int:
    """Add the frames of the run's kind that stand in a row; returns the offset behind them."""
    count = _count_adts if adts else _count_mp3
    offset = start
    while True:
        window = stored.at(offset, SCAN_BYTES)
        n_bytes, n_frames, n_samples = count(window, run.first)
        run.n_frames += n_frames
        run.n_samples += n_samples
        offset += n_bytes
        if not n_frames or (len(window) < SCAN_BYTES and n_bytes < len(window)):
            break
    last = frame_at(stored, offset, adts=adts)
    if last is not None and last.kind == run.first.kind and offset + last.n_bytes > stored.size:
        offset = stored.size  # the last frame is not all there: decoders may still make something of it
    run.extents.append((start, offset))
    return offset


def _count_mp3(window: bytes, first: Frame) -> tuple[int, int, int]:
    """Bytes, frames and samples of the whole frames of this kind at the start of some bytes."""
    sizes, mono, place, n_frames = _sizes(first.kind), bool(first.kind[2]), 0, 0
    last = len(window) - HEADER_BYTES
    while place <= last:
        n_bytes = sizes.get(window[place + 1] << 8 | window[place + 2])
        if n_bytes is None or window[place] != 0xFF or (window[place + 3] >= 0xC0) != mono:
            break
        if place + n_bytes > len(window):
            break
        place += n_bytes
        n_frames += 1
    return place, n_frames, n_frames * first.n_samples


@lru_cache(maxsize=64)
def _sizes(kind: tuple[int, ...]) -> dict[int, int]:
    """Bytes of a frame by the second and third byte of its header, for all headers of one kind."""
    found = {}
    for second in (kind[0], kind[0] | 1):
        for third in range(256):
            frame = mp3_frame(bytes((0xFF, second, third, 0xC0 if kind[2] else 0)))
            if frame is not None and frame.kind == kind:
                found[second << 8 | third] = frame.n_bytes
    return found


def _count_adts(window: bytes, first: Frame) -> tuple[int, int, int]:
    second, third, fourth = first.kind
    place, n_frames, n_blocks = 0, 0, 0
    last = len(window) - HEADER_BYTES
    while place <= last:
        if window[place] != 0xFF or window[place + 1] & 0xFE != second or window[place + 2] & 0xFD != third:
            break
        if window[place + 3] & 0xC0 != fourth:
            break
        n_bytes = (window[place + 3] & 3) << 11 | window[place + 4] << 3 | window[place + 5] >> 5
        if n_bytes < HEADER_BYTES or place + n_bytes > len(window):
            break
        place += n_bytes
        n_frames += 1
        n_blocks += 1 + (window[place - n_bytes + 6] & 3)
    return place, n_frames, 1_024 * n_blocks
