"""Impulse responses of simulated rooms, as the lists name them (image sources and ray tracing)."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile

RATE_HZ: Final = 44_100
MARGIN_M: Final = 0.15
N_ROOMS, SEED, PREFIX = 32, 11, "open"

Size = tuple[float, float, float]
KINDS: Final[tuple[tuple[str, Size, Size, tuple[float, float]], ...]] = (
    ("car", (1.3, 2.2, 1.1), (1.7, 3.0, 1.4), (0.05, 0.12)),
    ("small_room", (2.2, 2.5, 2.3), (4, 4.5, 2.8), (0.2, 0.5)),
    ("living_room", (3.5, 4.5, 2.4), (6, 8, 3), (0.3, 0.7)),
    ("kitchen_bath", (1.8, 2, 2.3), (3.5, 4, 2.7), (0.5, 1.0)),
    ("office", (5, 6, 2.6), (12, 15, 3.2), (0.4, 0.8)),
    ("cafe_bar", (7, 8, 2.8), (15, 20, 4.5), (0.5, 1.1)),
    ("hall", (15, 20, 5), (30, 40, 12), (1.0, 2.2)),
    ("station", (25, 40, 8), (50, 80, 18), (2.0, 4.0)),
)
"""Name, smallest and largest size in metres, shortest and longest reverberation time in seconds."""


def simulate_rooms(root: Path) -> None:
    """Write FOLDER/derived/irs_sim/*.wav where pyroomacoustics is installed; print a note where it is not."""
    try:
        import pyroomacoustics
    except ModuleNotFoundError:
        print("pyroomacoustics is not installed: no simulated rooms", file=sys.stderr)
        return
    folder = root / "derived" / "irs_sim"
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(SEED)
    np.random.seed(SEED)
    for number in range(N_ROOMS):
        kind, smallest, largest, rt60_s = KINDS[number % len(KINDS)]
        size_m = [draw.uniform(low, high) for low, high in zip(smallest, largest, strict=True)]
        response = _response(pyroomacoustics, kind, size_m, draw.uniform(*rt60_s), draw)
        path = folder / f"{PREFIX}_{number:03d}_{kind}.wav"
        soundfile.write(path, response.astype(np.float32), RATE_HZ, subtype="PCM_24")


def _response(pra: Any, kind: str, size_m: list[float], rt60_s: float, draw: random.Random) -> Any:
    try:
        absorption, order = pra.inverse_sabine(rt60_s, size_m)
    except ValueError:  # no wall absorbs enough for so short a time: take the highest absorption
        absorption, order = 0.9, 3
    traced = kind != "car"
    room = pra.ShoeBox(
        size_m,
        fs=RATE_HZ,
        materials=pra.Material(absorption),
        max_order=min(order, 4 if kind in ("hall", "station") else 12),
        ray_tracing=traced,
        air_absorption=True,
    )
    if traced:
        room.set_ray_tracing(n_rays=4000, receiver_radius=0.5)
    for place in (room.add_source, room.add_microphone):
        place([draw.uniform(MARGIN_M, length - MARGIN_M) for length in size_m])
    room.compute_rir()
    response = np.asarray(room.rir[0][0], dtype=np.float64)
    response /= np.abs(response).max()
    left = np.cumsum(np.square(response[::-1]))[::-1]
    end = int(np.argmax(left < left[0] * 1e-6)) or len(response)
    return response[: max(end, RATE_HZ // 20)]
