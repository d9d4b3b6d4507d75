"""The entries codes, changes, classes and crash: synthetic codes, errors, constructed queries, kills."""

from __future__ import annotations

import io
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.data.audio_io import RATE_HZ, mono, read
from benchmarks.data.constructed_queries import (
    PIECE_S,
    QueryBuilder,
    equalised,
    item_places,
    joined,
    medleys,
    whole_files,
)
from benchmarks.data.corpus import Corpus, Track
from benchmarks.data.overlays import Material
from benchmarks.data.synthetic_codes import CodeSet, RealCodes, code_set, highest_similarities, neighbours
from benchmarks.report.tables import (
    NOT_FOUND,
    change_errors,
    count_misplaced,
    overlap_s,
    parts_reported,
    recall,
    reported_class,
)
from benchmarks.runs.changes import KINDS, changed
from benchmarks.runs.codes import KINDS as INDEXES
from benchmarks.runs.codes import Floats, Signs, own_place, ranks
from benchmarks.runs.crash import JUST_AFTER_S, Bench, Ran, look
from earwitness.fingerprint.extract import extractor
from earwitness.fingerprint.params import PARAMS
from earwitness.index.match import Change, MatchClass
from earwitness.index.store.shards import Vectors

SAMPLES = Path(__file__).parents[3] / "sample_audio"
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
def database(recordings: list[Vectors]) -> CodeSet:
    """A small set of codes."""
    stock = RealCodes.of(recordings[1:], n_anchors=40, seed=1)
    return code_set(recordings[:1], stock, 500, extractor(), seed=1)


def test_neighbours_belong_to_other_recordings(recordings: list[Vectors]) -> None:
    """A synthetic code is a mean of codes of two recordings, never of two places of one."""
    vectors = np.concatenate(recordings)
    owner = np.repeat(np.arange(3), 60)
    queried = np.arange(0, 180, 7)
    nearest = neighbours(vectors, owner, queried)
    assert (owner[nearest] != owner[queried, None]).all()


def test_a_code_set_has_the_requested_size_and_real_codes_first(
    recordings: list[Vectors], database: CodeSet
) -> None:
    """It holds the requested number of unit vectors, and a real code keeps its number."""
    everyone = np.concatenate(list(database.batches()))
    assert len(everyone) == len(database) == 500
    np.testing.assert_array_equal(everyone[:180], np.concatenate(recordings))
    np.testing.assert_allclose(np.linalg.norm(everyone, axis=1), 1.0, atol=1e-5)


def test_the_same_seed_gives_the_same_codes(recordings: list[Vectors], database: CodeSet) -> None:
    """Random numbers depend on the seed alone."""
    again = code_set(
        recordings[:1], RealCodes.of(recordings[1:], n_anchors=40, seed=1), 500, extractor(), seed=1
    )
    np.testing.assert_array_equal(again.made, database.made)


def test_synthetic_codes_are_about_as_near_to_absent_ones_as_real_ones(recordings: list[Vectors]) -> None:
    """The highest similarities to real and to synthetic codes have nearly the same median."""
    stock = RealCodes.of(recordings[1:], n_anchors=120, seed=1)
    similarities = highest_similarities(recordings[0], stock, seed=1)
    assert abs(np.median(similarities["real"]) - np.median(similarities["made"])) < 0.08


def test_the_rank_counts_codes_before_the_true_place() -> None:
    """The first of several own codes counts, and a frame without any of them has no rank."""
    numbers = np.array([[7, 5, 4], [1, 2, 3], [4, 5, 6]])
    first, last = np.array([4, 8, 4]), np.array([6, 9, 6])
    similarities = ranks(numbers, first, last)
    assert similarities == [1, None, 0]
    assert [recall(similarities, k) for k in (1, 2)] == [pytest.approx(1 / 3), pytest.approx(2 / 3)]


@given(start_s=st.floats(0, 100), n_rows=st.integers(1, 63))
def test_the_true_place_holds_the_codes_within_one(start_s: float, n_rows: int) -> None:
    """A frame's true place is two or three codes of the recording, with the nearest one among them."""
    first, last = own_place(start_s, n_rows, first_code=50, n_codes=400, row_s=0.125, hop_s=0.5)
    place = 50 + (start_s + 0.125 * np.arange(n_rows)) / 0.5
    nearest = np.round(place)
    assert ((first <= nearest) & (nearest <= last)).all()
    assert ((last - first >= 1) & (last - first <= 2)).all() or start_s < 0.5
    assert first.min() >= 50 and last.max() < 450


