"""The small spectrogram that is stored of a work to show matches; audio cannot be rebuilt from it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.params import Params
from earwitness.fingerprint.types import Spectrogram
from earwitness.index.database.records import Thumbnail

N_BANDS: Final = 64
FRAME_S: Final = 0.16
"""About six frames a second of 64 bytes each: 1.4 MB an hour."""
RANGE_DB: Final = 72.0
STEP_DB: Final = RANGE_DB / 255


def thumbnail(spectrogram: Spectrogram) -> Thumbnail:
    """Shrink a spectrogram to `N_BANDS` bands and about `FRAME_S` a frame, in decibels below its loudest."""
    power = spectrogram.power
    per_frame = max(1, round(FRAME_S / spectrogram.frame_s))
    per_band = _bands_per_band(power.shape[1])
    n_frames, n_bands = -(-len(power) // per_frame), power.shape[1] // per_band
    padded = (
        np.pad(power, ((0, n_frames * per_frame - len(power)), (0, 0)), mode="edge") if n_frames else power
    )
    cells = padded[:, : n_bands * per_band].reshape(n_frames, per_frame, n_bands, per_band).mean(axis=(1, 3))
    loudest = float(cells.max(initial=1e-12))
    decibels = 10 * np.log10(np.maximum(cells / loudest, 1e-12))
    levels = np.clip(np.rint((decibels + RANGE_DB) / STEP_DB), 0, 255).astype(np.uint8)
    return Thumbnail(
        levels=levels, frame_s=per_frame * spectrogram.frame_s, lowest_db=-RANGE_DB, step_db=STEP_DB
    )


def band_edges_hz(n_bands: int, params: Params) -> NDArray[np.float64]:
    """Return the edges of a thumbnail's bands, in Hz, shape (n_bands + 1,): those of the spectrogram's bands.

    Edges lie half a band of the spectrogram below and above the centres of its bands.
    """
    band = np.arange(n_bands + 1) * _bands_per_band(params.n_bands) - 0.5
    return np.asarray(params.low_hz * 2 ** (band / params.bands_per_octave), dtype=np.float64)


def _bands_per_band(n_bands: int) -> int:
    """Number of bands of a spectrogram that one band of its thumbnail holds."""
    return max(1, n_bands // N_BANDS)
