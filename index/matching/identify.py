"""The one road from a query to its matches: command line, HTTP, scan and benchmarks all walk it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import ceil, inf
from time import monotonic
from typing import Final

import numpy as np

from earwitness.fingerprint.dereverberate import dereverberate
from earwitness.fingerprint.errors import SchemeMismatch
from earwitness.fingerprint.types import Query, Spectrogram
from earwitness.index.match import Change, Effort, Match, Segment, covered_s
from earwitness.index.matching.alignment import (
    SAME_SPAN,
    Alignment,
    align,
    same_place,
    shared_s,
)
from earwitness.index.matching.candidates import QueryVariant, loud_frames
from earwitness.index.matching.classify import classify, mark_shared
from earwitness.index.matching.effort import EFFORT_PROFILES, UNCHANGED, Variant
from earwitness.index.matching.kernels.alignment_loops import tally_votes
from earwitness.index.matching.kernels.peak_loops import agreement
from earwitness.index.matching.placement import ECHO_GAP, placed, without_echoes
from earwitness.index.matching.refine import measure_change
from earwitness.index.matching.scoring import ScoredAlignment
from earwitness.index.matching.search import LEAST_PARTS_S, Search
from earwitness.index.matching.segment_ends import copies_in
from earwitness.index.matching.unexplained import OVERWHELMING_E, search_further
from earwitness.index.matching.verdict import MATCH_E_VALUE
from earwitness.index.protocols import Embedder, Searchable
from earwitness.index.statistics.background import Background
from earwitness.index.statistics.null_model import fit_null
from earwitness.index.statistics.peak_evidence import contrast
from earwitness.index.statistics.scheme_files import calibration_of
from earwitness.index.store.store_errors import SearchTimeout

WHOLE: Final = 0.9
"""Share of a file that counts as nearly all of it."""

PIECE_S: Final = 600.0
PIECE_OVERLAP_S: Final = 20.0
"""A longer query is searched in pieces of so many seconds, and each reaches so far into the next: memory does
not grow with its length, and what lies on an edge is whole in one of the two, or is joined again."""

JOIN_S: Final = 0.75
"""Segments that follow on each other, in query and recording, to this many seconds are one."""

WEAK_GAP: Final = 0.3
"""What is no match by itself and this much less similar than a sure place is only alike: in music that the
same instruments play, paths beside 60 to 100 places of 0.95 were 0.42 to 0.55 similar."""

MEASURED_MATCHES: Final = 400
"""Matches whose change is measured, the surest first: 10 to 30 ms each. Of the others it is not stated."""


def identify(
    query: Query,
    library: Searchable,
    *,
    collections: Sequence[int],
    effort: Effort,
    max_e_value: float = 1e-2,
    limit: int | None = None,
    wall_s: float | None = None,
) -> list[Match]:
    """Find the recordings that `query` holds or was cut from, most certain first.

    Parameters
    ----------
    collections
        Ids of the collections asked.
    effort
        How many changed copies of the query are looked up (see `earwitness.index.matching.effort`).
    max_e_value
        Largest E-value reported.
    limit
        Most matches returned; None for all.
    wall_s
        Seconds that the search may take; None for no limit.

    Raises
    ------
    SearchTimeout
        The search took longer than that; the error holds what was found by then.
    SchemeMismatch
        The query was made under another scheme than the library.
    """
    if query.scheme != library.scheme:
        raise SchemeMismatch(index_scheme=library.scheme, query_scheme=query.scheme)
    n_codes = library.n_codes(collections)
    if n_codes == 0 or len(query.spectrogram.power) == 0:
        return []
    search = Search(
        query=query,
        library=library,
        collections=collections,
        max_e_value=max_e_value,
        n_codes=n_codes,
        profile=EFFORT_PROFILES[effort],
    )
    whole_files = list(library.whole_file(query.chromaprint, query.duration_s, collections))
    late = inf if wall_s is None else monotonic() + wall_s
    found, compared_s = _found(search, whole_files, late=late)
    kept = [one for one in found if one.e_value <= max_e_value]
    matches = _matches(search, kept, whole_files=set(whole_files))[:limit]
    if wall_s is not None and compared_s < query.duration_s:
        raise SearchTimeout(
            matches=matches, compared_s=compared_s, duration_s=query.duration_s, wall_s=wall_s
        )
    return matches


def _found(search: Search, whole_files: Sequence[int], *, late: float) -> tuple[list[ScoredAlignment], float]:
    """All that is found until the clock says `late`, and how many seconds of the query were searched."""
    found, done_s = list[ScoredAlignment](), 0.0
    for piece in _pieces(search):
        if monotonic() > late:
            return found, done_s
        for some in _search(piece, whole_files):
            found += some
            if monotonic() > late:
                return found, done_s
        done_s = piece.start_s + piece.query.duration_s
    return found, search.query.duration_s


def _pieces(search: Search) -> Iterator[Search]:
    """A long query in pieces that overlap, those left out that are silent; a shorter one whole."""
    whole = search.query
    if whole.duration_s <= PIECE_S:
        yield search
        return
    loud, frame_s = loud_frames(whole.spectrogram), whole.spectrogram.frame_s
    for number in range(max(1, ceil((whole.duration_s - PIECE_OVERLAP_S) / (PIECE_S - PIECE_OVERLAP_S)))):
        start_s = number * (PIECE_S - PIECE_OVERLAP_S)
        if loud[round(start_s / frame_s) : round((start_s + PIECE_S) / frame_s)].any():
            yield search.part(start_s, start_s + PIECE_S)


def _search(search: Search, whole_files: Sequence[int]) -> Iterator[list[ScoredAlignment]]:
    """Search one piece of a query: as it is, at the most promising changes, and then what is unexplained."""
    profile, prefiltered = search.profile, None
    if profile.prefilter and not whole_files:
        prefiltered = search.prefilter(profile.unchanged)
        if prefiltered is None:
            return
    found = search.search_variant(profile.unchanged, also=whole_files, prefiltered=prefiltered)
    yield found
    if not profile.changed:
        return
    found, look, tried = list(found), None, list[Variant]()
    if not _explained(search.query, found):
        look = search.vote_coarsely(profile.changed)
        tried = [variant for _, variant in look.ranked()[: profile.searched_variants]]
        for variant in tried:
            more = search.search_variant(variant)
            found += more
            yield more
    yield from search_further(search, profile.changed, found, look, tried)


def _explained(query: Query, found: Sequence[ScoredAlignment]) -> bool:
    heard_s = sum(
        end - start
        for one in found
        if one.e_value <= OVERWHELMING_E
        for start, end in [one.alignment.query_span_s]
    )
    return heard_s >= WHOLE * query.duration_s


def _matches(search: Search, found: Sequence[ScoredAlignment], *, whole_files: set[int]) -> list[Match]:
    by_recording: dict[int, list[ScoredAlignment]] = defaultdict(list)
    for one in sorted(_unexplained_by_others(search, found), key=lambda judged: judged.e_value):
        by_recording[one.alignment.recording].append(one)
    ranked = sorted(by_recording.values(), key=lambda chain: chain[0].e_value)
    matches = [
        _describe(search, chain, measured=rank < MEASURED_MATCHES, whole_files=whole_files)
        for rank, chain in enumerate(ranked)
    ]
    return mark_shared(matches, search.library.codes, hop_s=search.library.extractor.params.hop_s)


def _unexplained_by_others(search: Search, found: Sequence[ScoredAlignment]) -> list[ScoredAlignment]:
    """Leave out further segments that may be chance, where another recording explains the query surely.

    What is the best of its recording stays: it is reported as what it is.
    """
    if search.query.duration_s < LEAST_PARTS_S:
        return list(found)
    sure = [one for one in found if one.e_value <= OVERWHELMING_E][:MEASURED_MATCHES]
    kept, seen = list[ScoredAlignment](), set[int]()
    for one in sorted(found, key=lambda judged: judged.e_value):
        recording = one.alignment.recording
        weak = recording in seen and one.e_value > MATCH_E_VALUE
        seen.add(recording)
        if not (weak and any(_is_anothers(one, other) for other in sure)):
            kept.append(one)
    return kept


def _is_anothers(one: ScoredAlignment, other: ScoredAlignment) -> bool:
    another = other.alignment.recording != one.alignment.recording
    return another and same_place(one.alignment, other.alignment)


def _placed(search: Search, chain: Sequence[ScoredAlignment]) -> list[ScoredAlignment]:
    """What of the alignments with one recording stands, most certain first; none explains the same twice."""
    if search.query.duration_s < LEAST_PARTS_S or chain[0].e_value > MATCH_E_VALUE:
        return _apart(chain)
    echoes = search.repeats.get(chain[0].alignment.recording, [])
    every = [*chain, *(replace(chain[0], alignment=echo) for echo in echoes)]
    every = [
        replace(one, alignment=copy) for one in every for copy in copies_in(one.alignment, search.scoring)
    ]
    every = _without_weak(every)
    parts = placed([one.alignment for one in every], search.scoring)
    stand = [replace(every[number], alignment=part) for number, part in parts] or _apart(chain)
    kept = {id(copy) for copy in without_echoes([one.alignment for one in stand])}
    return sorted(
        (one for one in stand if id(one.alignment) in kept),
        key=lambda one: (one.e_value, -one.alignment.score),
    )


def _without_weak(chain: Sequence[ScoredAlignment]) -> list[ScoredAlignment]:
    """Leave out what is no match by itself, if it is less similar than what is surely there.

    That is clearly so where a surer one explains the same stretch of the recording, and far less elsewhere.
    """
    kept, level = list[ScoredAlignment](), 0.0
    for one in chain:
        alike = float(np.median(one.alignment.similarity))
        if one.e_value <= MATCH_E_VALUE:
            level = max(level, alike)
        elif alike < level - WEAK_GAP or any(_repeats(one.alignment, other.alignment) for other in kept):
            continue
        kept.append(one)
    return kept


def _repeats(one: Alignment, other: Alignment) -> bool:
    """Whether one is clearly less similar than another to the same stretch of the recording."""
    start_s, end_s = one.reference_span_s
    gap = float(np.median(other.similarity)) - float(np.median(one.similarity))
    shared = shared_s((start_s, end_s), other.reference_span_s)
    return gap > ECHO_GAP and shared > SAME_SPAN * (end_s - start_s)


def _apart(chain: Sequence[ScoredAlignment]) -> list[ScoredAlignment]:
    stand = list[ScoredAlignment]()
    for one in chain:
        # a repeat explains the same part of the query a second time: the better placing stands
        if not any(same_place(one.alignment, other.alignment) for other in stand):
            stand.append(one)
    return stand


def _describe(
    search: Search,
    judged: Sequence[ScoredAlignment],
    *,
    measured: bool,
    whole_files: set[int],
) -> Match:
    best, chain = judged[0], _placed(search, judged)
    recording = best.alignment.recording
    duration_s = search.library.recording(recording).duration_s
    segments = _segments(chain, search, duration_s)
    change = _change(search, chain[0].alignment) if measured else None
    query_coverage = covered_s((s.query_start_s, s.query_end_s) for s in segments) / search.query.duration_s
    reference_coverage = covered_s((s.reference_start_s, s.reference_end_s) for s in segments) / duration_s
    similarity = float(np.concatenate([one.alignment.similarity for one in chain]).mean())
    return Match(
        recording=recording,
        kind=classify(
            change=change or best.alignment.copy.variant.change,
            query_coverage=query_coverage,
            reference_coverage=reference_coverage,
            similarity=similarity,
            whole_file=recording in whole_files,
            overlaid_similarity=search.scoring.overlaid_similarity,
        ),
        segments=segments,
        change=change,
        similarity=similarity,
        query_coverage=min(query_coverage, 1.0),
        reference_coverage=min(reference_coverage, 1.0),
        e_value=best.e_value,
        e_extrapolated=best.e_value < search.scoring.checked_to,
        n_codes_searched=search.n_codes,
        n_decoys=best.n_decoys,
    )


def _segments(chain: Sequence[ScoredAlignment], search: Search, reference_s: float) -> tuple[Segment, ...]:
    pieces = [(piece, one.e_value) for one in chain for piece in one.alignment.pieces(search.scoring)]
    segments = [_segment(piece, e_value, search.query.duration_s, reference_s) for piece, e_value in pieces]
    ordered = sorted(segments, key=lambda segment: segment.query_start_s)
    return tuple(_joined(ordered) if search.query.duration_s > PIECE_S else ordered)


def _joined(segments: Sequence[Segment]) -> list[Segment]:
    """Join what was parted by the edge of a piece of the query."""
    joined = list(segments[:1])
    for segment in segments[1:]:
        last = joined[-1]
        here_s = segment.query_start_s - last.query_end_s
        there_s = segment.reference_start_s - last.reference_end_s
        ratio = (last.reference_end_s - last.reference_start_s) / (last.query_end_s - last.query_start_s)
        if here_s <= JOIN_S and abs(there_s - ratio * here_s) <= JOIN_S:
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


def _change(search: Search, alignment: Alignment) -> Change:
    return measure_change(
        alignment,
        search.library.codes(alignment.recording),
        query=search.query,
        extractor=search.library.extractor,
        plain_similarity=search.profile.unshifted_similarity,
    )


def warm(extractor: Embedder) -> None:
    """Compile, or load from the cache, every kernel of the search, on inputs too small to matter."""
    scoring, params = calibration_of(extractor), extractor.params
    rng = np.random.default_rng(0)
    codes = rng.standard_normal((24, 8), dtype=np.float32)
    codes /= np.linalg.norm(codes, axis=1, keepdims=True)
    background = Background.of(codes, np.zeros(24, dtype=np.int32), np.zeros(24, dtype=np.bool_))
    mean, sd = background.expected_similarity(codes)
    copy = QueryVariant(
        variant=Variant(change=UNCHANGED, weight=1.0),
        frames=codes,
        mean=mean,
        inverse_sd=np.float32(1) / sd,
        hop_s=0.125,
    )
    align(copy, 0, codes, 0, scoring=scoring, least_score=0.0)
    sound = Spectrogram(power=np.ones((200, params.n_bands), np.float32), frame_s=params.frame_s)
    rises, step = contrast(dereverberate(sound), params), np.zeros(1, np.int32)
    agreement(rises, np.zeros((0, 2), np.int32), step, step, 1.0, params.query_hop_frames)
    fit_null(codes, mean, copy.inverse_sd, background=background, scoring=scoring)
    tally_votes(np.arange(3, dtype=np.int64), np.ones(3, np.float32), 1, np.empty(3, np.float32))
