"""Recordings that share their sounds but no recording: chance is estimated from the index itself."""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from benchmarks.data.kinds.chiptunes import RATE_HZ as CHIP_RATE_HZ
from benchmarks.data.kinds.chiptunes import makers as chips
from benchmarks.data.kinds.drum_machines import RATE_HZ as DRUM_RATE_HZ
from benchmarks.data.kinds.drum_machines import computed_kit, play_patterns
from earwitness.fingerprint.extract import extractor
from earwitness.fingerprint.spectrogram import spectrogram
from earwitness.fingerprint.types import RATE_HZ, Spectrogram, Waveform
from earwitness.index.match import Effort, Match
from earwitness.index.matching import related
from earwitness.index.matching.identify import identify
from earwitness.index.matching.verdict import MATCH_E_VALUE, POSSIBLE_E_VALUE
from earwitness.index.statistics.scheme_files import background_of
from earwitness.index.statistics.score_tail import ScoreTail
from tests.unit.index.synthetic_index import MemoryLibrary

Samples = NDArray[np.float32]

SAMPLES = Path(__file__).parents[3] / "sample_audio"
EXTRACTOR = extractor()
N_REFERENCES, PIECE_S, QUERY_S = 8, 20, 8


@lru_cache(maxsize=64)
def drums(seed: int) -> Samples:
    """Patterns of one drum kit; every seed plays others."""
    track = play_patterns(partial(computed_kit, 0), np.random.default_rng(seed))
    return _resampled(track, DRUM_RATE_HZ)


@lru_cache(maxsize=64)
def chip(seed: int) -> Samples:
    """Music of one bank of instruments of a sound chip; every seed another piece."""
    return _resampled(chips()[0].play(seed, np.random.default_rng(seed)), CHIP_RATE_HZ)


def _resampled(track: Samples, rate_hz: int) -> Samples:
    resampled: Samples = soxr.resample(track[: PIECE_S * rate_hz], rate_hz, RATE_HZ).astype(np.float32)
    return resampled


def sound(samples: Samples) -> Spectrogram:
    """Its log-frequency power."""
    return spectrogram(Waveform(samples=np.ascontiguousarray(samples)), EXTRACTOR.params)


@lru_cache(maxsize=2)
def library(kind: str) -> MemoryLibrary:
    """An index of pieces that share their sounds, with the seeds from 0."""
    index = MemoryLibrary(EXTRACTOR, background_of(EXTRACTOR))
    for seed in range(N_REFERENCES):
        index.add(sound(PIECES[kind](seed)))
    return index


PIECES = {"drums": drums, "chip": chip}


def search(kind: str, samples: Samples, *, max_e_value: float = POSSIBLE_E_VALUE) -> list[Match]:
    """Matches of 8 s from the fifth second on."""
    start = 5 * RATE_HZ
    part = Waveform(samples=np.ascontiguousarray(samples[start : start + QUERY_S * RATE_HZ]))
    query = EXTRACTOR.query(part, with_chromaprint=False)
    return identify(query, library(kind), collections=(1,), effort=Effort.FAST, max_e_value=max_e_value)


@pytest.mark.parametrize("kind", sorted(PIECES))
@pytest.mark.parametrize("seed", range(100, 104))
def test_another_piece_of_the_same_sounds_is_no_match(kind: str, seed: int) -> None:
    """Pieces that share a kit or a chip, but no recording, never reach the E-value of a match."""
    assert all(match.e_value > MATCH_E_VALUE for match in search(kind, PIECES[kind](seed)))


@pytest.mark.parametrize("seed", range(3))
def test_a_noisy_copy_among_pieces_of_the_same_sounds_is_a_match(seed: int) -> None:
    """A true excerpt under noise as loud as itself matches its recording, and no other piece of the chip."""
    piece = chip(seed)
    level = float(np.sqrt(np.square(piece).mean()))
    noise = np.random.default_rng(seed).standard_normal(len(piece), dtype=np.float32)
    matches = search("chip", piece + np.float32(level) * noise)
    assert [match.recording for match in matches if match.e_value <= MATCH_E_VALUE] == [seed]