@pytest.mark.parametrize("turns", [1, 4])
def test_signs_find_the_code_itself(database: CodeSet, turns: int) -> None:
    """A stored code differs from itself in no bit, and takes 8 bytes for 64 axes."""
    from earwitness.fingerprint.codes import Quantiser

    index = Signs(Quantiser.read(extractor().model_file("quantiser.npz")), turns)
    empty = index.n_bytes
    index.add(database.real)
    differing, numbers = index.search(database.real[:9], 1)
    assert numbers[:, 0].tolist() == list(range(9)) and not differing.any()
    assert index.n_bytes - empty == 8 * turns * len(database.real)


@pytest.mark.parametrize("kind", [name for name in INDEXES if "shipped" in name])
def test_kinds_on_the_shipped_lists_share_them(database: CodeSet, kind: str) -> None:
    """A stored code is searched in the list that holds it, so only the codes differ between kinds."""
    index = INDEXES[kind](database, extractor())
    index.add(database.real)
    _, numbers = index.search(database.real[:20], 8)
    assert all(number in row for number, row in enumerate(numbers.tolist()))


def test_the_size_of_an_index_is_that_of_its_file(database: CodeSet, tmp_path: Path) -> None:
    """Counting what would be written is as good as writing it."""
    raw = faiss.index_factory(PARAMS.dim, "SQ8", faiss.METRIC_INNER_PRODUCT)
    index = Floats(raw, database.sample(500), 1)
    index.add(database.real)
    faiss.write_index(raw, str(tmp_path / "index"))
    assert index.n_bytes == (tmp_path / "index").stat().st_size


@pytest.mark.parametrize("kind", KINDS)
def test_a_drawn_change_moves_only_what_its_kind_says(kind: str) -> None:
    """Speed, pitch and tempo come alone, and within the ranges that the variants cover."""
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


def test_an_error_does_not_depend_on_how_a_change_is_expressed() -> None:
    """A semitone of speed at a slower tempo is a semitone of pitch."""
    semitone = 2 ** (1 / 12)
    assert change_errors([1.0, 100.0, 1.0], [semitone, 0.0, 1 / semitone]) == pytest.approx(
        (0.0, 0.0), abs=1e-9
    )
    assert change_errors([1.0, 0.0, 1.0], [1.01, 0.0, 1.0]) == pytest.approx((1.0, 17.2), abs=0.1)


def test_kills_fall_at_any_moment_and_just_after_changes_in_turns(tmp_path: Path) -> None:
    """Half of the kills are timed from the start, half from a change; None when no kill is left."""
    bench = Bench(folder=tmp_path, chance=random.Random(1))
    moments = []
    while (moment := bench.moment("index", 40, UNBROKEN)) is not None:
        moments.append(moment)
        bench.note("index", Ran(seconds=1.0, changes=moment.changes, killed=True))
    assert len(moments) == 40
    assert sum(moment.changes > 0 for moment in moments) == 20
    assert all(moment.after_s <= JUST_AFTER_S for moment in moments if moment.changes)
    assert {moment.changes for moment in moments} <= set(range(21))


def test_a_change_of_the_stores_files_is_detected(tmp_path: Path) -> None:
    """A new or grown file is a change; reading is none."""
    seen = [look(tmp_path), look(tmp_path)]
    (tmp_path / "catalog.sqlite").write_bytes(b"a")
    seen.append(look(tmp_path))
    (tmp_path / "catalog.sqlite").write_bytes(b"ab")
    seen.append(look(tmp_path))
    assert seen[0] == seen[1]
    assert len({frozenset(one) for one in seen}) == 3


def _same(one: str, other: str) -> bool:
    return one == other


def _row(*segments: list[float], track: str = "a", kind: str = "excerpt") -> dict[str, Any]:
    """A row of `classes`: a piece of "a" in seconds 0-8, one of "b" in 8-16, and one answer."""
    expected = [
        {"track": "a", "kind": "excerpt", "query": [0.0, 8.0], "reference": [30.0, 38.0]},
        {"track": "b", "kind": "modified", "query": [8.0, 16.0], "reference": [5.0, 13.0]},
    ]
    return {"expected": expected, "answers": [{"track": track, "kind": kind, "segments": [*segments]}]}


def test_a_part_is_reported_where_half_of_it_is_covered() -> None:
    """Coverage counts on the query's clock, the place by the offset, and only the part's own work counts."""
    assert parts_reported(_row([0.5, 7.5, 30.5, 37.5, 1e-9]), _same) == [(True, True), (False, False)]
    assert parts_reported(_row([0.5, 7.5, 60.5, 67.5, 1e-9]), _same)[0] == (True, False)
    assert parts_reported(_row([0.5, 3.0, 30.5, 33.0, 1e-9]), _same)[0] == (False, False)
    assert parts_reported(_row([0.5, 7.5, 30.5, 37.5, 1e-9], track="c"), _same)[0] == (False, False)


