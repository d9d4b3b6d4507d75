"""Chromaprint of whole files: the vector, its similarity to another one, and a 256-bit summary.

It is used for copies of whole files only; excerpts are matched by codes.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from functools import lru_cache
from types import ModuleType
from typing import Final, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.errors import EarwitnessError
from earwitness.fingerprint.types import RATE_HZ, Sound

ALGORITHM: Final = 1
"""Chromaprint's default algorithm ("TEST2", counted from 0), and the only one that AcoustID accepts."""

FRAMES_PER_S: Final = RATE_HZ / 1_365
"""Items of a vector per second: windows of 4,096 samples with a hop of a third."""

MAX_SHIFT_FRAMES: Final = 24
"""Largest shift between two copies of a file: 3 s of silence or codec delay at the start. Chosen by hand."""

SUMMARY_BYTES: Final = 32

MAX_PACKED_CHARACTERS: Final = 1 << 18
"""Longest packed fingerprint that is read: that of more than two hours."""
_BASE64: Final = re.compile(r"[A-Za-z0-9_-]*")
_HEADER_BYTES: Final = 4
"""One for the algorithm, three for the number of items."""


class ChromaprintMissing(EarwitnessError):
    """The C library behind Chromaprint is not installed."""

    code = "chromaprint_missing"

    def __init__(self, *, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"libchromaprint cannot be loaded ({reason})",
            hint="install it, such as: apt-get install libchromaprint1",
        )


class NotAChromaprint(EarwitnessError):
    """A text is no compressed Chromaprint fingerprint of the algorithm that AcoustID uses."""

    code = "not_a_chromaprint"

    def __init__(self, *, reason: str) -> None:
        self.reason = reason
        super().__init__(
            f"the fingerprint cannot be read: {reason}", hint="send it as `fpcalc` prints it, without changes"
        )


class FileSimilarity(NamedTuple):
    """Similarity of two whole files.

    Attributes
    ----------
    bit_error_rate : float
        Share of differing bits in the overlap; about 0.5 between unrelated files.
    overlap : float
        Length of the overlap as a share of the longer file.
    """

    bit_error_rate: float
    overlap: float


@lru_cache(maxsize=1)
def _library() -> ModuleType:
    try:
        import chromaprint
    except (ImportError, OSError) as error:
        raise ChromaprintMissing(reason=str(error)) from error
    return cast(ModuleType, chromaprint)


def chromaprint_version() -> str:
    """Version of libchromaprint; raises ChromaprintMissing."""
    version: bytes = _library()._libchromaprint.chromaprint_get_version()
    return version.decode()


def chromaprint(sound: Sound) -> NDArray[np.uint32]:
    """Compute the Chromaprint vector of a recording.

    Returns
    -------
    vector : uint32 array, shape (n,)
        ``FRAMES_PER_S`` items per second; empty if the audio is too short for one (about 3 s).

    Raises
    ------
    ChromaprintMissing
    """
    library = _library()
    if not sound.n_samples:
        return np.empty(0, dtype=np.uint32)
    fingerprinter = library.Fingerprinter(ALGORITHM)
    fingerprinter.start(RATE_HZ, 1)
    for start in range(0, sound.n_samples, 1 << 20):
        part = sound.read(start, start + (1 << 20))
        fingerprinter.feed((np.clip(part, -1, 1) * np.float32(32_767)).astype("<i2").tobytes())
    vector, _ = library.decode_fingerprint(fingerprinter.finish())
    return np.array(vector, dtype=np.uint32)


def unpack_acoustid(text: str) -> NDArray[np.uint32]:
    """Unpack a fingerprint as AcoustID and ``fpcalc`` write it: compressed, in base64 for URLs.

    Clients send such texts, and libchromaprint 1.5.1 writes beyond its memory for some of them (what follows
    the exceptions is unpacked, too). So they are unpacked here, and never reach the C library.

    Returns
    -------
    vector : uint32 array, shape (n,)

    Raises
    ------
    NotAChromaprint
    """
    packed = text.strip().rstrip("=")
    if len(packed) > MAX_PACKED_CHARACTERS:
        raise NotAChromaprint(reason=f"it has more than {MAX_PACKED_CHARACTERS:,} characters")
    if _BASE64.fullmatch(packed) is None or len(packed) % 4 == 1:
        raise NotAChromaprint(reason="it is not base64 for URLs")
    data = np.frombuffer(urlsafe_b64decode(packed + "=" * (-len(packed) % 4)), dtype=np.uint8)
    if len(data) <= _HEADER_BYTES:
        raise NotAChromaprint(reason="it is not complete")
    if data[0] != ALGORITHM:
        raise NotAChromaprint(reason=f"it is of algorithm {data[0] + 1}, not {ALGORITHM + 1}")
    n_items = int.from_bytes(data[1:_HEADER_BYTES].tobytes(), "big")
    return _items(_steps(data[_HEADER_BYTES:], n_items), n_items)


