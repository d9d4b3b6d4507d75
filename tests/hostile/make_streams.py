"""Sound files whose length is known without our decoder: joined, of several tracks, cut, with wrong headers.

Every piece is encoded and measured by the `ffmpeg` program: what a file holds is the sum of its pieces.
``python -m tests.hostile.make_streams FOLDER`` writes all of them.
"""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

MEASURED_HZ: Final = 8_000

ENCODERS: Final[dict[str, tuple[str, ...]]] = {
    "wav": ("-c:a", "pcm_s16le"),
    "wav24": ("-c:a", "pcm_s24le", "-f", "wav"),
    "wavfloat": ("-c:a", "pcm_f32le", "-f", "wav"),
    "wavadpcm": ("-c:a", "adpcm_ms", "-f", "wav"),
    "wavalaw": ("-c:a", "pcm_alaw", "-f", "wav"),
    "rf64": ("-c:a", "pcm_s16le", "-f", "wav", "-rf64", "always"),
    "w64": ("-c:a", "pcm_s16le"),
    "aiff": (),
    "au": (),
    "caf": (),
    "voc": (),
    "flac": (),
    "mp3": ("-b:a", "64k"),
    "mp3vbr": ("-q:a", "6", "-f", "mp3"),
    "mp3noxing": ("-q:a", "6", "-write_xing", "0", "-id3v2_version", "0", "-f", "mp3"),
    "mp2": (),
    "ogg": ("-c:a", "libvorbis"),
    "opus": ("-c:a", "libopus"),
    "oggflac": ("-c:a", "flac", "-f", "ogg"),
    "speex": ("-c:a", "libspeex", "-f", "ogg"),
    "m4a": ("-c:a", "aac"),
    "alac": ("-c:a", "alac", "-f", "ipod"),
    "fragmented": ("-c:a", "aac", "-f", "mp4", "-movflags", "frag_keyframe+empty_moov"),
    "aac": ("-c:a", "aac", "-f", "adts"),
    "ac3": (),
    "eac3": (),
    "wv": (),
    "tta": (),
    "dts": ("-c:a", "dca", "-strict", "-2"),
    "wma": ("-c:a", "wmav2", "-f", "asf"),
    "webm": ("-c:a", "libopus"),
    "mka": ("-c:a", "flac", "-f", "matroska"),
    "mkv": ("-c:a", "ac3", "-f", "matroska"),
    "avi": ("-c:a", "pcm_s16le", "-f", "avi"),
    "avimp3": ("-c:a", "libmp3lame", "-f", "avi"),
    "flv": ("-c:a", "aac", "-f", "flv"),
    "mpg": ("-c:a", "mp2", "-f", "mpeg"),
    "ts": ("-c:a", "aac", "-f", "mpegts"),
    "3gp": ("-c:a", "aac", "-f", "3gp"),
    "mov": ("-c:a", "pcm_s16be", "-f", "mov"),
}
"""What is given to `ffmpeg` for each name; without ``-f`` the name is the format's own."""

RATES: Final = {"opus": 48_000, "webm": 48_000, "speex": 16_000, "dts": 48_000, "ac3": 48_000, "eac3": 48_000}
RATES_OF_A_LINK: Final = {"opus": 48_000, "speex": 8_000, "ac3": 44_100, "dts": 44_100}
DEFAULT_RATE: Final = 44_100

JOINED: Final = (
    "mp3",
    "mp3vbr",
    "mp3noxing",
    "mp2",
    "ogg",
    "opus",
    "oggflac",
    "flac",
    "aac",
    "ac3",
    "wav",
    "ts",
    "mpg",
)
OTHER_CODEC: Final = (
    ("ogg", "opus"),
    ("opus", "ogg"),
    ("ogg", "oggflac"),
    ("oggflac", "opus"),
    ("speex", "ogg"),
    ("mp3", "mp3noxing"),
    ("mp3noxing", "mp3"),
    ("mp3vbr", "mp2"),
    ("mp2", "mp3"),
)
"""Pairs of encodings that one file may hold one after the other."""

