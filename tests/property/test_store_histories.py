"""Whatever is done to a home, in whatever order, it answers as a plain dictionary would."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earwitness.index.library import Library, _best
from earwitness.index.match import Hits
from earwitness.index.store import shards
from earwitness.index.store.home_address import HomeAddress
from earwitness.index.store.shards import GROWTH, n_shards_to_merge, number_codes, split_numbers
from earwitness.index.store.verify import verify
from earwitness.index.writer import Writer
from tests.contract.small_store import (
    CODEC,
    DATASET,
    WORKS,
    Nibbles,
    found_at_once,
    some_codes,
    some_item,
)

SEEDS = range(5)
NAMES = ("works", "scraped")

adds = st.tuples(st.just("add"), st.sampled_from(NAMES), st.lists(st.sampled_from(SEEDS), max_size=4))
updates = st.tuples(st.just("update"), st.sampled_from(NAMES), st.lists(st.sampled_from(SEEDS), max_size=2))
removals = st.tuples(st.just("remove"), st.sampled_from(NAMES), st.lists(st.sampled_from(SEEDS), max_size=3))
others: st.SearchStrategy[tuple[str, str, list[int]]] = st.tuples(
    st.sampled_from(["publish", "rebuild", "reopen", "drop"]), st.sampled_from(NAMES), st.just([])
)
History = list[tuple[str, str, list[int]]]
histories: st.SearchStrategy[History] = st.lists(st.one_of(adds, adds, updates, removals, others), max_size=8)


@pytest.fixture(scope="module")
def new_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Path]]:
    """Makes new homes, each a copy of one that was made once."""
    root = tmp_path_factory.mktemp("homes")
    Writer.open(HomeAddress(root / "empty"), codec=CODEC).close()
    yield lambda: Path(shutil.copytree(root / "empty", Path(tempfile.mkdtemp(dir=root)) / "home"))


@dataclass
class _Both:
    """A home and the dictionary that says what should be in it: collection -> audio -> item number."""

    home: Path
    writer: Writer
    model: dict[str, dict[int, int]]

    def collection(self, name: str) -> int:
        return self.writer.collection(WORKS) if name == "works" else self.writer.collection(DATASET, name)

    def act(self, verb: str, name: str, seeds: list[int]) -> None:
        if verb == "add":
            added = self.writer.add(self.collection(name), [some_item(seed) for seed in seeds])
            self.model[name].update({seed: one.item for seed, one in zip(seeds, added, strict=True)})
        elif verb == "update":
            for seed in set(seeds) & self.model[name].keys():
                item = self.model[name][seed]
                self.writer.update_metadata(self.collection(name), item, title=f"title {len(seeds)}")
        elif verb == "remove":
            items = [self.model[name].pop(seed) for seed in set(seeds) & self.model[name].keys()]
            self.writer.remove(self.collection(name), items=items)
        elif verb == "drop":
            self.writer.remove(self.collection(name))
            self.model[name].clear()
        elif verb == "reopen":
            self.writer.close()
            self.writer = Writer.open(HomeAddress(self.home), codec=CODEC)
        else:
            getattr(self.writer, verb)()


def _sorted_hits(hits: Hits) -> list[tuple[int, int, int, float]]:
    columns = (hits.query_row, hits.recording, hits.position, hits.similarity)
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


@settings(max_examples=25)
@given(history=histories)
def test_a_home_answers_as_a_dictionary_would(new_home: Callable[[], Path], history: History) -> None:
    """What was added and not removed is found, nothing else, and rebuilding changes no answer."""
    home = new_home()
    both = _Both(home, Writer.open(HomeAddress(home), codec=CODEC), {name: {} for name in NAMES})
    for verb, name, seeds in history:
        both.act(verb, name, seeds)
        assert verify(both.writer.address, settled_s=0) == []
    numbers = {name: both.collection(name) for name in NAMES}
    query = CODEC.unpack(some_codes(77, 3))
    with both.writer, Library.open(HomeAddress(home), codec=CODEC) as before:
        for name in NAMES:
            present = {seed for seed in SEEDS if found_at_once(before, seed, [numbers[name]])}
            assert present == both.model[name].keys()
            assert before.n_codes([numbers[name]]) == 6 * len(present)
        both.writer.rebuild()
        with Library.open(HomeAddress(home), codec=CODEC) as after:
            everywhere = list(numbers.values())
            found = [_sorted_hits(one.search(query, k=60, collections=everywhere)) for one in (before, after)]
            assert found[0] == found[1]
    shutil.rmtree(home.parent)


@given(sizes=st.lists(st.integers(1, 10**7), max_size=30), n_new=st.integers(1, 10**6))
def test_few_segments_stay_however_many_there_were(sizes: list[int], n_new: int) -> None:
    """What stays is more than three times all that was gathered: so segments grow geometrically."""
    ascending = sorted(sizes)
    taken = n_shards_to_merge(ascending, n_new)
    gathered = n_new + sum(ascending[:taken])
    assert all(size > GROWTH * gathered for size in ascending[taken:])


@given(batches=st.lists(st.integers(1, 5_000), min_size=1, max_size=200))
def test_the_number_of_segments_is_logarithmic(batches: list[int]) -> None:
    """However a collection grows, its segments number no more than its doublings."""
    sizes: list[int] = []
    for n_new in batches:
        taken = n_shards_to_merge(sizes, n_new)
        sizes = sorted([n_new + sum(sizes[:taken]), *sizes[taken:]])
        assert len(sizes) <= 2 + np.log2(sum(sizes))


@given(recording=st.integers(1, 2**42), n_codes=st.integers(0, 50))
def test_numbers_name_recording_and_position(recording: int, n_codes: int) -> None:
    """What is packed into a FAISS number comes out again."""
    recordings, positions = split_numbers(number_codes(recording, n_codes))
    assert np.array_equal(recordings, np.full(n_codes, recording))
    assert np.array_equal(positions, np.arange(n_codes))


@given(
    rows=st.lists(
        st.lists(st.tuples(st.integers(-1, 6), st.floats(-1, 1)), min_size=5, max_size=5), max_size=4
    )
)
def test_the_best_hits_of_several_segments_are_each_named_once(rows: list[list[tuple[int, float]]]) -> None:
    """Merging agrees with sorting a dictionary that keeps each code's better similarity."""
    numbers = np.array([[number for number, _ in row] for row in rows], dtype=np.int64).reshape(-1, 5)
    similarity = np.array([[cosine for _, cosine in row] for row in rows], dtype=np.float32).reshape(-1, 5)
    best, names = _best(similarity, numbers, 3)
    for row, (values, found) in enumerate(zip(best, names, strict=True)):
        expected: dict[int, float] = {}
        for number, cosine in zip(numbers[row].tolist(), similarity[row].tolist(), strict=True):
            if number >= 0:
                expected[number] = max(cosine, expected.get(number, -2.0))
        kept = values[found >= 0].tolist()
        assert kept == sorted(expected.values(), reverse=True)[:3]
        assert len(set(found[found >= 0].tolist())) == len(kept)


def test_a_partitioned_segment_finds_what_a_flat_one_does(
    new_home: Callable[[], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Past the size where segments are partitioned, each code still finds itself first."""
    monkeypatch.setattr(shards, "PARTITIONED_FROM", 300)
    codec, home = Nibbles(tmp_path), new_home()
    with Writer.open(HomeAddress(home), codec=codec) as writer:
        dataset = writer.collection(DATASET, "scraped")
        writer.add(dataset, [some_item(seed, n_codes=40) for seed in range(10)])
        writer.publish()
        assert verify(writer.address, settled_s=0) == []
    with Library.open(HomeAddress(home), codec=codec) as library:
        assert type(library._indexes(dataset)[0]).__name__ == "IndexIVFPQFastScan"
        hits = library.search(codec.unpack(some_codes(3, 40)), k=1, collections=[dataset], n_probe=16)
        known = library.by_sha256(some_item(3).sha256 or "")
        assert known is not None
        right = (hits.recording == known.id) & (hits.position == np.arange(40))
        assert right.mean() > 0.95
