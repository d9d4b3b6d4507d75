"""The one road from a query to its matches: command line, HTTP, scan and benchmarks all walk it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from fingerprint.errors import SchemeMismatch
from fingerprint.params import PARAMS
from fingerprint.reverb import dry
from fingerprint.types import Query, Spectrogram
from index.align import Alignment, align, same_place
from index.classify import classify, mark_shared
from index.constellation import contrast
from index.further import LEAST_QUERY_S, OVERWHELMING_E, search_further
from index.kernels import tally_votes
from index.ladder import AS_IS, Rung, ladder
from index.lookup import DEEP, PLAIN, Copy
from index.match import Change, Effort, Match, Segment, covered_s
from index.peak_kernels import agreement
from index.placing import placed, without_echoes
from index.protocols import Searchable
from index.refine import measure_change
from index.scoring import shipped_scoring
from index.search import Judged, Search
from index.significance import Background, fit_null, rough_background, shipped_background

WHOLE: Final = 0.9
"""Share of a file that counts as nearly all of it."""

RUNGS_LOOKED_INTO: Final = 3
"""Rungs that are embedded at the fine hop, of all that were looked up coarsely."""

PLAIN_SIMILARITY: Final = 0.8
"""A path this similar at `fast` was not shifted in pitch: measuring it would only cost time."""

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
) -> list[Match]:
    """Find the recordings that `query` holds or was cut from, most certain first.

    Parameters
    ----------
    collections
        Ids of the collections asked.
    effort
        How many changed copies of the query are looked up (see `index.ladder`).
    max_e_value
        Largest E-value reported.
    limit
        Most matches returned; None for all.

    Raises
    ------
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
        scoring=shipped_scoring(),
        background=shipped_background(library.extractor),
        rough=rough_background(library.extractor),
        max_e_value=max_e_value,
        n_codes=n_codes,
        depth=PLAIN if effort is Effort.FAST else DEEP,
    )
    rungs = ladder(effort).rungs
    whole_files = list(library.whole_file(query.chromaprint, query.duration_s, collections))
    glimpsed = None
    if effort is Effort.FAST and not whole_files:
        glimpsed = search.glimpse(rungs[0])
        if glimpsed is None:
            return []
    found = search.at(rungs[0], also=whole_files, glimpsed=glimpsed)
    if len(rungs) > 1:
        look, tried = None, list[Rung]()
        if not _explained(query, found):
            look = search.look_coarsely(rungs[1:])
            tried = look.promising(RUNGS_LOOKED_INTO)
            for rung in tried:
                found += search.at(rung)
        found += search_further(search, rungs[1:], found, look, tried)
    kept = [one for one in found if one.e_value <= max_e_value]
    return _matches(search, kept, effort=effort, whole_files=set(whole_files))[:limit]


def _explained(query: Query, found: Sequence[Judged]) -> bool:
    heard_s = sum(
        end - start
        for one in found
        if one.e_value <= OVERWHELMING_E
        for start, end in [one.alignment.query_span_s]
    )
    return heard_s >= WHOLE * query.duration_s


def _matches(
    search: Search, found: Sequence[Judged], *, effort: Effort, whole_files: set[int]
) -> list[Match]:
    by_recording: dict[int, list[Judged]] = defaultdict(list)
    for one in sorted(found, key=lambda judged: judged.e_value):
        by_recording[one.alignment.recording].append(one)
    ranked = sorted(by_recording.values(), key=lambda chain: chain[0].e_value)
    matches = [
        _describe(search, chain, measured=rank < MEASURED_MATCHES, effort=effort, whole_files=whole_files)
        for rank, chain in enumerate(ranked)
    ]
    return mark_shared(matches, search.library.codes, hop_s=search.library.extractor.params.hop_s)


