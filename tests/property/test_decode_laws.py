"""Properties of decoding for any input."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from earwitness.fingerprint import chromaprint
from earwitness.fingerprint.decode.file_view import FileView
from earwitness.fingerprint.decode.parent.input_file import copy_to_file
from earwitness.fingerprint.decode.worker.downmix import Resampler, mix_down
from earwitness.fingerprint.decode.worker.file_parts import split_file
from earwitness.fingerprint.decode.worker.sniff import sniff
from earwitness.fingerprint.errors import AudioError
from tests.hostile.encode import SUFFIXES, encoded
from tests.hostile.encode_more import BY_HAND, BY_LIBRARY, encoded_more

anything = st.floats(width=32, allow_nan=True, allow_infinity=True)
blocks = arrays.arrays(np.float32, st.tuples(st.integers(1, 5), st.integers(0, 40)), elements=anything)
vectors = arrays.arrays(np.uint32, st.integers(0, 300))


def as_view(data: bytes) -> FileView:
    """A view of the bytes in a file, as in the worker."""
    return FileView(copy_to_file(io.BytesIO(data), len(data)))


@given(block=blocks)
def test_the_downmix_is_finite(block: NDArray[np.float32]) -> None:
    """The downmix is finite for any samples, NaN and infinity included."""
    mixed = mix_down(block)
    assert mixed.shape == block.shape[1:]
    assert mixed.dtype == np.float32
    assert np.isfinite(mixed).all()


@given(
    cuts=st.lists(st.integers(0, 9_000), max_size=5), rate_hz=st.sampled_from([8_000, 44_100, 48_000, 11_025])
)
def test_resampling_does_not_depend_on_blocks(cuts: Sequence[int], rate_hz: int) -> None:
    """Any split into blocks gives the same samples."""
    samples = np.random.default_rng(5).standard_normal(9_000).astype(np.float32)
    at_once = Resampler(rate_hz)
    expected = np.concatenate([at_once.push(samples), at_once.push(samples[:0], last=True)])
    in_parts = Resampler(rate_hz)
    pushed = [in_parts.push(part) for part in np.split(samples, sorted(cuts))]
    resampled = np.concatenate([*pushed, in_parts.push(samples[:0], last=True)])
    np.testing.assert_allclose(resampled, expected, atol=1e-5)


@settings(max_examples=200)
@given(
    suffix=st.sampled_from([*SUFFIXES, *BY_LIBRARY, *BY_HAND]),
    at=st.floats(0, 1),
    patch=st.binary(max_size=12),
    head=st.booleans(),
    keep=st.floats(0, 1),
)
def test_parsers_end_in_pieces_or_an_audio_error(
    suffix: str, at: float, patch: bytes, head: bool, keep: float
) -> None:
    """Format detection and container parsers end without another error, for damaged files of any format."""
    encode = encoded if suffix in SUFFIXES else encoded_more
    data = bytearray(encode(suffix, 0.3))
    offset = int(at * (64 if head else len(data)))
    data[offset : offset + len(patch)] = patch
    view = as_view(bytes(data[: int(len(data) * keep)]))
    try:
        sniffed = sniff(view, name="mutant")
        assert all(piece.file.size <= view.size + 4_096 for piece in split_file(view, sniffed))
    except AudioError as error:
        assert "mutant" in error.message
    finally:
        os.close(view.fd)


@given(a=vectors, b=vectors)
def test_similarity_is_symmetric_and_bounded(a: NDArray[np.uint32], b: NDArray[np.uint32]) -> None:
    """Similarity is symmetric, within bounds, and perfect for a vector and itself."""
    one, other = chromaprint.whole_file_similarity(a, b), chromaprint.whole_file_similarity(b, a)
    assert one == other
    assert 0 <= one.bit_error_rate <= 1
    assert 0 <= one.overlap <= 1
    if a.size:
        assert chromaprint.whole_file_similarity(a, a) == (0.0, 1.0)


@given(vector=vectors)
def test_the_summary_is_the_majority_of_each_bit(vector: NDArray[np.uint32]) -> None:
    """The first word of the summary is the majority of each bit over the vector."""
    word = int.from_bytes(chromaprint.summary_bits(vector)[:4].tobytes(), "big")
    expected = sum(
        1 << bit
        for bit in range(32)
        if vector.size and 2 * sum(int(v) >> bit & 1 for v in vector) >= vector.size
    )
    assert word == expected
