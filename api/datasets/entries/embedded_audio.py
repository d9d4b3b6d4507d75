"""Audio inside an entry as base64 text, and the sampling rate that an entry states for its samples."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Final

from earwitness.api.datasets.entries.clock_times import number_of
from earwitness.api.datasets.item_errors import ItemTooLarge
from earwitness.api.datasets.items import Json
from earwitness.api.datasets.names import HEAD_BYTES, looks_like_audio

_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{64,}={0,2}")
_SHORTEST: Final = 64
_SHORTEST_AUDIO: Final = 512
"""Characters of base64 in a field of any name; shorter text is too little to recognise audio."""
_RATE_NAMES: Final = frozenset({
    "sampling_rate", "sample_rate", "samplerate", "samplingrate", "sr", "fs", "rate", "sampling_frequency",
    "sample_rate_hz", "sampling_rate_hz", "audio_sampling_rate", "audio_sample_rate",
})  # fmt: skip
ARRAY_NAMES: Final = frozenset({
    "array", "samples", "waveform", "data", "values", "signal", "audio", "wav", "input_values", "raw_audio",
    "raw", "y",
})  # fmt: skip
"""Names of columns of samples."""


def base64_audio(text: str, *, max_bytes: int) -> bytes | None:
    """The bytes of audio written as base64, plain or as a ``data:`` URL; None for other text.

    Raises
    ------
    ItemTooLarge
        The audio would be more than ``max_bytes``.
    """
    if text.startswith("data:"):
        head, _, text = text.partition(",")
        if not head.endswith(";base64"):
            return None
    if len(text) < _SHORTEST or not looks_like_base64(text):
        return None
    if len(text) * 3 // 4 > max_bytes:
        raise ItemTooLarge(name="base64 text", detail=f"{len(text):,} characters")
    plain = "".join(text.split()).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        audio = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    return audio if looks_like_audio(audio[:HEAD_BYTES]) else None


def begins_as_audio_in_base64(text: str) -> bool:
    """Whether the text of a field of any name begins as audio in base64."""
    if len(text) < _SHORTEST_AUDIO or text[:1].isspace():
        return False
    try:
        return base64_audio(text[: len(text) if len(text) < 4096 else 4096], max_bytes=1 << 20) is not None
    except ItemTooLarge:
        return False


def looks_like_base64(text: str) -> bool:
    """Whether text begins like base64 and not like a path: with one long word."""
    words = text.lstrip()[:4096].split(None, 1)
    return bool(words) and bool(_BASE64.fullmatch(words[0]))


def stated_rate(row: Mapping[str, Json]) -> float | None:
    """The sampling rate that a field of this row states, in Hz."""
    for key, value in row.items():
        if key.strip().lower().replace(" ", "_") in _RATE_NAMES:
            rate = number_of(value)
            if rate is not None and 100 <= rate <= 1_000_000:
                return rate
    return None
