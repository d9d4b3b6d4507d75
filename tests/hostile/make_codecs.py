"""Hostile audio files, made in code: bombs, lying headers, cut, garbled and misnamed ones.

``python -m tests.hostile.make_codecs FOLDER`` writes them and prints what each must come to.
"""

from __future__ import annotations

import io
import struct
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from tests.hostile.encode import (
    SUFFIXES,
    Sound,
    by_av,
    by_soundfile,
    encoded,
    sound,
    tracks,
)


@dataclass(frozen=True, slots=True)
class Hostile:
    """One file, and the outcomes that are right for it.

    Attributes
    ----------
    codes : set of str
        Error codes, ``ok`` for decoded whole, ``cut`` for decoded in part and said so.
    """

    name: str
    path: Path
    codes: frozenset[str]


def make_codecs(folder: Path) -> list[Hostile]:
    """Write every file into `folder`."""
    made = []
    for name, build, codes in _table():
        path = folder / name
        path.write_bytes(build())
        made.append(Hostile(name, path, frozenset(codes.split())))
    return made


Row = tuple[str, Callable[[], bytes], str]


def _table() -> list[Row]:
    return [*_bombs(), *_lies(), *_joined(), *_cut(), *_garbled(), *_strangers(), *_odd_but_sound()]


# --- bombs: small files, much sound


def _silence(seconds: float, rate_hz: int, channels: int) -> Sound:
    return np.zeros((int(seconds * rate_hz), channels), dtype=np.float32)


def _bombs() -> list[Row]:
    long = _silence(700, 8_000, 1)
    return [
        ("bomb-silent.flac", lambda: by_soundfile(long, 8_000, "FLAC"), "too_large"),
        ("bomb-silent.ogg", lambda: by_soundfile(long, 8_000, "OGG"), "too_large"),
        ("bomb-8x192k.flac", lambda: by_soundfile(_silence(40, 192_000, 8), 192_000, "FLAC"), "too_large"),
        ("bomb-hours.mp3", lambda: _repeated("mp3"), "too_large"),
        ("bomb-hours.aac", lambda: _repeated("aac"), "too_large"),
        ("bomb-silent.opus", lambda: by_av(_silence(620, 48_000, 2), 48_000, "ogg", "libopus"), "too_large"),
        ("bomb-adpcm.wav", lambda: _wav(bytes(9_000_000), tag=17, block=256, bits=4), "too_large"),
    ]


def _repeated(suffix: str) -> bytes:
    """One second of silence, a thousand times over: every frame stands by itself."""
    if suffix == "mp3":
        return by_soundfile(_silence(1, 44_100, 1), 44_100, "MP3") * 1_000
    return by_av(_silence(1, 44_100, 2), 44_100, "adts", "aac") * 1_000


# --- headers that lie


def _wav(
    data: bytes,
    *,
    tag: int = 1,
    channels: int = 1,
    rate_hz: int = 8_000,
    block: int = 2,
    bits: int = 16,
    riff_size: int | None = None,
    data_size: int | None = None,
) -> bytes:
    """A wav file, every field as wanted."""
    extra = struct.pack("<HH", 2, 505) if tag == 17 else b""
    form = struct.pack("<HHIIHH", tag, channels, rate_hz, rate_hz * block & 0xFFFFFFFF, block, bits) + extra
    said = len(data) if data_size is None else data_size
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", said) + data
    return b"RIFF" + struct.pack("<I", len(body) if riff_size is None else riff_size) + body


def _tone() -> bytes:
    """Two seconds at 8 kHz, 16 bits."""
    return (sound(2.0, rate_hz=8_000, channels=1)[:, 0] * 32_767).astype("<i2").tobytes()


def _flac_says(n_samples: int) -> bytes:
    """A FLAC file whose header states another number of samples (36 bits, from the middle of byte 21)."""
    data = bytearray(encoded("flac"))
    data[21] = data[21] & 0xF0 | n_samples >> 32 & 15
    data[22:26] = struct.pack(">I", n_samples & 0xFFFFFFFF)
    return bytes(data)


def _wrong_md5() -> bytes:
    data = bytearray(encoded("flac"))
    data[26:42] = bytes(16 * [0x5A])
    return bytes(data)


def _elsewhere() -> bytes:
    """An mp4 file whose samples are said to lie in another file."""
    data = bytearray(encoded("m4a"))
    place = data.rfind(b"url ")
    path = b"file:///etc/passwd\x00"
    data[place - 4 : place + 8] = struct.pack(">I", 12 + len(path)) + b"url \x00\x00\x00\x00" + path
    for box in (b"dref", b"dinf", b"minf", b"mdia", b"trak", b"moov"):
        at = data.rfind(box, 0, place) - 4
        data[at : at + 4] = struct.pack(">I", struct.unpack(">I", data[at : at + 4])[0] + len(path))
    return bytes(data)


