"""``replicas``: outputs that were forced to hold a part of a training recording are counted by length."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import pytest
import soundfile as sf
import soxr
from numpy.typing import NDArray

from tests.cli.planted import RATE_HZ, earwitness, folder_of, parquet_of, sound, tar_of, training

FAST = ("--effort", "fast")
HELD_S: Final = (0.0, 6.0, 12.0, 20.0)
"""Seconds of a training piece in each output, under another piece half as loud."""


def piece(name: str, start_s: float = 0.0, end_s: float = 24.0) -> NDArray[np.float32]:
    """A stretch of a sample piece at one rate."""
    samples, rate_hz = sf.read(io.BytesIO(sound(name, start_s, end_s)), dtype="float32")
    resampled: NDArray[np.float32] = soxr.resample(samples, rate_hz, RATE_HZ)
    return resampled


def outputs() -> dict[str, bytes]:
    """A generator's outputs, and one that cannot be read."""
    made = dict[str, bytes]()
    for held_s in HELD_S:
        output = 0.3 * piece("tin_parade")
        if held_s:
            held = piece("night_bus", 2.0, 2.0 + held_s)
            output[RATE_HZ:][: len(held)] += 0.6 * held
        file = io.BytesIO()
        sf.write(file, output, RATE_HZ, format="WAV")
        made[f"{held_s:g}.wav"] = file.getvalue()
    return made


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the training set indexed."""
    made = tmp_path_factory.mktemp("sets")
    source = folder_of(training(), made / "training")
    assert earwitness("index", source, "--name", "training", *FAST, home=made / "home").exit_code == 0
    return made / "home"


@pytest.mark.parametrize("pack", [folder_of, tar_of, parquet_of])
def test_outputs_are_counted_by_the_seconds_they_hold(
    pack: Callable[..., Path], home: Path, tmp_path: Path
) -> None:
    """Each length counts the outputs that were made to hold as much, in every packing."""
    out = tmp_path / "pairs.csv"
    source = pack(outputs(), tmp_path / "outputs")
    options = ("--seconds", "4,9,16", "--out", out, "--format", "csv", "--json")
    done = earwitness("replicas", source, "--in", "training", *options, *FAST, home=home)
    answer = json.loads(done.stdout)
    assert (done.exit_code, answer["compared"]) == (1, 4)
    assert [(each["seconds"], each["part"]) for each in answer["shares"]] == [(4, 3), (9, 2), (16, 1)]
    pairs = list(csv.DictReader(out.open()))
    assert [row["item_b"] for row in pairs] == ["bus.wav"] * 3
    lengths = [float(row["end_a_s"]) - float(row["start_a_s"]) for row in pairs]
    assert lengths == sorted(lengths, reverse=True)
    assert "Of clean copies of" in done.stderr


def test_outputs_without_training_sound_end_with_0(home: Path, tmp_path: Path) -> None:
    """Nothing held is 0; lengths that are none, and a training set that is not here, are errors."""
    source = folder_of({"a.wav": sound("tin_parade")}, tmp_path / "outputs")
    done = earwitness("replicas", source, "--in", "training", *FAST, home=home)
    assert done.exit_code == 0 and "at least" in done.stdout
    for wrong in (("--in", "nowhere"), ("--in", "training", "--seconds", "3,x"), ()):
        assert earwitness("replicas", source, *wrong, *FAST, home=home).exit_code == 2
