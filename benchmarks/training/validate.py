"""A quick look at what training misses: validation excerpts against every alignment with exact codes.

``python -m benchmarks.training.validate`` degrades each excerpt once (kept in the cache), then scores every
alignment of every reference: this is the net's own ceiling, without index, candidates or E-values.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import soxr
from numpy.typing import NDArray

from benchmarks.data.audio_io import RATE_HZ as DEGRADE_HZ
from benchmarks.data.audio_io import read
from benchmarks.data.corpus import Corpus
from benchmarks.data.degrade import CONDITIONS, Condition, degrade
from benchmarks.data.overlays import Material
from benchmarks.training.data import Source, cached, picture, sources
from earwitness.fingerprint.codes import NET_PARTS, Projector
from earwitness.fingerprint.params import PARAMS
from earwitness.fingerprint.spectrogram import normalise_level, spectrogram
from earwitness.fingerprint.types import RATE_HZ, Spectrogram, Waveform
from earwitness.fingerprint.warp import warp

KINDS: Final = ("music", "speech")
LONGEST_S: Final = 8.0
PASSES: Final = PARAMS.code_hop_frames // PARAMS.query_hop_frames
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One degraded excerpt and where it comes from."""

    samples: Floats
    track: int
    start_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """Codes of every reference in a row, and each code's track."""

    codes: Floats
    track: NDArray[np.int32]
    first: NDArray[np.int64]

    @classmethod
    def of(cls, projector: Projector, chosen: list[Source], args: argparse.Namespace) -> References:
        """Embed the cached decibels of all tracks, a gap of nothing between one and the next."""
        rows, owner = [], []
        for number, source in enumerate(chosen):
            codes = projector.project(picture(source, corpus=args.corpus, cache=args.cache), fine=False)
            rows += [codes, np.zeros((20, PARAMS.dim), dtype=np.float32)]
            owner.append(np.full(len(codes) + 20, number, dtype=np.int32))
        track = np.concatenate(owner)
        return cls(
            codes=np.concatenate(rows), track=track, first=np.searchsorted(track, np.arange(len(chosen)))
        )

    def best(self, fine: Floats, ask: Ask) -> tuple[float, float, float]:
        """Best mean similarity at the right track, its error in seconds there, and the best at any other."""
        similar = fine @ self.codes.T
        best_own, best_other, error_s = -1.0, -1.0, np.inf
        for late in range(min(PASSES, len(fine))):
            rows = similar[late::PASSES]
            path = np.zeros(similar.shape[1] - len(rows), dtype=np.float32)
            for i, row in enumerate(rows):
                path += row[i : i + len(path)]
            score = (path - path.mean()) / path.std()
            own = self.track[: len(path)] == ask.track
            at = int(np.argmax(np.where(own, score, -np.inf)))
            if score[at] > best_own:
                best_own = float(score[at])
                found_s = (at - self.first[ask.track]) * PARAMS.hop_s - late * PARAMS.query_hop_s
                error_s = abs(found_s - ask.start_s)
            best_other = max(best_other, float(score[~own].max()))
        return best_own, error_s, best_other


def excerpts(name: str, condition: Condition, tracks: list[int], args: argparse.Namespace) -> list[Ask]:
    """The degraded excerpts of one condition, made once."""
    file = args.cache / "asks" / f"{name}.npz"
    if not file.exists():
        file.parent.mkdir(exist_ok=True)
        material = Material(Corpus.open(args.corpus), role="validation")
        chosen = sources(args.corpus, role="validation")
        rng = np.random.default_rng(7)
        made: dict[str, Any] = {}
        for number in range(args.queries):
            track = tracks[2 * number % len(tracks)]
            path = args.corpus / chosen[track].path
            seconds = LONGEST_S * condition.stretch
            length_s = len(cached(chosen[track], corpus=args.corpus, cache=args.cache)) * PARAMS.frame_s
            start_s = float(rng.uniform(0, max(0.0, length_s - seconds - 1)))
            clip = read(path, start_s=start_s, length_s=seconds)
            excerpt = degrade(clip, name, seed=0, query_id=str(number), material=material)
            made[f"{number}_{track}_{start_s}"] = soxr.resample(excerpt, DEGRADE_HZ, RATE_HZ).astype(
                np.float16
            )
        np.savez(file, **made)
    with np.load(file) as kept:
        fields = [(key.split("_"), kept[key].astype(np.float32)) for key in kept.files]
    return [Ask(samples=x, track=int(k[1]), start_s=float(k[2])) for k, x in fields]


def look(
    references: References, projector: Projector, condition: Condition, asks: list[Ask], seconds: float
) -> NDArray[np.float64]:
    """Own score, error in seconds, best other score: of the query unchanged, then with its change undone."""
    rows = []
    for ask in asks:
        excerpt = spectrogram(Waveform(samples=ask.samples[: int(seconds * RATE_HZ)]))
        unchanged = references.best(_codes(projector, excerpt), ask)
        rows.append([unchanged, unchanged])
        if condition.stretch != 1 or condition.pitch_cents:
            undone = warp(
                excerpt, speed=condition.speed, tempo=condition.tempo, pitch_cents=condition.pitch_cents
            )
            rows[-1][1] = references.best(_codes(projector, undone), ask)
    return np.array(rows)


def _codes(projector: Projector, excerpt: Spectrogram) -> Floats:
    return projector.project(normalise_level(excerpt.power), fine=True)


def report(name: str, seconds: float, found: NDArray[np.float64], reported_above: float) -> str:
    """One line of the table: shares first, reported, placed; unchanged, then with the change undone."""
    parts = []
    for copy in (0, 1):
        own, error_s, other = found[:, copy].T
        named = own > other
        parts.append(
            f"{100 * named.mean():4.0f} /{100 * (own > max(reported_above, 0)).mean():4.0f}"
            f" /{100 * (error_s < 0.25).mean():4.0f}"
        )
    return f"{name:18s} {seconds:3.0f} s   {parts[0]}   {parts[1]}"


def main() -> None:
    """Print the shares ranked first, reported and placed, for each condition and length."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("corpus", "cache", "model"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--queries", type=int, default=30)
    parser.add_argument("--conditions", nargs="+", default=list(CONDITIONS))
    parser.add_argument("--seconds", type=float, nargs="+", default=[8.0, 3.0])
    args = parser.parse_args()
    projector = Projector([(args.model / name).read_bytes() for name in NET_PARTS], PARAMS)
    chosen = [s for s in sources(args.corpus, role="validation") if s.kind in KINDS]
    tracks = list(range(len(chosen)))
    corpus = Corpus.open(args.corpus)
    laid_over = {t.path for kind in KINDS for t in corpus.overlays(role="validation", kind=kind)}
    ours = {Path(source.path).name for source in chosen}
    train = [s for s in sources(args.corpus, role="train") if s.kind in KINDS]
    distractors = [s for s in train if s.path not in laid_over and Path(s.path).name not in ours]
    references = References.of(projector, [*chosen, *distractors], args)
    queries = {name: excerpts(name, CONDITIONS[name], tracks, args) for name in args.conditions}
    for seconds in args.seconds:
        found = {
            name: look(references, projector, CONDITIONS[name], asks, seconds)
            for name, asks in queries.items()
        }
        others = np.concatenate([table[:, 0, 2] for table in found.values()])
        reported_above = float(np.quantile(others, 0.99))
        print(f"{seconds:g} s: reported above {reported_above:.2f}; {len(references.codes)} codes")
        for name, table in found.items():
            print(report(name, seconds, table, reported_above), flush=True)


if __name__ == "__main__":
    main()
