"""Lengths: what a header states, guesses or gets wrong; what was decoded and what is missing add up."""

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
    """Whether all of a file was decoded, and that is so long."""
    assert decoded.note is None, decoded.note
    return decoded.whole and decoded.waveform.duration_s == pytest.approx(seconds, abs=TRIMMED_S)


def noise(n_bytes: int, seed: int = 5) -> bytes:
    """Bytes that are no frames."""
    return np.random.default_rng(seed).integers(0, 256, n_bytes, dtype=np.uint8).tobytes()


# --- headers of uncompressed sound

RATE_HZ = 16_000
PCM = (sound(4.0, rate_hz=RATE_HZ, channels=1)[:, 0] * 32_767).astype("<i2").tobytes()
MADE_UP = (0, 0x7FFF0000, 0x7FFFF000, 0x7FFFF024, 0x7FFFFFDB, 0x7FFFFFFF, 0x80000000, 0xFFFFFFDB, 0xFFFFFFFF)


def wav(data: bytes = PCM, *, size: int | None = None, behind: bytes = b"", order: str = "<") -> bytes:
    """A WAV file; `size` is what its header states of the data."""
    data_size = len(data) if size is None else size
    fmt = struct.pack(f"{order}HHIIHH", 1, 1, RATE_HZ, 2 * RATE_HZ, 2, 16)
    pack = struct.Struct(f"{order}I").pack
    body = b"WAVEfmt " + pack(16) + fmt + b"data" + pack(data_size) + data + behind
    riff = len(body) if size is None else min(size + 36, 0xFFFFFFFF)
    return (b"RIFF" if order == "<" else b"RIFX") + pack(riff) + body


def patched(data: bytes, name: bytes, skip: int, value: bytes) -> bytes:
    """Bytes with `value` written `skip` bytes behind the start of a chunk's name."""
    at = data.index(name) + skip
    return data[:at] + value + data[at + len(value) :]


@pytest.mark.parametrize("size", MADE_UP)
@pytest.mark.parametrize("container", ["wav", "rifx", "aiff", "au"])
def test_lengths_that_stand_for_unknown_are_no_promise(decoder: Decoder, container: str, size: int) -> None:
    """What writers to a pipe put where a length belongs means: to the end of the file."""
    four = struct.pack(">I", size)
    made = {
        "wav": lambda: wav(size=size),
        "rifx": lambda: wav(np.frombuffer(PCM, "<i2").astype(">i2").tobytes(), size=size, order=">"),
        "aiff": lambda: patched(encoded("aiff", 4.0), b"SSND", 4, four),
        "au": lambda: patched(encoded_more("au", 4.0), b".snd", 8, four),
    }[container]()
    assert is_whole(decoder.decode(made, name=container), 4.0)


@pytest.mark.parametrize("size", [-1, 0, (1 << 63) - 1])
def test_the_same_holds_of_64_bits(decoder: Decoder, size: int) -> None:
    """CAF and Wave64 have lengths of 64 bits, RF64 has one of them apart."""
    caf = patched(encoded_more("caf", 4.0), b"data", 4, struct.pack(">q", size))
    assert is_whole(decoder.decode(caf, name="caf"), 4.0)
    w64 = patched(encoded_more("w64", 4.0), b"data", 16, struct.pack("<q", size))
    assert is_whole(decoder.decode(w64, name="w64"), 4.0)


@pytest.mark.parametrize("extra", [1, 2, 8, 16, 36, 44, 200])
def test_a_few_bytes_too_many_are_no_matter(decoder: Decoder, extra: int) -> None:
    """Writers count their own header, padding or tags into the data: the file is whole all the same."""
    assert is_whole(decoder.decode(wav(size=len(PCM) + extra), name="wav"), 4.0)
    au = encoded_more("au", 4.0)
    size = struct.unpack(">I", au[8:12])[0] + extra
    assert is_whole(decoder.decode(patched(au, b".snd", 8, struct.pack(">I", size)), name="au"), 4.0)


