"""What is drawn of the matches of an answer: the stretch of the reader's file, and that of theirs.

Of the reader's file it is a small spectrogram of the stretch, as works keep it, from which audio cannot be
rebuilt. Of theirs it is the same where the recording is a registered work; of other recordings only the
places of their spectral peaks are stored. These are drawn then, and those of the reader's file over its
spectrogram, to be compared.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from earwitness.api.evidence.thumbnail import thumbnail
from earwitness.api.findings import Finding, FindingMatch, FindingSegment
from earwitness.fingerprint.params import Params
from earwitness.fingerprint.peaks import pick_peaks
from earwitness.fingerprint.spectrogram import normalise_level
from earwitness.fingerprint.types import Query, Spectrogram
from earwitness.index.database.records import Thumbnail
from earwitness.index.library import Library

MOST_PICTURES: Final = 6
"""Matches of an answer that are drawn, the surest first."""
LONGEST_S: Final = 60.0
"""Seconds of the longest stretch of a match that are drawn, from its beginning."""
FORMAT: Final = "earwitness.pictures/1"


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


def match_pictures(finding: Finding, query: Query, library: Library) -> tuple[MatchPicture, ...]:
    """Return what is to be drawn of a finding, while the query is still at hand."""
    chosen = (*finding.certain, *finding.possible)[:MOST_PICTURES]
    if not chosen:
        return ()
    return tuple(_pictures(finding, chosen, query.spectrogram, library))


def _pictures(
    finding: Finding, chosen: tuple[FindingMatch, ...], asked: Spectrogram, library: Library
) -> Iterator[MatchPicture]:
    params, small = library.extractor.params, thumbnail(asked)
    for match in chosen:
        row = library.by_sha256(match.recording.id)
        if row is None or not match.segments:
            continue
        (yours_s, theirs_s), stored = drawn_ends(match.segments), library.thumbnail(row.id)
        if yours_s[0] >= yours_s[1] or theirs_s[0] >= theirs_s[1]:
            continue
        yours = _of_thumbnail(small, yours_s)
        if stored is not None:
            theirs = _of_thumbnail(stored, theirs_s)
        else:
            yours = replace(yours, peaks=_peaks_of(asked, yours_s, params))
            peaks = _inside(library.peaks(row.id), theirs_s, params)
            theirs = Stretch(
                start_s=theirs_s[0], end_s=theirs_s[1], spectrogram=None, first_s=theirs_s[0], peaks=peaks
            )
        yield MatchPicture(
            number=finding.matches.index(match),
            low_hz=params.low_hz,
            bands_per_octave=params.bands_per_octave,
            n_bands=params.n_bands,
            yours=yours,
            theirs=theirs,
        )


def drawn_ends(segments: tuple[FindingSegment, ...]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the ends of what is drawn of the longest stretch, in the query and in the reference."""
    best = max(segments, key=lambda each: each.query_end_s - each.query_start_s)
    length_s = best.query_end_s - best.query_start_s
    part = min(1.0, LONGEST_S / length_s) if length_s else 1.0
    there_s = part * (best.reference_end_s - best.reference_start_s)
    return (
        (best.query_start_s, best.query_start_s + part * length_s),
        (best.reference_start_s, best.reference_start_s + there_s),
    )


def _of_thumbnail(whole: Thumbnail, ends_s: tuple[float, float]) -> Stretch:
    first = min(max(int(ends_s[0] / whole.frame_s), 0), max(len(whole.levels) - 1, 0))
    last = max(first + 1, int(np.ceil(ends_s[1] / whole.frame_s)))
    part = Thumbnail(
        levels=whole.levels[first:last].copy(),
        frame_s=whole.frame_s,
        lowest_db=whole.lowest_db,
        step_db=whole.step_db,
    )
    return Stretch(
        start_s=ends_s[0],
        end_s=ends_s[1],
        spectrogram=part,
        first_s=first * whole.frame_s,
        peaks=np.zeros((0, 2), np.float32),
    )


def _peaks_of(asked: Spectrogram, ends_s: tuple[float, float], params: Params) -> NDArray[np.float32]:
    """Return the peaks of a stretch of a spectrogram, picked in the blocks in which they are stored."""
    around, block = params.level_frames, params.peak_block_frames
    first = max(int(ends_s[0] / params.frame_s) - around, 0) // block * block
    last = int(np.ceil(ends_s[1] / params.frame_s)) + around
    peaks = pick_peaks(normalise_level(asked.power[first:last], params), params)
    return _inside(peaks + np.array([first, 0], np.int32), ends_s, params)


def _inside(peaks: NDArray[np.int32], ends_s: tuple[float, float], params: Params) -> NDArray[np.float32]:
    """Return second and frequency in Hz of the peaks of a stretch."""
    seconds = peaks[:, 0] * params.frame_s
    hz = params.low_hz * 2.0 ** (peaks[:, 1] / params.bands_per_octave)
    inside = (seconds >= ends_s[0]) & (seconds <= ends_s[1])
    return np.stack([seconds[inside], hz[inside]], axis=1).astype(np.float32)


def pictures_file(home: Path, job: str) -> Path:
    """Path of what is drawn of a job's answer."""
    return home / "results" / f"{job}.pictures.json"


def to_bytes(pictures: tuple[MatchPicture, ...]) -> bytes:
    """Return the bytes of a file with pictures."""
    fields = [
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
    return json.dumps({"format": FORMAT, "pictures": fields}).encode()


def read_pictures(path: Path) -> dict[int, MatchPicture]:
    """Return the pictures in a file by the number of their match; none where there is no such file."""
    if not path.exists():
        return {}
    fields = json.loads(path.read_bytes())["pictures"]
    pictures = [
        MatchPicture(**{**each, "yours": _stretch_of(each["yours"]), "theirs": _stretch_of(each["theirs"])})
        for each in fields
    ]
    return {each.number: each for each in pictures}


def _stretch_json(stretch: Stretch) -> dict[str, Any]:
    shown = stretch.spectrogram
    return {
        "start_s": stretch.start_s,
        "end_s": stretch.end_s,
        "first_s": stretch.first_s,
        "peaks": [[round(float(second), 3), round(float(hz), 1)] for second, hz in stretch.peaks],
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
    shown = fields["spectrogram"]
    return Stretch(
        start_s=fields["start_s"],
        end_s=fields["end_s"],
        first_s=fields["first_s"],
        peaks=np.array(fields["peaks"], np.float32).reshape(-1, 2),
        spectrogram=None
        if shown is None
        else Thumbnail(
            levels=np.frombuffer(base64.b64decode(shown["levels"]), np.uint8).reshape(-1, shown["n_bands"]),
            frame_s=shown["frame_s"],
            lowest_db=shown["lowest_db"],
            step_db=shown["step_db"],
        ),
    )
