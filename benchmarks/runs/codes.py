"""``python -m benchmarks codes``: recall per byte of kinds of index, among millions of codes.

Every kind of index holds the same database (`synthetic_codes`) and is searched for the same query frames of
degraded excerpts of test music. A frame's true place are the codes of its recording within one code of where
it was cut from. A repeat elsewhere in the piece does not count, which lowers the recall of all kinds.

Rows of the record, one for each kind and size: ``kind``, ``n_codes``, ``bytes`` (of the serialised index),
``build_s``, ``ms`` (each search of one full 8 s query; both in time of one core) and ``ranks``: for each
condition and frame how many codes were nearer than the nearest of its true place, None where that is not
among the `NEAREST`. One row, ``kind`` "likeness", compares synthetic codes with real ones.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import faiss
import numpy as np
from numpy.typing import NDArray

from benchmarks.data.corpus import Corpus, Track
from benchmarks.data.overlays import Material
from benchmarks.data.queries import Excerpt, degraded, pick
from benchmarks.data.synthetic_codes import CodeSet, RealCodes, code_set, highest_similarities
from benchmarks.report.records import record, save
from benchmarks.runs.identify import select
from benchmarks.systems.product import readable, recordings, references
from earwitness.fingerprint.codes import Quantiser
from earwitness.fingerprint.decode import Decoder
from earwitness.fingerprint.extract import Extractor, extractor
from earwitness.index.library import Library
from earwitness.index.match import Effort
from earwitness.index.matching.effort import EFFORT_PROFILES
from earwitness.index.store.home_address import HomeAddress
from earwitness.index.store.shards import N_PROBE, PARTITIONED_FILE, Ids, Vectors

CONDITIONS: Final = ("clean", "opus_12k", "pink_0", "phone", "music_0", "speech_-6")
"""None of them changes time, so that a frame's true place is where it was cut from."""

QUERY_S: Final = 8.0
NEAREST: Final = 64
N_FAIRNESS_CODES: Final = 1000
"""Number of absent codes that check the synthetic ones."""

TRAINED_ON: Final = 40 * 4096
"""Codes that an index is trained on: the least that faiss needs for 4,096 lists."""
TIMED_S: Final = 1.0
"""Seconds for which full queries are timed; at least one query."""


class Signs:
    """Codes as signs along orthonormal axes, compared by how many differ: faiss's binary index.

    Parameters
    ----------
    turns : int
        How many sets of axes: the quantiser's own, then ones drawn at random.
    """

    def __init__(self, quantiser: Quantiser, turns: int) -> None:
        rng = np.random.default_rng(0)
        dim = quantiser.mean.size
        drawn = [np.linalg.qr(rng.standard_normal((dim, dim)))[0] for _ in range(turns - 1)]
        self._axes = np.concatenate([quantiser.rotation, *drawn]).astype(np.float32)
        self._mean = quantiser.mean
        self._index = faiss.IndexBinaryFlat(len(self._axes))

    def _bits(self, vectors: Vectors) -> NDArray[np.uint8]:
        return np.packbits((vectors - self._mean) @ self._axes.T > 0, axis=1)

    def add(self, vectors: Vectors) -> None:
        """Append codes."""
        self._index.add(self._bits(vectors))

    def search(self, vectors: Vectors, k: int) -> tuple[NDArray[np.int32], Ids]:
        """Return the numbers of the nearest codes, and how many bits differ."""
        differing, numbers = self._index.search(self._bits(vectors), k)
        return differing, numbers

    @property
    def n_bytes(self) -> int:
        """Size of the index."""
        return int(faiss.serialize_index_binary(self._index).nbytes)


class Floats:
    """Any index of vectors that faiss builds by name, trained on codes of its database."""

    def __init__(self, index: Any, sample: Vectors | None, n_probe: int) -> None:
        self._index = index
        if sample is not None:
            index.train(sample)
        lists = faiss.try_extract_index_ivf(index)
        if lists is not None:
            lists.nprobe = n_probe

    def add(self, vectors: Vectors) -> None:
        """Append codes."""
        self._index.add(vectors)

    def search(self, vectors: Vectors, k: int) -> tuple[NDArray[np.float32], Ids]:
        """Similarities and numbers of the nearest codes."""
        similarity, numbers = self._index.search(vectors, k)
        return similarity, numbers

    @property
    def n_bytes(self) -> int:
        """Size of the serialised index in bytes."""
        written = 0

        def take(chunk: bytes) -> None:
            nonlocal written
            written += len(chunk)

        faiss.write_index(self._index, faiss.PyCallbackIOWriter(take, 1 << 20))  # type: ignore[attr-defined]
        return written


Made = Floats | Signs
Make = Callable[[CodeSet, Extractor], Made]


def _named(name: str, n_probe: int = N_PROBE) -> Make:
    def make(database: CodeSet, extractor_used: Extractor) -> Made:
        index = faiss.index_factory(extractor_used.params.dim, name, faiss.METRIC_INNER_PRODUCT)
        return Floats(index, database.sample(TRAINED_ON), n_probe)

    return make


