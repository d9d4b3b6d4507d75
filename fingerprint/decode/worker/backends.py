"""Audio backends with one interface: libsndfile and FFmpeg. They run in the sandboxed worker only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NoReturn, Protocol

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

from earwitness.fingerprint.decode.file_view import FileView, ViewReader
from earwitness.fingerprint.decode.formats import CODECS, FORMATS, Format
from earwitness.fingerprint.decode.worker.timestamp_gaps import TIMESTAMPED, GapDetector

BLOCK_FRAMES: Final = 65_536
"""Frames of one block, about."""

DECODE_ERRORS: Final = (
    soundfile.SoundFileError,
    av.FFmpegError,
    OSError,
    ValueError,
    RuntimeError,
    ArithmeticError,
    LookupError,
    TypeError,
)
"""Errors that the two libraries raise on damaged files."""

Block = NDArray[np.float32]
"""Samples, shape (n_channels, n_frames)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One of the parallel audio streams of a file.

    Attributes
    ----------
    label : str
        Its language and title, if the file states them.
    stated_s : float or None
        Its duration in seconds, if the file states one.
    rough : bool
        Whether that duration is approximate.
    """

    label: str = ""
    stated_s: float | None = None
    rough: bool = False


class AudioBackend(Protocol):
    """An open file, one track of which is decoded.

    Attributes
    ----------
    codec : str
    rate_hz, channels : int
        From the header, which may be wrong.
    stated_s : float or None
        Duration in seconds that the header states, if it does.
    length_s : float or None
        Duration in seconds that this backend will decode, if known.
    timeline_s : float or None
        Seconds from the first timestamp to the last, if there are any.
    lost_s : float
        Seconds that could not be decoded so far.
    tracks : tuple of Track
        All tracks of the file.
    """

    codec: str
    rate_hz: int
    channels: int
    stated_s: float | None
    length_s: float | None
    timeline_s: float | None
    lost_s: float
    tracks: tuple[Track, ...]

    def blocks(self) -> Iterator[tuple[int, Block]]:
        """Yield sample rate and samples in order, in blocks of about ``BLOCK_FRAMES``."""

    def close(self) -> None:
        """Close the decoder; the file descriptor stays open."""


def open_backend(name: str, file: FileView, format_: Format, track: int) -> AudioBackend:
    """Open a track with the named backend; raises one of ``DECODE_ERRORS``."""
    if name == "libsndfile":
        if track:
            raise ValueError("it has no further track")
        return SndfileBackend(file)
    return FfmpegBackend(file, FORMATS[format_].demuxer, track)


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
"""Supported subtypes of libsndfile, and their names in findings."""


class SndfileBackend:
    """libsndfile, directly on the file descriptor if the view is a whole file."""

    tracks: tuple[Track, ...] = (Track(),)
    timeline_s: float | None = None

    def __init__(self, file: FileView) -> None:
        if file.is_file:
            os.lseek(file.fd, 0, os.SEEK_SET)  # libsndfile begins at the current offset
            self._file = soundfile.SoundFile(file.fd, closefd=False)
        else:
            self._file = soundfile.SoundFile(ViewReader(file))
        if self._file.format not in _SNDFILE_FORMATS or self._file.subtype not in _SNDFILE_CODECS:
            raise ValueError(f"{self._file.subtype} in {self._file.format} is not on our list")
        self.codec = "flac" if self._file.format == "FLAC" else _SNDFILE_CODECS[self._file.subtype]
        self.rate_hz, self.channels = int(self._file.samplerate), int(self._file.channels)
        known = 0 < self._file.frames < 1 << 62
        self.length_s = self._file.frames / self.rate_hz if known else None
        # for other formats libsndfile returns a length that it counted or guessed
        self.stated_s = self.length_s if self._file.format == "FLAC" else None
        self.lost_s = 0.0

    def blocks(self) -> Iterator[tuple[int, Block]]:
        """Yield sample rate and samples in order; the array is reused for the next block."""
        buffer = np.empty((BLOCK_FRAMES, self.channels), dtype=np.float32)
        while len(block := self._file.read(out=buffer)):
            yield self.rate_hz, block.T

    def close(self) -> None:
        """Close the decoder."""
        self._file.close()


_FULL_SCALE: Final = {"u1": 2.0**7, "i2": 2.0**15, "i4": 2.0**31, "i8": 2.0**63}

_STATES_LENGTH: Final = (
    "mov",
    "flac",
    "ape",
    "tta",
    "wv",
    "tak",
    "mpc8",
    "mxf",
    "rm",
    "avi",
    "dts",
    "voc",
)
"""Demuxers that read a track's duration from the file, or compute it from a constant bit rate."""

