"""Find the recordings that a query holds or was cut from. Every entry point calls `identify`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil, inf
from time import monotonic
from typing import Final

import numpy as np

from earwitness.fingerprint.dereverberate import dereverberate
from earwitness.fingerprint.errors import SchemeMismatch
from earwitness.fingerprint.types import Query, Spectrogram
from earwitness.index.changed_copies.copy_votes import covers
from earwitness.index.changed_copies.search_copies import search_by_copies
from earwitness.index.match import Effort, Match
from earwitness.index.matching.alignment import align
from earwitness.index.matching.candidates import QueryVariant, loud_frames
from earwitness.index.matching.describe import describe_matches
from earwitness.index.matching.effort import EFFORT_PROFILES, UNCHANGED, Variant
from earwitness.index.matching.kernels.alignment_loops import tally_votes
from earwitness.index.matching.kernels.peak_loops import agreement
from earwitness.index.matching.scoring import ScoredAlignment
from earwitness.index.matching.search import Search
from earwitness.index.matching.unexplained import Rank, Span, certain_others, search_further
from earwitness.index.protocols import Embedder, Searchable
from earwitness.index.statistics.background import Background
from earwitness.index.statistics.null_model import fit_null
from earwitness.index.statistics.peak_evidence import contrast
from earwitness.index.statistics.scheme_files import calibration_of
from earwitness.index.store.store_errors import SearchTimeout

EXPLAINED_SHARE: Final = 0.9
"""Share of a query that certain matches of the unchanged query must cover, for the query as a whole to be
searched at no other change. Chosen by hand."""

PIECE_S: Final = 600.0
PIECE_OVERLAP_S: Final = 20.0
"""Seconds. Longer queries are searched in pieces that overlap, so that memory does not grow with their
length. Chosen by hand: a segment at an edge is complete in one of the pieces, or its two parts are
joined."""


def identify(
    query: Query,
    library: Searchable,
    *,
    collections: Sequence[int],
    effort: Effort,
    max_e_value: float = 1e-2,
    limit: int | None = None,
    wall_s: float | None = None,
    itself: int | None = None,
) -> list[Match]:
    """Find the recordings that `query` holds or was cut from, smallest E-value first.

    Parameters
    ----------
    collections
        Ids of the collections that are searched.
    effort
        Which changes are searched, and how deep (see `earwitness.index.matching.effort`).
    max_e_value
        Largest E-value reported.
    limit
        Most matches returned; None for all.
    wall_s
        Seconds that the search may take; None for no limit.
    itself
        The recording that the query is, where it is searched for among its own kind. It is reported, but what
        it covers is searched at other changes all the same.

    Raises
    ------
    SearchTimeout
        The search took longer than `wall_s`; the error has the matches of the part that was compared.
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
        itself=itself,
    )
    whole_files = list(library.whole_file(query.chromaprint, query.duration_s, collections))
    deadline_s = inf if wall_s is None else monotonic() + wall_s
    scored, compared_s = _search_until(deadline_s, search, whole_files)
    reported = [one for one in scored if one.e_value <= max_e_value]
    in_pieces = query.duration_s > PIECE_S
    matches = describe_matches(search, reported, whole_files=set(whole_files), in_pieces=in_pieces)[:limit]
    if wall_s is not None and compared_s < query.duration_s:
        raise SearchTimeout(
            matches=matches, compared_s=compared_s, duration_s=query.duration_s, wall_s=wall_s
        )
    return matches


def _search_until(
    deadline_s: float, search: Search, whole_files: Sequence[int]
) -> tuple[list[ScoredAlignment], float]:
    """Scored alignments until the deadline, and the seconds of the query that were compared completely."""
    scored, compared_s = list[ScoredAlignment](), 0.0
    for piece in _pieces(search):
        if monotonic() > deadline_s:
            return scored, compared_s
        for more in _search_piece(piece, whole_files):
            scored += more
            if monotonic() > deadline_s:
                return scored, compared_s
        compared_s = piece.start_s + piece.query.duration_s
    return scored, search.query.duration_s


