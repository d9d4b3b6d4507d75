"""Spoken prompts of one source joined into reels of about a minute, as the lists name them."""

from __future__ import annotations

import random
import re
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
from numpy.typing import NDArray

REEL_S: Final = 60.0
SOURCE_S: Final = 20 * 60.0
BLOCK: Final = 65_536
"""libsndfile overflows its stack on long Vorbis writes."""

PROMPTS: Final = (
    "asterisk-core-sounds-en-wav",
    "asterisk-core-sounds-es-wav",
    "asterisk-prompt-it-menardi-wav",
)


def make_reels(root: Path) -> None:
    """Write FOLDER/derived/speech_reels/SOURCE_NNN.ogg; the same files each time with the same encoder."""
    folder = root / "derived" / "speech_reels"
    folder.mkdir(parents=True, exist_ok=True)
    for source, files in _sources(root):
        _join(source, files, folder)


def _sources(root: Path) -> Iterator[tuple[str, list[Path]]]:
    for package in PROMPTS:
        yield package, _sorted((root / "raw" / package).rglob("*.wav"))
    dutch = _sorted((root / "raw" / "fillets-ng-data-nl").rglob("nl/*.ogg"))
    for voice in "mv":
        yield f"fillets_nl_{voice}", [path for path in dutch if f"-{voice}-" in path.name]
    spoken = _unpack_queen(root)
    yield "fotaq_joe", [path for path in spoken if re.match(r"JOE|\d{6}J", path.name)]
    yield "fotaq_others", [path for path in spoken if re.match(r"C\d\d|\d{6}[^J]", path.name)]


def _sorted(paths: Iterator[Path]) -> list[Path]:
    return sorted(paths, key=str)


def _unpack_queen(root: Path) -> list[Path]:
    """The spoken lines in queen.1c: a table at its start has name, offset and size of each MP3."""
    folder = root / "derived" / "flight-of-the-amazon-queen" / "utt"
    folder.mkdir(parents=True, exist_ok=True)
    for archive in (root / "raw" / "flight-of-the-amazon-queen").rglob("queen.1c"):
        data = archive.read_bytes()
        (count,) = struct.unpack(">H", data[13:15])
        for at in range(15, 15 + 21 * count, 21):
            name = data[at : at + 12].split(b"\0")[0].decode("latin1")
            start, size = struct.unpack(">II", data[at + 13 : at + 21])
            if name.endswith(".SB") and size > 1500:
                (folder / f"{name[:-3]}.mp3").write_bytes(data[start : start + size])
    return _sorted(folder.glob("*.mp3"))


def _join(source: str, files: Sequence[Path], folder: Path) -> None:
    order = random.Random(source)
    shuffled = list(files)
    order.shuffle(shuffled)
    parts: list[NDArray[np.float32]] = []
    rate_hz, written_s, reels = 0, 0.0, 0
    for file in shuffled:
        if written_s >= SOURCE_S:
            return
        line, file_rate_hz = _line(file)
        rate_hz = rate_hz or file_rate_hz
        if file_rate_hz != rate_hz or len(line) < 0.6 * rate_hz or np.abs(line).max() < 0.01:
            continue
        parts += [_level(line), np.zeros(int(rate_hz * order.uniform(0.15, 0.6)), np.float32)]
        length_s = sum(len(part) for part in parts) / rate_hz
        if length_s >= REEL_S:
            _write(folder / f"{source}_{reels:03d}.ogg", np.concatenate(parts), rate_hz)
            written_s, reels, parts = written_s + length_s, reels + 1, []


def _line(file: Path) -> tuple[NDArray[np.float32], int]:
    try:
        samples, rate_hz = soundfile.read(file, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError:
        return np.zeros(0, np.float32), 0  # not every member of queen.1c is an MP3: it is left out
    return samples.mean(axis=1), rate_hz


def _level(line: NDArray[np.float32]) -> NDArray[np.float32]:
    loud, peak = float(np.sqrt(np.mean(np.square(line)))), float(np.abs(line).max())
    return np.asarray(np.clip(line * (0.5 / max(6 * loud, 0.55 * peak, 1e-4)), -1, 1), dtype=np.float32)


def _write(path: Path, samples: NDArray[np.float32], rate_hz: int) -> None:
    with soundfile.SoundFile(path, "w", rate_hz, 1, format="OGG", subtype="VORBIS") as out:
        for at in range(0, len(samples), BLOCK):
            out.write(samples[at : at + BLOCK])
