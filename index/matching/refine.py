"""Measure the change of a query: stretch from the slope of a path, pitch from small shifts of its bands.

The constants were chosen by hand in November 2026.
"""

from __future__ import annotations

from math import log2
from typing import Final, TypedDict

import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.types import Query, Spectrogram
from earwitness.fingerprint.warp import warp
from earwitness.index.match import Change
from earwitness.index.matching.alignment import Alignment
from earwitness.index.matching.kernels.alignment_loops import QUERY_FRAMES_PER_CODE
from earwitness.index.protocols import Embedder

REACH_FRAMES: Final = 3
"""Query frames on each side of a step that are compared, to place the step between frames."""

LEAST_STEPS: Final = 6
"""Paths of fewer steps keep the change of their variant: their slope is not exact enough."""

PITCH_STEPS_CENTS: Final = (150.0, 80.0, 50.0)
"""Distance of the pitches tried in each round, around the best of the round before."""

LONGEST_S: Final = 20.0
"""Seconds of the query that pitch is measured on."""

SAME_CENTS: Final = 50.0
"""A shift of pitch this near to that of a change of speed is part of it; one this near to 0 is none."""

SAME_STRETCH: Final = 0.005
"""Smallest relative stretch that is a change of time, or twice its standard error if that is more."""

LEAST_GAIN: Final = 0.02
"""Smallest increase of the mean similarity of a path for which a small change is reported."""

PLAIN_CENTS: Final = 25.0
"""If the first round finds no larger shift, finer rounds would find none that is reported."""

_OUTLIER_FRAMES: Final = 1.0
_LEAST_SCATTER_FRAMES: Final = 0.35


def fit_line(
    codes: NDArray[np.float64], rows: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[float, float]:
    """Return the slope of query frames over codes and its standard error; steps over a frame off are left
    out."""
    slope, intercept = np.polyfit(codes, rows, 1, w=np.sqrt(weights))
    near = np.abs(rows - slope * codes - intercept) <= _OUTLIER_FRAMES
    if np.count_nonzero(near) >= LEAST_STEPS:
        codes, rows, weights = codes[near], rows[near], weights[near]
        slope, intercept = np.polyfit(codes, rows, 1, w=np.sqrt(weights))
    scatter = max(float(np.std(rows - slope * codes - intercept)), _LEAST_SCATTER_FRAMES)
    return float(slope), float(scatter / (np.std(codes) * np.sqrt(len(codes))))


def parabola_peak(left: float, middle: float, right: float) -> float:
    """Return the position of the maximum of a parabola through three values, from -1 (left) to 1 (right)."""
    bend = left - 2 * middle + right
    if bend >= 0:
        return 0.0 if left == right else float(np.sign(right - left))
    return float(np.clip((left - right) / (2 * bend), -1.0, 1.0))


def measure_slope(alignment: Alignment, codes: NDArray[np.float32]) -> tuple[float, float]:
    """Return the query frames from one reference code to the next, and the standard error.

    Each step is placed between frames by a parabola through the similarities around it.
    """
    query_variant = alignment.query_variant
    reach = np.arange(-REACH_FRAMES, REACH_FRAMES + 1)
    near = np.clip(alignment.query_frames[:, None] + reach, 0, len(query_variant.frames) - 1)
    similarity = np.einsum("sd,srd->sr", codes[alignment.codes], query_variant.frames[near])
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
    """Return the pitch of the query against the reference, in cents: the shift of bands of highest
    similarity.

    Parameters
    ----------
    codes : float32 array, shape (n_codes, dim)
        All codes of the recording.
    stretch : float
        Reference seconds in one second of the query.
    cents : float
        First estimate.
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
    """Return the mean similarity along an alignment for a change of `stretch` in time and `cents` in pitch.

    The query is cut and shifted so that its codes are at the times of the reference's codes: one pass of the
    net.
    """
    frame_s, hop_s = query.spectrogram.frame_s, extractor.params.hop_s
    start_s, end_s = alignment.query_span_s
    middle_s = alignment.query_variant.query_s(float(alignment.middle_frame))
    middle_code = float(alignment.codes[len(alignment.codes) // 2])
    start_s, end_s = max(start_s, middle_s - LONGEST_S / 2), min(end_s, middle_s + LONGEST_S / 2)
    first = round(start_s / frame_s)
    speed = 2 ** (cents / 1200)
    cut = Spectrogram(power=query.spectrogram.power[first : round(end_s / frame_s) + 1], frame_s=frame_s)
    warped = warp(cut, speed=speed, tempo=stretch / speed, params=extractor.params)
    start_code = middle_code - (middle_s - first * frame_s) * stretch / hop_s
    first_code = max(int(np.ceil(start_code)), 0)
    skipped = round((first_code - start_code) * hop_s / frame_s)
    rows = extractor.embed(Spectrogram(power=warped.power[skipped:], frame_s=frame_s), fine=False)
    reference = codes[first_code : first_code + len(rows)]
    return float((rows[: len(reference)] * reference).sum(axis=1).mean())


def explain(*, stretch: float, cents: float, same_stretch: float = SAME_STRETCH) -> Change:
    """Express a stretch and a shift as a change of speed, of tempo, of pitch, or of several."""
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
    """Return the change of the query along an alignment, finer than that of its variant.

    Parameters
    ----------
    plain_similarity
        Pitch is not measured for a straight path of at least this similarity.
    """
    variant = alignment.query_variant.variant.change
    if len(alignment.codes) < LEAST_STEPS:
        return variant
    slope, error = measure_slope(alignment, codes)
    stretch = variant.stretch * QUERY_FRAMES_PER_CODE / slope
    same_stretch = max(SAME_STRETCH, 2 * error / slope)
    similar = plain_similarity is not None and float(alignment.similarity.mean()) >= plain_similarity
    if similar and variant == Change() and abs(stretch - 1) <= same_stretch:
        return variant
    sound: _Sound = {"query": query, "extractor": extractor}
    first_cents = variant.pitch_cents + 1200 * log2(variant.speed)
    cents = measure_pitch(alignment, codes, stretch=stretch, cents=first_cents, **sound)
    change = explain(stretch=stretch, cents=cents, same_stretch=same_stretch)
    if variant == Change() and change != variant:
        # noise moves the estimate: a small change is reported only if it explains more than no change
        changed = similarity_at(alignment, codes, stretch=stretch, cents=cents, **sound)
        plain = similarity_at(alignment, codes, stretch=1.0, cents=0.0, **sound)
        return change if changed - plain >= LEAST_GAIN else variant
    return change


class _Sound(TypedDict):
    query: Query
    extractor: Embedder
