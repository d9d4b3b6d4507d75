"""Checks that this machine computes the expected fingerprint of a synthetic signal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from earwitness.fingerprint.extract import Extractor
from earwitness.fingerprint.types import RATE_HZ, Waveform

SIGNAL_S: Final = 12.0
NOTES_HZ: Final = (110.0, 164.81, 220.0, 277.18, 329.63, 440.0, 554.37, 659.26)
MIN_COSINE: Final = 0.9995
"""Lowest cosine similarity of the codes of two machines: instruction sets differ in the order of sums."""

MIN_EQUAL_PEAKS: Final = 0.95
"""Lowest share of equal peaks: of two peaks of equal strength, either may be picked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conformance:
    """Agreement of the codes of this machine with the expected ones.

    Attributes
    ----------
    worst_cosine : float
        Cosine similarity of the least similar pair of codes.
    equal_bytes : float
        Share of the packed bytes that are equal.
    equal_peaks : float
        Share of the expected spectral peaks that were picked.
    """

    scheme: str
    worst_cosine: float
    equal_bytes: float
    equal_peaks: float

    @property
    def ok(self) -> bool:
        """Whether codes of this machine can be searched in an index made on another one."""
        return self.worst_cosine >= MIN_COSINE and self.equal_peaks >= MIN_EQUAL_PEAKS


def reference_signal() -> Waveform:
    """Plucked notes over rising noise, computed without a random generator or a file."""
    n_samples = int(SIGNAL_S * RATE_HZ)
    time_s = np.arange(n_samples) / RATE_HZ
    samples = np.zeros(n_samples)
    for number in range(48):
        start_s = 0.25 * number
        hz = NOTES_HZ[number * 5 % len(NOTES_HZ)] * (1 + number % 3)
        age_s = np.maximum(time_s - start_s, 0.0)
        envelope = np.where(time_s >= start_s, np.exp(-age_s / 0.3), 0.0)
        samples += envelope * np.sin(2 * np.pi * hz * age_s) / (1 + number % 3)
    noise = (np.arange(n_samples, dtype=np.int64) * 1_103_515_245 + 12_345) % 65_521 / 65_521 - 0.5
    samples += 0.05 * time_s / SIGNAL_S * noise
    return Waveform(samples=(0.2 * samples).astype(np.float32))


def check(extractor: Extractor) -> Conformance:
    """Compare codes and peaks of the test signal with those shipped with the model."""
    with np.load(extractor.model_file("conformance.npz"), allow_pickle=False) as arrays:
        expected, packed, peaks = arrays["embedding"], arrays["codes"], arrays["peaks"]
    query = extractor.query(reference_signal())
    embedding = extractor.embed(query.spectrogram, fine=True)
    picked = {tuple(peak) for peak in extractor.fingerprint(query).peaks.tolist()}
    return Conformance(
        scheme=extractor.scheme,
        worst_cosine=float((embedding * expected).sum(axis=1).min()),
        equal_bytes=float((extractor.pack(embedding) == packed).mean()),
        equal_peaks=sum(tuple(peak) in picked for peak in peaks.tolist()) / len(peaks),
    )
