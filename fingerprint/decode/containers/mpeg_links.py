"""Parsers of MP3 and ADTS files: their pieces, with durations from counted frames."""

from __future__ import annotations

from typing import Final

from earwitness.fingerprint.decode.containers.frame_walk import Run, walk
from earwitness.fingerprint.decode.containers.mpeg_tags import id3_stated_end
from earwitness.fingerprint.decode.file_view import FileView, SplicedView
from earwitness.fingerprint.decode.formats import Format
from earwitness.fingerprint.decode.worker.parts import FileLayout, Piece, StartsFile

TOLERANCE_S: Final = 0.25
"""Seconds that a decoder may trim from the ends of a piece: encoder delay and padding."""

TOLERANCE_FRAMES: Final = 6
"""The same in frames, if that is more."""

TRUNCATED_FRAMES: Final = 3
"""Missing frames from which a file counts as truncated; encoders differ by one in what they state."""

UNKNOWN: Final = 0xFFFFFFFF
"""Placeholder for an unknown number of frames, from writers to a pipe."""


def parse_mp3(file: FileView, start: int, starts_file: StartsFile) -> FileLayout:
    """Split an MP3 file where its version, layer, sample rate or channels change."""
    return _parse(file, start, starts_file, Format.MP3)


def parse_adts(file: FileView, start: int, starts_file: StartsFile) -> FileLayout:
    """Split an AAC file in ADTS where its profile, sample rate or channels change."""
    return _parse(file, start, starts_file, Format.AAC)


def _parse(file: FileView, start: int, starts_file: StartsFile, format_: Format) -> FileLayout:
    walked = walk(file, start, adts=format_ is Format.AAC, starts_file=starts_file)
    one_piece = start == 0 and walked.end == file.size and len(walked.runs) == 1
    if one_piece and walked.runs[0].extents[0][0] < id3_stated_end(file, 0):
        one_piece = False  # its tag states too many bytes: decoders would skip audio
    pieces = [_piece(file, run, format_, unchanged=one_piece) for run in walked.runs]
    if walked.stopped_early:
        missing = f"the kind of its frames changes more than {len(pieces):,} times"
        pieces.append(
            Piece(format=format_, file=SplicedView(file, [(walked.end, file.size)]), missing=missing)
        )
        return FileLayout(pieces=tuple(pieces), end=file.size)
    return FileLayout(pieces=tuple(pieces), end=walked.end)


def _piece(file: FileView, run: Run, format_: Format, *, unchanged: bool) -> Piece:
    frame_s = run.first.n_samples / run.first.rate_hz
    stated, tagged = _stated_frames(file, run) if format_ is Format.MP3 else (0, False)
    n_frames = run.n_frames - tagged
    missing, missing_s, at_end = None, 0.0, True
    if stated - n_frames >= TRUNCATED_FRAMES:
        missing_s = (stated - n_frames) * frame_s
        missing = f"its tag states {stated * frame_s:.1f} s, {n_frames * frame_s:.1f} s are there"
    elif run.junk_s > TOLERANCE_S:
        missing_s, at_end = run.junk_s, False
        missing = f"{run.junk_bytes:,} bytes in it are no frames of sound"
    whole_file = unchanged and len(run.extents) == 1 and not run.junk_bytes
    return Piece(
        format=format_,
        file=file if whole_file else SplicedView(file, run.extents),
        expected_s=run.seconds - tagged * frame_s,
        tolerance_s=max(TOLERANCE_S, TOLERANCE_FRAMES * frame_s),
        missing_s=missing_s,
        missing=missing,
        at_end=at_end,
    )


def _stated_frames(file: FileView, run: Run) -> tuple[int, bool]:
    """Number of frames in a Xing, Info or VBRI tag (0: none), and whether the first frame is such a tag."""
    start = run.extents[0][0]
    tag = file.read_at(start + run.first.side_bytes, 16)
    if tag[:4] in (b"Xing", b"Info"):
        flags = int.from_bytes(tag[4:8], "big")
        n_bytes = int.from_bytes(tag[12:16], "big") if flags & 3 == 3 else 0
        return (_checked_count(int.from_bytes(tag[8:12], "big"), n_bytes, run) if flags & 1 else 0), True
    vbri = file.read_at(start + 36, 18)
    if vbri[:4] == b"VBRI":
        return _checked_count(
            int.from_bytes(vbri[14:18], "big"), int.from_bytes(vbri[10:14], "big"), run
        ), True
    return 0, False


def _checked_count(n_frames: int, n_bytes: int, run: Run) -> int:
    """The stated number of frames; 0 if the file has all bytes that the same tag states."""
    available = sum(end - start for start, end in run.extents)
    tolerance = TRUNCATED_FRAMES * run.frame_bytes
    return 0 if n_frames == UNKNOWN or 0 < n_bytes <= available + tolerance else n_frames
