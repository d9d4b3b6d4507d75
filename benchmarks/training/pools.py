"""What training draws from: excerpts of tracks, other sounds to lay over them, rooms, the fields of noise."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.training.augment import BANDS, Fields, gain, octaves
from benchmarks.training.grey import LOWEST_DB, STEP_DB, Grey, unpack


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracks:
    """Grey levels of many tracks in a row, drawn from in proportion to their length.

    Attributes
    ----------
    rows : uint8 Tensor, shape (n_frames, n_bands)
        On the device of the run: sixteen hours are 240 MB.
    firsts, lengths : int64 Tensor, shape (n_tracks,)
    weights : Tensor, shape (n_tracks,)
    """

    rows: Tensor
    firsts: Tensor
    lengths: Tensor
    weights: Tensor

    @classmethod
    def of(cls, arrays: list[Grey], *, boost: NDArray[np.float64] | None = None) -> Tracks:
        """Lay the tracks in a row; `boost` multiplies how often each is drawn."""
        lengths = torch.tensor([len(array) for array in arrays])
        weights = lengths.double() * torch.as_tensor(1.0 if boost is None else boost).to(lengths.device)
        return cls(
            rows=torch.as_tensor(np.concatenate(arrays)).to(lengths.device),
            firsts=torch.cumsum(lengths, 0) - lengths,
            lengths=lengths,
            weights=weights,
        )

    def draw(self, batch: int, frames: int) -> tuple[Tensor, Tensor, Tensor]:
        """Random excerpts as power (batch, frames, bands), each one's track and its first frame.

        Tracks shorter than an excerpt begin anew.
        """
        if not batch:
            return torch.empty(0, frames, BANDS), torch.empty(0).long(), torch.empty(0).long()
        track = torch.multinomial(self.weights, batch, replacement=True)
        room = (self.lengths[track] - frames).clamp_min(1)
        start = (torch.rand(batch) * room).long()
        index = (start[:, None] + torch.arange(frames)[None, :]) % self.lengths[track][:, None]
        grey = self.rows[self.firsts[track][:, None] + index].float()
        return gain((grey + torch.rand_like(grey) - 0.5) * STEP_DB + LOWEST_DB), track, start


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
    def load(cls, path: Path) -> Pools:
        """Read what `benchmarks.training.packed` wrote, onto torch's default device."""
        with np.load(path, allow_pickle=False) as kept:
            arrays = {name: kept[name] for name in kept.files}
        music, speech, noise = (unpack(arrays, kind) for kind in ("music", "speech", "noise"))
        here = torch.empty(0).device
        flicker, interference, rooms = (
            torch.as_tensor(arrays[name]).float().to(here) for name in ("flicker", "interference", "rooms")
        )
        return cls(
            tracks=Tracks.of([*music, *speech], boost=np.repeat([1.0, 1.5], [len(music), len(speech)])),
            music=Tracks.of(music),
            speech=Tracks.of(speech),
            ambience=Tracks.of([_levelled(noise)]),
            rooms=rooms,
            fields=Fields(flicker=flicker, interference=interference),
        )

    def others(self, batch: int, frames: int, hardness: float) -> tuple[Tensor, Tensor]:
        """A second sound for each item and its signal-to-noise ratio in dB, shape (batch, 1, 1).

        Nothing, steady or modulated noise of any colour, ambience, speech, babble or music; noise to -12 dB,
        speech to -11 dB, sounds to -8 dB; easier by up to 10 dB where `hardness` is below 1.
        """
        shares = np.array([0.08, 0.22, 0.20, 0.19, 0.04, 0.27])
        edges = (np.cumsum(shares) * batch).astype(int)
        counts = np.diff([0, *edges[:-1], batch]).tolist()
        speech = self.speech.draw(counts[3] + 3 * counts[4], frames)[0]
        babble = speech[counts[3] :].reshape(-1, 3, frames, BANDS).sum(dim=1)
        sounds = torch.cat(
            [
                self._noise(counts[0] + counts[1], frames),
                self.ambience.draw(counts[2], frames)[0],
                speech[: counts[3]],
                babble,
                self.music.draw(counts[5], frames)[0],
            ]
        )
        snr_db = -8 + 18 * torch.rand(batch)
        snr_db[: counts[0] + counts[1]] = -12 + 27 * torch.rand(counts[0] + counts[1])
        snr_db[counts[0] + counts[1] + counts[2] : batch - counts[5]] -= 3
        snr_db = snr_db + 10 * (1 - hardness)
        snr_db[: counts[0]] = torch.inf
        order = torch.randperm(batch)
        return sounds[order], snr_db[order].view(-1, 1, 1)

    def _noise(self, batch: int, frames: int) -> Tensor:
        """White to brown to blue noise, steady or modulated."""
        flicker = self.fields.crops(self.fields.flicker, batch, frames)
        colour = gain((torch.rand(batch, 1, 1) * 12 - 9) * octaves())
        coarse = torch.rand(batch, 1, 12) ** 3 * 10 + 0.05
        swell = torch.nn.functional.interpolate(coarse, frames, mode="linear").transpose(1, 2)
        steady = torch.rand(batch, 1, 1) < 0.65
        return flicker * colour * torch.where(steady, torch.ones(1), swell)


def _levelled(noises: list[Grey]) -> Grey:
    """Ambience as one long track, every noise brought to one level and held for at least ten seconds."""
    held = []
    for noise in noises:
        decibels = noise.astype(np.float32) * STEP_DB
        audible = (decibels - decibels.max(axis=0).mean()) / STEP_DB + 200
        enough = np.tile(audible, (max(1, -(-320 // max(1, len(noise)))), 1))[: 40 * 32]
        held.append(np.clip(np.round(enough), 0, 255).astype(np.uint8))
    return np.concatenate(held)
