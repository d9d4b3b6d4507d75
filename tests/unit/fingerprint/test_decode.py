"""Decoding: every format gives the encoded audio, and reports what is missing."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from earwitness.fingerprint.decode import Decoder, Limits
from earwitness.fingerprint.errors import (
    AudioTooLarge,
    BrokenAudio,
    DecodeTimeout,
    EmptyFile,
    NotAudio,
)
from earwitness.fingerprint.types import RATE_HZ
from tests.hostile.encode import SUFFIXES, by_soundfile, encoded, sound


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    """One decoder for all tests of this file."""
    with Decoder(limits=Limits(wall_s=300)) as opened:
        yield opened


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_gives_the_encoded_audio(decoder: Decoder, suffix: str) -> None:
    """The result is complete, of the same duration, and correlated with the original at the codec's delay."""
    decoded = decoder.decode(encoded(suffix), name=f"clip.{suffix}")
    truth = decoder.decode(encoded("wav"), name="clip.wav").waveform.samples
    samples = decoded.waveform.samples
    assert decoded.whole
    assert decoded.note is None
    assert decoded.waveform.duration_s == pytest.approx(3.0, abs=0.1)
    middle = truth[RATE_HZ : 2 * RATE_HZ]
    correlation = max(
        np.corrcoef(middle, samples[RATE_HZ + lag : 2 * RATE_HZ + lag])[0, 1] for lag in range(400)
    )
    assert correlation > 0.9


def test_properties_of_the_file_are_returned(decoder: Decoder) -> None:
    """Container, codec, sample rate and channels are those of the file."""
    decoded = decoder.decode(encoded("flac"), name="clip")
    assert (decoded.container, decoded.codec) == ("flac", "flac")
    assert (decoded.source_rate_hz, decoded.source_channels) == (44_100, 2)


def test_path_bytes_and_streams_give_the_same_samples(decoder: Decoder, tmp_path: Path) -> None:
    """The result does not depend on where the bytes are, and the position of an open file is unchanged."""
    data = encoded("ogg")
    path = tmp_path / "clip.ogg"
    path.write_bytes(data)
    zipped = io.BytesIO(gzip.compress(data))
    with path.open("rb") as plain, gzip.open(zipped) as member:
        sources: tuple[Any, ...] = (path, data, io.BytesIO(data), plain, member)
        decoded = [decoder.decode(source, name="clip").waveform.samples for source in sources]
        assert plain.tell() == 0
    assert all(np.array_equal(samples, decoded[0]) for samples in decoded)


def test_channels_of_opposite_phase_do_not_cancel(decoder: Decoder) -> None:
    """A file whose channels cancel each other is decoded as its left channel."""
    left = sound(1.0, channels=1)
    decoded = decoder.decode(by_soundfile(np.hstack([left, -left]), 44_100, "WAV"), name="both")
    alone = decoder.decode(by_soundfile(left, 44_100, "WAV"), name="left")
    np.testing.assert_allclose(decoded.waveform.samples, alone.waveform.samples, atol=1e-4)


@pytest.mark.parametrize("suffix", ["mp3", "ogg", "flac", "opus", "aac"])
def test_files_joined_end_to_end_are_decoded_to_the_end(decoder: Decoder, suffix: str) -> None:
    """Audio after the end that the first header states is decoded, as a player would play it."""
    joined = decoder.decode(encoded(suffix) + encoded(suffix, 2.0), name="joined")
    assert joined.waveform.duration_s == pytest.approx(5.0, abs=0.2)


@pytest.mark.parametrize("suffix", ["ogg", "opus"])
def test_an_ogg_file_truncated_between_pages_is_not_whole(decoder: Decoder, suffix: str) -> None:
    """If pages at the end are missing, the rest is decoded and reported as incomplete."""
    data = encoded(suffix)
    pages = [offset for offset in range(len(data)) if data[offset : offset + 4] == b"OggS"]
    assert len(pages) > 3
    for offset in pages[-2:]:
        cut = decoder.decode(data[:offset], name="cut")
        assert not cut.whole
        assert cut.note is not None
        assert "not marked as the stream's last" in cut.note


def test_a_missing_file_and_a_folder_are_different_errors(decoder: Decoder, tmp_path: Path) -> None:
    """Both are errors of the item with their own reason."""
    with pytest.raises(BrokenAudio, match="No such file"):
        decoder.decode(tmp_path / "none.wav", name="none.wav")
    with pytest.raises(NotAudio, match="folder"):
        decoder.decode(tmp_path, name="folder")


def test_an_empty_file_and_another_format_are_different_errors(decoder: Decoder) -> None:
    """The error of another format describes what the bytes look like."""
    with pytest.raises(EmptyFile):
        decoder.decode(b"", name="empty.wav")
    with pytest.raises(NotAudio, match=r"notes\.mp3 .* text") as caught:
        decoder.decode(b"hello, world\n" * 40, name="notes.mp3")
    assert caught.value.looks_like == "text"


def test_limits_are_enforced_while_decoding(tmp_path: Path) -> None:
    """The error names the limit: bytes, seconds, samples or channels."""
    wav = encoded("wav")
    for limits, what in (
        (Limits(max_bytes=1_000), "bytes"),
        (Limits(max_seconds=1.0), "seconds"),
        (Limits(max_samples=1_000), "samples"),
        (Limits(max_channels=1), "channels"),
    ):
        with Decoder(limits=limits) as decoder, pytest.raises(AudioTooLarge) as caught:
            decoder.decode(wav, name="clip.wav")
        assert caught.value.what == what


def test_a_decode_that_takes_too_long_is_stopped_and_the_next_one_works() -> None:
    """The parent measures the time, so that a worker that hangs is stopped."""
    with Decoder(limits=Limits(wall_s=1e-4)) as decoder:
        with pytest.raises(DecodeTimeout):
            decoder.decode(encoded("opus"), name="slow.opus")
        decoder.limits = Limits(wall_s=300)
        assert decoder.decode(encoded("opus"), name="clip.opus").whole
