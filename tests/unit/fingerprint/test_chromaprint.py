"""Chromaprint: one vector for one sound, near ones for its copies, far ones for strangers."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from earwitness.fingerprint import chromaprint as ours
from earwitness.fingerprint.types import RATE_HZ, Waveform
from tests.hostile.encode import sound


def waveform(seconds: float, seed: int = 7) -> Waveform:
    """Some sound at our rate."""
    return Waveform(samples=sound(seconds, rate_hz=RATE_HZ, channels=1, seed=seed)[:, 0])


def test_the_whole_file_is_covered() -> None:
    """As many items as the frame rate says, to the last seconds, not for the first two minutes alone."""
    assert len(ours.chromaprint(waveform(200))) == pytest.approx(200 * ours.FRAMES_PER_S, abs=25)


def test_too_short_a_sound_has_an_empty_vector() -> None:
    """No error: there is just nothing to compare."""
    assert ours.chromaprint(waveform(1)).size == 0
    assert ours.chromaprint(Waveform(samples=np.empty(0, dtype=np.float32))).size == 0
    assert not ours.summary_bits(np.empty(0, dtype=np.uint32)).any()


def test_copies_are_near_and_strangers_far() -> None:
    """A quieter, noisier copy that starts late differs in few bits; another sound in about half."""
    original, stranger = waveform(60), waveform(60, seed=8)
    noise = np.random.default_rng(1).standard_normal(original.samples.size).astype(np.float32)
    late = np.concatenate([np.zeros(RATE_HZ, dtype=np.float32), original.samples * 0.5 + 1e-3 * noise])
    truth, copy, other = (ours.chromaprint(w) for w in (original, Waveform(samples=late), stranger))
    near, far = ours.whole_file_similarity(truth, copy), ours.whole_file_similarity(truth, other)
    assert near.bit_error_rate < 0.1 < 0.3 < far.bit_error_rate
    assert near.overlap > 0.95
    differing = [
        int(np.bitwise_count(ours.summary_bits(truth) ^ ours.summary_bits(v)).sum()) for v in (copy, other)
    ]
    assert differing[0] < 30 < differing[1]


def test_a_missing_library_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the package to install."""
    monkeypatch.setitem(sys.modules, "chromaprint", None)
    ours._library.cache_clear()
    with pytest.raises(ours.ChromaprintMissing, match="libchromaprint1"):
        ours.chromaprint(waveform(1))


def test_the_library_tells_its_version() -> None:
    """`doctor` shows it."""
    assert ours.chromaprint_version().count(".") == 2
