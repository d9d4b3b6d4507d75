"""From scored alignments to matches: which alignments stand, segments, coverage, change and class."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from earwitness.fingerprint.numeric.order_statistics import median
from earwitness.index.match import Change, Match, Segment, covered_s
from earwitness.index.matching.alignment import SAME_SPAN, Alignment, same_place, shared_s
from earwitness.index.matching.classify import classify, mark_shared
from earwitness.index.matching.placement import REPEAT_GAP, best_parts, without_repeats
from earwitness.index.matching.refine import measure_change
from earwitness.index.matching.scoring import ScoredAlignment
from earwitness.index.matching.search import LEAST_PARTS_S, Search
from earwitness.index.matching.segment_ends import copies_in
from earwitness.index.matching.unexplained import EXPLAINED_E_VALUE
from earwitness.index.matching.verdict import MATCH_E_VALUE

JOIN_S: Final = 0.75
"""Seconds, in query and reference, up to which two segments that follow each other are joined at the edge of
a piece. Chosen by hand."""

WEAK_GAP: Final = 0.3
"""An alignment that is no match by itself and this much less similar than the best one with the same
recording is dropped. Chosen by hand on synthetic mixes: beside 60 to 100 copies of similarity 0.95,
alignments with other music of the same instruments had 0.42 to 0.55."""

MEASURED_MATCHES: Final = 400
"""Matches whose change is measured, those of smallest E-value first: each takes 10 to 30 ms. The change of
the others is None. Chosen by hand."""


def describe_matches(
    search: Search, scored: Sequence[ScoredAlignment], *, whole_files: set[int], in_pieces: bool
) -> list[Match]:
    """Describe the match of each recording, smallest E-value first.

    Parameters
    ----------
    whole_files
        Recordings that Chromaprint takes for the same file from end to end.
    in_pieces
        Whether the query was searched in pieces, whose segments are joined.
    """
    by_recording: dict[int, list[ScoredAlignment]] = defaultdict(list)
    for one in sorted(_without_chance(search, scored), key=lambda one: one.e_value):
        by_recording[one.alignment.recording].append(one)
    ranked = sorted(by_recording.values(), key=lambda of_recording: of_recording[0].e_value)
    matches = [
        _describe(
            search,
            of_recording,
            measured=rank < MEASURED_MATCHES,
            whole_file=of_recording[0].alignment.recording in whole_files,
            in_pieces=in_pieces,
        )
        for rank, of_recording in enumerate(ranked)
    ]
    return mark_shared(matches, search.library.codes, hop_s=search.library.extractor.params.hop_s)


def _without_chance(search: Search, scored: Sequence[ScoredAlignment]) -> list[ScoredAlignment]:
    """Drop further alignments that may be chance, where another recording certainly explains the query.

    The best alignment of each recording stays, and is reported with its E-value.
    """
    if search.query.duration_s < LEAST_PARTS_S:
        return list(scored)
    certain = [one for one in scored if one.e_value <= EXPLAINED_E_VALUE][:MEASURED_MATCHES]
    remaining, recordings = list[ScoredAlignment](), set[int]()
    for one in sorted(scored, key=lambda one: one.e_value):
        recording = one.alignment.recording
        weak = recording in recordings and one.e_value > MATCH_E_VALUE
        recordings.add(recording)
        if not (weak and any(_explains(other.alignment, one.alignment) for other in certain)):
            remaining.append(one)
    return remaining


def _explains(other: Alignment, alignment: Alignment) -> bool:
    """Whether an alignment with another recording is at the same place of the query."""
    return other.recording != alignment.recording and same_place(alignment, other)


def _standing(search: Search, of_recording: Sequence[ScoredAlignment]) -> list[ScoredAlignment]:
    """The parts of the alignments with one recording that are reported, smallest E-value first.

    No two of them explain the same part of the query.
    """
    if search.query.duration_s < LEAST_PARTS_S or of_recording[0].e_value > MATCH_E_VALUE:
        return _without_overlaps(of_recording)
    repeats = search.repeats.get(of_recording[0].alignment.recording, [])
    every = [*of_recording, *(replace(of_recording[0], alignment=repeat) for repeat in repeats)]
    every = [
        replace(one, alignment=copy) for one in every for copy in copies_in(one.alignment, search.calibration)
    ]
    every = _without_weak(every)
    parts = best_parts([one.alignment for one in every], search.calibration)
    standing = [replace(every[number], alignment=part) for number, part in parts]
    standing = standing or _without_overlaps(of_recording)
    remaining = {id(part) for part in without_repeats([one.alignment for one in standing])}
    return sorted(
        (one for one in standing if id(one.alignment) in remaining),
        key=lambda one: (one.e_value, -one.alignment.score),
    )


def _without_weak(scored: Sequence[ScoredAlignment]) -> list[ScoredAlignment]:
    """Drop alignments that are no match by themselves and less similar than those that are.

    The gap is `REPEAT_GAP` where a better alignment explains the same stretch of the recording, and
    `WEAK_GAP` elsewhere.
    """
    remaining, best = list[ScoredAlignment](), 0.0
    for one in scored:
        similarity = median(one.alignment.similarity)
        if one.e_value <= MATCH_E_VALUE:
            best = max(best, similarity)
        elif similarity < best - WEAK_GAP or any(
            _is_repeat(one.alignment, other.alignment) for other in remaining
        ):
            continue
        remaining.append(one)
    return remaining


def _is_repeat(alignment: Alignment, other: Alignment) -> bool:
    """Whether an alignment is clearly less similar than another to the same stretch of the recording."""
    start_s, end_s = alignment.reference_span_s
    gap = median(other.similarity) - median(alignment.similarity)
    overlap_s = shared_s((start_s, end_s), other.reference_span_s)
    return gap > REPEAT_GAP and overlap_s > SAME_SPAN * (end_s - start_s)


def _without_overlaps(scored: Sequence[ScoredAlignment]) -> list[ScoredAlignment]:
    """Drop alignments at a place of the query that a better one explains."""
    remaining = list[ScoredAlignment]()
    for one in scored:
        if not any(same_place(one.alignment, other.alignment) for other in remaining):
            remaining.append(one)
    return remaining


def _describe(
    search: Search,
    of_recording: Sequence[ScoredAlignment],
    *,
    measured: bool,
    whole_file: bool,
    in_pieces: bool,
) -> Match:
    best, standing = of_recording[0], _standing(search, of_recording)
    recording, query_s = best.alignment.recording, search.query.duration_s
    reference_s = search.library.recording(recording).duration_s
    segments = _segments(standing, search, reference_s, in_pieces=in_pieces)
    change = _change(search, standing[0].alignment) if measured else None
    query_coverage = covered_s((s.query_start_s, s.query_end_s) for s in segments) / query_s
    reference_coverage = covered_s((s.reference_start_s, s.reference_end_s) for s in segments) / reference_s
    similarity = float(np.concatenate([one.alignment.similarity for one in standing]).mean())
    return Match(
        recording=recording,
        kind=classify(
            change=change or best.alignment.query_variant.change,
            query_coverage=query_coverage,
            reference_coverage=reference_coverage,
            similarity=similarity,
            whole_file=whole_file,
            overlaid_similarity=search.calibration.overlaid_similarity,
        ),
        segments=segments,
        change=change,
        similarity=similarity,
        query_coverage=min(query_coverage, 1.0),
        reference_coverage=min(reference_coverage, 1.0),
        e_value=best.e_value,
        e_checked_to=search.calibration.checked_to,
        n_codes_searched=search.n_codes,
        n_decoys=best.n_decoys,
    )


def _change(search: Search, alignment: Alignment) -> Change:
    return measure_change(
        alignment,
        search.library.codes(alignment.recording),
        query=search.query,
        extractor=search.library.extractor,
        plain_similarity=search.profile.unshifted_similarity,
    )


def _segments(
    standing: Sequence[ScoredAlignment], search: Search, reference_s: float, *, in_pieces: bool
) -> tuple[Segment, ...]:
    query_s = search.query.duration_s
    segments = [
        _segment(piece, one.e_value, query_s, reference_s)
        for one in standing
        for piece in one.alignment.pieces(search.calibration)
    ]
    ordered = sorted(segments, key=lambda segment: segment.query_start_s)
    return tuple(_joined(ordered) if in_pieces else ordered)


def _joined(segments: Sequence[Segment]) -> list[Segment]:
    """Join segments that the edge of a piece of the query has separated."""
    joined = list(segments[:1])
    for segment in segments[1:]:
        last = joined[-1]
        query_gap_s = segment.query_start_s - last.query_end_s
        reference_gap_s = segment.reference_start_s - last.reference_end_s
        ratio = (last.reference_end_s - last.reference_start_s) / (last.query_end_s - last.query_start_s)
        if query_gap_s <= JOIN_S and abs(reference_gap_s - ratio * query_gap_s) <= JOIN_S:
            joined[-1] = replace(
                last,
                query_end_s=max(last.query_end_s, segment.query_end_s),
                reference_end_s=max(last.reference_end_s, segment.reference_end_s),
                e_value=min(last.e_value, segment.e_value),
            )
        else:
            joined.append(segment)
    return joined


def _segment(piece: Alignment, e_value: float, query_s: float, reference_s: float) -> Segment:
    query_start, query_end = piece.query_span_s
    reference_start, reference_end = piece.reference_span_s
    return Segment(
        query_start_s=query_start,
        query_end_s=min(query_end, query_s),
        reference_start_s=reference_start,
        reference_end_s=min(reference_end, reference_s),
        similarity=float(piece.similarity.mean()),
        e_value=e_value,
    )