def _id3(stated: int, rest: bytes) -> bytes:
    return b"ID3\x04\x00\x00" + bytes(stated >> shift & 0x7F for shift in (21, 14, 7, 0)) + rest


def _rf64() -> bytes:
    """A 64-bit wav that claims an exabyte."""
    plain, vast = _wav(_tone()), struct.pack("<QQQI", 1 << 60, 1 << 60, 1 << 59, 0)
    ds64 = b"ds64" + struct.pack("<I", len(vast)) + vast
    data = b"RF64\xff\xff\xff\xffWAVE" + ds64 + plain[12:]
    at = data.index(b"data") + 4
    return data[:at] + b"\xff\xff\xff\xff" + data[at + 4 :]


def _lies() -> list[Row]:
    return [
        ("says-4-gb.wav", lambda: _wav(_tone(), riff_size=0xFFFFFFF0, data_size=0xFFFFFF00), "ok"),
        ("says-nothing.wav", lambda: _wav(_tone(), riff_size=0xFFFFFFFF, data_size=0xFFFFFFFF), "ok"),
        ("says-exabyte.wav", _rf64, "cut broken_audio"),
        ("no-channels.wav", lambda: _wav(_tone(), channels=0, block=0), "broken_audio"),
        ("255-channels.wav", lambda: _wav(_tone(), channels=255, block=510), "too_large"),
        ("no-rate.wav", lambda: _wav(_tone(), rate_hz=0), "broken_audio"),
        ("4-ghz.wav", lambda: _wav(_tone(), rate_hz=0xFFFFFFFF), "broken_audio"),
        ("7-hz.wav", lambda: _wav(_tone(), rate_hz=7), "broken_audio"),
        ("no-bits.wav", lambda: _wav(_tone(), bits=0, block=0), "broken_audio"),
        ("unknown-codec.wav", lambda: _wav(_tone(), tag=0x1234), "broken_audio"),
        ("says-40-days.flac", lambda: _flac_says((1 << 36) - 1), "cut"),
        ("says-too-little.flac", lambda: _flac_says(10), "ok"),
        ("wrong-md5.flac", _wrong_md5, "ok"),
        ("elsewhere.m4a", _elsewhere, "ok broken_audio"),
        ("id3-200-mb.mp3", lambda: _id3(200 << 20, encoded("mp3")), "ok"),
        ("id3-of-tags.mp3", lambda: _id3(0, b"") * 50_000 + encoded("mp3"), "ok"),
    ]


# --- more streams than there should be


def _joined() -> list[Row]:
    return [
        ("many-links.wav", lambda: _wav(_tone()[:400]) * 2_500, "cut"),
        ("many-tracks.m4a", lambda: tracks("mp4", "aac", *[0.2] * 70), "cut"),
        ("long-tracks.m4a", lambda: tracks("mp4", "aac", 1.0, 1.0), "ok"),
        ("flapping.mp3", lambda: _flapping(4_500), "cut"),
        ("many-beginnings.ogg", lambda: _ogg_beginnings(30_000) + encoded("ogg"), "ok cut broken_audio"),
        ("storm-of-syncs.mp3", lambda: encoded("mp3") + b"\xff\xfb\x90\x00" * 30_000, "cut"),
        ("tags-all-the-way.mp3", lambda: encoded("mp3") + _id3(0, b"") * 100_000, "ok"),
    ]


def _flapping(n_changes: int) -> bytes:
    """MPEG frames that change between one channel and two every three frames."""
    frames = [bytes((0xFF, 0xFB, 0x10, mode)) + bytes(100) for mode in (0x00, 0xC0)]
    return b"".join(3 * frames[change % 2] for change in range(n_changes))


def _ogg_beginnings(count: int) -> bytes:
    """Ogg pages that each begin another stream."""
    body = b"\x01vorbis" + bytes(23)
    pages = (
        b"OggS\x00\x02" + bytes(8) + struct.pack("<III", serial, 0, 0) + b"\x01" + bytes([len(body)]) + body
        for serial in range(count)
    )
    return b"".join(pages)


# --- cut and garbled

_CUT_CODES = {
    "wav": ("broken_audio cut", "cut", "cut"),
    "aiff": ("broken_audio cut", "cut", "cut"),
    "flac": ("broken_audio", "cut", "cut"),
    "mp3": ("not_audio broken_audio", "cut", "cut ok"),  # one frame of 0.03 s is no matter
    "ogg": ("broken_audio", "cut", "cut"),
    "opus": ("broken_audio", "cut", "cut"),
    "m4a": ("broken_audio", "broken_audio", "broken_audio"),  # the table of contents stood at the end
    "aac": ("not_audio broken_audio", "ok", "ok"),  # it states no length: the last frame alone is cut
    "webm": ("broken_audio", "cut", "cut"),
}


