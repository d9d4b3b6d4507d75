"""Every supported format is detected and decoded; containers without audio are an error."""

from __future__ import annotations

import io
from collections.abc import Iterator

import av
import numpy as np
import pytest

from earwitness.api.settings import Settings
from earwitness.fingerprint.decode import Decoder, Limits
from earwitness.fingerprint.errors import (
    AudioTooLarge,
    DecoderDied,
    DecodeTimeout,
    NoAudioTrack,
)
from earwitness.fingerprint.types import RATE_HZ
from tests.hostile.encode import by_soundfile, encoded, sound
from tests.hostile.encode_more import BY_PROGRAM, MORE, NO_TUNE, encoded_more, has_program


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    """One decoder for all tests of this file."""
    with Decoder(limits=Limits(wall_s=300)) as opened:
        yield opened


@pytest.mark.parametrize("suffix", MORE)
def test_every_other_format_gives_the_encoded_audio(decoder: Decoder, suffix: str) -> None:
    """The result is complete, of the same duration, and correlated with the original at the codec's delay."""
    if suffix in BY_PROGRAM and not has_program():
        pytest.skip("the ffmpeg command line is not installed")
    decoded = decoder.decode(encoded_more(suffix), name=suffix)
    assert decoded.whole, decoded.note
    assert decoded.waveform.duration_s == pytest.approx(3.0, abs=0.1)
    if suffix in NO_TUNE:
        return
    truth = decoder.decode(encoded("wav"), name="wav").waveform.samples[RATE_HZ : 2 * RATE_HZ]
    samples = decoder.decode(encoded_more(suffix), name=suffix).waveform.samples
    correlation = max(
        np.corrcoef(truth, samples[RATE_HZ + lag : 2 * RATE_HZ + lag])[0, 1] for lag in range(-600, 600)
    )
    assert correlation > (0.6 if suffix == "spx" else 0.9)


LAYOUTS = {1: "mono", 3: "3.0", 4: "quad", 6: "5.1", 7: "6.1", 8: "7.1"}
CHANNELS = [
    *(("wav", channels) for channels in (1, 3, 4, 6, 7, 8, 9, 12, 16, 32)),
    *(("flac", channels) for channels in (1, 3, 4, 6, 7, 8)),
    *((suffix, channels) for suffix in ("m4a", "opus") for channels in LAYOUTS),
]


@pytest.mark.parametrize(("suffix", "channels"), CHANNELS)
def test_any_number_of_channels_is_decoded(decoder: Decoder, suffix: str, channels: int) -> None:
    """5.1, 7.1 and more channels are decoded."""
    if suffix in ("wav", "flac"):
        data = by_soundfile(sound(2.0, channels=channels), 44_100, suffix.upper())
    else:
        codec, container = ("aac", "mp4") if suffix == "m4a" else ("libopus", "ogg")
        data = in_layout(LAYOUTS[channels], channels, codec, container)
    decoded = decoder.decode(data, name="channels")
    assert decoded.whole, decoded.note
    assert decoded.source_channels == channels
    assert decoded.waveform.duration_s == pytest.approx(2.0, abs=0.1)
    assert np.abs(decoded.waveform.samples).max() > 0.01


def in_layout(layout: str, channels: int, codec: str, container: str) -> bytes:
    """Encode two seconds in a channel layout."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=48_000, layout=layout)
        samples = np.ascontiguousarray(sound(2.0, rate_hz=48_000, channels=channels).T)
        fifo = av.AudioFifo()
        for start in range(0, samples.shape[1], 1_024):
            piece = samples[:, start : start + 1_024]
            # interleaved, as PyAV writes at most seven planes
            interleaved = np.ascontiguousarray(piece.T.reshape(1, -1))
            frame = av.AudioFrame.from_ndarray(interleaved, format="flt", layout=layout)
            frame.sample_rate, frame.pts = 48_000, start
            resampler = av.AudioResampler(stream.format.name, layout, 48_000)
            for converted in resampler.resample(frame):
                fifo.write(converted)
        size = stream.codec_context.frame_size or 1_024
        while part := fifo.read(size) or fifo.read(0, partial=True):
            out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    return file.getvalue()


@pytest.mark.parametrize("container", ["mp4", "mov", "matroska", "avi", "mpegts", "mpeg", "flv", "asf"])
def test_a_video_without_audio_is_an_error(decoder: Decoder, container: str) -> None:
    """A container without an audio track has an error of its own."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(
            "mpeg1video" if container == "mpeg" else "flv" if container == "flv" else "mpeg4", rate=25
        )
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(30):
            out.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        out.mux(stream.encode(None))
    with pytest.raises(NoAudioTrack, match="holds no sound"):
        decoder.decode(file.getvalue(), name="clip")


@pytest.mark.parametrize(
    ("error", "setting"),
    [
        (AudioTooLarge(name="a", what="bytes", limit="1"), "EARWITNESS_MAX_ITEM_BYTES"),
        (AudioTooLarge(name="a", what="seconds", limit="1"), "EARWITNESS_MAX_SECONDS"),
        (AudioTooLarge(name="a", what="samples", limit="1"), "EARWITNESS_MAX_SECONDS"),
        (AudioTooLarge(name="a", what="memory while decoding", limit="1"), "EARWITNESS_DECODE_MEMORY_BYTES"),
        (DecodeTimeout(name="a", limit_s=1.0), "EARWITNESS_DECODE_WALL_S"),
        (DecoderDied(name="a", reason="signal 11"), "EARWITNESS_DECODE_MEMORY_BYTES"),
    ],
)
def test_the_hint_of_a_limit_names_its_setting(error: Exception, setting: str) -> None:
    """The hint names a setting that exists."""
    assert setting in str(error)
    assert setting.removeprefix("EARWITNESS_").lower() in Settings.model_fields


def test_the_limit_on_samples_follows_the_limit_on_seconds() -> None:
    """A raised limit on seconds also raises the limit on samples, for all channels at 48 kHz."""
    raised = Limits(max_seconds=6 * 3_600.0)
    assert raised.n_samples >= 6 * 3_600 * 48_000 * 8
    assert raised.n_samples > Limits().n_samples
