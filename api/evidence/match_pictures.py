"""What is drawn of the matches of an answer: the stretch of the reader's file, and that of theirs.

Of the reader's file it is a small spectrogram of the stretch, as works keep it, from which audio cannot be
rebuilt. Of theirs it is the same where the recording is a registered work; of other recordings only the
places of their spectral peaks are stored. These are drawn then, and those of the reader's file over its
spectrogram, to be compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from earwitness.api.evidence.picture_types import LONGEST_S, MOST_PICTURES, MatchPicture, Stretch
from earwitness.api.evidence.thumbnail import thumbnail
from earwitness.api.findings import Finding, FindingMatch, FindingSegment
from earwitness.fingerprint.params import Params
from earwitness.fingerprint.peaks import pick_peaks
from earwitness.fingerprint.spectrogram import normalise_level
from earwitness.fingerprint.types import Query, Spectrogram
from earwitness.index.database.records import Thumbnail
from earwitness.index.library import Library


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
