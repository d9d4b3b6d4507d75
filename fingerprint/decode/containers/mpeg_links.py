"""MP3 and ADTS files: their links, counted by their frames."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from earwitness.fingerprint.decode.containers.frame_walk import Run, walk
from earwitness.fingerprint.decode.containers.mpeg_tags import id3_stated
from earwitness.fingerprint.decode.file_view import FileView, View
from earwitness.fingerprint.decode.formats import Format
from earwitness.fingerprint.decode.worker.parts import FileLayout, Piece

LEAST_S: Final = 0.25
"""What a decoder may trim of a link at its ends: encoder delay and padding."""

SPARE_FRAMES: Final = 6
"""The same in frames, where these are long."""

CUT_FRAMES: Final = 3
"""Frames that must be missing of those stated before a file counts as cut off; encoders disagree by one."""

UNKNOWN: Final = 0xFFFFFFFF
"""What writers to a pipe put for a number that they do not know."""


def lay_mp3(stored: FileView, start: int, other_sound: Callable[[int], bool]) -> FileLayout:
    """Links of an MP3 file: they differ in version, layer, rate or channels."""
    return _lay(stored, start, other_sound, Format.MP3)


def lay_adts(stored: FileView, start: int, other_sound: Callable[[int], bool]) -> FileLayout:
    """Links of an AAC file in ADTS: they differ in profile, rate or channels."""
    return _lay(stored, start, other_sound, Format.AAC)


def _lay(stored: FileView, start: int, other_sound: Callable[[int], bool], format_: Format) -> FileLayout:
    walked = walk(stored, start, adts=format_ is Format.AAC, other_sound=other_sound)
    plain = start == 0 and walked.end == stored.size and len(walked.runs) == 1
    if plain and walked.runs[0].extents[0][0] < id3_stated(stored, 0):
        plain = False  # its tag states too many bytes, which decoders would step over
    pieces = [_piece(stored, run, format_, plain=plain) for run in walked.runs]
    if walked.given_up:
        rest = f"the kind of its frames changes more than {len(pieces):,} times"
        pieces.append(Piece(format=format_, stored=View(stored, [(walked.end, stored.size)]), missing=rest))
        return FileLayout(pieces=tuple(pieces), end=stored.size)
    return FileLayout(pieces=tuple(pieces), end=walked.end)


def _piece(stored: FileView, run: Run, format_: Format, *, plain: bool) -> Piece:
    frame_s = run.first.n_samples / run.first.rate_hz
    stated, tagged = _stated_frames(stored, run) if format_ is Format.MP3 else (0, False)
    n_frames = run.n_frames - tagged
    missing, missing_s, at_end = None, 0.0, True
    if stated - n_frames >= CUT_FRAMES:
        missing_s = (stated - n_frames) * frame_s
        missing = f"its tag states {stated * frame_s:.1f} s, {n_frames * frame_s:.1f} s are there"
    elif run.junk_s > LEAST_S:
        missing_s, at_end = run.junk_s, False
        missing = f"{run.junk_bytes:,} bytes in it are no frames of sound"
    whole_file = plain and len(run.extents) == 1 and not run.junk_bytes
    return Piece(
        format=format_,
        stored=stored if whole_file else View(stored, run.extents),
        expected_s=run.seconds - tagged * frame_s,
        spare_s=max(LEAST_S, SPARE_FRAMES * frame_s),
        missing_s=missing_s,
        missing=missing,
        at_end=at_end,
    )


def _stated_frames(stored: FileView, run: Run) -> tuple[int, bool]:
    """Frames that a Xing, Info or VBRI tag states (0: none), and whether the first frame is such a tag."""
    start = run.extents[0][0]
    tag = stored.at(start + run.first.side_bytes, 16)
    if tag[:4] in (b"Xing", b"Info"):
        flags = int.from_bytes(tag[4:8], "big")
        n_bytes = int.from_bytes(tag[12:16], "big") if flags & 3 == 3 else 0
        return (_meant(int.from_bytes(tag[8:12], "big"), n_bytes, run) if flags & 1 else 0), True
    vbri = stored.at(start + 36, 18)
    if vbri[:4] == b"VBRI":
        return _meant(int.from_bytes(vbri[14:18], "big"), int.from_bytes(vbri[10:14], "big"), run), True
    return 0, False


def _meant(n_frames: int, n_bytes: int, run: Run) -> int:
    """A stated number of frames; 0 where the bytes that the same tag states are all there."""
    there = sum(end - start for start, end in run.extents)
    spare = CUT_FRAMES * run.frame_bytes
    return 0 if n_frames == UNKNOWN or 0 < n_bytes <= there + spare else n_frames
