"""Whether a text beside audio files holds audio itself, written as base64 or as samples."""

from __future__ import annotations

import re
from typing import Final

from api.datasets.kinds import is_list_kind, kind_of
from api.datasets.lines import plain_bytes
from api.datasets.places import Place
from api.datasets.streams import UNPACK_ERRORS
from api.datasets.types import SourceLimits
from api.errors import ItemRefused

_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_-]{1024}|(?:[A-Za-z0-9+/_-]{60,76}(?:\\r)?(?:\\n|\r?\n)){12}")
_SAMPLES: Final = re.compile(rb'"(?:array|samples|waveform)"\s*:\s*\[[\s\[]*-?[0-9]')
_PIECE: Final = 1 << 20
_KEPT: Final = 2048
_MOST_BYTES: Final = 64 << 20
"""How far a text is looked through."""
_SHORTEST: Final = 1024


def may_hold_audio(place: Place, *, limits: SourceLimits) -> bool:
    """Whether a list (CSV, JSON, ...) has what may be audio, in base64 or in samples, in its first 64 MiB."""
    kind = kind_of(place.name)
    short = place.size is not None and place.size < _SHORTEST and "." not in kind
    if short or not is_list_kind(kind):
        return False
    read, last = 0, b""
    try:
        with plain_bytes(place, limits) as stream:
            while read < _MOST_BYTES and (piece := stream.read(_PIECE)):
                read += len(piece)
                text = last + piece.replace(b"\0", b"")
                if _BASE64.search(text) or _SAMPLES.search(text):
                    return True
                last = text[-_KEPT:]
    except (OSError, ItemRefused, *UNPACK_ERRORS):
        return False  # it holds nothing that can be read
    return False
