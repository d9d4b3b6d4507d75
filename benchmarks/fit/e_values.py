"""E-values as they are observed: fits `codes_slope`, `checked_to`, `calibration_*`, `related_*`, `spoken_*`.

Absent excerpts are searched as in ``benchmarks calibrate``. Their false matches are counted at each claimed
E-value, and a line is fitted to ``log observed`` over ``log claimed``. The claims are made with the starting
values of the fitted numbers, so that an earlier result has no influence, without the number of near
recordings, which are counted by calibrated E-values, and without the limits of doubtful alignments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from math import exp, inf
from typing import Any, Final

import numpy as np

from benchmarks.fit.fit_run import FitBench, FitRun
from benchmarks.runs.calibrate import AbsentQuery, Find, bounds, count, limit_of, search_absent
from benchmarks.systems.leave_out_library import COLLECTIONS, LeaveOutLibrary
from earwitness.fingerprint.types import Query
from earwitness.index.match import Effort, Match
from earwitness.index.matching.alignment import Alignment
from earwitness.index.matching.describe import describe_matches
from earwitness.index.matching.effort import EFFORT_PROFILES
from earwitness.index.matching.scoring import AlignmentScorer
from earwitness.index.matching.search import Search
from earwitness.index.statistics.null_model import Material

LENGTHS_S: Final = (3.0, 8.0)

CLAIMED: Final = (1e-6, 1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0)
"""E-values at which claimed and observed rates are compared. Larger ones are left out: not all frequent
alignments are scored."""

LEAST_OBSERVED: Final = 5
"""Rates from fewer false matches are not used."""

LEAST_BOUND: Final = 30.0
"""The lower bound of a rate is at least the rate divided by this."""


class CodesScorer(AlignmentScorer):
    """Scores by the codes alone, without a correction other than `codes_slope`."""

    def counted_agreement(self, alignment: Alignment) -> float:  # noqa: ARG002
        """Count no agreement of peaks."""
        return 0.0

    def _log_e(
        self,
        log_e: float,
        agreement: float,  # noqa: ARG002
        material: Material = Material.UNRELATED,  # noqa: ARG002
    ) -> float:
        return self.library.calibration.codes_slope * log_e


def fit_codes(run: FitRun) -> Mapping[str, Any]:
    """Return the slope of the E-values of codes alone."""
    _, slope = line(run.each(measure_codes))
    return {"codes_slope": round(run.calibration.codes_slope * slope, 4)}


def fit_music(run: FitRun) -> Mapping[str, Any]:
    """Return the correction of the E-values of codes and peaks, and the smallest that was checked."""
    queries, start = run.each(measure_music), run.calibration
    offset, slope = line(queries)
    checked_to = exp(offset) * min(well_counted(queries)) ** slope
    return {
        "calibration_offset": round(offset + slope * start.calibration_offset, 4),
        "calibration_slope": round(slope * start.calibration_slope, 4),
        "checked_to": float(f"{checked_to:.1g}"),
    }


def fit_speech(run: FitRun) -> Mapping[str, Any]:
    """Return the correction of the E-values of spoken word."""
    offset, slope = line(run.each(measure_speech))
    return {
        "spoken_offset": round(offset + slope * run.calibration.spoken_offset, 4),
        "spoken_slope": round(slope * run.calibration.spoken_slope, 4),
    }


def fit_related(run: FitRun) -> Mapping[str, Any]:
    """Return the correction of E-values that rest on related recordings."""
    offset, slope = line(run.each(measure_related))
    return {
        "related_offset": round(offset + slope * run.calibration.related_offset, 4),
        "related_slope": round(slope * run.calibration.related_slope, 4),
    }


def measure_codes(bench: FitBench, query: int) -> AbsentQuery:
    """Search an absent excerpt of music by the codes alone."""
    return _measure(bench, query, find=_find_by_codes, package=True)


def measure_music(bench: FitBench, query: int) -> AbsentQuery:
    """Search an absent excerpt of music outside its package."""
    return _measure(bench, query, find=_find_by_codes_and_peaks, package=True)


def measure_speech(bench: FitBench, query: int) -> AbsentQuery:
    """Search an absent excerpt of speech in everything else, other recordings of the same voice included."""
    return _measure(bench, query, find=partial(_find_material, Material.SPOKEN), package=False)


def measure_related(bench: FitBench, query: int) -> AbsentQuery:
    """Search an absent excerpt where other recordings have the same voice, player or instruments.

    Matches whose E-values rest on related recordings are counted.
    """
    return _measure(bench, query, find=partial(_find_material, Material.RELATED), package=False)


def _measure(bench: FitBench, query: int, *, find: Find, package: bool) -> AbsentQuery:
    excerpt = bench.draw(query, LENGTHS_S)
    return search_absent(
        bench.library,
        excerpt,
        excluded=bench.excluded(excerpt.recording, package=package),
        find=find,
        corpus=bench.corpus.root,
        max_e=limit_of(query),
    )


def _find_by_codes(query: Query, library: LeaveOutLibrary, max_e: float) -> list[Match]:
    search = _search_of(query, library, max_e)
    search.scorer = CodesScorer(
        query=query,
        library=library,
        n_codes=search.n_codes,
        max_e_value=max_e,
        chance_factor=search.profile.chance_factor,
        limits_doubtful=False,
    )
    search.scorer.places.counts_near = False
    scored = search.search_variant(search.profile.unchanged)
    return describe_matches(search, scored, whole_files=set(), in_pieces=False)


def _find_by_codes_and_peaks(query: Query, library: LeaveOutLibrary, max_e: float) -> list[Match]:
    search = _search_of(query, library, max_e)
    prefiltered = search.prefilter(search.profile.unchanged)
    if prefiltered is None:
        return []
    scored = search.search_variant(search.profile.unchanged, prefiltered=prefiltered)
    return describe_matches(search, scored, whole_files=set(), in_pieces=False)


def _find_material(material: Material, query: Query, library: LeaveOutLibrary, max_e: float) -> list[Match]:
    """Matches whose E-values rest on one kind of chance."""
    search = _search_of(query, library, max_e)
    if material is not Material.RELATED:
        search.scorer.places.least_excess = inf
    scored = search.search_variant(search.profile.unchanged)
    chosen = [one for one in scored if one.material is material]
    return describe_matches(search, chosen, whole_files=set(), in_pieces=False)


def _search_of(query: Query, library: LeaveOutLibrary, max_e: float) -> Search:
    search = Search(
        query=query,
        library=library,
        collections=COLLECTIONS,
        max_e_value=max_e,
        n_codes=library.n_codes(COLLECTIONS),
        profile=EFFORT_PROFILES[Effort.FAST],
    )
    search.scorer.places.counts_near = search.scorer.limits_doubtful = False
    return search


def well_counted(queries: Sequence[AbsentQuery]) -> list[float]:
    """Return the claimed E-values at which enough false matches were observed."""
    counts, _ = count(queries, CLAIMED)
    return [claim for claim, observed in zip(CLAIMED, counts, strict=True) if observed >= LEAST_OBSERVED]


def line(queries: Sequence[AbsentQuery]) -> tuple[float, float]:
    """Return offset and slope of ``log observed`` over ``log claimed``.

    Weights are the widths of the intervals: one pair of tracks may cause half of the rarest matches.
    """
    claimed = well_counted(queries)
    if len(claimed) < 3:
        raise SystemExit(f"{len(queries)} queries gave too few false matches to fit: raise --share")
    counts, sizes = count(queries, claimed)
    rates, (low, high) = counts / sizes, bounds(queries, claimed)
    # where one track caused all false matches, the lower bound is 0
    spread = np.log(high) - np.log(np.maximum(low, rates / LEAST_BOUND))
    slope, offset = np.polyfit(np.log(claimed), np.log(rates), 1, w=1 / np.maximum(spread, 1e-2))
    return float(offset), float(slope)
