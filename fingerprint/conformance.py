"""Does this machine compute the codes that the model's makers computed? Asked of a made-up sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from earwitness.fingerprint.extract import Extractor
from earwitness.fingerprint.types import RATE_HZ, Waveform

SIGNAL_S: Final = 12.0
NOTES_HZ: Final = (110.0, 164.81, 220.0, 277.18, 329.63, 440.0, 554.37, 659.26)
LEAST_COSINE: Final = 0.9995
"""Codes of two machines agree at least this well: other instruction sets add numbers in another order."""

LEAST_PEAKS: Final = 0.95
"""Of two peaks in one second that are equally strong, either may be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conformance:
    """How well this machine's codes agree with the expected ones.

    Attributes
    ----------
    worst_cosine : float
        Of the least similar pair of codes.
    equal_bytes : float
        Share of the packed bytes that are the same.
    equal_peaks : float
        Share of the expected spectral peaks that were picked.
    """

    scheme: str
    worst_cosine: float
    equal_bytes: float
    equal_peaks: float

    @property
    def ok(self) -> bool:
        """True where codes made here can be looked up in an index made elsewhere."""
        return self.worst_cosine >= LEAST_COSINE and self.equal_peaks >= LEAST_PEAKS


def reference_signal() -> Waveform:
    """Plucked notes over a rising hiss, from arithmetic alone: no random generator, no file."""
    n_samples = int(SIGNAL_S * RATE_HZ)
    time_s = np.arange(n_samples) / RATE_HZ
    sound = np.zeros(n_samples)
    for number in range(48):
        start_s = 0.25 * number
        hz = NOTES_HZ[number * 5 % len(NOTES_HZ)] * (1 + number % 3)
        age_s = np.maximum(time_s - start_s, 0.0)
        envelope = np.where(time_s >= start_s, np.exp(-age_s / 0.3), 0.0)
        sound += envelope * np.sin(2 * np.pi * hz * age_s) / (1 + number % 3)
    hiss = (np.arange(n_samples, dtype=np.int64) * 1_103_515_245 + 12_345) % 65_521 / 65_521 - 0.5
    sound += 0.05 * time_s / SIGNAL_S * hiss
    return Waveform(samples=(0.2 * sound).astype(np.float32))


def check(extractor: Extractor) -> Conformance:
    """Compare this machine's codes of the test signal with those that the model ships."""
    with np.load(extractor.model_file("conformance.npz"), allow_pickle=False) as kept:
        expected, packed, peaks = kept["embedding"], kept["codes"], kept["peaks"]
    heard = extractor.query(reference_signal())
    found = extractor.embed(heard.spectrogram, fine=True)
    picked = {tuple(peak) for peak in extractor.fingerprint(heard).peaks.tolist()}
    return Conformance(
        scheme=extractor.scheme,
        worst_cosine=float((found * expected).sum(axis=1).min()),
        equal_bytes=float((extractor.pack(found) == packed).mean()),
        equal_peaks=sum(tuple(peak) in picked for peak in peaks.tolist()) / len(peaks),
    )