@pytest.mark.parametrize("suffix", ["wav", "aiff", "flac", "au", "caf", "w64", "rf64", "tta", "wv"])
def test_a_length_that_is_meant_is_held_against_the_file(decoder: Decoder, suffix: str) -> None:
    """A file cut in the middle is decoded up to there, and the rest is counted as not compared."""
    more = suffix not in ("wav", "aiff", "flac")
    whole = encoded_more(suffix, 4.0) if more else encoded(suffix, 4.0)
    cut = decoder.decode(whole[: len(whole) // 2], name="cut")
    assert not cut.whole
    assert cut.not_compared_s > 1.0
    assert cut.waveform.duration_s + cut.not_compared_s == pytest.approx(4.0, abs=0.3)


def test_data_goes_on_where_the_header_ends_it(decoder: Decoder) -> None:
    """A second data chunk, data behind the stated end, and another file behind the first are all heard."""
    half = len(PCM) // 2
    second = wav(PCM[:half], behind=b"data" + struct.pack("<I", half) + PCM[half:])
    assert is_whole(decoder.decode(second, name="second chunk"), 4.0)
    assert is_whole(decoder.decode(wav(size=half), name="behind the end"), 4.0)
    for first in (wav(), wav(size=0xFFFFFFFF), wav(size=0)):
        assert is_whole(decoder.decode(first + wav(PCM[:half]), name="joined"), 6.0)


@pytest.mark.parametrize(
    "behind", [b"LIST\x04\x00\x00\x00INFO", bytes(40_000), b"id3 \x04\x00\x00\x00ID3\x03"]
)
def test_what_is_no_sound_behind_the_data_stays_out(decoder: Decoder, behind: bytes) -> None:
    """Chunks of text and padding behind the data do not become sound."""
    plain = decoder.decode(wav(), name="plain").waveform.samples
    assert np.array_equal(decoder.decode(wav(behind=behind), name="more").waveform.samples, plain)


# --- MP3: the frames are counted


def frames_of(data: bytes) -> list[bytes]:
    """The frames of an MP3 file, its tag's own left out."""
    found, offset = [], 0
    while (frame := mp3_frame(data[offset : offset + 4])) is not None:
        found.append(data[offset : offset + frame.n_bytes])
        offset += frame.n_bytes
    return found[1:] if b"Info" in found[0] or b"Xing" in found[0] else found


def quiet_then_loud() -> bytes:
    """A VBR file without a tag: its first frames are large, so that a guess from them is far too short."""
    parts = np.concatenate([noise_sound(1.0), sound(6.0)])
    return b"".join(frames_of(by_soundfile(parts, 44_100, "MP3")))


def noise_sound(seconds: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """White noise, which takes as many bits as an encoder has."""
    shape = (int(seconds * 44_100), 2)
    return (0.5 * np.random.default_rng(9).standard_normal(shape)).astype(np.float32)


def id3(n_bytes: int) -> bytes:
    """An ID3v2 tag that holds a picture."""
    size = bytes(n_bytes >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x04\x00\x00" + size + noise(n_bytes)


def ape_tag(n_bytes: int, *, header: bool) -> bytes:
    """An APE tag that holds a picture."""

    def edge(flags: int) -> bytes:
        return b"APETAGEX" + struct.pack("<4I", 2_000, n_bytes + 32, 1, flags) + bytes(8)

    has = 0x80000000 if header else 0
    return (edge(has | 0x20000000) if header else b"") + noise(n_bytes) + edge(has)


LYRICS = b"LYRICSBEGIN" + b"la" * 150 + b"000311LYRICS200"
ID3V1 = b"TAG" + b"a" * 125

TAGGED = {
    "art before": (id3(50_000), b""),
    "art behind": (b"", ape_tag(50_000, header=True)),
    "old art behind": (b"", ape_tag(50_000, header=False) + ID3V1),
    "name behind": (b"", ID3V1),
    "lyrics behind": (b"", LYRICS + ID3V1),
    "picture behind": (b"", b"\xff\xd8\xff\xe0" + noise(50_000)),
    "padding behind": (b"", bytes(50_000)),
    "several": (id3(9_000) + id3(40), ape_tag(900, header=True) + ID3V1),
}


@pytest.mark.parametrize("tags", TAGGED)
@pytest.mark.parametrize("tagged", [True, False])
def test_tags_are_no_sound_and_no_length(decoder: Decoder, tags: str, tagged: bool) -> None:
    """A file is as long as its frames, whatever art, lyrics or padding lie before and behind them."""
    before, behind = TAGGED[tags]
    frames = encoded("mp3", 4.0) if tagged else b"".join(frames_of(encoded("mp3", 4.0)))
    assert is_whole(decoder.decode(before + frames + behind, name=tags), 4.0)


def test_a_length_guessed_from_the_first_frames_is_no_end(decoder: Decoder) -> None:
    """Without a tag that states its length, a file of changing bit rate is heard to its end."""
    assert is_whole(decoder.decode(quiet_then_loud(), name="vbr"), 7.0)
    assert is_whole(decoder.decode(id3(30_000) + quiet_then_loud(), name="vbr with art"), 7.0)


@pytest.mark.parametrize("short_bytes", [1, 7, 100])
@pytest.mark.parametrize("tagged", [True, False])
def test_a_last_frame_that_is_short_is_no_cut(decoder: Decoder, short_bytes: int, tagged: bool) -> None:
    """Less than a frame of 0.03 s is no matter."""
    data = encoded("mp3", 4.0) if tagged else b"".join(frames_of(encoded("mp3", 4.0)))
    assert is_whole(decoder.decode(data[:-short_bytes], name="short"), 4.0)
    adts = encoded("aac", 4.0)
    assert is_whole(decoder.decode(adts[:-short_bytes], name="short"), 4.0)


def test_frames_that_a_tag_states_and_that_are_not_there_are_missing(decoder: Decoder) -> None:
    """A file cut by seconds is not whole where its tag states more."""
    data = encoded("mp3", 4.0)
    cut = decoder.decode(data[: len(data) // 2], name="cut")
    assert not cut.whole
    assert cut.not_compared_s == pytest.approx(2.0, abs=0.2)
    assert cut.complete_s == pytest.approx(cut.waveform.duration_s, abs=0.1)


@pytest.mark.parametrize(
    "suffix", ["mp3", "aac", "ogg", "opus", "flac", "webm", "m4a", "tta", "ts", "mpg", "ac3", "eac3"]
)
def test_a_hole_in_the_middle_is_counted(decoder: Decoder, suffix: str) -> None:
    """A third of a file overwritten is never a whole file; what is left is decoded."""
    whole = (
        encoded_more(suffix, 6.0) if suffix in ("tta", "ts", "mpg", "ac3", "eac3") else encoded(suffix, 6.0)
    )
    third = len(whole) // 3
    holed = decoder.decode(whole[:third] + noise(third) + whole[2 * third :], name="holed")
    assert not holed.whole
    assert holed.complete_s is None or holed.complete_s < 5.0
    assert holed.waveform.duration_s + holed.not_compared_s >= 4.5
