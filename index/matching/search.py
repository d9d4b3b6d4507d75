"""Search one variant of a query, or of a part of it: entries of the index, candidates, scored alignments."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.types import Query, Spectrogram
from earwitness.index.match import Candidate, Hits
from earwitness.index.matching.alignment import (
    MIN_HALF_BAND_ROWS,
    Alignment,
    align,
    best_path,
    codes_met,
    same_place,
)
from earwitness.index.matching.candidates import (
    QueryVariant,
    active_frames,
    embed_half,
    embed_rest,
    embed_variant,
    find_candidates,
    loud_frames,
)
from earwitness.index.matching.coarse_votes import CoarseVotes, vote_coarsely
from earwitness.index.matching.effort import EffortProfile, Variant
from earwitness.index.matching.kernels.alignment_loops import QUERY_FRAMES_PER_CODE
from earwitness.index.matching.scoring import (
    CERTAIN_LOG_E,
    AlignmentScorer,
    ScoredAlignment,
)
from earwitness.index.matching.verdict import MATCH_E_VALUE
from earwitness.index.protocols import Searchable
from earwitness.index.statistics.calibration import Calibration

REPEAT_SCORE: Final = 0.9
"""Share of the score of a certain alignment. An alignment of the same recording and part of the query that
scores less is a repeat, and gets no E-value. Chosen by hand."""

PREFILTER_CANDIDATES: Final = 12
"""Candidates that are aligned at most by the prefilter. Chosen by hand: a recording that matches has nearly
the most votes."""

FURTHER_SEGMENT_NATS: Final = 8.0
"""Score, in nats of the pooled null model, that a further segment near an aligned diagonal needs. Chosen by
hand: such a segment has few places where chance could put it."""

LEAST_PARTS_S: Final = 10.0
"""Seconds. Shorter queries are searched as one piece, without windows or narrow bands. Chosen by hand."""

SATURATED_SHARE: Final = 0.5
"""Matching recordings, as a share of the neighbours of each query frame, from which more neighbours are
retrieved: the recordings that match may have displaced others. Chosen by hand."""

SATURATING_LOG_E: Final = log(1e-9)
"""E-values up to which a recording counts as matching there. Chosen by hand."""

MAX_NEIGHBOURS: Final = 4_096
MAX_HITS: Final = 2_000_000
"""Neighbours of a query frame, and hits of all frames together (about 200 MB), that are retrieved at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefilterResult:
    """What the prefilter embedded and retrieved: every other frame of a variant."""

    half: QueryVariant
    hits: Hits


