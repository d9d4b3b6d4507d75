"""Related recordings: other recordings of the index with the same voice, drum kit, soundfont or instrument.

The decoys of the null model are unrelated to the query. Recordings that are made of the same sounds as the
query agree far better with it than they do, without a common recording. Where the index holds such
recordings, they show it: more of its places align well with the query than the null model expects. Then
chance is estimated from these places instead (a null model from the searched database itself, as in
Brenner, Chothia & Hubbard 1998):

- from the alignments of the query with the other candidates;
- from the matched recording alone, with the query in reverse order of time: it has the same sounds, but no
  common recording. This covers an index in which no other recording is related to the query. Spoken word has
  a calibration of its own there, because sentences of one voice agree more than the reversed query does.

Spectral peaks stay evidence: they agree only where each sound has its right moment. Their agreement counts by
how much it exceeds that of the other candidates.

Weakly related recordings, such as other pieces with the same soundfont, change the tail little, but more of
them than expected reach E-values near 1. So they are counted: an E-value is multiplied by a power of the
ratio of counted to expected ones.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from math import floor, isinf, log
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from earwitness.index.matching.alignment import SAME_SPAN, Alignment
from earwitness.index.matching.effort import Variant
from earwitness.index.matching.kernels.alignment_loops import QUERY_FRAMES_PER_CODE
from earwitness.index.protocols import Searchable
from earwitness.index.statistics.null_model import (
    WINDOW_FRAMES,
    Material,
    NullModel,
    SearchSpace,
    best_of_clumps,
    log_e_calibrated,
    log_e_raw,
    path_scores,
    window_of,
)
from earwitness.index.statistics.peak_evidence import LOG_E_MOST
from earwitness.index.statistics.score_tail import ScoreTail

OTHERS_TAIL: Final = 16
REVERSED_TAIL: Final = 8
"""Alignments above the threshold of the two tails, at most. Chosen by hand."""

RATE_WEIGHT: Final = 10.0
"""Number of alignments that the pooled rate counts as in both. Chosen by hand."""

OTHERS_EXCESS_NATS: Final = 3.0
REVERSED_EXCESS_NATS: Final = 10.0
"""Recordings are related where more of their places reach a score than the null model expects, by more than
this: places of other candidates, and of the matched recording in reverse. Chosen by hand: of absent excerpts
of game music, other candidates exceed 1 nat in 1 of 100; in reverse half of all music exceeds 5 nats, as held
notes are the same in both orders of time."""

COUNTED_E: Final = (1e-4, 0.5)
"""E-values between which recordings are counted. The upper one is the number that chance gives. Smaller ones
are no chance: a copy of the matched recording is not counted. Chosen by hand, as the next two, on references
and absent queries of one maker (``benchmarks kinds``, side ``fit``): chiptunes, soundfonts, synthesisers,
drums, voices."""

COUNT_WEIGHT: Final = 0.5
"""Added to the counted and to the expected number, which shrinks the ratio of small numbers towards 1."""

COUNT_POWER: Final = 2.5
"""The ratio is raised to this power: smaller E-values are exceeded by more than those that are counted."""

SPEECH_CODES: Final = 32
"""Codes of a reference (16 s) around an alignment that decide whether it is spoken word. Chosen by hand."""

LEAST_RELATED_SIMILARITY: Final = 0.25
"""Mean similarity of the codes of two related recordings at the same moments of the query, at least. Less
similar ones are similar to other parts of the query, such as a voice above the music. Chosen by hand."""

COPY_SIMILARITY: Final = (0.75, 0.66)
"""Two recordings hold the same recorded sound if the mean similarity of their codes is larger: a copy of the
matched recording is no chance alignment. The first number is for codes of the same moments, the second for
codes that begin up to half a code apart, where those of one recording are interpolated. Chosen by hand: clips
of one piece of sample_audio, as MP3 of 16 kbit/s, exceed 0.8 and 0.67; of pieces by one drum kit
(`benchmarks.data.kinds.drum_machines`), 1 in 100 exceeds 0.74 and 0.7. Clips of fast music, half a code
apart, can be as low as 0.3; the next two numbers find them."""

HELD_SIMILARITY: Final = 0.87
"""The query holds the recording of a place if the mean similarity of the place with the query is at least
this. A query that was cut into clips holds each of them. Chosen by hand: the best places of absent queries by
the same drum kit reach 0.84."""

HELD_AGREEMENT: Final = 7.0
"""The query also holds the recording of a place whose spectral peaks agree at least so well, in standard
deviations, even if the query was degraded. Chosen by hand: of absent queries by the same drum kit, the best
of 2,431 places has 5.4."""

HELD_CODES: Final = 6
"""A place that shows this has at least so many codes (3 s). Chosen by hand."""

COMPARED_PLACES: Final = 32
"""Other candidates that are compared at most, those of highest score. Chosen by hand."""

COMPARED_AGREEMENTS: Final = 16
"""Of these, candidates whose peaks are compared with the query too. Chosen by hand."""

USUAL_AGREEMENT: Final = 0.6
"""Mean agreement of the peaks of unrelated candidates, in standard deviations. Chosen by hand: 0.5 to 0.7 on
absent excerpts of validation music."""

AGREEMENT_WEIGHT: Final = 3.0
"""Number of candidates that this mean counts as. Chosen by hand."""

LEAST_RELATED_AGREEMENT: Final = 1.0
"""Taken from the agreement of a related place in any case: it is the best of many. Chosen
by hand."""

REVERSED_FRAMES: Final = 256
REVERSED_CODES: Final = 1_024
"""Query frames and codes of the recording, around an alignment, that are aligned in reverse. Chosen by
hand."""

DIAGONAL_FRAMES: Final = 8
"""Alignments of one recording whose diagonals are in the same or in neighbouring ranges of this length are
one place. Chosen by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """How much chance there is for one alignment.

    Attributes
    ----------
    log_e : float
        Log of the E-value by the codes, before calibration.
    agreement : float
        Standard deviations by which related recordings agree with the peaks of the query.
    kind : Material
        On what `log_e` rests.
    """

    log_e: float
    agreement: float
    kind: Material


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Alignments of one variant, one for each recording and diagonal, largest scores first.

    Attributes
    ----------
    recordings : int64 array, shape (n_places,)
    spans_s : float64 array, shape (n_places, 2)
        Start and end in the query, in seconds.
    """

    alignments: tuple[Alignment, ...]
    recordings: NDArray[np.int64]
    spans_s: NDArray[np.float64]

    @classmethod
    def of(cls, alignments: Sequence[Alignment]) -> Self:
        """Choose the best alignment of each recording near each diagonal."""
        best: dict[tuple[int, int], Alignment] = {}
        for one in sorted(alignments, key=lambda one: -one.score):
            bucket = round(_diagonal(one) / DIAGONAL_FRAMES)
            if not any((one.recording, near) in best for near in (bucket - 1, bucket, bucket + 1)):
                best[one.recording, bucket] = one
        chosen = tuple(best.values())
        return cls(
            alignments=chosen,
            recordings=np.array([one.recording for one in chosen], dtype=np.int64),
            spans_s=np.array([one.query_span_s for one in chosen]).reshape(-1, 2),
        )

    def beside(self, alignment: Alignment) -> Iterator[Alignment]:
        """Yield alignments of other recordings with the same part of the query."""
        start_s, end_s = alignment.query_span_s
        starts_s, ends_s = self.spans_s.T
        shared_s = np.minimum(ends_s, end_s) - np.maximum(starts_s, start_s)
        same = shared_s > SAME_SPAN * np.minimum(ends_s - starts_s, end_s - start_s)
        for number in np.flatnonzero(same & (self.recordings != alignment.recording)):
            yield self.alignments[number]


@dataclass(slots=True, kw_only=True)
class RelatedPlaces:
    """Alignments of one query with all of its candidates.

    Attributes
    ----------
    agreement_of
        Returns the agreement of an alignment with the spectral peaks of its recording.
    least_excess : float
        See `OTHERS_EXCESS_NATS`; infinite where related recordings are to be ignored.
    counts_near : bool
        False where E-values are wanted as they are before near recordings are counted.
    """

    library: Searchable
    agreement_of: Callable[[Alignment], float]
    least_excess: float = OTHERS_EXCESS_NATS
    counts_near: bool = True
    _by_variant: dict[Variant, list[Alignment]] = field(default_factory=dict)
    _places: dict[Variant, Places] = field(default_factory=dict)
    _agreements: dict[int, float] = field(default_factory=dict)
    _counted: dict[tuple[Variant, int], set[int]] = field(default_factory=dict)
    _held: dict[tuple[Variant, int], bool] = field(default_factory=dict)

    def add(self, alignments: Iterable[Alignment]) -> None:
        """Add alignments of the query with its candidates."""
        for alignment in alignments:
            variant = alignment.query_variant.variant
            self._by_variant.setdefault(variant, []).append(alignment)
            self._places.pop(variant, None)
        self._counted.clear()
        self._held.clear()

    def chance(
        self, alignment: Alignment, *, agreement: float, space: SearchSpace, null: NullModel
    ) -> Chance:
        """Estimate the chance of an alignment, from related recordings where there are some.

        Parameters
        ----------
        agreement
            That of its peaks.
        space, null
            Size of the search, and the null model by decoys.
        """
        others = self._others(alignment, self._own(alignment, agreement))
        shift = self._usual_agreement(others)
        log_e = by_decoys = log_e_raw(alignment.score, space, null)
        tail = self._tail([other.score for other in others], alignment, most=OTHERS_TAIL)
        if tail is not None and _excess(tail, space, null) > self.least_excess:
            log_e = max(log_e, tail.log_expected(alignment.score) - log(space.weight))
            shift = max(shift, LEAST_RELATED_AGREEMENT)
        elif self._is_spoken(alignment):
            return Chance(log_e=log_e, agreement=shift, kind=Material.SPOKEN)
        reversed_scores, reversed_space = self._reversed(alignment)
        tail = self._tail(reversed_scores, alignment, most=REVERSED_TAIL)
        if tail is not None and _excess(tail, reversed_space, null) > REVERSED_EXCESS_NATS:
            log_e = max(log_e, tail.log_expected(alignment.score) - log(space.weight))
        kind = Material.RELATED if log_e > by_decoys else Material.UNRELATED
        return Chance(log_e=log_e, agreement=shift, kind=kind)

    def excess_of_near(
        self, alignment: Alignment, *, agreement: float, space: SearchSpace, null: NullModel
    ) -> float:
        """Return what near recordings add to log E: 0 where no more of them than expected are near."""
        if isinf(self.least_excess) or not self.counts_near:
            return 0.0
        variant, n_frames = alignment.query_variant.variant, len(alignment.query_variant.frames)
        window, n_windows = window_of(alignment.middle_frame, n_frames)
        if (variant, window) not in self._counted:
            places = self._places_of(variant).alignments
            inside = [one for one in places if window_of(one.middle_frame, n_frames)[0] == window]
            # of this variant and this window alone, not of the whole search
            share = SearchSpace(
                n_frames=min(space.n_frames, WINDOW_FRAMES // 2 if n_windows > 1 else WINDOW_FRAMES),
                n_codes=space.n_codes,
                weight=space.weight / variant.weight,
            )
            self._counted[variant, window] = self._count(inside, share, null)
        n_others = len(self._counted[variant, window] - self._own(alignment, agreement))
        ratio = (n_others + COUNT_WEIGHT) / (COUNTED_E[1] + COUNT_WEIGHT)
        return COUNT_POWER * max(log(ratio), 0.0)

    def _count(self, places: Iterable[Alignment], space: SearchSpace, null: NullModel) -> set[int]:
        """Recordings whose smallest E-value by decoys is one that is counted."""
        least, most = (log(e_value) for e_value in COUNTED_E)
        smallest = dict[int, float]()
        for place in places:
            log_e = log_e_raw(place.score, space, null)
            if self.library.calibration.codes_slope * log_e > LOG_E_MOST:
                continue
            log_p = self.library.calibration.log_p_agreement(max(self._agreement(place), 0.0))
            log_e = log_e_calibrated(log_e, log_p, self.library.calibration, Material.UNRELATED)
            smallest[place.recording] = min(log_e, smallest.get(place.recording, log_e))
        return {recording for recording, log_e in smallest.items() if least <= log_e <= most}

    def _agreement(self, alignment: Alignment) -> float:
        if id(alignment) not in self._agreements:
            self._agreements[id(alignment)] = self.agreement_of(alignment)
        return self._agreements[id(alignment)]

    def _tail(self, scores: Sequence[float], alignment: Alignment, *, most: int) -> ScoreTail | None:
        pooled_rate = self.library.calibration.pooled_rate(len(alignment.query_variant.frames))
        return ScoreTail.fit(scores, most=most, pooled_rate=pooled_rate, weight=RATE_WEIGHT)

    def _is_spoken(self, alignment: Alignment) -> bool:
        """Whether the recording is spoken word there."""
        codes = self.library.codes(alignment.recording)
        first, last = int(alignment.codes[0]), int(alignment.codes[-1]) + 1
        around = max(SPEECH_CODES - (last - first), 0) // 2
        return self.library.background.is_speech(codes[max(first - around, 0) : last + around])

    def _others(self, alignment: Alignment, own: Collection[int]) -> list[Alignment]:
        """Alignments of related recordings with the same part of the query, largest scores first."""
        beside = self._places_of(alignment.query_variant.variant).beside(alignment)
        foreign = (other for other in beside if other.recording not in own)
        # where most are copies, each would be compared with all the others
        near = islice(foreign, 2 * COMPARED_PLACES)
        return list(islice((one for one in near if self._is_related(alignment, one)), COMPARED_PLACES))

    def _places_of(self, variant: Variant) -> Places:
        if variant not in self._places:
            self._places[variant] = Places.of(self._by_variant[variant])
        return self._places[variant]

    def _own(self, alignment: Alignment, agreement: float) -> set[int]:
        """Recordings whose places do not show the chance of an alignment.

        They are its own recording and, if the query holds that, all others that the query holds: clips of one
        recording. Where the recording repeats itself, each clip resembles the places of the others, too.
        """
        variant = alignment.query_variant.variant
        if not _is_held(alignment, lambda: agreement):
            return {alignment.recording}
        recordings = set(self._places_of(variant).recordings.tolist()) - {alignment.recording}
        return {alignment.recording, *(each for each in recordings if self._holds(variant, each))}

    def _holds(self, variant: Variant, recording: int) -> bool:
        """Whether the query holds a recording: at one place of it at least."""
        key = variant, recording
        if key not in self._held:
            places = self._places_of(variant)
            own = (places.alignments[number] for number in np.flatnonzero(places.recordings == recording))
            self._held[key] = any(_is_held(one, partial(self._agreement, one)) for one in own)
        return self._held[key]

    def _is_related(self, one: Alignment, other: Alignment) -> bool:
        """Whether two recordings are similar at the same moments of the query, and no copies."""
        codes, other_codes = self.library.codes(one.recording), self.library.codes(other.recording)
        first, last = int(one.codes[0]), int(one.codes[-1]) + 1
        frames = _diagonal(other) - _diagonal(one)
        part = codes[first:last]
        shift = first + round(frames / QUERY_FRAMES_PER_CODE)
        direct = max(similarity_at(part, other_codes, shift + step) for step in (-1, 0, 1))
        if not LEAST_RELATED_SIMILARITY <= direct <= COPY_SIMILARITY[0]:
            return False
        between = (first + (frames + step) / QUERY_FRAMES_PER_CODE for step in (-1, 0, 1))
        return max(similarity_at(part, other_codes, each) for each in between) <= COPY_SIMILARITY[1]

    def _usual_agreement(self, others: Sequence[Alignment]) -> float:
        """Agreement of other candidates beyond that of unrelated ones, at least 0."""
        agreements = [self._agreement(other) for other in others[:COMPARED_AGREEMENTS]]
        excess = sum(agreements) - USUAL_AGREEMENT * len(agreements)
        return max(excess / (len(agreements) + AGREEMENT_WEIGHT), 0.0)

    def _reversed(self, alignment: Alignment) -> tuple[Sequence[float], SearchSpace]:
        """Scores of the query in reverse order of time with the matched recording, and their search space."""
        query_variant, middle = alignment.query_variant, int(alignment.codes[len(alignment.codes) // 2])
        codes = self.library.codes(alignment.recording)
        first = max(min(middle - REVERSED_CODES // 2, len(codes) - REVERSED_CODES), 0)
        codes = codes[first : first + REVERSED_CODES]
        begin = max(
            min(alignment.middle_frame - REVERSED_FRAMES // 2, len(query_variant.frames) - REVERSED_FRAMES), 0
        )
        frames = slice(begin, begin + REVERSED_FRAMES)
        scores = path_scores(
            query_variant.frames[frames],
            query_variant.mean[frames],
            query_variant.inverse_sd[frames],
            codes=codes,
            run_of=np.zeros(len(codes), dtype=np.int32),
            calibration=self.library.calibration,
        )
        n_frames = len(query_variant.frames[frames])
        return best_of_clumps(scores[1:]).tolist(), SearchSpace(
            n_frames=n_frames, n_codes=len(codes), weight=1.0
        )


def similarity_at(codes: NDArray[np.float32], other_codes: NDArray[np.float32], start: float) -> float:
    """Return the mean similarity of codes with those of another recording from its code `start` on.

    Parameters
    ----------
    codes, other_codes : float32 array, shape (n, dim)
        Of length 1.
    start
        Where it is between two codes, these are interpolated. It may be before the first code.
    """
    whole = floor(start)
    share = np.float32(start - whole)
    begin = max(-whole, 0)
    end = min(len(codes), len(other_codes) - whole - (1 if share else 0))
    if end <= begin:
        return 0.0
    met = other_codes[begin + whole : end + whole]
    if share:
        met = (1 - share) * met + share * other_codes[begin + whole + 1 : end + whole + 1]
        met /= np.linalg.norm(met, axis=1, keepdims=True)
    return float(np.vdot(codes[begin:end], met)) / (end - begin)


def _is_held(place: Alignment, agreement: Callable[[], float]) -> bool:
    """Whether a place agrees with the query as only a copy does; `agreement` is called if it is needed."""
    if len(place.similarity) < HELD_CODES:
        return False
    return float(place.similarity.mean()) >= HELD_SIMILARITY or agreement() >= HELD_AGREEMENT


def _diagonal(alignment: Alignment) -> int:
    """Diagonal of the middle of a path, in query frames."""
    middle = len(alignment.codes) // 2
    return int(alignment.codes[middle]) * QUERY_FRAMES_PER_CODE - int(alignment.query_frames[middle])


def _excess(tail: ScoreTail, space: SearchSpace, null: NullModel) -> float:
    """By how many nats more scores than `null` expects reach the threshold of a tail."""
    return log(tail.n_above) - log_e_raw(tail.threshold, space, null)
