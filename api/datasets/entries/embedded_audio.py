"""Audio inside an entry: base64 text is decoded, and lists of samples become the bytes of a WAV file."""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from earwitness.api.datasets.entries.clock_times import number_of
from earwitness.api.datasets.item_errors import BadEntry, ItemTooLarge
from earwitness.api.datasets.items import Json
from earwitness.api.datasets.names import HEAD_BYTES, looks_like_audio

if TYPE_CHECKING:
    from numpy.typing import NDArray

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


def wav_of(channels: NDArray[Any], rate_hz: float) -> bytes:
    """A WAV of samples (frames, channels): 16-bit and 32-bit integers unchanged, all others as float32.

    Parameters
    ----------
    channels : ndarray, shape (frames, channels)
        Floats above full scale are scaled down to it.
    """
    if channels.dtype in {np.dtype("int16"), np.dtype("int32")}:
        data, code = channels, 1
    else:
        data = np.nan_to_num(channels.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
        if channels.dtype.kind in "iu":
            data /= float(np.iinfo(channels.dtype).max)
        peak = float(np.abs(data).max(initial=0.0))
        data, code = data / max(peak, 1.0), 3
    data = np.ascontiguousarray(data.astype(data.dtype.newbyteorder("<"), copy=False))
    n_channels, width, rate = data.shape[1], data.itemsize, round(rate_hz)
    block = n_channels * width
    fmt_chunk = struct.pack("<HHIIHH", code, n_channels, rate, rate * block, block, 8 * width)
    head = struct.pack("<4sI4s4sI", b"RIFF", 36 + data.nbytes, b"WAVE", b"fmt ", len(fmt_chunk))
    return head + fmt_chunk + struct.pack("<4sI", b"data", data.nbytes) + data.tobytes()


def array_audio(value: Json, *, rate_hz: float | None, name: str, max_bytes: int) -> bytes:
    """A WAV of a JSON list of numbers, or of one list for each channel.

    Raises
    ------
    BadEntry, ItemTooLarge
        The value is not a list of numbers, is too long, or its sampling rate is not stated.
    """
    if rate_hz is None:
        raise BadEntry(name=name, detail="a list of samples without its sampling_rate")
    try:
        samples = np.asarray(value, dtype=np.float32)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadEntry(name=name, detail="its array is no list of numbers") from error
    return samples_audio(samples, rate_hz=rate_hz, name=name, max_bytes=max_bytes)


def samples_audio(samples: NDArray[Any], *, rate_hz: float, name: str, max_bytes: int) -> bytes:
    """A WAV of an array (frames), (channels, frames) or (frames, channels): the longer axis is time."""
    if samples.ndim == 1:
        samples = samples[:, np.newaxis]
    if samples.ndim != 2 or not samples.size:
        raise BadEntry(name=name, detail=f"an array of shape {samples.shape}")
    if samples.shape[0] < samples.shape[1]:
        samples = samples.T
    if samples.shape[1] > 64:
        raise BadEntry(name=name, detail=f"an array of {samples.shape[1]:,} channels")
    if samples.size * 4 > max_bytes:
        raise ItemTooLarge(name=name, detail=f"{samples.size:,} samples")
    return wav_of(samples, rate_hz)
