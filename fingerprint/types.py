"""The types that leave this folder: what was heard, and what is kept of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

RATE_HZ: Final = 11_025
"""The one sample rate after decoding: Chromaprint's own, and enough for a spectrogram up to 4 kHz."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waveform:
    """Mono sound at ``RATE_HZ``.

    Attributes
    ----------
    samples : float32 array, shape (n_samples,)
        Full scale is +-1; never NaN or infinite.
    """

    samples: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.samples.dtype != np.float32 or self.samples.ndim != 1:
            raise ValueError(f"mono float32 wanted, got {self.samples.dtype} {self.samples.shape}")

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / RATE_HZ


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """What the sandboxed decoder made of one item's bytes.

    Attributes
    ----------
    whole : bool
        False when the file ended before its header said so: nothing may then read "no match".
    note : str or None
        Why it is not whole, in words.
    """

    waveform: Waveform
    container: str
    codec: str
    source_rate_hz: int
    source_channels: int
    whole: bool
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spectrogram:
    """Power on a log-frequency axis; linear, not decibels.

    Attributes
    ----------
    power : float32 array, shape (n_frames, n_bands)
        Frame ``i`` is centred ``i * frame_s`` seconds after the start of the waveform.
    frame_s : float
        Seconds from one frame to the next.
    """

    power: NDArray[np.float32]
    frame_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One sound to ask about. It keeps the spectrogram, to be asked faster, slower, higher and lower.

    Attributes
    ----------
    scheme : str
        Names every number that can change a code; compared with the index's before anything is looked up.
    duration_s, active_s : float
        Whole length, and the length that is neither silent nor near it, in seconds.
    chromaprint : uint32 array, shape (n,)
        Whole-file Chromaprint vector (empty when the sound is too short for one).
    """

    scheme: str
    duration_s: float
    active_s: float
    spectrogram: Spectrogram
    chromaprint: NDArray[np.uint32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What is stored of a recording, and the truth: segments are rebuilt from it. No audio, no spectrogram.

    Attributes
    ----------
    codes : uint8 array, shape (n_codes, code_bytes)
        Packed sub-fingerprints; code ``k`` is centred ``k * hop_s`` seconds after the start.
    peaks : int32 array, shape (n_peaks, 2)
        Frame and band of the strongest spectral peaks, frames ascending (see `fingerprint.peaks`).
    chromaprint : uint32 array, shape (n,)
    """

    scheme: str
    duration_s: float
    active_s: float
    codes: NDArray[np.uint8]
    peaks: NDArray[np.int32]
    chromaprint: NDArray[np.uint32]
