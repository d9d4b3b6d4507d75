"""Two decoders behind one face: libsndfile and FFmpeg. Both run in the sandboxed worker only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Final, NoReturn, Protocol

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

from fingerprint.decode.formats import FORMATS, Format
from fingerprint.decode.stored import Stored, StoredFile

BLOCK_FRAMES: Final = 65_536
"""Frames handed on at once, by either decoder."""

DAMAGE: Final = (
    soundfile.SoundFileError,
    av.FFmpegError,
    OSError,
    ValueError,
    RuntimeError,
    ArithmeticError,
    LookupError,
    TypeError,
)
"""What the two libraries raise on bytes that they cannot make sense of."""

Block = NDArray[np.float32]
"""Samples, shape (n_channels, n_frames)."""


class Road(Protocol):
    """An opened file that is being decoded.

    Attributes
    ----------
    codec : str
    rate_hz, channels : int
        As the header states them; hostile files lie.
    stated_s : float or None
        Length in seconds that the header promises, where it does.
    lost_s : float
        Seconds that could not be decoded so far and were left out.
    """

    codec: str
    rate_hz: int
    channels: int
    stated_s: float | None
    lost_s: float

    def blocks(self) -> Iterator[Block]:
        """The sound, in order, in blocks of about ``BLOCK_FRAMES``."""

    def close(self) -> None:
        """Let go of the decoder; the file descriptor stays open."""


def open_road(name: str, stored: Stored, format_: Format) -> Road:
    """Open a file with the decoder of that name; raises one of ``DAMAGE`` when it cannot."""
    if name == "libsndfile":
        return SndfileRoad(stored)
    return FfmpegRoad(stored, FORMATS[format_].demuxer)


_SNDFILE_FORMATS: Final = ("WAV", "WAVEX", "RF64", "AIFF", "FLAC", "OGG", "MP3")

_SNDFILE_CODECS: Final = {
    "VORBIS": "vorbis",
    "OPUS": "opus",
    "MPEG_LAYER_I": "mp1",
    "MPEG_LAYER_II": "mp2",
    "MPEG_LAYER_III": "mp3",
    "PCM_U8": "pcm_u8",
    "PCM_S8": "pcm_s8",
    "PCM_16": "pcm_s16",
    "PCM_24": "pcm_s24",
    "PCM_32": "pcm_s32",
    "FLOAT": "pcm_f32",
    "DOUBLE": "pcm_f64",
    "ULAW": "pcm_mulaw",
    "ALAW": "pcm_alaw",
    "IMA_ADPCM": "adpcm_ima",
    "MS_ADPCM": "adpcm_ms",
    "GSM610": "gsm610",
}
"""libsndfile's subtypes that we read, and what a finding calls them."""


class SndfileRoad:
    """libsndfile, straight on the file descriptor."""

    def __init__(self, stored: Stored) -> None:
        os.lseek(stored.fd, 0, os.SEEK_SET)  # libsndfile begins where the descriptor stands
        self._file = soundfile.SoundFile(stored.fd, closefd=False)
        if self._file.format not in _SNDFILE_FORMATS or self._file.subtype not in _SNDFILE_CODECS:
            raise ValueError(f"{self._file.subtype} in {self._file.format} is not on our list")
        self.codec = "flac" if self._file.format == "FLAC" else _SNDFILE_CODECS[self._file.subtype]
        self.rate_hz, self.channels = int(self._file.samplerate), int(self._file.channels)
        self.stated_s = self._file.frames / self.rate_hz if self._lengths_are_stated else None
        self.lost_s = 0.0

    @property
    def _lengths_are_stated(self) -> bool:
        # elsewhere libsndfile tells what it found in the file, not what the header promised
        return self._file.format in ("FLAC", "MP3") and 0 < self._file.frames < 1 << 62

    def blocks(self) -> Iterator[Block]:
        """The sound, in order; the array is used again for the next block."""
        buffer = np.empty((BLOCK_FRAMES, self.channels), dtype=np.float32)
        while len(block := self._file.read(out=buffer)):
            yield block.T

    def close(self) -> None:
        """Let go of the decoder."""
        self._file.close()


