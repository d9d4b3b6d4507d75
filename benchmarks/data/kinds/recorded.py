"""Recorded sounds of the open corpus and of more Debian packages: music by package, voices, crowds, nature.

References and queries of a maker are cut from different files: they share players or a microphone, and no
recording.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import soxr

from benchmarks.data.corpus import Corpus
from benchmarks.data.fetch import fetch
from benchmarks.data.kinds.makers import PIECE_S, Maker, Play, Side, Sound, add_at, levelled

RATE_HZ: Final = 22_050
LONGEST_S: Final = 90.0
"""Seconds of a track that are taken, from its middle."""
LEAST_FILES: Final = 6
LEAST_TRACKS: Final = 4
"""Makers with fewer files are left out."""

VOICES: Final[Mapping[str, tuple[str, Side]]] = {
    "asterisk-core-sounds-en-wav": ("**/*.wav", "fit"),
    "asterisk-core-sounds-es-wav": ("**/*.wav", "fit"),
    "asterisk-core-sounds-ru-wav": ("**/*.wav", "fit"),
    "asterisk-prompt-it-menardi-wav": ("**/*.wav", "fit"),
    "asterisk-core-sounds-fr-wav": ("**/*.wav", "test"),
    "asterisk-core-sounds-it-wav": ("**/*.wav", "test"),
    "fillets-ng-data-nl": ("**/nl/*-m-*.ogg", "test"),
    "fillets-ng-data-nl ": ("**/nl/*-v-*.ogg", "test"),
    "fillets-ng-data-cs": ("**/cs/*-m-*.ogg", "test"),
    "fillets-ng-data-cs ": ("**/cs/*-v-*.ogg", "test"),
}
"""Package (with a blank for its second voice), pattern of its files, side."""

MORE_PACKAGES: Final = (
    "asterisk-core-sounds-fr-wav",
    "asterisk-core-sounds-it-wav",
    "asterisk-core-sounds-ru-wav",
    "fillets-ng-data-cs",
)
"""Packages beyond the open corpus."""

NOISES: Final[Mapping[str, tuple[str, ...]]] = {
    "birds_weather": ("birds_insects", "rain", "thunder", "wind", "water", "fire"),
    "babble_hum": ("crowd", "city", "machine", "traffic_engine", "drone"),
}
"""Categories of the noise list that belong to a kind."""

N_BABBLE: Final = 8
"""Voices that speak at once in a crowd."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """Folders of the open corpus, and of the packages that are fetched besides."""

    corpus: Path
    packages: Path

    def package(self, name: str) -> Path:
        """Return the folder of a package's audio."""
        return (self.packages if name in MORE_PACKAGES else self.corpus) / "raw" / name