_EXACT: Final = ("mov", "flac", "ape", "tta", "wv", "tak", "mpc8")
"""Those of them whose duration is exact."""

_STATES_ONE_LENGTH: Final = ("matroska", "flv")
"""Demuxers that read one duration for all tracks, which is exact for a single track."""

UNKNOWN_FRAMES: Final = 1 << 30
"""Placeholder for the number of frames in an AVI that FFmpeg wrote to a pipe."""

MAX_RETRIES: Final = 64
"""Successive demuxer errors after which decoding stops."""

LOST_PACKET_S: Final = 0.02
"""Duration assumed for a lost packet that states none."""

PLANES: Final = 7
"""Most planes of a frame that PyAV reads correctly; frames with more are interleaved first."""


def open_container(
    file: FileView, demuxer: str, *, metadata_errors: str, probe_bytes: int | None = None
) -> Any:
    """Open a file with FFmpeg's named demuxer; raises one of ``DECODE_ERRORS``.

    Parameters
    ----------
    metadata_errors : str
        Error handler for tags that are not UTF-8 (see `codecs.register_error`).
    probe_bytes : int or None
        Most bytes of audio that FFmpeg reads to learn about streams; None means its default, 5 MB.
    """
    return av.open(
        ViewReader(file),
        format=demuxer,
        metadata_errors=metadata_errors,
        buffer_size=1 << 17,
        io_open=_refuse,
        container_options={
            "protocol_whitelist": "",
            "format_whitelist": demuxer,
            "codec_whitelist": ",".join(CODECS),
            "max_streams": "256",
            **({} if probe_bytes is None else {"probesize": str(probe_bytes)}),
        },
    )


