"""A few seconds of music-like sound, encoded in every format that we read; no program is called."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

Sound = NDArray[np.float32]

SUFFIXES = ("wav", "aiff", "flac", "mp3", "ogg", "opus", "m4a", "aac", "webm")


def sound(seconds: float = 3.0, *, rate_hz: int = 44_100, channels: int = 2, seed: int = 7) -> Sound:
    """Decaying chords, a new one each half second, with a little noise; shape (n_frames, n_channels)."""
    rng = np.random.default_rng(seed)
    pitches_hz = rng.choice(110 * 2 ** (np.arange(48) / 12), size=(int(2 * seconds) + 1, 5))
    time_s = np.arange(int(seconds * rate_hz)) / rate_hz
    chord = (2 * time_s).astype(int)
    mono = 0.001 * rng.standard_normal(time_s.size)
    for voice in pitches_hz.T:
        mono += 0.1 * np.sin(2 * np.pi * voice[chord] * time_s) * np.exp(-3 * (2 * time_s % 1))
    return np.repeat(mono[:, None], channels, axis=1).astype(np.float32)


def by_soundfile(samples: Sound, rate_hz: int, format_: str, subtype: str | None = None) -> bytes:
    """Encode with libsndfile."""
    file = io.BytesIO()
    channels = samples.shape[1]
    with soundfile.SoundFile(file, "w", rate_hz, channels, format=format_, subtype=subtype) as out:
        for start in range(0, len(samples), 65_536):  # its Vorbis encoder overruns the stack on long blocks
            out.write(samples[start : start + 65_536])
    return file.getvalue()


def by_av(samples: Sound, rate_hz: int, container: str, codec: str, **options: str) -> bytes:
    """Encode with FFmpeg's libraries."""
    file = io.BytesIO()
    with av.open(file, "w", format=container, options=options) as out:
        stream: Any = out.add_stream(codec, rate=rate_hz, layout="stereo")
        _encode(out, stream, samples, rate_hz)
    return file.getvalue()


def _encode(out: Any, stream: Any, samples: Sound, rate_hz: int) -> None:
    fifo = av.AudioFifo()
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), format="fltp", layout="stereo")
    frame.sample_rate, frame.pts = rate_hz, 0
    for converted in av.AudioResampler(stream.format.name, "stereo", rate_hz).resample(frame):
        fifo.write(converted)
    size = stream.codec_context.frame_size or 1_024
    while piece := fifo.read(size) or fifo.read(0, partial=True):
        out.mux(stream.encode(piece))
    out.mux(stream.encode(None))


@lru_cache(maxsize=32)
def tracks(container: str, codec: str, *lengths_s: float, languages: tuple[str, ...] = ()) -> bytes:
    """A file of several tracks side by side, each with a sound of its own."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        streams: list[Any] = [out.add_stream(codec, rate=48_000, layout="stereo") for _ in lengths_s]
        for stream, language in zip(streams, languages, strict=False):
            stream.metadata["language"] = language
        for number, (stream, length_s) in enumerate(zip(streams, lengths_s, strict=True)):
            _encode(out, stream, sound(length_s, rate_hz=48_000, seed=number), 48_000)
    return file.getvalue()


@lru_cache(maxsize=32)
def encoded(suffix: str, seconds: float = 3.0) -> bytes:
    """The same sound in the format of that suffix."""
    if suffix in ("wav", "aiff", "flac", "mp3", "ogg"):
        return by_soundfile(sound(seconds), 44_100, suffix.upper())
    container, codec = {
        "opus": ("ogg", "libopus"),
        "m4a": ("mp4", "aac"),
        "aac": ("adts", "aac"),
        "webm": ("webm", "libopus"),
    }[suffix]
    rate_hz = 48_000 if codec == "libopus" else 44_100
    return by_av(sound(seconds, rate_hz=rate_hz), rate_hz, container, codec)


def tagged(suffix: str, tags: Mapping[str, str], **options: str) -> bytes:
    """A file of that suffix with tags, by FFmpeg's names; `options` are those of its muxer."""
    muxer = {"ogg": "ogg", "opus": "ogg", "m4a": "ipod"}.get(suffix, suffix)
    file = io.BytesIO()
    with (
        av.open(io.BytesIO(encoded(suffix))) as source,
        av.open(file, "w", format=muxer, options=options) as out,
    ):
        stream = out.add_stream_from_template(source.streams.audio[0])
        out.metadata.update(tags)
        for packet in source.demux(audio=0):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    return file.getvalue()
