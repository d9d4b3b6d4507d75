"""Score one alignment: null models of its codes, agreement of its spectral peaks, calibrated E-value."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import exp, inf, log, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.types import Query
from earwitness.index.matching.alignment import Alignment, slope_along
from earwitness.index.matching.candidates import QueryVariant, undo
from earwitness.index.matching.effort import UNCHANGED, Variant
from earwitness.index.matching.kernels.peak_loops import agreement
from earwitness.index.matching.related import RelatedPlaces
from earwitness.index.protocols import Searchable
from earwitness.index.statistics.background import Background
from earwitness.index.statistics.null_model import (
    WINDOW_FRAMES,
    Material,
    NullModel,
    SearchSpace,
    fit_null,
    log_e_calibrated,
    log_e_pooled,
    log_e_raw,
    window_of,
)
from earwitness.index.statistics.peak_evidence import LOG_E_MOST, contrast

CERTAIN_LOG_E: Final = log(1e-15)
"""Alignments that the rough null model rates below this are not compared with all decoys, and near recordings
are not counted for them; above it, little similar alignments of a changed query are doubtful. Chosen by hand:
all decoys take as long as everything else together."""

LEAST_SPAN_S: Final = 1.5
"""Seconds of the query. Shorter alignments are not reported. Chosen by hand."""

SURE_SIMILARITY: Final = {Material.UNRELATED: 0.62, Material.RELATED: 0.68, Material.SPOKEN: 0.75}
"""Mean similarity. Less similar alignments are doubtful where their spectral peaks agree little: pieces of
one synthesiser, one drum kit or one voice agree so by their sounds alone, and the longer they are, the
smaller is their E-value. Chosen by hand, as `LONG_CODES` and the agreements, on one to three references of
each maker and absent queries of 3 to 150 s, and on degraded excerpts of ``package_music`` and ``human_voice``
(side ``fit``): of 1,287 right matches, 10 are doubtful by it, most of them drums alone."""

LONG_CODES: Final = 10
"""Codes (5 s) from which an alignment is long."""

SHORT_AGREEMENT: Final = 1.7
LONG_AGREEMENT: Final = 1.1
"""Agreement of the spectral peaks for the root of each code, in standard deviations of chance, that a little
similar alignment needs, by its length."""

LITTLE_SIMILARITY: Final = 0.56
"""Mean similarity. Less similar alignments are doubtful where the query is changed, as there are 12 or 27
changes to choose from, and where they are only a part of it. With an E-value of at most `SURE_LOG_E`, what is
neither related nor spoken is held to it instead of to `SURE_SIMILARITY`. Chosen by hand on absent queries of
16 s of made sounds and on excerpts of validation music; ``benchmarks false-matches`` measures it."""

SURE_LOG_E: Final = log(1e-9)
"""Chosen by hand, as `SURE_SIMILARITY`: with limits from 1e-15 to 1e-7 the same absent queries matched."""

PART_SHARE: Final = 0.6
PART_SIMILARITY: Final = 0.67
PART_LOG_E: Final = log(1e-9)
"""A part covers less than this share of the active query, and if unchanged of the recording. It is doubtful
above this E-value: a long query has many parts. At a change it is so below this mean similarity, else below
`LITTLE_SIMILARITY`. Chosen by hand: of absent queries of 16 s of made sounds (side ``test``, seed 0), the
changed parts that matched had less than 0.67 and more than 1e-7; parts of the mixes in the tests have less
than 1e-9. ``benchmarks false-matches`` judged it on other excerpts of the same makers (seed 1)."""

DOUBTFUL_LOG_E: Final = log(9e-3)
"""The E-value of a doubtful alignment is at least this: it may be possible, and no match. Chosen by hand, as
`SURE_SIMILARITY`."""

DOUBTFUL_FACTOR: Final = log(20)
"""Log of the factor by which the E-value of a doubtful alignment is raised. Chosen by hand, as
`SURE_SIMILARITY`: it leaves two fifths of the absent queries that were possible, and seven eighths of the
right ones."""

UNREPORTED_LOG_E: Final = log(0.1)
"""The E-value of doubtful spoken word, and of a doubtful unchanged part, is at least this, so it is not
reported: absent queries have such alignments often, and hardly any copy does. Chosen by hand, as
`SURE_SIMILARITY`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredAlignment:
    """An alignment with the number of equally good ones that chance would give this query.

    Attributes
    ----------
    n_decoys : int
        Decoy codes that the null model was fitted to.
    material : Material
        On what the E-value rests.
    """

    alignment: Alignment
    e_value: float
    n_decoys: int
    material: Material


