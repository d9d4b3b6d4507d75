"""Kernels of the quantiser: values to four-bit levels, two per byte, and back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.compiled import njit


@njit(cache=True, nogil=True)
def pack_nibbles(
    values: NDArray[np.float32], thresholds: NDArray[np.float32], packed: NDArray[np.uint8]
) -> None:
    """Pack the number of ascending `thresholds` that each value reaches; even columns are the low nibble."""
    for i in range(values.shape[0]):
        for j in range(packed.shape[1]):
            low = np.uint8(0)
            high = np.uint8(0)
            for threshold in thresholds:
                low += np.uint8(values[i, 2 * j] >= threshold)
                high += np.uint8(values[i, 2 * j + 1] >= threshold)
            packed[i, j] = low | (high << np.uint8(4))


@njit(cache=True, nogil=True)
def unpack_nibbles(
    packed: NDArray[np.uint8], levels: NDArray[np.float32], values: NDArray[np.float32]
) -> None:
    """Set each value to the one of the 16 `levels` that its nibble names."""
    for i in range(packed.shape[0]):
        for j in range(packed.shape[1]):
            values[i, 2 * j] = levels[packed[i, j] & 15]
            values[i, 2 * j + 1] = levels[packed[i, j] >> 4]
