"""Detects a source's format from its content."""

from __future__ import annotations

import itertools
import tarfile
from collections.abc import Sequence
from contextlib import closing
from typing import Final

from earwitness.api.datasets.access.byte_streams import UNPACK_ERRORS
from earwitness.api.datasets.access.locations import Listing, Location
from earwitness.api.datasets.access.unpack import packing_of
from earwitness.api.datasets.archives.tar_stream import BLOCK, members, open_tar_stream
from earwitness.api.datasets.archives.webdataset import sample_key
from earwitness.api.datasets.archives.zip_directory import ends_like_zip
from earwitness.api.datasets.item_errors import ClosedArchive, ItemRefused, ItemUnreadable
from earwitness.api.datasets.items import Json, SourceLimits
from earwitness.api.datasets.manifests.croissant import is_croissant
from earwitness.api.datasets.manifests.cue_sheet import is_cue_sheet
from earwitness.api.datasets.manifests.json_rows import (
    NoArray,
    array_entries,
    entries_of,
    whole_json,
)
from earwitness.api.datasets.manifests.json_text import BadJson, parse_json
from earwitness.api.datasets.manifests.lhotse import is_lhotse
from earwitness.api.datasets.manifests.lines import head_lines
from earwitness.api.datasets.manifests.text_forms import (
    delimited_kind,
    is_path_list,
    is_wav_scp,
    names_audio,
)
from earwitness.api.datasets.members import called_like_audio, is_item
from earwitness.api.datasets.names import (
    ARCHIVE_SUFFIXES,
    HEAD_BYTES,
    archive_words,
    looks_like_archive,
    looks_like_audio,
    pointer_words,
    suffix,
)
from earwitness.api.datasets.source_errors import SourceTooLarge

TAR_ENDINGS: Final = (
    ".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst", ".tar.bz2", ".tbz2", ".tbz", ".tar.xz", ".txz",
)  # fmt: skip
_NO_MANIFESTS: Final = frozenset({".yaml", ".yml", ".toml", ".xml", ".xspf", ".html", ".htm"})
"""Texts that may name audio, in formats that are not read."""
_SHARDS: Final = {".parquet": "parquet", ".arrow": "arrow", **dict.fromkeys(TAR_ENDINGS, "webdataset")}


def detect_folder_format(listing: Listing) -> str:
    """Name the main format of a folder: that of its shards, where all files that may hold audio have it."""
    kinds: set[str] = set()
    for file in listing():
        name = file.name.lower()
        if file.name == "wav.scp" and isinstance(file, Location):
            return "kaldi"
        if called_like_audio(name):
            kinds.add("folder")
        elif kind := next((kind for ending, kind in _SHARDS.items() if name.endswith(ending)), None):
            kinds.add(kind)
        elif suffix(name) in ARCHIVE_SUFFIXES:
            kinds.add("folder")
    return kinds.pop() if len(kinds) == 1 else "folder"


def detect_file_format(place: Location, *, limits: SourceLimits) -> str | None:
    """Name the reader for one file, from its first bytes; None when no reader knows them."""
    head = place.head(HEAD_BYTES)
    for magic, reader in _MAGIC:
        if head.startswith(magic):
            return reader
    if suffix(place.name) == ".zip" and _is_prefixed_zip(place):
        return "zip"
    if _tar_header(head):
        return "tar" if not _is_webdataset(place, packing="tar", limits=limits) else "webdataset"
    if packing := packing_of(head):
        return _detect_packed(place, packing=packing, limits=limits)
    if called_like_audio(place.name) or looks_like_audio(head):
        return "file"
    return _detect_text(place, limits=limits)


_MAGIC: Final = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"PK\x07\x08", "zip"),
    (b"PK00PK\x03\x04", "zip"),
    (b"PAR1", "parquet"),
    (b"ARROW1", "arrow"),
    (b"\xff\xff\xff\xff", "arrow"),  # a stream of Arrow messages
    (b"WARC/", "warc"),
)


def _is_prefixed_zip(place: Location) -> bool:
    """Whether a file ends as a zip after other bytes, such as the program that unpacks it."""
    with closing(place.open()) as stream:
        return stream.seekable() and ends_like_zip(stream)


def _detect_packed(place: Location, *, packing: str, limits: SourceLimits) -> str | None:
    head = unpacked_head(place, packing=packing, limits=limits) or b""
    if _tar_header(head):
        return "webdataset" if _is_webdataset(place, packing=packing, limits=limits) else packing
    if packing == "tar.gz" and head.startswith(b"WARC/"):
        return "warc"
    if is_item(place.name.rpartition(".")[0], head=head):
        return "packed"
    if looks_like_archive(head):
        return None
    return _detect_text(place, limits=limits)


def unpacked_head(place: Location, *, packing: str, limits: SourceLimits) -> bytes | None:
    """The first unpacked bytes of a compressed file; None when they cannot be read."""
    with closing(place.open()) as stream:
        try:
            return open_tar_stream(stream, packing=packing, name=place.name, limits=limits).read(BLOCK)
        except (ItemRefused, *UNPACK_ERRORS):
            return None


