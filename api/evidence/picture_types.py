"""What is kept to draw a match: a stretch of the reader's file, and one of theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.index.database.records import Thumbnail

MOST_PICTURES: Final = 6
"""Matches of an answer that are drawn, the surest first."""
MOST_IN_EVIDENCE: Final = 60
"""Pictures of one evidence file and its page: those of the first recordings, where many were asked."""
LONGEST_S: Final = 60.0
"""Seconds of the longest stretch of a match that are drawn, from its beginning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """One stretch of a recording.

    Attributes
    ----------
    spectrogram : Thumbnail or None
        That of the stretch alone; its first frame begins at `first_s` of the recording.
    peaks : float32 array, shape (n_peaks, 2)
        Second and frequency in Hz of each spectral peak; empty where both recordings have a spectrogram.
    """

    start_s: float
    end_s: float
    spectrogram: Thumbnail | None
    first_s: float
    peaks: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchPicture:
    """What is drawn of one match.

    Attributes
    ----------
    number : int
        The place of the match in the finding.
    low_hz, bands_per_octave, n_bands
        Those of the scheme's spectrogram.
    """

    number: int
    low_hz: float
    bands_per_octave: float
    n_bands: int
    yours: Stretch
    theirs: Stretch