@dataclass(slots=True, kw_only=True)
class Search:
    """Search of one query, or of a part of it, in some collections of one library.

    Attributes
    ----------
    profile : EffortProfile
        Of the effort; its `neighbours` and `candidates` grow where many recordings match (see `_deeper`).
    start_s : float
        Where the searched part begins in the query, in seconds.
    n_whole_frames : int
        Active frames of the whole query where this is a part of it, else 0.
    repeats : dict of int to list of Alignment
        By recording: alignments that were not scored, as a better one explains the same part of the query.
        Shared with the searches of parts.
    itself : int or None
        The recording that the query is, where the items of a collection are compared with each other: it
        explains nothing, and gives no hope of a change.
    """

    query: Query
    library: Searchable
    collections: Sequence[int]
    max_e_value: float
    n_codes: int
    profile: EffortProfile
    start_s: float = 0.0
    n_whole_frames: int = 0
    repeats: dict[int, list[Alignment]] = field(default_factory=lambda: defaultdict(list))
    itself: int | None = None
    scorer: AlignmentScorer = field(init=False)

    def __post_init__(self) -> None:
        self.scorer = AlignmentScorer(
            query=self.query,
            library=self.library,
            n_codes=self.n_codes,
            max_e_value=self.max_e_value,
            chance_factor=self.profile.chance_factor,
            n_whole_frames=self.n_whole_frames,
        )

    @property
    def calibration(self) -> Calibration:
        """The fitted numbers of the library's scheme."""
        return self.library.calibration

    def part(self, start_s: float, end_s: float) -> Search:
        """The same search of a part of the query alone, in seconds of the whole query.

        E-values still count chance alignments anywhere in the whole query.
        """
        spectrogram = self.query.spectrogram
        first = max(round((start_s - self.start_s) / spectrogram.frame_s), 0)
        last = max(round((end_s - self.start_s) / spectrogram.frame_s), first + 1)
        power = spectrogram.power[first:last]
        query = replace(
            self.query,
            spectrogram=Spectrogram(power=power, frame_s=spectrogram.frame_s),
            duration_s=len(power) * spectrogram.frame_s,
        )
        return replace(
            self,
            query=query,
            start_s=self.start_s + first * spectrogram.frame_s,
            n_whole_frames=self.n_whole_frames or self._count_active_frames(),
        )

    def _count_active_frames(self) -> int:
        params = self.library.extractor.params
        loud = loud_frames(self.query.spectrogram)
        return int(np.count_nonzero(active_frames(loud, -(-len(loud) // params.query_hop_frames), params)))

    def prefilter(self, variant: Variant) -> PrefilterResult | None:
        """Search every other frame of a variant; None where no candidate can become a match.

        Most items of a dataset match nothing; the prefilter decides this at a third of the cost of
        `search_variant`.
        """
        found = self.search_half(variant)
        return found if self.has_hope(found) else None

    def has_hope(self, found: PrefilterResult, *, most: int = PREFILTER_CANDIDATES) -> bool:
        """Return whether any of the first `most` candidates of the prefilter can become a match."""
        return any(self._can_match(one) for one in self.half_alignments(found, most=most))

    def best_hope(self, found: PrefilterResult) -> float | None:
        """Return the best score of the candidates of the prefilter that can become a match."""
        alignments = self.half_alignments(found)
        return max((one.score for one in alignments if self._can_match(one)), default=None)

    def search_half(self, variant: Variant) -> PrefilterResult:
        """Embed every other frame of a variant, and retrieve the entries of the index near them."""
        half = embed_half(self.query, variant, self.library.extractor, self.library.background)
        active = half.active
        return PrefilterResult(
            half=replace(half, start_s=self.start_s), hits=self._retrieve(half, active[active % 2 == 0])
        )

    def half_alignments(
        self, found: PrefilterResult, *, most: int = PREFILTER_CANDIDATES
    ) -> Iterator[Alignment]:
        """Yield the best alignment of each candidate of the prefilter."""
        half = found.half
        for candidate in self._candidates(half, found.hits)[:most]:
            lead = round(candidate.offset_s / half.hop_s)
            codes = self.library.codes(candidate.recording)
            first, last = codes_met(half, lead, len(codes))
            path = best_path(
                half, codes[first:last], lead - QUERY_FRAMES_PER_CODE * first, calibration=self.calibration
            )
            if path is not None:
                steps, similarity, score = path
                yield Alignment(
                    recording=candidate.recording,
                    query_variant=half,
                    codes=steps[:, 0] + np.int32(first),
                    query_frames=steps[:, 1],
                    similarity=similarity,
                    score=score,
                )

    def _can_match(self, alignment: Alignment) -> bool:
        space, margin = self.scorer.space(alignment.query_variant), self.calibration.prefilter_margin
        return self.scorer.evidence(alignment, space, pooled_margin=margin) is not None

    def search_variant(
        self, variant: Variant, *, also: Sequence[int] = (), prefiltered: PrefilterResult | None = None
    ) -> list[ScoredAlignment]:
        """Search one variant; returns its scored alignments, smallest E-value first.

        Parameters
        ----------
        also
            Recordings that are aligned from start to start, whether or not they are candidates.
        prefiltered
            Result of `prefilter` for this variant, which is not embedded and retrieved again.
        """
        extractor, background = self.library.extractor, self.library.background
        if prefiltered is None:
            embedded = embed_variant(
                self.query, variant, extractor, background, dereverb=self.profile.dereverb
            )
            embedded = replace(embedded, start_s=self.start_s)
            hits = self._retrieve(embedded, embedded.active)
        else:
            embedded = embed_rest(prefiltered.half, self.query, extractor, background)
            embedded = replace(embedded, start_s=self.start_s)
            odd = embedded.active[embedded.active % 2 == 1]
            hits = Hits.together(prefiltered.hits, self._retrieve(embedded, odd))
        scored = self._score_hits(embedded, hits, also)
        while (deeper := self._deeper(embedded, scored)) is not None:
            self.profile = deeper
            scored = self._score_hits(embedded, self._retrieve(embedded, embedded.active), also)
        return scored

    def vote_coarsely(self, variants: Sequence[Variant]) -> CoarseVotes:
        """Search several variants at the coarse hop."""
        spectrogram = self.query.spectrogram
        return vote_coarsely(
            spectrogram, variants, self.library, self.collections, start_s=self.start_s, itself=self.itself
        )

    def _retrieve(self, embedded: QueryVariant, frames: NDArray[np.intp]) -> Hits:
        """Entries of the index near some frames; the hits have the numbers of the frames among all."""
        hits = self.library.search(
            embedded.frames[frames],
            k=self.profile.neighbours,
            collections=self.collections,
            n_probe=self.profile.n_lists(len(embedded.frames)),
        )
        return replace(hits, query_row=frames[hits.query_row].astype(np.int32))

    def _candidates(self, embedded: QueryVariant, hits: Hits) -> list[Candidate]:
        if not hits.query_row.size:
            return []
        frames = hits.query_row
        return find_candidates(
            hits,
            frames.astype(np.int64),
            (hits.similarity - embedded.mean[frames]) * embedded.inverse_sd[frames],
            embedded.variant,
            hop_s=embedded.hop_s,
            calibration=self.calibration,
            most=self.profile.candidates,
        )

    def _score_hits(self, embedded: QueryVariant, hits: Hits, also: Sequence[int]) -> list[ScoredAlignment]:
        """Align and score the candidates of some hits.

        A band as wide as the length of the query requires may hide a short place behind a better one that
        meets the same codes seconds earlier or later. So recordings that match are aligned in a narrow band
        around each of their diagonals too.
        """
        candidates = self._candidates(embedded, hits)
        candidates += [
            Candidate(recording=recording, change=embedded.change, offset_s=self.start_s, votes=0.0)
            for recording in also
        ]
        certain = defaultdict[int, list[Alignment]](list)
        wide = self._align(embedded, candidates)
        self.scorer.places.add(wide.values())
        scored = self._score(embedded, list(wide.values()), certain)
        if self.n_whole_frames or self.query.duration_s >= LEAST_PARTS_S:
            matching = {one.alignment.recording for one in scored if one.e_value <= MATCH_E_VALUE}
            own = [candidate for candidate in candidates if candidate.recording in matching]
            narrow = self._align(embedded, own, half_band=MIN_HALF_BAND_ROWS)
            new = [alignment for key, alignment in narrow.items() if key not in wide]
            scored += self._score(embedded, new, certain)
        return sorted(scored, key=lambda one: one.e_value)

    def _deeper(self, embedded: QueryVariant, scored: Sequence[ScoredAlignment]) -> EffortProfile | None:
        """The profile with more neighbours, where the matching recordings may have displaced others."""
        matching = {one.alignment.recording for one in scored if log(one.e_value) <= SATURATING_LOG_E}
        most = min(MAX_NEIGHBOURS, MAX_HITS // max(len(embedded.active), 1))
        if len(matching) < self.profile.neighbours * SATURATED_SHARE or self.profile.neighbours >= most:
            return None
        neighbours = min(4 * self.profile.neighbours, most)
        candidates = max(neighbours, self.profile.candidates)
        return replace(self.profile, neighbours=neighbours, candidates=candidates)

    def _align(
        self, embedded: QueryVariant, candidates: Sequence[Candidate], *, half_band: int | None = None
    ) -> dict[tuple[int, int, int], Alignment]:
        """Alignments near the diagonals of some candidates, by recording and last step."""
        least = FURTHER_SEGMENT_NATS / self.calibration.pooled_rate(len(embedded.frames))
        by_end: dict[tuple[int, int, int], Alignment] = {}
        for candidate in candidates:
            for alignment in align(
                embedded,
                candidate.recording,
                self.library.codes(candidate.recording),
                round(candidate.offset_s / embedded.hop_s),
                calibration=self.calibration,
                least_score=least,
                half_band=half_band,
            ):
                # neighbouring diagonals lead to the same path
                end = (alignment.recording, int(alignment.codes[-1]), int(alignment.query_frames[-1]))
                by_end.setdefault(end, alignment)
        return by_end

    def _score(
        self, embedded: QueryVariant, alignments: Sequence[Alignment], certain: dict[int, list[Alignment]]
    ) -> list[ScoredAlignment]:
        """The alignments that can be reported; `certain` ones are added to those of their recording."""
        space = self.scorer.space(embedded)
        scored = list[ScoredAlignment]()
        for alignment in sorted(alignments, key=lambda alignment: -alignment.score):
            if _is_repeat(alignment, certain[alignment.recording]):
                self.repeats[alignment.recording].append(alignment)
                continue
            one = self.scorer.score(alignment, space)
            if one is not None:
                scored.append(one)
                if log(one.e_value) <= CERTAIN_LOG_E:
                    certain[alignment.recording].append(alignment)
        return scored


def _is_repeat(alignment: Alignment, certain: Sequence[Alignment]) -> bool:
    return any(
        alignment.score < REPEAT_SCORE * other.score and same_place(alignment, other) for other in certain
    )
