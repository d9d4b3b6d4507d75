"""``python -m benchmarks pack-privacy``: how much of the sound a pack gives away.

Whoever has a pack, this program and recordings of their own makes the sound of a recording again from its
codes and peaks (`benchmarks.shelf.sound_again`), and it is compared with the original
(`benchmarks.shelf.closeness`). Rows of the record: ``kind`` (music or speech), ``track``, ``made_from``, and
the measures. ``made_from`` is an attack, or for comparison

``another recording``
    the original of another excerpt: what any two recordings have in common;
``its own spectrogram``
    the whole spectrogram from which the codes are made, which no pack holds: the most that an attack could
    reach with this way of making sound.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import soxr
from numpy.typing import NDArray

from benchmarks.data.audio_io import RATE_HZ as READ_HZ
from benchmarks.data.audio_io import mono, read
from benchmarks.data.corpus import Corpus, Track
from benchmarks.report.privacy_table import ANOTHER, CEILING
from benchmarks.report.records import record, save
from benchmarks.shelf.closeness import Heard, closeness
from benchmarks.shelf.sound_again import Nearest, Printed, Regression, from_peaks, griffin_lim
from earwitness.fingerprint.extract import Extractor, extractor
from earwitness.fingerprint.types import RATE_HZ

LOUD: Final = 1e-3
"""Root mean square of an excerpt that is taken."""


def main(argv: Sequence[str]) -> int:
    """Attack, measure, and write the record."""
    it = argparse.ArgumentParser(prog="python -m benchmarks pack-privacy", description=__doc__)
    it.add_argument("--corpus", type=Path, default=Path("corpus"))
    it.add_argument("--excerpts", type=int, default=20, help="excerpts of music, and as many of speech")
    it.add_argument("--length", type=float, default=10.0, help="seconds of an excerpt")
    it.add_argument(
        "--known", type=int, default=100, help="excerpts of other recordings, of each kind, to learn from"
    )
    it.add_argument("--seed", type=int, default=7)
    it.add_argument("--record", default="pack-privacy")
    options = it.parse_args(argv)
    corpus, maker = Corpus.open(options.corpus), extractor()
    rows = list(measured(corpus, maker, options))
    stated = {name: value for name, value in vars(options).items() if name in {"excerpts", "length", "known"}}
    made = record("pack-privacy", scheme=maker.scheme, seed=options.seed, options=stated, rows=rows)
    print(save(made, options.record))
    return 0


def measured(corpus: Corpus, maker: Extractor, options: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of the record."""
    draw = np.random.default_rng(options.seed)
    for kind in ("music", "speech"):
        known = excerpts(
            corpus, maker, kind, role="train", n=options.known, length_s=options.length, draw=draw
        )
        asked = excerpts(
            corpus, maker, kind, role="test", n=options.excerpts, length_s=options.length, draw=draw
        )
        yield from attacked(dict(asked), [each for _, each in known], kind=kind, seed=options.seed)


def attacked(
    asked: Mapping[str, Printed], known: Sequence[Printed], *, kind: str, seed: int
) -> Iterator[Mapping[str, Any]]:
    """Yield how close each attack comes to each of the recordings."""
    regression = Regression(known)
    attacks: dict[str, Callable[[Printed], NDArray[np.float32]]] = {
        "peaks": from_peaks,
        "codes, nearest neighbours": Nearest(known),
        "codes, regression": regression,
        "codes and peaks": regression.with_peaks,
        CEILING: lambda printed: printed.log_spectrogram,
    }
    originals = [Heard.of(each.samples) for each in asked.values()]
    for number, (track, printed) in enumerate(asked.items()):
        sounds = {ANOTHER: originals[number - 1]}
        sounds |= {
            name: Heard.of(griffin_lim(attack(printed), seed=seed)) for name, attack in attacks.items()
        }
        for name, sound in sounds.items():
            measures = closeness(originals[number], sound, is_speech=kind == "speech")
            yield {"kind": kind, "track": track, "made_from": name, **measures}


def excerpts(
    corpus: Corpus,
    maker: Extractor,
    kind: str,
    *,
    role: Any,
    n: int,
    length_s: float,
    draw: np.random.Generator,
) -> Iterator[tuple[str, Printed]]:
    """Yield excerpts of different recordings that are not silent."""
    tracks = [each for each in corpus.select(role=role, kind=kind) if each.duration_s >= length_s]
    n_found = 0
    for number in draw.permutation(len(tracks)):
        track = tracks[int(number)]
        samples = excerpt(
            corpus.root, track, start_s=draw.uniform(0, track.duration_s - length_s), length_s=length_s
        )
        if np.sqrt(np.mean(samples**2)) > LOUD:
            n_found += 1
            yield track.path, Printed.of(samples, maker)
        if n_found == n:
            return


def excerpt(root: Path, track: Track, *, start_s: float, length_s: float) -> NDArray[np.float32]:
    """Return a stretch of a track at the rate of fingerprints."""
    samples = mono(read(root / track.path, start_s=start_s, length_s=length_s))
    resampled = soxr.resample(samples, READ_HZ, RATE_HZ, quality="HQ")
    return np.ascontiguousarray(resampled[: round(length_s * RATE_HZ)], dtype=np.float32)
