"""About 300 queries by name: original and degraded excerpts of the sample works, and absent queries."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.data.audio_io import encode
from sample_audio.make import cut, over
from sample_audio.synth import RATE_HZ, Sound
from tests.golden import sounds
from tests.golden.sounds import TITLES, by_soundfile, excerpt

Maker = Callable[[], bytes]
"""Returns the bytes of a query; called only if they are needed."""

PAGE = b"<!doctype html><title>404</title><p>A page saved under a song's name.\n"
CODECS = (("mp3", 16), ("mp3", 32), ("mp3", 96), ("aac", 32), ("aac", 64))
OPUS = Path(__file__).parent / "opus"
"""Opus queries, as files: libopus encodes differently on processors of different makers (`write_opus`)."""


def queries() -> dict[str, Maker]:
    """Return the makers of all queries by file name."""
    makers: dict[str, Maker] = {}
    for part in (clean, degraded, channels, overlaid, mixes, not_indexed, not_comparable):
        for name, maker in part():
            assert name not in makers, name
            makers[name] = maker
    return makers


def chosen(step: int) -> list[str]:
    """Return the name of a query of every `step`-th kind, each of another work than the previous one."""
    kinds: dict[str, list[str]] = {}
    for name in queries():
        kinds.setdefault(_kind(name), []).append(name)
    return [of_kind[n % len(of_kind)] for n, of_kind in enumerate(kinds.values())][::step]


def _kind(name: str) -> str:
    """Return the name of a query without its work, and without the last digit of its number."""
    return re.sub(rf"-({'|'.join(TITLES)})|(?<=^absent-\d)\d|(?<=^spoken-)\d|(?<=^mix-)\d", "", name)


def flac(samples: Sound) -> bytes:
    """Encode without loss: fast, and of the same samples on every processor."""
    return by_soundfile(samples, "FLAC")


def mp3(samples: Sound) -> bytes:
    """Encode as MP3 at 48 kbit/s."""
    return encode(samples, codec="mp3", bit_rate=48_000)


def clean() -> Iterator[tuple[str, Maker]]:
    """Excerpts of three lengths, with several codecs."""
    for length_s, titles in ((3.0, TITLES), (8.0, TITLES), (20.0, TITLES[:2])):
        for number, title in enumerate(titles):
            name = f"clean-{length_s:g}s-{title}.flac"
            yield name, partial(lambda *at: flac(excerpt(*at)), title, number, length_s)
    for codec, kbps in CODECS:
        suffix = {"aac": "m4a"}.get(codec, codec)
        for number, title in enumerate(TITLES):
            name = f"codec-{codec}-{kbps}k-{title}.{suffix}"
            yield name, partial(_in_codec, title, number + kbps, codec, kbps)
    for path in sorted(OPUS.glob("*.opus")):
        yield path.name, path.read_bytes
    for number, title in enumerate(TITLES):
        yield f"codec-pcm8-{title}.wav", partial(_pcm8, title, number)


def _in_codec(title: str, number: int, codec: str, kbps: int) -> bytes:
    return encode(excerpt(title, number, 5.0), codec=codec, bit_rate=1_000 * kbps)


def _pcm8(title: str, number: int) -> bytes:
    return by_soundfile(excerpt(title, number, 5.0), "WAV", "PCM_U8")


def degraded() -> Iterator[tuple[str, Maker]]:
    """Excerpts changed in speed, pitch, tempo, bandwidth and level, with noise and with reverberation."""
    changes: dict[str, Callable[[Sound], Sound]] = {
        **{
            f"speed-{speed:g}": partial(_speed, speed) for speed in (0.78, 0.88, 0.95, 1.03, 1.07, 1.15, 1.24)
        },
        **{f"pitch{cents:+d}": partial(_pitch, cents) for cents in (-250, -100, 100, 200)},
        **{f"tempo-{tempo:g}": partial(_tempo, tempo) for tempo in (0.86, 0.95, 1.08, 1.16)},
        "slowed-reverb-0.85": lambda samples: sounds.reverberated(_speed(0.85, samples)),
        "reverb": sounds.reverberated,
        **{f"noise-{snr}dB": partial(_noise, snr) for snr in (20, 10, 3, -3)},
        **{f"low-pass-{hertz}": partial(_low_pass, hertz) for hertz in (3_000, 1_500, 800)},
        "high-pass-600": lambda samples: sounds.filtered(samples, low_hz=600),
        "gain-30": lambda samples: sounds.gain(samples, -30),
        "gain+14": lambda samples: sounds.gain(samples, 14),
    }
    for shift, (change, apply) in enumerate(changes.items()):
        for number, title in enumerate(TITLES):
            length_s = 5.0 if number % 3 else 6.0
            yield f"{change}-{title}.flac", partial(_changed, title, number + shift, length_s, apply)
    for number, title in enumerate(TITLES):
        apply = partial(_noise, 8)
        yield f"short-noise-8dB-{title}.flac", partial(_changed, title, number + 3, 3.0, apply)


def _changed(title: str, number: int, length_s: float, apply: Callable[[Sound], Sound]) -> bytes:
    return flac(apply(excerpt(title, number, length_s)))


def _speed(speed: float, samples: Sound) -> Sound:
    return sounds.faster(samples, speed)


def _pitch(cents: float, samples: Sound) -> Sound:
    return sounds.transposed(samples, cents)


def _tempo(tempo: float, samples: Sound) -> Sound:
    return sounds.stretched(samples, tempo)


def _noise(snr_db: float, samples: Sound) -> Sound:
    return over(samples, sounds.noise(samples.size, 30.0)[: samples.size], snr_db)


def _low_pass(hertz: float, samples: Sound) -> Sound:
    return sounds.filtered(samples, high_hz=hertz)


def channels() -> Iterator[tuple[str, Maker]]:
    """Excerpts with two equal channels, with opposite phase, and with one silent channel."""
    mixes = {"alike": (1.0, 1.0), "opposite": (1.0, -1.0), "one-silent": (0.0, 1.0)}
    for mix, levels in mixes.items():
        for number, title in enumerate(TITLES[:2]):
            yield f"stereo-{mix}-{title}.wav", partial(_stereo, title, number, levels)


def _stereo(title: str, number: int, levels: tuple[float, float]) -> bytes:
    samples = excerpt(title, number, 5.0)
    return by_soundfile(np.stack([level * samples for level in levels], axis=1), "WAV")


def overlaid() -> Iterator[tuple[str, Maker]]:
    """Excerpts with synthetic speech or other music over them."""
    for snr_db in (6, 0, -6):
        for number, title in enumerate(TITLES):
            yield f"speech-over-{snr_db}dB-{title}.mp3", partial(_under_speech, title, number, snr_db)
    for snr_db in (6, 0):
        for number, title in enumerate(TITLES):
            yield f"music-over-{snr_db}dB-{title}.mp3", partial(_under_music, title, number, snr_db)


def _under_speech(title: str, number: int, snr_db: float) -> bytes:
    samples = excerpt(title, number + 5, 6.0)
    return mp3(over(samples, sounds.speech(40 + number, 6.0), snr_db))


def _under_music(title: str, number: int, snr_db: float) -> bytes:
    samples = excerpt(title, number + 8, 6.0)
    return mp3(over(samples, sounds.absent(number)[: samples.size], snr_db))


def mixes() -> Iterator[tuple[str, Maker]]:
    """Longer audio with excerpts at several positions, some repeated or changed."""
    for number in range(6):
        yield f"mix-{number}.flac", partial(_mix, number)
    first, last = TITLES[0], TITLES[-1]
    yield "loop-6-times.flac", lambda: flac(np.tile(excerpt(first, 2, 5.0), 6))
    yield (
        "two-speeds.flac",
        lambda: flac(sounds.joined(excerpt(last, 2), sounds.faster(excerpt(last, 2), 1.12))),
    )
    yield "whole-work.flac", lambda: flac(sounds.work(first))
    yield "backwards.flac", lambda: flac(np.ascontiguousarray(sounds.work(first)[::-1]))


def _mix(number: int) -> bytes:
    rng = np.random.default_rng(700 + number)
    parts = []
    for place in range(3 + number % 3):
        parts.append(cut(sounds.absent(number), 4.0 * (place % 3), float(rng.integers(3, 7))))
        title = TITLES[int(rng.integers(len(TITLES)))]
        part = excerpt(title, place, float(rng.integers(5, 10)))
        parts.append(sounds.faster(part, float(rng.choice([1.0, 1.0, 0.94, 1.1]))))
        if place == 1:
            parts.append(sounds.speech(50 + number, 5.0))
    return flac(sounds.joined(*parts))


def not_indexed() -> Iterator[tuple[str, Maker]]:
    """Absent queries: music and synthetic speech that no index holds."""
    for number in range(36):
        length_s = (3.0, 6.0, 12.0)[number % 3]
        yield f"absent-{number:02d}-{length_s:g}s.flac", partial(_absent, number, length_s)
    for number in range(8):
        length_s = (4.0, 8.0)[number % 2]
        yield f"spoken-{number}-{length_s:g}s.flac", partial(_spoken, 200 + number, length_s)


def _absent(number: int, length_s: float) -> bytes:
    start_s = 0.6 * number % (23.0 - length_s)
    return flac(cut(sounds.absent(number % 7), start_s, length_s))


def _spoken(seed: int, length_s: float) -> bytes:
    return flac(sounds.speech(seed, length_s))


def not_comparable() -> Iterator[tuple[str, Maker]]:
    """Silence, noise, tones, short audio, and files that are not audio, or truncated."""
    yield "silence-6s.flac", lambda: flac(sounds.silence(6))
    yield (
        "nearly-silent.flac",
        lambda: flac(sounds.joined(sounds.silence(5), excerpt(TITLES[0], 0, 0.6), sounds.silence(5))),
    )
    yield (
        "half-silent.flac",
        lambda: flac(sounds.joined(sounds.silence(6), excerpt(TITLES[1], 0, 6.0), sounds.silence(6))),
    )
    for length_s in (0.0, 0.05, 0.4, 0.9, 1.5):
        yield f"short-{length_s:g}s.wav", partial(_short, length_s)
    yield "noise.flac", lambda: flac(sounds.noise(1, 8.0))
    yield "tone.flac", lambda: flac(sounds.tone(440, 8.0))
    yield "random-bytes.mp3", lambda: np.random.default_rng(9).bytes(20_000)
    yield "empty.mp3", lambda: b""
    yield "text.mp3", lambda: b"this is a letter\n" * 50
    yield "page.mp3", lambda: PAGE
    yield "picture.mp3", lambda: b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(2_000)
    yield "cut-off.m4a", lambda: _cut_off("aac")
    yield "cut-off.mp3", lambda: _cut_off("mp3")
    yield "cut-off.opus", lambda: (OPUS / "codec-opus-48k-paper_lanterns.opus").read_bytes()[:16_000]
    yield "cut-off.flac", lambda: flac(excerpt(TITLES[2], 1))[:60_000]
    yield "cut-off.wav", lambda: by_soundfile(excerpt(TITLES[3], 1), "WAV")[:200_000]
    yield "changed-inside.mp3", _changed_inside
    yield "archive.mp3", _archive


def _short(length_s: float) -> bytes:
    return by_soundfile(excerpt(TITLES[0], 1, 3.0)[: int(length_s * RATE_HZ)], "WAV")


def _cut_off(codec: str) -> bytes:
    data = encode(excerpt(TITLES[4], 1), codec=codec, bit_rate=48_000)
    return data[: len(data) // 2]


def _changed_inside() -> bytes:
    data = bytearray(encode(excerpt(TITLES[1], 4), codec="mp3", bit_rate=48_000))
    middle = len(data) // 2
    data[middle : middle + 4_000] = bytes(4_000)
    return bytes(data)


def _archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(zipfile.ZipInfo("inner.txt", (2026, 1, 1, 0, 0, 0)), "nothing to hear")
    return out.getvalue()
