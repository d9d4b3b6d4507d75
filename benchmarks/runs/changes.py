"""``python -m benchmarks changes``: errors of the reported speed, pitch and tempo.

Each excerpt of test music is changed once in each of `KINDS`, by a random amount, and searched
at two lengths; the shorter query is the middle of the longer. Rows: ``q``, ``change`` (the kind), ``true``
(speed, pitch in cents, tempo), ``length_s``, ``track``, ``s`` (seconds from waveform to matches) and
``answers``, as in `benchmarks.runs.identify`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from math import log2
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.data.audio_io import RATE_HZ, Sound1, mono, play_faster, read, rubberband
from benchmarks.data.corpus import Corpus
from benchmarks.data.degrade import chance
from benchmarks.data.queries import LONGEST_STRETCH, Excerpt, middle, once, pick, wav
from benchmarks.report.records import record, save
from benchmarks.report.score import answers_of
from benchmarks.runs.identify import select
from benchmarks.systems.product import Product, readable, references
from earwitness.fingerprint.extract import extractor
from earwitness.index.match import Change, Effort

LENGTHS_S: Final = (20.0, 8.0)
MOST_STRETCH: Final = 1.5

Draw = Callable[[np.random.Generator], Change]


def _ratio(low: float, high: float) -> Callable[[np.random.Generator], float]:
    """Return a function that draws a ratio, uniformly in octaves."""
    return lambda rng: round(float(2 ** rng.uniform(log2(low), log2(high))), 4)


KINDS: Final[dict[str, Draw]] = {
    "none": lambda _: Change(),
    "speed": lambda rng: Change(speed=_ratio(0.7, 1.4)(rng)),
    "pitch": lambda rng: Change(pitch_cents=round(float(rng.uniform(-500, 500)), 1)),
    "tempo": lambda rng: Change(tempo=_ratio(0.7, 1.5)(rng)),
}
"""Kinds of change, within the ranges that the variants of effort full cover."""


def changed(clip: Sound1, change: Change) -> Sound1:
    """Return a changed excerpt: by resampling, or by Rubber Band."""
    if change.speed != 1.0:
        return play_faster(clip, change.speed)
    if change.tempo != 1.0 or change.pitch_cents != 0.0:
        return rubberband(clip, tempo=change.tempo, pitch_cents=change.pitch_cents)
    return clip


def drawn(excerpt: Excerpt, kind: str, *, seed: int) -> Change:
    """Return the change of an excerpt."""
    return KINDS[kind](chance(seed, f"changes/{kind}", excerpt.id))


def sound_file(root: Path, excerpt: Excerpt, kind: str, *, seed: int, folder: Path) -> Path:
    """Return the WAV file of an excerpt's longest query with its change, written once."""

    def make() -> bytes:
        change = drawn(excerpt, kind, seed=seed)
        needed_s = LENGTHS_S[0] * change.stretch + 0.1
        clip = read(root / excerpt.path, start_s=excerpt.start_s, length_s=needed_s)
        sound = changed(mono(clip), change)
        peak = max(float(np.abs(sound).max(initial=0.0)), 1e-9)
        return wav(sound[: round(LENGTHS_S[0] * RATE_HZ)] * np.float32(0.9 / peak))

    return once(folder / kind / f"{excerpt.id}.wav", make)


def rows(
    product: Product,
    root: Path,
    excerpts: Sequence[Excerpt],
    kinds: Sequence[str],
    *,
    seed: int,
    folder: Path,
) -> Iterator[dict[str, Any]]:
    """Search every excerpt, under every kind of change, at every length."""
    for excerpt in excerpts:
        for kind in kinds:
            file = sound_file(root, excerpt, kind, seed=seed, folder=folder)
            change = drawn(excerpt, kind, seed=seed)
            for length_s in LENGTHS_S:
                sound = middle(file, length_s=length_s, longest_s=LENGTHS_S[0])
                searched = product.search(sound, name=excerpt.id)
                yield {
                    "q": excerpt.id,
                    "change": kind,
                    "true": [change.speed, change.pitch_cents, change.tempo],
                    "length_s": length_s,
                    "track": excerpt.path,
                    "s": round(searched.took_s, 3),
                    "answers": answers_of(searched.matches, product.names),
                }


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command's options."""
    it = argparse.ArgumentParser(prog="python -m benchmarks changes", description=__doc__)
    it.add_argument("--corpus", type=Path, default=Path("corpus"))
    it.add_argument("--work", type=Path, default=Path("work"))
    it.add_argument("--kinds", default=",".join(KINDS))
    it.add_argument("--queries", type=int, default=60, help="excerpts for each kind of change")
    it.add_argument("--effort", choices=[str(effort) for effort in Effort], default="full")
    it.add_argument("--thin", type=int, default=1, help="use every N-th track only: for a trial")
    it.add_argument("--seed", type=int, default=2026)
    it.add_argument("--name", default="changes")
    return it


def main(argv: Sequence[str]) -> int:
    """Run the entry and write its record."""
    options = parser().parse_args(argv)
    corpus = Corpus.open(options.corpus)
    queried, indexed = select(corpus, role="test", kind="music", distractors=True)
    indexed, _ = readable(corpus.root, indexed[:: options.thin], work=options.work)
    home = references(corpus.root, indexed, work=options.work)
    known = {track.path for track in indexed}
    excerpts = pick(
        corpus.root,
        [track for track in queried if track.path in known],
        n=options.queries,
        longest_s=LENGTHS_S[0] * MOST_STRETCH / LONGEST_STRETCH,
        seed=options.seed,
    )
    product = Product(home, indexed, Effort(options.effort))
    folder = options.work / "queries" / f"changes-{options.seed}"
    answered = rows(
        product, corpus.root, excerpts, options.kinds.split(","), seed=options.seed, folder=folder
    )
    settings = vars(options) | {
        "corpus": None, "work": None, "references": len(indexed),
        "hours": round(sum(track.duration_s for track in indexed) / 3600, 2),
    }  # fmt: skip
    scheme = extractor().scheme
    made = record("changes", scheme=scheme, seed=options.seed, options=settings, rows=list(answered))
    print(save(made, options.name))
    return 0
