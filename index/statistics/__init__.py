"""How good a match chance alone would give: null model, calibration, peaks, speech."""