def least_log_e(
    alignment: Alignment, agreement: float, log_e: float, *, n_frames: int, n_stored: int, material: Material
) -> float:
    """Return the least log E that an alignment may have: minus infinity, unless it is doubtful.

    Parameters
    ----------
    agreement
        Of the spectral peaks along it, in standard deviations of chance.
    log_e
        Its log E without this limit.
    n_frames
        Active frames of the whole query, with the change undone.
    n_stored
        Codes of the recording.
    """
    similarity, n_codes = float(alignment.similarity.mean()), len(alignment.codes)
    doubtful = max(DOUBTFUL_LOG_E, log_e + DOUBTFUL_FACTOR)
    sure = SURE_SIMILARITY[material]
    if log_e <= SURE_LOG_E and material is Material.UNRELATED:
        sure = LITTLE_SIMILARITY
    needed = LONG_AGREEMENT if n_codes >= LONG_CODES else SHORT_AGREEMENT
    if similarity < sure and agreement < needed * sqrt(n_codes):
        return UNREPORTED_LOG_E if material is Material.SPOKEN else doubtful
    changed = alignment.query_variant.variant.change != UNCHANGED
    is_part = int(alignment.query_frames[-1] - alignment.query_frames[0]) + 1 < PART_SHARE * n_frames
    if not changed:  # in a long query, a clip that is found from end to end is no part
        is_part &= int(alignment.codes[-1] - alignment.codes[0]) + 1 < PART_SHARE * n_stored
    if is_part and log_e > PART_LOG_E and similarity < (PART_SIMILARITY if changed else LITTLE_SIMILARITY):
        return doubtful if changed else UNREPORTED_LOG_E
    if changed and log_e > CERTAIN_LOG_E and similarity < LITTLE_SIMILARITY:
        return doubtful
    return -inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of an alignment before all decoys are aligned.

    Attributes
    ----------
    log_e : float
        Log of the E-value by the codes alone, from the rough null model.
    agreement : float
        Agreement with the spectral peaks, in standard deviations of chance.
    """

    log_e: float
    agreement: float


@dataclass(slots=True, kw_only=True)
class AlignmentScorer:
    """Scores the alignments of one query, or of a part of it, and keeps its null models.

    Attributes
    ----------
    n_codes : int
        Codes of the searched collections.
    max_e_value : float
        Largest E-value that is reported.
    chance_factor : float
        As in `EffortProfile`.
    n_whole_frames : int
        Active frames of the whole query where `query` is a part of it, else 0: E-values count chance
        alignments anywhere in the whole query.
    limits_doubtful : bool
        False where E-values are wanted as they are before doubtful alignments are limited.
    """

    query: Query
    library: Searchable
    n_codes: int
    max_e_value: float
    chance_factor: float
    n_whole_frames: int = 0
    limits_doubtful: bool = True
    _nulls: dict[tuple[Variant, bool, int, int], NullModel] = field(default_factory=dict)
    _contrasts: dict[Variant, NDArray[np.float32]] = field(default_factory=dict)
    places: RelatedPlaces = field(init=False)

    def __post_init__(self) -> None:
        self.places = RelatedPlaces(library=self.library, agreement_of=self.peak_agreement)

    def space(self, query_variant: QueryVariant) -> SearchSpace:
        """The number of places where chance may align a variant."""
        whole = round(self.n_whole_frames * query_variant.change.stretch)
        return SearchSpace(
            n_frames=max(len(query_variant.active), whole),
            n_codes=self.n_codes,
            weight=query_variant.variant.weight / self.chance_factor,
        )

    def score(self, alignment: Alignment, space: SearchSpace) -> ScoredAlignment | None:
        """Score an alignment; None where it is too short or too weak to be reported."""
        start_s, end_s = alignment.query_span_s
        if end_s - start_s < LEAST_SPAN_S:
            return None
        calibration = self.library.calibration
        evidence = self.evidence(alignment, space, pooled_margin=calibration.pooled_margin)
        if evidence is None:
            return None
        background = self.library.background.rough
        if self._log_e(evidence.log_e + calibration.rough_margin, evidence.agreement) > CERTAIN_LOG_E:
            background = self.library.background
        null = self.null_of(alignment, background)
        if not self.is_within_limit(log_e_raw(alignment.score, space, null), evidence.agreement):
            return None
        chance = self.places.chance(alignment, agreement=evidence.agreement, space=space, null=null)
        log_e = self._log_e(chance.log_e, evidence.agreement - chance.agreement, chance.kind)
        if log_e > CERTAIN_LOG_E:
            log_e += self.places.excess_of_near(
                alignment, agreement=evidence.agreement, space=space, null=null
            )
        if self.limits_doubtful:
            least = least_log_e(
                alignment,
                evidence.agreement,
                log_e,
                n_frames=space.n_frames,
                n_stored=len(self.library.codes(alignment.recording)),
                material=chance.kind,
            )
            log_e = max(log_e, least)
        if log_e > log(self.max_e_value):
            return None
        return ScoredAlignment(
            alignment=alignment, e_value=exp(log_e), n_decoys=null.n_decoys, material=chance.kind
        )

    def evidence(self, alignment: Alignment, space: SearchSpace, *, pooled_margin: float) -> Evidence | None:
        """Weigh an alignment by the cheap null models and the peaks; None where it cannot be reported.

        Related recordings, which are compared later, only raise an E-value.

        Parameters
        ----------
        pooled_margin
            The calibration's `pooled_margin` or `prefilter_margin`.
        """
        calibration = self.library.calibration
        pooled = log_e_pooled(alignment.score, space, calibration) - pooled_margin
        if calibration.codes_slope * pooled > LOG_E_MOST:
            return None
        agreement_of_peaks = self.counted_agreement(alignment)
        if not self.is_within_limit(pooled, agreement_of_peaks):
            return None
        log_e = log_e_raw(alignment.score, space, self.null_of(alignment, self.library.background.rough))
        if not self.is_within_limit(log_e - calibration.rough_margin, agreement_of_peaks):
            return None
        return Evidence(log_e=log_e, agreement=agreement_of_peaks)

    def is_within_limit(self, log_e: float, agreement: float) -> bool:
        """Whether this log E by the codes is small enough to be reported, if nothing is related."""
        return self._log_e(log_e, agreement) <= log(self.max_e_value)

    def peak_agreement(self, alignment: Alignment) -> float:
        """Agreement of the query with the reference's spectral peaks, in standard deviations of chance."""
        variant, params = alignment.query_variant.variant, self.library.extractor.params
        if variant not in self._contrasts:
            self._contrasts[variant] = contrast(undo(self.query.spectrogram, variant, params), params)
        slope = slope_along(alignment.codes, alignment.query_frames, alignment.similarity)
        peaks = self.library.peaks(alignment.recording)
        return agreement(
            self._contrasts[variant],
            peaks,
            alignment.codes,
            alignment.query_frames,
            slope,
            params.query_hop_frames,
        )

    def counted_agreement(self, alignment: Alignment) -> float:
        """The agreement that counts as evidence: a fit of the codes alone counts none."""
        return self.peak_agreement(alignment)

    def _log_e(self, log_e: float, agreement: float, material: Material = Material.UNRELATED) -> float:
        """Calibrated log E of the codes and of the agreement of the peaks."""
        calibration = self.library.calibration
        log_p = calibration.log_p_agreement(max(agreement, 0.0))
        return log_e_calibrated(log_e, log_p, calibration, material)

    def null_of(self, alignment: Alignment, background: Background) -> NullModel:
        """Return the null model of the window of the query that holds the middle of an alignment."""
        query_variant, step = alignment.query_variant, WINDOW_FRAMES // 2
        window, _ = window_of(alignment.middle_frame, len(query_variant.frames))
        key = (query_variant.variant, query_variant.interpolated, window, len(background.codes))
        if key not in self._nulls:
            frames = slice(window * step, window * step + WINDOW_FRAMES)
            self._nulls[key] = fit_null(
                query_variant.frames[frames],
                query_variant.mean[frames],
                query_variant.inverse_sd[frames],
                background=background,
                calibration=self.library.calibration,
            )
        return self._nulls[key]
