"""What one question keeps while it is answered: the query, where it is asked, and its null models."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import exp, log
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
    slope_along,
)
from earwitness.index.matching.candidates import (
    QueryVariant,
    active_rows,
    complete,
    find_candidates,
    lists_searched,
    loud_frames,
    make_variant,
    prefilter,
    undo,
)
from earwitness.index.matching.coarse_votes import CoarseLook
from earwitness.index.matching.effort import EffortProfile, Variant
from earwitness.index.matching.kernels.alignment_loops import ROWS_PER_CODE
from earwitness.index.matching.kernels.peak_loops import agreement
from earwitness.index.matching.verdict import MATCH_E_VALUE
from earwitness.index.protocols import Searchable
from earwitness.index.statistics.background import Background
from earwitness.index.statistics.calibration import Calibration
from earwitness.index.statistics.null_model import (
    WINDOW_ROWS,
    NullModel,
    SearchSpace,
    fit_null,
    log_e_calibrated,
    log_e_pooled,
    log_e_raw,
)
from earwitness.index.statistics.peak_evidence import LOG_E_MOST, contrast

POOLED_NATS: Final = 4.7
ROUGH_NATS: Final = 3.5
"""All decoys are aligned only for paths that the pooled and the rough null model put this near to what is
wanted. Of 3,286 paths told at E <= 1e-2, of excerpts clean and degraded, the worst were 4.0 and 2.3 above."""

PREFILTERED_POOLED_NATS: Final = 4.2
"""The same for all that follows a glimpse, which embeds and looks up half of the rows: 3.7 and 2.9."""

CERTAIN_LOG_E: Final = log(1e-15)
"""Paths that the rough null model puts below this are not asked of all decoys: no decision hangs on them, and
all take as long as the look-up, the alignments and the peaks together."""

NEARLY: Final = 0.9
"""Of places in one recording whose paths score so nearly alike, the peaks say which is the right one."""

PREFILTERED_CANDIDATES: Final = 12
"""Most candidates of a glimpse that are aligned: what is there has most votes, or nearly."""

EXTENSION_NATS: Final = 8.0
"""A further segment near a diagonal already believed needs only this much: it has few places to be."""

LEAST_QUERY_S: Final = 10.0
"""Shorter queries are looked into as a whole only."""

LEAST_SPAN_S: Final = 1.5
"""Shorter alignments are not reported."""

SPOKEN_CODES: Final = 32
"""Codes of a reference, 16 s of it, that tell whether a place in it is spoken."""

CROWDED: Final = 0.5
"""Share of the neighbours of each row: where as many recordings are surely met, more may be there."""

CROWD_LOG_E: Final = log(1e-9)
MOST_NEIGHBOURS: Final = 4_096
MOST_HITS: Final = 2_000_000
"""Of one look-up: about 200 MB."""

COARSE_NEIGHBOURS: Final = 8
SHORT_ROWS: Final = 40
"""Queries of fewer fine rows are looked up coarsely at two phases instead of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredAlignment:
    """An alignment and how often chance would give this query one as good."""

    alignment: Alignment
    e_value: float
    n_decoys: int


