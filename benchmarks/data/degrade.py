"""Degradations of music that occur in datasets: all conditions of the evaluation, in the audio domain.

A condition is a name in ``CONDITIONS``. The same (seed, condition, query id) always gives the same samples
on one machine with one ffmpeg; tools are named in `benchmarks.data.audio_io`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.ndimage
import scipy.signal
from librosa.effects import harmonic, percussive
from numpy.typing import NDArray

from benchmarks.data.audio_io import (
    RATE_HZ,
    Sound1,
    decode,
    encode,
    mono,
    play_faster,
    rubberband,
)
from benchmarks.data.overlays import Material


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """One excerpt, its random generator, and the audio that may be mixed with it."""

    clip: NDArray[np.float32]
    rng: np.random.Generator
    material: Material

    @property
    def dry(self) -> Sound1:
        """The mean of the channels, a new array."""
        return mono(self.clip)


Degrade = Callable[[Take], Sound1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One degradation, and how it changes the query's time against the reference's.

    Attributes
    ----------
    speed, tempo : float
        1.12 plays 12 % faster; ``speed`` changes the pitch too, ``tempo`` does not.
    pitch_cents : float
        Change of the pitch alone.
    """

    apply: Degrade
    speed: float = 1.0
    tempo: float = 1.0
    pitch_cents: float = 0.0

    @property
    def stretch(self) -> float:
        """Reference seconds that pass in one second of the query."""
        return self.speed * self.tempo


def chance(seed: int, condition: str, query_id: str) -> np.random.Generator:
    """Return a random generator that depends on these three values only."""
    digest = hashlib.sha256(f"{seed}/{condition}/{query_id}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def degrade(
    clip: NDArray[np.float32], condition: str, *, seed: int, query_id: str, material: Material
) -> Sound1:
    """Degrade an excerpt.

    Parameters
    ----------
    clip : float32 array, shape (n_samples, n_channels)
        The excerpt at ``audio_io.RATE_HZ``; it holds ``stretch`` times the wanted query's length.
    condition : str
        A name in ``CONDITIONS``.

    Returns
    -------
    float32 array, shape (n_samples,)
        Mono at the same rate, its peak at 0.9 unless it is silent.
    """
    degraded = CONDITIONS[condition].apply(
        Take(clip=clip, rng=chance(seed, condition, query_id), material=material)
    )
    peak = float(np.abs(degraded).max(initial=0.0))
    return (degraded * (0.9 / peak) if peak > 0 else degraded).astype(np.float32)


def _rms(samples: Sound1) -> float:
    return float(np.sqrt(np.mean(np.square(samples))) + 1e-12)


def _over(clip: Sound1, other: Sound1, snr_db: float) -> Sound1:
    return clip + other * np.float32(_rms(clip) / _rms(other) * 10 ** (-snr_db / 20))


def _pink(rng: np.random.Generator, n_samples: int) -> Sound1:
    """Noise with equal power in each octave above 20 Hz."""
    spectrum = np.fft.rfft(rng.standard_normal(n_samples))
    hertz = np.fft.rfftfreq(n_samples, 1 / RATE_HZ)
    return np.fft.irfft(spectrum / np.sqrt(np.maximum(hertz, 20.0)), n_samples).astype(np.float32)


def _band(clip: Sound1, low_hz: float | None, high_hz: float | None) -> Sound1:
    """A 6th-order Butterworth band limit, as small loudspeakers and phone lines have."""
    corners = [hertz for hertz in (low_hz, high_hz) if hertz is not None]
    kind = "bandpass" if len(corners) == 2 else ("lowpass" if low_hz is None else "highpass")
    sections = scipy.signal.butter(
        6, corners if len(corners) == 2 else corners[0], kind, fs=RATE_HZ, output="sos"
    )
    return np.asarray(scipy.signal.sosfilt(sections, clip), dtype=np.float32)


def _in_room(clip: Sound1, response: Sound1) -> Sound1:
    return np.asarray(scipy.signal.fftconvolve(clip, response)[: clip.size], dtype=np.float32)


