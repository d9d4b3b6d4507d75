"""What may happen to a sound between its release and its excerpt, wholly on batches of power spectrograms.

All functions take and give power, shape (batch, frames, bands), linear. Ranges go beyond every condition that
is evaluated: what training does not show, the net does not survive.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

from earwitness.fingerprint.params import PARAMS

BANDS = PARAMS.n_bands


@lru_cache(maxsize=1)
def octaves() -> Tensor:
    """Octaves of each band above the lowest, shape (bands,); made on first use, on the device of the run."""
    return torch.arange(BANDS) / PARAMS.bands_per_octave


@lru_cache(maxsize=1)
def widths() -> Tensor:
    """Share of a waveform's power that a band of even density holds: ratios are of waveforms."""
    shares = 2.0 ** octaves()
    return shares / shares.sum()


def chance(batch: int, probability: float) -> Tensor:
    """One or nought for each item, shape (batch, 1, 1)."""
    return (torch.rand(batch, 1, 1) < probability).float()


def between(batch: int, low: float, high: float) -> Tensor:
    """Evenly random numbers, shape (batch, 1, 1)."""
    return low + (high - low) * torch.rand(batch, 1, 1)


def gain(decibels: Tensor) -> Tensor:
    """Decibels -> power ratio."""
    return torch.exp(decibels * (math.log(10) / 10))


def loudness(power: Tensor) -> Tensor:
    """Mean power of the waveform behind each item, shape (batch, 1, 1)."""
    return (power.mean(dim=1, keepdim=True) * widths()).sum(dim=2, keepdim=True) + 1e-20


