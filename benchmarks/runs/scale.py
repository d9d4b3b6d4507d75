"""A million codes: what an hour of audio costs on disk and in memory, and how long a query takes.

The references of `benchmarks speed`, and recordings of synthetic codes (`synthetic_codes`) with peaks and
Chromaprint words from random places of real ones, are added as any fingerprint is, in one dataset, and
merged into one shard as by ``earwitness rebuild``. Rows are as in `benchmarks speed`; latency is from
waveform to matches, with the share of the search in the index.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.data.corpus import Corpus
from benchmarks.data.synthetic_codes import RealCodes
from benchmarks.report.records import record, save
from benchmarks.runs.speed import bytes_per_hour, latency, searched_apart
from benchmarks.systems.product import readable, references
from earwitness.fingerprint.extract import Extractor, extractor
from earwitness.fingerprint.types import Fingerprint
from earwitness.index.database.records import NewItem
from earwitness.index.library import Library
from earwitness.index.store.home_address import HomeAddress
from earwitness.index.writer import Writer

ANCHORS: Final = 60_000
MADE_CODES: Final = 400
"""Codes of one synthetic recording: three and a half minutes."""

AT_ONCE: Final = 64


def main(argv: Sequence[str]) -> int:
    """Build the home, measure, write the record."""
    it = argparse.ArgumentParser(prog="python -m benchmarks scale", description=__doc__)
    it.add_argument("--corpus", type=Path, default=Path("corpus"))
    it.add_argument("--work", type=Path, default=Path("work"))
    it.add_argument("--codes", type=int, default=1_000_000)
    it.add_argument("--queries", type=int, default=40, help="queries for each effort")
    it.add_argument("--seed", type=int, default=0)
    it.add_argument("--name", default="scale")
    options = it.parse_args(argv)
    corpus, extractor_used = Corpus.open(options.corpus), extractor()
    tracks, _ = readable(corpus.root, corpus.select(kind="music"), work=options.work)
    real = references(corpus.root, tracks, work=options.work)
    home = options.work / "homes" / f"{real.name}-{options.codes}"
    n_codes = enlarge(real, home, size=options.codes, seed=options.seed)
    hours = n_codes * extractor_used.params.hop_s / 3600
    rows = [
        *bytes_per_hour(home, hours),
        beyond(real, home, hop_s=extractor_used.params.hop_s),
        *latency(corpus.root, tracks, home, n=options.queries),
    ]
    settings = {"queries": options.queries, "tracks": len(tracks), "codes": n_codes}
    made = record("scale", scheme=extractor_used.scheme, seed=options.seed, options=settings, rows=rows)
    print(save(made, options.name))
    return 0


def beyond(real: Path, home: Path, *, hop_s: float) -> dict[str, Any]:
    """Return the memory of each further hour: the difference of two homes, without the constant part."""
    (few, few_codes), (many, many_codes) = searched_apart(real), searched_apart(home)
    hours = (many_codes - few_codes) * hop_s / 3600
    return {
        "what": "bytes", "case": "memory to search, each further hour",
        "value": round((many - few) / hours / 1e3, 1), "unit": "kB per hour",
    }  # fmt: skip


def enlarge(real: Path, home: Path, *, size: int, seed: int) -> int:
    """Copy a home and add synthetic recordings to it; return its number of codes."""
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(real, home)
    with Library.open(HomeAddress(home)) as library, Writer.open(HomeAddress(home)) as writer:
        (known,) = library.collections
        batch = list[NewItem]()
        for number, fingerprint in enumerate(_made(library, size - known.n_codes, seed=seed)):
            batch.append(NewItem(path=f"{number:05d}", sha256=f"{number:064x}", fingerprint=fingerprint))
            if len(batch) == AT_ONCE:
                writer.add(known.id, batch)
                batch.clear()
        writer.add(known.id, batch)
        writer.publish()
        writer.rebuild()
        return sum(known.n_codes for known in writer.collections)


def _made(library: Library, n_codes: int, *, seed: int) -> Iterator[Fingerprint]:
    """Yield fingerprints of synthetic recordings, with `n_codes` or a few more in all."""
    extractor_used, rng = extractor(library.scheme), np.random.default_rng(seed)
    real = [
        item.recording
        for known in library.collections
        for item in library.listing(known.id)
        if item.recording is not None
    ]
    base_codes = RealCodes.of([library.codes(number) for number in real], n_anchors=ANCHORS, seed=seed)
    long = [number for number in real if len(library.codes(number)) > MADE_CODES]
    n_made = -(-n_codes // MADE_CODES)
    made = np.concatenate(
        [extractor_used.pack(some) for some in base_codes.codes(n_made * MADE_CODES, seed=seed)]
    )
    for packed in made.reshape(n_made, MADE_CODES, -1):
        yield _with_peaks_of(library, long[int(rng.integers(len(long)))], packed, extractor_used, rng)


def _with_peaks_of(
    library: Library,
    number: int,
    codes: NDArray[np.uint8],
    extractor_used: Extractor,
    rng: np.random.Generator,
) -> Fingerprint:
    """Codes with as many peaks and Chromaprint words as a real recording has in that time, from anywhere."""
    params, known = extractor_used.params, library.recording(number)
    lasts_s = len(codes) * params.hop_s
    start_s = rng.uniform(0, known.duration_s - lasts_s)
    peaks = library.peaks(number) - np.array([round(start_s / params.frame_s), 0], dtype=np.int32)
    words = library.chromaprint(number)
    per_s = len(words) / known.duration_s
    return Fingerprint(
        scheme=extractor_used.scheme,
        duration_s=lasts_s,
        active_s=lasts_s,
        codes=codes,
        peaks=peaks[(peaks[:, 0] >= 0) & (peaks[:, 0] < round(lasts_s / params.frame_s))],
        chromaprint=words[round(start_s * per_s) : round((start_s + lasts_s) * per_s)],
    )
