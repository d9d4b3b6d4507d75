"""Chromaprint vector of a whole file, for interchange and for whole-file copies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fingerprint.types import RATE_HZ, Waveform


def chromaprint(waveform: Waveform) -> NDArray[np.uint32]:
    """Chromaprint's own vector, uint32 (n,); empty where the sound is too short for one."""
    import acoustid
    import chromaprint as library

    pcm = (np.clip(waveform.samples, -1, 1) * 32_767).astype("<i2").tobytes()
    encoded = acoustid.fingerprint(RATE_HZ, 1, iter([pcm]), 1 << 20)
    return np.array(library.decode_fingerprint(encoded)[0], dtype=np.uint32)
