"""How exactly a query was changed: stretch from the path's slope, pitch from small shifts of its bands."""

from __future__ import annotations

from math import log2
from typing import Final, TypedDict

import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.types import Query, Spectrogram
from earwitness.fingerprint.warp import warp
from earwitness.index.match import Change
from earwitness.index.matching.alignment import Alignment
from earwitness.index.matching.kernels.alignment_loops import ROWS_PER_CODE
from earwitness.index.protocols import Embedder

REACH_ROWS: Final = 3
"""Fine rows on either side of a path that are compared to place each step between rows."""

LEAST_STEPS: Final = 6
"""Shorter paths have no slope worth the name; they keep their rung's."""

PITCH_STEPS_CENTS: Final = (150.0, 80.0, 50.0)
"""How far to either side pitch is tried, anew from the best of each round."""
LONGEST_S: Final = 20.0
"""Seconds of the query that pitch is estimated from."""

SAME_CENTS: Final = 50.0
"""Pitch and speed this near to each other are one change of speed; this near to nothing, none."""

SAME_STRETCH: Final = 0.005
"""Relative stretch below which nothing changed in time, or twice its standard error where that is more."""

LEAST_GAIN: Final = 0.02
"""What a small change must add to the mean similarity of a path to be told."""

PLAIN_CENTS: Final = 25.0
"""Where a wide round finds no more, finer ones find nothing that would be told."""

_OUTLIER_ROWS: Final = 1.0
_LEAST_SCATTER_ROWS: Final = 0.35