TRACKS: Final = ("m4a", "alac", "mka", "mkv", "webm", "avi", "avimp3", "ts", "mpg", "wma", "mov")
"""Containers that hold several tracks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One file and what it holds.

    Attributes
    ----------
    there_s : float or None
        Seconds of sound in it, measured by `ffmpeg`; None where it may be no sound file any more.
    is_whole : bool
        Whether nothing is missing of it, so that all of it must be compared and nothing reported.
    """

    name: str
    data: bytes = field(repr=False)
    there_s: float | None
    is_whole: bool


def every_file(folder: Path) -> Iterator[Made]:
    """Make every file; `folder` is for `ffmpeg` to work in."""
    make = _Maker(folder)
    yield from _plain(make)
    yield from _with_channels(make)
    yield from _joined(make)
    yield from _with_tracks(make)
    yield from _with_wrong_lengths(make)
    yield from _with_something_around(make)
    yield from _cut(make)


def odd_files(folder: Path) -> list[Made]:
    """Make four files whose first stream, or whose header, is not all there is."""
    make = _Maker(folder)
    rate = RATES_OF_A_LINK.get("mp3", 24_000)
    mp3 = (make.piece("mp3"), make.piece("mp3", rate=rate, pitch=500))
    ogg = (make.piece("ogg"), make.piece("opus", pitch=500))
    tracks = (make.piece("wav"), make.piece("wav", channels=1, pitch=500))
    wav = make.piece("wav")
    at = wav.index(b"data") + 4
    pieces = [
        ("joined.mp3", b"".join(mp3), _sum(make, mp3)),
        ("joined.ogg", b"".join(ogg), _sum(make, ogg)),
        (
            "two-tracks.m4a",
            make.tracks("m4a", *tracks),
            sum(make.seconds(make.tracks("m4a", t)) or 0.0 for t in tracks),
        ),
        ("streamed.wav", wav[:at] + b"\xff\xff\xff\x7f" + wav[at + 4 :], make.seconds(wav)),
    ]
    return [Made(name=name, data=data, there_s=there_s, is_whole=True) for name, data, there_s in pieces]


