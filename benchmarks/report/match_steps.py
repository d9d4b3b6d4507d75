"""Figures of docs/matching.md: the way of one query of sample_audio from its spectrogram to its E-value.

``python -m benchmarks match-steps`` draws them. The query is an excerpt of ``slow_harbour`` with a voice over
it; the library holds the five works. What is drawn comes from the functions that a search at ``fast`` calls.
"""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import exp
from pathlib import Path
from typing import Any, Final

import matplotlib

matplotlib.use("Agg")
import numpy as np
from librosa.display import specshow
from matplotlib import pyplot
from numpy.typing import NDArray
from PIL import Image

from benchmarks.report.summary import DOCS
from earwitness import open_home
from earwitness.api.pipeline.searched_collections import open_library, works_of
from earwitness.api.settings import Settings
from earwitness.fingerprint.decode import Decoder
from earwitness.fingerprint.types import Query
from earwitness.index.library import Library
from earwitness.index.match import Effort
from earwitness.index.matching.alignment import Alignment
from earwitness.index.matching.candidates import QueryVariant, embed_variant
from earwitness.index.matching.effort import EFFORT_PROFILES
from earwitness.index.matching.kernels.alignment_loops import QUERY_FRAMES_PER_CODE
from earwitness.index.matching.scoring import ScoredAlignment
from earwitness.index.matching.search import Search
from earwitness.index.matching.verdict import MATCH_E_VALUE
from earwitness.index.statistics.null_model import WINDOW_FRAMES, NullModel, fit_null, log_e_raw

SAMPLES: Final = Path(__file__).parents[2] / "sample_audio"
QUERY: Final = "shard-1/clip_05.m4a"
WORK: Final = "slow_harbour.mp3"

MAX_BYTES: Final = 100_000
"""Largest figure."""

WIDTH_INCHES: Final = 7.2
N_COLOURS: Final = 96
MARK: Final = "#c0392b"
OURS, OTHERS = "#1f4e79", "#b9c4d0"
RANGE_DB: Final = 60.0
VOTE_BIN_S: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """What a search at ``fast`` computes of the query, step by step.

    Attributes
    ----------
    offsets_s : float array, shape (n_hits,)
        Time in the recording at the start of the query that each hit votes for.
    votes : float array, shape (n_hits,)
        Log-odds of each hit, in nats.
    is_work : bool array, shape (n_hits,)
        Whether the hit is in the work that the query holds.
    codes : float array, shape (n_codes, dim)
        All codes of that work.
    """

    query: Query
    variant: QueryVariant
    offsets_s: NDArray[np.float64]
    votes: NDArray[np.float64]
    is_work: NDArray[np.bool_]
    codes: NDArray[np.float32]
    alignment: Alignment
    null: NullModel
    scale: float
    scored: ScoredAlignment
    hop_s: float
    centres_hz: NDArray[np.float64]


def main(argv: Sequence[str]) -> int:
    """Draw all figures into docs/."""
    if argv:
        raise SystemExit("match-steps takes no options")
    with opened_library() as library:
        steps = follow(library)
    for name, draw in FIGURES.items():
        figure = draw(steps)
        path = DOCS / f"{name}.png"
        save(figure, path)
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise SystemExit(f"{path.name} has {size:,} bytes, more than {MAX_BYTES:,}")
    return 0


def save(figure: Any, path: Path) -> None:
    """Write a figure as a PNG of few colours, and close it."""
    pixels = io.BytesIO()
    figure.savefig(pixels, dpi=110)
    pyplot.close(figure)
    few = Image.open(pixels).convert("RGB").quantize(N_COLOURS, dither=Image.Dither.NONE)
    few.save(path, "PNG", optimize=True)


