"""Audio through external tools: codecs by PyAV, time and pitch by Rubber Band in the ffmpeg program.

For benchmarks only. Inputs are trusted excerpts, so no sandbox is needed.
"""

from __future__ import annotations

import io
import subprocess
from pathlib import Path
from typing import Final

import av
import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

RATE_HZ: Final = 22_050
"""Sample rate of degraded excerpts: above the bands that the systems under test use."""

Sound1 = NDArray[np.float32]

CODECS: Final = {
    "mp3": ("mp3", "libmp3lame", RATE_HZ),
    "opus": ("ogg", "libopus", 24_000),
    "aac": ("mp4", "aac", RATE_HZ),
}


def read(path: Path, *, start_s: float = 0.0, length_s: float | None = None) -> NDArray[np.float32]:
    """Return a stretch of a trusted file at ``RATE_HZ``; float32, shape (n_samples, n_channels)."""
    with soundfile.SoundFile(path) as file:
        start = min(file.frames, round(start_s * file.samplerate))
        frames = file.frames if length_s is None else round(length_s * file.samplerate)
        if (
            file.format == "MP3"
        ):  # after a seek the decoder lacks earlier frames, and the start would be wrong
            samples = file.read(start + frames, dtype="float32", always_2d=True)[start:]
        else:
            file.seek(start)
            samples = file.read(frames, dtype="float32", always_2d=True)
        rate_hz = file.samplerate
    resampled = samples if rate_hz == RATE_HZ else soxr.resample(samples, rate_hz, RATE_HZ, quality="HQ")
    return np.ascontiguousarray(resampled, dtype=np.float32)


def mono(samples: NDArray[np.float32]) -> Sound1:
    """Return the mean of the channels, shape (n_samples,)."""
    return np.ascontiguousarray(samples.mean(axis=1), dtype=np.float32)


def encode(samples: Sound1, *, codec: str, bit_rate: int) -> bytes:
    """Return the bytes of a lossy file of these samples.

    Parameters
    ----------
    codec : str
        A name in ``CODECS``.
    bit_rate : int
        Bits per second.
    """
    container, encoder, rate_hz = CODECS[codec]
    if rate_hz != RATE_HZ:
        samples = soxr.resample(samples, RATE_HZ, rate_hz, quality="HQ")
    pcm = np.round(np.clip(samples, -1, 1) * 32767).astype(np.int16)[None, :]
    out = io.BytesIO()
    # bitexact: no dates and no random stream numbers, so that the same samples give the same bytes
    with av.open(out, "w", format=container, options={"fflags": "+bitexact"}) as file:
        stream = file.add_stream(encoder, rate=rate_hz, layout="mono")
        stream.bit_rate = bit_rate
        frame = av.AudioFrame.from_ndarray(pcm, format="s16", layout="mono")
        frame.sample_rate = rate_hz
        resampler = av.AudioResampler(
            format=stream.format.name, layout="mono", rate=rate_hz, frame_size=stream.frame_size or 1152
        )
        for part in (*resampler.resample(frame), *resampler.resample(None), None):
            file.mux(stream.encode(part))
    return out.getvalue()


def decode(data: bytes) -> Sound1:
    """Return the samples of an encoded file, mono at ``RATE_HZ``."""
    with av.open(io.BytesIO(data)) as file:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE_HZ)
        frames = [out for frame in file.decode(audio=0) for out in resampler.resample(frame)]
        frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray()[0] for frame in frames]).astype(np.float32)


def rubberband(samples: Sound1, *, tempo: float = 1.0, pitch_cents: float = 0.0) -> Sound1:
    """Change tempo and pitch independently (Rubber Band, R2 engine)."""
    change = f"rubberband=tempo={tempo:.6f}:pitch={2 ** (pitch_cents / 1200):.6f}"
    command = ["ffmpeg", "-v", "error", "-f", "f32le", "-ar", str(RATE_HZ), "-ac", "1", "-i", "-"]
    command += ["-af", change, "-ar", str(RATE_HZ), "-ac", "1", "-f", "f32le", "-"]
    done = subprocess.run(command, input=samples.astype("<f4").tobytes(), capture_output=True, check=True)
    return np.frombuffer(done.stdout, dtype="<f4").astype(np.float32)


def play_faster(samples: Sound1, speed: float) -> Sound1:
    """Change time and pitch together, as a turntable does; exact resampling by soxr."""
    faster: Sound1 = soxr.resample(samples, RATE_HZ * speed, RATE_HZ, quality="HQ")
    return faster.astype(np.float32)
