"""The log spectrogram of a synthetic signal, which must not change without a new scheme."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from earwitness.fingerprint.conformance import reference_signal
from earwitness.fingerprint.params import PARAMS
from earwitness.fingerprint.spectrogram import normalise_level, spectrogram


def test_the_log_spectrogram_of_the_reference_signal(golden: Callable[[str, object], None]) -> None:
    """Integer decibels relative to the local level, at every 25th frame and every 8th band."""
    decibels = 20 * normalise_level(spectrogram(reference_signal()).power)
    cells = [[round(float(cell)) for cell in row] for row in decibels[::25, ::8]]
    golden("front_end", {"params": asdict(PARAMS), "decibels": cells})
