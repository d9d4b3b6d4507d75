"""Results of the search: hits, candidates, segments, matches, verdicts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import Self

import numpy as np
from numpy.typing import NDArray


class MatchClass(StrEnum):
    """Kinds of match."""

    EXACT = "exact"
    """The whole file by Chromaprint; 90 % of both files are aligned, nothing is changed."""
    MODIFIED = "modified"
    """The same recording, nearly complete, or at another speed, pitch or tempo."""
    EXCERPT = "excerpt"
    EXCERPT_UNDER_OTHER_AUDIO = "excerpt_under_other_audio"
    SHARED_MATERIAL = "shared_material"
    """A loop or sample that several recordings of the collection contain. It is no evidence of a copy."""


class Effort(StrEnum):
    """How many variants of the query are searched."""

    FAST = "fast"
    STANDARD = "standard"
    FULL = "full"


class Verdict(StrEnum):
    """Result for one item. NO_MATCH needs a recording that was decoded to its end and has enough active
    audio."""

    MATCH = "match"
    POSSIBLE = "possible"
    SHARED_MATERIAL = "shared_material"
    """Every match is of material that several different recordings contain: not a copy, and not none."""
    NO_MATCH = "no_match"
    NOT_READABLE = "not_readable"
    TOO_SHORT_OR_SILENT = "too_short_or_silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How a query differs from its reference: 1.12 plays 12 % faster, +100 cents is a semitone higher.

    ``speed`` changes time and pitch together, ``tempo`` time alone, ``pitch_cents`` pitch alone.
    """

    speed: float = 1.0
    pitch_cents: float = 0.0
    tempo: float = 1.0

    @property
    def stretch(self) -> float:
        """Seconds of the reference in one second of the query."""
        return self.speed * self.tempo


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """Codes of the index that are nearest to the frames of a query, one row for each.

    Attributes
    ----------
    query_row : int32 array, shape (n_hits,)
        Number of the query vector.
    recording : int64 array, shape (n_hits,)
    position : int32 array, shape (n_hits,)
        Number of the code within the recording.
    similarity : float32 array, shape (n_hits,)
        Cosine similarity, as the shard estimates it.
    """

    query_row: NDArray[np.int32]
    recording: NDArray[np.int64]
    position: NDArray[np.int32]
    similarity: NDArray[np.float32]

    def where(self, mask: NDArray[np.bool_]) -> Hits:
        """Return the hits for which `mask`, bool of shape (n_hits,), is true."""
        return Hits(
            query_row=self.query_row[mask],
            recording=self.recording[mask],
            position=self.position[mask],
            similarity=self.similarity[mask],
        )

    @classmethod
    def together(cls, one: Self, other: Self) -> Self:
        """Return the hits of two look-ups in one."""
        return cls(
            query_row=np.concatenate([one.query_row, other.query_row]),
            recording=np.concatenate([one.recording, other.recording]),
            position=np.concatenate([one.position, other.position]),
            similarity=np.concatenate([one.similarity, other.similarity]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A recording, a change and an offset that several hits vote for; not yet aligned."""

    recording: int
    change: Change
    offset_s: float
    """Time in the reference at the start of the query, in seconds: reference = offset + stretch * query."""
    votes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """An aligned stretch of query and reference; times are in seconds from the start of each file."""

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
    """Return the seconds that spans cover, each second counted once."""
    total_s, covered_to_s = 0.0, -inf
    for start_s, end_s in sorted(spans):
        total_s += max(0.0, end_s - max(start_s, covered_to_s))
        covered_to_s = max(covered_to_s, end_s)
    return total_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A query aligned with one recording of the index.

    Attributes
    ----------
    segments : tuple of Segment
        In order of the query; never empty.
    e_value : float
        Expected number of matches at least this good by chance, for this query in an index of this size.
    e_checked_to : float
        Smallest E-value that was checked by counting (`Calibration.checked_to`).
    change : Change or None
        How the query differs from the recording; None if that was not measured.
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
    e_checked_to: float
    n_codes_searched: int
    n_decoys: int

    def __post_init__(self) -> None:
        if not self.segments:
            raise ValueError("a match has at least one segment")
        if not self.e_value >= 0.0:
            raise ValueError(f"e_value is an expected count, got {self.e_value!r}")

    @property
    def e_extrapolated(self) -> bool:
        """Whether the E-value is smaller than could be checked."""
        return self.e_value < self.e_checked_to
