"""Removes late reverberation from a spectrogram. Its parameters are chosen by hand; no command fits them."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from earwitness.fingerprint.kernels.decaying_mean import subtract_past
from earwitness.fingerprint.types import Spectrogram

DECAY_S: Final = 0.3
"""Time constant of the assumed decay, in seconds."""

REVERBERATION_SHARE: Final = 0.5
"""Assumed power of the reverberation, relative to the decaying mean of earlier power."""

FLOOR: Final = 0.1
"""Share of the power that remains at least (-10 dB)."""


def dereverberate(spectrogram: Spectrogram) -> Spectrogram:
    """Subtract late reverberation, modelled as a decaying mean of earlier power.

    Spectral subtraction (Lebart, Boucher & Denbigh 2001, "A new method based on spectral subtraction for
    speech dereverberation") with one decay time, as that of the query is unknown.
    """
    dry = np.empty_like(spectrogram.power)
    subtract_past(
        spectrogram.power, math.exp(-spectrogram.frame_s / DECAY_S), REVERBERATION_SHARE, FLOOR, dry
    )
    return Spectrogram(power=dry, frame_s=spectrogram.frame_s)