def _reverb(clip: Sound1, rng: np.random.Generator) -> Sound1:
    """A studio reverb: 20 ms of pre-delay, a diffuse tail of 1.2-2.5 s at -2 dB."""
    rt60_s = rng.uniform(1.2, 2.5)
    time_s = np.arange(int(RATE_HZ * rt60_s)) / RATE_HZ
    tail = rng.standard_normal(time_s.size) * 10 ** (-3 * time_s / rt60_s)
    wet = _in_room(clip, np.concatenate([np.zeros(RATE_HZ // 50), tail]).astype(np.float32))
    return _over(clip, wet, 2.0)


def _through(codec: str, bit_rate: int) -> Degrade:
    def apply(take: Take) -> Sound1:
        return _coded(take.dry, codec, bit_rate)

    return apply


def _coded(clip: Sound1, codec: str, bit_rate: int) -> Sound1:
    loudest = max(float(np.abs(clip).max(initial=0.0)), 1e-9)
    return decode(encode(clip * (0.9 / loudest), codec=codec, bit_rate=bit_rate))


def _noise(colour: str, snr_db: float) -> Degrade:
    def apply(take: Take) -> Sound1:
        dry = take.dry
        draw: dict[str, Callable[[], Sound1]] = {
            "white": lambda: take.rng.standard_normal(dry.size).astype(np.float32),
            "pink": lambda: _pink(take.rng, dry.size),
            "music": lambda: take.material.music(take.rng, dry.size),
            "ambience": lambda: take.material.ambience(take.rng, dry.size),
            "speech": lambda: take.material.speech(take.rng, dry.size),
        }
        return _over(dry, draw[colour](), snr_db)

    return apply


def _limited(low_hz: float | None, high_hz: float | None) -> Degrade:
    return lambda take: _band(take.dry, low_hz, high_hz)


def _phone(take: Take) -> Sound1:
    """A phone recording: a room, 300-3400 Hz, pink noise at 8 dB, mp3 at 32 kbit/s."""
    far = _band(_in_room(take.dry, take.material.room(take.rng)), 300.0, 3400.0)
    return _coded(_over(far, _band(_pink(take.rng, far.size), 300.0, 3400.0), 8.0), "mp3", 32_000)


def _clipped(take: Take) -> Sound1:
    """Clipped at 0.7 of its root mean square, so that most of the waveform is flat."""
    dry = take.dry
    return np.clip(dry, -0.7 * _rms(dry), 0.7 * _rms(dry))


def _speed(ratio: float, *, reverb: bool = False) -> Condition:
    def apply(take: Take) -> Sound1:
        changed = play_faster(take.dry, ratio)
        return _reverb(changed, take.rng) if reverb else changed

    return Condition(apply=apply, speed=ratio)


def _rubber(*, tempo: float = 1.0, semitones: float = 0.0) -> Condition:
    cents = 100 * semitones
    return Condition(
        apply=lambda take: rubberband(take.dry, tempo=tempo, pitch_cents=cents),
        tempo=tempo,
        pitch_cents=cents,
    )


def _centre_cancelled(take: Take) -> Sound1:
    """Left minus right, as for karaoke; the harmonic part of a file that is nearly mono."""
    if take.clip.shape[1] == 2:
        side = (take.clip[:, 0] - take.clip[:, 1]) * np.float32(0.5)
        if _rms(side) > 0.05 * _rms(take.dry):
            return side
    return np.asarray(harmonic(take.dry), dtype=np.float32)


def _drums(take: Take) -> Sound1:
    """The percussive half of a median-filter separation (Fitzgerald 2010)."""
    return np.asarray(percussive(take.dry, margin=2.0), dtype=np.float32)


def _medley(take: Take) -> Sound1:
    """The second half belongs to another piece."""
    mixed = take.dry
    half = mixed.size // 2
    other = take.material.music(take.rng, mixed.size - half)
    mixed[half:] = other * np.float32(_rms(mixed[:half]) / _rms(other))
    return mixed


def _talked_over(take: Take) -> Sound1:
    """Music under a presenter's voice: 9 dB quieter during speech than in the pauses."""
    dry = take.dry
    voice = take.material.speech(take.rng, dry.size)
    level = scipy.ndimage.uniform_filter1d(np.abs(voice), RATE_HZ // 4)
    duck = np.where(level > 0.25 * _rms(voice), 10 ** (-9 / 20), 1.0)
    duck = np.asarray(scipy.ndimage.uniform_filter1d(duck, RATE_HZ // 5), dtype=np.float32)
    return dry * duck + voice * np.float32(_rms(dry) / _rms(voice))


def _gaps(take: Take) -> Sound1:
    """Dropouts of 0.1-0.5 s silence a third of the excerpt."""
    cut = take.dry
    while np.count_nonzero(cut) > 0.67 * cut.size:
        start = int(take.rng.integers(cut.size))
        cut[start : start + int(RATE_HZ * take.rng.uniform(0.1, 0.5))] = 0
    return cut


CONDITIONS: Final[dict[str, Condition]] = {
    "clean": Condition(apply=lambda take: take.dry),
    "mp3_32k": Condition(apply=_through("mp3", 32_000)),
    "opus_12k": Condition(apply=_through("opus", 12_000)),
    "white_0": Condition(apply=_noise("white", 0)),
    "pink_0": Condition(apply=_noise("pink", 0)),
    "pink_-6": Condition(apply=_noise("pink", -6)),
    "music_0": Condition(apply=_noise("music", 0)),
    "ambience_0": Condition(apply=_noise("ambience", 0)),
    "speech_0": Condition(apply=_noise("speech", 0)),
    "speech_-6": Condition(apply=_noise("speech", -6)),
    "room": Condition(apply=lambda take: _in_room(take.dry, take.material.room(take.rng))),
    "reverb": Condition(apply=lambda take: _reverb(take.dry, take.rng)),
    "phone": Condition(apply=_phone),
    "lowpass_1k5": Condition(apply=_limited(None, 1500.0)),
    "band_300_3400": Condition(apply=_limited(300.0, 3400.0)),
    "clip_0.7rms": Condition(apply=_clipped),
    "speed_+3": _speed(1.03),
    "speed_-6": _speed(0.94),
    "speed_+12": _speed(1.12),
    "speed_+25": _speed(1.25),
    "speed_-15": _speed(0.85),
    "pitch_+1": _rubber(semitones=1),
    "pitch_-2": _rubber(semitones=-2),
    "pitch_+3": _rubber(semitones=3),
    "tempo_+6": _rubber(tempo=1.06),
    "tempo_-10": _rubber(tempo=0.90),
    "tempo_+20": _rubber(tempo=1.20),
    "slowed_reverb": _speed(0.85, reverb=True),
    "centre_cancelled": Condition(apply=_centre_cancelled),
    "drums_only": Condition(apply=_drums),
    "medley": Condition(apply=_medley),
    "talked_over": Condition(apply=_talked_over),
    "gaps": Condition(apply=_gaps),
}
