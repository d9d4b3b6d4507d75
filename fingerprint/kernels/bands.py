"""Kernels of the spectrogram: windowed frames of a waveform, and power in bands."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.compiled import njit


@njit(cache=True, nogil=True)
def cut_frames(
    samples: NDArray[np.float32],
    window: NDArray[np.float32],
    first: int,
    hop: int,
    frames: NDArray[np.float32],
) -> None:
    """Fill `frames` with windowed frames `first`, `first + 1`, ...; zero outside the waveform."""
    size = window.size
    for i in range(frames.shape[0]):
        start = (first + i) * hop - size // 2
        low = max(0, -start)
        high = max(low, min(size, samples.size - start))
        frames[i, :low] = 0.0
        for j in range(low, high):
            frames[i, j] = samples[start + j] * window[j]
        frames[i, high:] = 0.0


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def sum_bands(
    spectrum: NDArray[np.complex64],
    first_bin: NDArray[np.int32],
    weight_start: NDArray[np.int32],
    weights: NDArray[np.float32],
    power: NDArray[np.float32],
) -> None:
    """Set band ``b`` of `power` to the weighted power of the bins from ``first_bin[b]`` on.

    Its weights are ``weights[weight_start[b]:weight_start[b + 1]]``.
    """
    n_bands = first_bin.size
    n_bins = first_bin[-1] + weight_start[-1] - weight_start[-2]
    bins = np.empty(n_bins, dtype=np.float32)
    for i in range(spectrum.shape[0]):
        for k in range(n_bins):
            real = spectrum[i, k].real
            imag = spectrum[i, k].imag
            bins[k] = real * real + imag * imag
        for b in range(n_bands):
            total = np.float32(0.0)
            at = first_bin[b] - weight_start[b]
            for j in range(weight_start[b], weight_start[b + 1]):
                total += weights[j] * bins[at + j]
            power[i, b] = total
