"""How close one sound is to another, by measures that need no network.

``chroma``
    Melody and harmony: mean correlation of the twelve pitch classes of a moment (constant-Q chroma).
``pitch``
    Share of moments in which the strongest pitch class is the same; chance is about one in twelve, and more
    for two pieces in one key.
``spectrum``
    Correlation of the mel spectrograms in decibels, each band without its mean: what changes in time, and
    where.
``stoi``
    Short-time objective intelligibility of speech (Taal et al. 2011): 1 is the original. How many words
    listeners understand at a value depends on the speech, so it is compared with other sounds.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

import librosa
import numpy as np
from numpy.typing import NDArray
from pystoi import stoi  # type: ignore[import-untyped]

from earwitness.fingerprint.types import RATE_HZ

Array = NDArray[np.float32]

_HOP: Final = 512
_LOWEST: Final = "C2"
_OCTAVES: Final = 5
_MELS: Final = 40
_QUIET_DB: Final = 40.0
"""Moments that are so much quieter than the loudest one are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A sound and what of it is compared; `loud` are the moments that are not quiet."""

    samples: Array
    chroma: Array
    mel: Array
    loud: NDArray[np.bool_]

    @classmethod
    def of(cls, samples: Array) -> Self:
        """Analyse a sound."""
        chroma = librosa.feature.chroma_cqt(
            y=samples,
            sr=RATE_HZ,
            hop_length=_HOP,
            fmin=librosa.note_to_hz(_LOWEST),
            n_octaves=_OCTAVES,
            tuning=0.0,
        )
        mel = librosa.feature.melspectrogram(y=samples, sr=RATE_HZ, hop_length=_HOP, n_mels=_MELS)
        level = librosa.feature.rms(y=samples, hop_length=_HOP)[0]
        loud = level > level.max() * 10 ** (-_QUIET_DB / 20)
        return cls(samples=samples, chroma=chroma, mel=librosa.power_to_db(mel, top_db=60), loud=loud)


def closeness(original: Heard, other: Heard, *, is_speech: bool) -> Mapping[str, float]:
    """Return the measures of two sounds of about one length."""
    n_moments = min(len(original.loud), len(other.loud))
    loud = original.loud[:n_moments]
    one, two = (each.chroma[:, :n_moments][:, loud] for each in (original, other))
    mels = (each.mel[:, :n_moments] for each in (original, other))
    flat = (np.reshape(each - each.mean(axis=1, keepdims=True), (1, -1)) for each in mels)
    measures = {
        "chroma": float(np.mean(_correlations(one.T, two.T))),
        "pitch": float(np.mean(one.argmax(axis=0) == two.argmax(axis=0))),
        "spectrum": float(_correlations(*flat)[0]),
    }
    if is_speech:
        n_samples = min(len(original.samples), len(other.samples))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of sounds with little speech
            measures["stoi"] = float(stoi(original.samples[:n_samples], other.samples[:n_samples], RATE_HZ))
    return {name: round(value, 4) for name, value in measures.items()}


def _correlations(one: Array, two: Array) -> Array:
    """Return the correlation of each row with the other's; 0 where one does not vary."""
    one, two = (each - each.mean(axis=1, keepdims=True) for each in (one, two))
    size = np.linalg.norm(one, axis=1) * np.linalg.norm(two, axis=1)
    found: Array = (one * two).sum(axis=1) / np.maximum(size, 1e-9)
    return found
