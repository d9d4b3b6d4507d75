"""Data types of the fingerprint package: audio, spectrogram, query and fingerprint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

RATE_HZ: Final = 11_025
"""Sample rate after decoding: that of Chromaprint, and enough for a spectrogram up to 4 kHz."""


class Sound(Protocol):
    """Mono audio at ``RATE_HZ``, in memory or in a file.

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
        """All samples in memory, shape (n_samples,); use `read` if the audio may be long."""

    def read(self, first: int, last: int) -> NDArray[np.float32]:
        """Samples `first` (included) to `last` (excluded), fewer at the end; do not modify them."""

    def cut(self, spans: Sequence[tuple[int, int]]) -> Sound:
        """Concatenation of ranges of samples, first and last (excluded)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waveform:
    """Mono audio at ``RATE_HZ`` in memory.

    Attributes
    ----------
    samples : float32 array, shape (n_samples,)
        Full scale is +-1; never NaN or infinite.
    """

    samples: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.samples.dtype != np.float32 or self.samples.ndim != 1:
            raise ValueError(f"expected mono float32, got {self.samples.dtype} {self.samples.shape}")

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
        """Concatenation of ranges of samples, first and last (excluded)."""
        parts = [self.samples[first:last] for first, last in spans]
        return Waveform(samples=parts[0] if len(parts) == 1 else np.concatenate(parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioPart:
    """One of several streams of a file, which are concatenated in the waveform.

    Attributes
    ----------
    label : str
        Such as "link 2" or "track 2 (eng)".
    start_s, duration_s : float
        Position in the waveform, in seconds.
    kind : "sequential" or "parallel"
        A sequential part follows the previous one in the timeline of the file (joined files, chained
        streams). A parallel part starts at the beginning of that timeline (another track).
    """

    label: str
    start_s: float
    duration_s: float
    kind: Literal["sequential", "parallel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """Texts about the recording that its file holds, as they are there; None where there is none."""

    title: str | None = None
    artist: str | None = None
    album: str | None = None
    isrc: str | None = None


NO_TAGS: Final = Tags()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """Result of decoding one file.

    Attributes
    ----------
    whole : bool
        False if something that the file holds or states was not decoded: it then never reads "no match".
    note : str or None
        Why it is not whole.
    parts : tuple of AudioPart
        The streams of the file in their order in the waveform; empty if there is one.
    not_compared_s : float
        Seconds that the file holds or states and that were not decoded.
    complete_s : float or None
        If not whole: seconds from the start in which nothing is missing; None means all of the waveform.
    tags : Tags
        Tags of the file; empty unless they were requested.
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
    tags: Tags = NO_TAGS


@dataclass(frozen=True, slots=True, kw_only=True)
class Spectrogram:
    """Power spectrogram on a log-frequency axis; linear, not decibels.

    Attributes
    ----------
    power : float32 array, shape (n_frames, n_bands)
        Frame ``i`` is centred ``i * frame_s`` seconds after the start of the waveform.
    frame_s : float
        Seconds between frames.
    """

    power: NDArray[np.float32]
    frame_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Audio to search for; the spectrogram allows variants in speed, pitch and tempo.

    Attributes
    ----------
    scheme : str
        Scheme of the extractor; must equal that of the index.
    duration_s, active_s : float
        Duration, and duration of the parts that are not silent, in seconds.
    chromaprint : uint32 array, shape (n,)
        Chromaprint vector of the file; empty if it was not requested or the audio is too short.
    """

    scheme: str
    duration_s: float
    active_s: float
    spectrogram: Spectrogram
    chromaprint: NDArray[np.uint32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What is stored of a recording: codes, peaks and Chromaprint, but no audio. Shards are built from it.

    Attributes
    ----------
    codes : uint8 array, shape (n_codes, code_bytes)
        Packed sub-fingerprints; code ``k`` is centred ``k * hop_s`` seconds after the start.
    peaks : int32 array, shape (n_peaks, 2)
        Frame and band of the strongest spectral peaks, by ascending frame (see `pick_peaks`).
    chromaprint : uint32 array, shape (n,)
    """

    scheme: str
    duration_s: float
    active_s: float
    codes: NDArray[np.uint8]
    peaks: NDArray[np.int32]
    chromaprint: NDArray[np.uint32]
