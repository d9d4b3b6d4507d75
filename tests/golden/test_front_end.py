"""What must never change without a new scheme: the picture of a made-up sound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from earwitness.fingerprint.conformance import reference_signal
from earwitness.fingerprint.params import PARAMS
from earwitness.fingerprint.spectrogram import normalise_level, spectrogram


def test_the_picture_of_a_made_up_sound(golden: Callable[[str, object], None]) -> None:
    """Whole decibels over the local level, at every 25th frame and every 8th band."""
    decibels = 20 * normalise_level(spectrogram(reference_signal()).power)
    cells = [[round(float(cell)) for cell in row] for row in decibels[::25, ::8]]
    golden("front_end", {"params": asdict(PARAMS), "decibels": cells})
