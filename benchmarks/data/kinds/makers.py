"""What makes sound: a voice, a kit, a soundfont, a chip. Its pieces share its sounds, but no recording."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Side = Literal["fit", "test"]
Part = Literal["reference", "query"]

SIDES: Final[tuple[Side, ...]] = ("fit", "test")

PIECE_S: Final = 45.0
"""Length of a piece in seconds, where its maker can choose it."""

PEAK: Final = 0.85
"""Largest absolute sample of a piece."""

Sound = NDArray[np.float32]
"""Mono samples, shape (n_samples,)."""

Play = Callable[[int, np.random.Generator], Sound]
"""Number and generator of chance of a piece -> its samples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """One maker of sound.

    Attributes
    ----------
    kind : str
        Its kind of sound.
    name : str
        Unique within its kind; safe as a folder's name.
    side : str
        ``fit`` may be used in training and fitting, ``test`` judges. All pieces of a maker are on one side.
    rate_hz : int
        Sample rate of its pieces.
    play : callable
        Returns a piece from its number and its generator of chance: mono samples.
    limit : int or None
        Largest number of pieces, where they are cut from files; None if there is no limit.
    licence : str
        Of the sounds that it is made of.
    package : str or None
        Debian package that it needs, None if it is computed.
    needs : tuple of str
        Programs and absolute paths that the package installs, all of which its pieces need.
    """

    kind: str
    name: str
    side: Side
    rate_hz: int
    play: Play
    limit: int | None = None
    licence: str = "CC0-1.0"
    package: str | None = None
    needs: tuple[str, ...] = ()

    @property
    def missing(self) -> list[str]:
        """What it needs and this machine does not have."""
        return [one for one in self.needs if shutil.which(one) is None and not Path(one).exists()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One piece of a maker: a reference that is indexed, or a query that no reference holds."""

    path: str
    kind: str
    maker: str
    piece: str
    side: Side
    part: Part
    duration_s: float
    seed: int
    licence: str


def by_seed(play: Callable[[np.random.Generator], Sound]) -> Play:
    """Return `play` with a number that it does not need: the generator of chance differs for each piece."""
    return lambda number, rng: play(rng)  # noqa: ARG005


def seed_of(maker: Maker, number: int) -> int:
    """Return the seed of a maker's piece; different for each."""
    name = f"{maker.kind}/{maker.name}/{number}"
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big")


def part_of(number: int) -> Part:
    """Return whether a piece is a reference (even numbers) or a query."""
    return "query" if number % 2 else "reference"


def numbered(maker: Maker, n_pieces: int) -> Iterator[tuple[int, Path]]:
    """Yield number and relative path of each piece of a maker."""
    for number in range(n_pieces if maker.limit is None else min(n_pieces, maker.limit)):
        yield number, Path(maker.kind) / maker.name / f"{number:04d}.flac"


def levelled(samples: Sound) -> Sound:
    """Return the samples with the largest at ``PEAK``."""
    peak = float(np.abs(samples).max(initial=0.0))
    return np.asarray(samples * np.float32(PEAK / max(peak, 1e-6)), dtype=np.float32)


def add_at(track: Sound, start: int, sound: Sound, level: float) -> None:
    """Mix a sound into a track from a sample on; what lies beyond the end is left out."""
    fitting = sound[: max(0, track.size - start)]
    track[start : start + fitting.size] += np.float32(level) * fitting
