"""Fingerprints of audio: decoding, spectrograms, packed codes, spectral peaks and Chromaprint.

The public names are imported on first use, as most of them load numpy, and `Decoder` starts a process.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from earwitness.fingerprint.decode import Decoder, Limits
    from earwitness.fingerprint.errors import AudioError, EarwitnessError
    from earwitness.fingerprint.extract import Extractor, extractor, schemes
    from earwitness.fingerprint.types import (
        RATE_HZ,
        AudioPart,
        Decoded,
        Fingerprint,
        Query,
        Sound,
        Spectrogram,
        Waveform,
    )

_MODULES: Final = {
    "decode": ("Decoder", "Limits"),
    "errors": ("AudioError", "EarwitnessError"),
    "extract": ("Extractor", "extractor", "schemes"),
    "types": (
        "RATE_HZ",
        "AudioPart",
        "Decoded",
        "Fingerprint",
        "Query",
        "Sound",
        "Spectrogram",
        "Waveform",
    ),
}

__all__ = [
    "RATE_HZ",
    "AudioError",
    "AudioPart",
    "Decoded",
    "Decoder",
    "EarwitnessError",
    "Extractor",
    "Fingerprint",
    "Limits",
    "Query",
    "Sound",
    "Spectrogram",
    "Waveform",
    "extractor",
    "schemes",
]


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