def _pieces(search: Search) -> Iterator[Search]:
    """A long query in pieces that overlap, without silent ones; a shorter query as one piece."""
    query = search.query
    if query.duration_s <= PIECE_S:
        yield search
        return
    loud, frame_s = loud_frames(query.spectrogram), query.spectrogram.frame_s
    hop_s = PIECE_S - PIECE_OVERLAP_S
    for number in range(max(1, ceil((query.duration_s - PIECE_OVERLAP_S) / hop_s))):
        start_s = number * hop_s
        if loud[round(start_s / frame_s) : round((start_s + PIECE_S) / frame_s)].any():
            yield search.part(start_s, start_s + PIECE_S)


def _search_piece(search: Search, whole_files: Sequence[int]) -> Iterator[list[ScoredAlignment]]:
    """Search a piece of a query: unchanged, at the most promising changes, then where it is unexplained."""
    profile = search.profile
    copies = search.library.changed_copies(search.collections) if profile.changed else None
    if copies is not None and covers(copies.changes, profile.changed):
        yield from search_by_copies(search, whole_files, copies)
        return
    prefiltered = None
    if profile.prefilter and not whole_files:
        prefiltered = search.prefilter(profile.unchanged)
        if prefiltered is None:
            return
    unchanged = search.search_variant(profile.unchanged, also=whole_files, prefiltered=prefiltered)
    yield unchanged
    if not profile.changed:
        return
    votes = None if _is_explained(search, unchanged) else search.vote_coarsely(profile.changed)
    variants = [] if votes is None else votes.ranked()

    def rank(part: Search, span: Span) -> list[Variant]:
        return (votes or part.vote_coarsely(profile.changed)).ranked(span_s=span)

    yield from _search_changes(search, unchanged, variants, rank)


def _search_changes(
    search: Search, unchanged: Sequence[ScoredAlignment], variants: Sequence[Variant], rank: Rank
) -> Iterator[list[ScoredAlignment]]:
    """Search the whole piece at the first of some changes, and its unexplained stretches at their own."""
    searched, scored = variants[: search.profile.searched_variants], list(unchanged)
    for variant in searched:
        more = search.search_variant(variant)
        scored += more
        yield more
    yield from search_further(search, scored, searched, rank)


def _is_explained(search: Search, scored: Sequence[ScoredAlignment]) -> bool:
    spans_s = [alignment.query_span_s for alignment in certain_others(search, scored)]
    return sum(end_s - start_s for start_s, end_s in spans_s) >= EXPLAINED_SHARE * search.query.duration_s


def warm(extractor: Embedder) -> None:
    """Compile every kernel of the search, or load it from the cache, on small inputs."""
    calibration, params = calibration_of(extractor), extractor.params
    rng = np.random.default_rng(0)
    codes = rng.standard_normal((24, 8), dtype=np.float32)
    codes /= np.linalg.norm(codes, axis=1, keepdims=True)
    background = Background.of(codes, np.zeros(24, dtype=np.int32), np.zeros(24, dtype=np.bool_))
    mean, sd = background.expected_similarity(codes)
    query_variant = QueryVariant(
        variant=Variant(change=UNCHANGED, weight=1.0),
        frames=codes,
        mean=mean,
        inverse_sd=np.float32(1) / sd,
        hop_s=0.125,
    )
    align(query_variant, 0, codes, 0, calibration=calibration, least_score=0.0)
    sound = Spectrogram(power=np.ones((200, params.n_bands), np.float32), frame_s=params.frame_s)
    rises, step = contrast(dereverberate(sound), params), np.zeros(1, np.int32)
    agreement(rises, np.zeros((0, 2), np.int32), step, step, 1.0, params.query_hop_frames)
    fit_null(codes, mean, query_variant.inverse_sd, background=background, calibration=calibration)
    tally_votes(np.arange(3, dtype=np.int64), np.ones(3, np.float32), 1, np.empty(3, np.float32))
