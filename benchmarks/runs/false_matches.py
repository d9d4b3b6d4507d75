"""False matches by kind of sound: claimed E-values against counted matches of absent queries.

    python -m benchmarks kinds material --corpus corpus
    python -m benchmarks false-matches --material material --side test --efforts fast standard full

For each kind, its references are indexed, and excerpts of its queries are searched with the product's
matching: pieces of the same makers (a voice, a kit, a soundfont), but no recording in common. Every match is
therefore false. In the same run, degraded excerpts of the references are searched, so that what a change of
the statistics costs is seen beside what it gains. ``--side fit`` is for fitting, ``--side test`` judges.

With ``--references 5``, each maker has an index of its own, of five of its pieces: an album, and another
piece by the same musician.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from math import ceil
from pathlib import Path
from typing import Final, get_args

import faiss
import numpy as np
import soxr
from numpy.typing import NDArray

from benchmarks.data.audio_io import RATE_HZ, read
from benchmarks.data.corpus import Corpus
from benchmarks.data.degrade import CONDITIONS, degrade
from benchmarks.data.kinds.make import read_list
from benchmarks.data.kinds.makers import SIDES, Part, Piece
from benchmarks.data.overlays import Material
from benchmarks.report.false_match_tables import false_matches_table, plot_false_matches, recall_table
from benchmarks.report.records import record, save
from benchmarks.runs.calibrate import same_sound
from benchmarks.systems.leave_out_library import (
    COLLECTIONS,
    LeaveOutLibrary,
    as_power,
    as_query,
    build_library,
)
from benchmarks.systems.spawned_workers import spawned_workers
from benchmarks.training.data import Source, cached, decibels
from earwitness.fingerprint.extract import extractor
from earwitness.fingerprint.types import Spectrogram
from earwitness.index.match import Effort, Match
from earwitness.index.matching.identify import identify
from earwitness.index.matching.verdict import verdict
from earwitness.index.statistics.calibration import CALIBRATION_FILE

MAX_E: Final = 0.3
"""Matches up to this E-value are recorded."""

MOST_ANSWERS: Final = 5
"""Matches of a query that are recorded with their places; of the others only E-value and class."""

RECORDED: Final = frozenset({"package_music", "human_voice", "birds_weather", "babble_hum"})
"""Kinds of recorded sounds: two files may hold one recording, so a match is checked for the same sound."""

DEGRADED: Final = (
    "clean",
    "mp3_32k",
    "opus_12k",
    "pink_0",
    "band_300_3400",
    "reverb",
    "speed_+3",
    "pitch_+1",
)
"""Conditions of the excerpts of references; none needs other audio."""

QUIET: Final = 1e-3
"""An excerpt whose mean power is below this share of its piece's is not searched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One match with its places in seconds: start and end in the query, start and end in the reference."""

    piece: str
    e: float
    kind: str
    extrapolated: bool
    similarity: float
    at: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One searched query.

    Attributes
    ----------
    condition : str or None
        None for an absent query, else how the excerpt of a reference was degraded.
    e_values, classes : tuple
        Of all false matches up to ``MAX_E``; for an excerpt of a reference, matches of other references.
    same : tuple of float
        E-values of matches where both places hold the same sound: right, and not counted.
    right : float or None
        E-value of the match of the right reference, for an excerpt of a reference.
    answers : tuple of Answer
        The best matches of all.
    """

    kind: str
    maker: str
    piece: str
    start_s: float
    length_s: float
    effort: str
    condition: str | None
    verdict: str
    e_values: tuple[float, ...]
    classes: tuple[str, ...]
    same: tuple[float, ...]
    right: float | None
    answers: tuple[Answer, ...]
    took_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """The references of one kind in an index, and the pieces that are queried."""

    kind: str
    library: LeaveOutLibrary
    references: tuple[Piece, ...]
    queries: tuple[Piece, ...]
    material: Path
    cache: Path

    @property
    def frame_s(self) -> float:
        """Seconds between two frames of a spectrogram."""
        return self.library.extractor.params.frame_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """A place in a piece; ``condition`` is None for an absent query."""

    piece: Piece
    start_s: float
    length_s: float
    condition: str | None


def source_of(piece: Piece) -> Source:
    """Return a piece as a source of the cached spectrograms."""
    return Source(path=piece.path, package=piece.maker, license=piece.licence, kind="music", role="test")


def open_collection(own: Sequence[Piece], *, most: int | None, material: Path, cache: Path) -> Collection:
    """Index the references of one kind, or the first `most` of them; fingerprints are cached."""
    references = tuple(piece for piece in own if piece.part == "reference")[:most]
    sources = [source_of(piece) for piece in references]
    return Collection(
        kind=own[0].kind,
        library=build_library(sources, extractor(), corpus=material, cache=cache),
        references=references,
        queries=tuple(piece for piece in own if piece.part == "query"),
        material=material,
        cache=cache,
    )


def indexed_together(pieces: Sequence[Piece], kind: str, *, by_maker: bool) -> list[list[Piece]]:
    """Return the pieces of a kind whose references share an index: all, or those of each maker."""
    own = [piece for piece in pieces if piece.kind == kind]
    makers = sorted({piece.maker for piece in own})
    groups = [[piece for piece in own if piece.maker == maker] for maker in makers] if by_maker else [own]
    return [group for group in groups if len({piece.part for piece in group}) == len(get_args(Part))]


def draw(
    pieces: Sequence[Piece], length_s: float, n: int, *, conditions: Sequence[str | None], seed: int
) -> Iterator[Excerpt]:
    """Yield excerpts: makers in turn, their pieces in turn, conditions in turn, at random places."""
    usable = [piece for piece in pieces if piece.duration_s > 1.25 * length_s]
    makers = sorted({piece.maker for piece in usable})
    of_maker = {maker: [piece for piece in usable if piece.maker == maker] for maker in makers}
    rng = np.random.default_rng([seed, round(1000 * length_s)])
    for number in range(n if usable else 0):
        own = of_maker[makers[number % len(makers)]]
        piece = own[number // len(makers) % len(own)]
        condition = conditions[number % len(conditions)]
        stretch = CONDITIONS[condition].stretch if condition else 1.0
        last_s = max(piece.duration_s - length_s * stretch - 0.1, 0.0)
        start_s = float(rng.uniform(0, last_s))
        yield Excerpt(piece=piece, start_s=round(start_s, 3), length_s=length_s, condition=condition)


def power_of(collection: Collection, excerpt: Excerpt, overlays: Material) -> Spectrogram | None:
    """Return the spectrogram of an excerpt, or None where an absent one is nearly silent."""
    frame_s = collection.frame_s
    if excerpt.condition is not None:
        return Spectrogram(power=_degraded(collection, excerpt, excerpt.condition, overlays), frame_s=frame_s)
    whole = cached(source_of(excerpt.piece), corpus=collection.material, cache=collection.cache)
    first, n_frames = round(excerpt.start_s / frame_s), round(excerpt.length_s / frame_s)
    power = as_power(whole[first : first + n_frames])
    quiet = len(power) < n_frames or power.mean() < QUIET * as_power(whole).mean()
    return None if quiet else Spectrogram(power=power, frame_s=frame_s)


def _degraded(
    collection: Collection, excerpt: Excerpt, condition: str, overlays: Material
) -> NDArray[np.float32]:
    clip = read(
        collection.material / excerpt.piece.path,
        start_s=excerpt.start_s,
        length_s=excerpt.length_s * CONDITIONS[condition].stretch,
    )
    name = f"{excerpt.piece.path}@{excerpt.start_s:.2f}"
    sound = degrade(clip, condition, seed=0, query_id=name, material=overlays)
    rate_hz = collection.library.extractor.params.rate_hz
    sound = soxr.resample(sound[: round(excerpt.length_s * RATE_HZ)], RATE_HZ, rate_hz, quality="HQ")
    return as_power(decibels(sound))


def search(collection: Collection, excerpt: Excerpt, sound: Spectrogram, effort: Effort) -> Outcome:
    """Search an excerpt, and sort its matches into right and false ones."""
    before = time.perf_counter()
    matches = identify(
        as_query(sound, collection.library.extractor),
        collection.library,
        collections=COLLECTIONS,
        effort=effort,
        max_e_value=MAX_E,
    )
    took_s = round(time.perf_counter() - before, 4)
    named = [(match, collection.references[match.recording].piece) for match in matches]
    present = excerpt.condition is not None
    others = [match for match, piece in named if not (present and piece == excerpt.piece.piece)]
    same = [match for match in others if _same(collection, excerpt, match)]
    false = [match for match in others if match not in same]
    right = [match.e_value for match, piece in named if present and piece == excerpt.piece.piece]
    return Outcome(
        kind=collection.kind,
        maker=excerpt.piece.maker,
        piece=excerpt.piece.piece,
        start_s=round(excerpt.start_s, 2),
        length_s=excerpt.length_s,
        effort=effort.value,
        condition=excerpt.condition,
        verdict=verdict(matches, whole=True, active_s=excerpt.length_s, effort=effort).value,
        e_values=tuple(_short(match.e_value) for match in false),
        classes=tuple(match.kind.value for match in false),
        same=tuple(_short(match.e_value) for match in same),
        right=_short(min(right)) if right else None,
        answers=tuple(_answer(match, piece) for match, piece in named[:MOST_ANSWERS]),
        took_s=took_s,
    )


def _short(number: float) -> float:
    return float(f"{number:.4g}")


def _answer(match: Match, piece: str) -> Answer:
    segment = min(match.segments, key=lambda one: one.e_value)
    places = (
        segment.query_start_s,
        segment.query_end_s,
        segment.reference_start_s,
        segment.reference_end_s,
    )
    return Answer(
        piece=piece,
        e=_short(match.e_value),
        kind=match.kind.value,
        extrapolated=match.e_extrapolated,
        similarity=round(float(match.similarity), 3),
        at=(round(places[0], 2), round(places[1], 2), round(places[2], 2), round(places[3], 2)),
    )


def _same(collection: Collection, excerpt: Excerpt, match: Match) -> bool:
    """Return whether a match of recorded sounds holds one recording in two files."""
    own = collection.material / excerpt.piece.path
    there = collection.material / collection.references[match.recording].path
    return collection.kind in RECORDED and same_sound(own, excerpt.start_s, there, match)


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks false-matches", description=__doc__)
    parser.add_argument(
        "--material", type=Path, default=Path("material"), help="folder of `benchmarks kinds`"
    )
    parser.add_argument("--cache", type=Path, help="folder of cached spectrograms; default in the material")
    parser.add_argument("--corpus", type=Path, default=Path("corpus"), help="noises for some conditions")
    parser.add_argument("--side", choices=SIDES, default="test")
    parser.add_argument("--kinds", nargs="+", help="default: all that the material has")
    parser.add_argument("--lengths", nargs="+", type=float, default=[3.0, 8.0], help="seconds")
    parser.add_argument("--efforts", nargs="+", type=Effort, default=[Effort.FAST])
    parser.add_argument("--queries", type=int, default=2000, help="absent queries of each kind and length")
    parser.add_argument("--present", type=int, default=80, help="excerpts of references, likewise")
    parser.add_argument(
        "--references", type=int, help="index each maker by itself, with so many of its references"
    )
    parser.add_argument("--conditions", nargs="+", choices=sorted(CONDITIONS), default=list(DEGRADED))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--record", help="name of the record of raw answers")
    parser.add_argument("--plot", type=Path)
    return parser.parse_args(argv)


def search_share(options: argparse.Namespace, worker: int) -> list[Outcome]:
    """Return one worker's share of the queries, and print each kind as it is done."""
    faiss.omp_set_num_threads(1)
    overlays = Material(Corpus.open(options.corpus))
    pieces = [piece for piece in read_list(options.material) if piece.side == options.side]
    outcomes: list[Outcome] = []
    for kind in options.kinds or sorted({piece.kind for piece in pieces}):
        groups = indexed_together(pieces, kind, by_maker=options.references is not None)
        if not groups:
            print(f"{kind} has no references on the side {options.side}: it is not searched", file=sys.stderr)
        for group in groups:
            collection = open_collection(
                group, most=options.references, material=options.material, cache=options.cache
            )
            outcomes += _search_share_of(collection, options, overlays, worker, n_groups=len(groups))
        print(f"worker {worker}: {kind} is searched", file=sys.stderr, flush=True)
    return outcomes


