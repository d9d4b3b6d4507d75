"""What is drawn of an answer as JSON: in a file beside the answer, and in its signed evidence."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any, Final

import numpy as np

from earwitness.api.evidence.picture_types import LONGEST_S, MOST_PICTURES, MatchPicture, Stretch
from earwitness.index.database.records import Thumbnail

FORMAT: Final = "earwitness.pictures/1"
_MOST_STRETCHED: Final = 4.0
"""A stretch of theirs is at most so many times as long as that of the reader's file."""
_MOST_BANDS: Final = 1_024


def pictures_file(home: Path, job: str) -> Path:
    """Path of what is drawn of a job's answer."""
    return home / "results" / f"{job}.pictures.json"


def to_bytes(pictures: Sequence[MatchPicture]) -> bytes:
    """Return the bytes of a file with pictures."""
    return json.dumps({"format": FORMAT, "pictures": pictures_json(pictures)}).encode()


def read_pictures(path: Path) -> dict[int, MatchPicture]:
    """Return the pictures in a file by the number of their match.

    They are an addition to an answer: there are none where the file is missing, damaged, or of another
    version of the program.
    """
    try:
        return pictures_of_json(json.loads(path.read_bytes())["pictures"])
    except (OSError, ValueError, TypeError, LookupError):
        return {}


def pictures_json(pictures: Sequence[MatchPicture]) -> list[dict[str, Any]]:
    """Return pictures as JSON; arrays are base64 of unsigned bytes and of little-endian float32."""
    return [
        {
            "number": each.number,
            "low_hz": each.low_hz,
            "bands_per_octave": each.bands_per_octave,
            "n_bands": each.n_bands,
            "yours": _stretch_json(each.yours),
            "theirs": _stretch_json(each.theirs),
        }
        for each in pictures
    ]


def pictures_of_json(fields: Sequence[Mapping[str, Any]]) -> dict[int, MatchPicture]:
    """Return the pictures in JSON, which may come from anybody, by the number of their match.

    Raises
    ------
    ValueError, TypeError, LookupError
    """
    pictures = {}
    for each in fields[:MOST_PICTURES]:
        stretches = {name: _stretch_of(each[name]) for name in ("yours", "theirs")}
        picture = MatchPicture(
            number=int(each["number"]),
            low_hz=_number(each["low_hz"], 1.0, 1e5),
            bands_per_octave=_number(each["bands_per_octave"], 1.0, _MOST_BANDS),
            n_bands=int(_number(each["n_bands"], 1, _MOST_BANDS)),
            **stretches,
        )
        if picture.low_hz * 2 ** (picture.n_bands / picture.bands_per_octave) > 1e6:
            raise ValueError("bands above 1 MHz")
        pictures[picture.number] = picture
    return pictures


def _number(value: Any, least: float, most: float) -> float:
    if not isfinite(value) or not least <= value <= most:
        raise ValueError(f"{value} is not from {least:g} to {most:g}")
    return float(value)


def _stretch_json(stretch: Stretch) -> dict[str, Any]:
    shown = stretch.spectrogram
    return {
        "start_s": stretch.start_s,
        "end_s": stretch.end_s,
        "first_s": stretch.first_s,
        "peaks": base64.b64encode(stretch.peaks.astype("<f4").tobytes()).decode(),
        "spectrogram": None
        if shown is None
        else {
            "levels": base64.b64encode(shown.levels.tobytes()).decode(),
            "n_bands": shown.levels.shape[1],
            "frame_s": shown.frame_s,
            "lowest_db": shown.lowest_db,
            "step_db": shown.step_db,
        },
    }


def _stretch_of(fields: Mapping[str, Any]) -> Stretch:
    shown, start_s = fields["spectrogram"], _number(fields["start_s"], 0.0, 1e7)
    peaks = np.frombuffer(base64.b64decode(fields["peaks"], validate=True), "<f4").reshape(-1, 2)
    if not np.isfinite(peaks).all():
        raise ValueError("a peak without a place")
    return Stretch(
        start_s=start_s,
        end_s=_number(fields["end_s"], start_s + 1e-3, start_s + _MOST_STRETCHED * LONGEST_S),
        first_s=_number(fields["first_s"], 0.0, start_s + 1.0),
        peaks=peaks,
        spectrogram=None if shown is None else _thumbnail_of(shown),
    )


def _thumbnail_of(fields: Mapping[str, Any]) -> Thumbnail:
    levels = np.frombuffer(base64.b64decode(fields["levels"], validate=True), np.uint8)
    if not len(levels):
        raise ValueError("a spectrogram without a frame")
    return Thumbnail(
        levels=levels.reshape(-1, int(_number(fields["n_bands"], 2, _MOST_BANDS))),
        frame_s=_number(fields["frame_s"], 1e-3, 10.0),
        lowest_db=_number(fields["lowest_db"], -1e3, 0.0),
        step_db=_number(fields["step_db"], 0.0, 1e3),
    )