def test_misplaced_segments_are_of_another_work_or_place() -> None:
    """A segment in its own part is right; one over the other's is elsewhere; one of a third work is false."""
    right, elsewhere = [0.5, 7.5, 30.5, 37.5, 1e-9], [9.0, 15.0, 30.0, 36.0, 1e-3]
    assert count_misplaced(_row(right, elsewhere), _same) == (2, 1, 0)
    assert count_misplaced(_row(right, track="c"), _same) == (1, 0, 1)


def test_the_class_is_that_of_the_expected_recording_only() -> None:
    """The class of another recording does not count."""
    row = _row([0.5, 7.5, 30.5, 37.5, 1e-9], kind="modified")
    assert [reported_class(row, one, _same) for one in row["expected"]] == ["modified", NOT_FOUND]


@given(spans=st.tuples(*[st.floats(0, 50)] * 4))
def test_overlap_is_mutual_and_no_longer_than_either(spans: tuple[float, float, float, float]) -> None:
    """Two spans share as much in either order."""
    one, other = sorted(spans[:2]), sorted(spans[2:])
    shared = overlap_s(one, other)
    assert shared == overlap_s(other, one)
    assert 0.0 <= shared <= min(one[1] - one[0], other[1] - other[0])


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> QueryBuilder:
    """A query builder with the sample pieces; files are read only when drawn."""
    names = ["clockwork_reel.mp3", "tin_parade.mp3", "slow_harbour.mp3"]
    works = tuple(
        Track(
            path=f"originals/{name}", package="", kind="music", role="test", overlay_for=None,
            duration_s=24.0, license="", sha256="", dup_group=None, self_repeat_s=0.0, self_repeat_lag_s=0.0,
        )
        for name in names
    )  # fmt: skip
    corpus = Corpus.open(SAMPLES)
    folder = tmp_path_factory.mktemp("truths")
    return QueryBuilder(corpus=corpus, works=works, folder=folder, seed=1, material=Material(corpus))


def test_a_medley_holds_its_works_one_after_another(builder: QueryBuilder) -> None:
    """Each third of the sound is the expected stretch of the expected work."""
    (medley,) = medleys(builder, 1)
    sound, _ = soundfile.read(io.BytesIO(medley.sound()), dtype="float32")
    assert [one.query for one in medley.expected] == [(0, 8), (8, 16), (16, 24)]
    assert len({one.track for one in medley.expected}) == 3
    for one in medley.expected:
        extract = sound[round((one.query[0] + 1) * RATE_HZ) : round((one.query[1] - 1) * RATE_HZ)]
        start_s = one.reference[0] + 1
        truth = mono(read(SAMPLES / one.track, start_s=start_s, length_s=PIECE_S - 2))
        assert np.corrcoef(extract, truth)[0, 1] > 0.99


def test_whole_files_are_exact_or_modified_by_turns(builder: QueryBuilder) -> None:
    """Every transcoded copy is followed by an altered copy of the same full track."""
    long = replace(builder, works=tuple(replace(track, duration_s=31.0) for track in builder.works))
    queries = list(whole_files(long, 4))
    kinds = [one.expected[0].kind for one in queries]
    assert kinds == [MatchClass.EXACT, MatchClass.MODIFIED] * 4
    assert all(
        one.expected[0].track == other.expected[0].track
        for one, other in zip(queries[::2], queries[1::2], strict=True)
    )


def test_items_are_within_their_track(builder: QueryBuilder) -> None:
    """Short items have names of their own, and none reaches into a track's ends."""
    places = item_places(builder.works[0])
    assert len({name for name, _ in places}) == len(places)
    assert all(3.0 <= start_s <= builder.works[0].duration_s - PIECE_S - 3.0 for _, start_s in places)


def test_joined_sounds_have_the_length_of_their_parts_and_start_at_zero() -> None:
    """No sample is lost, and joints fade to zero."""
    parts = [np.ones(RATE_HZ, np.float32), np.ones(2 * RATE_HZ, np.float32)]
    joint = joined(parts)
    assert len(joint) == 3 * RATE_HZ
    assert joint[0] == joint[RATE_HZ - 1] == joint[RATE_HZ] == joint[-1] == 0.0


def test_an_equaliser_changes_the_sound_and_not_its_length() -> None:
    """The number of samples is unchanged, the samples are not."""
    sound = np.random.default_rng(0).standard_normal(RATE_HZ).astype(np.float32)
    turned = equalised(sound, np.random.default_rng(1))
    assert turned.shape == sound.shape
    assert 0.2 < np.corrcoef(sound, turned)[0, 1] < 0.98
