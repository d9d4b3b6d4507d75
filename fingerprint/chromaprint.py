"""Chromaprint of whole files: the vector, its similarity to another one, and a 256-bit summary.

It is used for copies of whole files only; excerpts are matched by codes.
"""

from __future__ import annotations

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
"""Largest shift between two copies of a file: 3 s of silence or codec delay at the start."""

SUMMARY_BYTES: Final = 32


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

    Returns
    -------
    vector : uint32 array, shape (n,)

    Raises
    ------
    NotAChromaprint, ChromaprintMissing
    """
    library = _library()
    try:
        vector, algorithm = library.decode_fingerprint(text.strip().rstrip("=").encode("ascii"))
    except (UnicodeEncodeError, library.FingerprintError) as error:
        raise NotAChromaprint(reason=str(error) or "it is not complete") from error
    if algorithm != ALGORITHM:
        raise NotAChromaprint(reason=f"it is of algorithm {algorithm + 1}, not {ALGORITHM + 1}")
    return np.array(vector, dtype=np.int64).astype(np.uint32)


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
