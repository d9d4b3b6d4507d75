"""What must never change without a new scheme: the picture of a made-up sound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from fingerprint.conformance import made_up_sound
from fingerprint.params import PARAMS
from fingerprint.spectrogram import level_free, spectrogram


def test_the_picture_of_a_made_up_sound(golden: Callable[[str, object], None]) -> None:
    """Whole decibels over the local level, at every 25th frame and every 8th band."""
    decibels = 20 * level_free(spectrogram(made_up_sound()).power)
    cells = [[round(float(cell)) for cell in row] for row in decibels[::25, ::8]]
    golden("front_end", {"params": asdict(PARAMS), "decibels": cells})
