"""Which sounds are trained on, and their log-frequency power as float16 decibels in a cache folder."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from benchmarks.data.corpus import Corpus, Role, Sound, Track
from benchmarks.data.file_cache import write_once
from earwitness.fingerprint.params import PARAMS
from earwitness.fingerprint.spectrogram import count_frames, normalise_level, power_frames

SILENCE_POWER: Final = 1e-9
MODULES: Final = frozenset({".mod", ".xm", ".s3m", ".it"})

Kind = Literal["music", "speech", "noise", "room"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file of the open corpus and what it may be used for."""

    path: str
    package: str
    license: str
    kind: Kind
    role: Role


def sources(corpus: Path, *, role: Role) -> list[Source]:
    """Every usable file of one role that is on this machine, in the lists' order.

    Tracker modules are left out (no decoder agrees with another on them), and one of each group of duplicates
    is kept.
    """
    opened = Corpus.open(corpus)
    tracks: list[Track | Sound] = [
        track
        for kind in ("music", "speech")
        for track in opened.select(role=role, kind=kind)
        if Path(track.path).suffix not in MODULES
    ]
    noises = [n for n in opened.noises if n.role == role and n.kind != "speech_babble_source"]
    rooms = [room for room in opened.rooms if room.role == role]
    labelled: list[tuple[Track | Sound, Kind]] = [
        (t, "music" if t.kind == "music" else "speech") for t in tracks
    ]
    labelled += [(noise, "noise") for noise in noises] + [(room, "room") for room in rooms]
    return [
        Source(path=entry.path, package=entry.package, license=entry.license, kind=kind, role=role)
        for entry, kind in labelled
        if Path(entry.path).suffix != ".gsm" and (corpus / entry.path).is_file()
    ]


def load(path: Path) -> NDArray[np.float32]:
    """A trusted file as mono samples at the fingerprint's rate."""
    samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    mono = np.ascontiguousarray(samples.mean(axis=1))
    resampled: NDArray[np.float32] = soxr.resample(mono, rate_hz, PARAMS.rate_hz, quality="HQ")
    return resampled.astype(np.float32, copy=False)


def decibels(samples: NDArray[np.float32]) -> NDArray[np.float16]:
    """Log-frequency power in decibels, as the cache keeps it; shape (n_frames, n_bands)."""
    power = power_frames(samples, 0, count_frames(samples.size))
    return (10 * np.log10(np.maximum(power, SILENCE_POWER))).astype(np.float16)


def cached(source: Source, *, corpus: Path, cache: Path) -> NDArray[np.float16]:
    """One source's decibels, decoded only the first time."""
    name = hashlib.sha256(f"{source.path} {PARAMS.canonical()}".encode()).hexdigest()[:16]
    file = cache / f"{name}.npy"
    write_once(file, lambda partial: np.save(partial, decibels(load(corpus / source.path))))
    kept: NDArray[np.float16] = np.load(file)
    return kept


def picture(source: Source, *, corpus: Path, cache: Path) -> NDArray[np.float32]:
    """What the net sees of a whole source, shape (n_frames, n_bands)."""
    power = np.float32(10) ** (cached(source, corpus=corpus, cache=cache).astype(np.float32) / 10)
    return normalise_level(power.astype(np.float32))


def room_energy(samples: NDArray[np.float32], n_frames: int) -> NDArray[np.float32]:
    """Energy of a room's response in each frame from its strongest moment on; sums to 1."""
    start = max(0, int(np.argmax(np.abs(samples))) - PARAMS.hop_samples // 2)
    tail = np.zeros(n_frames * PARAMS.hop_samples, dtype=np.float32)
    kept = samples[start : start + tail.size]
    tail[: kept.size] = kept
    energy: NDArray[np.float32] = np.square(tail).reshape(n_frames, -1).sum(axis=1)
    energy /= energy.sum()
    return energy