def _shipped(database: CodeSet, extractor_used: Extractor) -> Made:  # noqa: ARG001
    return Floats(faiss.read_index(str(extractor_used.model_file(PARTITIONED_FILE))), None, N_PROBE)


def _on_shipped_lists(name: str) -> Make:
    """Return a builder of an index with a random rotation and the shipped lists: only the codes differ."""

    def make(database: CodeSet, extractor_used: Extractor) -> Made:
        index: Any = faiss.index_factory(extractor_used.params.dim, name, faiss.METRIC_INNER_PRODUCT)
        rotation: Any = faiss.downcast_VectorTransform(index.chain.at(0))
        rotation.init(0)
        shipped: Any = faiss.read_index(str(extractor_used.model_file(PARTITIONED_FILE)))
        centroids = shipped.quantizer.reconstruct_n(0, shipped.nlist)
        # existing lists are not trained again
        lists: Any = faiss.extract_index_ivf(index)
        lists.quantizer.add(rotation.apply(centroids))
        return Floats(index, database.sample(TRAINED_ON), N_PROBE)

    return make


def _signs(turns: int) -> Make:
    def make(database: CodeSet, extractor_used: Extractor) -> Made:  # noqa: ARG001
        return Signs(Quantiser.read(extractor_used.model_file("quantiser.npz")), turns)

    return make


KINDS: Final[dict[str, Make]] = {
    "Flat fp16": _named("SQfp16"),
    "Flat SQ8": _named("SQ8"),
    "Flat PQ32x4fs": _named("PQ32x4fs"),
    "IVF1024,PQ32x4fs, shipped": _shipped,
    "IVF4096,PQ32x4fs, trained here": _named("IVF4096,PQ32x4fs", 2 * N_PROBE),
    "IVF1024,RaBitQfs, shipped lists": _on_shipped_lists("RR64,IVF1024,RaBitQfs"),
    "IVF1024,RaBitQfs, 2 bits, shipped lists": _on_shipped_lists("RR64,IVF1024,RaBitQfs2"),
    "64 signs": _signs(1),
    "256 signs": _signs(4),
}
FOR_MANY: Final = {"IVF4096,PQ32x4fs, trained here"}
MANY: Final = 4_000_000
"""Kinds in ``FOR_MANY`` are for databases of at least this many codes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameQuery:
    """All query frames of one degraded excerpt, and their true places in the database.

    Attributes
    ----------
    rows : float32 array, shape (n_rows, dim)
    first, last : int64 arrays, shape (n_rows,)
        First and last code number of a frame's true place, both included.
    """

    condition: str
    rows: Vectors
    first: Ids
    last: Ids


def own_place(
    start_s: float, n_rows: int, *, first_code: int, n_codes: int, row_s: float, hop_s: float
) -> tuple[Ids, Ids]:
    """Return the first and last code within one code of where each frame was cut from."""
    place = (start_s + row_s * np.arange(n_rows)) / hop_s
    first = np.clip(np.ceil(place - 1), 0, n_codes - 1).astype(np.int64)
    last = np.clip(np.floor(place + 1), 0, n_codes - 1).astype(np.int64)
    return first_code + first, first_code + last


def ranks(numbers: Ids, first: Ids, last: Ids) -> list[int | None]:
    """Return how many of each frame's numbers, nearest first, precede its true place; None if missing."""
    own = (numbers >= first[:, None]) & (numbers <= last[:, None])
    return [int(row.argmax()) if row.any() else None for row in own]


def measure(
    make: Make, database: CodeSet, queries: Sequence[FrameQuery], extractor_used: Extractor, *, step: int
) -> dict[str, Any]:
    """Build one index, search every `step`-th frame of each excerpt, and time full queries."""
    began = time.thread_time()
    index = make(database, extractor_used)
    for vectors in database.batches():
        index.add(vectors)
    build_s = time.thread_time() - began
    ranks_of: dict[str, list[int | None]] = {one.condition: [] for one in queries}
    for condition, own in ranks_of.items():
        group = [one for one in queries if one.condition == condition]
        _, numbers = index.search(np.concatenate([one.rows[::step] for one in group]), NEAREST)
        first, last = (
            np.concatenate([getattr(one, side)[::step] for one in group]) for side in ("first", "last")
        )
        own += ranks(numbers, first, last)
    milliseconds = timed(index, queries)
    return {
        "n_codes": len(database), "bytes": index.n_bytes, "build_s": round(build_s, 1), "ms": milliseconds,
        "ranks": ranks_of,
    }  # fmt: skip


def timed(index: Made, queries: Sequence[FrameQuery]) -> list[float]:
    """Return milliseconds of one core for each search of a full query, for about `TIMED_S` seconds."""
    taken: list[float] = []
    for one in queries:
        began = time.thread_time()
        index.search(one.rows, EFFORT_PROFILES[Effort.FAST].neighbours)
        taken.append(round(1000 * (time.thread_time() - began), 2))
        if sum(taken) > 1000 * TIMED_S:
            break
    return taken


