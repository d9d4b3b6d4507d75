"""Queries constructed from known pieces, with the expected answer to each.

Test music is cut, joined, transcoded, changed and mixed with speech; loops and the audio between pieces are
music that is in no index of the evaluation (`benchmarks.data.overlays`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from math import log2
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.data.audio_io import RATE_HZ, Sound1, encode, mono, read
from benchmarks.data.corpus import Corpus, Track
from benchmarks.data.degrade import chance
from benchmarks.data.overlays import Material
from benchmarks.data.queries import Excerpt, degraded, once, pick, wav
from benchmarks.runs.changes import changed
from earwitness.index.match import Change, MatchClass

PIECE_S: Final = 8.0
GAP_S: Final = 4.0
"""Seconds of absent music between two pieces of one work."""

LOOP_S: Final = 3.0
"""Seconds of a loop; it is played twice, alone, before the piece that it opens."""

HOSTS: Final = 6
"""Tracks that share a loop."""

QUERIES_PER_LOOP: Final = 5
"""Queries for each loop."""

HOST_S: Final = 40.0
ITEMS: Final = 4
"""Short items cut from one track; the full track is then the query."""

LOUDNESS: Final = 0.1
WHOLE_S: Final = (30.0, 150.0)
"""Tracks of this length in seconds are queries in full length."""

Span = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One stretch of a query that an indexed recording contains; spans in seconds."""

    track: str
    kind: MatchClass
    query: Span
    reference: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstructedQuery:
    """One query and its expected answer.

    Attributes
    ----------
    case : str
        How it was constructed.
    sound : callable
        Returns the bytes of the query's file.
    made : bool
        Whether it is searched in the constructed tracks instead of the corpus.
    """

    id: str
    case: str
    sound: Callable[[], bytes]
    expected: tuple[Expected, ...]
    made: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryBuilder:
    """Material and settings from which queries are constructed.

    Attributes
    ----------
    works : tuple of Track
        Tracks in the corpus's index, no two of the same recording.
    folder : Path
        Folder of constructed tracks and degraded excerpts.
    """

    corpus: Corpus
    works: tuple[Track, ...]
    folder: Path
    seed: int
    material: Material = field(repr=False)

    def chance(self, what: str, number: int) -> np.random.Generator:
        """Return a random generator for one query or one constructed track."""
        return chance(self.seed, f"truths/{what}", str(number))

    def places(self, what: str, n: int, *, least_s: float = 0.0) -> Iterator[tuple[Track, float]]:
        """Yield pieces of `PIECE_S` that are not silent, evenly from the works of `least_s` or more."""
        # each purpose has excerpts of its own
        offset = int.from_bytes(hashlib.sha256(what.encode()).digest()[:3], "big")
        at = {track.path: track for track in self.works if track.duration_s >= least_s}
        drawn = pick(self.corpus.root, list(at.values()), n=n, longest_s=PIECE_S, seed=self.seed + offset)
        for one in drawn:
            yield at[one.path], one.start_s

    def cut(self, track: Track, start_s: float, length_s: float) -> Sound1:
        """Return a stretch of a track at the common loudness."""
        return _level(mono(read(self.corpus.root / track.path, start_s=start_s, length_s=length_s)))

    def absent_music(self, rng: np.random.Generator, length_s: float) -> Sound1:
        """Return music that is in no index."""
        return _level(self.material.music(rng, round(length_s * RATE_HZ)))

    def full_track(self, track: Track) -> Sound1:
        """Return all samples of a track."""
        return mono(read(self.corpus.root / track.path))


def _level(sound: Sound1) -> Sound1:
    loudness = float(np.sqrt(np.mean(np.square(sound)))) + 1e-9
    return np.asarray(sound * (LOUDNESS / loudness), dtype=np.float32)


def joined(parts: Sequence[Sound1], *, fade_s: float = 0.05) -> Sound1:
    """Return sounds one after another, each faded in and out to avoid clicks."""
    ramp = np.linspace(0, 1, round(fade_s * RATE_HZ), dtype=np.float32)
    faded = []
    for part in parts:
        sound = part.copy()
        sound[: ramp.size] *= ramp
        sound[-ramp.size :] *= ramp[::-1]
        faded.append(sound)
    return np.concatenate(faded)