def _load(path: Path, *, longest_s: float | None = None) -> Sound:
    """Return a file as mono samples at ``RATE_HZ``; of a longer one the middle."""
    with soundfile.SoundFile(path) as file:
        frames = file.frames if longest_s is None else min(file.frames, round(longest_s * file.samplerate))
        file.seek((file.frames - frames) // 2)
        samples = file.read(frames, dtype="float32", always_2d=True)
        rate_hz = file.samplerate
    return np.asarray(soxr.resample(samples.mean(axis=1), rate_hz, RATE_HZ, quality="HQ"), dtype=np.float32)


def _track(files: Sequence[Path], number: int, rng: np.random.Generator) -> Sound:  # noqa: ARG001
    return levelled(_load(files[number], longest_s=LONGEST_S))


def _of_part(files: Sequence[Path], number: int) -> list[Path]:
    """Return the files of references or of queries: every second of the files in random order."""
    order = np.random.default_rng(len(files)).permutation(len(files))
    return [files[place] for place in order[number % 2 :: 2]]


def _reel(files: Sequence[Path], number: int, rng: np.random.Generator) -> Sound:
    """Return short recordings of one maker one after another, in random order; none comes twice."""
    own = _of_part(files, number)
    joined: list[Sound] = []
    for place in rng.permutation(len(own)):
        joined += [
            _load(own[place]),
            np.zeros(round(float(rng.uniform(0.15, 0.5)) * RATE_HZ), dtype=np.float32),
        ]
        if sum(sound.size for sound in joined) >= PIECE_S * RATE_HZ:
            break
    return levelled(np.concatenate(joined)[: round(PIECE_S * RATE_HZ)])


def _babble(files: Sequence[Path], number: int, rng: np.random.Generator) -> Sound:
    """Return many voices at once, as in a crowd; queries hold other recordings than references."""
    own = _of_part(files, number)
    track = np.zeros(round(PIECE_S * RATE_HZ), dtype=np.float32)
    for _ in range(N_BABBLE):
        at_s = float(rng.uniform(-2, 0))
        while at_s < PIECE_S:
            sound = _load(own[int(rng.integers(len(own)))])
            if sound.size > RATE_HZ / 2 and sound.std() > 1e-4:
                add_at(
                    track, max(0, round(at_s * RATE_HZ)), sound / sound.std(), float(rng.uniform(0.4, 1.0))
                )
            at_s += sound.size / RATE_HZ + 0.05
    return levelled(track)


def music_makers(folders: Folders) -> list[Maker]:
    """Return every package of music: one piece is one track."""
    corpus = folders.corpus
    groups: dict[tuple[str, Side], list[Path]] = {}
    for track in Corpus.open(corpus).select(kind="music"):
        path = corpus / track.path
        if path.suffix in (".ogg", ".mp3", ".wav", ".flac", ".oga") and path.is_file():
            groups.setdefault((track.package, "test" if track.role == "test" else "fit"), []).append(path)
    return [
        _maker("package_music", package, side, partial(_track, tuple(files)), limit=len(files))
        for (package, side), files in groups.items()
        if len(files) >= LEAST_TRACKS
    ]


def voice_makers(folders: Folders) -> list[Maker]:
    """Return every human voice that is here."""
    return [
        _maker("human_voice", _voice(package), side, partial(_reel, files), limit=None)
        for package, (_, side) in VOICES.items()
        if len(files := _voice_files(folders, package)) >= LEAST_FILES
    ]


def noise_makers(kind: str, folders: Folders) -> list[Maker]:
    """Return the recorded makers of a kind of noise: a package's files of one category, and crowds."""
    corpus = folders.corpus
    opened = Corpus.open(corpus)
    groups: dict[tuple[str, Side], list[Path]] = {}
    for noise in opened.noises:
        if noise.kind in NOISES[kind] and (corpus / noise.path).is_file():
            name = f"{noise.package}-{noise.kind}"
            groups.setdefault((name, "test" if noise.role == "test" else "fit"), []).append(
                corpus / noise.path
            )
    recorded = [
        _maker(kind, name, side, partial(_reel, tuple(files)), limit=2)
        for (name, side), files in groups.items()
        if len(files) >= LEAST_TRACKS
    ]
    crowds = [
        _maker(kind, f"babble-{_voice(package)}", side, partial(_babble, files), limit=None)
        for package, (_, side) in VOICES.items()
        if kind == "babble_hum" and len(files := _voice_files(folders, package)) >= LEAST_FILES
    ]
    return recorded + crowds


def _maker(kind: str, name: str, side: Side, play: Play, *, limit: int | None) -> Maker:
    return Maker(
        kind=kind,
        name=name,
        side=side,
        rate_hz=RATE_HZ,
        play=play,
        limit=limit,
        licence="see the package, and benchmarks/lists",
        package=name,
    )


def _voice(package: str) -> str:
    return package.strip() + ("-second" if package.endswith(" ") else "")


@cache
def _voice_files(folders: Folders, package: str) -> tuple[Path, ...]:
    """Return the recordings of a voice that are long enough, each content once."""
    seen: dict[str, Path] = {}
    for path in sorted(folders.package(package.strip()).glob(VOICES[package][0])):
        if soundfile.info(path).duration >= 1.0 and "silence" not in path.parts:
            seen.setdefault(hashlib.sha256(path.read_bytes()).hexdigest(), path)
    return tuple(seen.values())


def fetch_more(folders: Folders) -> None:
    """Fetch the packages beyond the open corpus."""
    fetch(folders.packages, MORE_PACKAGES)
