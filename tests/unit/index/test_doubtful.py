"""When an alignment is too little similar to be a match."""

from __future__ import annotations

import numpy as np
import pytest

from earwitness.index.match import Change
from earwitness.index.matching.alignment import Alignment
from earwitness.index.matching.candidates import QueryVariant
from earwitness.index.matching.effort import UNCHANGED, Variant
from earwitness.index.matching.scoring import (
    CERTAIN_LOG_E,
    DOUBTFUL_FACTOR,
    DOUBTFUL_LOG_E,
    LITTLE_SIMILARITY,
    LONG_AGREEMENT,
    LONG_CODES,
    PART_LOG_E,
    PART_SHARE,
    PART_SIMILARITY,
    SHORT_AGREEMENT,
    SURE_LOG_E,
    SURE_SIMILARITY,
    UNREPORTED_LOG_E,
    least_log_e,
)
from earwitness.index.matching.verdict import MATCH_E_VALUE, POSSIBLE_E_VALUE
from earwitness.index.statistics.null_model import Material

FASTER = Change(speed=1.12)


def alignment(change: Change, similarity: float, n_codes: int) -> Alignment:
    """A straight alignment."""
    zeros = np.zeros(4 * n_codes, dtype=np.float32)
    variant = QueryVariant(
        variant=Variant(change=change, weight=1.0),
        frames=np.zeros((4 * n_codes, 2), dtype=np.float32),
        mean=zeros,
        inverse_sd=zeros,
        hop_s=0.125,
    )
    codes = np.arange(n_codes, dtype=np.int32)
    return Alignment(
        recording=1,
        query_variant=variant,
        codes=codes,
        query_frames=4 * codes,
        similarity=np.full(n_codes, similarity, dtype=np.float32),
        score=1.0,
    )


MUSIC, KIT, VOICE = Material.UNRELATED, Material.RELATED, Material.SPOKEN
POSSIBLE, CHANCE = DOUBTFUL_LOG_E, UNREPORTED_LOG_E
WEAK, CERTAIN = SURE_LOG_E + 1.0, CERTAIN_LOG_E - 1.0
SHORT, LONG = LONG_CODES - 1, LONG_CODES


def least_of(
    one: Alignment,
    *,
    roots: float = 100.0,
    log_e: float = WEAK,
    covered: float = 1.0,
    stored: float = 0.0,
    material: Material = MUSIC,
) -> float:
    """The limit of an alignment that covers a share of its query, and a share of its recording.

    `roots` is its agreement for the root of each code.
    """
    n_stored = round(len(one.codes) / stored) if stored else 1_000
    n_frames = round(4 * len(one.codes) / covered)
    agreement = roots * len(one.codes) ** 0.5
    return least_log_e(one, agreement, log_e, n_frames=n_frames, n_stored=n_stored, material=material)


@pytest.mark.parametrize("change", [UNCHANGED, FASTER])
@pytest.mark.parametrize(("n_codes", "needed"), [(SHORT, SHORT_AGREEMENT), (4 * LONG, LONG_AGREEMENT)])
@pytest.mark.parametrize(
    ("material", "similarity", "limit"),
    [
        (MUSIC, SURE_SIMILARITY[MUSIC], POSSIBLE),
        (KIT, SURE_SIMILARITY[KIT], POSSIBLE),
        (VOICE, SURE_SIMILARITY[VOICE], CHANCE),
    ],
)
def test_what_is_little_similar_needs_peaks_that_agree_all_along(
    change: Change, n_codes: int, needed: float, material: Material, similarity: float, limit: float
) -> None:
    """However small its E-value, a little similar alignment is no match if its peaks agree little."""
    little, much = (alignment(change, similarity + step, n_codes) for step in (-0.01, 0.01))
    assert least_of(little, roots=0.9 * needed, material=material) == limit
    for log_e in (WEAK, CERTAIN):
        assert least_of(little, roots=1.1 * needed, log_e=log_e, material=material) == -np.inf
        assert least_of(much, roots=0.0, log_e=log_e, material=material) == -np.inf


