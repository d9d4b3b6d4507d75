"""Chooses excerpts to query, and writes their degraded audio to files."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import soundfile

from benchmarks.data.audio_io import RATE_HZ, Sound1, mono, read
from benchmarks.data.corpus import Track
from benchmarks.data.degrade import CONDITIONS, chance, degrade
from benchmarks.data.file_cache import write_once
from benchmarks.data.overlays import Material

LONGEST_STRETCH: Final = max(condition.stretch for condition in CONDITIONS.values())
QUIET: Final = 10 ** (-50 / 20)
TRIES: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """A place in a track, queried under every condition.

    Attributes
    ----------
    start_s : float
        Where the longest query starts in the track; a shorter one is the middle of the longest.
    """

    id: str
    path: str
    kind: str
    start_s: float


def pick(root: Path, tracks: Sequence[Track], *, n: int, longest_s: float, seed: int) -> list[Excerpt]:
    """Draw `n` excerpts that are not silent, about as many from each track."""
    rng = chance(seed, "excerpts", f"{longest_s:g}")  # so that fewer excerpts are the first of more
    needed_s = longest_s * LONGEST_STRETCH + 0.2
    usable = [track for track in tracks if track.duration_s > needed_s]
    order = [usable[k] for k in rng.permutation(len(usable))]
    excerpts: list[Excerpt] = []
    while len(excerpts) < n:
        track = order[len(excerpts) % len(order)]
        start_s = _loud_place(root / track.path, track.duration_s - needed_s, needed_s, rng)
        if start_s is None:
            order.remove(track)
            continue
        start_s = round(start_s, 3)
        mark = hashlib.sha256(f"{track.path}@{start_s}".encode()).hexdigest()[:6]
        name = f"{track.kind}-{len(excerpts):04d}-{mark}"
        excerpts.append(Excerpt(id=name, path=track.path, kind=track.kind, start_s=start_s))
    return excerpts


def _loud_place(path: Path, last_s: float, needed_s: float, rng: np.random.Generator) -> float | None:
    for _ in range(TRIES):
        start_s = float(rng.uniform(0.0, last_s))
        sound = mono(read(path, start_s=start_s, length_s=needed_s))
        seconds = sound[: sound.size // RATE_HZ * RATE_HZ].reshape(-1, RATE_HZ)
        if np.median(np.sqrt(np.mean(np.square(seconds), axis=1))) > QUIET:
            return start_s
    return None


def degraded(
    root: Path,
    excerpt: Excerpt,
    condition: str,
    *,
    longest_s: float,
    seed: int,
    material: Material,
    folder: Path,
) -> Path:
    """Return the 16-bit WAV file of an excerpt's longest query under a condition, written once."""

    def make() -> bytes:
        needed_s = longest_s * CONDITIONS[condition].stretch
        clip = read(root / excerpt.path, start_s=excerpt.start_s, length_s=needed_s)
        sound = degrade(clip, condition, seed=seed, query_id=excerpt.id, material=material)
        return wav(sound[: round(longest_s * RATE_HZ)])

    return once(folder / condition / f"{excerpt.id}.wav", make)


def once(file: Path, make: Callable[[], bytes]) -> Path:
    """Return a file, written unless it exists; an existing file is complete."""
    write_once(file, lambda partial: partial.write_bytes(make()))
    return file


def middle(file: Path, *, length_s: float, longest_s: float) -> bytes:
    """Return the bytes of a WAV file with the middle `length_s` seconds of a longest query."""
    if length_s == longest_s:
        return file.read_bytes()
    sound, _ = soundfile.read(file, dtype="float32")
    first = round((longest_s - length_s) / 2 * RATE_HZ)
    return wav(sound[first : first + round(length_s * RATE_HZ)])


def wav(sound: Sound1) -> bytes:
    """Return the bytes of a 16-bit WAV file at ``RATE_HZ``."""
    out = io.BytesIO()
    soundfile.write(out, sound, RATE_HZ, format="WAV", subtype="PCM_16")
    return out.getvalue()
