"""Splits a file of any format into its pieces: files joined end to end, and chained streams."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from earwitness.fingerprint.decode.containers.ac3 import parse_ac3
from earwitness.fingerprint.decode.containers.au_aiff import (
    parse_aiff,
    parse_au,
    parse_caf,
    parse_w64,
)
from earwitness.fingerprint.decode.containers.flac import ends_in_frames
from earwitness.fingerprint.decode.containers.matroska_elements import parse_flv
from earwitness.fingerprint.decode.containers.mp4_matroska import (
    parse_asf,
    parse_avi,
    parse_mp4,
    parse_webm,
)
from earwitness.fingerprint.decode.containers.mpeg_frames import find_frames
from earwitness.fingerprint.decode.containers.mpeg_links import parse_adts, parse_mp3
from earwitness.fingerprint.decode.containers.mpeg_packets import parse_ps, parse_ts
from earwitness.fingerprint.decode.containers.ogg import parse_ogg
from earwitness.fingerprint.decode.containers.riff import parse_wav
from earwitness.fingerprint.decode.containers.wavpack_iff import parse_iff, parse_wavpack
from earwitness.fingerprint.decode.file_view import FileView, SplicedView
from earwitness.fingerprint.decode.formats import Format
from earwitness.fingerprint.decode.worker.parts import FileLayout, Piece, StartsFile
from earwitness.fingerprint.decode.worker.sniff import Sniffed, sniff_at

MAX_PIECES: Final = 2_000
"""Most pieces of one file that are decoded."""

_JOINED: Final[dict[Format, re.Pattern[bytes]]] = {
    Format.FLAC: re.compile(rb"fLaC[\x00\x80]\x00\x00\x22"),
    Format.APE: re.compile(rb"MAC [\x00-\xff][\x0e\x0f]\x00\x00"),
    Format.TTA: re.compile(rb"TTA1[\x01\x02]\x00.\x00.\x00", re.DOTALL),
    Format.TAK: re.compile(rb"tBaK\x01[\x00-\x40]\x00\x00"),
    Format.AMR: re.compile(rb"#!AMR(?:-WB)?\n"),
    Format.REAL: re.compile(rb"\.RMF\x00\x00\x00\x12\x00"),
    Format.VOC: re.compile(rb"Creative Voice File\x1a"),
    Format.SPHERE: re.compile(rb"NIST_1A\n   \d{4}\n"),
    Format.SOX: re.compile(rb"\.SoX.\x00\x00\x00|XoS\.\x00\x00\x00.", re.DOTALL),
    Format.MUSEPACK8: re.compile(rb"MPCKSH"),
    Format.QOA: re.compile(rb"qoaf[\x00-\xff]{4}[\x01-\x08]\x00"),
}
"""First bytes of another file of the same format, for formats that do not state where a file ends."""

_OTHERS: Final = re.compile(
    rb"fLaC[\x00\x80]\x00\x00\x22|ID3[\x02-\x04]\x00.[\x00-\x7f]{4}|OggS\x00\x02\x00{8}|RIFF....WAVE|FORM....AIF[FC]"
    rb"|....ftyp|\x1aE\xdf\xa3",
    re.DOTALL,
)
"""First bytes of another file of any format."""

_BARE: Final = frozenset(
    {Format.FLAC, Format.APE, Format.TTA, Format.TAK, Format.SHORTEN, Format.DTS,
     Format.TRUEHD, Format.AMR, Format.SPHERE, Format.VOC, Format.SOX, Format.IRCAM,
     Format.DSF, Format.QOA, Format.MUSEPACK, Format.MUSEPACK8, Format.LOAS}
)  # fmt: skip
"""Formats that cannot contain MPEG audio frames or Ogg pages."""

TAIL_BYTES: Final = 65_536

_PARSERS: Final[dict[Format, Callable[[FileView, int, StartsFile], FileLayout]]] = {
    Format.WAV: parse_wav,
    Format.AIFF: parse_aiff,
    Format.AU: parse_au,
    Format.CAF: parse_caf,
    Format.W64: parse_w64,
    Format.MP3: parse_mp3,
    Format.AAC: parse_adts,
    Format.OGG: parse_ogg,
    Format.OPUS: parse_ogg,
    Format.SPEEX: parse_ogg,
    Format.M4A: parse_mp4,
    Format.WEBM: parse_webm,
    Format.AVI: parse_avi,
    Format.FLV: parse_flv,
    Format.ASF: parse_asf,
    Format.WAVPACK: parse_wavpack,
    Format.IFF: parse_iff,
    Format.AC3: parse_ac3,
    Format.EAC3: parse_ac3,
    Format.TS: parse_ts,
    Format.MPEG: parse_ps,
}


def split_file(file: FileView, sniffed: Sniffed) -> list[Piece]:
    """The pieces of a file in order; an ordinary file is one piece."""
    pieces: list[Piece] = []
    next_file: Sniffed | None = sniffed
    while next_file is not None and len(pieces) < MAX_PIECES:
        layout = _parse(file, next_file)
        pieces += layout.pieces
        next_file = sniff_at(file, layout.end) if next_file.start < layout.end < file.size else None
    if next_file is not None or len(pieces) > MAX_PIECES:
        missing = f"there are more than {MAX_PIECES:,} links in it"
        pieces[MAX_PIECES:] = [Piece(format=sniffed.format, file=SplicedView(file, []), missing=missing)]
    return pieces


def _parse(file: FileView, sniffed: Sniffed) -> FileLayout:
    def starts_file(offset: int) -> bool:
        return offset < file.size and sniff_at(file, offset) is not None

    parser = _PARSERS.get(sniffed.format)
    if parser is not None:
        start = 0 if sniffed.format in (Format.MP3, Format.AAC) and sniffed.first else sniffed.start
        return parser(file, start, starts_file)
    return _parse_by_patterns(file, sniffed)


def _parse_by_patterns(file: FileView, sniffed: Sniffed) -> FileLayout:
    """One piece up to the end, or to where another file of a known format begins."""
    start, end = sniffed.start, file.size
    pattern = _JOINED.get(sniffed.format)
    if pattern is not None:
        end = _next_file(file, pattern, start + 64, end)
    if sniffed.format in _BARE and _tail_is_other(file, sniffed):
        end = _next_file(file, _OTHERS, start + 64, end)
        for adts in (True, False):
            first = find_frames(file, start + 64, end - start - 64, adts=adts, n_consecutive=8)
            end = end if first is None else first
    # FFmpeg skips tags at the start of a file, and so does libsndfile in FLAC
    unchanged = sniffed.first and end == file.size
    piece = Piece(format=sniffed.format, file=file if unchanged else SplicedView(file, [(start, end)]))
    return FileLayout(pieces=(piece,), end=end)


def _next_file(file: FileView, pattern: re.Pattern[bytes], start: int, end: int) -> int:
    """Start of the first file that matches the pattern; `end` if there is none before it."""
    starts = (offset for offset in file.find(pattern, start) if sniff_at(file, offset) is not None)
    return min(next(starts, end), end)


def _tail_is_other(file: FileView, sniffed: Sniffed) -> bool:
    """Whether the file ends in another format than it begins with."""
    if sniffed.format is Format.FLAC and not ends_in_frames(file, sniffed.start):
        return True
    at = max(sniffed.start + 64, file.size - TAIL_BYTES)
    if b"OggS\0" in file.read_at(at, TAIL_BYTES):
        return True
    reach = max(0, file.size - at)
    return any(find_frames(file, at, reach, adts=adts, n_consecutive=5) is not None for adts in (True, False))