def equalised(sound: Sound1, rng: np.random.Generator) -> Sound1:
    """Return a sound with a random gain of up to 9 dB in each octave."""
    hertz = np.fft.rfftfreq(sound.size, 1 / RATE_HZ)
    octaves = np.log2(np.maximum(hertz, 31.25) / 31.25)
    gain_db = np.interp(octaves, np.arange(10), rng.uniform(-9, 9, 10))
    turned = np.fft.irfft(np.fft.rfft(sound) * 10 ** (gain_db / 20), sound.size)
    return _level(np.asarray(turned, dtype=np.float32))


TRANSCODED: Final = {"mp3 128k": ("mp3", 128_000), "opus 64k": ("opus", 64_000), "aac 96k": ("aac", 96_000)}
ALTERED: Final[dict[str, Callable[[Sound1, np.random.Generator], Sound1]]] = {
    "speed": lambda sound, rng: changed(sound, Change(speed=_off(rng, 0.05, 0.2))),
    "pitch": lambda sound, rng: changed(sound, Change(pitch_cents=round(1200 * log2(_off(rng, 0.05, 0.2))))),
    "tempo": lambda sound, rng: changed(sound, Change(tempo=_off(rng, 0.05, 0.2))),
    "equalised": equalised,
}  # fmt: skip
EXCERPTS: Final = ("clean", "mp3_32k", "opus_12k")
OVERLAID: Final = ("speech_0", "music_0", "speech_-6")


def _off(rng: np.random.Generator, least: float, most: float) -> float:
    """Return a random ratio that differs from 1 by `least` to `most`."""
    return float(1 + rng.choice([-1, 1]) * rng.uniform(least, most))


def classes(builder: QueryBuilder, n: int) -> Iterator[ConstructedQuery]:
    """Yield about `n` queries of every class of match."""
    yield from whole_files(builder, n)
    yield from excerpts(builder, n, EXCERPTS, MatchClass.EXCERPT)
    yield from excerpts(builder, n, OVERLAID, MatchClass.EXCERPT_UNDER_OTHER_AUDIO)
    yield from loops(builder, n)


def whole_files(builder: QueryBuilder, n: int) -> Iterator[ConstructedQuery]:
    """Yield full tracks, transcoded (exact copies) and altered (modified copies)."""
    usable = [track for track in builder.works if WHOLE_S[0] < track.duration_s < WHOLE_S[1]]
    for number in range(n):
        track = usable[number % len(usable)]
        codec = list(TRANSCODED)[number % len(TRANSCODED)]
        change = list(ALTERED)[number % len(ALTERED)]
        rng = builder.chance("altered", number)
        for case, sound, kind in (
            (f"whole, {codec}", partial(_transcoded, builder, track, codec), MatchClass.EXACT),
            (f"whole, {change}", partial(_altered, builder, track, change, rng), MatchClass.MODIFIED),
        ):
            all_of_it = Expected(
                track=track.path, kind=kind, query=(0.0, track.duration_s), reference=(0.0, track.duration_s)
            )
            yield ConstructedQuery(id=f"{kind}-{number:03d}", case=case, sound=sound, expected=(all_of_it,))


def _transcoded(builder: QueryBuilder, track: Track, codec: str) -> bytes:
    name, bit_rate = TRANSCODED[codec]
    return encode(builder.full_track(track), codec=name, bit_rate=bit_rate)


def _altered(builder: QueryBuilder, track: Track, change: str, rng: np.random.Generator) -> bytes:
    return wav(_level(ALTERED[change](builder.full_track(track), rng)))


