"""Packed form of peaks and Chromaprint vectors in the catalog: bytes of a kind together, then deflated."""

from __future__ import annotations

import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

NO_PEAK: Final = 255
"""A band that stands for no peak: only the time advances."""

LEVEL: Final = 9


def pack_words(words: NDArray[np.uint32]) -> bytes:
    """A Chromaprint vector, uint32 (n,): what each word changes of the one before, a byte at a time."""
    changed = words.astype("<u4")
    changed[1:] ^= words[:-1].astype("<u4")
    return zlib.compress(changed.view(np.uint8).reshape(-1, 4).T.tobytes(), LEVEL)


def unpack_words(blob: bytes) -> NDArray[np.uint32]:
    """The vector of `pack_words`."""
    planes = np.frombuffer(zlib.decompress(blob), dtype=np.uint8).reshape(4, -1)
    changed = np.ascontiguousarray(planes.T).view("<u4").ravel().astype(np.uint32)
    words: NDArray[np.uint32] = np.bitwise_xor.accumulate(changed)
    return words


def pack_peaks(peaks: NDArray[np.int32]) -> bytes:
    """Frame and band of each peak, int32 (n, 2), frames ascending, bands below 255: steps, then bands."""
    steps = np.diff(peaks[:, 0], prepend=0)
    whole, rest = np.divmod(steps, NO_PEAK)
    ends = np.cumsum(whole + 1)  # a long step is several of 255 to no peak, then the rest
    step = np.full(int(ends[-1]) if len(ends) else 0, NO_PEAK, dtype=np.uint8)
    band = step.copy()
    step[ends - 1], band[ends - 1] = rest, peaks[:, 1]
    # nothing in them comes again, and the one has other frequencies than the other: a Huffman code for each
    packer = zlib.compressobj(LEVEL, strategy=zlib.Z_HUFFMAN_ONLY)
    steps_alone = packer.compress(step.tobytes()) + packer.flush(zlib.Z_FULL_FLUSH)
    return steps_alone + packer.compress(band.tobytes()) + packer.flush()


def unpack_peaks(blob: bytes) -> NDArray[np.int32]:
    """The peaks of `pack_peaks`."""
    step, band = np.frombuffer(zlib.decompress(blob), dtype=np.uint8).reshape(2, -1)
    frames = np.cumsum(step, dtype=np.int32)
    is_peak = band != NO_PEAK
    return np.stack([frames[is_peak], band[is_peak].astype(np.int32)], axis=1)