def _search_share_of(
    collection: Collection, options: argparse.Namespace, overlays: Material, worker: int, *, n_groups: int
) -> Iterator[Outcome]:
    """Yield the outcomes of one worker's share of a collection's queries; each group has as many."""
    n_absent, n_present = ceil(options.queries / n_groups), ceil(options.present / n_groups)
    for length_s in options.lengths:
        absent = draw(collection.queries, length_s, n_absent, conditions=[None], seed=options.seed)
        present = draw(
            collection.references, length_s, n_present, conditions=options.conditions, seed=options.seed + 1
        )
        for number, excerpt in enumerate((*absent, *present)):
            sound = None
            if number % options.workers == worker:
                sound = power_of(collection, excerpt, overlays)
            if sound is not None:
                yield from (search(collection, excerpt, sound, effort) for effort in options.efforts)


def main(argv: Sequence[str]) -> int:
    """Search the queries of each kind, and print claimed beside counted false matches."""
    options = _arguments(argv)
    options.cache = options.cache or options.material / "cache"
    with spawned_workers(options.workers) as pool:
        shares = list(pool.map(search_share, [options] * options.workers, range(options.workers)))
    rows = [asdict(outcome) for share in shares for outcome in share]
    print("\n".join([*false_matches_table(rows), "", *recall_table(rows)]))
    if options.record:
        calibration = extractor().model_file(CALIBRATION_FILE).read_text(encoding="utf-8")
        settings = {
            "side": options.side,
            "lengths_s": options.lengths,
            "efforts": [effort.value for effort in options.efforts],
            "queries": options.queries,
            "references": options.references,
            "calibration": json.loads(calibration),
        }
        made = record(
            "false-matches", scheme=extractor().scheme, seed=options.seed, options=settings, rows=rows
        )
        print(save(made, options.record))
    if options.plot:
        plot_false_matches(rows, options.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
