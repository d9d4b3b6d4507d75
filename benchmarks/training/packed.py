"""Corpus -> one small file that training draws from, so that it fits through a narrow door to a GPU.

``python -m benchmarks.training.packed --corpus C --cache K --out pool.npz``

Spectrograms travel as WebP pictures, half a decibel a grey level (error of about 1 dB): an hour of music is
3.3 MB, a quarter of what Opus needs, and nothing has to be decoded to sound at the other end.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.training.data import Source, cached, load, room_energy, sources
from benchmarks.training.grey import shrink, to_grey
from earwitness.fingerprint.params import PARAMS
from earwitness.fingerprint.spectrogram import count_frames, power_frames

ROOM_FRAMES: Final = 64
FIELD_MINUTES: Final = 3.0
KINDS: Final = ("music", "speech", "noise")


def noise_fields(
    seed: int, minutes: float = FIELD_MINUTES
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Flicker and interference (`augment.Fields`), measured on two white noises behind the front end."""
    rng = np.random.default_rng(seed)
    noises = rng.standard_normal((2, int(minutes * 60 * PARAMS.rate_hz))).astype(np.float32)
    n_frames = count_frames(noises.shape[1])
    first, second, both = (power_frames(x, 8, n_frames - 8) for x in (*noises, noises.sum(axis=0)))
    interference = (both - first - second) / (2 * np.sqrt(first * second))
    return first / first.mean(axis=0), np.clip(interference, -1, 1)


def pack(chosen: list[Source], *, corpus: Path, cache: Path, seed: int) -> dict[str, NDArray[Any]]:
    """Name -> array of everything that `pools.Pools` reads."""
    arrays = dict[str, NDArray[Any]]()
    for kind in KINDS:
        tiles, owner = list[bytes](), list[int]()
        for number, source in enumerate(s for s in chosen if s.kind == kind):
            made = shrink(to_grey(cached(source, corpus=corpus, cache=cache)))
            tiles += made
            owner += [number] * len(made)
        arrays[f"{kind}_bytes"] = np.frombuffer(b"".join(tiles), dtype=np.uint8)
        arrays[f"{kind}_sizes"] = np.array([len(tile) for tile in tiles], dtype=np.int64)
        arrays[f"{kind}_owner"] = np.array(owner, dtype=np.int64)
    responses = [load(corpus / source.path) for source in chosen if source.kind == "room"]
    arrays["rooms"] = np.stack([room_energy(response, ROOM_FRAMES) for response in responses])
    flicker, interference = noise_fields(seed)
    arrays["flicker"], arrays["interference"] = flicker.astype(np.float16), interference.astype(np.float16)
    return arrays


def main() -> None:
    """Write the pool of the training role."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("corpus", "cache", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    chosen = sources(args.corpus, role="train")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = pack(chosen, corpus=args.corpus, cache=args.cache, seed=args.seed)
    np.savez(args.out, **arrays)
    print(f"{args.out}: {args.out.stat().st_size / 1e6:.1f} MB of {len(chosen)} files")


if __name__ == "__main__":
    main()
