"""The kernels of the search against slow reference implementations."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from earwitness.index.matching.alignment import best_path
from earwitness.index.matching.candidates import QueryVariant
from earwitness.index.matching.effort import UNCHANGED, Variant
from earwitness.index.matching.kernels.alignment_loops import (
    QUERY_FRAMES_PER_CODE,
    decoy_scores,
    tally_votes,
)
from earwitness.index.statistics.calibration import Calibration
from tests.unit.index.synthetic_index import CALIBRATION

SEEDS = st.integers(0, 2**32 - 1)


def random_units(rng: np.random.Generator, n: int, dim: int = 6) -> NDArray[np.float32]:
    """Return unit vectors of few dimensions, so that some are similar by chance."""
    rows = rng.standard_normal((n, dim))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def variant_of(rows: NDArray[np.float32]) -> QueryVariant:
    """Return a query variant whose similarities to decoys have mean 0 and standard deviation 0.4."""
    return QueryVariant(
        variant=Variant(change=UNCHANGED, weight=1.0),
        frames=rows,
        mean=np.zeros(len(rows), np.float32),
        inverse_sd=np.full(len(rows), 2.5, np.float32),
        hop_s=0.128,
    )


def every_cell(
    scores: NDArray[np.float32], scoring: Calibration
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return total and first code of the best path into each cell, by the recursion in Python."""
    n_codes, n_rows = scores.shape
    total, start = np.zeros((n_codes, n_rows)), np.zeros((n_codes, n_rows), dtype=np.int64)
    for j, i in product(range(n_codes), range(n_rows)):
        ways = [(0.0, j)]
        for step, cost in ((4, 0.0), (3, scoring.drift_cost), (5, scoring.drift_cost)):
            if j > 0 and i >= step:
                ways.append((total[j - 1, i - step] - cost, start[j - 1, i - step]))
        best, start[j, i] = max(ways, key=lambda way: way[0])
        total[j, i] = best + scores[j, i]
    return total, start


@given(seed=SEEDS, n_codes=st.integers(1, 9), n_rows=st.integers(1, 20))
@settings(deadline=None, max_examples=40)
def test_decoy_scores_equal_the_recursion_in_python(seed: int, n_codes: int, n_rows: int) -> None:
    """The best score of each run, in both directions of time, equals that of the recursion in Python."""
    scoring, rng = CALIBRATION, np.random.default_rng(seed)
    similarity = rng.uniform(-1, 1, (n_codes, n_rows)).astype(np.float32)
    zeros, ones = np.zeros(n_rows, np.float32), np.full(n_rows, 4, np.float32)
    run_of = np.sort(rng.integers(0, 2, n_codes)).astype(np.int32)
    best = np.zeros((2, n_codes), np.float32)
    decoy_scores(
        similarity,
        zeros,
        ones,
        run_of,
        scoring.table,
        np.float32(scoring.z_low),
        np.float32(scoring.levels_per_z),
        np.float32(scoring.drift_cost),
        np.float32(0.0),
        best,
    )
    for run, order in product(range(2), (1, -1)):
        own = run_of == run
        if own.any():
            total, _ = every_cell(scoring.step_scores(similarity[own][:, ::order] * 4), scoring)
            assert np.isclose(best[(1 - order) // 2, own].max(), max(total.max(), 0), atol=1e-3)


@given(seed=SEEDS, n_codes=st.integers(1, 10), n_rows=st.integers(1, 24), diagonal=st.integers(-8, 30))
@settings(deadline=None, max_examples=60)
def test_a_path_has_the_best_score(seed: int, n_codes: int, n_rows: int, diagonal: int) -> None:
    """The score of a path is the sum of its steps minus its drift, and no path scores more."""
    scoring, rng = CALIBRATION, np.random.default_rng(seed)
    codes, copy = random_units(rng, n_codes), variant_of(random_units(rng, n_rows))
    path = best_path(copy, codes, diagonal, calibration=scoring)
    scores = scoring.step_scores((codes @ copy.frames.T) * 2.5)
    if path is None:
        assert not any(
            scores[j, i] > 1e-3
            for j, i in product(range(n_codes), range(n_rows))
            if abs(4 * j - diagonal - i) <= 8
        )
        return
    steps, similarity, score = path
    assert np.array_equal(np.diff(steps[:, 0]), np.ones(len(steps) - 1))
    drift = np.abs(np.diff(steps[:, 1]) - QUERY_FRAMES_PER_CODE)
    assert drift.max(initial=0) <= 1
    assert np.allclose(similarity, (codes @ copy.frames.T)[steps[:, 0], steps[:, 1]], atol=1e-5)
    expected = scores[steps[:, 0], steps[:, 1]].sum() - scoring.drift_cost * drift.sum()
    # a similarity on the border of two table entries may belong to either
    assert abs(score - expected) <= 0.1 * len(steps)
    assert score <= every_cell(scores, scoring)[0].max() + 0.1 * n_codes


@given(hits=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 8)), max_size=80), reach=st.integers(0, 4))
@settings(deadline=None)
def test_votes_equal_a_plain_sum(hits: list[tuple[int, int]], reach: int) -> None:
    """The votes of a hit are the sum of the weights of all hits within reach of its offset."""
    hits.sort()
    keys = np.array([key for key, _ in hits], dtype=np.int64)
    weights = np.array([weight for _, weight in hits], dtype=np.float32)
    votes = np.empty(len(hits), np.float32)
    tally_votes(keys, weights, reach, votes)
    assert votes.tolist() == [sum(w for k, w in hits if abs(k - key) <= reach) for key, _ in hits]
