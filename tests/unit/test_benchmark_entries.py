"""What the entries on codes, changes and crashes count on: fair crowds, true ranks, honest errors."""

from __future__ import annotations

import random
from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.changes import KINDS, changed
from benchmarks.codes import Floats, Signs, own_place, ranks
from benchmarks.crash import JUST_AFTER_S, Bench, Ran, look
from benchmarks.crowd import Crowd, Stock, crowd, likeness, neighbours
from benchmarks.tables import change_errors, recall
from benchmarks.tools import RATE_HZ
from fingerprint.extract import extractor
from fingerprint.params import PARAMS
from index.match import Change
from index.segments import Vectors

UNBROKEN = Ran(seconds=10.0, changes=20, killed=False)


def _unit(n: int, seed: int) -> Vectors:
    vectors = np.random.default_rng(seed).standard_normal((n, PARAMS.dim)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


@pytest.fixture(scope="module")
def recordings() -> list[Vectors]:
    """Codes of three recordings that sound alike, as those of real music do."""
    common = _unit(1, 9)
    return [
        np.asarray(each / np.linalg.norm(each, axis=1, keepdims=True))
        for each in (_unit(60, seed) + common for seed in range(3))
    ]


@pytest.fixture(scope="module")
def held(recordings: list[Vectors]) -> Crowd:
    """A small crowd."""
    stock = Stock.of(recordings[1:], n_anchors=40, seed=1)
    return crowd(recordings[:1], stock, 500, extractor(), seed=1)


def test_neighbours_belong_to_other_recordings(recordings: list[Vectors]) -> None:
    """A made code lies between two pieces of music, never between two places of one."""
    vectors = np.concatenate(recordings)
    owner = np.repeat(np.arange(3), 60)
    asked = np.arange(0, 180, 7)
    nearest = neighbours(vectors, owner, asked)
    assert (owner[nearest] != owner[asked, None]).all()


def test_a_crowd_is_as_large_as_asked_real_codes_first(recordings: list[Vectors], held: Crowd) -> None:
    """What was asked for comes, unit vectors all, and a real code keeps its number."""
    everyone = np.concatenate(list(held.batches()))
    assert len(everyone) == len(held) == 500
    np.testing.assert_array_equal(everyone[:180], np.concatenate(recordings))
    np.testing.assert_allclose(np.linalg.norm(everyone, axis=1), 1.0, atol=1e-5)


def test_the_same_seed_gives_the_same_crowd(recordings: list[Vectors], held: Crowd) -> None:
    """Chance is in the seed alone."""
    again = crowd(recordings[:1], Stock.of(recordings[1:], n_anchors=40, seed=1), 500, extractor(), seed=1)
    np.testing.assert_array_equal(again.made, held.made)


def test_made_codes_are_about_as_near_to_a_stranger_as_real_ones(recordings: list[Vectors]) -> None:
    """Neither crowded towards the middle nor strewn evenly: the highest similarities are alike."""
    stock = Stock.of(recordings[1:], n_anchors=120, seed=1)
    found = likeness(recordings[0], stock, seed=1)
    assert abs(np.median(found["real"]) - np.median(found["made"])) < 0.08


def test_the_rank_counts_what_comes_before_the_own_place() -> None:
    """The first of several own codes counts, and a row that finds none of them has no rank."""
    numbers = np.array([[7, 5, 4], [1, 2, 3], [4, 5, 6]])
    first, last = np.array([4, 8, 4]), np.array([6, 9, 6])
    found = ranks(numbers, first, last)
    assert found == [1, None, 0]
    assert [recall(found, k) for k in (1, 2)] == [pytest.approx(1 / 3), pytest.approx(2 / 3)]


@given(start_s=st.floats(0, 100), n_rows=st.integers(1, 63))
def test_the_own_place_holds_the_codes_within_one(start_s: float, n_rows: int) -> None:
    """Two or three codes are a row's own place, the nearest among them, and all belong to the recording."""
    first, last = own_place(start_s, n_rows, first_code=50, n_codes=400, row_s=0.125, hop_s=0.5)
    place = 50 + (start_s + 0.125 * np.arange(n_rows)) / 0.5
    nearest = np.round(place)
    assert ((first <= nearest) & (nearest <= last)).all()
    assert ((last - first >= 1) & (last - first <= 2)).all() or start_s < 0.5
    assert first.min() >= 50 and last.max() < 450


@pytest.mark.parametrize("turns", [1, 4])
def test_signs_find_the_code_itself(held: Crowd, turns: int) -> None:
    """A stored code differs from itself in no bit, and takes 8 bytes for 64 axes."""
    from fingerprint.codes import Quantiser

    index = Signs(Quantiser.read(extractor().model_file("quantiser.npz")), turns)
    empty = index.n_bytes
    index.add(held.real)
    differing, numbers = index.search(held.real[:9], 1)
    assert numbers[:, 0].tolist() == list(range(9)) and not differing.any()
    assert index.n_bytes - empty == 8 * turns * len(held.real)


def test_the_size_of_an_index_is_that_of_its_file(held: Crowd, tmp_path: Path) -> None:
    """Counting what would be written is as good as writing it."""
    raw = faiss.index_factory(PARAMS.dim, "SQ8", faiss.METRIC_INNER_PRODUCT)
    index = Floats(raw, held.sample(500), 1)
    index.add(held.real)
    faiss.write_index(raw, str(tmp_path / "index"))
    assert index.n_bytes == (tmp_path / "index").stat().st_size


@pytest.mark.parametrize("kind", KINDS)
def test_a_drawn_change_moves_only_what_its_kind_says(kind: str) -> None:
    """Speed, pitch and tempo come alone, and within the ranges that the ladder is to cover."""
    for seed in range(50):
        change = KINDS[kind](np.random.default_rng(seed))
        assert 0.7 <= change.speed <= 1.4 and 0.7 <= change.tempo <= 1.5 and abs(change.pitch_cents) <= 500
        moved = {
            "speed": change.speed != 1.0,
            "pitch": change.pitch_cents != 0.0,
            "tempo": change.tempo != 1.0,
        }
        assert {name for name, one in moved.items() if one} <= {kind}


def test_a_change_of_speed_shortens_an_excerpt_by_as_much() -> None:
    """Twenty seconds at 1.25 are sixteen."""
    assert len(changed(np.zeros(20 * RATE_HZ, np.float32), Change(speed=1.25))) == pytest.approx(
        16 * RATE_HZ, abs=9
    )


def test_an_error_does_not_depend_on_the_words_for_a_change() -> None:
    """A semitone of speed at a slower tempo is a semitone of pitch."""
    semitone = 2 ** (1 / 12)
    assert change_errors([1.0, 100.0, 1.0], [semitone, 0.0, 1 / semitone]) == pytest.approx(
        (0.0, 0.0), abs=1e-9
    )
    assert change_errors([1.0, 0.0, 1.0], [1.01, 0.0, 1.0]) == pytest.approx((1.0, 17.2), abs=0.1)


def test_kills_fall_at_any_moment_and_just_after_changes_in_turns(tmp_path: Path) -> None:
    """Half of the kills are timed from the start, half from a change; in the end there are none."""
    bench = Bench(folder=tmp_path, chance=random.Random(1))
    moments = []
    while (moment := bench.moment("index", 40, UNBROKEN)) is not None:
        moments.append(moment)
        bench.note("index", Ran(seconds=1.0, changes=moment.changes, killed=True))
    assert len(moments) == 40
    assert sum(moment.changes > 0 for moment in moments) == 20
    assert all(moment.after_s <= JUST_AFTER_S for moment in moments if moment.changes)
    assert {moment.changes for moment in moments} <= set(range(21))


def test_a_look_at_the_store_sees_what_was_written(tmp_path: Path) -> None:
    """A file that grows, comes or goes is a change; looking is none."""
    seen = [look(tmp_path), look(tmp_path)]
    (tmp_path / "catalog.sqlite").write_bytes(b"a")
    seen.append(look(tmp_path))
    (tmp_path / "catalog.sqlite").write_bytes(b"ab")
    seen.append(look(tmp_path))
    assert seen[0] == seen[1]
    assert len({frozenset(one) for one in seen}) == 3
