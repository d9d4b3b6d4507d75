"""The figure of a match: what its axes say, and what its file is like."""

from __future__ import annotations

import io

import librosa
import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from earwitness.api.answers.alignment_drawing import MAX_TICKS, tick_step_s
from earwitness.api.evidence.spectrogram_figure import (
    DPI,
    HEIGHT_INCHES,
    MAX_COLUMNS,
    WIDTH_INCHES,
    Panel,
    draw_pair,
    figure_of,
    shades,
)
from earwitness.api.evidence.thumbnail import band_edges_hz, thumbnail
from earwitness.fingerprint.params import PARAMS
from earwitness.fingerprint.spectrogram import band_filters, spectrogram
from earwitness.fingerprint.types import RATE_HZ, Waveform
from earwitness.index.database.records import Thumbnail

MOST_BYTES = 60_000


def noise(n_frames: int) -> Thumbnail:
    """Levels without any order: nothing makes a larger PNG."""
    levels = np.random.default_rng(3).integers(0, 256, (n_frames, 64), dtype=np.uint8)
    return Thumbnail(levels=levels, frame_s=0.16, lowest_db=-72.0, step_db=72 / 255)


def panel(small: Thumbnail, start_s: float, end_s: float) -> Panel:
    """A panel of a stretch."""
    return Panel(name="item", thumbnail=small, start_s=start_s, end_s=end_s)


@pytest.mark.parametrize("hz", [100, 440, 1_000, 3_500])
def test_a_tone_is_drawn_at_its_frequency(hz: float) -> None:
    """The brightest band of a tone holds its frequency, between edges that rise over the whole axis."""
    samples = np.sin(2 * np.pi * hz * np.arange(3 * RATE_HZ) / RATE_HZ).astype(np.float32)
    small = thumbnail(spectrogram(Waveform(samples=samples)))
    edges = band_edges_hz(small.levels.shape[1], PARAMS)
    brightest = int(small.levels[5].argmax())
    assert edges[brightest] <= hz <= edges[brightest + 1]
    assert edges[0] < PARAMS.low_hz < edges[1]
    assert np.allclose(np.diff(np.log2(edges)), 2 / PARAMS.bands_per_octave)


@pytest.mark.parametrize(
    ("start_s", "end_s"), [(0.0, 16.0), (3.3, 3.4), (0.5, 0.5), (15.9, 99.0), (200.0, 300.0)]
)
def test_the_shades_cover_the_stretch(start_s: float, end_s: float) -> None:
    """Columns reach from the start of a stretch to its end or that of the audio, at least one of them."""
    decibels, edges_s = shades(panel(noise(100), start_s, end_s))
    assert decibels.shape == (64, len(edges_s) - 1)
    assert decibels.shape[1] >= 1
    assert decibels.max() == 0.0
    assert edges_s[0] <= start_s
    assert edges_s[-1] >= min(end_s, 16.0) - 1e-9


def test_a_long_stretch_keeps_its_times() -> None:
    """Where frames are averaged, a loud part is still drawn at its time."""
    quiet = Thumbnail(levels=np.zeros((36_000, 64), np.uint8), frame_s=0.1, lowest_db=-72.0, step_db=0.3)
    quiet.levels[20_000:20_300] = 255
    decibels, edges_s = shades(panel(quiet, 100.0, 3_500.0))
    assert decibels.shape[1] == MAX_COLUMNS
    loud = np.flatnonzero(decibels.max(axis=0) > -30.0)
    assert edges_s[loud[0]] == pytest.approx(2_000.0, abs=11.0)
    assert edges_s[loud[-1] + 1] == pytest.approx(2_030.0, abs=11.0)


def test_the_stretches_are_aligned() -> None:
    """Both panels take the same width, each from the start of its stretch to the end, however long it is."""
    figure = figure_of(panel(noise(300), 1.5, 21.5), panel(noise(900), 100.25, 119.0), PARAMS)
    FigureCanvasAgg(figure).draw()
    above, below = figure.axes
    assert above.get_xlim() == (1.5, 21.5)
    assert below.get_xlim() == (100.25, 119.0)
    assert above.get_position().intervalx == pytest.approx(below.get_position().intervalx)