def fit_line(
    codes: NDArray[np.float64], rows: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[float, float]:
    """Slope of rows over codes and its standard error, weighted; steps over a row off set aside."""
    slope, intercept = np.polyfit(codes, rows, 1, w=np.sqrt(weights))
    near = np.abs(rows - slope * codes - intercept) <= _OUTLIER_ROWS
    if np.count_nonzero(near) >= LEAST_STEPS:
        codes, rows, weights = codes[near], rows[near], weights[near]
        slope, intercept = np.polyfit(codes, rows, 1, w=np.sqrt(weights))
    scatter = max(float(np.std(rows - slope * codes - intercept)), _LEAST_SCATTER_ROWS)
    return float(slope), float(scatter / (np.std(codes) * np.sqrt(len(codes))))


def parabola_peak(left: float, middle: float, right: float) -> float:
    """Place of the top of the parabola through three equally spaced values, from -1 (left) to 1 (right)."""
    bend = left - 2 * middle + right
    if bend >= 0:
        return 0.0 if left == right else float(np.sign(right - left))
    return float(np.clip((left - right) / (2 * bend), -1.0, 1.0))


def measure_slope(alignment: Alignment, codes: NDArray[np.float32]) -> tuple[float, float]:
    """Fine rows that pass from one reference code to the next, and the standard error of that.

    Each step is placed between rows by the parabola through the similarities round it.
    """
    copy = alignment.copy
    reach = np.arange(-REACH_ROWS, REACH_ROWS + 1)
    near = np.clip(alignment.rows[:, None] + reach, 0, len(copy.frames) - 1)
    similarity = np.einsum("sd,srd->sr", codes[alignment.codes], copy.frames[near])
    top = np.clip(similarity.argmax(axis=1), 1, len(reach) - 2)
    steps = np.arange(len(top))
    left, middle, right = (similarity[steps, top + side] for side in (-1, 0, 1))
    between = np.array([parabola_peak(*three) for three in zip(left, middle, right, strict=True)])
    rows = near[steps, top] + between
    weights = np.maximum(middle, 0.05).astype(np.float64)
    return fit_line(alignment.codes.astype(np.float64), rows, weights)


def measure_pitch(
    alignment: Alignment,
    codes: NDArray[np.float32],
    *,
    stretch: float,
    cents: float,
    query: Query,
    extractor: Embedder,
) -> float:
    """Pitch of the query against the reference, in cents: where shifted bands are most similar.

    Parameters
    ----------
    codes : float32 array, shape (n_codes, dim)
        All codes of the recording.
    stretch : float
        Reference seconds in one second of the query.
    cents : float
        Where to begin.
    """
    for step_cents in PITCH_STEPS_CENTS:
        tried = [
            similarity_at(
                alignment, codes, stretch=stretch, cents=cents + side, query=query, extractor=extractor
            )
            for side in (-step_cents, 0.0, step_cents)
        ]
        cents += parabola_peak(*tried) * step_cents
        if abs(cents) <= PLAIN_CENTS:
            break
    return cents


def similarity_at(
    alignment: Alignment,
    codes: NDArray[np.float32],
    *,
    stretch: float,
    cents: float,
    query: Query,
    extractor: Embedder,
) -> float:
    """Mean similarity along an alignment if the query was changed by `stretch` in time and `cents` in pitch.

    The query is cut and shifted so that its codes fall on the reference's own: one pass at the coarse hop.
    """
    frame_s, hop_s = query.spectrogram.frame_s, extractor.params.hop_s
    start_s, end_s = alignment.query_span_s
    middle_s = alignment.copy.query_s(float(alignment.middle_row))
    middle_code = float(alignment.codes[len(alignment.codes) // 2])
    start_s, end_s = max(start_s, middle_s - LONGEST_S / 2), min(end_s, middle_s + LONGEST_S / 2)
    first = round(start_s / frame_s)
    speed = 2 ** (cents / 1200)
    cut = Spectrogram(power=query.spectrogram.power[first : round(end_s / frame_s) + 1], frame_s=frame_s)
    warped = warp(cut, speed=speed, tempo=stretch / speed, params=extractor.params)
    begins_at_code = middle_code - (middle_s - first * frame_s) * stretch / hop_s
    first_code = max(int(np.ceil(begins_at_code)), 0)
    skipped = round((first_code - begins_at_code) * hop_s / frame_s)
    rows = extractor.embed(Spectrogram(power=warped.power[skipped:], frame_s=frame_s), fine=False)
    reference = codes[first_code : first_code + len(rows)]
    return float((rows[: len(reference)] * reference).sum(axis=1).mean())


def explain(*, stretch: float, cents: float, same_stretch: float = SAME_STRETCH) -> Change:
    """Name a stretch and a shift as people do: a change of speed, of tempo, of pitch, or of several."""
    cents_of_stretch = 1200 * log2(stretch)
    same_time, same_pitch = abs(stretch - 1) <= same_stretch, abs(cents) <= SAME_CENTS
    if same_time and same_pitch:
        return Change()
    if abs(cents - cents_of_stretch) <= SAME_CENTS and not same_time:
        return Change(speed=stretch)
    if same_pitch:
        return Change(tempo=stretch)
    if same_time:
        return Change(pitch_cents=cents)
    speed = 2 ** (cents / 1200)
    return Change(speed=speed, tempo=stretch / speed)


def measure_change(
    alignment: Alignment,
    codes: NDArray[np.float32],
    *,
    query: Query,
    extractor: Embedder,
    plain_similarity: float | None = None,
) -> Change:
    """The change of the query along one alignment, finer than the rung it was found on.

    Parameters
    ----------
    plain_similarity
        A path this similar that runs straight was not shifted in pitch, and measuring that is left out.
    """
    variant = alignment.copy.variant.change
    if len(alignment.codes) < LEAST_STEPS:
        return variant
    slope, error = measure_slope(alignment, codes)
    stretch = variant.stretch * ROWS_PER_CODE / slope
    same_stretch = max(SAME_STRETCH, 2 * error / slope)
    alike = plain_similarity is not None and float(alignment.similarity.mean()) >= plain_similarity
    if alike and variant == Change() and abs(stretch - 1) <= same_stretch:
        return variant
    sound: _Sound = {"query": query, "extractor": extractor}
    begin_cents = variant.pitch_cents + 1200 * log2(variant.speed)
    cents = measure_pitch(alignment, codes, stretch=stretch, cents=begin_cents, **sound)
    change = explain(stretch=stretch, cents=cents, same_stretch=same_stretch)
    if variant == Change() and change != variant:
        # noise alone moves what is measured: a change is told where it explains more than none
        told = similarity_at(alignment, codes, stretch=stretch, cents=cents, **sound)
        plain = similarity_at(alignment, codes, stretch=1.0, cents=0.0, **sound)
        return change if told - plain >= LEAST_GAIN else variant
    return change


class _Sound(TypedDict):
    query: Query
    extractor: Embedder
