"""Synthetic audio and deterministic degradations for the queries."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import cache

import av
import numpy as np
import scipy.signal
import soundfile

from benchmarks.data.audio_io import play_faster
from sample_audio.make import PIECES, STRANGERS, babble, cut, play
from sample_audio.synth import RATE_HZ, Sound

TITLES = tuple(piece.title for piece in PIECES)


@cache
def work(title: str) -> Sound:
    """A registered work before encoding; 24 s."""
    return play(next(piece for piece in PIECES if piece.title == title))


@cache
def absent(number: int) -> Sound:
    """One of seven pieces that no index holds, with the instruments of a sample; 24 s."""
    seed, model = 100 + number, (*PIECES, *STRANGERS)[number]
    rng = np.random.default_rng(seed)
    chords = tuple(int(chord) for chord in rng.integers(0, 7, 8))
    tempo_bpm, root_midi = float(rng.integers(70, 150)), int(rng.integers(48, 64))
    return play(replace(model, seed=seed, tempo_bpm=tempo_bpm, root_midi=root_midi, chords=chords))


def speech(seed: int, length_s: float) -> Sound:
    """Synthetic syllables with pauses, peak 0.8."""
    samples = babble(int(length_s * RATE_HZ), seed=seed)
    return np.asarray(samples * (0.8 / np.abs(samples).max()), dtype=np.float32)


def noise(seed: int, length_s: float) -> Sound:
    """White noise of standard deviation 0.1."""
    return np.random.default_rng(seed).normal(0, 0.1, int(length_s * RATE_HZ)).astype(np.float32)


def tone(hertz: float, length_s: float) -> Sound:
    """A sine of amplitude 0.5."""
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(length_s * RATE_HZ)) / RATE_HZ)).astype(np.float32)


def silence(length_s: float) -> Sound:
    """Zeros."""
    return np.zeros(int(length_s * RATE_HZ), dtype=np.float32)


def faster(samples: Sound, speed: float) -> Sound:
    """Change speed and pitch together."""
    return np.asarray(play_faster(samples, speed), dtype=np.float32)


def stretched(samples: Sound, tempo: float) -> Sound:
    """Change the tempo and keep the pitch (FFmpeg's filter ``atempo``)."""
    graph = av.filter.Graph()
    source = graph.add_abuffer(format="flt", sample_rate=RATE_HZ, layout="mono")
    graph.link_nodes(source, graph.add("atempo", f"{tempo:.6f}"), graph.add("abuffersink")).configure()
    frame = av.AudioFrame.from_ndarray(samples[None, :], format="flt", layout="mono")
    frame.sample_rate, frame.pts = RATE_HZ, 0
    graph.push(frame)
    graph.push(None)
    parts = []
    while True:
        try:
            out = graph.pull()
        except (av.error.EOFError, av.error.BlockingIOError):
            break
        assert isinstance(out, av.AudioFrame)
        parts.append(out.to_ndarray()[0])
    return np.concatenate(parts).astype(np.float32)


def transposed(samples: Sound, cents: float) -> Sound:
    """Change the pitch and keep the tempo."""
    ratio = 2 ** (cents / 1200)
    return stretched(faster(samples, ratio), 1 / ratio)


def filtered(samples: Sound, *, low_hz: float | None = None, high_hz: float | None = None) -> Sound:
    """Keep frequencies above `low_hz` and below `high_hz` (Butterworth, order 6)."""
    for hertz, kind in ((low_hz, "highpass"), (high_hz, "lowpass")):
        if hertz is not None:
            sections = scipy.signal.butter(6, hertz, kind, fs=RATE_HZ, output="sos")
            samples = scipy.signal.sosfilt(sections, samples)
    return np.asarray(samples, dtype=np.float32)


def reverberated(samples: Sound, *, seconds: float = 1.2) -> Sound:
    """Add reverberation: decaying noise as impulse response, at a third of the level."""
    response = noise(5, seconds) * np.exp(-6.9 * np.arange(int(seconds * RATE_HZ)) / (seconds * RATE_HZ))
    wet = scipy.signal.fftconvolve(samples, response)[: samples.size]
    mixed = samples + wet * (0.33 * np.std(samples) / np.std(wet))
    return np.asarray(mixed * (0.85 / np.abs(mixed).max()), dtype=np.float32)


def gain(samples: Sound, decibels: float) -> Sound:
    """Change the level, with clipping."""
    return np.asarray(np.clip(samples * 10 ** (decibels / 20), -1, 1), dtype=np.float32)


def joined(*parts: Sound) -> Sound:
    """Concatenate parts."""
    return np.concatenate(parts)


def by_soundfile(samples: Sound, form: str, subtype: str | None = None) -> bytes:
    """Encode without loss; shape (n_samples,) or (n_samples, n_channels)."""
    out = io.BytesIO()
    soundfile.write(out, samples, RATE_HZ, format=form, subtype=subtype)
    return out.getvalue()


def excerpt(title: str, number: int, length_s: float = 8.0) -> Sound:
    """Cut an excerpt of a work, at another position for each number."""
    range_s = 23.0 - length_s
    return cut(work(title), range_s * (0.37 + 0.618 * number % 1) % range_s, length_s)