class _Maker:
    """Encodes and measures, each thing once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cache  # noqa: B019 - lives as long as the files are made
    def piece(
        self, kind: str, *, seconds: float = 1.5, rate: int | None = None, channels: int = 2, pitch: int = 300
    ) -> bytes:
        """A piece of music-like sound, `pitch` telling pieces apart."""
        rate = rate or RATES.get(kind, DEFAULT_RATE)
        tone = "+".join(f"{0.5 / n}*sin({n * pitch}*2*PI*t*(1+0.1*floor(4*t)))" for n in (1, 2, 3))
        sound = "|".join([f"0.5*({tone})"] * channels)
        source = ("-f", "lavfi", "-i", f"aevalsrc={sound}:s={rate}:d={seconds}:c={_layout(channels)}")
        return self._run(kind, *source, *_output(kind))

    def tracks(self, kind: str, *pieces: bytes) -> bytes:
        """One container that holds each piece as a track."""
        inputs, maps = list[str](), list[str]()
        for number, piece in enumerate(pieces):
            path = self._folder / f"track{number}"
            path.write_bytes(piece)
            inputs += ["-i", str(path)]
            maps += ["-map", f"{number}:a"]
        return self._run(kind, *inputs, *maps, *_output(kind))

    @cache  # noqa: B019
    def seconds(self, data: bytes) -> float | None:
        """Length of the first audio track as `ffmpeg` decodes it; None where it cannot."""
        path = self._folder / "measured"
        path.write_bytes(data)
        output = ("-map", "0:a:0", "-ac", "1", "-ar", str(MEASURED_HZ), "-f", "s16le", "-")
        done = subprocess.run(
            ["ffmpeg", "-loglevel", "quiet", "-nostdin", "-i", str(path), *output],
            capture_output=True,
            check=False,
        )
        return len(done.stdout) / 2 / MEASURED_HZ or None

    def _run(self, kind: str, *arguments: str) -> bytes:
        path = self._folder / f"out.{kind}"
        subprocess.run(
            ["ffmpeg", "-loglevel", "error", "-nostdin", "-y", *arguments, str(path)],
            check=True, capture_output=True,
        )  # fmt: skip
        return path.read_bytes()


def _output(kind: str) -> tuple[str, ...]:
    options = ENCODERS[kind]
    return ("-fflags", "+bitexact", *options)


def _layout(channels: int) -> str:
    return {1: "mono", 2: "stereo", 3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}[channels]


def _plain(make: _Maker) -> Iterator[Made]:
    for kind in ENCODERS:
        data = make.piece(kind)
        yield Made(name=f"plain.{kind}", data=data, there_s=make.seconds(data), is_whole=True)


def _with_channels(make: _Maker) -> Iterator[Made]:
    many = {
        "wav": (1, 3, 4, 6, 8),
        "flac": (1, 4, 6, 8),
        "ogg": (1, 4, 6, 8),
        "opus": (1, 4, 6, 8),
        "m4a": (1, 6, 8),
        "ac3": (1, 6),
        "wv": (1, 6, 8),
        "mka": (6, 8),
        "mov": (8,),
        "aac": (1, 6, 8),
        "alac": (1, 6, 8),
        "w64": (6,),
    }
    for kind, counts in many.items():
        for channels in counts:
            data = make.piece(kind, channels=channels)
            yield Made(
                name=f"{channels}-channels.{kind}", data=data, there_s=make.seconds(data), is_whole=True
            )
    for kind in ("wav", "flac", "mp3", "m4a", "wv"):
        for rate in (8_000, 11_025, 22_050, 48_000, *((96_000,) if kind != "mp3" else ())):
            data = make.piece(kind, rate=rate)
            yield Made(name=f"{rate}-hz.{kind}", data=data, there_s=make.seconds(data), is_whole=True)


def _joined(make: _Maker) -> Iterator[Made]:
    def joined(name: str, *pieces: bytes) -> Made:
        return Made(name=name, data=b"".join(pieces), there_s=_sum(make, pieces), is_whole=True)

    for kind in JOINED:
        first = make.piece(kind)
        other_rate = RATES_OF_A_LINK.get(kind, 24_000)
        yield joined(f"joined-same.{kind}", first, make.piece(kind, pitch=500))
        yield joined(f"joined-mono.{kind}", first, make.piece(kind, channels=1, pitch=500))
        yield joined(f"joined-rate.{kind}", first, make.piece(kind, rate=other_rate, pitch=500))
        if kind not in ("ts", "mpg"):
            three = (make.piece(kind, rate=other_rate, channels=1, pitch=500), make.piece(kind, pitch=700))
            yield joined(f"joined-three.{kind}", first, *three)
    for one, other in OTHER_CODEC:
        yield joined(f"joined-codecs.{one}+{other}", make.piece(one), make.piece(other, pitch=500))


def _sum(make: _Maker, pieces: tuple[bytes, ...]) -> float:
    return sum(make.seconds(piece) or 0.0 for piece in pieces)


def _with_tracks(make: _Maker) -> Iterator[Made]:
    for kind in TRACKS:
        pieces = (make.piece("wav"), make.piece("wav", channels=1, pitch=500, seconds=2.0))
        encoded = [make.seconds(make.tracks(kind, piece)) or 0.0 for piece in pieces]
        yield Made(
            name=f"two-tracks.{kind}", data=make.tracks(kind, *pieces), there_s=sum(encoded), is_whole=True
        )
        three = (*pieces, make.piece("wav", pitch=700))
        there_s = sum(encoded) + (make.seconds(make.tracks(kind, three[2])) or 0.0)
        yield Made(
            name=f"three-tracks.{kind}", data=make.tracks(kind, *three), there_s=there_s, is_whole=True
        )


def _with_wrong_lengths(make: _Maker) -> Iterator[Made]:
    there_s = make.seconds(make.piece("wav"))
    for stated in (0x7FFFFFFF, 0x80000000, 0x7FFFF000, 0xFFFFFFFF, 0xFFFFFFFF - 36, 0, -16, +16, +1):
        data = make.piece("wav")
        at = data.index(b"data") + 4
        size = stated if stated > 1_000 or stated == 0 else len(data) - at - 4 + stated
        wrong = (
            data[:4]
            + struct.pack("<I", size + 36 & 0xFFFFFFFF)
            + data[8:at]
            + struct.pack("<I", size)
            + data[at + 4 :]
        )
        yield Made(name=f"states-{stated:x}.wav", data=wrong, there_s=there_s, is_whole=True)
    wav = make.piece("wav")
    start = wav.index(b"data")
    second = make.piece("wav", pitch=500)
    chunk = second[second.index(b"data") :]
    twice = wav[:4] + struct.pack("<I", len(wav) + len(chunk) - 8) + wav[8:] + chunk
    yield Made(name="second-data-chunk.wav", data=twice, there_s=2 * (there_s or 0.0), is_whole=True)
    listed = (
        wav[:start]
        + b"LIST"
        + struct.pack("<I", 4)
        + b"abcd"
        + wav[start:]
        + b"id3 "
        + struct.pack("<I", 4)
        + b"abcd"
    )
    yield Made(name="other-chunks.wav", data=listed, there_s=there_s, is_whole=True)
    for stated in (0xFFFFFFFF, 0):
        au = make.piece("au")
        yield Made(name=f"states-{stated:x}.au", data=au[:8] + struct.pack(">I", stated) + au[12:],
                   there_s=make.seconds(au), is_whole=True)  # fmt: skip
    caf = make.piece("caf")
    at = caf.index(b"data") + 4
    yield Made(
        name="states-unknown.caf",
        data=caf[:at] + b"\xff" * 8 + caf[at + 8 :],
        there_s=make.seconds(caf),
        is_whole=True,
    )


def _with_something_around(make: _Maker) -> Iterator[Made]:
    picture = b"ID3\x03\0\0" + bytes((0, 3, 6, 80)) + bytes((0, *range(256))) * 300
    id3 = picture[: 10 + (3 << 14 | 6 << 7 | 80)]
    tail = b"TAG" + b"x" * 125
    ape = b"APETAGEX" + struct.pack("<IIII", 2_000, 32, 0, 0) + bytes(8)
    for kind in ("mp3", "mp3vbr", "mp3noxing", "aac", "flac", "mp2"):
        data = make.piece(kind)
        yield Made(name=f"cover-before.{kind}", data=id3 + data, there_s=make.seconds(data), is_whole=True)
        yield Made(name=f"tag-after.{kind}", data=data + tail, there_s=make.seconds(data), is_whole=True)
    for kind in ("mp3", "mp3noxing"):
        data = make.piece(kind)
        yield Made(
            name=f"ape-after.{kind}", data=data + ape + tail, there_s=make.seconds(data), is_whole=True
        )
        yield Made(
            name=f"cover-between.{kind}",
            data=data + tail + id3 + data,
            there_s=2 * (make.seconds(data) or 0),
            is_whole=True,
        )
    for kind in ("mp3", "mp3noxing", "wav", "flac", "ogg", "m4a"):
        data = make.piece(kind)
        yield Made(
            name=f"zeros-after.{kind}", data=data + bytes(4_000), there_s=make.seconds(data), is_whole=True
        )


def _cut(make: _Maker) -> Iterator[Made]:
    for kind in ENCODERS:
        data = make.piece(kind, seconds=3.0)
        for share in (0.35, 0.6, 0.9):
            cut = data[: int(share * len(data))]
            yield Made(name=f"cut-{share:.0%}.{kind}", data=cut, there_s=make.seconds(cut), is_whole=False)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    for made in every_file(target):
        (target / made.name).write_bytes(made.data)
        sys.stdout.write(f"{made.name}: {made.there_s} s\n")
