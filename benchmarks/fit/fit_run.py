"""What a fit gets: a library with the numbers fitted before, its queries, and processes that search them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Final, TypeVar

import faiss
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.data.absent_excerpts import DrawnExcerpt, draw_excerpt, excluded_recordings
from benchmarks.data.corpus import Corpus
from benchmarks.data.degrade import chance
from benchmarks.data.overlays import Material
from benchmarks.fit.lists import REFERENCES, AudioList
from benchmarks.systems.leave_out_library import LeaveOutLibrary, build_library
from earwitness.fingerprint.extract import extractor
from earwitness.index.statistics.calibration import Calibration

Row = TypeVar("Row")

CHUNK: Final = 20
"""Queries that a process takes at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FitBench:
    """What one query of a fit is made of and searched in.

    Attributes
    ----------
    name : str
        Name of the fit; its queries have random numbers of their own.
    queried : tuple of int
        Numbers of the recordings in `library` that queries are cut from.
    """

    name: str
    library: LeaveOutLibrary
    queried: tuple[int, ...]
    corpus: Corpus
    cache: Path
    seed: int

    def rng(self, query: int) -> np.random.Generator:
        """Return the random numbers of one query, the same in every process."""
        return chance(self.seed, f"fit/{self.name}", str(query))

    def draw(self, query: int, lengths_s: Sequence[float]) -> DrawnExcerpt:
        """Draw the excerpt of a query."""
        return draw_excerpt(
            self.library,
            self.queried,
            lengths_s,
            corpus=self.corpus.root,
            cache=self.cache,
            rng=self.rng(query),
        )

    def excluded(self, recording: int, *, package: bool) -> Sequence[int]:
        """Return the recordings that an absent excerpt of this one is not searched in."""
        return _excluded(self.corpus.root, self.cache, package)[recording]

    @property
    def material(self) -> Material:
        """Audio of the training and validation lists to degrade queries with."""
        return _material(self.corpus.root)


@dataclass(frozen=True, slots=True, kw_only=True)
class FitRun:
    """One run of one fit.

    Attributes
    ----------
    calibration : Calibration
        Has the numbers of all fits before this one, and starting values for the others.
    n_queries, seed : int
        Number of queries, and what their random numbers depend on.
    pool : Executor or None
        Processes that work at the same time; None for none but this one.
    """

    name: str
    queries: AudioList
    n_queries: int
    seed: int
    corpus: Path
    cache: Path
    calibration: Calibration
    pool: Executor | None = None

    def each(self, measure: Callable[[FitBench, int], Row]) -> list[Row]:
        """Return what `measure` (a function of a module) gives for each query, in the order of the queries.

        The result does not depend on the number of processes.
        """
        chunks = [
            range(first, min(first + CHUNK, self.n_queries)) for first in range(0, self.n_queries, CHUNK)
        ]
        alone = replace(self, pool=None)
        share = partial(_measure_chunk, alone, measure)
        rows = map(share, chunks) if self.pool is None else self.pool.map(share, chunks)
        return [row for chunk in rows for row in chunk]

    @property
    def bench(self) -> FitBench:
        """The library and the queries, in this process."""
        faiss.omp_set_num_threads(1)
        library = replace(_library(self.corpus, self.cache), calibration=self.calibration)
        return FitBench(
            name=self.name,
            library=library,
            queried=tuple(
                number for number, source in enumerate(library.sources) if self.queries.holds(source)
            ),
            corpus=Corpus.open(self.corpus),
            cache=self.cache,
            seed=self.seed,
        )

    def codes(self) -> NDArray[np.float32]:
        """Return the codes of all recordings that queries are cut from, float32, shape (n, dim)."""
        bench = self.bench
        return np.concatenate([bench.library.codes(number) for number in bench.queried])


def _measure_chunk(run: FitRun, measure: Callable[[FitBench, int], Row], queries: range) -> list[Row]:
    # sums in another order would differ in the last bits
    with threadpool_limits(1):
        bench = run.bench
        return [measure(bench, query) for query in queries]


@lru_cache(maxsize=1)
def _library(corpus: Path, cache: Path) -> LeaveOutLibrary:
    return build_library(REFERENCES.sources(corpus), extractor(), corpus=corpus, cache=cache)


@lru_cache(maxsize=2)
def _excluded(corpus: Path, cache: Path, package: bool) -> dict[int, list[int]]:
    return excluded_recordings(_library(corpus, cache), Corpus.open(corpus), package=package)


@lru_cache(maxsize=1)
def _material(corpus: Path) -> Material:
    return Material(Corpus.open(corpus), role="validation")
