"""Chromaprint: similar vectors for copies, different ones for unrelated recordings."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from earwitness.fingerprint import chromaprint as product
from earwitness.fingerprint.types import RATE_HZ, Waveform
from tests.hostile.encode import sound


def waveform(seconds: float, seed: int = 7) -> Waveform:
    """Synthetic audio at the sample rate of fingerprints."""
    return Waveform(samples=sound(seconds, rate_hz=RATE_HZ, channels=1, seed=seed)[:, 0])


def test_the_whole_file_is_covered() -> None:
    """The vector covers the whole file, not only its first two minutes."""
    assert len(product.chromaprint(waveform(200))) == pytest.approx(200 * product.FRAMES_PER_S, abs=25)


def test_short_audio_has_an_empty_vector() -> None:
    """Too short audio is no error; there is nothing to compare."""
    assert product.chromaprint(waveform(1)).size == 0
    assert product.chromaprint(Waveform(samples=np.empty(0, dtype=np.float32))).size == 0
    assert not product.summary_bits(np.empty(0, dtype=np.uint32)).any()


def test_copies_are_similar_and_other_recordings_are_not() -> None:
    """A quieter, noisier, delayed copy differs in few bits; another recording in about half."""
    original, unrelated = waveform(60), waveform(60, seed=8)
    noise = np.random.default_rng(1).standard_normal(original.samples.size).astype(np.float32)
    late = np.concatenate([np.zeros(RATE_HZ, dtype=np.float32), original.samples * 0.5 + 1e-3 * noise])
    truth, copy, other = (product.chromaprint(w) for w in (original, Waveform(samples=late), unrelated))
    near, far = product.whole_file_similarity(truth, copy), product.whole_file_similarity(truth, other)
    assert near.bit_error_rate < 0.1 < 0.3 < far.bit_error_rate
    assert near.overlap > 0.95
    differing = [
        int(np.bitwise_count(product.summary_bits(truth) ^ product.summary_bits(v)).sum())
        for v in (copy, other)
    ]
    assert differing[0] < 30 < differing[1]


def test_a_missing_library_is_an_error_with_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hint names the package to install."""
    monkeypatch.setitem(sys.modules, "chromaprint", None)
    product._library.cache_clear()
    with pytest.raises(product.ChromaprintMissing, match="libchromaprint1"):
        product.chromaprint(waveform(1))


def test_the_version_of_the_library_is_known() -> None:
    """It is a version of three numbers."""
    assert product.chromaprint_version().count(".") == 2
