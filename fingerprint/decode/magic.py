"""Magic bytes of the formats on the allow-list."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from earwitness.fingerprint.decode.containers.ac3 import SYNC, ac3_frame
from earwitness.fingerprint.decode.formats import Format

_STARTS: Final[tuple[tuple[bytes, Format], ...]] = (
    (rb"(?:RIFF|RIFX|RF64|BW64)....WAVE", Format.WAV),
    (rb"FORM....AIF[FC]", Format.AIFF),
    (rb"fLaC", Format.FLAC),
    (rb"\.snd\x00|dns\.", Format.AU),
    (rb"caff\x00", Format.CAF),
    (rb"riff\x2e\x91\xcf\x11", Format.W64),
    (rb"wvpk", Format.WAVPACK),
    (rb"MAC [\x00-\xff][\x0c-\x0f]", Format.APE),
    (rb"TTA1[\x01-\x03]\x00", Format.TTA),
    (rb"tBaK", Format.TAK),
    (rb"MPCK", Format.MUSEPACK8),
    (rb"MP\+", Format.MUSEPACK),
    (rb"NIST_1A\n", Format.SPHERE),
    (rb"ajkg[\x00-\x03]", Format.SHORTEN),
    (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Format.ASF),
    (rb"RIFF....AVI(?: |\x19)", Format.AVI),
    (rb"FLV\x01", Format.FLV),
    (rb"\x00\x00\x01\xba", Format.MPEG),
    (rb"\.RMF\x00|\.ra\xfd", Format.REAL),
    (rb"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02", Format.MXF),
    (rb"#!AMR(?:-WB)?\n", Format.AMR),
    (rb"Creative Voice File\x1a", Format.VOC),
    (rb"FORM....(?:8SVX|16SV|MAUD)|FRM8.{8}DSD ", Format.IFF),
    (rb"\.SoX|XoS\.", Format.SOX),
    (rb"\x64\xa3[\x00-\x07]\x00|\x00[\x00-\x07]\xa3\x64", Format.IRCAM),
    (rb"DSD \x1c\x00", Format.DSF),
    (rb"qoaf", Format.QOA),
    (rb"\x7f\xfe\x80\x01|\xfe\x7f\x01\x80|\x1f\xff\xe8\x00|\xff\x1f\x00\xe8|DTSHDHDR", Format.DTS),
    (rb"....\xf8\x72\x6f\xba", Format.TRUEHD),
    (rb"\x1aE\xdf\xa3.{0,60}(?:webm|matroska)", Format.WEBM),
    (rb"....(?:moov|mdat|free|skip|wide|pnot)", Format.M4A),
)
"""Pattern of the first bytes of each format."""

TS_STEPS: Final = ((0, 188), (4, 192), (0, 204))
"""Offset of the first sync byte of a transport stream, and the packet size in bytes."""

_PATTERNS: Final = tuple((re.compile(pattern, re.DOTALL), format_) for pattern, format_ in _STARTS)

_OGG_CODECS: Final[tuple[tuple[bytes, Format], ...]] = (
    (b"OpusHead", Format.OPUS),
    (b"\x01vorbis", Format.OGG),
    (b"\x7fFLAC", Format.OGG),
    (b"Speex   ", Format.SPEEX),
)

IMAGE_BRANDS: Final = (b"heic", b"heix", b"mif1", b"avif", b"avis")
"""Brands of images in an MP4 container."""


def by_magic(head: bytes) -> Format | None:
    """The format that begins with `head`, which should hold a few frames or packets; None if unknown."""
    if head[:4] == b"OggS":
        return next((format_ for magic, format_ in _OGG_CODECS if magic in head), None)
    if head[4:8] == b"ftyp":
        return None if head[8:12] in IMAGE_BRANDS else Format.M4A
    for pattern, format_ in _PATTERNS:
        if pattern.match(head):
            return format_
    return next((format_ for starts, format_ in _FRAMED if starts(head)), None)


def _is_ts(head: bytes) -> bool:
    """Sync bytes of transport packets: 188 bytes, 192 with a timestamp, 204 with error correction."""
    return any(
        len(head) > first + 4 * step and all(head[first + n * step] == 0x47 for n in range(5))
        for first, step in TS_STEPS
    )


def _is_ac3(head: bytes) -> bool:
    return _ac3_kind(head) == Format.AC3


def _is_eac3(head: bytes) -> bool:
    return _ac3_kind(head) == Format.EAC3


def _ac3_kind(head: bytes) -> Format | None:
    """AC-3 or E-AC-3, if `head` begins with two frames of it."""
    frame = ac3_frame(head[:8])
    if frame is None or (len(head) > frame.n_bytes + 2 and head[frame.n_bytes : frame.n_bytes + 2] != SYNC):
        return None
    return frame.format


def _is_loas(head: bytes) -> bool:
    """Three frames of LOAS: MPEG-4 audio with its own sync word."""
    offset = 0
    for _ in range(3):
        frame = head[offset : offset + 3]
        if len(frame) < 3 or frame[0] != 0x56 or frame[1] & 0xE0 != 0xE0:
            return False
        offset += ((frame[1] & 0x1F) << 8 | frame[2]) + 3
    return True


_FRAMED: Final[tuple[tuple[Callable[[bytes], bool], Format], ...]] = (
    (_is_ts, Format.TS),
    (_is_ac3, Format.AC3),
    (_is_eac3, Format.EAC3),
    (_is_loas, Format.LOAS),
)
