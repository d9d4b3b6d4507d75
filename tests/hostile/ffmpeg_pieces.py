"""Pieces of sound, encoded and measured by the `ffmpeg` program.

Starting it takes longer than its work, so one process makes or measures many pieces.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

T = TypeVar("T")
MEASURED_HZ: Final = 8_000
AT_ONCE: Final = 60
"""Pieces that one process makes or measures."""

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
DEFAULT_RATE: Final = 44_100


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A piece of music-like sound in one encoding, `pitch` telling pieces apart."""

    kind: str
    seconds: float = 1.5
    rate: int = 0
    channels: int = 2
    pitch: int = 300

    @property
    def source(self) -> tuple[str, ...]:
        """What is given to `ffmpeg` for the sound."""
        rate = self.rate or RATES.get(self.kind, DEFAULT_RATE)
        tone = "+".join(f"{0.5 / n}*sin({n * self.pitch}*2*PI*t*(1+0.1*floor(4*t)))" for n in (1, 2, 3))
        sound = "|".join([f"0.5*({tone})"] * self.channels)
        layout = _layout(self.channels)
        return ("-f", "lavfi", "-i", f"aevalsrc={sound}:s={rate}:d={self.seconds}:c={layout}")


class PieceMaker:
    """Encodes and measures, each thing once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.pieces = dict[Piece, bytes]()
        self._tracks = dict[tuple[str, tuple[bytes, ...]], bytes]()
        self._seconds = dict[bytes, float | None]()

    def piece(self, kind: str, **how: Any) -> bytes:
        """A piece of sound."""
        piece = Piece(kind=kind, **how)
        if piece not in self.pieces:
            self.make([piece])
        return self.pieces[piece]

    def make(self, pieces: Iterable[Piece]) -> None:
        """Make pieces, many in one process."""
        for some in _some(dict.fromkeys(pieces)):
            sources = list(dict.fromkeys(piece.source for piece in some))
            inputs = [argument for source in sources for argument in source]
            outputs = [(piece.kind, ("-map", f"{sources.index(piece.source)}:a")) for piece in some]
            self.pieces.update(zip(some, self._run(inputs, outputs), strict=True))

    def tracks(self, kind: str, *pieces: bytes) -> bytes:
        """One container that holds each piece as a track."""
        if (kind, pieces) not in self._tracks:
            self.make_tracks([(kind, pieces)])
        return self._tracks[kind, pieces]

    def make_tracks(self, wanted: Sequence[tuple[str, tuple[bytes, ...]]]) -> None:
        """Make containers, all in one process."""
        pieces = list(dict.fromkeys(piece for _, several in wanted for piece in several))
        inputs = [argument for path in self._written(pieces) for argument in ("-i", str(path))]
        outputs = [
            (kind, tuple(each for piece in several for each in ("-map", f"{pieces.index(piece)}:a")))
            for kind, several in wanted
        ]
        self._tracks.update(zip(wanted, self._run(inputs, outputs), strict=True))

    def seconds(self, data: bytes) -> float | None:
        """Length of the first audio track as `ffmpeg` decodes it; None where it cannot."""
        if data not in self._seconds:
            self.measure([data])
        return self._seconds[data]

    def measure(self, files: Iterable[bytes]) -> None:
        """Measure files, many in one process; those that it refuses, alone."""
        waiting = _some(dict.fromkeys(files))
        while waiting:
            some = waiting.pop()
            done, lengths = self._decoded(some)
            if done.returncode == 0 or len(some) == 1:
                self._seconds.update(zip(some, lengths, strict=True))
                continue
            refused = {int(number) for number in re.findall(rb"/input(\d+): ", done.stderr)}
            rest = [data for number, data in enumerate(some) if number not in refused]
            if refused and rest:
                waiting += [[some[number]] for number in refused] + [rest]
            else:
                waiting += [some[::2], some[1::2]]

    def _decoded(
        self, files: Sequence[bytes]
    ) -> tuple[subprocess.CompletedProcess[bytes], list[float | None]]:
        """Decode the first track of each file; how `ffmpeg` ended, and the seconds that it wrote of each."""
        inputs, outputs, targets = list[str](), list[str](), list[Path]()
        for number, path in enumerate(self._written(files)):
            targets.append(self._folder / f"samples{number}")
            targets[-1].write_bytes(b"")
            inputs += ["-i", str(path)]
            outputs += ["-map", f"{number}:a:0", "-ac", "1", "-ar", str(MEASURED_HZ), "-f", "s16le"]
            outputs.append(str(targets[-1]))
        command = ["ffmpeg", "-loglevel", "error", "-nostdin", "-y", *inputs, *outputs]
        done = subprocess.run(command, capture_output=True, check=False)
        return done, [target.stat().st_size / 2 / MEASURED_HZ or None for target in targets]

    def _written(self, files: Iterable[bytes]) -> list[Path]:
        paths = list[Path]()
        for number, data in enumerate(files):
            paths.append(self._folder / f"input{number}")
            paths[-1].write_bytes(data)
        return paths

    def _run(self, inputs: Sequence[str], outputs: Sequence[tuple[str, tuple[str, ...]]]) -> list[bytes]:
        paths, arguments = list[Path](), list[str]()
        for number, (kind, maps) in enumerate(outputs):
            paths.append(self._folder / f"out{number}.{kind}")
            arguments += [*maps, "-fflags", "+bitexact", *ENCODERS[kind], str(paths[-1])]
        command = ["ffmpeg", "-loglevel", "error", "-nostdin", "-y", *inputs, *arguments]
        subprocess.run(command, check=True, capture_output=True)
        return [path.read_bytes() for path in paths]


def _some(things: Iterable[T]) -> list[list[T]]:
    """Divide things into lists for one process each."""
    every = list(things)
    return [every[start : start + AT_ONCE] for start in range(0, len(every), AT_ONCE)]


def _layout(channels: int) -> str:
    return {1: "mono", 2: "stereo", 3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}[channels]
