"""Names in sources are labels, shown and compared but never opened; formats by suffix and first bytes."""

from __future__ import annotations

from typing import Final

AUDIO_SUFFIXES: Final = frozenset({
    # sound
    ".aa3", ".aac", ".aax", ".ac3", ".ac4", ".adts", ".aif", ".aifc", ".aiff", ".alaw", ".amr", ".ape",
    ".au", ".awb", ".bwf", ".caf", ".dff", ".dsf", ".dts", ".dtshd", ".eac3", ".ec3", ".flac", ".gsm",
    ".ircam", ".latm", ".loas",
    ".m2a", ".m4a", ".m4b", ".m4p", ".m4r", ".mka", ".mlp", ".mogg", ".mp1", ".mp2", ".mp3",
    ".mp4a", ".mpa", ".mpc", ".mpga", ".nist", ".ofr", ".oga", ".ogg", ".opus", ".pcm", ".qcp", ".qoa",
    ".rf64",
    ".sf", ".shn", ".snd", ".sox", ".sph", ".spx",
    ".tak", ".thd", ".truehd", ".tta", ".ulaw", ".vqf", ".w64", ".wav",
    ".wave", ".wavex", ".weba", ".wma", ".wv",
    # video
    ".3g2", ".3gp", ".3gp2", ".3gpp", ".asf", ".avi", ".divx", ".f4a", ".f4b", ".f4p", ".f4v", ".flv",
    ".m1v", ".m2t", ".m2ts", ".m2v", ".m4s", ".m4v", ".mj2", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg",
    ".mxf", ".ogm", ".ogv", ".ogx", ".rmvb", ".webm", ".wmv",
})  # fmt: skip
"""Suffixes of items. More than the decoder reads: the others are reported as not readable."""

SHARED_SUFFIXES: Final = frozenset({
    ".16sv", ".8sv",
    ".8svx", ".aa", ".adx", ".at3", ".avr", ".dv", ".evrc", ".iff",
    ".maud", ".mod", ".mpe", ".mpv", ".mts", ".nut",
    ".oma", ".paf", ".pvf", ".qt", ".ra", ".rm", ".sd2", ".sln", ".svx", ".tod", ".ts", ".vob", ".voc",
    ".vox", ".wtv", ".xa",
})  # fmt: skip
"""Suffixes of audio that other files have, too (TypeScript is text); such a text is no item."""

ARCHIVE_SUFFIXES: Final = frozenset({
    ".001", ".002", ".7z", ".ace", ".arj", ".arrow", ".arrows", ".br", ".bz2", ".cab", ".cb7", ".cbr",
    ".cbz", ".cpio", ".deb", ".dmg", ".feather", ".gz", ".img", ".ipc", ".iso", ".lha", ".lz", ".lz4",
    ".lzh", ".lzma", ".lzo", ".parquet", ".rar", ".rpm", ".sit", ".sitx", ".sqsh", ".squashfs", ".tar",
    ".tbz", ".tbz2", ".tgz", ".txz", ".tzst", ".vhd", ".vmdk", ".warc", ".wim", ".xar", ".xz", ".z",
    ".z01", ".z02", ".zip", ".zipx", ".zpaq", ".zst",
})  # fmt: skip
"""Suffixes of files that hold other files or a table."""

ARCHIVES: Final = (
    (0, b"PK\x03\x04", "a zip archive"),
    (0, b"PK\x05\x06", "an empty zip archive"),
    (0, b"PK\x07\x08", "a part of a split zip archive"),
    (0, b"\x1f\x8b", "a gzip file"),
    (0, b"\x1f\x9d", "a file of compress"),
    (4, b"1AY&SY", "a bzip2 file"),
    (4, b"\x17\x72\x45\x38\x50\x90", "an empty bzip2 file"),
    (0, b"\xfd7zXZ\0", "an xz file"),
    (0, b"\x28\xb5\x2f\xfd", "a zstandard file"),
    (0, b"\x04\x22\x4d\x18", "an lz4 file"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"Rar!\x1a\x07", "a rar archive"),
    (0, b"MSCF\0\0\0\0", "a cabinet archive"),
    (0, b"LZIP\x01", "an lzip file"),
    (0, b"PAR1", "a Parquet table"),
    (0, b"ARROW1\0\0", "an Arrow table"),
    (0, b"WARC/", "a WARC file"),
    (257, b"ustar", "a tar archive"),
)
"""Offset, bytes and description of each kind of file that holds others or a table."""

