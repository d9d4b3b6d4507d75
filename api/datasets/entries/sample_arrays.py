"""Samples inside an entry, in a list or an array, become the bytes of a WAV file."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earwitness.api.datasets.item_errors import BadEntry, ItemTooLarge
from earwitness.api.datasets.items import Json


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
