"""Changes the speed, pitch and tempo of a spectrogram."""

from __future__ import annotations

import math

import numpy as np

from earwitness.fingerprint.kernels.bilinear import resample
from earwitness.fingerprint.params import PARAMS, Params
from earwitness.fingerprint.types import Spectrogram


def warp(
    spectrogram: Spectrogram,
    *,
    speed: float = 1.0,
    pitch_cents: float = 0.0,
    tempo: float = 1.0,
    params: Params = PARAMS,
) -> Spectrogram:
    """Undo a change of speed, pitch or tempo of a query.

    Time ``t`` of the query is time ``t * speed * tempo`` of the result. Bands from outside the frequency
    range are zero.

    Parameters
    ----------
    speed : float
        Ratio by which time and pitch were changed together; above 1 is faster and higher.
    pitch_cents : float
        Cents by which pitch alone was raised.
    tempo : float
        Ratio by which time alone was changed; above 1 is faster.

    Raises
    ------
    ValueError
        For a ratio that is not positive, or a spectrogram without frames.
    """
    stretch = speed * tempo
    if not (speed > 0 and tempo > 0 and len(spectrogram.power)):
        raise ValueError(f"cannot warp {len(spectrogram.power)} frames by {speed=}, {tempo=}")
    shift_bands = params.bands_per_octave * (math.log2(speed) + pitch_cents / 1_200)
    n_frames = 1 + round((len(spectrogram.power) - 1) * stretch)
    warped = np.empty((n_frames, spectrogram.power.shape[1]), dtype=np.float32)
    resample(spectrogram.power, 1 / stretch, shift_bands, warped)
    return Spectrogram(power=warped, frame_s=spectrogram.frame_s)
