"""Reads the tags of a file: title, artist, album and ISRC.

FFmpeg reads them, which the worker loads anyway: ID3v1 to ID3v2.4, Vorbis comments, MP4, RIFF, AIFF,
Matroska, ASF, and APEv2 in Monkey's Audio and WavPack. tinytag, which was compared on 24 files, reads no
Matroska, WavPack and TTA, and would be a second parser of untrusted bytes.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from typing import Final

from earwitness.fingerprint.decode.file_view import FileView
from earwitness.fingerprint.decode.formats import FORMATS
from earwitness.fingerprint.decode.worker.backends import DECODE_ERRORS, open_container
from earwitness.fingerprint.decode.worker.sniff import sniff
from earwitness.fingerprint.errors import AudioError

MAX_TEXT: Final = 2_000
"""Characters of one text that are sent; the parent keeps fewer."""

PROBE_BYTES: Final = 2_048
"""Bytes of audio that FFmpeg reads: tags need none, and in a WAV file more would take 0.1 s."""

_from_western: Final = codecs.getdecoder("cp1252")  # loaded now: a locked down worker opens no file

_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "title": ("title",),
    "artist": ("artist", "author"),
    "album": ("album",),
    "isrc": ("isrc", "tsrc", "trc", "wm/isrc"),
}
"""FFmpeg's names, in lower case, of what we read: ``author`` is that of AIFF, ``tsrc`` and ``trc`` of ID3."""


def read_tags(file: FileView) -> dict[str, str]:
    """Return the texts by name; those that the file lacks, or that cannot be read, are left out."""
    try:
        demuxer = FORMATS[sniff(file, name="").format].demuxer
        with open_container(
            file, demuxer, metadata_errors="surrogateescape", probe_bytes=PROBE_BYTES
        ) as container:
            tags: Mapping[str, str] = container.metadata
            if demuxer == "ogg" and container.streams.audio:  # its tags are those of the stream
                tags = container.streams.audio[0].metadata
    except (*DECODE_ERRORS, AudioError, MemoryError):
        return {}
    return _wanted(tags)


def _wanted(tags: Mapping[str, str]) -> dict[str, str]:
    texts = {key.lower(): text for key, text in tags.items()}
    found = {name: next(filter(None, map(texts.get, keys)), None) for name, keys in _KEYS.items()}
    return {name: _decoded(text[:MAX_TEXT]) for name, text in found.items() if text}


def _decoded(text: str) -> str:
    """The text, from Windows-1252 where its bytes are not UTF-8, as in ID3v1 and RIFF."""
    if text.isascii() or not any("\udc80" <= character <= "\udcff" for character in text):
        return text
    return _from_western(text.encode("utf-8", "surrogateescape"), "replace")[0]
