"""Sound files whose length is known without our decoder: joined, of several tracks, cut, with wrong headers.

Every piece is encoded and measured by the `ffmpeg` program: what a file holds is the sum of its pieces.
``python -m tests.hostile.make_streams FOLDER`` writes all of them.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.hostile.ffmpeg_pieces import ENCODERS, Piece, PieceMaker

RATES_OF_A_LINK: Final = {"opus": 48_000, "speex": 8_000, "ac3": 44_100, "dts": 44_100}
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

MANY_CHANNELS: Final = {
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
OTHER_RATES: Final = {
    kind: (8_000, 11_025, 22_050, 48_000, *((96_000,) if kind != "mp3" else ()))
    for kind in ("wav", "flac", "mp3", "m4a", "wv")
}
CUT_S: Final = 3.0

TRACKS: Final = ("m4a", "alac", "mka", "mkv", "webm", "avi", "avimp3", "ts", "mpg", "wma", "mov")
"""Containers that hold several tracks."""
LONGER_TRACK: Final = Piece(kind="wav", channels=1, pitch=500, seconds=2.0)


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
    make = PieceMaker(folder)
    _prepare(make)
    yield from _plain(make)
    yield from _with_channels(make)
    yield from _joined(make)
    yield from _with_tracks(make)
    yield from _with_wrong_lengths(make)
    yield from _with_something_around(make)
    yield from _cut(make)


def _prepare(make: PieceMaker) -> None:
    """Make and measure nearly everything that is wanted, before each is asked for by itself."""
    pieces = [Piece(kind=kind, seconds=seconds) for kind in ENCODERS for seconds in (1.5, 3.0)]
    pieces += [Piece(kind=kind, channels=n) for kind, counts in MANY_CHANNELS.items() for n in counts]
    pieces += [Piece(kind=kind, rate=rate) for kind, rates in OTHER_RATES.items() for rate in rates]
    for kind in JOINED:
        rate = RATES_OF_A_LINK.get(kind, 24_000)
        pieces += [Piece(kind=kind, pitch=500), Piece(kind=kind, channels=1, pitch=500)]
        pieces += [Piece(kind=kind, rate=rate, channels=n, pitch=500) for n in (1, 2)]
        pieces.append(Piece(kind=kind, pitch=700))
    pieces += [Piece(kind=kind, pitch=500) for pair in OTHER_CODEC for kind in pair]
    pieces.append(LONGER_TRACK)
    make.make(pieces)
    tracks = [make.piece("wav"), make.pieces[LONGER_TRACK], make.piece("wav", pitch=700)]
    several = [(tracks[0],), (tracks[1],), (tracks[2],), tuple(tracks[:2]), tuple(tracks)]
    make.make_tracks([(kind, each) for kind in TRACKS for each in several])
    whole = [data for piece, data in make.pieces.items() if piece.seconds != CUT_S]
    make.measure([*whole, *(make.tracks(kind, *each) for kind in TRACKS for each in several[:3])])
    make.measure(data for _, data in _cut_files(make))


def odd_files(folder: Path) -> list[Made]:
    """Make four files whose first stream, or whose header, is not all there is."""
    make = PieceMaker(folder)
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


def _plain(make: PieceMaker) -> Iterator[Made]:
    for kind in ENCODERS:
        data = make.piece(kind)
        yield Made(name=f"plain.{kind}", data=data, there_s=make.seconds(data), is_whole=True)


def _with_channels(make: PieceMaker) -> Iterator[Made]:
    for kind, counts in MANY_CHANNELS.items():
        for channels in counts:
            data = make.piece(kind, channels=channels)
            yield Made(
                name=f"{channels}-channels.{kind}", data=data, there_s=make.seconds(data), is_whole=True
            )
    for kind, rates in OTHER_RATES.items():
        for rate in rates:
            data = make.piece(kind, rate=rate)
            yield Made(name=f"{rate}-hz.{kind}", data=data, there_s=make.seconds(data), is_whole=True)


def _joined(make: PieceMaker) -> Iterator[Made]:
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


def _sum(make: PieceMaker, pieces: tuple[bytes, ...]) -> float:
    return sum(make.seconds(piece) or 0.0 for piece in pieces)


def _with_tracks(make: PieceMaker) -> Iterator[Made]:
    for kind in TRACKS:
        pieces = (make.piece("wav"), make.pieces[LONGER_TRACK])
        encoded = [make.seconds(make.tracks(kind, piece)) or 0.0 for piece in pieces]
        yield Made(
            name=f"two-tracks.{kind}", data=make.tracks(kind, *pieces), there_s=sum(encoded), is_whole=True
        )
        three = (*pieces, make.piece("wav", pitch=700))
        there_s = sum(encoded) + (make.seconds(make.tracks(kind, three[2])) or 0.0)
        yield Made(
            name=f"three-tracks.{kind}", data=make.tracks(kind, *three), there_s=there_s, is_whole=True
        )


def _with_wrong_lengths(make: PieceMaker) -> Iterator[Made]:
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


def _with_something_around(make: PieceMaker) -> Iterator[Made]:
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


def _cut(make: PieceMaker) -> Iterator[Made]:
    for name, data in _cut_files(make):
        yield Made(name=name, data=data, there_s=make.seconds(data), is_whole=False)


def _cut_files(make: PieceMaker) -> Iterator[tuple[str, bytes]]:
    for kind in ENCODERS:
        data = make.piece(kind, seconds=CUT_S)
        for share in (0.35, 0.6, 0.9):
            yield f"cut-{share:.0%}.{kind}", data[: int(share * len(data))]


if __name__ == "__main__":
    target = Path(sys.argv[1])
    for made in every_file(target):
        (target / made.name).write_bytes(made.data)
        sys.stdout.write(f"{made.name}: {made.there_s} s\n")
