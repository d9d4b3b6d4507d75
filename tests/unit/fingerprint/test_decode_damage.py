"""Damaged, truncated and wrongly stated containers are reported; undamaged files are whole."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from earwitness.api.datasets.names import AUDIO_SUFFIXES, SHARED_SUFFIXES
from earwitness.api.scan.tally import Tally
from earwitness.fingerprint.decode import Decoder, Limits
from earwitness.fingerprint.decode.containers.mpeg_frames import mp3_frame
from earwitness.fingerprint.errors import TruncatedAudio
from earwitness.index.match import Verdict
from tests.hostile.encode import by_soundfile, encoded, sound, tracks
from tests.hostile.encode_more import encoded_more, has_program

SECONDS = 4.0


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    """One decoder for all tests of this file."""
    with Decoder(limits=Limits(wall_s=300)) as opened:
        yield opened


def noise(n_bytes: int) -> bytes:
    """Bytes that are not elements, tags or packets."""
    return np.random.default_rng(11).integers(0, 256, n_bytes, dtype=np.uint8).tobytes()


def container(kind: str) -> bytes:
    """A file of four seconds."""
    if kind == "two tracks":
        return tracks("matroska", "aac", SECONDS, SECONDS)
    return encoded(kind, SECONDS) if kind == "webm" else encoded_more(kind, SECONDS)


CONTAINERS = ["webm", "mkv", "two tracks", "flv", "ts", "mpg", pytest.param("wma", marks=pytest.mark.skipif(
    not has_program(), reason="the ffmpeg program is not installed"))]  # fmt: skip


@pytest.mark.parametrize("kind", CONTAINERS)
def test_junk_inside_a_container_is_reported(decoder: Decoder, kind: str) -> None:
    """A file with overwritten bytes is not whole, although the decoder continues after them."""
    data = container(kind)
    assert decoder.decode(data, name="undamaged").whole
    middle = len(data) // 2
    n_bytes = min(9_000, len(data) // 4)
    damaged = data[:middle] + noise(n_bytes) + data[middle + n_bytes :]
    assert not decoder.decode(damaged, name="damaged").whole


@pytest.mark.parametrize("kind", CONTAINERS)
def test_a_container_that_ends_inside_a_packet_is_not_whole(decoder: Decoder, kind: str) -> None:
    """If the last packet is incomplete, more may be missing."""
    data = container(kind)
    assert not decoder.decode(data[: int(len(data) * 0.6) // 188 * 188 + 101], name="cut").whole


@pytest.mark.parametrize("suffix", ["mp3", "flac", "ogg"])
def test_audio_after_a_flash_file_is_another_part(decoder: Decoder, suffix: str) -> None:
    """A file after the last tag of a Flash file is decoded."""
    decoded = decoder.decode(encoded_more("flv", 2.0) + encoded(suffix, 3.0), name="joined")
    assert decoded.whole
    assert [part.duration_s for part in decoded.parts] == pytest.approx([2.0, 3.0], abs=0.15)


def without_tag() -> bytes:
    """Frames of an MP3 file without a tag."""
    data = by_soundfile(sound(SECONDS), 44_100, "MP3")
    first = mp3_frame(data[:4])
    assert first is not None
    return data[first.n_bytes :]


@pytest.mark.parametrize("stated", [500, 9_000, 90_000_000])
def test_a_tag_of_a_wrong_size_hides_no_audio(decoder: Decoder, stated: int) -> None:
    """Frames that begin inside an ID3 tag and continue after it are decoded, as are frames after it."""
    size = bytes(stated >> shift & 0x7F for shift in (21, 14, 7, 0))
    decoded = decoder.decode(b"ID3\x04\x00\x00" + size + noise(3_000) + without_tag(), name="mp3")
    assert decoded.waveform.duration_s == pytest.approx(SECONDS, abs=0.15)


@pytest.mark.parametrize("n_frames", [5, 100_000, 0xFFFFFFFF])
def test_a_wrong_count_of_frames_is_ignored_if_all_bytes_are_present(decoder: Decoder, n_frames: int) -> None:
    """A file is whole if its tag states too many frames, but the right number of bytes."""
    data = by_soundfile(sound(SECONDS), 44_100, "MP3")
    at = max(data.find(b"Xing"), data.find(b"Info")) + 8
    decoded = decoder.decode(data[:at] + struct.pack(">I", n_frames) + data[at + 4 :], name="mp3")
    assert decoded.whole
    assert decoded.waveform.duration_s == pytest.approx(SECONDS, abs=0.15)


@pytest.mark.skipif(not has_program(), reason="the ffmpeg program is not installed")
@pytest.mark.parametrize("codec", ["libvorbis", "aac"])
def test_audio_in_wav_that_no_backend_decodes_is_missing(
    decoder: Decoder, codec: str, tmp_path: Path
) -> None:
    """Codecs that WAV does not support are decoded for a moment; the rest is reported as missing."""
    out = tmp_path / "out.wav"
    source = ("-f", "lavfi", "-i", f"sine=d={SECONDS}")
    subprocess.run(["ffmpeg", "-loglevel", "error", *source, "-c:a", codec, str(out)], check=True)
    decoded = decoder.decode(out, name="wav")
    total_s = decoded.waveform.duration_s + decoded.not_compared_s
    assert decoded.whole is (decoded.waveform.duration_s > SECONDS / 2)
    assert total_s == pytest.approx(SECONDS, abs=0.3)


@pytest.mark.skipif(not has_program(), reason="the ffmpeg program is not installed")
def test_a_video_with_subtitles_is_decoded(decoder: Decoder, tmp_path: Path) -> None:
    """Subtitles are loaded before the lock-down, and do not end the worker."""
    text, out = tmp_path / "text.srt", tmp_path / "out.mkv"
    text.write_text("1\n00:00:01,000 --> 00:00:02,000\nhello\n")
    sources = ("-i", str(text), "-f", "lavfi", "-i", f"sine=d={SECONDS}", "-map", "0", "-map", "1")
    subprocess.run(["ffmpeg", "-loglevel", "error", *sources, str(out)], check=True)
    decoded = decoder.decode(out, name="mkv")
    assert decoded.whole
    assert decoded.waveform.duration_s == pytest.approx(SECONDS, abs=0.15)


@pytest.mark.parametrize("size", [0xFFFF0000, 0xFFFFF000, 0xFFFFFF00])
def test_a_length_just_below_4_gib_means_unknown(decoder: Decoder, size: int) -> None:
    """Writers to a pipe subtract headers and blocks from the largest number."""
    data = encoded("wav", SECONDS)
    at = data.index(b"data") + 4
    assert decoder.decode(data[:at] + struct.pack("<I", size) + data[at + 4 :], name="wav").whole


def test_a_chunk_without_its_padding_byte_hides_no_audio(decoder: Decoder) -> None:
    """Some writers omit the byte that pads a chunk to an even length."""
    data = encoded("wav", SECONDS)
    at = data.index(b"data")
    decoded = decoder.decode(data[:at] + b"JUNK" + struct.pack("<I", 5) + bytes(5) + data[at:], name="wav")
    assert decoded.whole
    assert decoded.waveform.duration_s == pytest.approx(SECONDS, abs=0.05)


@pytest.mark.parametrize("kind", ["links", "tracks"])
def test_a_limit_reached_by_a_later_stream_names_its_setting(kind: str) -> None:
    """Audio beyond the limit on seconds is missing, and the hint names the setting that raises it."""
    data = (
        encoded("mp3", 3.0) + encoded("ogg", 3.0) if kind == "links" else tracks("matroska", "aac", 3.0, 3.0)
    )
    with Decoder(limits=Limits(max_seconds=4.0)) as small:
        decoded = small.decode(data, name="long")
    assert not decoded.whole
    error = TruncatedAudio(name="long", decoded_s=decoded.waveform.duration_s, reason=decoded.note or "")
    assert "raise EARWITNESS_MAX_SECONDS" in error.hint


@pytest.mark.parametrize(("code", "strict", "expected"), [
    ("no_audio_track", False, 0), ("no_audio_track", True, 3), ("broken_audio", False, 3),
])  # fmt: skip
def test_videos_without_audio_fail_only_a_strict_scan(code: str, strict: bool, expected: int) -> None:
    """A scan of videos without audio succeeds unless it is strict; unreadable files always fail it."""
    tally = Tally(n_items=2)
    tally.verdicts.update({Verdict.NOT_READABLE: 1, Verdict.NO_MATCH: 1})
    tally.reasons.update([code])
    assert tally.exit_code(strict=strict) == expected


@pytest.mark.parametrize("suffix", [".latm", ".loas", ".sox", ".qoa", ".iff", ".16sv", ".maud", ".sf"])
def test_decoded_formats_are_items_by_their_suffix(suffix: str) -> None:
    """Files with such a suffix in a folder are items."""
    assert suffix in AUDIO_SUFFIXES | SHARED_SUFFIXES