def _cut() -> list[Row]:
    rows: list[Row] = [("cut-moov-first.m4a", lambda: _start_of(_moov_first(), 0.6), "cut")]
    for suffix in SUFFIXES:
        whole = encoded(suffix)
        for part, codes in zip((0.003, 0.5, 0.99), _CUT_CODES[suffix], strict=True):
            rows.append((f"cut-at-{part:g}.{suffix}", partial(_start_of, whole, part), codes))
    return rows


def _start_of(whole: bytes, part: float) -> bytes:
    return whole[: max(40, int(len(whole) * part))]


def _moov_first() -> bytes:
    return by_av(sound(), 44_100, "mp4", "aac", movflags="frag_keyframe+empty_moov", frag_duration="500000")


def _garbage(n_bytes: int = 50_000) -> bytes:
    return np.random.default_rng(3).integers(0, 256, n_bytes, dtype=np.uint8).tobytes()


def _garbled() -> list[Row]:
    magic = {
        "wav": b"RIFF\x00\x10\x00\x00WAVE",
        "aiff": b"FORM\x00\x00\x10\x00AIFF",
        "flac": b"fLaC",
        "ogg": b"OggS\x00\x02" + bytes(20) + b"\x01\x1e\x01vorbis",
        "opus": b"OggS\x00\x02" + bytes(20) + b"\x01\x13OpusHead",
        "m4a": b"\x00\x00\x00\x18ftypM4A \x00\x00\x00\x00M4A mp42",
        "webm": b"\x1aE\xdf\xa3\x9fB\x82\x84webm",
    }
    rows: list[Row] = [
        (f"garbage.{suffix}", partial(bytes.__add__, start, _garbage()), "broken_audio")
        for suffix, start in magic.items()
    ]
    rows.append(("garbage.mp3", _garbage, "not_audio"))
    rows.append(("holed.ogg", lambda: _holed("ogg"), "ok cut broken_audio"))
    rows.append(("holed.flac", lambda: _holed("flac"), "cut"))
    rows.append(("holed.m4a", lambda: _holed("m4a"), "ok cut broken_audio"))
    return rows


def _holed(suffix: str) -> bytes:
    """A good file with a third of it overwritten."""
    data = bytearray(encoded(suffix))
    third = len(data) // 3
    data[third : 2 * third] = _garbage(third)
    return bytes(data)


# --- other things, and sound that is odd


def _zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("inner.wav", _wav(_tone()))
    return file.getvalue()


def _strangers() -> list[Row]:
    contents: dict[str, bytes] = {
        "empty.wav": b"",
        "text.mp3": b"This is not a song.\n" * 100,
        "zip.wav": _zip(),
        "page.mp3": b"<!DOCTYPE html><html><body>404</body></html>",
        "picture.flac": b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>",
        "playlist.m4a": b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n",
        "stream.aac": b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://192.0.2.1/a.ts\n",
        "concat.mp3": b"ffconcat version 1.0\nfile /etc/passwd\n",
        "pls.ogg": b"[playlist]\nFile1=file:///etc/passwd\n",
        "notes.wav": b"MThd\x00\x00\x00\x06\x00\x01\x00\x02\x00\x60MTrk",
        "program.mp3": b"\x7fELF\x02\x01\x01" + bytes(4_000),
        "zeros.wav": bytes(10_000),
        "pickle.wav": b"\x80\x04\x95" + bytes(100),
        "pointer.flac": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        "pdf.mp3": b"%PDF-1.7\n" + bytes(1_000),
        "theora.ogg": b"OggS\x00\x02" + bytes(20) + b"\x01\x2a\x80theora" + bytes(200),
        "tracker.mp3": b"Extended Module: song" + bytes(500),
    }
    codes = {"empty.wav": "empty_file", "theora.ogg": "no_audio_track"}
    return [(name, partial(bytes, held), codes.get(name, "not_audio")) for name, held in contents.items()]


def _odd_but_sound() -> list[Row]:
    nan = np.full((16_000, 1), np.nan, dtype=np.float32)
    return [
        ("one-second.wav", lambda: _wav(_tone()[:16_000]), "ok"),
        ("silent.wav", lambda: _wav(bytes(160_000)), "ok"),
        ("nan.wav", lambda: by_soundfile(nan, 8_000, "WAV", "FLOAT"), "ok"),
        ("huge-floats.wav", lambda: by_soundfile(nan * 0 + 3e38, 8_000, "WAV", "FLOAT"), "ok"),
        ("moov-last.m4a", lambda: encoded("m4a"), "ok"),
        ("no-samples.wav", lambda: _wav(b""), "broken_audio"),
        ("one-sample.wav", lambda: _wav(b"\x01\x00"), "ok"),
        ("wav-with-riff-inside.mp3", lambda: _id3(0, _wav(_tone())), "ok broken_audio"),
    ]


if __name__ == "__main__":
    for item in make_codecs(Path(sys.argv[1])):
        print(item.name, *sorted(item.codes))