@pytest.mark.parametrize("change", [UNCHANGED, FASTER])
def test_voices_and_kits_need_peaks_however_long_they_are(change: Change) -> None:
    """The longer two pieces of one maker are, the smaller is their E-value; other music is sure then."""
    some = alignment(change, (LITTLE_SIMILARITY + SURE_SIMILARITY[MUSIC]) / 2, 4 * LONG)
    assert least_of(some, roots=0.0, log_e=CERTAIN, material=VOICE) == CHANCE
    assert least_of(some, roots=0.0, log_e=CERTAIN, material=KIT) == POSSIBLE
    assert least_of(some, roots=0.0, log_e=CERTAIN, material=MUSIC) == -np.inf
    little = alignment(change, LITTLE_SIMILARITY - 0.01, 4 * LONG)
    assert least_of(little, roots=0.0, log_e=CERTAIN, material=MUSIC) == POSSIBLE


@pytest.mark.parametrize(
    ("change", "similarity", "limit"),
    [(FASTER, PART_SIMILARITY, POSSIBLE), (UNCHANGED, LITTLE_SIMILARITY, CHANCE)],
)
def test_a_part_of_a_query_needs_more_similarity(change: Change, similarity: float, limit: float) -> None:
    """A long query has many parts that may resemble something, most at one of many changes."""
    little, much = (alignment(change, similarity + step, LONG) for step in (-0.01, 0.01))
    weak = PART_LOG_E + 1.0
    assert least_of(little, covered=PART_SHARE - 0.1, log_e=weak) == limit
    assert least_of(much, covered=PART_SHARE - 0.1, log_e=weak) == -np.inf
    assert least_of(little, covered=PART_SHARE + 0.1, log_e=weak) == -np.inf
    assert least_of(little, covered=PART_SHARE - 0.1, log_e=PART_LOG_E - 1.0) == -np.inf


def test_a_clip_found_from_end_to_end_is_no_part_of_a_long_query() -> None:
    """A dataset's clip of a work under noise is little similar, and a small part of the work."""
    little = alignment(UNCHANGED, LITTLE_SIMILARITY - 0.01, LONG)
    weak = PART_LOG_E + 1.0
    assert least_of(little, covered=0.1, stored=PART_SHARE + 0.1, log_e=weak) == -np.inf
    assert least_of(little, covered=0.1, stored=PART_SHARE - 0.1, log_e=weak) == CHANCE


@pytest.mark.parametrize(
    ("change", "similarity", "log_e", "limit"),
    [
        (FASTER, LITTLE_SIMILARITY - 0.01, WEAK, POSSIBLE),
        (FASTER, LITTLE_SIMILARITY - 0.01, CERTAIN, -np.inf),
        (FASTER, LITTLE_SIMILARITY + 0.01, WEAK, -np.inf),
        (UNCHANGED, LITTLE_SIMILARITY - 0.01, WEAK, -np.inf),
    ],
)
def test_a_change_needs_more_similarity(
    change: Change, similarity: float, log_e: float, limit: float
) -> None:
    """There are many changes to choose from."""
    assert least_of(alignment(change, similarity, LONG), log_e=log_e) == limit


@pytest.mark.parametrize(
    ("change", "similarity"), [(FASTER, LITTLE_SIMILARITY), (UNCHANGED, SURE_SIMILARITY[KIT])]
)
@pytest.mark.parametrize("log_e", [DOUBTFUL_LOG_E, DOUBTFUL_LOG_E - 2 * DOUBTFUL_FACTOR])
def test_a_doubtful_e_value_is_raised(change: Change, similarity: float, log_e: float) -> None:
    """The nearer it is to what chance gives, the less often it is possible."""
    little = alignment(change, similarity - 0.01, LONG)
    assert least_of(little, roots=0.0, log_e=log_e, material=KIT) == max(POSSIBLE, log_e + DOUBTFUL_FACTOR)


def test_a_doubtful_match_may_be_possible() -> None:
    """The one limit is between the E-values of a match and of a possible one, the other is above both."""
    assert np.log(MATCH_E_VALUE) < POSSIBLE < np.log(POSSIBLE_E_VALUE) < CHANCE
