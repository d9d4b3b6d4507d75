"""Two small sets with a known overlap, in several packings."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile as sf
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from earwitness.api.cli.app import app

ORIGINALS: Final = Path(__file__).parents[2] / "sample_audio" / "originals"
RATE_HZ: Final = 22_050
TRAINING: Final = ("bus.wav", "harbour.wav", "reel_part.wav")
TEST: Final = ("bus_part.wav", "reel.wav", "harbour.wav", "parade.wav")
LEAKS: Final = {("bus.wav", "bus_part.wav"), ("harbour.wav", "harbour.wav"), ("reel_part.wav", "reel.wav")}
"""Pairs of a training item and a test item that share sound: a part, the very file, and a whole."""


def earwitness(*arguments: object, home: Path) -> Result:
    """Run one command."""
    return CliRunner().invoke(app, ["--home", str(home), *map(str, arguments)])


def sound(name: str, start_s: float = 0.0, end_s: float = 24.0) -> bytes:
    """A stretch of one of the sample pieces as a wav file."""
    samples, rate_hz = sf.read(next(ORIGINALS.glob(f"{name}.*")), dtype="float32", always_2d=True)
    mono: NDArray[np.float32] = samples.mean(axis=1)[round(start_s * rate_hz) : round(end_s * rate_hz)]
    file = io.BytesIO()
    sf.write(file, mono, rate_hz, format="WAV", subtype="PCM_16")
    return file.getvalue()


def training() -> dict[str, bytes]:
    """The training set: two whole pieces and ten seconds of a third."""
    pieces = (sound("night_bus"), sound("slow_harbour"), sound("clockwork_reel", 5, 15))
    return dict(zip(TRAINING, pieces, strict=True))


def test_set() -> dict[str, bytes]:
    """The test set: a part of a training item, the whole of another, a copy of the third, and a new piece."""
    pieces = (sound("night_bus", 8, 18), sound("clockwork_reel"), sound("slow_harbour"), sound("tin_parade"))
    return dict(zip(TEST, pieces, strict=True))


test_set.__test__ = False  # type: ignore[attr-defined]


def folder_of(files: Mapping[str, bytes], path: Path) -> Path:
    """Write files into a folder."""
    for name, audio in files.items():
        place = path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(audio)
    return path


def tar_of(files: Mapping[str, bytes], path: Path) -> Path:
    """Write files into a tar."""
    with tarfile.open(path, "w") as archive:
        for name, audio in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(audio)
            archive.addfile(member, io.BytesIO(audio))
    return path


def parquet_of(files: Mapping[str, bytes], path: Path, **columns: list[str]) -> Path:
    """Write files as rows of a table, with further columns."""
    audio = [{"path": name, "bytes": audio} for name, audio in files.items()]
    pq.write_table(pa.table({"audio": audio, **columns}), path)
    return path
