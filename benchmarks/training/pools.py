"""What training draws from: excerpts of tracks, other sounds to lay over them, rooms, the fields of noise."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.training.augment import BANDS, OCTAVES, Fields, gain
from benchmarks.training.data import Source, cached, load, room_energy
from fingerprint.params import PARAMS
from fingerprint.spectrogram import count_frames, power_frames

ROOM_FRAMES: Final = 64
Decibels = NDArray[np.float16]


def noise_fields(seed: int, minutes: float = 6.0) -> Fields:
    """Measure flicker and interference on two white noises that went through the front end."""
    rng = np.random.default_rng(seed)
    noises = rng.standard_normal((2, int(minutes * 60 * PARAMS.rate_hz))).astype(np.float32)
    n_frames = count_frames(noises.shape[1])
    first, second, both = (power_frames(x, 8, n_frames - 8) for x in (*noises, noises.sum(axis=0)))
    interference = (both - first - second) / (2 * np.sqrt(first * second))
    return Fields(
        flicker=torch.from_numpy(first / first.mean(axis=0)),
        interference=torch.from_numpy(np.clip(interference, -1, 1)),
    )


@dataclass(frozen=True, slots=True)
class Tracks:
    """Decibels of many tracks, drawn from in proportion to their length."""

    arrays: list[Decibels]
    weights: NDArray[np.float64]

    @classmethod
    def of(cls, arrays: list[Decibels], *, boost: NDArray[np.float64] | None = None) -> Tracks:
        """Tracks too short for an excerpt are left out by their weight."""
        lengths = np.array([len(array) for array in arrays], dtype=np.float64)
        weights = lengths * (boost if boost is not None else 1.0)
        return cls(arrays, weights / weights.sum())

    def draw(
        self, rng: np.random.Generator, batch: int, frames: int
    ) -> tuple[Tensor, NDArray[np.int64], NDArray[np.int64]]:
        """Random excerpts as power (batch, frames, bands), each one's track and its first frame."""
        chosen = rng.choice(len(self.arrays), batch, p=self.weights)
        excerpts = np.empty((batch, frames, BANDS), dtype=np.float16)
        starts = np.zeros(batch, dtype=np.int64)
        for i, track in enumerate(chosen):
            array = self.arrays[track]
            starts[i] = rng.integers(0, max(1, len(array) - frames))
            piece = array[starts[i] : starts[i] + frames]
            excerpts[i] = np.pad(piece, ((0, frames - len(piece)), (0, 0)), mode="wrap")
        return gain(torch.from_numpy(excerpts).float()), chosen, starts


@dataclass(frozen=True, slots=True, kw_only=True)
class Pools:
    """Everything a training run draws from."""

    tracks: Tracks
    music: Tracks
    speech: Tracks
    ambience: Tracks
    rooms: Tensor
    fields: Fields

    @classmethod
    def load(cls, chosen: list[Source], *, corpus: Path, cache: Path, seed: int) -> Pools:
        """Read the cache, filling it where it is empty."""
        kept = {kind: [s for s in chosen if s.kind == kind] for kind in ("music", "speech", "noise", "room")}
        arrays = {
            kind: [cached(source, corpus=corpus, cache=cache) for source in kept[kind]]
            for kind in ("music", "speech", "noise")
        }
        both = [*arrays["music"], *arrays["speech"]]
        boost = np.repeat([1.0, 1.5], [len(arrays["music"]), len(arrays["speech"])])
        rooms = [room_energy(load(corpus / source.path), ROOM_FRAMES) for source in kept["room"]]
        return cls(
            tracks=Tracks.of(both, boost=boost),
            music=Tracks.of(arrays["music"]),
            speech=Tracks.of(arrays["speech"]),
            ambience=Tracks.of([_levelled(arrays["noise"])]),
            rooms=torch.from_numpy(np.stack(rooms)),
            fields=noise_fields(seed),
        )

    def others(
        self, rng: np.random.Generator, batch: int, frames: int, hardness: float
    ) -> tuple[Tensor, Tensor]:
        """A second sound for each item and its signal-to-noise ratio in dB, shape (batch, 1, 1).

        Nothing, steady or modulated noise of any colour, ambience, speech, babble or music; noise to -12 dB,
        speech to -11 dB, sounds to -8 dB; easier by up to 10 dB where `hardness` is below 1.
        """
        shares = np.array([0.08, 0.22, 0.20, 0.19, 0.04, 0.27])
        edges = (np.cumsum(shares) * batch).astype(int)
        counts = np.diff([0, *edges[:-1], batch])
        speech = self.speech.draw(rng, counts[3] + 3 * counts[4], frames)[0]
        babble = speech[counts[3] :].reshape(-1, 3, frames, BANDS).sum(dim=1)
        sounds = torch.cat(
            [
                self._noise(int(counts[0] + counts[1]), frames),
                self.ambience.draw(rng, counts[2], frames)[0],
                speech[: counts[3]],
                babble,
                self.music.draw(rng, counts[5], frames)[0],
            ]
        )
        snr_db = torch.cat([-8 + 18 * torch.rand(batch - counts[0]), torch.zeros(0)])
        snr_db[: counts[1]] = -12 + 27 * torch.rand(int(counts[1]))
        snr_db[counts[1] + counts[2] : -counts[5]] -= 3
        snr_db = torch.cat([torch.full((int(counts[0]),), torch.inf), snr_db + 10 * (1 - hardness)])
        order = torch.randperm(batch)
        return sounds[order], snr_db[order].view(-1, 1, 1)

    def _noise(self, batch: int, frames: int) -> Tensor:
        """White to brown to blue noise, steady or modulated."""
        flicker = self.fields.crops(self.fields.flicker, batch, frames)
        colour = gain((torch.rand(batch, 1, 1) * 12 - 9) * OCTAVES)
        coarse = torch.rand(batch, 1, 12) ** 3 * 10 + 0.05
        swell = torch.nn.functional.interpolate(coarse, frames, mode="linear").transpose(1, 2)
        steady = torch.rand(batch, 1, 1) < 0.65
        return flicker * colour * torch.where(steady, torch.ones(1), swell)


def _levelled(noises: list[Decibels]) -> Decibels:
    """Ambience as one long track, every noise brought to one level and held for at least ten seconds."""
    held = []
    for noise in noises:
        audible = noise - np.float16(noise.astype(np.float32).max(axis=0).mean())
        held.append(np.tile(audible, (max(1, -(-320 // max(1, len(noise)))), 1))[: 40 * 32])
    return np.concatenate(held)
