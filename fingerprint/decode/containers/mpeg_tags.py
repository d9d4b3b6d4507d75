"""Tags between and after the frames of an MP3 or AAC file, and other bytes that are not audio."""

from __future__ import annotations

from typing import Final

from earwitness.fingerprint.decode.containers.mpeg_frames import find_frames, frame_at
from earwitness.fingerprint.decode.file_view import FileView

LOOK_BYTES: Final = 1 << 20
"""Bytes searched for the end of a Lyrics3 tag."""

STARTS: Final = (b"ID3", b"fLa", b"Ogg", b"RIF", b"FOR", b"wvp", b"MAC", b"TTA", b"APE")
"""First bytes of what usually follows an ID3v2 tag, besides frames."""

CONSECUTIVE_FRAMES: Final = 8
MAX_TRIES: Final = 16
"""Runs of frames examined inside a tag."""

IMAGES: Final = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM")
"""First bytes of images, which some programs append to the frames."""


def tag_end(file: FileView, offset: int) -> int | None:
    """End of the tag that begins at `offset`; None if there is none, or it does not fit into the file."""
    head = file.read_at(offset, 32)
    end = None
    if head[:3] == b"ID3" and len(head) >= 10 and max(head[3:5]) < 0xFF and max(head[6:10]) < 0x80:
        end = id3_end(file, offset)
    elif head[:3] == b"3DI" and len(head) >= 10:
        end = offset + 10
    elif head[:8] == b"APETAGEX" and len(head) == 32:
        is_header = head[23] & 0x20
        end = offset + 32 + (int.from_bytes(head[12:16], "little") if is_header else 0)
    elif head[:4] == b"TAG+":
        end = offset + 227
    elif head[:3] == b"TAG":
        end = offset + 128
    elif head[:11] == b"LYRICSBEGIN":
        window = file.read_at(offset, LOOK_BYTES)
        position = max(window.find(b"LYRICS200"), window.find(b"LYRICSEND"))
        end = offset + position + 9 if position > 0 else None
    return end if end is not None and end <= file.size else None


def id3_stated_end(file: FileView, offset: int) -> int:
    """Stated end of the ID3v2 tag at `offset`; `offset` if there is none."""
    head = file.read_at(offset, 10)
    if head[:3] != b"ID3" or len(head) < 10:
        return offset
    return offset + 10 + syncsafe(head[6:10]) + (10 if head[5] & 0x10 else 0)


def id3_end(file: FileView, offset: int) -> int:
    """True end of the ID3v2 tag at `offset`: its stated end, or earlier if audio frames begin inside it."""
    stated = id3_stated_end(file, offset)
    end = min(stated, file.size)
    follows = file.read_at(stated, 4)
    if follows and (follows[:3] in STARTS or frame_at(file, stated, adts=False) or not follows.strip(b"\0")):
        return stated
    for adts in (False, True):
        position, tries = offset + 10, 0
        while tries < MAX_TRIES:
            first = find_frames(file, position, end - position, adts=adts, n_consecutive=CONSECUTIVE_FRAMES)
            if first is None:
                break
            position, tries = first, tries + 1
            while position < end and (frame := frame_at(file, position, adts=adts)) is not None:
                position += frame.n_bytes
            if position >= end and (stated > file.size or position > stated):
                return first
    return stated


def trailing_tags_start(file: FileView, start: int) -> int:
    """Start of the tags at the end of the file; its size if there are none."""
    end = file.size
    while (tag_start := _tag_before(file, end)) is not None and tag_start >= start:
        end = tag_start
    return end


def _tag_before(file: FileView, end: int) -> int | None:
    foot = file.read_at(max(0, end - 32), 32)
    if foot[:8] == b"APETAGEX":
        has_header = foot[23] & 0x80
        return end - int.from_bytes(foot[12:16], "little") - (32 if has_header else 0)
    if foot[-9:] == b"LYRICS200" and foot[-15:-9].isdigit():
        return end - 15 - int(foot[-15:-9])
    if foot[-10:-7] == b"3DI" and max(foot[-4:]) < 0x80:
        return end - 20 - syncsafe(foot[-4:])
    if file.read_at(end - 128, 3) == b"TAG":
        return end - 128
    if file.read_at(end - 227, 4) == b"TAG+":
        return end - 227
    return None


def is_non_audio(file: FileView, start: int, end: int) -> bool:
    """Whether bytes between frames are padding, an image or text, rather than damage or other audio."""
    head = file.read_at(start, min(end - start, 4_096))
    if head.startswith(IMAGES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return True
    if len(set(head)) <= 1:
        return len(set(file.read_at(start, min(end - start, LOOK_BYTES)))) <= 1
    return all(byte in b"\t\n\r\0" or 32 <= byte < 127 for byte in head)


def syncsafe(four: bytes) -> int:
    """Number in four bytes of seven bits each."""
    return sum((byte & 0x7F) << shift for byte, shift in zip(four, (21, 14, 7, 0), strict=True))
