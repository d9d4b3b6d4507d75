"""The same sound in every other format that we read: by FFmpeg's libraries, its program, or by hand."""

from __future__ import annotations

import shutil
import struct
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from tests.hostile.encode import by_av, by_soundfile, sound

BY_LIBRARY: Final[dict[str, tuple[str, str, int]]] = {
    "ac3": ("ac3", "ac3", 44_100),
    "eac3": ("eac3", "eac3", 48_000),
    "wv": ("wv", "wavpack", 44_100),
    "tta": ("tta", "tta", 44_100),
    "caf": ("caf", "pcm_s16be", 44_100),
    "au": ("au", "pcm_s16be", 44_100),
    "w64": ("w64", "pcm_s16le", 44_100),
    "flv": ("flv", "libmp3lame", 44_100),
    "avi": ("avi", "libmp3lame", 44_100),
    "mpg": ("mpeg", "mp2", 44_100),
    "vob": ("vob", "ac3", 48_000),
    "ts": ("mpegts", "mp2", 44_100),
    "3gp": ("3gp", "aac", 44_100),
    "mov": ("mov", "pcm_s16le", 44_100),
    "mkv": ("matroska", "flac", 44_100),
    "alac.m4a": ("ipod", "alac", 44_100),
    "opus.mp4": ("mp4", "libopus", 48_000),
    "oga": ("ogg", "flac", 44_100),
    "mp2": ("mp2", "mp2", 44_100),
    "aifc": ("aiff", "pcm_mulaw", 44_100),
    "latm": ("latm", "aac", 44_100),
    "voc": ("voc", "pcm_s16le", 44_100),
    "sox": ("sox", "pcm_s32le", 44_100),
    "ircam": ("ircam", "pcm_s16le", 44_100),
    "rm": ("rm", "ac3", 44_100),
}
"""Suffix -> container, codec and rate."""

BY_PROGRAM: Final[dict[str, tuple[str, ...]]] = {
    "wma": ("-c:a", "wmav2", "-f", "asf"),
    "dts": ("-c:a", "dca", "-strict", "-2", "-f", "dts"),
    "thd": ("-c:a", "truehd", "-strict", "-2", "-f", "truehd"),
    "spx": ("-ar", "16000", "-c:a", "libspeex", "-f", "ogg"),
    "rf64": ("-c:a", "pcm_s16le", "-rf64", "always", "-f", "wav"),
    "g722.wav": ("-ac", "1", "-ar", "16000", "-c:a", "g722", "-f", "wav"),
    "ima.wav": ("-c:a", "adpcm_ima_wav", "-f", "wav"),
}
"""Suffix -> options of the ffmpeg command line, whose encoders the libraries of PyAV lack."""

BY_HAND: Final = ("sph", "8svx", "amr", "ape")

NO_TUNE: Final = ("amr", "ape")
"""Made by hand without an encoder: noise and silence."""

MORE: Final = (*BY_LIBRARY, *BY_PROGRAM, *BY_HAND)


@lru_cache(maxsize=64)
def encoded_more(suffix: str, seconds: float = 3.0) -> bytes:
    """The sound of `encoded` in the format of that suffix."""
    if suffix in BY_LIBRARY:
        container, codec, rate_hz = BY_LIBRARY[suffix]
        return by_av(sound(seconds, rate_hz=rate_hz), rate_hz, container, codec, strict="-2")
    if suffix in BY_PROGRAM:
        return by_ffmpeg(seconds, *BY_PROGRAM[suffix])
    return {"sph": _sphere, "8svx": _8svx, "amr": _amr, "ape": _ape}[suffix](seconds)


def has_program() -> bool:
    """Whether the ffmpeg command line is installed."""
    return shutil.which("ffmpeg") is not None


def by_ffmpeg(seconds: float, *options: str) -> bytes:
    """Encode with the ffmpeg command line."""
    program = shutil.which("ffmpeg")
    assert program is not None, "the ffmpeg command line is not installed"
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in.wav"), Path(folder, "out")
        source.write_bytes(by_soundfile(sound(seconds, rate_hz=48_000), 48_000, "WAV"))
        subprocess.run(
            [program, "-v", "error", "-nostdin", "-y", "-i", str(source), *options, str(target)], check=True
        )
        return target.read_bytes()


def _sphere(seconds: float) -> bytes:
    """NIST SPHERE: a header of text, then samples."""
    samples = (sound(seconds, rate_hz=16_000, channels=1)[:, 0] * 32_767).astype("<i2")
    fields = (
        f"NIST_1A\n   1024\nsample_count -i {samples.size}\nsample_rate -i 16000\nchannel_count -i 1\n"
        "sample_n_bytes -i 2\nsample_byte_format -s2 01\nsample_sig_bits -i 16\nsample_coding -s3 pcm\n"
        "end_head\n"
    )
    return fields.encode().ljust(1_024) + samples.tobytes()


def _8svx(seconds: float) -> bytes:
    """IFF 8SVX: what an Amiga had."""
    samples = (sound(seconds, rate_hz=22_050, channels=1)[:, 0] * 127).astype("i1").tobytes()
    samples += b"\0" * (len(samples) % 2)
    vhdr = struct.pack(">IIIHBBI", len(samples), 0, 32, 22_050, 1, 0, 65_536)
    body = (
        b"8SVXVHDR"
        + struct.pack(">I", len(vhdr))
        + vhdr
        + b"BODY"
        + struct.pack(">I", len(samples))
        + samples
    )
    return b"FORM" + struct.pack(">I", len(body)) + body


def _amr(seconds: float) -> bytes:
    """AMR at 12.2 kbit/s: any bits are a frame of 20 ms."""
    noise = np.random.default_rng(2).integers(0, 256, (int(seconds * 50), 32), dtype=np.uint8)
    noise[:, 0] = 0x3C
    return b"#!AMR\n" + noise.tobytes()


def _ape(seconds: float) -> bytes:
    """Monkey's Audio, version 3990, of silence: its frames say so in their flags."""
    frame_blocks = 73_728
    blocks = int(seconds * 44_100)
    n_frames = -(-blocks // frame_blocks)
    frame = struct.pack("<III", 0x80000000, 3, 0)
    data = frame * n_frames + bytes(16)
    first = 52 + 24 + 4 * n_frames
    seek = struct.pack(f"<{n_frames}I", *(first + len(frame) * number for number in range(n_frames)))
    descriptor = (
        b"MAC " + struct.pack("<HHIIIIIII", 3_990, 0, 52, 24, len(seek), 0, len(data), 0, 0) + bytes(16)
    )
    last = blocks - (n_frames - 1) * frame_blocks
    header = struct.pack("<HHIIIHHI", 1_000, 0x20, frame_blocks, last, n_frames, 16, 2, 44_100)
    return descriptor + header + seek + data