@dataclass(slots=True, kw_only=True)
class Search:
    """One query asked of some collections of one library."""

    query: Query
    library: Searchable
    collections: Sequence[int]
    scoring: Calibration
    background: Background
    max_e_value: float
    n_codes: int
    profile: EffortProfile
    start_s: float = 0.0
    """Where this part begins in the whole query, in seconds."""
    whole_rows: int = 0
    """Active fine rows of the whole query, where this is a part of it: chance may strike in all of them."""
    nulls: dict[tuple[Variant, bool, int, int], NullModel] = field(default_factory=dict)
    contrasts: dict[Variant, NDArray[np.float32]] = field(default_factory=dict)
    echoes: dict[int, list[Alignment]] = field(default_factory=lambda: defaultdict(list))
    """By recording, alignments that were not judged, as a better one explains the same part of the query."""
    _prefiltered: Hits | None = None
    _wanted: float = field(init=False)

    def __post_init__(self) -> None:
        self._wanted = log(self.max_e_value)

    def at(
        self, variant: Variant, *, also: Sequence[int] = (), prefiltered: QueryVariant | None = None
    ) -> list[ScoredAlignment]:
        """Everything found at one rung, best first; recordings in `also` are aligned from start to start."""
        extractor = self.library.extractor
        if prefiltered is None:
            copy = make_variant(
                self.query, variant, extractor, self.background, dereverb=self.profile.dereverb
            )
        else:
            copy = complete(prefiltered, self.query, extractor, self.background)
        copy = replace(copy, start_s=self.start_s)
        judged = self._judge_all(copy, self._look_up_rest(copy, prefiltered), also)
        while (deeper := self._deeper(copy, judged)) is not None:
            self.profile = deeper
            judged = self._judge_all(copy, self._look_up(copy, copy.heard), also)
        return judged

    def _judge_all(self, copy: QueryVariant, hits: Hits, also: Sequence[int]) -> list[ScoredAlignment]:
        change = copy.variant.change
        candidates = self._candidates(copy, hits)
        candidates += [Candidate(recording=r, change=change, offset_s=self.start_s, votes=0.0) for r in also]
        certain = defaultdict[int, list[Alignment]](list)
        wide = self._align(copy, candidates)
        judged = self._judge(copy, list(wide.values()), certain)
        if self.whole_rows or self.query.duration_s >= LEAST_QUERY_S:
            there = {one.alignment.recording for one in judged if one.e_value <= MATCH_E_VALUE}
            own = [candidate for candidate in candidates if candidate.recording in there]
            narrow = self._align(copy, own, half_band=MIN_HALF_BAND_ROWS)
            judged += self._judge(copy, [one for key, one in narrow.items() if key not in wide], certain)
        return sorted(judged, key=lambda judged: judged.e_value)

    def _deeper(self, copy: QueryVariant, judged: Sequence[ScoredAlignment]) -> EffortProfile | None:
        """A deeper look-up, where so many recordings hold the same sound that they crowd each other out."""
        sure = {one.alignment.recording for one in judged if log(one.e_value) <= CROWD_LOG_E}
        most = min(MOST_NEIGHBOURS, MOST_HITS // max(len(copy.heard), 1))
        if len(sure) < self.profile.neighbours * CROWDED or self.profile.neighbours >= most:
            return None
        neighbours = min(4 * self.profile.neighbours, most)
        return replace(
            self.profile, neighbours=neighbours, candidates=max(neighbours, self.profile.candidates)
        )

    def part(self, start_s: float, end_s: float) -> Search:
        """The same search of a part of the query alone, in seconds of the whole query.

        E-values stay those of the whole query: chance may strike anywhere in it.
        """
        whole = self.query.spectrogram
        first = max(round((start_s - self.start_s) / whole.frame_s), 0)
        power = whole.power[first : max(round((end_s - self.start_s) / whole.frame_s), first + 1)]
        query = replace(
            self.query,
            spectrogram=Spectrogram(power=power, frame_s=whole.frame_s),
            duration_s=len(power) * whole.frame_s,
        )
        return replace(
            self,
            query=query,
            start_s=self.start_s + first * whole.frame_s,
            whole_rows=self.whole_rows or self.count_rows(),
            nulls={},
            contrasts={},
            _prefiltered=None,
        )

    def count_rows(self) -> int:
        """Active fine rows of the unchanged query."""
        params = self.library.extractor.params
        loud = loud_frames(self.query.spectrogram)
        return int(np.count_nonzero(active_rows(loud, -(-len(loud) // params.query_hop_frames), params)))

    def prefilter(self, variant: Variant) -> QueryVariant | None:
        """Half of a rung's rows, where they say that anything may be found there; else None.

        Most items of a dataset hold nothing that is known; this tells so at a third of the cost of `at`.
        """
        copy = prefilter(self.query, variant, self.library.extractor, self.background)
        heard = copy.heard
        space = self._space(copy, len(heard))
        self._prefiltered = self._look_up(copy, heard[heard % 2 == 0])
        for candidate in self._candidates(copy, self._prefiltered)[:PREFILTERED_CANDIDATES]:
            if self._worth_a_look(copy, candidate, space):
                return copy
        return None

    def _worth_a_look(self, copy: QueryVariant, candidate: Candidate, space: SearchSpace) -> bool:
        lead = round(candidate.offset_s / copy.row_s)
        codes = self.library.codes(candidate.recording)
        first, last = codes_met(copy, lead, len(codes))
        path = best_path(copy, codes[first:last], lead - ROWS_PER_CODE * first, scoring=self.scoring)
        if path is None:
            return False
        steps, similarity, score = path
        alignment = Alignment(
            recording=candidate.recording,
            copy=copy,
            codes=steps[:, 0] + np.int32(first),
            rows=steps[:, 1],
            similarity=similarity,
            score=score,
        )
        return self._witnessed(alignment, space, pooled_nats=PREFILTERED_POOLED_NATS) is not None

    def _witnessed(
        self, alignment: Alignment, space: SearchSpace, *, pooled_nats: float
    ) -> tuple[float, float, bool] | None:
        """What both witnesses say of a path, cheaply: log E by the rough null model, log p by the peaks.

        None where the cheap null models leave no hope that it is good enough to be reported. The third value
        says whether the place that is met is spoken word. That is asked first: of spoken word the peaks say
        nothing, and of a voice's many other sentences, each a little alike, hardly any leaves hope.
        """
        pooled = log_e_pooled(alignment.score, space, self.scoring) - pooled_nats
        if self.scoring.codes_slope * pooled > LOG_E_MOST:
            return None
        spoken = self._is_spoken(alignment)
        log_p = 0.0 if spoken else self._log_p(alignment)
        if not self._hopeful(pooled, log_p, spoken=spoken):
            return None
        rough = self._null(alignment.copy, alignment.middle_row, self.background.rough)
        log_e = log_e_raw(alignment.score, space, rough)
        return (log_e, log_p, spoken) if self._hopeful(log_e - ROUGH_NATS, log_p, spoken=spoken) else None

    def _hopeful(self, log_e: float, log_p: float, *, spoken: bool) -> bool:
        """Whether it may be good enough to be reported."""
        return log_e_calibrated(log_e, log_p, self.scoring, spoken=spoken) <= self._wanted

    def _log_p(self, alignment: Alignment) -> float:
        return self.scoring.log_p_agreement(self._agreement(alignment))

    def _agreement(self, alignment: Alignment) -> float:
        variant, params = alignment.copy.variant, self.library.extractor.params
        if variant not in self.contrasts:
            self.contrasts[variant] = contrast(undo(self.query.spectrogram, variant, params), params)
        slope = slope_along(alignment.codes, alignment.rows, alignment.similarity)
        peaks = self.library.peaks(alignment.recording)
        return agreement(
            self.contrasts[variant], peaks, alignment.codes, alignment.rows, slope, params.query_hop_frames
        )

    def look_coarsely(self, variants: Sequence[Variant]) -> CoarseLook:
        """Look up every rung at the coarse hop; where none brings votes, nothing further is worth a look."""
        extractor = self.library.extractor
        looks = [
            self._coarse_rows(undo(self.query.spectrogram, variant, extractor.params)) for variant in variants
        ]
        vectors = np.concatenate([rows for rows, _ in looks])
        fine_rows = np.concatenate([numbers for _, numbers in looks])
        hits = self.library.search(vectors, k=COARSE_NEIGHBOURS, collections=self.collections)
        mean, sd = self.background.expected_similarity(vectors)
        return CoarseLook(
            variants=tuple(variants),
            rung_of=np.repeat(np.arange(len(looks)), [len(rows) for rows, _ in looks])[hits.query_row],
            hits=hits,
            fine_rows=fine_rows[hits.query_row],
            z=(hits.similarity - mean[hits.query_row]) / sd[hits.query_row],
            row_s=extractor.params.query_hop_s,
            start_s=self.start_s,
            scoring=self.scoring,
        )

    def _coarse_rows(self, spectrogram: Spectrogram) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        n_rows = -(-len(spectrogram.power) // self.library.extractor.params.query_hop_frames)
        phases = (0, ROWS_PER_CODE // 2) if n_rows < SHORT_ROWS else (0,)
        rows = self.library.extractor.embed(spectrogram, fine=True, phases=phases)
        numbers = np.flatnonzero(np.isin(np.arange(n_rows) % ROWS_PER_CODE, phases))
        return rows[numbers], numbers

    def _look_up_rest(self, copy: QueryVariant, prefiltered: QueryVariant | None) -> Hits:
        """Codes near all rows of a copy, of which a glimpse has looked up every other one already."""
        if prefiltered is None or self._prefiltered is None:
            return self._look_up(copy, copy.heard)
        rest = self._look_up(copy, copy.heard[copy.heard % 2 == 1])
        return Hits.together(self._prefiltered, rest)

    def _look_up(self, copy: QueryVariant, heard: NDArray[np.intp]) -> Hits:
        """Codes near some rows of a copy; the hits say which rows of all."""
        hits = self.library.search(
            copy.rows[heard],
            k=self.profile.neighbours,
            collections=self.collections,
            n_probe=lists_searched(self.profile, len(copy.rows)),
        )
        return replace(hits, query_row=heard[hits.query_row].astype(np.int32))

    def _candidates(self, copy: QueryVariant, hits: Hits) -> list[Candidate]:
        if not hits.query_row.size:
            return []
        rows = hits.query_row
        z = (hits.similarity - copy.mean[rows]) * copy.inverse_sd[rows]
        return find_candidates(
            hits,
            rows.astype(np.int64),
            z,
            copy.variant,
            row_s=copy.row_s,
            scoring=self.scoring,
            most=self.profile.candidates,
        )

    def _align(
        self, copy: QueryVariant, candidates: Sequence[Candidate], *, half_band: int | None = None
    ) -> dict[tuple[int, int, int], Alignment]:
        """Paths near the candidates' diagonals, by recording and last step.

        In a band as wide as the query's length wants, a short place is hidden by a better one that meets the
        same codes seconds before or after it; so what is there is sought close to each diagonal besides.
        """
        least = EXTENSION_NATS / self.scoring.pooled_rate(len(copy.rows))
        found: dict[tuple[int, int, int], Alignment] = {}
        for candidate in candidates:
            for one in align(
                copy,
                candidate.recording,
                self.library.codes(candidate.recording),
                round(candidate.offset_s / copy.row_s),
                scoring=self.scoring,
                least_score=least,
                half_band=half_band,
            ):
                # neighbouring diagonals lead to the same path
                found.setdefault((one.recording, int(one.codes[-1]), int(one.rows[-1])), one)
        return found

    def _judge(
        self, copy: QueryVariant, alignments: Sequence[Alignment], certain: dict[int, list[Alignment]]
    ) -> list[ScoredAlignment]:
        """Those that are good enough to be reported; `certain` ones, by recording, hide their echoes."""
        space = self._space(copy, len(copy.heard))
        judged = list[ScoredAlignment]()
        for alignment in sorted(alignments, key=lambda alignment: -alignment.score):
            # music repeats itself: what the best place explains, worse ones need not explain again
            if any(
                alignment.score < NEARLY * other.score and same_place(alignment, other)
                for other in certain[alignment.recording]
            ):
                self.echoes[alignment.recording].append(alignment)
                continue
            one = self._judge_one(copy, alignment, space)
            if one is not None:
                judged.append(one)
                if log(one.e_value) <= CERTAIN_LOG_E:
                    certain[alignment.recording].append(alignment)
        return judged

    def _judge_one(
        self, copy: QueryVariant, alignment: Alignment, space: SearchSpace
    ) -> ScoredAlignment | None:
        start_s, end_s = alignment.query_span_s
        if end_s - start_s < LEAST_SPAN_S:
            return None
        witnessed = self._witnessed(alignment, space, pooled_nats=POOLED_NATS)
        if witnessed is None:
            return None
        log_e, log_p, spoken = witnessed
        null = self._null(copy, alignment.middle_row, self.background.rough)
        if log_e_calibrated(log_e + ROUGH_NATS, log_p, self.scoring, spoken=spoken) > CERTAIN_LOG_E:
            null = self._null(copy, alignment.middle_row, self.background)
            log_e = log_e_raw(alignment.score, space, null)
        told = log_e_calibrated(log_e, log_p, self.scoring, spoken=spoken)
        if told > self._wanted:
            return None
        return ScoredAlignment(alignment=alignment, e_value=exp(told), n_decoys=null.n_decoys)

    def _is_spoken(self, alignment: Alignment) -> bool:
        codes = self.library.codes(alignment.recording)
        first, last = int(alignment.codes[0]), int(alignment.codes[-1]) + 1
        around = max(SPOKEN_CODES - (last - first), 0) // 2
        return self.background.is_speech(codes[max(first - around, 0) : last + around])

    def _space(self, copy: QueryVariant, n_heard: int) -> SearchSpace:
        n_heard = max(n_heard, round(self.whole_rows * copy.variant.change.stretch))
        return SearchSpace(
            n_rows=n_heard, n_codes=self.n_codes, weight=copy.variant.weight / self.profile.chance_factor
        )

    def _null(self, copy: QueryVariant, middle_row: int, background: Background) -> NullModel:
        step = WINDOW_ROWS // 2
        n_windows = max(1, -(-(len(copy.rows) - WINDOW_ROWS) // step) + 1)
        window = min(max(round((middle_row - step) / step), 0), n_windows - 1)
        key = (copy.variant, copy.prefiltered, window, len(background.codes))
        if key not in self.nulls:
            rows = slice(window * step, window * step + WINDOW_ROWS)
            self.nulls[key] = fit_null(
                copy.rows[rows],
                copy.mean[rows],
                copy.inverse_sd[rows],
                background=background,
                scoring=self.scoring,
            )
        return self.nulls[key]