@contextmanager
def opened_library() -> Iterator[Library]:
    """Register the works of sample_audio in a temporary home, and open it."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        with open_home(home, workers=1) as opened:
            opened.register(SAMPLES / "originals", effort="fast")
        with open_library(Settings(home=home)) as library:
            yield library


def follow(library: Library) -> Steps:
    """Take the query through the steps of a search."""
    params, background, calibration = library.extractor.params, library.background, library.calibration
    profile = EFFORT_PROFILES[Effort.FAST]
    works = works_of(library.collections)[0].id
    query = read_query(library.scheme)
    variant = embed_variant(query, profile.unchanged, library.extractor, background)
    hits = library.search(variant.frames[variant.active], k=profile.neighbours, collections=[works])
    frames = variant.active[hits.query_row]
    z = (hits.similarity - variant.mean[frames]) * variant.inverse_sd[frames]
    votes = np.maximum(calibration.step_scores(z), 0)
    offsets = hits.position.astype(np.int64) * QUERY_FRAMES_PER_CODE - frames
    (work,) = (item for item in library.listing(works) if item.path == WORK)
    assert work.recording is not None
    is_work = hits.recording == work.recording
    codes = library.codes(work.recording)
    search = Search(
        query=query, library=library, collections=[works], max_e_value=MATCH_E_VALUE,
        n_codes=library.n_codes([works]), profile=profile,
    )  # fmt: skip
    scored = search.search_variant(profile.unchanged)[0]
    alignment = scored.alignment
    assert alignment.recording == work.recording
    window = slice(0, WINDOW_FRAMES)
    null = fit_null(
        variant.frames[window], variant.mean[window], variant.inverse_sd[window],
        background=background, calibration=calibration,
    )  # fmt: skip
    space = search.scorer.space(variant)
    return Steps(
        query=query,
        variant=variant,
        offsets_s=(offsets * params.query_hop_s).astype(np.float64),
        votes=votes.astype(np.float64),
        is_work=is_work,
        codes=codes,
        alignment=alignment,
        null=null,
        scale=exp(log_e_raw(alignment.score, space, null) - null.log_expected(alignment.score)),
        scored=scored,
        hop_s=params.query_hop_s,
        centres_hz=params.low_hz * 2 ** (np.arange(params.n_bands) / params.bands_per_octave),
    )


def read_query(scheme: str) -> Query:
    """Decode the query from the sample zip."""
    from earwitness.fingerprint.extract import extractor  # loads the inference runtime

    with zipfile.ZipFile(SAMPLES / "scraped.zip") as archive, Decoder() as decoder:
        decoded = decoder.decode(archive.read(QUERY), name=QUERY)
    return extractor(scheme).query(decoded.waveform)


def draw_spectrogram(steps: Steps) -> Any:
    """Draw the log spectrogram of the query."""
    spectrogram = steps.query.spectrogram
    decibels = 10 * np.log10(np.maximum(spectrogram.power, 1e-12))
    figure, axes = pyplot.subplots(figsize=(WIDTH_INCHES, 2.9), layout="constrained")
    mesh = specshow(
        decibels.T, x_coords=np.arange(len(decibels)) * spectrogram.frame_s, y_coords=steps.centres_hz,
        x_axis="s", y_axis="cqt_hz", ax=axes, cmap="magma",
        vmin=decibels.max() - RANGE_DB, vmax=decibels.max(),
    )  # fmt: skip
    axes.set(xlabel="query, seconds", ylabel="Hz", title=f"1. Log spectrogram of {QUERY}")
    axes.set_yticks([125, 250, 500, 1_000, 2_000], ["125", "250", "500", "1,000", "2,000"])
    figure.colorbar(mesh, ax=axes, format="%+.0f dB")
    return figure


def draw_codes(steps: Steps) -> Any:
    """Draw the vectors of the query frames above the codes of the work where they align."""
    first, last = int(steps.alignment.codes[0]), int(steps.alignment.codes[-1]) + 1
    code_s = QUERY_FRAMES_PER_CODE * steps.hop_s
    vectors = ((steps.variant.frames, 0.0, steps.hop_s), (steps.codes[first:last], first * code_s, code_s))
    labels = (("query, seconds", "2. Query frames, eight a second"),
              (f"{WORK}, seconds", "Codes of the work, two a second"))  # fmt: skip
    figure, axes = pyplot.subplots(2, 1, figsize=(WIDTH_INCHES, 4.2), layout="constrained")
    for axis, (values, start_s, step_s), (label, title) in zip(axes, vectors, labels, strict=True):
        specshow(
            values.T, x_coords=start_s + np.arange(len(values)) * step_s, x_axis="s", ax=axis,
            cmap="RdBu_r", vmin=-0.35, vmax=0.35,
        )  # fmt: skip
        axis.set(xlabel=label, ylabel="dimension", title=title)
        axis.set_yticks([0, 32, 64])
    return figure


def draw_votes(steps: Steps) -> Any:
    """Draw the votes by offset: of the work that the query holds, and of all other works."""
    figure, axes = pyplot.subplots(figsize=(WIDTH_INCHES, 2.9), layout="constrained")
    edges = np.arange(steps.offsets_s.min(), steps.offsets_s.max() + 2 * VOTE_BIN_S, VOTE_BIN_S)
    groups = ((~steps.is_work, OTHERS, "the other four works"), (steps.is_work, OURS, WORK))
    for mask, colour, label in groups:
        axes.hist(
            steps.offsets_s[mask], bins=edges, weights=steps.votes[mask], color=colour, label=label, alpha=0.9
        )
    axes.set(
        xlabel="offset: time in the work at the start of the query, seconds",
        ylabel="votes, nats",
        title="3. Votes of the hits",
    )
    axes.legend()
    return figure


def draw_path(steps: Steps) -> Any:
    """Draw the similarity of every query frame and code, with the path of the alignment."""
    variant, alignment = steps.variant, steps.alignment
    z = (variant.frames @ steps.codes.T - variant.mean[:, None]) * variant.inverse_sd[:, None]
    code_s = QUERY_FRAMES_PER_CODE * steps.hop_s
    figure, axes = pyplot.subplots(figsize=(WIDTH_INCHES, 3.6), layout="constrained")
    mesh = specshow(
        z, x_coords=np.arange(len(steps.codes)) * code_s, y_coords=np.arange(len(z)) * steps.hop_s,
        x_axis="s", y_axis="s", ax=axes, cmap="Greys", vmin=0, vmax=7,
    )  # fmt: skip
    axes.plot(
        alignment.codes * code_s, alignment.query_frames * steps.hop_s, color=MARK, linewidth=1.6,
        label="path of the alignment",
    )  # fmt: skip
    axes.set(xlabel=f"{WORK}, seconds", ylabel="query, seconds", title="4. Alignment")
    axes.legend(loc="lower right")
    figure.colorbar(mesh, ax=axes, label="similarity, standard deviations of decoys")
    return figure


def draw_tail(steps: Steps) -> Any:
    """Draw how many decoys reach a score, the fitted tail, and the score of the alignment."""
    null, score = steps.null, steps.alignment.score
    clumps = null.clumps[null.clumps > 0]
    counts = np.arange(len(clumps), 0, -1)
    figure, axes = pyplot.subplots(figsize=(WIDTH_INCHES, 3.4), layout="constrained")
    axes.step(clumps, counts, where="pre", color=OURS, label="decoys, counted")
    tail = np.linspace(null.threshold, score, 50)
    axes.plot(tail, [exp(null.log_expected(each)) for each in tail], "--", color=OURS, label="tail, fitted")
    axes.plot(score, exp(null.log_expected(score)), "o", color=MARK, label="the alignment")
    axes.set(
        yscale="log",
        xlabel="score, nats",
        ylabel=f"decoys with at least this score\n({null.n_decoys:,} decoy codes aligned)",
        title="5. What chance gives",
    )
    axes.annotate(
        f"scaled to the searched works and query: x {steps.scale:.2g}\n"
        f"with spectral peaks, calibrated: E-value {steps.scored.e_value:.1e}\n"
        f"(a match: at most {MATCH_E_VALUE:g})",
        (score, exp(null.log_expected(score))),
        xytext=(0.97, 0.76),
        textcoords="axes fraction",
        horizontalalignment="right",
        arrowprops={"arrowstyle": "-", "color": MARK},
    )
    axes.legend(loc="lower left")
    return figure


FIGURES: Final = {
    "match-1-spectrogram": draw_spectrogram,
    "match-2-codes": draw_codes,
    "match-3-votes": draw_votes,
    "match-4-path": draw_path,
    "match-5-tail": draw_tail,
}
