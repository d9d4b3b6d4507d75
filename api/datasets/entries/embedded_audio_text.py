"""Whether a text holds audio, as base64 or as samples."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from contextlib import closing
from typing import Final

from earwitness.api.datasets.access.byte_streams import UNPACK_ERRORS, Readable
from earwitness.api.datasets.access.locations import Location
from earwitness.api.datasets.file_kinds import is_list_kind, kind_of
from earwitness.api.datasets.item_errors import ItemRefused
from earwitness.api.datasets.items import SourceLimits
from earwitness.api.datasets.manifests.lines import plain_bytes
from earwitness.api.datasets.names import HEAD_BYTES, looks_like_audio, looks_like_text

_SAMPLES: Final = re.compile(rb'"(?:array|samples|waveform)"\s*:\s*\[[\s\[]*-?[0-9]')
_MANY_SAMPLES: Final = re.compile(
    rb"""["'](?:array|samples|waveform)["']\s*:\s*[\s\[]+(?:-?[0-9][0-9.eE+-]*[,\s]+){200}"""
)
_RUN: Final = re.compile(
    rb"[A-Za-z0-9+/_-]{1024,}|(?:[ \t]*[A-Za-z0-9+/_-]{60,76}(?:\\r)?(?:\\n|\r?\n)){12,}"
)
"""A base64 text, in one line or in lines of the length that mail uses."""
_LINE: Final = b"a" * 60
_CLASSES: Final = bytes(97 if re.fullmatch(rb"[A-Za-z0-9+/_-]", bytes([n])) else 32 for n in range(256))
_BREAKS: Final = re.compile(rb"\\[rn]|\s")
_PIECE: Final = 1 << 20
_OVERLAP: Final = 2048
"""Bytes that a piece of the text shares with the next one."""
_MOST_BYTES: Final = 64 << 20
"""Bytes of a text that are searched."""
_SHORTEST: Final = 1024


def may_hold_audio(place: Location, *, limits: SourceLimits) -> bool:
    """Whether a list (CSV, JSON, ...) may hold audio, in base64 or in samples, in its first 64 MiB."""
    kind = kind_of(place.name)
    short = place.size is not None and place.size < _SHORTEST and "." not in kind
    if short or not is_list_kind(kind):
        return False
    try:
        with plain_bytes(place, limits) as stream:
            return any(any(_runs(text)) or _SAMPLES.search(text) for text in _pieces(stream))
    except (OSError, ItemRefused, *UNPACK_ERRORS):
        return False  # nothing of it can be read


def is_text(name: str, head: bytes) -> bool:
    """Whether a file of this name and these first bytes is a text, which may hold audio."""
    return is_list_kind(kind_of(name)) or looks_like_text(head) or head.startswith((b"\xff\xfe", b"\xfe\xff"))


def holds_audio(stream: Readable) -> bool:
    """Whether a text holds, in its first 64 MiB, base64 that begins like audio, or a long list of samples.

    Raises
    ------
    OSError, ItemRefused, and what unpacking raises
        The text cannot be read.
    """
    return any(any(map(_is_audio, _runs(text))) or _MANY_SAMPLES.search(text) for text in _pieces(stream))


def _pieces(stream: Readable) -> Iterator[bytes]:
    """Pieces of a text, each with the end of the one before; zero bytes of UTF-16 are removed."""
    n_read, last = 0, b""
    while n_read < _MOST_BYTES and (piece := stream.read(_PIECE)):
        n_read += len(piece)
        text = last + piece.replace(b"\0", b"")
        yield text
        last = text[-_OVERLAP:]


def _runs(text: bytes) -> Iterator[bytes]:
    """Long base64 texts in a text."""
    # a search for 60 equal bytes is fast; a pattern of classes would look at every position again
    classes, at = text.translate(_CLASSES), 0
    while (at := classes.find(_LINE, at)) >= 0:
        start = classes.rfind(b" ", 0, at) + 1
        match = _RUN.match(text, start)
        if match is not None:
            yield match[0]
        at = (classes.find(b" ", at) if match is None else match.end()) + 1 or len(text)


def _is_audio(run: bytes) -> bool:
    plain = _BREAKS.sub(b"", run[:_SHORTEST]).translate(bytes.maketrans(b"-_", b"+/"))
    plain = plain[: HEAD_BYTES * 4 // 3 // 4 * 4]
    return looks_like_audio(base64.b64decode(plain[: len(plain) // 4 * 4]))


def text_holds_audio(place: Location, head: bytes) -> bool:
    """Whether a file of a folder is a text that holds audio; see `holds_audio`."""
    if (place.size is not None and place.size < _SHORTEST) or not is_text(place.name, head):
        return False
    with closing(place.open()) as stream:
        return holds_audio(stream)
