"""Properties of peaks: how they are picked, and how peaks and Chromaprint vectors are packed."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from earwitness.fingerprint.params import PARAMS
from earwitness.fingerprint.peaks import pick_peaks
from earwitness.index.database.packing import (
    pack_peaks,
    pack_words,
    unpack_peaks,
    unpack_words,
)


@st.composite
def some_peaks(draw: st.DrawFn) -> NDArray[np.int32]:
    """Peaks by ascending frame, some with long gaps, in any band."""
    steps = draw(st.lists(st.sampled_from([0, 1, 2, 7, 254, 255, 256, 510, 5_000]), max_size=40))
    bands = draw(st.lists(st.integers(0, 127), min_size=len(steps), max_size=len(steps)))
    return np.stack([np.cumsum(steps), bands], axis=1).astype(np.int32).reshape(-1, 2)


@given(some_peaks())
def test_packed_peaks_are_unpacked_unchanged(peaks: NDArray[np.int32]) -> None:
    """Peaks are unpacked unchanged, with any gaps between them."""
    unpacked = unpack_peaks(pack_peaks(peaks))
    assert unpacked.dtype == np.int32 and np.array_equal(unpacked, peaks)


@given(arrays.arrays(np.uint32, st.integers(0, 60)))
def test_packed_words_are_unpacked_unchanged(words: NDArray[np.uint32]) -> None:
    """A Chromaprint vector is unpacked unchanged."""
    unpacked = unpack_words(pack_words(words))
    assert unpacked.dtype == np.uint32 and np.array_equal(unpacked, words)


def log_spectrogram(seed: int, n_frames: int, levels: int) -> NDArray[np.float32]:
    """Random cells with a number of levels; few levels give many ties."""
    rng = np.random.default_rng(seed)
    values = rng.integers(0, levels, size=(n_frames, PARAMS.n_bands))
    return (values / levels).astype(np.float32)


def peaks_by_definition(cells: NDArray[np.float32]) -> set[tuple[int, int]]:
    """Cells that are the first maximum of their surroundings and above the mean of their neighbourhood."""
    reach = PARAMS.peak_reach_frames, PARAMS.peak_reach_bands
    box = PARAMS.peak_box_frames, PARAMS.peak_box_bands
    peaks = set()
    for t, f in np.ndindex(cells.shape):
        if f < PARAMS.peak_low_band:
            continue
        surroundings, neighbourhood = (
            cells[max(t - a, 0) : t + a + 1, max(f - b, 0) : f + b + 1] for a, b in (reach, box)
        )
        first = np.unravel_index(int(surroundings.argmax()), surroundings.shape)
        is_first = (max(t - reach[0], 0) + first[0], max(f - reach[1], 0) + first[1]) == (t, f)
        if is_first and cells[t, f] > neighbourhood.mean() + 1e-6:
            peaks.add((t, f))
    return peaks


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1_000), st.sampled_from([1, 2, 40]), st.sampled_from([2, 5, 1_000_000]))
def test_peaks_satisfy_their_definition(seed: int, n_frames: int, levels: int) -> None:
    """All peaks of a block are picked if it has few, otherwise the strongest ones."""
    cells = log_spectrogram(seed, n_frames, levels)
    picked, expected = pick_peaks(cells), peaks_by_definition(cells)
    blocks = np.bincount(picked[:, 0] // PARAMS.peak_block_frames, minlength=2)
    assert {(int(t), int(f)) for t, f in picked} <= expected
    assert blocks.max() <= PARAMS.peaks_per_block
    in_blocks = np.bincount([t // PARAMS.peak_block_frames for t, _ in expected], minlength=2)
    assert np.array_equal(blocks, np.minimum(in_blocks, PARAMS.peaks_per_block))


@given(st.integers(0, 1_000))
@settings(max_examples=10, deadline=None)
def test_peaks_are_sorted(seed: int) -> None:
    """Peaks are sorted by frame, then by band, as the search bisects them."""
    picked = pick_peaks(log_spectrogram(seed, 70, 1_000_000))
    assert np.all(np.diff(picked[:, 0] * PARAMS.n_bands + picked[:, 1]) > 0)


def test_silence_has_no_peaks() -> None:
    """A constant log spectrogram has no peaks."""
    assert len(pick_peaks(np.zeros((100, PARAMS.n_bands), dtype=np.float32))) == 0
