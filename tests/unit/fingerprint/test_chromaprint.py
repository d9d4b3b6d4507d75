"""Chromaprint: similar vectors for copies, different ones for unrelated recordings."""

from __future__ import annotations

import base64
import random
import sys

import chromaprint as chromaprint_library
import numpy as np
import pytest
from numpy.typing import NDArray

from earwitness.fingerprint import chromaprint as product
from earwitness.fingerprint.chromaprint import (
    ALGORITHM,
    MAX_PACKED_CHARACTERS,
    NotAChromaprint,
    unpack_acoustid,
)
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


def packed(vector: NDArray[np.uint32]) -> str:
    """Return a vector as `fpcalc` prints it."""
    signed = [int(each) for each in vector.astype(np.int64)]
    return str(chromaprint_library.encode_fingerprint(signed, ALGORITHM).decode())


def stating(n_items: int, data: bytes) -> str:
    """Return a packed fingerprint that states this number of items before its data."""
    whole = bytes([ALGORITHM]) + n_items.to_bytes(3, "big") + data
    return base64.urlsafe_b64encode(whole).decode().rstrip("=")


@pytest.mark.parametrize("n_items", [1, 2, 3, 40, 948, 20_000])
def test_a_packed_fingerprint_is_read_as_the_library_packed_it(n_items: int) -> None:
    """Whatever its length and its distances between bits, and with the padding of base64 or without."""
    chance = np.random.default_rng(n_items)
    dense = chance.integers(0, 2**32, n_items, dtype=np.uint32)
    sparse = np.bitwise_xor.accumulate(np.uint32(1) << chance.integers(0, 32, n_items, dtype=np.uint32))
    for vector in (dense, sparse, np.zeros(n_items, np.uint32), ~np.zeros(n_items, np.uint32)):
        for text in (packed(vector), packed(vector) + "==", f" {packed(vector)}\n"):
            assert np.array_equal(unpack_acoustid(text), vector)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("A" * (MAX_PACKED_CHARACTERS + 4), "more than"),
        (stating(2**24 - 1, bytes(100)), "states 16,777,215 items and holds 266"),
        (stating(267, bytes(100)), "states 267 items and holds 266"),
        (stating(0, bytes(100)), "states 0 items"),
        (stating(1, b"\xff" * 3 + bytes(1)), "not complete"),
        (stating(1, b"\xff" * 3 + bytes(6)), "more than 32 bits"),
        (stating(200, bytes(98)) + "B", "not base64"),
        (stating(1, bytes(2)).replace("AQ", "AA", 1), "algorithm 1, not 2"),
        ("AQAAAQ", "not complete"),
        ("AQ+/AA", "not base64"),
        ("AQAä", "not base64"),
        ("", "not complete"),
    ],
)
def test_what_cannot_be_a_fingerprint_is_refused(text: str, reason: str) -> None:
    """Too long, other characters, or more items or bits than it has room for: refused with the reason."""
    with pytest.raises(NotAChromaprint, match=reason):
        unpack_acoustid(text)


def test_a_mutated_fingerprint_is_refused_or_read_within_its_bits() -> None:
    """Of thousands of mutations none crashes, and none gives more items than it has three bits for."""
    chance = random.Random(11)
    texts = [packed(np.random.default_rng(n).integers(0, 2**32, n, dtype=np.uint32)) for n in (1, 40, 300)]
    alphabet = "ABCXYZabcxyz0189-_=+/ \0ä"
    n_read = 0
    for _ in range(3_000):
        text = list(chance.choice(texts))
        for _ in range(chance.choice((1, 1, 2, 8, 64))):
            at = chance.randrange(len(text) + 1) if chance.random() < 0.7 else chance.randrange(8)
            n_old, n_new = chance.choices((0, 1, 1, 3), k=2)
            text[at : at + n_old] = chance.choices(alphabet, k=n_new)
        if chance.random() < 0.2:
            text = text[: chance.randrange(len(text) + 1)]
        try:
            vector = unpack_acoustid("".join(text))
        except NotAChromaprint as error:
            assert error.reason
            continue
        n_read += 1
        assert 0 < len(vector) <= len(text) * 6 // 3
    assert n_read > 100
