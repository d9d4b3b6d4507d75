"""Writes fitted numbers into the model folder of the newest scheme."""

from __future__ import annotations

import hashlib
import json

from earwitness.fingerprint.extract import extractor
from earwitness.index.statistics.calibration import CALIBRATION_FILE, Calibration, write_calibration


def replace_calibration(calibration: Calibration) -> None:
    """Replace the calibration of the newest scheme, and its digest on the scheme's card."""
    path = extractor().model_file(CALIBRATION_FILE)
    write_calibration(path, calibration)
    card = path.with_name("model.json")
    values = json.loads(card.read_text(encoding="utf-8"))
    values["files"][CALIBRATION_FILE] = hashlib.sha256(path.read_bytes()).hexdigest()
    card.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    extractor.cache_clear()