@lru_cache(maxsize=16)
def box(length: int, size: int) -> Tensor:
    """Matrix that takes a running mean over `size` neighbours, fewer at the ends; quicker than pooling."""
    apart = (torch.arange(length)[:, None] - torch.arange(length)[None, :]).abs()
    near = (apart <= size // 2).float()
    return near / near.sum(dim=1, keepdim=True)


def _curve(batch: int, knots: int, length: int) -> Tensor:
    """Smooth random curves of unit scale, shape (batch, length)."""
    return functional.interpolate(
        torch.randn(batch, 1, knots), length, mode="linear", align_corners=True
    ).squeeze(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """Real statistics of overlapping frames, measured on noise: how power flickers, how two sounds interfere.

    Attributes
    ----------
    flicker : Tensor, shape (n_frames, n_bands)
        Power of white noise, mean 1.
    interference : Tensor, shape (n_frames, n_bands)
        ``(P(x + y) - P(x) - P(y)) / (2 * sqrt(P(x) * P(y)))`` of two noises.
    """

    flicker: Tensor
    interference: Tensor

    def crops(self, field: Tensor, batch: int, frames: int) -> Tensor:
        """Random excerpts of a field, shape (batch, frames, bands)."""
        starts = torch.randint(0, len(field) - frames, (batch,))
        return field[starts[:, None] + torch.arange(frames)[None, :]]


def warp(power: Tensor, frames: int, *, shift_frames: Tensor) -> Tensor:
    """Speed +-9 %, pitch +-1.2 semitones, tempo +-17 %, alone and together, round the excerpt's middle."""
    batch, length, _ = power.shape
    octaves = (torch.rand(batch) * 2 - 1) * 0.125 * (torch.rand(batch) < 0.45)
    pitch = (torch.rand(batch) * 2 - 1) * 0.1 * (torch.rand(batch) < 0.4)
    tempo = (torch.rand(batch) * 2 - 1) * 0.16 * (torch.rand(batch) < 0.4)
    stretch = torch.exp(octaves * math.log(2) + tempo).clamp(0.8, 1.25)
    bands = (octaves + pitch) * PARAMS.bands_per_octave
    time = (torch.arange(frames) - frames // 2)[None, :] * stretch[:, None] + shift_frames[:, None]
    axis_t = time / ((length - 1) / 2)
    axis_f = torch.linspace(-1, 1, BANDS)[None, :] - (2 * bands / (BANDS - 1))[:, None]
    grid = torch.stack(
        [
            axis_f[:, None, :].expand(batch, frames, BANDS),
            axis_t[:, :, None].expand(batch, frames, BANDS),
        ],
        dim=3,
    )
    moved = functional.grid_sample(power.unsqueeze(1), grid, align_corners=True, padding_mode="border")
    return moved.squeeze(1)


def room(power: Tensor, fields: Fields, envelopes: Tensor) -> Tensor:
    """Smear by an exponential or a real room's energy; direct and late sound interfere, modes colour."""
    batch, frames, _ = power.shape
    decay_s = torch.exp(torch.rand(batch, 1) * math.log(30)) * 0.08
    age = torch.arange(frames)[None, :]
    tail = torch.exp(-13.8 * age * PARAMS.frame_s / decay_s)
    tail = tail / tail.sum(dim=1, keepdim=True)
    picked = functional.pad(envelopes[torch.randint(0, len(envelopes), (batch,))], (0, frames))[:, :frames]
    tail = torch.where(torch.rand(batch, 1) < 0.5, tail, picked)
    lag = torch.arange(frames)[:, None] - torch.arange(frames)[None, :]
    smear = tail[:, lag.clamp_min(0)] * (lag >= 0)
    late = torch.bmm(smear, power)
    late = late * (fields.crops(fields.flicker, batch, frames) * 0.7 + 0.3)
    direct = power * gain(between(batch, -15, 6))
    cross = fields.crops(fields.interference, batch, frames)
    mixed = (direct + late + 1.4 * torch.sqrt(direct * late) * cross).clamp_min(0)
    colour = _curve(batch, 64, BANDS) * torch.rand(batch, 1) * 6
    return mixed * gain(colour)[:, None, :]


def mix(power: Tensor, other: Tensor, fields: Fields, *, snr_db: Tensor) -> Tensor:
    """Add another sound at a signal-to-noise ratio of the waveforms, with the interference of the two."""
    other = other * (loudness(power) / loudness(other) * gain(-snr_db))
    cross = fields.crops(fields.interference, *power.shape[:2])
    return (power + other + 2 * torch.sqrt(power * other) * cross).clamp_min(0)


def equaliser(power: Tensor) -> Tensor:
    """Smooth curve over the bands, to about +-15 dB, and a tilt."""
    batch = len(power)
    curve = _curve(batch, 9, BANDS) * torch.rand(batch, 1) * 8
    tilt = (torch.rand(batch, 1) * 2 - 1) * 3 * (octaves() - 3)[None, :]
    return power * gain((curve + tilt) * chance(batch, 0.6)[:, 0])[:, None, :]


def band_limits(power: Tensor) -> Tensor:
    """High-pass up to 550 Hz and low-pass down to 800 Hz, apart or together (telephone), any steepness."""
    batch = len(power)
    low = math.log2(550 / PARAMS.low_hz) * PARAMS.bands_per_octave * torch.rand(batch, 1)
    low = low * (torch.rand(batch, 1) < 0.3) - 20 * (torch.rand(batch, 1) < 0.7)
    top = math.log2(800 / PARAMS.low_hz) * PARAMS.bands_per_octave
    high = top + (BANDS - top) * torch.rand(batch, 1)
    high = torch.where(torch.rand(batch, 1) < 0.3, high, torch.tensor(2.0 * BANDS))
    phone = torch.rand(batch, 1) < 0.15
    low = torch.where(phone, 48 + 8 * (torch.rand(batch, 1) - 0.5), low)
    high = torch.where(phone, 122 + 16 * (torch.rand(batch, 1) - 0.5), high)
    steep = torch.exp(torch.rand(batch, 1) * 3) * 0.25
    index = torch.arange(BANDS)[None, :]
    loss = functional.softplus((low - index) / 2) + functional.softplus((index - high) / 2)
    return power * gain((-loss * 8 * steep).clamp_min(-75))[:, None, :]


def dynamics(power: Tensor) -> Tensor:
    """A compressor's level curve: each frame's gain works against its level, slowly or fast."""
    batch = len(power)
    level = functional.avg_pool1d(power.mean(dim=2), 9, stride=1, padding=4, count_include_pad=False)
    relative = level / (level.mean(dim=1, keepdim=True) + 1e-20) + 1e-4
    strength = torch.rand(batch, 1) * 0.8 * chance(batch, 0.3)[:, 0]
    return power * torch.pow(relative, -strength)[:, :, None]


def distortion(power: Tensor, fields: Fields) -> Tensor:
    """Clipping: products spread over the bands of a frame, more of them where it is loud."""
    batch, frames, _ = power.shape
    level = (power * widths()).sum(dim=2, keepdim=True)
    excess = (level / (level.mean(dim=1, keepdim=True) + 1e-20)).clamp(0, 8)
    slope = gain(-(torch.rand(batch, 1) * 4)[:, :, None] * octaves()[None, None, :])
    local = power @ box(BANDS, 31).T
    spread = 0.5 * local + 2 * level * slope
    products = spread * excess * gain(between(batch, -28, -4)) * chance(batch, 0.25)
    return power + products * fields.crops(fields.flicker, batch, frames)


def codec(power: Tensor, fields: Fields) -> Tensor:
    """Low bit rates: holes below a masking threshold, noise that follows it, grainy levels."""
    batch, frames, _ = power.shape
    mask = power @ box(BANDS, 17).T
    threshold = mask * gain(between(batch, -24, -3))
    kept = torch.where(power < threshold, power * 0.01, power)
    noise = threshold * chance(batch, 0.6) * fields.crops(fields.flicker, batch, frames)
    return torch.where(chance(batch, 0.25) > 0, kept + noise, power)


def stems(power: Tensor) -> Tensor:
    """Parts taken out: a slow random gain over time and bands, down to -30 dB."""
    batch, frames, _ = power.shape
    coarse = torch.randn(batch, 1, 6, 10)
    smooth = functional.interpolate(coarse, (frames, BANDS), mode="bilinear", align_corners=True).squeeze(1)
    return power * gain((smooth * between(batch, 4, 16)).clamp(-30, 6) * chance(batch, 0.25))


def drums_or_tones(power: Tensor) -> Tensor:
    """Only what is short in time, or only what is narrow in bands, as separated stems are (Fitzgerald 2010).

    Means of decibels stand in for the medians of the original.
    """
    batch, frames, _ = power.shape
    picture = torch.log(power + 1e-12)
    steady = box(frames, 31) @ picture
    broad = picture @ box(BANDS, 21).T
    drums = torch.sigmoid(2 * (broad - steady) - between(batch, 0, 3))
    masked = torch.where(chance(batch, 0.7) > 0, drums**2, (1 - drums) ** 2)
    return power * (masked + 1e-5)


def drops(power: Tensor) -> Tensor:
    """Lost cells, lost frames (gaps of silence up to 0.6 s), lost bands."""
    batch, frames, _ = power.shape
    lost = (torch.rand(batch, frames, BANDS) < 0.12) & (chance(batch, 0.15) > 0)
    age = torch.arange(frames)[None, :, None] - torch.randint(0, frames, (batch, 1, 1))
    lost |= (age >= 0) & (age < torch.randint(1, 20, (batch, 1, 1))) & (chance(batch, 0.15) > 0)
    band = torch.arange(BANDS)[None, None, :] - torch.randint(0, BANDS, (batch, 1, 1))
    lost |= (band >= 0) & (band < torch.randint(1, 30, (batch, 1, 1))) & (chance(batch, 0.15) > 0)
    return torch.where(lost, power * 0.003, power)


def gate(other: Tensor) -> Tensor:
    """Speech and effects come and go: a random gate over time for some of the items."""
    batch, frames, _ = other.shape
    steps = (torch.rand(batch, 1, frames // 10) < 0.6).float()
    open_ = functional.interpolate(steps, frames, mode="linear").transpose(1, 2) + 0.003
    return torch.where(chance(batch, 0.35) > 0, other * open_, other)


def _some(power: Tensor, probability: float, change: Callable[[Tensor], Tensor]) -> Tensor:
    """Change a part of the batch; for what costs too much to compute and throw away."""
    chosen = torch.rand(len(power)) < probability
    if chosen.any():
        power = power.clone()
        power[chosen] = change(power[chosen])
    return power


def degrade(power: Tensor, others: Tensor, snr_db: Tensor, fields: Fields, envelopes: Tensor) -> Tensor:
    """One random chain: production, playback in a room, other sounds, the recorder's band, a codec, losses.

    Parameters
    ----------
    power : Tensor, shape (batch, frames, bands)
        Already warped.
    others : Tensor, shape (batch, frames, bands)
        The other sound of each item, any level.
    snr_db : Tensor, shape (batch, 1, 1)
        Infinite where nothing is added.
    """
    power = dynamics(_some(stems(power), 0.11, drums_or_tones))
    power = distortion(equaliser(power), fields)
    power = _some(power, 0.4, lambda sound: room(sound, fields, envelopes))
    early = chance(len(power), 0.5) > 0
    power = torch.where(early, band_limits(power), power)
    power = mix(power, gate(others), fields, snr_db=snr_db)
    power = torch.where(early, power, band_limits(power))
    return drops(codec(power, fields))
