"""What is found: hits, candidates, matches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import Self

import numpy as np
from numpy.typing import NDArray


class MatchClass(StrEnum):
    """Kinds of match that a reader wants kept apart."""

    EXACT = "exact"
    """The whole file by Chromaprint, both lengths aligned to 90 %, nothing changed."""
    MODIFIED = "modified"
    """The same recording, whole or nearly so, at another speed, pitch or tempo, or otherwise altered."""
    EXCERPT = "excerpt"
    EXCERPT_UNDER_OTHER_AUDIO = "excerpt_under_other_audio"
    SHARED_MATERIAL = "shared_material"
    """A loop or sample that several recordings of the collection hold alike."""


class Effort(StrEnum):
    """How many changed copies of the query are looked up."""

    FAST = "fast"
    STANDARD = "standard"
    FULL = "full"


class Verdict(StrEnum):
    """What is said of one item. Only a recording decoded whole, with enough active audio, is a NO_MATCH."""

    MATCH = "match"
    POSSIBLE = "possible"
    NO_MATCH = "no_match"
    NOT_READABLE = "not_readable"
    TOO_SHORT_OR_SILENT = "too_short_or_silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How a query was changed from its reference: 1.12 plays 12 % faster, +100 cents is a semitone higher.

    ``speed`` moves time and pitch together, ``tempo`` time alone, ``pitch_cents`` pitch alone.
    """

    speed: float = 1.0
    pitch_cents: float = 0.0
    tempo: float = 1.0

    @property
    def stretch(self) -> float:
        """Reference seconds that pass in one second of the query."""
        return self.speed * self.tempo


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """Sub-fingerprints of the index near those of a query, one row a hit.

    Attributes
    ----------
    query_row : int32 array, shape (n_hits,)
        Which of the vectors asked about.
    recording : int64 array, shape (n_hits,)
    position : int32 array, shape (n_hits,)
        Number of the code within the recording.
    similarity : float32 array, shape (n_hits,)
        Cosine, as the segment estimates it.
    """

    query_row: NDArray[np.int32]
    recording: NDArray[np.int64]
    position: NDArray[np.int32]
    similarity: NDArray[np.float32]

    def where(self, kept: NDArray[np.bool_]) -> Hits:
        """Those hits for which `kept`, bool of shape (n_hits,), is true."""
        return Hits(
            query_row=self.query_row[kept],
            recording=self.recording[kept],
            position=self.position[kept],
            similarity=self.similarity[kept],
        )

    @classmethod
    def together(cls, one: Self, other: Self) -> Self:
        """The hits of two look-ups."""
        return cls(
            query_row=np.concatenate([one.query_row, other.query_row]),
            recording=np.concatenate([one.recording, other.recording]),
            position=np.concatenate([one.position, other.position]),
            similarity=np.concatenate([one.similarity, other.similarity]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A recording, a change and an offset on which several hits agree; not yet verified."""

    recording: int
    change: Change
    offset_s: float
    """Reference time at the query's start, in seconds: reference = offset + stretch * query."""
    votes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One aligned stretch, in seconds from each file's start."""

    query_start_s: float
    query_end_s: float
    reference_start_s: float
    reference_end_s: float
    similarity: float
    e_value: float

    def __post_init__(self) -> None:
        if not (self.query_end_s > self.query_start_s and self.reference_end_s > self.reference_start_s):
            raise ValueError(f"a segment has a length: {self}")


def covered_s(spans: Iterable[tuple[float, float]]) -> float:
    """Seconds that some spans cover together, each second counted once."""
    total_s, reached_s = 0.0, -inf
    for start_s, end_s in sorted(spans):
        total_s += max(0.0, end_s - max(start_s, reached_s))
        reached_s = max(reached_s, end_s)
    return total_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One query aligned with one recording of the index.

    Attributes
    ----------
    segments : tuple of Segment
        Separated aligned stretches, in query order; never empty.
    e_value : float
        Expected number of matches at least this good that unrelated audio would give this query in an index
        of this size.
    e_extrapolated : bool
        True where the value lies beyond what decoys can check (`Calibration.checked_to`).
    change : Change or None
        How the query was changed from the recording; None where that was not measured.
    query_coverage, reference_coverage : float
        Fraction of each file that the segments cover, each second counted once.
    """

    recording: int
    kind: MatchClass
    segments: tuple[Segment, ...]
    change: Change | None
    similarity: float
    query_coverage: float
    reference_coverage: float
    e_value: float
    e_extrapolated: bool
    n_codes_searched: int
    n_decoys: int

    def __post_init__(self) -> None:
        if not self.segments:
            raise ValueError("a match has at least one segment")
        if not self.e_value >= 0.0:
            raise ValueError(f"e_value is an expected count, got {self.e_value!r}")