def excerpts(
    builder: QueryBuilder, n: int, conditions: Sequence[str], kind: MatchClass
) -> Iterator[ConstructedQuery]:
    """Yield excerpts of `PIECE_S` under each condition in turn."""
    chosen = pick(builder.corpus.root, builder.works, n=n, longest_s=PIECE_S, seed=builder.seed)
    for number, excerpt in enumerate(chosen):
        condition = conditions[number % len(conditions)]
        sound = partial(_degraded, builder, excerpt, condition)
        piece = _piece(excerpt.path, excerpt.start_s, at_s=0.0, kind=kind)
        yield ConstructedQuery(id=f"{kind}-{number:03d}", case=condition, sound=sound, expected=(piece,))


def _degraded(builder: QueryBuilder, excerpt: Excerpt, condition: str) -> bytes:
    file = degraded(
        builder.corpus.root, excerpt, condition, longest_s=PIECE_S, seed=builder.seed,
        material=builder.material, folder=builder.folder / "queries",
    )  # fmt: skip
    return file.read_bytes()


def _piece(track: str, start_s: float, *, at_s: float, kind: MatchClass = MatchClass.EXCERPT) -> Expected:
    return Expected(
        track=track, kind=kind, query=(at_s, at_s + PIECE_S), reference=(start_s, start_s + PIECE_S)
    )


