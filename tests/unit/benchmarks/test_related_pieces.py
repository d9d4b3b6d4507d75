"""What is easily confused: what shares a recording is found, what shares only a piece is no match."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmarks.data.kinds.makers import seed_of
from benchmarks.data.kinds.related import PAIRS, Pair, makers
from benchmarks.data.kinds.synthesisers import RATE_HZ
from benchmarks.data.kinds.synthesisers import makers as synthesisers
from benchmarks.systems.leave_out_library import (
    COLLECTIONS,
    LeaveOutLibrary,
    as_power,
    as_query,
    build_library,
)
from benchmarks.training.data import Source, decibels, load
from earwitness.fingerprint.extract import extractor
from earwitness.fingerprint.types import Spectrogram
from earwitness.index.match import Effort, Match, MatchClass
from earwitness.index.matching.identify import identify
from earwitness.index.matching.verdict import MATCH_E_VALUE, POSSIBLE_E_VALUE

SEED = 1
EXCERPT_S = (14.0, 22.0)


@cache
def pair_of(name: str) -> Pair:
    """Make a pair once: some take seconds."""
    return PAIRS[name](SEED)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the references of all pairs, and with other pieces by the same synthesisers."""
    folder = tmp_path_factory.mktemp("pairs")
    for name in PAIRS:
        pair = pair_of(name)
        soundfile.write(folder / f"{name}.flac", pair.reference, RATE_HZ)
        soundfile.write(folder / f"{name}-query.flac", pair.query, RATE_HZ)
    for number, maker in enumerate(synthesisers()[4:8]):
        samples = maker.play(0, np.random.default_rng(seed_of(maker, 0)))
        soundfile.write(folder / f"other-{number}.flac", samples, maker.rate_hz)
    return folder


@pytest.fixture(scope="module")
def library(folder: Path) -> LeaveOutLibrary:
    """The references, indexed."""
    names = sorted(path.name for path in folder.glob("*.flac") if not path.stem.endswith("-query"))
    return build_library(
        [Source(path=name, package="", license="", kind="music", role="test") for name in names],
        extractor(),
        corpus=folder,
        cache=folder / "cache",
    )


def _matches(library: LeaveOutLibrary, folder: Path, name: str) -> list[Match]:
    """Return the matches of eight seconds of a pair's query with the pair's reference."""
    params = library.extractor.params
    samples = load(folder / f"{name}-query.flac")
    first, last = (round(second * params.rate_hz) for second in EXCERPT_S)
    sound = Spectrogram(power=as_power(decibels(samples[first:last])), frame_s=params.frame_s)
    matches = identify(
        as_query(sound, library.extractor), library, collections=COLLECTIONS, effort=Effort.STANDARD
    )
    return [match for match in matches if library.sources[match.recording].path == f"{name}.flac"]


@pytest.mark.parametrize("name", ["two_masters", "other_vocals", "stem"])
def test_a_shared_recording_is_found(library: LeaveOutLibrary, folder: Path, name: str) -> None:
    """Two masters, an edit with other vocals and a stem match with an E-value of a match."""
    assert pair_of(name).shares_recording
    (match,) = _matches(library, folder, name)
    assert match.e_value <= MATCH_E_VALUE


def test_a_shared_sample_is_shown(library: LeaveOutLibrary, folder: Path) -> None:
    """Two songs over one loop of drums are at least a possible match."""
    assert pair_of("shared_sample").shares_recording
    (match,) = _matches(library, folder, "shared_sample")
    assert match.e_value <= POSSIBLE_E_VALUE


def test_masters_lie_at_one_place(library: LeaveOutLibrary, folder: Path) -> None:
    """The second master matches the first where it was cut, and not as shared material."""
    (match,) = _matches(library, folder, "two_masters")
    segment = min(match.segments, key=lambda one: one.e_value)
    assert abs(segment.reference_start_s - segment.query_start_s - EXCERPT_S[0]) < 0.5
    assert match.kind is not MatchClass.SHARED_MATERIAL


@pytest.mark.parametrize("name", ["two_performances", "live_version"])
def test_another_performance_is_no_match(library: LeaveOutLibrary, folder: Path, name: str) -> None:
    """The same piece played again, at another tempo, has no E-value of a match."""
    assert not pair_of(name).shares_recording
    assert all(match.e_value > MATCH_E_VALUE for match in _matches(library, folder, name))


@pytest.mark.parametrize("name", PAIRS)
def test_a_pair_is_repeatable(name: str) -> None:
    """The same seed gives the same pair, and its two sounds differ."""
    one, again = pair_of(name), PAIRS[name](SEED)
    assert np.array_equal(one.reference, again.reference) and np.array_equal(one.query, again.query)
    assert not np.array_equal(one.reference, one.query)


def test_performers_play_the_same_pieces() -> None:
    """Reference and query of one number hold the same piece, at another tempo."""
    maker = next(maker for maker in makers() if maker.name == "patches-6-6")
    one, other, next_piece = (
        np.correlate(np.abs(maker.play(number, np.random.default_rng(number))[::441]), np.ones(5))
        for number in (0, 1, 2)
    )
    assert one.size == other.size
    assert not np.allclose(one, other)
    assert not np.allclose(one, next_piece)
