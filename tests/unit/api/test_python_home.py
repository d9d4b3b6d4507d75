"""The Python interface answers as the commands do."""

from __future__ import annotations

import doctest
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

import earwitness
from earwitness.api.scan.outputs import CSV_COLUMNS
from earwitness.fingerprint.decode import Limits
from earwitness.fingerprint.decode.array_audio import BLOCK_FRAMES, decode_array
from earwitness.fingerprint.decode.worker import backends
from earwitness.fingerprint.errors import AudioTooLarge

ROOT = Path(__file__).parents[3]
TUNE = ROOT / "sample_audio" / "originals" / "tin_parade.mp3"
RATE_HZ = 22_050


def noise(*shape: int) -> np.ndarray:
    """Deterministic samples."""
    return np.random.default_rng(7).uniform(-0.5, 0.5, shape).astype(np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of one clip in stereo, to index."""
    folder = tmp_path_factory.mktemp("dataset")
    samples, rate_hz = soundfile.read(TUNE, dtype="int16", stop=10 * RATE_HZ)
    assert rate_hz == RATE_HZ
    soundfile.write(folder / "clip.wav", np.stack([samples, samples // 2], axis=1), rate_hz)
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Iterator[earwitness.Home]:
    """A home with that folder indexed."""
    with earwitness.open_home(tmp_path_factory.mktemp("home"), workers=1) as home:
        assert home.index(folder, "clips", effort="fast").n_added == 1
        yield home


def test_the_page_shows_what_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every example of docs/python.md prints what the page says."""
    shutil.copytree(ROOT / "sample_audio", tmp_path / "sample_audio")
    monkeypatch.chdir(tmp_path)
    results = doctest.testfile(str(ROOT / "docs" / "python.md"), module_relative=False, encoding="utf-8")
    assert results.attempted > 15
    assert results.failed == 0


def test_names_are_those_of_the_list() -> None:
    """Every public name can be had, and another name is an AttributeError."""
    for name in earwitness.__all__:
        assert getattr(earwitness, name) is not None
    assert set(earwitness.__all__) <= set(dir(earwitness))
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = earwitness.no_such_name


@pytest.mark.parametrize("dtype", ["int16", "int32", "float32", "float64"])
def test_a_file_and_its_samples_have_the_same_finding(
    home: earwitness.Home, folder: Path, dtype: str
) -> None:
    """Samples of every type give the finding of the file that they were read from, but for the sha256."""
    samples, rate_hz = soundfile.read(folder / "clip.wav", dtype=dtype)
    by_file = home.check(folder / "clip.wav", effort="fast")
    by_array = home.check(samples.T, rate_hz=rate_hz, name="clip.wav", effort="fast")
    assert by_file.verdict is earwitness.Verdict.MATCH
    assert by_array == replace(by_file, item=replace(by_file.item, sha256=None))


@pytest.mark.parametrize(
    ("samples", "rate_hz", "error"),
    [
        (noise(RATE_HZ), 0, ValueError),
        (noise(RATE_HZ), 999, ValueError),
        (noise(RATE_HZ), 22_050.5, ValueError),
        (noise(RATE_HZ), float("nan"), ValueError),
        (noise(RATE_HZ, 2), RATE_HZ, ValueError),
        (noise(2, 2, 2), RATE_HZ, ValueError),
        (noise(0), RATE_HZ, ValueError),
        (noise(2, 0), RATE_HZ, ValueError),
        (np.full(RATE_HZ, np.nan), RATE_HZ, ValueError),
        (np.full(RATE_HZ, np.inf, dtype=np.float32), RATE_HZ, ValueError),
        (np.zeros(RATE_HZ, dtype=np.uint8), RATE_HZ, TypeError),
        (np.zeros(RATE_HZ, dtype=np.int64), RATE_HZ, TypeError),
        (np.zeros(RATE_HZ, dtype=complex), RATE_HZ, TypeError),
        (np.array(["no", "sound"]), RATE_HZ, TypeError),
        (noise(RATE_HZ), None, TypeError),
        (TUNE, RATE_HZ, TypeError),
    ],
)
def test_what_is_no_audio_is_refused(
    home: earwitness.Home, samples: np.ndarray | Path, rate_hz: float | None, error: type[Exception]
) -> None:
    """An array of unclear meaning is an error, in a check and in a fingerprint, and never "no match"."""
    with pytest.raises(error):
        home.check(samples, rate_hz=rate_hz, effort="fast")
    with pytest.raises(error):
        earwitness.fingerprint_audio(samples, rate_hz=rate_hz)


@pytest.mark.parametrize("n_channels", [1, 2, 3])
def test_blocks_do_not_change_the_samples(n_channels: int) -> None:
    """Length and sound of a resampled array are those of one block, whatever its length."""
    assert BLOCK_FRAMES == backends.BLOCK_FRAMES
    for n_samples in (n_channels, BLOCK_FRAMES - 1, BLOCK_FRAMES, 2 * BLOCK_FRAMES + 5):
        samples = np.tile(noise(1, n_samples), (n_channels, 1))
        decoded = decode_array(samples, rate_hz=44_100, limits=Limits())
        alone = decode_array(samples[0], rate_hz=44_100, limits=Limits())
        assert decoded.source_channels == n_channels
        assert decoded.waveform.n_samples == pytest.approx(n_samples / 4, abs=1)
        np.testing.assert_allclose(decoded.waveform.samples, alone.waveform.samples, atol=1e-6)


def test_limits_hold_for_arrays(tmp_path: Path, home: earwitness.Home) -> None:
    """An array over the limit on seconds or channels has a finding that says so."""
    for limits in (Limits(max_seconds=0.5), Limits(max_channels=1)):
        with pytest.raises(AudioTooLarge):
            decode_array(noise(2, RATE_HZ), rate_hz=RATE_HZ, limits=limits)
    with earwitness.open_home(home.path, max_seconds=0.5) as strict:
        finding = strict.check(noise(RATE_HZ), rate_hz=RATE_HZ, effort="fast")
    assert finding.verdict is earwitness.Verdict.NOT_READABLE
    assert finding.error is not None
    assert finding.error.code == "too_large"


def test_a_check_says_what_it_cannot_search(tmp_path: Path, home: earwitness.Home, folder: Path) -> None:
    """An empty home, an empty list of datasets, an unknown dataset and a folder are errors."""
    with earwitness.open_home(tmp_path / "empty") as empty, pytest.raises(earwitness.EarwitnessError):
        empty.check(TUNE)
    with pytest.raises(ValueError, match="datasets is empty"):
        home.check(TUNE, datasets=[])
    with pytest.raises(earwitness.EarwitnessError, match="no collection called other"):
        home.check(TUNE, datasets="other")
    with pytest.raises(earwitness.EarwitnessError, match="does not exist"):
        home.check(tmp_path / "missing.wav")
    with pytest.raises(ValueError, match="read as folder"):
        home.check(folder)
    with pytest.raises(ValueError, match="no_such_effort"):
        home.check(TUNE, effort="no_such_effort")
    with pytest.raises(TypeError, match="wrokers"):
        earwitness.open_home(tmp_path, wrokers=2)
    with pytest.raises(ValueError, match="workers"):
        earwitness.open_home(tmp_path, workers=-1)


def test_a_home_sees_what_is_indexed_later(tmp_path: Path, home: earwitness.Home, folder: Path) -> None:
    """A check after another index call searches the new dataset too, in the same home object."""
    shutil.copytree(home.path, tmp_path / "home")
    samples = noise(2 * RATE_HZ)
    with earwitness.open_home(tmp_path / "home", workers=1) as copy:
        before = copy.check(samples, rate_hz=RATE_HZ, effort="fast")
        copy.index(folder, "later", effort="fast")
        after = copy.check(samples, rate_hz=RATE_HZ, effort="fast")
        only = copy.check(samples, rate_hz=RATE_HZ, effort="fast", datasets=["later:1"])
    names = [[each.name for each in finding.search.collections] for finding in (before, after, only)]
    assert names == [["clips"], ["clips", "later"], ["later"]]


def test_rows_have_the_columns_of_the_csv(home: earwitness.Home) -> None:
    """Every row has every column; an item without a match has one row."""
    match = home.check(TUNE, effort="fast")
    absent = home.check(noise(3 * RATE_HZ), rate_hz=RATE_HZ, effort="fast")
    rows = earwitness.rows([match, absent])
    assert all(tuple(row) == CSV_COLUMNS for row in rows)
    assert len(rows) == sum(len(each.segments) for each in match.matches) + 1
    assert earwitness.rows(absent) == rows[-1:]
    assert rows[0]["recording_path"] == match.to_dict()["matches"][0]["recording"]["path"]


def test_a_fingerprint_is_of_the_whole_file(tmp_path: Path) -> None:
    """A file that is cut off has no fingerprint; an array has that of its file."""
    whole = tmp_path / "whole.flac"
    soundfile.write(whole, noise(4 * RATE_HZ), RATE_HZ)
    cut_off = tmp_path / "cut_off.flac"
    cut_off.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    samples, _ = soundfile.read(whole)
    by_file = earwitness.fingerprint_audio(whole)
    by_array = earwitness.fingerprint_audio(samples, rate_hz=RATE_HZ)
    assert np.array_equal(by_file.codes, by_array.codes)
    assert np.array_equal(by_file.chromaprint, by_array.chromaprint)
    with pytest.raises(earwitness.EarwitnessError):
        earwitness.fingerprint_audio(cut_off)