_FFMPEG_CODECS: Final = (
    "aac,aac_latm,alac,flac,mp1float,mp2float,mp3float,mp3,mp2,mp1,opus,vorbis,adpcm_ima_wav,adpcm_ima_qt,adpcm_ms,"
    "gsm_ms,pcm_u8,pcm_s8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,"
    "pcm_f64le,pcm_f64be,pcm_mulaw,pcm_alaw"
)
"""FFmpeg's decoders that we let near the bytes; no video decoder is among them."""

_FULL_SCALE: Final = {"u1": 2.0**7, "i2": 2.0**15, "i4": 2.0**31, "i8": 2.0**63}


class FfmpegRoad:
    """FFmpeg by PyAV: one demuxer by name, one audio stream, no other file, no network."""

    def __init__(self, stored: Stored, demuxer: str) -> None:
        self._container = av.open(
            StoredFile(stored),
            format=demuxer,
            metadata_errors="ignore",
            buffer_size=1 << 17,
            io_open=_refuse,
            container_options={
                "protocol_whitelist": "",
                "format_whitelist": demuxer,
                "codec_whitelist": _FFMPEG_CODECS,
                "max_streams": "64",
            },
        )
        if not self._container.streams.audio:
            raise ValueError("there is no audio stream in it")
        self._stream = self._container.streams.audio[0]
        if self._stream.codec_context is None:
            raise ValueError("its codec is unknown")
        decoder = self._stream.codec_context.name
        if decoder not in _FFMPEG_CODECS.split(","):
            raise ValueError(f"codec {decoder} is not on our list")
        self.codec = decoder.removesuffix("float")
        self._stream.codec_context.thread_count = 1
        self.rate_hz, self.channels = int(self._stream.rate or 0), int(self._stream.channels)
        states = demuxer in ("mov", "flac") and self._stream.duration
        self.stated_s = float(self._stream.duration * self._stream.time_base) if states else None
        self.lost_s = 0.0

    def blocks(self) -> Iterator[Block]:
        """The sound, in order; packets that cannot be decoded are left out and counted."""
        gathered: list[Block] = []
        n_frames = 0
        for frame in self._frames():
            if frame.sample_rate != self.rate_hz:
                raise ValueError(f"the sample rate changes to {frame.sample_rate} Hz inside")
            block = _samples(frame)
            if gathered and (n_frames >= BLOCK_FRAMES or len(block) != len(gathered[0])):
                yield np.concatenate(gathered, axis=1)
                gathered, n_frames = [], 0
            gathered.append(block)
            n_frames += block.shape[1]
        if gathered:
            yield np.concatenate(gathered, axis=1)

    def _frames(self) -> Iterator[Any]:
        for packet in self._container.demux(self._stream):
            try:
                yield from packet.decode()
            except av.error.InvalidDataError:
                self.lost_s += float((packet.duration or 0) * (packet.time_base or 0)) or 0.02

    def close(self) -> None:
        """Let go of the decoder."""
        self._container.close()


def _refuse(url: str, *_: object) -> NoReturn:
    raise PermissionError(f"a file that names another file is not followed: {url!r}")


def _samples(frame: Any) -> Block:
    """Samples of a PyAV frame, shape (n_channels, n_frames), full scale +-1."""
    found: NDArray[Any] = frame.to_ndarray()
    if not frame.format.is_planar:
        found = found.reshape(-1, frame.layout.nb_channels).T
    scale = _FULL_SCALE.get(found.dtype.str[1:])
    if scale is None:
        return np.asarray(found, dtype=np.float32)
    centred = found.astype(np.float32) - np.float32(scale if found.dtype == np.uint8 else 0.0)
    centred /= np.float32(scale)
    return centred