def test_the_axes_are_labelled() -> None:
    """Time is written as minutes and seconds, frequency in Hz on an axis where octaves are equally long."""
    figure = figure_of(panel(noise(900), 55.0, 78.0), panel(noise(900), 55.0, 78.0), PARAMS)
    FigureCanvasAgg(figure).draw()
    axes = figure.axes[1]
    shown = [label.get_text() for label in axes.get_xticklabels() if 55.0 <= label.get_position()[0] <= 78.0]
    assert shown == ["0:55", "1:00", "1:05", "1:10", "1:15"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["125", "250", "500", "1000", "2000"]
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_yscale()) == ("time (min:s)", "Hz", "log")


@pytest.mark.parametrize("length_s", [1.2, 8.0, 20.0, 95.0, 600.0, 5_000.0, 20_000.0])
def test_a_time_axis_has_few_ticks(length_s: float) -> None:
    """A stretch of any length has between one and seven times on its axis."""
    assert 1 <= length_s / tick_step_s(length_s) <= MAX_TICKS


def test_a_figure_is_a_small_file_and_always_the_same() -> None:
    """The worst sound gives less than 60 kB, without metadata and whatever a user's matplotlib is set to."""
    worst = panel(noise(MAX_COLUMNS), 0.0, MAX_COLUMNS * 0.16)
    png = draw_pair(worst, worst, PARAMS)
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "savefig.dpi": 10}):
        assert draw_pair(worst, worst, PARAMS) == png
        assert matplotlib.rcParams["font.size"] == 30
    assert len(png) < MOST_BYTES
    image = Image.open(io.BytesIO(png))
    assert image.size == (round(WIDTH_INCHES * DPI), round(HEIGHT_INCHES * DPI))
    assert image.info.keys() <= {"dpi"}


def test_what_is_drawn_agrees_with_librosa() -> None:
    """Every band of every frame is librosa's power under the same filters, to one part in 2,000."""
    samples = (0.1 * np.random.default_rng(0).standard_normal(3 * RATE_HZ)).astype(np.float32)
    power = np.abs(
        librosa.stft(
            samples.astype(np.float64),
            n_fft=PARAMS.n_fft,
            hop_length=PARAMS.hop_samples,
            window="hann",
            center=True,
            pad_mode="constant",
        )
    )
    expected = (band_filters().dense(PARAMS.n_fft // 2 + 1) @ power**2).T
    np.testing.assert_allclose(spectrogram(Waveform(samples=samples)).power, expected, rtol=5e-4)


def test_peaks_alone_are_drawn_on_the_axes_of_a_spectrogram() -> None:
    """A panel of which only peaks are known has the axes of the other, and each peak as a point."""
    peaks = np.array([[2.0, 440.0], [3.5, 1_000.0]], np.float32)
    above = Panel(name="yours", thumbnail=noise(60), start_s=1.0, end_s=5.0, peaks=peaks)
    below = Panel(name="theirs", thumbnail=None, start_s=1.0, end_s=5.0, peaks=peaks)
    figure = figure_of(above, below, PARAMS, time_label="Zeit")
    FigureCanvasAgg(figure).draw()
    one, other = figure.axes
    for what in ("get_xlim", "get_ylim", "get_xticks", "get_yticks"):
        assert np.allclose(getattr(one, what)(), getattr(other, what)()), what
    texts = [[tick.get_text() for tick in axis.get_ticklabels()] for axis in (one.yaxis, other.yaxis)]
    assert texts[0] == texts[1] and len(texts[0]) == len(set(texts[0])) == 5
    times = [[tick.get_text() for tick in axis.get_ticklabels()] for axis in (one.xaxis, other.xaxis)]
    assert times[0] == times[1] and "0:02" in times[0]
    (points,) = other.collections
    assert np.allclose(points.get_offsets(), peaks)
    assert other.get_xlabel() == "Zeit"


def test_a_cut_thumbnail_is_drawn_at_its_place() -> None:
    """A stretch that was cut out of a thumbnail has the shades and times of the whole."""
    whole = noise(200)
    cut = Thumbnail(levels=whole.levels[50:80], frame_s=0.16, lowest_db=-72.0, step_db=72 / 255)
    one = shades(Panel(name="a", thumbnail=whole, start_s=8.1, end_s=12.7))
    other = shades(Panel(name="a", thumbnail=cut, start_s=8.1, end_s=12.7, first_s=50 * 0.16))
    assert np.array_equal(one[0], other[0])
    assert np.allclose(one[1], other[1])
