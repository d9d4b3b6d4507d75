"""Chromaprint of whole files: the vector, AcoustID's string, likeness of whole files, and a 256-bit summary.

It recognises copies of whole files and is what others understand; excerpts are found by our own codes.
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
"""Chromaprint's default (it counts from 0: "TEST2"), and the only one that AcoustID's look-up takes."""

FRAMES_PER_S: Final = RATE_HZ / 1_365
"""Items of a vector in one second: windows of 4,096 samples, a third of that apart."""

MAX_SHIFT_FRAMES: Final = 24
"""How far two copies of one file may be shifted: 3 s of silence, or of a codec's delay, at the start."""

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


class BadAcoustidString(EarwitnessError):
    """A text is no Chromaprint fingerprint as AcoustID writes them."""

    code = "bad_acoustid_string"

    def __init__(self, *, reason: str) -> None:
        self.reason = reason
        super().__init__(f"this is no AcoustID fingerprint ({reason})", hint="give what fpcalc prints")


class Likeness(NamedTuple):
    """How alike two whole files are.

    Attributes
    ----------
    bit_error_rate : float
        Fraction of bits that differ along the overlap; about 0.5 between strangers.
    overlap : float
        Length of the overlap as a fraction of the longer file.
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
    """Chromaprint's vector of the whole sound, from the very samples that our codes come from.

    Returns
    -------
    vector : uint32 array, shape (n,)
        ``FRAMES_PER_S`` items a second; empty where the sound is too short for one (about 3 s).

    Raises
    ------
    ChromaprintMissing
    """
    library = _library()
    if not sound.n_samples:
        return np.empty(0, dtype=np.uint32)
    printer = library.Fingerprinter(ALGORITHM)
    printer.start(RATE_HZ, 1)
    for start in range(0, sound.n_samples, 1 << 20):
        part = sound.read(start, start + (1 << 20))
        printer.feed((np.clip(part, -1, 1) * np.float32(32_767)).astype("<i2").tobytes())
    vector, _ = library.decode_fingerprint(printer.finish())
    return np.array(vector, dtype=np.uint32)


def acoustid_string(vector: NDArray[np.uint32]) -> str:
    """The text that AcoustID's look-up takes (compressed, base64)."""
    encoded: bytes = _library().encode_fingerprint(vector.tolist(), ALGORITHM)
    return encoded.decode()


def from_acoustid_string(text: str) -> NDArray[np.uint32]:
    """The vector of such a text; raises BadAcoustidString where it holds none."""
    library = _library()
    if not text.isascii() or not text:
        raise BadAcoustidString(reason="it is empty or holds other than base64 signs")
    try:
        vector, algorithm = library.decode_fingerprint(text.encode())
    except library.FingerprintError as error:
        raise BadAcoustidString(reason="libchromaprint cannot decode it") from error
    if algorithm != ALGORITHM:
        raise BadAcoustidString(reason=f"it is of algorithm {algorithm}, not {ALGORITHM}")
    return np.array(vector, dtype=np.uint32)


def whole_file_similarity(a: NDArray[np.uint32], b: NDArray[np.uint32]) -> Likeness:
    """Best agreement of two whole vectors over shifts of up to ``MAX_SHIFT_FRAMES``.

    Parameters
    ----------
    a, b : uint32 arrays, shapes (n,) and (m,)

    Returns
    -------
    likeness : Likeness
        At the shift with the fewest differing bits in proportion; (1.0, 0.0) where nothing overlaps.
    """
    best = Likeness(1.0, 0.0)
    for shift in range(-MAX_SHIFT_FRAMES, MAX_SHIFT_FRAMES + 1):
        first, second = a[max(0, shift) :], b[max(0, -shift) :]
        n_frames = min(len(first), len(second))
        # a shift may not win by throwing most of both away
        if 2 * n_frames <= min(len(a), len(b)):
            continue
        wrong = int(np.bitwise_count(first[:n_frames] ^ second[:n_frames]).sum(dtype=np.int64))
        found = Likeness(wrong / (32 * n_frames), n_frames / max(len(a), len(b)))
        best = min(best, found, key=lambda likeness: (likeness.bit_error_rate, -likeness.overlap))
    return best


def summary_bits(vector: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """256 bits that hardly change under transcoding, laid out as in ISCC's Audio-Code (ISO 24138:2024).

    Eight words: the majority of each bit over the whole vector, over each of its quarters, and over each
    third of its items in order of value, read as signed numbers.

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
    """Bit by bit what at least half of the items have, most significant first; uint8, shape (4,)."""
    if not items.size:
        return np.zeros(4, dtype=np.uint8)
    bits = np.unpackbits(items.astype(">u4").view(np.uint8).reshape(-1, 4), axis=1)
    return np.packbits(2 * bits.sum(axis=0, dtype=np.int64) >= len(items))
