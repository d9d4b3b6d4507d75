"""Whether codes in a row come from spoken word: a voice is nearer to itself than music to other music.

Two tests have to agree. Fisher's axis (1936) tells an ordinary song from a voice; slow pads and drones lie on
the voice's side of it, but far from any voice in all other directions. Voices are alike, so a Gaussian of
their codes, against one of music's, says no to those.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.float32]

FROM_PLACE: Final = 0.7
"""Place between the means of music (0) and speech (1) from which on codes may be spoken."""

FROM_NATS: Final = -8.0
"""Mean log-likelihood of a code as speech over that as music, from which on codes may be spoken.

With both, of 16 s of training and validation music 0.1 and 0 % read as spoken (by the axis alone 1.1 and
0.5), of all speech 100 %.
"""

SHRINKAGE: Final = 0.1
"""Part of a covariance that is taken as alike in all directions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaussian:
    """A normal density over codes: mean, root of the inverse covariance, log of the density at the mean."""

    mean: Codes
    whiten: Codes
    log_peak: float

    @classmethod
    def of(cls, codes: Codes) -> Self:
        """Fit it to codes, float32 (n, dim)."""
        covariance = np.cov(codes, rowvar=False, dtype=np.float64)
        even = np.trace(covariance) / len(covariance) + 1e-6
        values, vectors = np.linalg.eigh(
            (1 - SHRINKAGE) * covariance + SHRINKAGE * even * np.eye(len(covariance))
        )
        return cls(
            mean=codes.mean(axis=0, dtype=np.float64).astype(np.float32),
            whiten=(vectors / np.sqrt(values)).astype(np.float32),
            log_peak=float(-0.5 * np.log(values).sum()),
        )

    def mean_log(self, codes: Codes) -> float:
        """Mean log density of codes, but for a constant."""
        away = (codes - self.mean) @ self.whiten
        return self.log_peak - 0.5 * float(np.square(away).sum(axis=1).mean())


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechDetector:
    """What tells spoken word from music; `SpeechDetector.of` learns it from decoys of both."""

    axis: Codes
    beyond: float
    speech: Gaussian
    music: Gaussian

    @classmethod
    def of(cls, codes: Codes, is_speech: NDArray[np.bool_]) -> Self | None:
        """Learn from codes, float32 (n, dim), some of them of speech; None where all are alike."""
        if is_speech.all() or not is_speech.any():
            return None
        groups = codes[is_speech], codes[~is_speech]
        within = sum(np.cov(group, rowvar=False, dtype=np.float64) for group in groups)
        spoken, other = (group.mean(axis=0, dtype=np.float64) for group in groups)
        axis = np.linalg.solve(within + 1e-6 * np.eye(codes.shape[1]), spoken - other)
        return cls(
            axis=axis.astype(np.float32),
            beyond=float(axis @ (other + FROM_PLACE * (spoken - other))),
            speech=Gaussian.of(groups[0]),
            music=Gaussian.of(groups[1]),
        )

    def is_speech(self, codes: Codes) -> bool:
        """Whether some codes in a row, float32 (n, dim), are spoken word rather than music."""
        if float((codes @ self.axis).mean()) <= self.beyond:
            return False
        return self.speech.mean_log(codes) - self.music.mean_log(codes) > FROM_NATS
