"""Spectrograms as grey pictures: half a decibel a level, WebP at rest.

Nothing here needs a decoder of sound: a machine that trains may have none.
"""

from __future__ import annotations

import io
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

LOWEST_DB: Final = -90.0
STEP_DB: Final = 0.5
QUALITY: Final = 86
TILE_FRAMES: Final = 16_000
"""Frames in one picture: WebP holds 16,383 rows."""

Grey = NDArray[np.uint8]


def to_grey(decibels: NDArray[np.floating[Any]]) -> Grey:
    """Decibels -> grey levels; what lies beyond the ends is cut to them."""
    levels = np.round((decibels.astype(np.float32) - LOWEST_DB) / STEP_DB)
    return np.clip(levels, 0, 255).astype(np.uint8)


def shrink(grey: Grey) -> list[bytes]:
    """One track as WebP pictures of at most `TILE_FRAMES` rows."""
    from PIL import Image  # only where the pool is made or read

    tiles = []
    for first in range(0, len(grey), TILE_FRAMES):
        kept = io.BytesIO()
        Image.fromarray(grey[first : first + TILE_FRAMES]).save(kept, "WEBP", quality=QUALITY, method=4)
        tiles.append(kept.getvalue())
    return tiles


def grow(tiles: list[bytes]) -> Grey:
    """The grey levels of a track's pictures."""
    from PIL import Image

    return np.concatenate([np.asarray(Image.open(io.BytesIO(tile)).convert("L")) for tile in tiles])


def unpack(arrays: dict[str, NDArray[Any]], kind: str) -> list[Grey]:
    """Grey levels of every track of one kind, shape (n_frames, n_bands) each."""
    ends = np.cumsum(arrays[f"{kind}_sizes"])
    held = arrays[f"{kind}_bytes"].tobytes()
    tracks = dict[int, list[bytes]]()
    for end, size, owner in zip(ends, arrays[f"{kind}_sizes"], arrays[f"{kind}_owner"], strict=True):
        tracks.setdefault(int(owner), []).append(held[end - size : end])
    return [grow(tiles) for tiles in tracks.values()]