def check_closed(place: Location, *, limits: SourceLimits) -> None:
    """Raise why a file with the name or first bytes of an archive is not read.

    Returns for a compressed file that holds no archive: compressed text, which holds no audio.

    Raises
    ------
    ClosedArchive, ItemUnreadable
    """
    head = place.head(HEAD_BYTES)
    words = archive_words(head)
    if pointer := pointer_words(head):
        raise ItemUnreadable(name=place.name, detail=pointer)
    if (packing := packing_of(head)) is None:
        raise ClosedArchive(name=place.name, detail=words or "called like one, and none we know")
    inner = unpacked_head(place, packing=packing, limits=limits)
    if inner is None:
        raise ItemUnreadable(name=place.name, detail=f"{words} that cannot be unpacked")
    if looks_like_archive(inner):
        raise ClosedArchive(name=place.name, detail=f"{archive_words(inner)} in {words}")


def _tar_header(block: bytes) -> bool:
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError, OverflowError):
        return False
    return True


def _is_webdataset(place: Location, *, packing: str, limits: SourceLimits) -> bool:
    """Whether the tar begins with a sample: audio and JSON of one basename."""
    with closing(place.open()) as stream:
        tar = open_tar_stream(stream, packing=packing, name=place.name, limits=limits)
        try:
            first = [m.name for m in itertools.islice(members(tar, name=place.name, limits=limits), 8)]
        except (ItemRefused, OSError):
            return False
    with_json = {sample_key(name) for name in first if name.endswith(".json")}
    return any(called_like_audio(name) and sample_key(name) in with_json for name in first)


def _detect_text(place: Location, *, limits: SourceLimits) -> str | None:
    try:
        lines = [line for line in head_lines(place, limits) if line.strip()]
    except (OSError, ItemRefused):
        return None
    if not lines or _is_binary(lines[:8]):
        return None
    if suffix(place.name) in _NO_MANIFESTS:
        return None
    first = lines[0].lstrip()
    if first.startswith(("{", "[")) and not first.lower().startswith("[playlist]"):
        return _detect_json(place, lines, limits=limits)
    if is_cue_sheet(lines):
        return "cue"
    if place.name == "wav.scp" or is_wav_scp(lines[:8]):
        return "kaldi"
    return "list" if is_path_list(lines, name=place.name) else delimited_kind(lines, name=place.name)


def _detect_json(place: Location, lines: Sequence[str], *, limits: SourceLimits) -> str | None:
    """JSON lines of a manifest, or of Lhotse; one text that is a manifest or a Croissant description."""
    try:
        first = parse_json(lines[0])
        if isinstance(first, list):
            return _detect_json_document(place, limits=limits)
        if not isinstance(first, dict):
            return None
    except BadJson:
        # one JSON text over several lines; or lines of which the first is damaged
        kind = _detect_json_document(place, limits=limits)
        stem = (
            place.name.lower()
            .removesuffix(".gz")
            .removesuffix(".zst")
            .removesuffix(".bz2")
            .removesuffix(".xz")
        )
        return kind or ("jsonl" if suffix(stem) in {".jsonl", ".ndjson"} else None)
    if is_croissant(first):
        return "croissant"
    if is_lhotse(first):
        return "lhotse"
    one_text = len(lines) == 1 and (not names_audio(first) or suffix(place.name) == ".json")
    if one_text and entries_of(first):
        return _detect_json_document(place, limits=limits)
    return "jsonl"


def _detect_json_document(place: Location, *, limits: SourceLimits) -> str | None:
    try:
        first = next(array_entries(place, limits=limits), {})
        return "lhotse" if isinstance(first, dict) and is_lhotse(first) else _json_of(first)
    except NoArray:
        return _detect_json_object(place, limits=limits)
    except (BadJson, OSError, ItemRefused):
        return None


def _json_of(first: Json) -> str | None:
    return "json" if isinstance(first, dict | str) else None


def _detect_json_object(place: Location, *, limits: SourceLimits) -> str | None:
    try:
        value = whole_json(place, limits=limits)
    except (BadJson, OSError, ItemRefused):
        return None
    except SourceTooLarge:  # raised again when the file is read
        return "json" if suffix(place.name) == ".json" else None
    if isinstance(value, dict) and is_croissant(value):
        return "croissant"
    entries = entries_of(value)
    if entries is None:
        return "jsonl" if isinstance(value, dict) and names_audio(value) else None
    if entries and isinstance(entries[0], dict) and is_lhotse(entries[0]):
        return "lhotse"
    return _json_of(entries[0]) if entries else "json"


def _is_binary(lines: Sequence[str]) -> bool:
    """Whether most lines hold a NUL; a single one is the error of its row."""
    return 2 * sum("\0" in line for line in lines) > len(lines)
