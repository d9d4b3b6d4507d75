"""The figure of a match: the item's stretch above the work's, so that equal sounds stand below each other.

`librosa.display` draws it. It takes seconds to load, with matplotlib: import this module only to draw.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from librosa.display import TimeFormatter, specshow
from matplotlib import colormaps, style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MultipleLocator, ScalarFormatter
from numpy.typing import NDArray
from PIL import Image

from earwitness.api.answers.alignment_drawing import tick_step_s
from earwitness.api.evidence.thumbnail import N_BANDS, band_edges_hz
from earwitness.fingerprint.params import Params
from earwitness.index.database.records import Thumbnail

WIDTH_INCHES, HEIGHT_INCHES, DPI = 4.6, 3.7, 160
"""736 pixels wide: sharp on a telephone, on which the letters are large enough to read."""
MAX_COLUMNS: Final = 320
"""Columns of a panel; of longer stretches, several frames are averaged."""
SHOWN_DB: Final = 60.0
"""Range of the colours, below the loudest cell of the stretch."""
SHADE_DB: Final = 3.0
"""Decibels of one colour."""
COLOURS: Final = "magma"
N_COLOURS: Final = 32
"""Colours of the PNG: one of each shade, and greys of letters and lines."""
PEAK_SIZE: Final = 11.0
"""Area of the point of a peak, in square points."""
PEAK_COLOUR: Final = "#7fe3ff"
TICKS_HZ: Final = (125, 250, 500, 1_000, 2_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One stretch of audio: its name in the figure, the thumbnail it is cut from, and its ends in seconds.

    Attributes
    ----------
    thumbnail : Thumbnail or None
        None where only peaks are known.
    first_s : float
        Where the thumbnail begins in the recording.
    peaks : float32 array, shape (n_peaks, 2)
        Second and frequency in Hz of spectral peaks, which are drawn as points.
    """

    name: str
    thumbnail: Thumbnail | None
    start_s: float
    end_s: float
    first_s: float = 0.0
    peaks: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 2), np.float32))


def figure_url(item: Panel, work: Panel, params: Params) -> str:
    """Draw two stretches, and return a URL that contains the PNG itself."""
    return "data:image/png;base64," + base64.b64encode(draw_pair(item, work, params)).decode()


def draw_pair(item: Panel, work: Panel, params: Params, *, time_label: str = "time (min:s)") -> bytes:
    """Draw two stretches as a PNG, one above the other, each over the whole width.

    The same panels give the same bytes, whatever matplotlib's settings on this machine are.

    Parameters
    ----------
    params : Params
        The parameters of the scheme whose spectrograms the thumbnails are made from.
    """
    with style.context("default"):
        canvas = FigureCanvasAgg(figure_of(item, work, params, time_label=time_label))
        canvas.draw()
    return _png(canvas.buffer_rgba())


def figure_of(item: Panel, work: Panel, params: Params, *, time_label: str = "time (min:s)") -> Figure:
    """Return the figure of two stretches, which is not rendered yet."""
    figure = Figure(figsize=(WIDTH_INCHES, HEIGHT_INCHES), dpi=DPI, layout="constrained")
    above, below = figure.subplots(2, 1)
    _draw(above, item, params)
    _draw(below, work, params)
    below.set_xlabel(time_label)
    return figure


def _png(pixels: memoryview) -> bytes:
    """Write pixels, red, green, blue and opacity, as a PNG of few colours and without metadata."""
    few = Image.fromarray(np.asarray(pixels)[:, :, :3].copy()).quantize(N_COLOURS, dither=Image.Dither.NONE)
    file = io.BytesIO()
    few.save(file, "PNG", optimize=True)
    return file.getvalue()


def shades(panel: Panel) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the levels of a stretch and the edges of their columns.

    Returns
    -------
    decibels : float array, shape (n_bands, n_columns)
        Relative to the loudest cell of the stretch, in steps of `SHADE_DB`.
    edges_s : float array, shape (n_columns + 1,)
        Seconds from the start of the file.
    """
    thumbnail = panel.thumbnail
    if thumbnail is None:
        return np.zeros((N_BANDS, 0)), np.zeros(1)
    n_frames = len(thumbnail.levels)
    start_s, end_s = panel.start_s - panel.first_s, panel.end_s - panel.first_s
    first = min(max(int(start_s / thumbnail.frame_s), 0), max(n_frames - 1, 0))
    last = min(max(first + 1, int(np.ceil(end_s / thumbnail.frame_s))), n_frames)
    if first >= last:
        return np.zeros((thumbnail.levels.shape[1], 0)), np.zeros(1)
    edges = np.unique(np.linspace(first, last, min(last - first, MAX_COLUMNS) + 1).astype(int))
    levels = thumbnail.levels[first:last].astype(float)
    columns = np.add.reduceat(levels, edges[:-1] - first, axis=0) / np.diff(edges)[:, None]
    decibels = (columns - columns.max()) * thumbnail.step_db
    return np.rint(decibels.T / SHADE_DB) * SHADE_DB, panel.first_s + edges * thumbnail.frame_s


def _draw(axes: Any, panel: Panel, params: Params) -> None:
    edges_hz = band_edges_hz(N_BANDS if panel.thumbnail is None else panel.thumbnail.levels.shape[1], params)
    if panel.thumbnail is None:
        axes.set_facecolor(colormaps[COLOURS](0.0))
        axes.set_yscale("log", base=2)
        axes.xaxis.set_major_formatter(TimeFormatter(unit="m"))
        axes.yaxis.set_major_formatter(ScalarFormatter())
    else:
        _draw_levels(axes, panel, edges_hz)
    if len(panel.peaks):
        seconds, hz = panel.peaks.T
        axes.scatter(seconds, hz, s=PEAK_SIZE, color=PEAK_COLOUR, edgecolors="black", linewidths=0.5)
    axes.set_xlim(panel.start_s, panel.end_s)
    axes.set_ylim(edges_hz[0], edges_hz[-1])
    axes.xaxis.set_major_locator(MultipleLocator(tick_step_s(panel.end_s - panel.start_s)))
    axes.yaxis.set_major_locator(FixedLocator(TICKS_HZ))
    axes.yaxis.set_minor_locator(FixedLocator(()))
    axes.set(xlabel="", ylabel="Hz")
    axes.set_title(panel.name, loc="left", fontsize=10, fontweight="bold")


def _draw_levels(axes: Any, panel: Panel, edges_hz: NDArray[np.float64]) -> None:
    decibels, edges_s = shades(panel)
    specshow(
        decibels,
        x_coords=edges_s,
        y_coords=edges_hz,
        x_axis="m",
        y_axis="cqt_hz",
        cmap=COLOURS,
        vmin=-SHOWN_DB,
        vmax=0.0,
        ax=axes,
    )
