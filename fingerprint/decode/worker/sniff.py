"""Detects the format of bytes by their content; names are not used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from earwitness.fingerprint.decode.containers.mpeg_frames import find_frames, frames_at
from earwitness.fingerprint.decode.containers.mpeg_tags import id3_end
from earwitness.fingerprint.decode.file_view import FileView
from earwitness.fingerprint.decode.formats import Format
from earwitness.fingerprint.decode.magic import IMAGE_BRANDS, by_magic
from earwitness.fingerprint.errors import BrokenAudio, EmptyFile, NoAudioTrack, NotAudio

HEAD_BYTES: Final = 4_096
SYNC_REACH_BYTES: Final = 16_384
"""Bytes searched for the first frame of an MP3, after tags."""

TAG_REACH_BYTES: Final = 1 << 24
"""The same after an ID3v2 tag, which may be longer than it states."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sniffed:
    """A detected format.

    Attributes
    ----------
    start : int
        Offset of its first byte, after any ID3v2 tag.
    first : bool
        Whether only tags and padding are before it in the file.
    """

    format: Format
    start: int = 0
    first: bool = True


_OTHER_FORMATS: Final[tuple[tuple[int, bytes, str], ...]] = (
    (0, b"PK\x03\x04", "a zip archive"),
    (0, b"PK\x05\x06", "an empty zip archive"),
    (0, b"\x1f\x8b", "a gzip file"),
    (0, b"BZh", "a bzip2 file"),
    (0, b"\xfd7zXZ\x00", "an xz file"),
    (0, b"(\xb5/\xfd", "a zstandard file"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"Rar!", "a rar archive"),
    (257, b"ustar", "a tar archive"),
    (0, b"%PDF", "a pdf document"),
    (0, b"%!PS", "a PostScript document"),
    (0, b"\x89PNG", "a png image"),
    (0, b"\xff\xd8\xff", "a jpeg image"),
    (0, b"GIF8", "a gif image"),
    (0, b"BM", "a bmp image"),
    (0, b"II*\x00", "a tiff image"),
    (0, b"MM\x00*", "a tiff image"),
    (8, b"WEBP", "a webp image"),
    (0, b"\x7fELF", "an executable"),
    (0, b"MZ", "an executable"),
    (0, b"\xcf\xfa\xed\xfe", "an executable"),
    (0, b"\xca\xfe\xba\xbe", "an executable"),
    (0, b"MThd", "a midi file: notes, not sound"),
    (8, b"RMID", "a midi file: notes, not sound"),
    (0, b"Extended Module:", "a tracker module"),
    (0, b"IMPM", "a tracker module"),
    (44, b"SCRM", "a tracker module"),
    (1_080, b"M.K.", "a tracker module"),
    (1_080, b"M!K!", "a tracker module"),
    (1_080, b"FLT4", "a tracker module"),
    (1_080, b"6CHN", "a tracker module"),
    (1_080, b"8CHN", "a tracker module"),
    (0, b"PAR1", "a Parquet file"),
    (0, b"ARROW1", "an Arrow file"),
    (0, b"\x93NUMPY", "a numpy array"),
    (0, b"SQLite format 3", "a SQLite database"),
    (0, b"version https://git-lfs", "a git LFS pointer: the audio itself was not fetched"),
    (0, b"#EXTM3U", "a playlist: it names audio but holds none"),
    (0, b"ffconcat", "a playlist: it names audio but holds none"),
    (0, b"[playlist]", "a playlist: it names audio but holds none"),
)
"""Offset, magic bytes and description of other files that occur among audio files."""


def sniff(file: FileView, *, name: str) -> Sniffed:
    """Detect the format of a file.

    Raises
    ------
    EmptyFile
        The file has no bytes.
    NotAudio
        Its format is not on the allow-list; the error describes what it looks like.
    NoAudioTrack
        It is a container without audio.
    BrokenAudio
        An ID3v2 tag states more bytes than the file has.
    """
    if file.size == 0:
        raise EmptyFile(name=name)
    start = _past_tags(file, 0)
    if start >= file.size:
        raise BrokenAudio(name=name, reason="its ID3 tag states more bytes than the file has")
    head = file.read_at(start, HEAD_BYTES)
    by_head = by_magic(head)
    if by_head is not None:
        return Sniffed(format=by_head, start=start)
    looks_like = _known_non_audio(head, name=name)
    if looks_like is None:
        candidates = []
        for format_ in (Format.AAC, Format.MP3):
            reach = TAG_REACH_BYTES if start else SYNC_REACH_BYTES
            first = find_frames(file, start, reach, adts=format_ is Format.AAC)
            candidates += [] if first is None else [Sniffed(format=format_, start=first)]
        if candidates:
            return min(candidates, key=lambda candidate: candidate.start)
    raise NotAudio(name=name, looks_like=looks_like or _describe(head))


def sniff_at(file: FileView, offset: int) -> Sniffed | None:
    """The format that begins at an offset inside a file, after any tags; None if none does."""
    start = _past_tags(file, offset)
    if start >= file.size:
        return None
    by_head = by_magic(file.read_at(start, HEAD_BYTES))
    if by_head is not None:
        return Sniffed(format=by_head, start=start, first=False)
    for adts in (True, False):
        if frames_at(file, start, 3, adts=adts):
            return Sniffed(format=Format.AAC if adts else Format.MP3, start=start, first=False)
    return None


def _past_tags(file: FileView, start: int) -> int:
    while (tag := file.read_at(start, 10))[:3] == b"ID3" and len(tag) == 10:
        start = id3_end(file, start)
    return start


def _known_non_audio(head: bytes, *, name: str) -> str | None:
    if head[:4] == b"OggS":
        if any(magic in head for magic in (b"\x80theora", b"BBCD\0", b"fishead\0", b"\x01video")):
            raise NoAudioTrack(name=name, looks_like="an Ogg video")
        return "an Ogg stream without Vorbis, Opus, FLAC or Speex"
    if head[4:8] == b"ftyp" and head[8:12] in IMAGE_BRANDS:
        return "an image in an mp4 container"
    return next((name for at, magic, name in _OTHER_FORMATS if head[at : at + len(magic)] == magic), None)


def _describe(head: bytes) -> str:
    if not head.strip(b"\x00"):
        return "nothing but zeros"
    if len(head) >= 165 and all(head[at] >> 4 == 0xD for at in range(0, 165, 33)):
        return "raw gsm speech"
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return "a Python pickle"
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return "a web page (html)"
    if text.startswith(b"<"):
        return "an svg image" if b"<svg" in text else "xml"
    if text.startswith((b"{", b"[")):
        return "json text"
    control = sum(byte < 9 or 13 < byte < 32 for byte in head)
    return "text" if control == 0 else "unknown binary data"