def frame_queries(
    corpus: Corpus,
    excerpts: Sequence[Excerpt],
    begins: Mapping[str, tuple[int, int]],
    *,
    work: Path,
    seed: int,
) -> list[FrameQuery]:
    """Return all excerpts under all conditions; `begins` has each track's first code and number of codes."""
    material, extractor_used, queries = Material(corpus, role="test"), extractor(), []
    folder = work / "queries" / f"test-{seed}-{QUERY_S:g}s"
    params = extractor_used.params
    with Decoder() as decoder:
        for excerpt in excerpts:
            for condition in CONDITIONS:
                file = degraded(
                    corpus.root, excerpt, condition,
                    longest_s=QUERY_S, seed=seed, material=material, folder=folder,
                )  # fmt: skip
                sound = extractor_used.query(
                    decoder.decode(file, name=excerpt.id).waveform, with_chromaprint=False
                )
                rows = extractor_used.embed(sound.spectrogram, fine=True)
                first_code, n_codes = begins[excerpt.path]
                first, last = own_place(
                    excerpt.start_s, len(rows), first_code=first_code, n_codes=n_codes,
                    row_s=params.query_hop_s, hop_s=params.hop_s,
                )  # fmt: skip
                queries.append(FrameQuery(condition=condition, rows=rows, first=first, last=last))
    return queries


def real_codes(home: Path, tracks: Sequence[Track]) -> dict[str, Vectors]:
    """Return the stored codes of each track."""
    with Library.open(HomeAddress(home)) as library:
        return {path: library.codes(number) for number, path in recordings(library, tracks).items()}


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    it = argparse.ArgumentParser(prog="python -m benchmarks codes", description=__doc__)
    it.add_argument("--corpus", type=Path, default=Path("corpus"))
    it.add_argument("--work", type=Path, default=Path("work"))
    it.add_argument("--sizes", default="1000000,10000000", help="codes, comma-separated")
    it.add_argument("--kinds", help="some kinds only, separated by semicolons: " + "; ".join(KINDS))
    it.add_argument("--queries", type=int, default=24, help="excerpts for each condition")
    it.add_argument("--step", type=int, default=12, help="search every N-th frame of an excerpt")
    it.add_argument("--anchors", type=int, default=30_000, help="real codes that synthetic ones start from")
    it.add_argument("--thin", type=int, default=1, help="use every N-th track only: for a trial")
    it.add_argument("--seed", type=int, default=2026)
    it.add_argument("--name", default="codes")
    return it


def main(argv: Sequence[str]) -> int:
    """Build, search, time, and write the record."""
    options = parser().parse_args(argv)
    corpus, extractor_used = Corpus.open(options.corpus), extractor()
    _, indexed = select(corpus, role="test", kind=None, distractors=True)
    indexed, _ = readable(corpus.root, indexed[:: options.thin], work=options.work)
    known = real_codes(references(corpus.root, indexed, work=options.work), indexed)
    queried = [track for track in indexed if track.role == "test" and track.kind == "music"]
    queried_codes = [known[track.path] for track in queried]
    others = [known[track.path] for track in indexed if track.role == "train"]
    starts = np.cumsum([0, *map(len, queried_codes)])
    begins = {
        track.path: (int(starts[number]), len(known[track.path])) for number, track in enumerate(queried)
    }
    excerpts = pick(corpus.root, queried, n=options.queries, longest_s=QUERY_S, seed=options.seed)
    queries = frame_queries(corpus, excerpts, begins, work=options.work, seed=options.seed)
    base_codes = RealCodes.of(others, n_anchors=options.anchors, seed=options.seed)
    absent = np.concatenate(queried_codes)
    similarities = highest_similarities(
        absent[:: max(1, len(absent) // N_FAIRNESS_CODES)], base_codes, seed=options.seed
    )
    rows: list[dict[str, Any]] = [{"kind": "likeness", **similarities}]
    for size in map(int, options.sizes.split(",")):
        database = code_set(queried_codes, base_codes, size, extractor_used, seed=options.seed)
        for kind in options.kinds.split(";") if options.kinds else KINDS:
            if size >= MANY or kind not in FOR_MANY:
                rows.append(
                    {
                        "kind": kind,
                        **measure(KINDS[kind], database, queries, extractor_used, step=options.step),
                    }
                )
                print(kind, rows[-1]["n_codes"], rows[-1]["build_s"], file=sys.stderr)
    settings = vars(options) | {
        "corpus": None, "work": None, "hop_s": extractor_used.params.hop_s,
        "real_codes": len(absent) + len(base_codes.vectors), "stock_codes": len(base_codes.vectors),
    }  # fmt: skip
    print(
        save(
            record("codes", scheme=extractor_used.scheme, seed=options.seed, options=settings, rows=rows),
            options.name,
        )
    )
    return 0
