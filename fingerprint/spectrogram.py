"""Log-frequency power spectrogram of audio, and its level-normalised logarithm, the input of the net."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.kernels.bands import cut_frames, sum_bands
from earwitness.fingerprint.numeric.scipy_parts import rfft
from earwitness.fingerprint.params import PARAMS, Params
from earwitness.fingerprint.types import Sound, Spectrogram

CHUNK_FRAMES: Final = 48
"""Frames per transform: 0.3 MB of samples and as much of bins fit into the cache of one core (256 frames take
half as long again)."""

READ_FRAMES: Final = 64 * CHUNK_FRAMES
"""Frames per read, a multiple of ``CHUNK_FRAMES``, so that audio in a file gives exactly the same values as
in memory."""

DECIBEL_SCALE: Final = 20.0
"""Decibels per unit of the log spectrogram."""

TINY_POWER: Final = 1e-30
"""Avoids division by zero in digital silence; far below the power of one quantisation step."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Triangular filters on the log-frequency axis, as sparse lists (see `sum_bands`)."""

    first_bin: NDArray[np.int32]
    weight_start: NDArray[np.int32]
    weights: NDArray[np.float32]

    def dense(self, n_bins: int) -> NDArray[np.float32]:
        """The filters as a matrix, shape (n_bands, n_bins), for comparison with other libraries."""
        matrix = np.zeros((self.first_bin.size, n_bins), dtype=np.float32)
        for band, first in enumerate(self.first_bin):
            row = self.weights[self.weight_start[band] : self.weight_start[band + 1]]
            matrix[band, first : first + row.size] = row
        return matrix


@lru_cache(maxsize=4)
def band_filters(params: Params = PARAMS) -> Filters:
    """Triangular filters of sum 1 between the centres of adjacent bands, at least one bin wide.

    The lowest bands are closer together than the bins of the transform, so their filters interpolate between
    bins.
    """
    spacing_hz = params.rate_hz / params.n_fft
    bins_hz = np.arange(params.n_fft // 2 + 1) * spacing_hz
    first, starts, rows = [], [0], []
    for band in range(params.n_bands):
        centre, above = params.low_hz * 2 ** (np.array([band, band + 1]) / params.bands_per_octave)
        row = np.maximum(0.0, 1.0 - np.abs(bins_hz - centre) / max(above - centre, spacing_hz))
        bins = np.flatnonzero(row)
        first.append(bins[0])
        starts.append(starts[-1] + bins.size)
        rows.append(row[bins] / row.sum())
    return Filters(
        first_bin=np.array(first, dtype=np.int32),
        weight_start=np.array(starts, dtype=np.int32),
        weights=np.concatenate(rows).astype(np.float32),
    )


@lru_cache(maxsize=4)
def _window(n_fft: int) -> NDArray[np.float32]:
    """Hann window; equal to `scipy.signal.get_window`, whose import takes longer than a short query."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)).astype(np.float32)


def count_frames(n_samples: int, params: Params = PARAMS) -> int:
    """Number of frames of a waveform: one is centred on each hop from sample 0 on."""
    return 1 + n_samples // params.hop_samples


def power_frames(
    samples: NDArray[np.float32], first: int, last: int, params: Params = PARAMS
) -> NDArray[np.float32]:
    """Log-frequency power of frames `first` (included) to `last` (excluded) of a waveform.

    Any split into such ranges gives the same frames, to within float rounding.

    Returns
    -------
    power : float32 array, shape (last - first, n_bands)
        Mean squared magnitude of the transform's bins under each filter; linear.
    """
    filters, window = band_filters(params), _window(params.n_fft)
    power = np.empty((last - first, params.n_bands), dtype=np.float32)
    frames = np.empty((min(CHUNK_FRAMES, last - first), params.n_fft), dtype=np.float32)
    for start in range(first, last, CHUNK_FRAMES):
        chunk = frames[: min(CHUNK_FRAMES, last - start)]
        rows = power[start - first : start - first + len(chunk)]
        begin, end = start * params.hop_samples, (start + len(chunk)) * params.hop_samples
        if not samples[max(begin - params.n_fft, 0) : end + params.n_fft].any():
            rows[:] = 0.0  # skip digital silence, which may last for hours
            continue
        cut_frames(samples, window, start, params.hop_samples, chunk)
        spectrum = rfft(chunk)
        sum_bands(spectrum, filters.first_bin, filters.weight_start, filters.weights, rows)
    return power


def spectrogram(sound: Sound, params: Params = PARAMS) -> Spectrogram:
    """Log-frequency power of a recording; frame ``i`` is centred at sample ``i * hop_samples``."""
    n_frames, hop = count_frames(sound.n_samples, params), params.hop_samples
    power = np.empty((n_frames, params.n_bands), dtype=np.float32)
    for first in range(0, n_frames, READ_FRAMES):
        last = min(first + READ_FRAMES, n_frames)
        before = min(first, -(-params.n_fft // hop))
        samples = np.ascontiguousarray(sound.read((first - before) * hop, last * hop + params.n_fft))
        power[first:last] = power_frames(samples, before, before + last - first, params)
    return Spectrogram(power=power, frame_s=params.frame_s)


def local_level(power: NDArray[np.float32], params: Params = PARAMS) -> NDArray[np.float32]:
    """Mean power of a band over ``level_frames`` around each frame, fewer at the ends.

    The level depends on neighbouring frames only, so that an excerpt has the same levels as the recording
    except at its ends.
    """
    box = np.ones(params.level_frames)
    reach = params.level_frames // 2
    inside = slice(reach, reach + len(power))
    total = np.convolve(power.mean(axis=1, dtype=np.float64), box)[inside]
    count = np.convolve(np.ones(len(power)), box)[inside]
    return (total / count).astype(np.float32)


def normalise_level(power: NDArray[np.float32], params: Params = PARAMS) -> NDArray[np.float32]:
    """Decibels relative to the local level with a soft floor, in units of 20 dB; invariant to gain.

    Parameters
    ----------
    power : float32 array, shape (n_frames, n_bands)

    Returns
    -------
    log_spectrogram : float32 array, shape (n_frames, n_bands)
        ``log10(power / level + floor) * 10 / 20``, between ``-floor_db / 20`` (silence) and about 1.05.
    """
    log_spectrogram = power / (local_level(power, params)[:, None] + np.float32(TINY_POWER))
    log_spectrogram += np.float32(10 ** (-params.floor_db / 10))
    np.log10(log_spectrogram, out=log_spectrogram)
    log_spectrogram *= np.float32(10 / DECIBEL_SCALE)
    return log_spectrogram