def _placed(search: Search, chain: Sequence[Judged]) -> list[Judged]:
    """What of the alignments with one recording stands, most certain first; none explains the same twice."""
    if search.query.duration_s < LEAST_QUERY_S or chain[0].e_value > OVERWHELMING_E:
        return _apart(chain)
    echoes = search.echoes.get(chain[0].alignment.recording, [])
    every = [*chain, *(replace(chain[0], alignment=echo) for echo in echoes)]
    parts = placed([one.alignment for one in every], search.scoring) if len(every) > 1 else []
    stand = [replace(every[number], alignment=part) for number, part in parts] or _apart(chain)
    return sorted(_copies(stand, search), key=lambda one: (one.e_value, -one.alignment.score))


def _copies(stand: Sequence[Judged], search: Search) -> list[Judged]:
    """Those without pieces that only echo others; what loses no piece stays in one."""
    pieces = [(one, one.alignment.pieces(search.scoring)) for one in stand]
    kept = {id(piece) for piece in without_echoes([piece for _, own in pieces for piece in own])}
    copies = list[Judged]()
    for one, own in pieces:
        if all(id(piece) in kept for piece in own):
            copies.append(one)
        else:
            copies += [replace(one, alignment=piece) for piece in own if id(piece) in kept]
    return copies


def _apart(chain: Sequence[Judged]) -> list[Judged]:
    stand = list[Judged]()
    for one in chain:
        # a repeat explains the same part of the query a second time: the better placing stands
        if not any(same_place(one.alignment, other.alignment) for other in stand):
            stand.append(one)
    return stand


def _describe(
    search: Search, judged: Sequence[Judged], *, measured: bool, effort: Effort, whole_files: set[int]
) -> Match:
    best, chain = judged[0], _placed(search, judged)
    recording = best.alignment.recording
    duration_s = search.library.recording(recording).duration_s
    segments = _segments(chain, search, duration_s)
    change = _change(search, chain[0].alignment, effort) if measured else None
    query_coverage = covered_s((s.query_start_s, s.query_end_s) for s in segments) / search.query.duration_s
    reference_coverage = covered_s((s.reference_start_s, s.reference_end_s) for s in segments) / duration_s
    similarity = float(np.concatenate([one.alignment.similarity for one in chain]).mean())
    return Match(
        recording=recording,
        kind=classify(
            change=change or best.alignment.copy.rung.change,
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


def _segments(chain: Sequence[Judged], search: Search, reference_s: float) -> tuple[Segment, ...]:
    pieces = [(piece, one.e_value) for one in chain for piece in one.alignment.pieces(search.scoring)]
    segments = [_segment(piece, e_value, search.query.duration_s, reference_s) for piece, e_value in pieces]
    return tuple(sorted(segments, key=lambda segment: segment.query_start_s))


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


def _change(search: Search, alignment: Alignment, effort: Effort) -> Change:
    return measure_change(
        alignment,
        search.library.codes(alignment.recording),
        query=search.query,
        extractor=search.library.extractor,
        plain_similarity=PLAIN_SIMILARITY if effort is Effort.FAST else None,
    )


def warm() -> None:
    """Compile, or load from the cache, every kernel of the search, on inputs too small to matter."""
    scoring = shipped_scoring()
    rng = np.random.default_rng(0)
    codes = rng.standard_normal((24, 8), dtype=np.float32)
    codes /= np.linalg.norm(codes, axis=1, keepdims=True)
    background = Background.of(codes, np.zeros(24, dtype=np.int32), np.zeros(24, dtype=np.bool_))
    mean, sd = background.expected_similarity(codes)
    copy = Copy(
        rung=Rung(change=AS_IS, weight=1.0), rows=codes, mean=mean, inverse_sd=np.float32(1) / sd, row_s=0.125
    )
    align(copy, 0, codes, 0, scoring=scoring, least_score=0.0)
    heard = contrast(dry(Spectrogram(power=np.ones((200, PARAMS.n_bands), np.float32), frame_s=0.032)))
    agreement(heard, np.zeros((0, 2), np.int32), np.zeros(1, np.int32), np.zeros(1, np.int32), 1.0)
    fit_null(codes, mean, copy.inverse_sd, background=background, scoring=scoring)
    tally_votes(np.arange(3, dtype=np.int64), np.ones(3, np.float32), 1, np.empty(3, np.float32))
