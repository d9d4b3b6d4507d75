"""The statistics that a scheme's model folder ships, read once for each extractor."""

from __future__ import annotations

from functools import lru_cache

from earwitness.index.protocols import Embedder
from earwitness.index.statistics.background import BACKGROUND_FILE, Background, read_background
from earwitness.index.statistics.calibration import CALIBRATION_FILE, Calibration, read_calibration


@lru_cache(maxsize=4)
def calibration_of(extractor: Embedder) -> Calibration:
    """Return the fitted numbers of an extractor's scheme.

    Raises
    ------
    ModelDamaged
        If the file is missing, or is not the one that the scheme's card names.
    """
    return read_calibration(extractor.model_file(CALIBRATION_FILE))


@lru_cache(maxsize=4)
def background_of(extractor: Embedder) -> Background:
    """Return the decoys of an extractor's scheme, unpacked.

    Raises
    ------
    ModelDamaged
        If the file is missing, or is not the one that the scheme's card names.
    """
    return read_background(extractor.model_file(BACKGROUND_FILE), extractor.unpack)