_AUDIO_MAGIC: Final = (
    b"fLaC", b"OggS", b"ID3", b"\x1aE\xdf\xa3", b".snd", b"dns.", b"MAC ", b"wvpk", b"caff", b"#!AMR",
    b"FLV\x01", b"\x00\x00\x01\xba", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", b"riff\x2e\x91\xcf\x11",
    b"TTA1", b"TTA2", b"tBaK", b"MPCK", b"MP+", b"OFR ", b"ajkg", b"Creative Voice File\x1a",
    b"DSD \x1c", b"FRM8", b".RMF", b".ra\xfd", b"\x7f\xfe\x80\x01", b"\xfe\x7f\x01\x80",
    b"\x1f\xff\xe8\x00", b"\xff\x1f\x00\xe8", b"DTSHDHDR",
    b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02", b"nut/multimedia container\0", b"\x64\xa3",
    b".SoX", b"XoS.", b"qoaf", b"APETAGEX", b"\xb7\xd8\x00\x20\x37\x49\xda\x11",
)  # fmt: skip
_SPHERE: Final = b"NIST_1A\n"
_RIFF: Final = frozenset({b"RIFF", b"RF64", b"RIFX", b"BW64"})
_RIFF_SOUND: Final = frozenset({b"WAVE", b"AVI ", b"AVIX", b"CDXA", b"QLCM"})
_FORM_SOUND: Final = frozenset({b"AIFF", b"AIFC", b"8SVX", b"16SV", b"MAUD"})
_IMAGE_BRANDS: Final = frozenset({
    b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"mif2", b"msf1", b"miaf", b"avif",
    b"avis", b"crx ", b"jp2 ", b"jpx ", b"jxl ",
})  # fmt: skip
"""Brands of image files with the structure of MP4."""
_ATOMS: Final = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
"""First atoms of a QuickTime file without a brand."""
_TEXT: Final = frozenset({7, 8, 9, 10, 12, 13, 27, *range(32, 127), *range(128, 256)})

HEAD_BYTES: Final = 512
"""Bytes of a file that are read to detect its format."""


def label(raw: str | bytes) -> str:
    """Make a name printable: bytes that are not UTF-8, control and direction characters become escapes."""
    text = raw.decode("utf-8", "surrogateescape") if isinstance(raw, bytes) else raw
    return text if text.isascii() and text.isprintable() else "".join(map(_escape, text))


def _escape(char: str) -> str:
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
    """Whether a name, used as a path, leads out of its folder."""
    parts = name.replace("\\", "/").split("/")
    return (
        name.startswith(("/", "\\"))
        or ".." in parts
        or (len(name) > 1 and name[1] == ":" and name[0].isalpha())
    )


def looks_like_audio(head: bytes) -> bool:
    """Whether the first bytes are those of an audio container."""
    if head.startswith(_SPHERE):
        return True
    if looks_like_text(head):
        return False
    if head.startswith(_AUDIO_MAGIC):
        return True
    if head[:4] in _RIFF:
        return head[8:12] in _RIFF_SOUND
    if head[:4] == b"FORM":
        return head[8:12] in _FORM_SOUND
    if head[4:8] == b"ftyp":
        return head[8:12] not in _IMAGE_BRANDS
    return (head[4:8] in _ATOMS and head[:1] == b"\0") or _mpeg_frame(head) or _ac3(head) or _transport(head)


def looks_like_text(head: bytes) -> bool:
    """Whether the first bytes hold no control character; False for no bytes."""
    return bool(head) and _TEXT.issuperset(head)


def _mpeg_frame(head: bytes) -> bool:
    """Whether an MPEG layer II or III or ADTS frame begins here: sync word and every field in range."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    if head[1] & 0xF6 == 0xF0:  # ADTS: layer bits 00
        return (head[2] >> 2) & 0xF < 13
    version, layer = (head[1] >> 3) & 3, (head[1] >> 1) & 3
    in_range = version != 1 and layer in {1, 2} and head[2] >> 4 not in {0, 15} and (head[2] >> 2) & 3 != 3
    return in_range and head[3] & 3 != 2


def _ac3(head: bytes) -> bool:
    """Whether an AC-3 or E-AC-3 frame begins here: sync word, rate and version in range."""
    if len(head) < 6 or head[:2] != b"\x0b\x77":
        return False
    version = head[5] >> 3
    return version <= 16 and (version > 10 or (head[4] >> 6 != 3 and head[4] & 0x3F < 38))


def _transport(head: bytes) -> bool:
    """Whether these are packets of an MPEG transport stream: 188 bytes, or 192 with a time before each."""
    return any(len(head) > at + 2 * step and {head[at], head[at + step], head[at + 2 * step]} == {0x47}
               for at, step in ((0, 188), (4, 192)))  # fmt: skip


def archive_words(head: bytes) -> str | None:
    """Describe a file that holds other files or a table by its first bytes; None for others."""
    matches = (words for at, magic, words in ARCHIVES if head[at : at + len(magic)] == magic)
    return next(matches, None)


def pointer_words(head: bytes) -> str | None:
    """Describe the pointer to a file that was not fetched, and how to fetch it; None for other files."""
    if head.startswith(b"version https://git-lfs.github.com/spec/"):
        return "a Git LFS pointer; git lfs pull fetches the file"
    if head.startswith((b"/annex/objects/", b"../.git/annex/", b".git/annex/")):
        return "a git-annex pointer; git annex get fetches the file"
    return None


def looks_like_archive(head: bytes) -> bool:
    """Whether the first bytes are those of an archive, a table or a compressed file."""
    return archive_words(head) is not None


class Names:
    """Makes names unique: a second ``name`` becomes ``name#2``."""

    def __init__(self) -> None:
        # hashes, not names: a source may have millions
        self._seen = set[int]()
        self._counts = dict[str, int]()

    def take(self, name: str) -> str:
        """The unique id of the next item with this name."""
        while (key := hash(name)) in self._seen:
            self._counts[name] = count = self._counts.get(name, 1) + 1
            name = f"{name}#{count}"  # this may be another item's name
        self._seen.add(key)
        return name
