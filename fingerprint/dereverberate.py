"""A spectrogram with less of the room in it."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from earwitness.fingerprint.kernels.decaying_mean import subtract_past
from earwitness.fingerprint.types import Spectrogram

ROOM_S: Final = 0.3
"""How far back the sound reaches that a room is thought to give back, as the time constant of its decay."""

ROOM_SHARE: Final = 0.5
"""Power of the room, against the mean power of what was heard before."""

LEAST: Final = 0.1
"""Of any power so much stays, 10 dB less, whatever the room is thought to hold."""


def dereverberate(spectrogram: Spectrogram) -> Spectrogram:
    """Subtract late reverberation, held to be a decaying mean of what was heard before.

    Spectral subtraction (Lebart, Boucher & Denbigh 2001, "A new method based on spectral subtraction for
    speech dereverberation") with one decay for all rooms, as nothing is known of the query's.
    """
    dried = np.empty_like(spectrogram.power)
    subtract_past(spectrogram.power, math.exp(-spectrogram.frame_s / ROOM_S), ROOM_SHARE, LEAST, dried)
    return Spectrogram(power=dried, frame_s=spectrogram.frame_s)
