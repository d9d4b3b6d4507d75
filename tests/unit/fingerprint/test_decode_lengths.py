"""Durations: correct, wrong and unknown lengths in headers, and what is reported as missing."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
import pytest

from earwitness.fingerprint.decode import Decoder, Limits
from earwitness.fingerprint.decode.containers.mpeg_frames import mp3_frame
from earwitness.fingerprint.types import Decoded
from tests.hostile.encode import by_soundfile, encoded, sound
from tests.hostile.encode_more import encoded_more

TRIMMED_S = 0.1


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    """One decoder for all tests of this file."""
    with Decoder(limits=Limits(wall_s=300)) as opened:
        yield opened


def is_whole(decoded: Decoded, seconds: float) -> bool:
    """Whether all of a file was decoded, with this duration."""
    assert decoded.note is None, decoded.note
    return decoded.whole and decoded.waveform.duration_s == pytest.approx(seconds, abs=TRIMMED_S)


def noise(n_bytes: int, seed: int = 5) -> bytes:
    """Bytes that are not frames."""
    return np.random.default_rng(seed).integers(0, 256, n_bytes, dtype=np.uint8).tobytes()


# --- headers of uncompressed audio

RATE_HZ = 16_000
PCM = (sound(4.0, rate_hz=RATE_HZ, channels=1)[:, 0] * 32_767).astype("<i2").tobytes()
PLACEHOLDERS = (
    0,
    0x7FFF0000,
    0x7FFFF000,
    0x7FFFF024,
    0x7FFFFFDB,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFDB,
    0xFFFFFFFF,
)


def wav(data: bytes = PCM, *, size: int | None = None, after: bytes = b"", order: str = "<") -> bytes:
    """A WAV file whose header states `size` bytes of data."""
    data_size = len(data) if size is None else size
    fmt = struct.pack(f"{order}HHIIHH", 1, 1, RATE_HZ, 2 * RATE_HZ, 2, 16)
    pack = struct.Struct(f"{order}I").pack
    body = b"WAVEfmt " + pack(16) + fmt + b"data" + pack(data_size) + data + after
    riff = len(body) if size is None else min(size + 36, 0xFFFFFFFF)
    return (b"RIFF" if order == "<" else b"RIFX") + pack(riff) + body


def patched(data: bytes, name: bytes, skip: int, value: bytes) -> bytes:
    """Write `value` into the data, `skip` bytes after the start of a chunk name."""
    at = data.index(name) + skip
    return data[:at] + value + data[at + len(value) :]


@pytest.mark.parametrize("size", PLACEHOLDERS)
@pytest.mark.parametrize("container", ["wav", "rifx", "aiff", "au"])
def test_placeholder_lengths_mean_the_end_of_the_file(decoder: Decoder, container: str, size: int) -> None:
    """Placeholders of writers to a pipe are read as unknown lengths."""
    four = struct.pack(">I", size)
    made = {
        "wav": lambda: wav(size=size),
        "rifx": lambda: wav(np.frombuffer(PCM, "<i2").astype(">i2").tobytes(), size=size, order=">"),
        "aiff": lambda: patched(encoded("aiff", 4.0), b"SSND", 4, four),
        "au": lambda: patched(encoded_more("au", 4.0), b".snd", 8, four),
    }[container]()
    assert is_whole(decoder.decode(made, name=container), 4.0)


@pytest.mark.parametrize("size", [-1, 0, (1 << 63) - 1])
def test_placeholder_lengths_of_64_bits(decoder: Decoder, size: int) -> None:
    """CAF and Wave64 files with unknown lengths are read to their end."""
    caf = patched(encoded_more("caf", 4.0), b"data", 4, struct.pack(">q", size))
    assert is_whole(decoder.decode(caf, name="caf"), 4.0)
    w64 = patched(encoded_more("w64", 4.0), b"data", 16, struct.pack("<q", size))
    assert is_whole(decoder.decode(w64, name="w64"), 4.0)


@pytest.mark.parametrize("extra", [1, 2, 8, 16, 36, 44, 200])
def test_a_slightly_wrong_length_is_ignored(decoder: Decoder, extra: int) -> None:
    """A file is whole if its stated length includes header, padding or tags."""
    assert is_whole(decoder.decode(wav(size=len(PCM) + extra), name="wav"), 4.0)
    au = encoded_more("au", 4.0)
    size = struct.unpack(">I", au[8:12])[0] + extra
    assert is_whole(decoder.decode(patched(au, b".snd", 8, struct.pack(">I", size)), name="au"), 4.0)


@pytest.mark.parametrize("suffix", ["wav", "aiff", "flac", "au", "caf", "w64", "rf64", "tta", "wv"])
def test_a_truncated_file_is_not_whole(decoder: Decoder, suffix: str) -> None:
    """A file cut in the middle is decoded to the cut, and the rest is counted as not compared."""
    more = suffix not in ("wav", "aiff", "flac")
    data = encoded_more(suffix, 4.0) if more else encoded(suffix, 4.0)
    cut = decoder.decode(data[: len(data) // 2], name="cut")
    assert not cut.whole
    assert cut.not_compared_s > 1.0
    assert cut.waveform.duration_s + cut.not_compared_s == pytest.approx(4.0, abs=0.3)


def test_audio_after_the_stated_end_is_decoded(decoder: Decoder) -> None:
    """A second data chunk, data after the stated end, and another file are decoded."""
    half = len(PCM) // 2
    second = wav(PCM[:half], after=b"data" + struct.pack("<I", half) + PCM[half:])
    assert is_whole(decoder.decode(second, name="second chunk"), 4.0)
    assert is_whole(decoder.decode(wav(size=half), name="after the end"), 4.0)
    for first in (wav(), wav(size=0xFFFFFFFF), wav(size=0)):
        assert is_whole(decoder.decode(first + wav(PCM[:half]), name="joined"), 6.0)


@pytest.mark.parametrize(
    "after", [b"LIST\x04\x00\x00\x00INFO", bytes(40_000), b"id3 \x04\x00\x00\x00ID3\x03"]
)
def test_other_chunks_after_the_data_are_not_decoded(decoder: Decoder, after: bytes) -> None:
    """Chunks of text and padding after the data are not decoded as audio."""
    plain = decoder.decode(wav(), name="plain").waveform.samples
    assert np.array_equal(decoder.decode(wav(after=after), name="more").waveform.samples, plain)


# --- MP3 files, whose frames are counted


def frames_of(data: bytes) -> list[bytes]:
    """The frames of an MP3 file, without that of the tag."""
    frames, offset = [], 0
    while (frame := mp3_frame(data[offset : offset + 4])) is not None:
        frames.append(data[offset : offset + frame.n_bytes])
        offset += frame.n_bytes
    return frames[1:] if b"Info" in frames[0] or b"Xing" in frames[0] else frames


def quiet_then_loud() -> bytes:
    """A VBR file without a tag whose large first frames give a too short estimate of the duration."""
    parts = np.concatenate([noise_sound(1.0), sound(6.0)])
    return b"".join(frames_of(by_soundfile(parts, 44_100, "MP3")))


def noise_sound(seconds: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """White noise, which is encoded at the highest bit rate."""
    shape = (int(seconds * 44_100), 2)
    return (0.5 * np.random.default_rng(9).standard_normal(shape)).astype(np.float32)


def id3(n_bytes: int) -> bytes:
    """An ID3v2 tag with an image."""
    size = bytes(n_bytes >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x04\x00\x00" + size + noise(n_bytes)


def ape_tag(n_bytes: int, *, header: bool) -> bytes:
    """An APE tag with an image."""

    def edge(flags: int) -> bytes:
        return b"APETAGEX" + struct.pack("<4I", 2_000, n_bytes + 32, 1, flags) + bytes(8)

    has = 0x80000000 if header else 0
    return (edge(has | 0x20000000) if header else b"") + noise(n_bytes) + edge(has)


LYRICS = b"LYRICSBEGIN" + b"la" * 150 + b"000311LYRICS200"
ID3V1 = b"TAG" + b"a" * 125

TAGGED = {
    "art before": (id3(50_000), b""),
    "art after": (b"", ape_tag(50_000, header=True)),
    "old art after": (b"", ape_tag(50_000, header=False) + ID3V1),
    "name after": (b"", ID3V1),
    "lyrics after": (b"", LYRICS + ID3V1),
    "image after": (b"", b"\xff\xd8\xff\xe0" + noise(50_000)),
    "padding after": (b"", bytes(50_000)),
    "several": (id3(9_000) + id3(40), ape_tag(900, header=True) + ID3V1),
}


@pytest.mark.parametrize("tags", TAGGED)
@pytest.mark.parametrize("tagged", [True, False])
def test_tags_do_not_change_the_duration(decoder: Decoder, tags: str, tagged: bool) -> None:
    """The duration is that of the frames, with any art, lyrics or padding before and after them."""
    before, after = TAGGED[tags]
    frames = encoded("mp3", 4.0) if tagged else b"".join(frames_of(encoded("mp3", 4.0)))
    assert is_whole(decoder.decode(before + frames + after, name=tags), 4.0)


def test_a_vbr_file_without_a_tag_is_decoded_to_its_end(decoder: Decoder) -> None:
    """The duration of a VBR file without a tag is not estimated from its first frames."""
    assert is_whole(decoder.decode(quiet_then_loud(), name="vbr"), 7.0)
    assert is_whole(decoder.decode(id3(30_000) + quiet_then_loud(), name="vbr with art"), 7.0)


@pytest.mark.parametrize("short_bytes", [1, 7, 100])
@pytest.mark.parametrize("tagged", [True, False])
def test_an_incomplete_last_frame_is_ignored(decoder: Decoder, short_bytes: int, tagged: bool) -> None:
    """A file that lacks less than a frame of 0.03 s is whole."""
    data = encoded("mp3", 4.0) if tagged else b"".join(frames_of(encoded("mp3", 4.0)))
    assert is_whole(decoder.decode(data[:-short_bytes], name="short"), 4.0)
    adts = encoded("aac", 4.0)
    assert is_whole(decoder.decode(adts[:-short_bytes], name="short"), 4.0)


def test_frames_stated_by_a_tag_are_missing_if_absent(decoder: Decoder) -> None:
    """A truncated file is not whole if its tag states more frames."""
    data = encoded("mp3", 4.0)
    cut = decoder.decode(data[: len(data) // 2], name="cut")
    assert not cut.whole
    assert cut.not_compared_s == pytest.approx(2.0, abs=0.2)
    assert cut.complete_s == pytest.approx(cut.waveform.duration_s, abs=0.1)


@pytest.mark.parametrize(
    "suffix", ["mp3", "aac", "ogg", "opus", "flac", "webm", "m4a", "tta", "ts", "mpg", "ac3", "eac3"]
)
def test_overwritten_bytes_are_counted_as_missing(decoder: Decoder, suffix: str) -> None:
    """A file with a third overwritten is not whole, and the rest is decoded."""
    data = (
        encoded_more(suffix, 6.0) if suffix in ("tta", "ts", "mpg", "ac3", "eac3") else encoded(suffix, 6.0)
    )
    third = len(data) // 3
    damaged = decoder.decode(data[:third] + noise(third) + data[2 * third :], name="damaged")
    assert not damaged.whole
    assert damaged.complete_s is None or damaged.complete_s < 5.0
    assert damaged.waveform.duration_s + damaged.not_compared_s >= 4.5
