"""Items with many short parts of one work: each is a segment at its place, and coverage is their sum."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from earwitness.fingerprint.types import Spectrogram
from earwitness.index.match import Effort, Match, covered_s
from earwitness.index.matching.alignment import Alignment
from earwitness.index.matching.candidates import QueryVariant
from earwitness.index.matching.effort import UNCHANGED, Variant
from earwitness.index.matching.identify import identify
from earwitness.index.matching.segment_ends import copies_in
from tests.unit.index.synthetic_index import (
    CALIBRATION,
    EXTRACTOR,
    MemoryLibrary,
    background,
    cut,
    join,
    music,
)

WORK_S = 120.0
WORK = music(0, WORK_S)
Place = tuple[float, float, float, float]
"""Start and end in the item, and in the work, in seconds."""


@pytest.fixture(scope="module")
def library() -> MemoryLibrary:
    """A long work and some others, indexed."""
    library = MemoryLibrary(EXTRACTOR, background())
    library.add(WORK)
    for seed in range(1, 10):
        library.add(music(seed, 45.0))
    return library


def match_with_work(library: MemoryLibrary, sound: Spectrogram) -> Match:
    """The match with the long work."""
    matches = identify(EXTRACTOR.query(sound), library, collections=[1], effort=Effort.FAST)
    return next(match for match in matches if match.recording == 0)


def laid(spans: list[tuple[float, float]], others: Iterator[Spectrogram]) -> tuple[Spectrogram, list[Place]]:
    """Places of the work, given by start and length, each after some other sound."""
    parts, places, now_s = list[Spectrogram](), list[Place](), 0.0
    for start_s, length_s in spans:
        place = cut(WORK, start_s, start_s + length_s)
        parts += [next(others), place]
        now_s += len(parts[-2].power) * place.frame_s
        end_s = now_s + len(place.power) * place.frame_s
        places.append((now_s, end_s, start_s, start_s + length_s))
        now_s = end_s
    return join(*parts, next(others)), places


def absent_music(least_s: float = 3.0, most_s: float = 6.0) -> Iterator[Spectrogram]:
    """Music that no library holds."""
    rng, seed = np.random.default_rng(1), 900
    while True:
        yield music(seed, float(rng.uniform(least_s, most_s)))
        seed += 1


def other_work() -> Iterator[Spectrogram]:
    """Places of 4 s of another work of the library."""
    rng, work = np.random.default_rng(2), music(3, 45.0)
    while True:
        start_s = float(rng.uniform(0, 40))
        yield cut(work, start_s, start_s + 4.0)


def starts(n: int, n_starts: int, lengths_s: tuple[float, float] = (4.0, 4.0)) -> list[tuple[float, float]]:
    """So many places, which begin at so many moments of the work."""
    rng = np.random.default_rng(n + n_starts)
    at = rng.uniform(2, WORK_S - 8, n_starts)
    return [(float(rng.choice(at)), float(rng.uniform(*lengths_s))) for _ in range(n)]


CASES = {
    "60 places of 4 s": (starts(60, 60), absent_music),
    "60 places of 4 s of 6 moments": (starts(60, 6), absent_music),
    "60 places of 4 s of one moment": (starts(60, 1), absent_music),
    "100 places of 4 s of 6 moments": (starts(100, 6), absent_music),
    "places of 2 to 6 s": (starts(40, 40, (2.0, 6.0)), absent_music),
    "one long place": ([(30.0, 50.0)], absent_music),
    "two works by turns": (starts(30, 30), other_work),
}


@pytest.mark.parametrize("case", CASES)
def test_coverage_is_what_the_places_cover(library: MemoryLibrary, case: str) -> None:
    """Coverage is within 5 points of the truth, nine of ten ends within 0.6 s, and all on the right line."""
    spans, others = CASES[case]
    sound, places = laid(spans, others())
    match = match_with_work(library, sound)
    item_s = len(sound.power) * sound.frame_s
    assert match.query_coverage == pytest.approx(covered_s(p[:2] for p in places) / item_s, abs=0.05)
    assert match.reference_coverage == pytest.approx(covered_s(p[2:] for p in places) / WORK_S, abs=0.05)
    ends_off, lines_off = list[float](), list[float]()
    for segment in match.segments:
        start_s, end_s = segment.query_start_s, segment.query_end_s
        place = max(places, key=lambda p: min(p[1], end_s) - max(p[0], start_s))
        ends_off += [abs(start_s - place[0]), abs(end_s - place[1])]
        lines_off.append(abs(segment.reference_start_s - start_s - (place[2] - place[0])))
    assert np.percentile(ends_off, 90) < 0.6
    assert max(lines_off) < 0.3


@pytest.mark.parametrize("seconds", [3.0, 4.0, 5.0])
def test_a_short_loop_is_found_each_time(library: MemoryLibrary, seconds: float) -> None:
    """A loop of 3 to 5 s that plays for a minute covers all of the item, and of the work only itself."""
    match = match_with_work(library, join(*[cut(WORK, 40.0, 40.0 + seconds)] * int(60 / seconds)))
    assert match.query_coverage > 0.95
    assert match.reference_coverage == pytest.approx(seconds / WORK_S, abs=0.02)


def path(similarity: list[float], frames_off: list[int]) -> Alignment:
    """An alignment with these similarities, so many query frames off a straight line."""
    n = len(similarity)
    query_variant = QueryVariant(
        variant=Variant(change=UNCHANGED, weight=1.0),
        frames=np.zeros((4 * n + 40, 2), np.float32),
        mean=np.zeros(4 * n + 40, np.float32),
        inverse_sd=np.full(4 * n + 40, 8.0, np.float32),
        hop_s=0.125,
    )
    return Alignment(
        recording=0,
        query_variant=query_variant,
        codes=np.arange(10, 10 + n, dtype=np.int32),
        query_frames=np.asarray(20 + 4 * np.arange(n) + np.asarray(frames_off), dtype=np.int32),
        similarity=np.asarray(similarity, np.float32),
        score=100.0,
    )


@pytest.mark.parametrize(
    ("beyond", "drift", "stays"),
    [(2, 0, False), (3, 0, False), (5, 0, True), (8, 0, True), (5, 1, False), (8, 1, False)],
)
@pytest.mark.parametrize("first", [True, False])
def test_an_alignment_ends_where_its_copy_ends(beyond: int, drift: int, stays: bool, first: bool) -> None:
    """Similar sound beyond a copy is cut off; a copy that continues under other sound is not."""
    similarity, off = [0.95] * 10 + [0.4] * beyond, [0] * 10 + [drift * k for k in range(1, beyond + 1)]
    if first:
        similarity, off = similarity[::-1], [-each for each in off[::-1]]
    [copy] = copies_in(path(similarity, off), CALIBRATION)
    assert len(copy.codes) == (10 + beyond if stays else 10)


def test_an_alignment_over_two_copies_is_two_segments() -> None:
    """Where an alignment continues over similar sound to another line, each side is a copy of its own."""
    similarity = [0.95] * 8 + [0.4] * 8 + [0.95] * 8
    copies = copies_in(path(similarity, [0] * 8 + list(range(1, 9)) + [8] * 8), CALIBRATION)
    assert [len(copy.codes) for copy in copies] == [8, 8]
    [covered] = copies_in(path(similarity, [0] * 24), CALIBRATION)
    assert len(covered.codes) == 24
