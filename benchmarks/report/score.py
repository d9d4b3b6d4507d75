"""Scores of answers: the right track, at the right place or at a repeat of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import librosa
import numpy as np
from numpy.typing import NDArray

from benchmarks.data.audio_io import RATE_HZ, mono, read

MATCH_E: Final = 1e-4
SAME_SOUND: Final = 0.6
"""From this correlation of log-mel spectrograms on, the second place is a repeat. No command fits it."""
SLACK_S: Final = 0.3
MEL_FRAMES_HZ: Final = 50

Row = Mapping[str, Any]


def answers_of(matches: Sequence[Any], names: Mapping[int, str], *, limit: int = 3) -> list[dict[str, Any]]:
    """Return the best matches in the form of a record: track, E-value, change, span of the best segment."""
    answers = []
    for match in matches[:limit]:
        segment = min(match.segments, key=lambda one: one.e_value)
        answers.append(
            {
                "track": names.get(match.recording, "?"),
                "e": float(f"{match.e_value:.3g}"),
                "sim": round(float(match.similarity), 3),
                "kind": str(match.kind),
                "change": [
                    round(match.change.speed, 4),
                    round(match.change.pitch_cents, 1),
                    round(match.change.tempo, 4),
                ],
                "at": [round(second, 3) for second in (
                    segment.query_start_s, segment.query_end_s,
                    segment.reference_start_s, segment.reference_end_s,
                )],
            }
        )  # fmt: skip
    return answers


def offset_error_s(answer: Row, *, start_s: float, stretch: float) -> float:
    """Return the distance of the best segment's middle from its true place, in reference seconds."""
    query_start, query_end, reference_start, reference_end = answer["at"]
    wanted_s = start_s + stretch * (query_start + query_end) / 2
    error_s: float = abs((reference_start + reference_end) / 2 - wanted_s)
    return error_s


def repeat_similarity(
    path: Path, *, true_s: float, claimed_s: float, length_s: float, claimed_in: Path | None = None
) -> float:
    """Return the best correlation of the log-mel spectrograms of two places, of one file or of two.

    The claimed place may be late or early by ``SLACK_S``, because codes are half a second apart.
    """
    slack = round(SLACK_S * MEL_FRAMES_HZ)
    here = _mel(path, round(true_s, 2), length_s)
    early_s = max(0.0, claimed_s - SLACK_S)
    around = _mel(claimed_in or path, round(early_s, 2), length_s + 2 * SLACK_S)
    best = 0.0
    for shift in range(2 * slack + 1):
        there = around[shift : shift + len(here)]
        if len(there) > len(here) / 2:
            # without each band's mean, timing counts and the mix does not
            moves = [part - part.mean(axis=0) for part in (here[: len(there)], there)]
            best = max(best, float(np.corrcoef(moves[0].ravel(), moves[1].ravel())[0, 1]))
    return best


@lru_cache(maxsize=64)
def _mel(path: Path, start_s: float, length_s: float) -> NDArray[np.float32]:
    sound = mono(read(path, start_s=max(0.0, start_s), length_s=length_s))
    power = librosa.feature.melspectrogram(
        y=sound, sr=RATE_HZ, hop_length=RATE_HZ // MEL_FRAMES_HZ, n_mels=64, fmax=8000
    )
    return np.asarray(librosa.power_to_db(power, top_db=60), dtype=np.float32).T


def outcome(
    row: Row, *, same: Callable[[str, str], bool], is_reported: Callable[[Row, Row], bool]
) -> dict[str, bool]:
    """Classify one answered query.

    Parameters
    ----------
    row
        A row of `benchmarks.runs.identify`: ``track`` is None for queries whose track is in no index.
    same
        Whether two tracks hold the same recording, so that naming either is right.
    is_reported
        Whether the system reports an answer to this row as certain.
    """
    answers, expected = row["answers"], row["track"]
    right = bool(expected and answers and same(answers[0]["track"], expected))
    repeated = row.get("repeat", 0.0) >= SAME_SOUND
    off_s = 0.0 if repeated else row.get("off", np.inf)
    return {
        "named": right,
        "reported": right and is_reported(row, answers[0]),
        "placed_half_second": right and off_s <= 0.5,
        "placed_quarter_second": right and off_s <= 0.25,
        "false_match": any(
            is_reported(row, a) and not (expected and same(a["track"], expected)) for a in answers
        ),
    }
