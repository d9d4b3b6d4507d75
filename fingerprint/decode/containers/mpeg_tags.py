"""Tags that stand between or behind the frames of an MP3 or AAC file: what is no sound, and no damage."""

from __future__ import annotations

from typing import Final

from earwitness.fingerprint.decode.containers.mpeg_frames import find_frames, frame_at
from earwitness.fingerprint.decode.file_view import FileView

LOOK_BYTES: Final = 1 << 20
"""How far the end of a Lyrics3 tag is looked for."""

STARTS: Final = (b"ID3", b"fLa", b"Ogg", b"RIF", b"FOR", b"wvp", b"MAC", b"TTA", b"APE")
"""How most of what follows an ID3v2 tag begins, besides frames."""

FRAMES_IN_A_ROW: Final = 8
MAX_TRIES: Final = 16
"""Rows of frames looked at inside a tag."""

IMAGES: Final = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM")
"""How pictures begin that some programs put behind the frames."""


def tag_end(stored: FileView, offset: int) -> int | None:
    """Where the tag that begins at `offset` ends; None where none begins, or it does not fit the file."""
    head = stored.at(offset, 32)
    end = None
    if head[:3] == b"ID3" and len(head) >= 10 and max(head[3:5]) < 0xFF and max(head[6:10]) < 0x80:
        end = id3_end(stored, offset)
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
        window = stored.at(offset, LOOK_BYTES)
        place = max(window.find(b"LYRICS200"), window.find(b"LYRICSEND"))
        end = offset + place + 9 if place > 0 else None
    return end if end is not None and end <= stored.size else None


def id3_stated(stored: FileView, offset: int) -> int:
    """Where the ID3v2 tag at `offset` ends as it states; `offset` where none begins."""
    head = stored.at(offset, 10)
    if head[:3] != b"ID3" or len(head) < 10:
        return offset
    return offset + 10 + syncsafe(head[6:10]) + (10 if head[5] & 0x10 else 0)


def id3_end(stored: FileView, offset: int) -> int:
    """Where the ID3v2 tag at `offset` ends: where it states, or where frames begin that go on beyond that."""
    stated = id3_stated(stored, offset)
    end = min(stated, stored.size)
    follows = stored.at(stated, 4)
    if follows and (
        follows[:3] in STARTS or frame_at(stored, stated, adts=False) or not follows.strip(b"\0")
    ):
        return stated
    for adts in (False, True):
        place, tries = offset + 10, 0
        while tries < MAX_TRIES:
            found = find_frames(stored, place, end - place, adts=adts, in_a_row=FRAMES_IN_A_ROW)
            if found is None:
                break
            place, tries = found, tries + 1
            while place < end and (frame := frame_at(stored, place, adts=adts)) is not None:
                place += frame.n_bytes
            if place >= end and (stated > stored.size or place > stated):
                return found
    return stated


def tags_from(stored: FileView, start: int) -> int:
    """Where the tags at the file's end begin; the file's size where there are none."""
    end = stored.size
    while (begins := _tag_before(stored, end)) is not None and begins >= start:
        end = begins
    return end


def _tag_before(stored: FileView, end: int) -> int | None:
    foot = stored.at(max(0, end - 32), 32)
    if foot[:8] == b"APETAGEX":
        has_header = foot[23] & 0x80
        return end - int.from_bytes(foot[12:16], "little") - (32 if has_header else 0)
    if foot[-9:] == b"LYRICS200" and foot[-15:-9].isdigit():
        return end - 15 - int(foot[-15:-9])
    if foot[-10:-7] == b"3DI" and max(foot[-4:]) < 0x80:
        return end - 20 - syncsafe(foot[-4:])
    if stored.at(end - 128, 3) == b"TAG":
        return end - 128
    if stored.at(end - 227, 4) == b"TAG+":
        return end - 227
    return None


def is_no_sound(stored: FileView, start: int, end: int) -> bool:
    """Whether bytes between frames are padding, a picture or text, rather than damage or other sound."""
    head = stored.at(start, min(end - start, 4_096))
    if head.startswith(IMAGES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return True
    if len(set(head)) <= 1:
        return len(set(stored.at(start, min(end - start, LOOK_BYTES)))) <= 1
    return all(byte in b"\t\n\r\0" or 32 <= byte < 127 for byte in head)


def syncsafe(four: bytes) -> int:
    """The number that four bytes of seven bits hold."""
    return sum((byte & 0x7F) << shift for byte, shift in zip(four, (21, 14, 7, 0), strict=True))
