"""When an alignment is too little similar to be a match."""

from __future__ import annotations

import numpy as np
import pytest

from earwitness.index.match import Change
from earwitness.index.matching.alignment import Alignment
from earwitness.index.matching.candidates import QueryVariant
from earwitness.index.matching.effort import UNCHANGED, Variant
from earwitness.index.matching.scoring import LONG_CODES, SURE_AGREEMENT, SURE_SIMILARITY, is_doubtful

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


@pytest.mark.parametrize(
    ("change", "similarity", "n_codes", "agreement", "doubtful"),
    [
        (UNCHANGED, MUCH, LONG_CODES, 0.0, False),
        (FASTER, MUCH, LONG_CODES, 0.0, False),
        (UNCHANGED, LITTLE, LONG_CODES - 1, 0.0, False),
        (FASTER, LITTLE, LONG_CODES - 1, 99.0, True),
        (UNCHANGED, LITTLE, LONG_CODES, 0.9 * SURE_AGREEMENT * LONG_CODES**0.5, True),
        (UNCHANGED, LITTLE, LONG_CODES, 1.1 * SURE_AGREEMENT * LONG_CODES**0.5, False),
        (FASTER, LITTLE, LONG_CODES, 1.1 * SURE_AGREEMENT * LONG_CODES**0.5, False),
        (UNCHANGED, LITTLE, 4 * LONG_CODES, 1.1 * SURE_AGREEMENT * LONG_CODES**0.5, True),
    ],
)
def test_what_is_little_similar_needs_peaks_that_agree(
    change: Change, similarity: float, n_codes: int, agreement: float, doubtful: bool
) -> None:
    """Little similar alignments are doubtful if changed, or long without peaks that agree all along."""
    assert is_doubtful(alignment(change, similarity, n_codes), agreement) == doubtful
