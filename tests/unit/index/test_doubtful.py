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
    LONG_CODES,
    PART_LOG_E,
    PART_SHARE,
    PART_SIMILARITY,
    SURE_AGREEMENT,
    SURE_SIMILARITY,
    is_doubtful,
)

LITTLE, MUCH = SURE_SIMILARITY - 0.05, SURE_SIMILARITY + 0.05
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


AGREES, DIFFERS = 1.1 * SURE_AGREEMENT, 0.9 * SURE_AGREEMENT
WEAK, CERTAIN = CERTAIN_LOG_E + 1.0, CERTAIN_LOG_E - 1.0
SHORT, LONG = LONG_CODES - 1, LONG_CODES


@pytest.mark.parametrize(
    ("change", "similarity", "n_codes", "agreement_a_root", "log_e", "doubtful"),
    [
        (UNCHANGED, MUCH, LONG, 0.0, WEAK, False),
        (FASTER, MUCH, LONG, 0.0, WEAK, False),
        (UNCHANGED, LITTLE, SHORT, 0.0, WEAK, False),
        (FASTER, LITTLE, SHORT, AGREES, WEAK, True),
        (FASTER, LITTLE, SHORT, DIFFERS, CERTAIN, False),
        (FASTER, LITTLE, LONG, AGREES, WEAK, True),
        (FASTER, LITTLE, LONG, AGREES, CERTAIN, False),
        (FASTER, LITTLE, LONG, DIFFERS, CERTAIN, True),
        (UNCHANGED, LITTLE, LONG, AGREES, WEAK, False),
        (UNCHANGED, LITTLE, LONG, DIFFERS, WEAK, True),
        (UNCHANGED, LITTLE, 4 * LONG, DIFFERS, CERTAIN, True),
    ],
)
def test_what_is_little_similar_is_doubtful_if_changed_or_long(
    change: Change, similarity: float, n_codes: int, agreement_a_root: float, log_e: float, doubtful: bool
) -> None:
    """Little similar alignments are doubtful if changed, or long without peaks that agree all along."""
    agreement = agreement_a_root * n_codes**0.5
    whole = alignment(change, similarity, n_codes)
    assert is_doubtful(whole, agreement, log_e, n_frames=4 * n_codes) == doubtful


@pytest.mark.parametrize(
    ("change", "similarity", "share", "log_e", "doubtful"),
    [
        (FASTER, PART_SIMILARITY - 0.05, PART_SHARE - 0.1, PART_LOG_E + 1.0, True),
        (FASTER, PART_SIMILARITY - 0.05, PART_SHARE + 0.1, PART_LOG_E + 1.0, False),
        (FASTER, PART_SIMILARITY - 0.05, PART_SHARE - 0.1, PART_LOG_E - 1.0, False),
        (FASTER, PART_SIMILARITY + 0.05, PART_SHARE - 0.1, PART_LOG_E + 1.0, False),
        (UNCHANGED, PART_SIMILARITY - 0.05, PART_SHARE - 0.1, PART_LOG_E + 1.0, False),
    ],
)
def test_a_part_at_a_change_needs_more_similarity(
    change: Change, similarity: float, share: float, log_e: float, doubtful: bool
) -> None:
    """A long query has many parts that may resemble something at one of many changes."""
    part = alignment(change, similarity, SHORT)
    assert is_doubtful(part, 100.0, log_e, n_frames=round(4 * SHORT / share)) == doubtful