def _steps(data: NDArray[np.uint8], n_items: int) -> NDArray[np.int64]:
    """Return the distances between the bits that are set in each item, with a 0 after each item.

    Each has three bits; to a 7 five more are added, which follow after all of them, from a whole byte on.
    """
    steps = _numbers(data, 3)
    ends = np.flatnonzero(steps == 0)
    if not 0 < n_items <= len(ends):
        raise NotAChromaprint(reason=f"it states {n_items:,} items and holds {len(ends):,}")
    steps = steps[: ends[n_items - 1] + 1]
    (large,) = np.nonzero(steps == 7)
    more = _numbers(data[-(-3 * len(steps) // 8) :], 5)
    if len(more) < len(large):
        raise NotAChromaprint(reason="it is not complete")
    steps[large] += more[: len(large)]
    return steps


def _numbers(data: NDArray[np.uint8], n_bits: int) -> NDArray[np.int64]:
    """Return the numbers of so many bits that are packed in data, the lowest bits first."""
    bits = np.unpackbits(data, bitorder="little").astype(np.int64)
    return bits[: len(bits) // n_bits * n_bits].reshape(-1, n_bits) @ (1 << np.arange(n_bits, dtype=np.int64))


def _items(steps: NDArray[np.int64], n_items: int) -> NDArray[np.uint32]:
    """Set the bits of each item; each item is stored as its difference from the one before."""
    ends = steps == 0
    item = np.cumsum(ends) - ends
    places = np.cumsum(steps)
    before = np.concatenate([[0], places[ends][:-1]])
    bit = (places - before[item])[~ends] - 1
    if bit.size and bit.max() >= 32:
        raise NotAChromaprint(reason="an item has more than 32 bits")
    items = np.zeros(n_items, dtype=np.uint32)
    np.bitwise_or.at(items, item[~ends], np.uint32(1) << bit.astype(np.uint32))
    return np.bitwise_xor.accumulate(items)


def whole_file_similarity(a: NDArray[np.uint32], b: NDArray[np.uint32]) -> FileSimilarity:
    """Best similarity of two vectors over shifts of up to ``MAX_SHIFT_FRAMES``.

    Parameters
    ----------
    a, b : uint32 arrays, shapes (n,) and (m,)

    Returns
    -------
    similarity : FileSimilarity
        At the shift with the lowest bit error rate; (1.0, 0.0) if nothing overlaps.
    """
    best = FileSimilarity(1.0, 0.0)
    for shift in range(-MAX_SHIFT_FRAMES, MAX_SHIFT_FRAMES + 1):
        first, second = a[max(0, shift) :], b[max(0, -shift) :]
        n_frames = min(len(first), len(second))
        # ignore shifts that leave a short overlap
        if 2 * n_frames <= min(len(a), len(b)):
            continue
        n_differing = int(np.bitwise_count(first[:n_frames] ^ second[:n_frames]).sum(dtype=np.int64))
        similarity = FileSimilarity(n_differing / (32 * n_frames), n_frames / max(len(a), len(b)))
        best = min(best, similarity, key=lambda each: (each.bit_error_rate, -each.overlap))
    return best


def summary_bits(vector: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """256 bits that hardly change under transcoding, as in the Audio-Code of ISCC (ISO 24138:2024).

    Eight words: the majority of each bit over the vector, over each of its quarters, and over each third of
    its items sorted as signed numbers.

    Parameters
    ----------
    vector : uint32 array, shape (n,)

    Returns
    -------
    bits : uint8 array, shape (32,)
        All zero for an empty vector.
    """
    by_value = np.sort(vector.view(np.int32)).view(np.uint32)
    parts = [vector, *np.array_split(vector, 4), *np.array_split(by_value, 3)]
    return np.concatenate([_majority(part) for part in parts])


def _majority(items: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Majority of each bit, most significant first, 1 if equal; uint8, shape (4,)."""
    if not items.size:
        return np.zeros(4, dtype=np.uint8)
    bits = np.unpackbits(items.astype(">u4").view(np.uint8).reshape(-1, 4), axis=1)
    return np.packbits(2 * bits.sum(axis=0, dtype=np.int64) >= len(items))
