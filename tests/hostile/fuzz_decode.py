"""Mutate good files and decode them: only `AudioError` or `Decoded` may come out.

``python -m tests.hostile.fuzz_decode --seconds 60 --seed 1`` prints how many, and what came of them.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np

from earwitness.fingerprint.decode import Decoder, Limits
from earwitness.fingerprint.errors import AudioError, DecoderDied
from tests.hostile.encode import SUFFIXES, encoded, tracks
from tests.hostile.encode_more import BY_PROGRAM, MORE, encoded_more, has_program
from tests.hostile.rounds import add_options, rounds

LIMITS = Limits(max_seconds=600, max_samples=60_000_000, wall_s=20)


def seeds() -> tuple[str, ...]:
    """The formats that can be made here, the usual ones three times as often as the others."""
    usual = (*SUFFIXES, "joined", "tracks") * 3
    return (*usual, *(suffix for suffix in MORE if has_program() or suffix not in BY_PROGRAM))


def seed_file(suffix: str) -> bytes:
    """One second of sound in a format; "joined" and "tracks" are files of several streams."""
    if suffix == "joined":
        return encoded("mp3", 1.0) + encoded("ogg", 1.0) + encoded("wav", 0.5) + encoded("flac", 1.0)
    if suffix == "tracks":
        return tracks("matroska", "aac", 1.0, 0.5)
    return encoded(suffix, 1.0) if suffix in SUFFIXES else encoded_more(suffix, 1.0)


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """Flip, insert, delete, repeat or cut, a few times over; headers are hit as often as the rest."""
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 9))):
        reach = len(changed) if rng.random() < 0.5 else min(len(changed), 512)
        at = int(rng.integers(0, max(1, reach)))
        length = int(rng.integers(1, 64))
        match int(rng.integers(0, 6)):
            case 0:
                changed[at : at + 1] = bytes([int(rng.integers(0, 256))])
            case 1:
                changed[at : at + length] = rng.integers(0, 256, length, dtype=np.uint8).tobytes()
            case 2:
                changed[at:at] = rng.integers(0, 256, length, dtype=np.uint8).tobytes()
            case 3:
                del changed[at : at + length]
            case 4:
                changed[at:at] = changed[at : at + length * 8]
            case _:
                changed[at : at + 4] = bytes(4) if rng.random() < 0.5 else b"\xff" * 4
    if rng.random() < 0.2:
        del changed[int(rng.integers(0, len(changed) + 1)) :]
    return bytes(changed)


def fuzz(options: argparse.Namespace) -> Counter[str]:
    """Decode a mutant in each round; return how often each outcome came."""
    rng = np.random.default_rng(options.seed)
    keep: Path | None = options.keep
    outcomes: Counter[str] = Counter()
    formats = seeds()
    with Decoder(limits=LIMITS) as decoder:
        for _ in rounds(options):
            suffix = formats[int(rng.integers(len(formats)))]
            mutant = mutated(seed_file(suffix), rng)
            try:
                decoded = decoder.decode(mutant, name=f"mutant.{suffix}")
                assert np.isfinite(decoded.waveform.samples).all()
                outcomes["ok" if decoded.whole else "cut"] += 1
            except AudioError as error:
                outcomes[error.code] += 1
                if isinstance(error, DecoderDied) and keep is not None:
                    (keep / f"died-{sum(outcomes.values())}.{suffix}").write_bytes(mutant)
    return outcomes


def main() -> None:
    """Fuzz from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser, seed=0)
    parser.add_argument("--keep", type=Path, help="folder for mutants that brought a worker down")
    outcomes = fuzz(parser.parse_args())
    print(sum(outcomes.values()), "mutants decoded:", dict(sorted(outcomes.items())))


if __name__ == "__main__":
    main()
