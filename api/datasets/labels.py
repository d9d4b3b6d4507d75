"""Names from outside are labels: shown, compared and made unique, never opened."""

from __future__ import annotations

from collections import Counter
from typing import Final

AUDIO_SUFFIXES: Final = frozenset({
    ".wav", ".wave", ".w64", ".rf64", ".aif", ".aiff", ".aifc", ".flac", ".mp3", ".mp2", ".ogg", ".oga",
    ".opus", ".spx", ".m4a", ".m4b", ".aac", ".mp4", ".m4v", ".mov", ".3gp", ".webm", ".weba", ".mkv", ".mka",
    ".wma", ".ape", ".wv", ".tta", ".mpc", ".amr", ".au", ".snd", ".caf", ".ac3", ".dts", ".dsf", ".dff",
    ".gsm", ".sph", ".nist",
})  # fmt: skip
"""Names that make a file an item. Wider than what the decoder reads: the rest is reported as not readable."""

ARCHIVE_SUFFIXES: Final = frozenset({
    ".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".7z", ".rar", ".tbz2", ".txz", ".lzma",
    ".cab", ".iso",
})  # fmt: skip

_ARCHIVE_MAGIC: Final = (
    b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd",
    b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07",
)  # fmt: skip
_AUDIO_MAGIC: Final = (
    b"fLaC",
    b"OggS",
    b"ID3",
    b"FORM",
    b"\x1aE\xdf\xa3",
    b".snd",
    b"MAC ",
    b"wvpk",
    b"caff",
    b"#!AMR",
)

HEAD_BYTES: Final = 512
"""How much of a file is looked at to tell what it is."""


def label(raw: str | bytes) -> str:
    """Make a name showable: bytes that are not UTF-8, control and direction characters become escapes."""
    text = raw.decode("utf-8", "surrogateescape") if isinstance(raw, bytes) else raw
    return text if text.isascii() and text.isprintable() else "".join(map(_shown, text))


def _shown(char: str) -> str:
    point = ord(char)
    if 0xDC80 <= point <= 0xDCFF:  # a byte that surrogateescape could not decode
        return f"\\x{point - 0xDC00:02x}"
    if char.isprintable():
        return char
    if point <= 0xFF:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"


def suffix(name: str) -> str:
    """Lower-case suffix of the last part of a name, with its dot; empty when there is none."""
    last = name.replace("\\", "/").rpartition("/")[2]
    stem, dot, tail = last.rpartition(".")
    return f".{tail.lower()}" if dot and stem else ""


def climbs_out(name: str) -> bool:
    """Whether a name, taken as a path, would leave the folder it is unpacked in."""
    parts = name.replace("\\", "/").split("/")
    return (
        name.startswith(("/", "\\"))
        or ".." in parts
        or (len(name) > 1 and name[1] == ":" and name[0].isalpha())
    )


def looks_like_audio(head: bytes) -> bool:
    """Whether the first bytes are those of an audio container; for files whose name does not say so."""
    if head.startswith(_AUDIO_MAGIC) or head[4:8] == b"ftyp":
        return True
    if head[:4] in {b"RIFF", b"RF64", b"RIFX"}:
        return head[8:12] == b"WAVE"
    return _mpeg_frame(head)


def _mpeg_frame(head: bytes) -> bool:
    """Whether an MPEG layer III or ADTS frame begins here: sync word and every field in range."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    if head[1] & 0xF6 == 0xF0:  # ADTS: layer bits 00
        return (head[2] >> 2) & 0xF < 13
    version, layer = (head[1] >> 3) & 3, (head[1] >> 1) & 3
    return version != 1 and layer == 1 and head[2] >> 4 not in {0, 15} and (head[2] >> 2) & 3 != 3


def looks_like_archive(head: bytes) -> bool:
    """Whether the first bytes are those of an archive or a compressed file."""
    return head.startswith(_ARCHIVE_MAGIC) or head[257:262] == b"ustar"


class Names:
    """Hands out distinct, stable ids: a second ``name`` becomes ``name#2``."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def take(self, name: str) -> str:
        """The id of the next item of this name."""
        while True:
            self._seen[name] += 1
            if (count := self._seen[name]) == 1:
                return name
            name = f"{name}#{count}"  # which may itself have been a name
