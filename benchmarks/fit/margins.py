"""Margins of the cheap null models: fits `pooled_margin`, `rough_margin` and `prefilter_margin`.

Excerpts of validation music, degraded under every condition that does not change time, are searched without
the bounds in an index that holds their recordings. With the margins, at most one in 500 right
alignments that all decoys report is lost to each bound.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import soundfile

from benchmarks.data.audio_io import read
from benchmarks.data.degrade import degrade
from benchmarks.fit.fit_run import FitBench, FitRun
from benchmarks.fit.step_scores import SAME_TIME, waveform
from benchmarks.systems.leave_out_library import COLLECTIONS
from earwitness.index.match import Effort
from earwitness.index.matching.alignment import Alignment
from earwitness.index.matching.effort import EFFORT_PROFILES
from earwitness.index.matching.scoring import ScoredAlignment
from earwitness.index.matching.search import Search
from earwitness.index.matching.verdict import POSSIBLE_E_VALUE
from earwitness.index.statistics.null_model import log_e_raw

LENGTHS_S: Final = (3.0, 8.0)

NO_BOUND: Final = 50.0
"""Margin, in nats, with which no alignment that is reported is dropped."""

NAMES: Final = ("pooled", "rough", "prefilter")

LOST: Final = 2e-3
"""Share of right alignments that a bound may lose."""

STEP_NATS: Final = 0.1
"""Margins are multiples of this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """Margins, in nats, with which the bounds keep one alignment that is reported."""

    pooled: float
    rough: float
    prefilter: float

    @classmethod
    def by(cls, search: Search, one: ScoredAlignment) -> Self:
        """Compare a reported alignment, and those of the prefilter, with the limit of the report."""
        variant = search.profile.unchanged
        halves = list(search.half_alignments(search.search_half(variant)))
        return cls(
            pooled=_pooled(search, one.alignment),
            rough=_rough(search, one.alignment),
            prefilter=min((_pooled(search, half) for half in halves), default=NO_BOUND),
        )


def fit(run: FitRun) -> Mapping[str, Any]:
    """Return the margins."""
    found = [one for row in run.each(measure) for one in row]
    return {f"{name}_margin": margin([getattr(one, name) for one in found]) for name in NAMES}


def margin(needed: Sequence[float]) -> float:
    """Return the margin that keeps all but `LOST` of the alignments."""
    return sorted(needed)[-1 - int(len(needed) * LOST)]


def measure(bench: FitBench, query: int) -> list[Needed]:
    """Return the margins that the right alignments of one excerpt need."""
    search, recording = _search(bench, query)
    scored = search.search_variant(search.profile.unchanged)
    right = [one for one in scored if one.alignment.recording == recording]
    return [Needed.by(search, one) for one in right[:1]]


def least(is_kept: Callable[[float], bool]) -> float:
    """Return the least margin with which an alignment is kept, a multiple of 0.1 nats."""
    steps = range(round(NO_BOUND / STEP_NATS))
    return round(STEP_NATS * bisect_left(steps, True, key=lambda step: is_kept(step * STEP_NATS)), 1)


def _search(bench: FitBench, query: int) -> tuple[Search, int]:
    """The search of a degraded excerpt without bounds, and the number of its recording."""
    rng, condition = bench.rng(query), SAME_TIME[query % len(SAME_TIME)]
    length_s = LENGTHS_S[query // len(SAME_TIME) % len(LENGTHS_S)]
    recording = int(rng.choice(bench.queried))
    path = bench.corpus.root / bench.library.sources[recording].path
    start_s = float(rng.uniform(0, max(soundfile.info(path).duration - length_s - 1, 0)))
    clip = read(path, start_s=start_s, length_s=length_s)
    sound = degrade(clip, condition, seed=bench.seed, query_id=str(query), material=bench.material)
    unbounded = replace(bench.library.calibration, pooled_margin=NO_BOUND, rough_margin=NO_BOUND)
    library = replace(bench.library, calibration=unbounded)
    search = Search(
        query=library.extractor.query(waveform(sound), with_chromaprint=False),
        library=library,
        collections=COLLECTIONS,
        max_e_value=POSSIBLE_E_VALUE,
        n_codes=library.n_codes(COLLECTIONS),
        profile=EFFORT_PROFILES[Effort.FAST],
    )
    return search, recording


def _pooled(search: Search, alignment: Alignment) -> float:
    scorer, space = search.scorer, search.scorer.space(alignment.query_variant)
    return least(lambda margin: scorer.evidence(alignment, space, pooled_margin=margin) is not None)


def _rough(search: Search, alignment: Alignment) -> float:
    scorer = search.scorer
    space, agreement = scorer.space(alignment.query_variant), scorer.counted_agreement(alignment)
    log_e = log_e_raw(alignment.score, space, scorer.null_of(alignment, search.library.background.rough))
    return least(lambda margin: scorer.is_within_limit(log_e - margin, agreement))
