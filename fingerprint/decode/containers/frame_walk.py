"""Walks the frames of an MP3 or ADTS file from first to last, without decoding them.

The walk counts the frames and detects where their rate or channels change and what is between them. It does
not depend on tags or on a decoder's estimate.
"""

from __future__ import annotations

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
    is_non_audio,
    tag_end,
    trailing_tags_start,
)
from earwitness.fingerprint.decode.file_view import SCAN_BYTES, FileView
from earwitness.fingerprint.decode.worker.parts import StartsFile

MAX_RUNS: Final = 2_000
"""Runs of frames after which the walk stops: a file with more changes of kind is damaged."""


@dataclass(slots=True, kw_only=True)
class Run:
    """Successive frames of one kind.

    Attributes
    ----------
    extents : list of (start, end)
        Byte ranges of the frames, without tags and junk between them.
    n_frames : int
        Complete frames.
    n_samples : int
        Samples per channel in them.
    junk_bytes : int
        Bytes between frames that are neither frames nor a known tag, in ranges of more than a frame.
    """

    first: Frame
    extents: list[tuple[int, int]] = field(default_factory=list)
    n_frames: int = 0
    n_samples: int = 0
    junk_bytes: int = 0

    @property
    def seconds(self) -> float:
        """Duration of its complete frames."""
        return self.n_samples / self.first.rate_hz

    @property
    def frame_bytes(self) -> float:
        """Twice the mean size of a frame: where files were cut and joined, incomplete frames remain."""
        return 2.0 * sum(end - start for start, end in self.extents) / max(self.n_frames, 1)

    @property
    def junk_s(self) -> float:
        """Duration of its junk, if it had been frames like the others."""
        n_bytes = sum(end - start for start, end in self.extents)
        return self.junk_bytes * self.seconds / n_bytes if n_bytes else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """All frames of a file.

    Attributes
    ----------
    end : int
        Offset after the last frame, or where a file of another format begins.
    stopped_early : bool
        Whether there are more than ``MAX_RUNS`` runs, so that frames after `end` were not counted.
    """

    runs: tuple[Run, ...]
    end: int
    stopped_early: bool = False


def walk(file: FileView, start: int, *, adts: bool, starts_file: StartsFile) -> Walk:
    """Count the frames from `start` to the end, or to a file of another format."""
    runs: list[Run] = []
    offset, end = start, trailing_tags_start(file, start)
    while offset < end:
        first = frame_at(file, offset, adts=adts)
        if first is not None and _frames_follow(file, offset, first, runs, adts=adts):
            if not runs or runs[-1].first.kind != first.kind:
                if len(runs) == MAX_RUNS:
                    return Walk(runs=tuple(runs), end=offset, stopped_early=True)
                runs.append(Run(first=first))
            offset = _extend_run(file, offset, runs[-1], adts=adts)
        elif (after := tag_end(file, offset)) is not None:
            offset = after
        elif runs and starts_file(offset):
            return Walk(runs=tuple(runs), end=offset)
        else:
            following = find_frames(file, offset + 1, end - offset - 1, adts=adts)
            after = end if following is None else following
            if runs and after - offset > runs[-1].frame_bytes and not is_non_audio(file, offset, after):
                runs[-1].junk_bytes += after - offset
            offset = after
    return Walk(runs=tuple(runs), end=file.size)


def _frames_follow(file: FileView, offset: int, first: Frame, runs: list[Run], *, adts: bool) -> bool:
    """Whether frames begin at `offset`: three in a row, or two of the kind of the frames before."""
    known = bool(runs) and runs[-1].first.kind == first.kind
    return frames_at(file, offset, 2 if known else 3, adts=adts)


def _extend_run(file: FileView, start: int, run: Run, *, adts: bool) -> int:
    """Add the consecutive frames of the run's kind; return the offset after them."""
    count = _count_adts if adts else _count_mp3
    offset = start
    while True:
        window = file.read_at(offset, SCAN_BYTES)
        n_bytes, n_frames, n_samples = count(window, run.first)
        run.n_frames += n_frames
        run.n_samples += n_samples
        offset += n_bytes
        if not n_frames or (len(window) < SCAN_BYTES and n_bytes < len(window)):
            break
    last = frame_at(file, offset, adts=adts)
    if last is not None and last.kind == run.first.kind and offset + last.n_bytes > file.size:
        offset = file.size  # the last frame is incomplete; a decoder may still use it
    run.extents.append((start, offset))
    return offset


def _count_mp3(window: bytes, first: Frame) -> tuple[int, int, int]:
    """Bytes, frames and samples of the complete frames of this kind at the start of `window`."""
    sizes, mono, position, n_frames = _sizes(first.kind), bool(first.kind[2]), 0, 0
    last = len(window) - HEADER_BYTES
    while position <= last:
        n_bytes = sizes.get(window[position + 1] << 8 | window[position + 2])
        if n_bytes is None or window[position] != 0xFF or (window[position + 3] >= 0xC0) != mono:
            break
        if position + n_bytes > len(window):
            break
        position += n_bytes
        n_frames += 1
    return position, n_frames, n_frames * first.n_samples


@lru_cache(maxsize=64)
def _sizes(kind: tuple[int, ...]) -> dict[int, int]:
    """Frame size in bytes by the second and third byte of the header, for all headers of one kind."""
    sizes = {}
    for second in (kind[0], kind[0] | 1):
        for third in range(256):
            frame = mp3_frame(bytes((0xFF, second, third, 0xC0 if kind[2] else 0)))
            if frame is not None and frame.kind == kind:
                sizes[second << 8 | third] = frame.n_bytes
    return sizes


def _count_adts(window: bytes, first: Frame) -> tuple[int, int, int]:
    second, third, fourth = first.kind
    position, n_frames, n_blocks = 0, 0, 0
    last = len(window) - HEADER_BYTES
    while position <= last:
        if window[position] != 0xFF or window[position + 1] & 0xFE != second:
            break
        if window[position + 2] & 0xFD != third or window[position + 3] & 0xC0 != fourth:
            break
        n_bytes = (window[position + 3] & 3) << 11 | window[position + 4] << 3 | window[position + 5] >> 5
        if n_bytes < HEADER_BYTES or position + n_bytes > len(window):
            break
        position += n_bytes
        n_frames += 1
        n_blocks += 1 + (window[position - n_bytes + 6] & 3)
    return position, n_frames, 1_024 * n_blocks
