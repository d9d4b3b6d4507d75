"""Fine query rows -> hits of the index -> votes -> candidates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.dereverberate import dereverberate
from earwitness.fingerprint.params import Params
from earwitness.fingerprint.types import Query, Spectrogram
from earwitness.fingerprint.warp import warp
from earwitness.index.match import Candidate, Hits
from earwitness.index.matching.effort import MAX_N_PROBE, UNCHANGED, EffortProfile, Variant
from earwitness.index.matching.kernels.alignment_loops import ROWS_PER_CODE, tally_votes
from earwitness.index.protocols import Embedder
from earwitness.index.statistics.background import Background
from earwitness.index.statistics.calibration import Calibration

FULL_DEPTH_FRAMES: Final = 40
"""Query frames (5 s). Shorter queries search more lists for each frame, in about the same time."""


def lists_searched(profile: EffortProfile, n_frames: int) -> int:
    """Lists of a partitioned shard that are searched for each of so many query frames."""
    return min(max(profile.n_probe * FULL_DEPTH_FRAMES // max(n_frames, 1), profile.n_probe), MAX_N_PROBE)


STRONG_VOTES: Final = 40.0
"""Votes, in units of log-odds, that make a candidate strong."""

QUIET: Final = 1e-6
"""Power, against the query's loudest frame, below which a frame is silent: 60 dB."""

EVEN_PHASES: Final = (0, 2)
ODD_PHASES: Final = (1, 3)
"""Passes of the net that give every other fine row."""

_RECORDING_STRIDE: Final = 1 << 24
_OFFSET_ZERO: Final = 1 << 23
_VOTE_REACH_ROWS: Final = 1
_BUCKET_ROWS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryVariant:
    """One query with one change undone, embedded.

    Attributes
    ----------
    rows : float32 array, shape (n_rows, dim)
        Unit vectors; row ``k`` is centred ``k * row_s`` seconds after the start of the warped copy.
    mean, inverse_sd : float32 arrays, shape (n_rows,)
        Of each row's similarity to decoys; ``inverse_sd`` is 0 where the query is silent, so that silence
        says nothing.
    """

    variant: Variant
    rows: NDArray[np.float32]
    mean: NDArray[np.float32]
    inverse_sd: NDArray[np.float32]
    row_s: float
    prefiltered: bool = False
    """Whether every other row is but the mean of its neighbours."""
    start_s: float = 0.0
    """Where the copied part of the query begins, in seconds from the query's start."""

    @property
    def heard(self) -> NDArray[np.intp]:
        """Numbers of the rows that are not silent."""
        return np.flatnonzero(self.inverse_sd)

    def query_s(self, row: float) -> float:
        """Time in the query, as it was given, of a row of the copy, in seconds."""
        return self.start_s + row * self.row_s / self.variant.change.stretch


def undo(spectrogram: Spectrogram, variant: Variant, params: Params) -> Spectrogram:
    """The spectrogram as if the rung's change had never been made."""
    change = variant.change
    if change == UNCHANGED:
        return spectrogram
    return warp(
        spectrogram, speed=change.speed, pitch_cents=change.pitch_cents, tempo=change.tempo, params=params
    )


def loud_frames(spectrogram: Spectrogram) -> NDArray[np.bool_]:
    """Frames that are not silent beside the loudest one, bool, shape (n_frames,)."""
    level = spectrogram.power.mean(axis=1)
    loud: NDArray[np.bool_] = level > QUIET * level.max(initial=0.0)
    return loud


def active_rows(loud: NDArray[np.bool_], n_rows: int, params: Params) -> NDArray[np.bool_]:
    """Fine rows that look at a loud frame, bool, shape (n_rows,); `loud` as of `loud_frames`."""
    near = np.convolve(loud, np.ones(params.code_hop_frames), mode="same") > 0
    frames = np.minimum(np.arange(n_rows) * params.query_hop_frames, max(len(loud) - 1, 0))
    active: NDArray[np.bool_] = near[frames]
    return active


def _copy(
    rows: NDArray[np.float32],
    spectrogram: Spectrogram,
    variant: Variant,
    extractor: Embedder,
    background: Background,
) -> QueryVariant:
    mean, sd = background.expected_similarity(rows)
    active = active_rows(loud_frames(spectrogram), len(rows), extractor.params)
    inverse_sd = np.where(active, 1 / sd, np.float32(0)).astype(np.float32)
    return QueryVariant(
        variant=variant, rows=rows, mean=mean, inverse_sd=inverse_sd, row_s=extractor.params.query_hop_s
    )


