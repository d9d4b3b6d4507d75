"""The types that leave this folder: what was heard, and what is kept of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

RATE_HZ: Final = 11_025
"""The one sample rate after decoding: Chromaprint's own, and enough for a spectrogram up to 4 kHz."""


class Sound(Protocol):
    """Mono sound at ``RATE_HZ``, in memory or elsewhere.

    Samples are float32; full scale is +-1, and none is NaN or infinite.
    """

    @property
    def n_samples(self) -> int:
        """Length in samples."""

    @property
    def duration_s(self) -> float:
        """Length in seconds."""

    @property
    def samples(self) -> NDArray[np.float32]:
        """All of its samples, shape (n_samples,), in memory: `read` is for sounds that may be long."""

    def read(self, first: int, last: int) -> NDArray[np.float32]:
        """Samples `first` (included) to `last` (excluded), fewer at the end; they are not to be changed."""

    def cut(self, spans: Sequence[tuple[int, int]]) -> Sound:
        """Some stretches of it, one after another, each from a first sample up to a last one (excluded)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waveform:
    """Mono sound at ``RATE_HZ``, held in memory.

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
    def n_samples(self) -> int:
        """Length in samples."""
        return len(self.samples)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.n_samples / RATE_HZ

    def read(self, first: int, last: int) -> NDArray[np.float32]:
        """Samples `first` (included) to `last` (excluded), fewer at the end, not copied."""
        return self.samples[first:last]

    def cut(self, spans: Sequence[tuple[int, int]]) -> Waveform:
        """Some stretches of it, one after another, each from a first sample up to a last one (excluded)."""
        pieces = [self.samples[first:last] for first, last in spans]
        return Waveform(samples=pieces[0] if len(pieces) == 1 else np.concatenate(pieces))


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioPart:
    """One stream of a file that holds several; all of them lie one after another in the waveform.

    Attributes
    ----------
    label : str
        Such as "link 2" or "track 2 (eng)".
    start_s, duration_s : float
        Where it lies in the waveform, in seconds.
    kind : "sequential" or "parallel"
        A sequential part follows the one before it in the file's own time (joined files, chained streams); a
        parallel part starts at the beginning of the file's time (a further track).
    """

    label: str
    start_s: float
    duration_s: float
    kind: Literal["sequential", "parallel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """What the sandboxed decoder made of one item's bytes.

    Attributes
    ----------
    whole : bool
        False when something that the file holds or states was not decoded: nothing may then read "no match".
    note : str or None
        Why it is not whole, in words.
    parts : tuple of AudioPart
        The streams of the file, in the order in which they lie in the waveform; empty where there is one.
    not_compared_s : float
        Seconds that are known to be in the file, or stated by it, and were not decoded.
    complete_s : float or None
        Where it is not whole: seconds from the start in which nothing is missing. None means up to the end of
        the waveform.
    """

    waveform: Sound
    container: str
    codec: str
    source_rate_hz: int
    source_channels: int
    whole: bool
    note: str | None = None
    parts: tuple[AudioPart, ...] = ()
    not_compared_s: float = 0.0
    complete_s: float | None = None


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
        Frame and band of the strongest spectral peaks, frames ascending (see `earwitness.fingerprint.peaks`).
    chromaprint : uint32 array, shape (n,)
    """

    scheme: str
    duration_s: float
    active_s: float
    codes: NDArray[np.uint8]
    peaks: NDArray[np.int32]
    chromaprint: NDArray[np.uint32]
