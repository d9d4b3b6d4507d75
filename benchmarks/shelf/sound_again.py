"""Attacks on packs: make the sound again from the codes and peaks of a recording.

Each attack returns the log spectrogram that it believes in, in the units of
`earwitness.fingerprint.spectrogram.normalise_level`; `griffin_lim` makes sound of it. Nobody knows the
phases, nor the loudness of a stretch against that of another: fingerprints do not depend on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import librosa
import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.extract import Extractor
from earwitness.fingerprint.params import PARAMS
from earwitness.fingerprint.spectrogram import DECIBEL_SCALE, band_filters, normalise_level
from earwitness.fingerprint.types import Fingerprint, Waveform

ITERATIONS: Final = 32
"""Of Griffin and Lim (1984)."""
LOUDEST: Final = 1.05
FLOOR: Final = -PARAMS.floor_db / DECIBEL_SCALE
_HOP: Final = PARAMS.code_hop_frames
_RIDGE: Final = 1.0

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """A recording, its log spectrogram, and what a pack holds of it."""

    samples: Array
    log_spectrogram: Array
    vectors: Array
    peaks: NDArray[np.int32]

    @classmethod
    def of(cls, samples: Array, extractor: Extractor) -> Self:
        """Fingerprint a recording as it is fingerprinted for a pack."""
        query = extractor.query(Waveform(samples=samples), with_chromaprint=False)
        fingerprint: Fingerprint = extractor.fingerprint(query)
        return cls(
            samples=samples,
            log_spectrogram=normalise_level(query.spectrogram.power, extractor.params),
            vectors=extractor.unpack(fingerprint.codes),
            peaks=fingerprint.peaks,
        )

    def patches(self) -> Array:
        """Return the stretch of log spectrogram round each code, shape (n_codes, frames, bands)."""
        padded = np.pad(self.log_spectrogram, ((_HOP // 2, _HOP), (0, 0)), mode="edge")
        return np.stack([padded[k * _HOP : (k + 1) * _HOP] for k in range(len(self.vectors))])

    def whole(self, patches: Array) -> Array:
        """Put patches together to the spectrogram of the recording."""
        joined = patches.reshape(-1, PARAMS.n_bands)[_HOP // 2 :]
        n_frames = len(self.log_spectrogram)
        return np.pad(joined, ((0, max(0, n_frames - len(joined))), (0, 0)), mode="edge")[:n_frames]


def from_peaks(printed: Printed) -> Array:
    """Return a spectrogram of the peaks alone: each as a short tone of one loudness."""
    made = np.full(printed.log_spectrogram.shape, FLOOR, dtype=np.float32)
    for d_frame in range(-PARAMS.peak_reach_frames, PARAMS.peak_reach_frames + 1):
        for d_band in (-1, 0, 1):
            level = -0.1 * abs(d_frame) - 0.5 * abs(d_band)
            frames, bands = printed.peaks[:, 0] + d_frame, printed.peaks[:, 1] + d_band
            inside = (frames >= 0) & (frames < len(made)) & (bands >= 0) & (bands < PARAMS.n_bands)
            np.maximum.at(made, (frames[inside], bands[inside]), np.float32(level))
    return made


class Nearest:
    """For each code the stretch of the known recordings whose code is nearest."""

    def __init__(self, known: Sequence[Printed]) -> None:
        self._vectors = np.concatenate([each.vectors for each in known])
        self._patches = np.concatenate([each.patches() for each in known])

    def __call__(self, printed: Printed) -> Array:
        """Return the spectrogram of a recording that is not among them."""
        nearest = np.argmax(printed.vectors @ self._vectors.T, axis=1)
        return printed.whole(self._patches[nearest])


class Regression:
    """A linear map from codes to the spectrogram, learnt from known recordings."""

    def __init__(self, known: Sequence[Printed]) -> None:
        inputs = np.concatenate([self._inputs(each) for each in known]).astype(np.float64)
        outputs = np.concatenate([each.patches().reshape(len(each.vectors), -1) for each in known])
        square = inputs.T @ inputs + _RIDGE * np.eye(inputs.shape[1])
        self._weights = np.linalg.solve(square, inputs.T @ outputs).astype(np.float32)

    @staticmethod
    def _inputs(printed: Printed) -> Array:
        """Return each code with those beside it, and a constant."""
        beside = np.pad(printed.vectors, ((1, 1), (0, 0)), mode="edge")
        constant = np.ones((len(printed.vectors), 1), dtype=np.float32)
        return np.concatenate([beside[:-2], beside[1:-1], beside[2:], constant], axis=1)

    def __call__(self, printed: Printed) -> Array:
        """Return the spectrogram of a recording that is not among the known ones."""
        patches = (self._inputs(printed) @ self._weights).reshape(-1, _HOP, PARAMS.n_bands)
        return np.clip(printed.whole(patches), FLOOR, LOUDEST)

    def with_peaks(self, printed: Printed) -> Array:
        """Return the same with the peaks on top."""
        return np.maximum(self(printed), from_peaks(printed))


def griffin_lim(log_spectrogram: Array, *, seed: int) -> Array:
    """Return sound whose spectrogram is as near as can be to this one."""
    power = 10.0 ** (log_spectrogram * (DECIBEL_SCALE / 10))
    filters = band_filters().dense(PARAMS.n_fft // 2 + 1)
    share = filters / np.maximum(filters.sum(axis=0), 1e-6)
    magnitude = np.sqrt(share.T @ power.T)
    sound: Array = librosa.griffinlim(
        magnitude,
        n_iter=ITERATIONS,
        hop_length=PARAMS.hop_samples,
        n_fft=PARAMS.n_fft,
        random_state=seed,
    ).astype(np.float32)
    return sound
