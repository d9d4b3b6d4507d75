"""``cue``: the plays of a made programme are found, placed and counted."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Final

import numpy as np
import pytest
import soundfile as sf
import soxr
from numpy.typing import NDArray

from tests.cli.planted import ORIGINALS, RATE_HZ, earwitness, sound

FAST = ("--effort", "fast")
PLAYS: Final = (
    ("night_bus", 6.0, 0.0, 24.0),
    ("tin_parade", 48.0, 2.0, 20.0),  # across the edge of a part
    ("night_bus", 90.0, 4.0, 22.0),  # again
)
"""What is played, when, and from when to when of the piece, in seconds."""


def piece(name: str, start_s: float = 0.0, end_s: float = 24.0) -> NDArray[np.float32]:
    """A stretch of a sample piece at one rate."""
    samples, rate_hz = sf.read(io.BytesIO(sound(name, start_s, end_s)), dtype="float32")
    resampled: NDArray[np.float32] = soxr.resample(samples, rate_hz, RATE_HZ)
    return resampled


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two works registered."""
    home = tmp_path_factory.mktemp("home")
    works = [next(ORIGINALS.glob(f"{name}.*")) for name in ("night_bus", "tin_parade")]
    assert earwitness("register", *works, *FAST, home=home).exit_code == 0
    return home


@pytest.fixture(scope="module")
def show(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two minutes with three plays, an unknown piece between them and under the end of the first."""
    programme = np.zeros(120 * RATE_HZ, np.float32)
    for name, at_s, start_s, end_s in PLAYS:
        sounds = piece(name, start_s, end_s)
        programme[round(at_s * RATE_HZ) :][: len(sounds)] += 0.6 * sounds
    unknown = piece("paper_lanterns")
    programme[22 * RATE_HZ :][: len(unknown)] += 0.3 * unknown
    path = tmp_path_factory.mktemp("show") / "show.flac"
    sf.write(path, programme, RATE_HZ)
    return path


def test_plays_are_found_where_they_are(
    home: Path, show: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each play is one row, placed within a second, also where the recording is searched in parts."""
    monkeypatch.setattr("earwitness.api.cue.find_plays.PIECE_S", 60.0)
    out = tmp_path / "plays.csv"
    done = earwitness("cue", show, "--out", out, "--json", *FAST, home=home)
    found = json.loads(done.stdout)
    assert done.exit_code == 1
    assert [each["path"].partition(".")[0] for each in found["plays"]] == [name for name, *_ in PLAYS]
    for play, (_, at_s, start_s, end_s) in zip(found["plays"], PLAYS, strict=True):
        assert play["verdict"] == "match"
        assert (play["start_s"], play["from_s"]) == (
            pytest.approx(at_s, abs=1),
            pytest.approx(start_s, abs=1),
        )
        assert play["end_s"] == pytest.approx(at_s + end_s - start_s, abs=1)
    assert out.read_text().count(",match,") == 3
    assert "3 plays of 2 recordings" in done.stderr


def test_a_recording_without_a_play_ends_with_0(home: Path, tmp_path: Path) -> None:
    """Other music holds no play; a file that is unreadable or too short ends with 3, and a folder with 2."""
    other = tmp_path / "other.wav"
    other.write_bytes(sound("slow_harbour"))
    done = earwitness("cue", other, *FAST, home=home)
    assert done.exit_code == 0 and "no sure play" in done.stderr and "unknown" in done.stdout
    broken = tmp_path / "broken.mp3"
    broken.write_text("no audio")
    done = earwitness("cue", broken, *FAST, home=home)
    assert done.exit_code == 3 and "What to do" in done.stderr
    short = tmp_path / "short.wav"
    sf.write(short, piece("tin_parade", 4.0, 5.0), RATE_HZ)
    done = earwitness("cue", short, *FAST, home=home)
    assert done.exit_code == 3 and "What to do" in done.stderr
    assert earwitness("cue", tmp_path, *FAST, home=home).exit_code == 2
