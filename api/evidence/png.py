"""Write a thumbnail as an indexed PNG.

The encoder is written by hand: it takes four chunks and zlib. Matplotlib with `librosa.display` would add a
drawing library to every installation, and several seconds of import time, for images without axes.
"""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.index.database.records import Thumbnail

COLOURS: Final = ((12, 12, 30), (72, 34, 110), (165, 55, 105), (240, 115, 70), (255, 245, 190))
"""From quiet to loud; evenly spaced and of rising lightness, so that a grey print is readable too."""


def time_slice(thumbnail: Thumbnail, start_s: float, end_s: float) -> NDArray[np.uint8]:
    """Return the levels of a time span, shape (n_frames, n_bands), at least one frame."""
    first = min(max(int(start_s / thumbnail.frame_s), 0), max(len(thumbnail.levels) - 1, 0))
    last = max(first + 1, round(end_s / thumbnail.frame_s))
    return thumbnail.levels[first:last]


def png(levels: NDArray[np.uint8]) -> bytes:
    """Encode levels, shape (n_frames, n_bands), with time to the right and frequency upwards."""
    image = np.ascontiguousarray(levels.T[::-1])
    height, width = image.shape
    filtered = np.hstack([np.zeros((height, 1), np.uint8), image])  # filter type 0 (none) before each row
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    chunks = (
        _chunk(b"IHDR", header),
        _chunk(b"PLTE", palette().tobytes()),
        _chunk(b"IDAT", zlib.compress(filtered.tobytes(), 9)),
        _chunk(b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def palette() -> NDArray[np.uint8]:
    """Return 256 colours, shape (256, 3)."""
    anchors = np.array(COLOURS, dtype=float)
    at = np.linspace(0, len(anchors) - 1, 256)
    channels = [np.interp(at, np.arange(len(anchors)), channel) for channel in anchors.T]
    colours: NDArray[np.uint8] = np.rint(np.stack(channels, axis=1)).astype(np.uint8)
    return colours


def data_url(image: bytes) -> str:
    """Return a URL that contains the image itself."""
    return "data:image/png;base64," + base64.b64encode(image).decode()


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
