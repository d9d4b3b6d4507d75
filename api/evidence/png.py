"""A small spectrogram as a PNG: an indexed image, made by hand so that a report needs no drawing library."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.index.database.records import Thumbnail

COLOURS: Final = ((12, 12, 30), (72, 34, 110), (165, 55, 105), (240, 115, 70), (255, 245, 190))
"""From quiet to loud; evenly spaced, brighter throughout, so that it reads in grey too."""


def span(picture: Thumbnail, start_s: float, end_s: float) -> NDArray[np.uint8]:
    """Cut a time span out of a picture: levels, shape (n_frames, n_bands), at least one frame."""
    first = min(max(int(start_s / picture.frame_s), 0), max(len(picture.levels) - 1, 0))
    last = max(first + 1, round(end_s / picture.frame_s))
    return picture.levels[first:last]


def png(levels: NDArray[np.uint8]) -> bytes:
    """Draw levels, shape (n_frames, n_bands), with time to the right and pitch upwards."""
    image = np.ascontiguousarray(levels.T[::-1])
    height, width = image.shape
    filtered = np.hstack([np.zeros((height, 1), np.uint8), image])  # each row says that it is not filtered
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
    """Put an image into the page itself."""
    return "data:image/png;base64," + base64.b64encode(image).decode()


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