class FfmpegBackend:
    """FFmpeg through PyAV: one named demuxer, one audio stream, no other file, no network."""

    length_s: float | None = None

    def __init__(self, file: FileView, demuxer: str, track: int) -> None:
        self._container = open_container(file, demuxer, metadata_errors="ignore")
        streams = self._container.streams.audio
        if not streams:
            kind = NoAudioStream if len(self._container.streams) else ValueError
            raise kind("there is no audio stream in it")
        self.tracks = tuple(self._track(stream, demuxer) for stream in streams)
        self._stream = streams[track]
        if self._stream.codec_context is None:
            raise ValueError("its codec is unknown")
        decoder = self._stream.codec_context.name
        if decoder not in CODECS:
            raise ValueError(f"codec {decoder} is not on our list")
        self.codec = decoder.removesuffix("float")
        self._stream.codec_context.thread_count = 1
        self.rate_hz, self.channels = int(self._stream.rate or 0), int(self._stream.channels)
        if self.channels > 2:
            # PyAV frees a custom channel layout twice; the order of channels does not matter here
            self._stream.codec_context.layout = f"{self.channels}C"
        self.stated_s = self.tracks[track].stated_s
        duration = self._stream.duration
        self.timeline_s = float(duration * self._stream.time_base) if duration else None
        self.lost_s = 0.0
        self._gap_detector = GapDetector() if demuxer in TIMESTAMPED else None
        self._interleave: Any = None

    def blocks(self) -> Iterator[tuple[int, Block]]:
        """Yield sample rate and samples in order; packets that cannot be decoded are skipped and counted."""
        pending: list[Block] = []
        n_frames, rate_hz = 0, self.rate_hz
        for frame in self._frames():
            block = self._samples(frame)
            changed = pending and (len(block) != len(pending[0]) or frame.sample_rate != rate_hz)
            if pending and (n_frames >= BLOCK_FRAMES or changed):
                yield rate_hz, np.concatenate(pending, axis=1)
                pending, n_frames = [], 0
            rate_hz = frame.sample_rate
            pending.append(block)
            n_frames += block.shape[1]
        if pending:
            yield rate_hz, np.concatenate(pending, axis=1)

    def _frames(self) -> Iterator[Any]:
        """Yield decoded frames; after a damaged packet or container error, continue with the next packet."""
        n_failed, corrupt, decoded_s = 0, False, 0.0
        while n_failed < MAX_RETRIES:
            try:
                for packet in self._container.demux(self._stream):
                    n_failed = 0
                    corrupt = corrupt or packet.is_corrupt
                    if self._gap_detector is not None:
                        self.lost_s += self._gap_detector.gap_before(packet, passed_s=decoded_s + self.lost_s)
                    for frame in self._decoded(packet):
                        decoded_s += frame.samples / max(frame.sample_rate, 1)
                        yield frame
                break
            except av.FFmpegError:
                n_failed += 1
                self.lost_s += LOST_PACKET_S
                if n_failed == MAX_RETRIES:
                    raise
        if corrupt and self.timeline_s is not None:
            self.lost_s = max(self.lost_s, self.timeline_s - decoded_s)

    def _decoded(self, packet: Any) -> Iterator[Any]:
        try:
            yield from packet.decode()
        except av.FFmpegError:
            self.lost_s += float((packet.duration or 0) * (packet.time_base or 0)) or LOST_PACKET_S

    def _track(self, stream: Any, demuxer: str) -> Track:
        names = [stream.metadata.get(key, "") for key in ("language", "title")]
        stated_s, rough = None, demuxer not in _EXACT
        if demuxer in _STATES_LENGTH and stream.duration and stream.frames < UNKNOWN_FRAMES:
            stated_s = float(stream.duration * stream.time_base)
        elif demuxer in _STATES_ONE_LENGTH and len(self._container.streams) == 1 and self._container.duration:
            start_s = float((stream.start_time or 0) * (stream.time_base or 0))
            stated_s = self._container.duration / av.time_base - max(start_s, 0.0)
        label = ", ".join(name for name in names if name not in ("", "und"))
        return Track(label=label, stated_s=stated_s, rough=rough)

    def _samples(self, frame: Any) -> Block:
        """Samples of a PyAV frame, shape (n_channels, n_frames), full scale +-1."""
        wide = frame.format.name in ("s64", "s64p")  # PyAV cannot convert these to an array
        if wide or (frame.format.is_planar and frame.layout.nb_channels > PLANES):
            if self._interleave is None or self._interleave.layout.name != frame.layout.name:
                self._interleave = av.AudioResampler("flt", frame.layout, frame.sample_rate)
            parts = [_samples(part) for part in self._interleave.resample(frame)]
            return np.concatenate(parts, axis=1)
        return _samples(frame)

    def close(self) -> None:
        """Close the decoder."""
        self._container.close()


class NoAudioStream(ValueError):
    """A container without an audio stream."""


def _refuse(url: str, *_: object) -> NoReturn:
    raise PermissionError(f"a file that names another file is not followed: {url!r}")


def _samples(frame: Any) -> Block:
    samples: NDArray[Any] = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    scale = _FULL_SCALE.get(samples.dtype.str[1:])
    if scale is None:
        return np.asarray(samples, dtype=np.float32)
    centred = samples.astype(np.float32) - np.float32(scale if samples.dtype == np.uint8 else 0.0)
    centred /= np.float32(scale)
    return centred