def _scale_to_one(rows: NDArray[np.float32]) -> None:
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-6))


def make_variant(
    query: Query,
    variant: Variant,
    extractor: Embedder,
    background: Background,
    *,
    dereverb: float = 0.0,
) -> QueryVariant:
    """Undo a rung's change, embed what results at the fine hop, say what each row scores against decoys.

    Parameters
    ----------
    dereverb : float
        Weight of the dereverberated sound in the query frames, in [0, 1].
    """
    spectrogram = undo(query.spectrogram, variant, extractor.params)
    rows = extractor.embed(spectrogram, fine=True)
    if dereverb:
        without_reverb = extractor.embed(dereverberate(spectrogram), fine=True)
        rows = (1 - dereverb) * rows + dereverb * without_reverb
        _scale_to_one(rows)
    return _copy(rows, spectrogram, variant, extractor, background)


def prefilter(query: Query, variant: Variant, extractor: Embedder, background: Background) -> QueryVariant:
    """What `make_variant` gives, for half the work: every other row is the mean of its neighbours."""
    spectrogram = undo(query.spectrogram, variant, extractor.params)
    rows = extractor.embed(spectrogram, fine=True, phases=EVEN_PHASES)
    between = rows[1::2]
    between += rows[:-1:2][: len(between)]
    between[: len(rows[2::2])] += rows[2::2]
    _scale_to_one(between)
    return replace(_copy(rows, spectrogram, variant, extractor, background), prefiltered=True)


def complete(
    prefiltered: QueryVariant, query: Query, extractor: Embedder, background: Background
) -> QueryVariant:
    """What `make_variant` gives, from what a glimpse of it has embedded already."""
    spectrogram = undo(query.spectrogram, prefiltered.variant, extractor.params)
    rows = extractor.embed(spectrogram, fine=True, phases=ODD_PHASES)
    rows[::2] = prefiltered.rows[::2]
    return _copy(rows, spectrogram, prefiltered.variant, extractor, background)


def find_candidates(
    hits: Hits,
    fine_rows: NDArray[np.int64],
    z: NDArray[np.float32],
    variant: Variant,
    *,
    row_s: float,
    scoring: Calibration,
    most: int,
) -> list[Candidate]:
    """Let hits vote on recording and offset (Wang 2003, section 2.3, weighted by how unlikely each hit is).

    Parameters
    ----------
    hits
        Of one rung.
    fine_rows : int64 array, shape (n_hits,)
        Which fine row of the copy each hit belongs to.
    z : float32 array, shape (n_hits,)
        Similarity of each hit over its row's decoys, in standard deviations.
    most
        Candidates that are kept whatever their votes.

    Returns
    -------
    candidates
        Most votes first; the offset is that of the strongest hit's own, neighbours voting with it.
    """
    weights = np.maximum(scoring.step_scores(z), 0)
    offsets = hits.position.astype(np.int64) * ROWS_PER_CODE - fine_rows
    keys = hits.recording * _RECORDING_STRIDE + (offsets + _OFFSET_ZERO)
    order = np.argsort(keys, kind="stable")
    keys, weights = keys[order], weights[order]
    votes = np.empty(len(keys), dtype=np.float32)
    tally_votes(keys, weights, _VOTE_REACH_ROWS, votes)
    kept = _best_of_each_bucket(keys, votes, most)
    return [
        Candidate(
            recording=int(keys[k] // _RECORDING_STRIDE),
            change=variant.change,
            offset_s=float(keys[k] % _RECORDING_STRIDE - _OFFSET_ZERO) * row_s,
            votes=float(votes[k]),
        )
        for k in kept
    ]


def _best_of_each_bucket(keys: NDArray[np.int64], votes: NDArray[np.float32], most: int) -> NDArray[np.intp]:
    """Strongest hit of every few neighbouring offsets, strongest first; cut where votes are many and weak."""
    order = np.argsort(-votes, kind="stable")
    _, first = np.unique(keys[order] // _BUCKET_ROWS, return_index=True)
    ranked = order[np.sort(first)]
    n_strong = int(np.count_nonzero(votes[ranked] >= STRONG_VOTES))
    return ranked[: max(n_strong, most)]
