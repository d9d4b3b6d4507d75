"""What is kept to draw a match, made by hand."""

from __future__ import annotations

import numpy as np

from earwitness.api.evidence.picture_types import MatchPicture, Stretch
from earwitness.index.database.records import Thumbnail

LEVELS = Thumbnail(levels=np.zeros((7, 64), np.uint8), frame_s=0.16, lowest_db=-72.0, step_db=0.3)
PEAKS = np.array([[2.5, 440.0]], np.float32)
PICTURE = MatchPicture(
    number=0,
    low_hz=62.5,
    bands_per_octave=21.3,
    n_bands=128,
    yours=Stretch(start_s=2.0, end_s=3.0, first_s=1.92, spectrogram=LEVELS, peaks=PEAKS),
    theirs=Stretch(start_s=62.0, end_s=63.0, first_s=62.0, spectrogram=None, peaks=PEAKS),
)