def n_loops(n: int) -> int:
    """Return the number of loops for `n` queries."""
    return -(-n // QUERIES_PER_LOOP)


def loop(builder: QueryBuilder, group: int) -> Sound1:
    """Return a loop, played twice."""
    once_played = builder.absent_music(builder.chance("loop", group), LOOP_S)
    return joined([once_played, once_played], fade_s=0.01)


def hosts(group: int) -> list[str]:
    """Return names of the constructed tracks that begin with a loop."""
    return [f"host-{group:02d}-{member}.wav" for member in range(HOSTS)]


def loops(builder: QueryBuilder, n: int) -> Iterator[ConstructedQuery]:
    """Yield queries of a loop and absent music: only the loop is indexed, in several recordings."""
    for number in range(n):
        group = number // QUERIES_PER_LOOP
        span = (0.0, 2 * LOOP_S)
        kind = MatchClass.SHARED_MATERIAL
        expected = tuple(Expected(track=name, kind=kind, query=span, reference=span) for name in hosts(group))
        sound = partial(_opened, builder, group, builder.chance("opened", number))
        yield ConstructedQuery(
            id=f"{kind}-{number:03d}", case="loop", sound=sound, expected=expected, made=True
        )


def _opened(builder: QueryBuilder, group: int, rng: np.random.Generator) -> bytes:
    return wav(joined([loop(builder, group), builder.absent_music(rng, PIECE_S)]))


def structures(builder: QueryBuilder, n: int) -> Iterator[ConstructedQuery]:
    """Yield `n` queries of each structure: several works, several places, repeats, long against short."""
    yield from medleys(builder, n)
    yield from places_of_one(builder, n)
    yield from whole_against_items(builder, n)
    for number, (track, start_s) in enumerate(builder.places("reverse", n)):
        sound = partial(_joined, builder, [(track, start_s)])
        piece = _piece(track.path, start_s, at_s=0.0)
        yield ConstructedQuery(
            id=f"short-{number:03d}", case="8 s against whole tracks", sound=sound, expected=(piece,)
        )


def medleys(builder: QueryBuilder, n: int) -> Iterator[ConstructedQuery]:
    """Yield queries of three works one after another."""
    every = builder.places("medley", 3 * n)
    for number in range(n):
        parts = list(islice(every, 3))
        expected = tuple(
            _piece(track.path, start_s, at_s=PIECE_S * place) for place, (track, start_s) in enumerate(parts)
        )
        sound = partial(_joined, builder, parts)
        yield ConstructedQuery(
            id=f"medley-{number:03d}", case="medley of three works", sound=sound, expected=expected
        )


def places_of_one(builder: QueryBuilder, n: int) -> Iterator[ConstructedQuery]:
    """Yield two places of one work, and one place twice, with absent music between them."""
    for number, (track, start_s) in enumerate(builder.places("places", n, least_s=4 * PIECE_S)):
        half = track.duration_s / 2
        other_s = (start_s + half) % max(track.duration_s - PIECE_S, 1.0)
        rng = builder.chance("between", number)
        for case, second_s in (("two places of one work", other_s), ("one place twice", start_s)):
            expected = (
                _piece(track.path, start_s, at_s=0.0),
                _piece(track.path, second_s, at_s=PIECE_S + GAP_S),
            )
            between = builder.absent_music(rng, GAP_S)
            sound = partial(_joined, builder, [(track, start_s), (track, second_s)], between)
            yield ConstructedQuery(id=f"places-{number:03d}", case=case, sound=sound, expected=expected)


def _joined(
    builder: QueryBuilder, parts: Sequence[tuple[Track, float]], between: Sound1 | None = None
) -> bytes:
    sounds = [builder.cut(track, start_s, PIECE_S) for track, start_s in parts]
    if between is not None:
        sounds.insert(1, between)
    return wav(joined(sounds))


def itemised(builder: QueryBuilder, n: int) -> list[Track]:
    """Return the tracks that short items are cut from."""
    first_half = builder.works[: len(builder.works) // 2]  # the other half is for loops
    return [track for track in first_half if WHOLE_S[0] + 10 < track.duration_s < WHOLE_S[1]][:n]


def item_places(track: Track) -> list[tuple[str, float]]:
    """Return names and starts of a track's items, evenly spaced between its fades."""
    mark = hashlib.sha256(track.path.encode()).hexdigest()[:8]
    starts = np.linspace(3.0, track.duration_s - PIECE_S - 3.0, ITEMS)
    return [(f"item-{mark}-{k}.wav", round(float(start_s), 2)) for k, start_s in enumerate(starts)]


def whole_against_items(builder: QueryBuilder, n: int) -> Iterator[ConstructedQuery]:
    """Yield full tracks, to be searched in items of 8 s, four of which were cut from each track."""
    for number, track in enumerate(itemised(builder, n)):
        expected = tuple(
            Expected(
                track=name, kind=MatchClass.EXCERPT,
                query=(start_s, start_s + PIECE_S), reference=(0.0, PIECE_S),
            )
            for name, start_s in item_places(track)
        )  # fmt: skip
        sound = partial(_whole, builder, track)
        case = "whole track against 8 s items"
        yield ConstructedQuery(id=f"whole-{number:03d}", case=case, sound=sound, expected=expected, made=True)


def _whole(builder: QueryBuilder, track: Track) -> bytes:
    return wav(_level(builder.full_track(track)))


def made_tracks(builder: QueryBuilder, *, n_classes: int, n_structures: int) -> tuple[Path, list[Track]]:
    """Return the folder and list of constructed tracks: tracks that begin with a loop, and items of 8 s."""
    folder = builder.folder / "made"
    sounds: dict[str, Callable[[], bytes]] = {}
    for group in range(n_loops(n_classes)):
        for member, name in enumerate(hosts(group)):
            sounds[name] = partial(_host, builder, group, member)
    for track in itemised(builder, n_structures):
        for name, start_s in item_places(track):
            sounds[name] = partial(_joined, builder, [(track, start_s)])
    return folder, [_listed(once(folder / name, make)) for name, make in sounds.items()]


def _host(builder: QueryBuilder, group: int, member: int) -> bytes:
    """Return a loop followed by a stretch of a work that no other constructed track contains."""
    second_half = builder.works[len(builder.works) // 2 :]
    track = second_half[(group * HOSTS + member) % len(second_half)]
    start_s = max(0.0, min(10.0, track.duration_s - HOST_S))
    return wav(joined([loop(builder, group), builder.cut(track, start_s, HOST_S)]))


def _listed(file: Path) -> Track:
    data = file.read_bytes()
    return Track(
        path=file.name, package="made", kind="music", role="test", overlay_for=None,
        duration_s=(len(data) - 44) / 2 / RATE_HZ, license="", sha256=hashlib.sha256(data).hexdigest(),
        dup_group=None, self_repeat_s=0.0, self_repeat_lag_s=0.0,
    )  # fmt: skip