def test_copies_of_the_matched_recording_do_not_make_it_less_certain() -> None:
    """A recording that an index holds twelve times is found twelve times, each as certainly as once."""
    index = MemoryLibrary(EXTRACTOR, background_of(EXTRACTOR))
    for seed in [*range(4), *[0] * 11]:
        index.add(sound(chip(seed)))
    query = EXTRACTOR.query(Waveform(samples=chip(0)[5 * RATE_HZ : 13 * RATE_HZ]), with_chromaprint=False)
    matches = identify(query, index, collections=(1,), effort=Effort.FAST)
    assert sum(match.e_value <= 1e-9 for match in matches) == 12


def test_more_near_recordings_than_expected_raise_e_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of one chip get larger E-values by the count of near recordings, and none a smaller one."""
    queries = [PIECES["chip"](seed) for seed in range(100, 106)]
    counted = [_e_values(piece) for piece in queries]
    monkeypatch.setattr(related, "COUNT_POWER", 0.0)
    uncounted = [_e_values(piece) for piece in queries]
    ratios = [
        more[recording] / fewer[recording]
        for more, fewer in zip(counted, uncounted, strict=True)
        for recording in more
    ]
    assert min(ratios) >= 1 - 1e-9
    assert max(ratios) > 2


def _e_values(samples: Samples) -> dict[int, float]:
    """Smallest E-value of each recording, up to 3."""
    return {match.recording: match.e_value for match in search("chip", samples, max_e_value=3.0)}


@given(rate=st.floats(0.05, 2.0), seed=st.integers(0, 1000))
def test_the_tail_of_exponential_scores_expects_what_there_is(rate: float, seed: int) -> None:
    """Of scores of a known rate, the number above a score is expected within the error of 30 draws."""
    scores = np.random.default_rng(seed).exponential(1 / rate, 400)
    tail = ScoreTail.fit(scores.tolist(), most=30, pooled_rate=rate, weight=10.0)
    assert tail is not None
    beyond = 3 / rate + tail.threshold
    expected = np.log(400) - rate * beyond
    assert tail.log_expected(beyond) == pytest.approx(expected, abs=2.5)
    assert tail.log_expected(0.0) == pytest.approx(np.log(400))


def test_few_scores_have_no_tail() -> None:
    """Fewer than three scores above zero are no ground for an estimate."""
    assert ScoreTail.fit([5.0, 0.0, 7.0], most=16, pooled_rate=0.3, weight=10.0) is None


@pytest.mark.parametrize(("every_s", "n_clips"), [(0.3, 48), (5.0, 4)], ids=["dense", "sparse"])
def test_a_recording_that_repeats_itself_matches_each_clip_of_it(every_s: float, n_clips: int) -> None:
    """Clips of the query's own recording show no chance, wherever they begin and however many there are."""
    samples, rate_hz = soundfile.read(SAMPLES / "originals" / "tin_parade.mp3", always_2d=True)
    piece = soxr.resample(samples.mean(axis=1), rate_hz, RATE_HZ).astype(np.float32)
    index = MemoryLibrary(EXTRACTOR, background_of(EXTRACTOR))
    for number in range(n_clips):
        start = round(number * every_s * RATE_HZ)
        index.add(sound(piece[start : start + 8 * RATE_HZ]))
    query = EXTRACTOR.query(Waveform(samples=piece), with_chromaprint=False)
    found = identify(query, index, collections=(1,), effort=Effort.FAST)
    matched = {one.recording for one in found if one.e_value <= MATCH_E_VALUE}
    assert matched == set(range(n_clips))


@given(start=st.integers(-12, 12), share=st.sampled_from([0.0, 0.25, 0.5, 0.75]))
def test_similarity_at_a_place_is_that_of_the_codes_met(start: int, share: float) -> None:
    """Codes between two are their mean by distance, of length 1; where no codes meet, it is 0."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(2, 9, 5))
    codes, others = rows / np.linalg.norm(rows, axis=2, keepdims=True)
    expected = []
    for number, code in enumerate(codes[:6]):
        place = start + number
        if place >= 0 and place + (share > 0) < len(others):
            met = (1 - share) * others[place] + (share * others[place + 1] if share else 0)
            expected.append(code @ met / np.linalg.norm(met))
    value = related.similarity_at(codes[:6].astype(np.float32), others.astype(np.float32), start + share)
    assert value == pytest.approx(np.mean(expected) if expected else 0.0, abs=1e-5)
