"""From a query to candidates: embed a variant of the query, and let the hits of its frames vote."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.dereverberate import dereverberate
from earwitness.fingerprint.params import Params
from earwitness.fingerprint.types import Query, Spectrogram
from earwitness.fingerprint.warp import warp
from earwitness.index.match import Candidate, Change, Hits
from earwitness.index.matching.effort import UNCHANGED, Variant
from earwitness.index.matching.kernels.alignment_loops import QUERY_FRAMES_PER_CODE, tally_votes
from earwitness.index.protocols import Embedder
from earwitness.index.statistics.background import Background
from earwitness.index.statistics.calibration import Calibration

STRONG_VOTES: Final = 40.0
"""Votes, in nats of log-odds, from which a candidate is aligned however many there are. Chosen by hand."""

SILENT_POWER: Final = 1e-6
"""Power relative to the loudest frame of the query, up to which a frame is silent: -60 dB.
Chosen by hand."""

EVEN_PHASES: Final = (0, 2)
ODD_PHASES: Final = (1, 3)
"""Passes of the net that give the query frames of even and of odd number."""

_RECORDING_STRIDE: Final = 1 << 24
_OFFSET_ZERO: Final = 1 << 23
"""Recording and offset are packed into one number."""

_VOTE_REACH_FRAMES: Final = 1
_BUCKET_FRAMES: Final = 8
"""Hits vote for offsets up to 1 frame (0.125 s) away; of every 8 offsets (1 s) one candidate is used. Chosen
by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryVariant:
    """A query with one change undone, embedded.

    Attributes
    ----------
    frames : float32 array, shape (n_frames, dim)
        Unit vectors; frame ``k`` is centred ``k * hop_s`` seconds after the start of the warped query.
    mean, inverse_sd : float32 arrays, shape (n_frames,)
        Mean, and inverse standard deviation, of each frame's similarity to decoys; `inverse_sd` is 0 where
        the query is silent, so that silent frames score nothing.
    interpolated : bool
        Whether every other frame is the mean of its neighbours.
    start_s : float
        Where the embedded part begins in the query, in seconds.
    """

    variant: Variant
    frames: NDArray[np.float32]
    mean: NDArray[np.float32]
    inverse_sd: NDArray[np.float32]
    hop_s: float
    interpolated: bool = False
    start_s: float = 0.0

    @property
    def change(self) -> Change:
        """The change that was undone."""
        return self.variant.change

    @property
    def active(self) -> NDArray[np.intp]:
        """Numbers of the frames that are not silent."""
        return np.flatnonzero(self.inverse_sd)

    def query_s(self, frame: float) -> float:
        """Time of a frame in the query before the change was undone, in seconds."""
        return self.start_s + frame * self.hop_s / self.change.stretch


def undo(spectrogram: Spectrogram, variant: Variant, params: Params) -> Spectrogram:
    """The spectrogram with the variant's change undone."""
    change = variant.change
    if change == UNCHANGED:
        return spectrogram
    return warp(
        spectrogram, speed=change.speed, pitch_cents=change.pitch_cents, tempo=change.tempo, params=params
    )


def loud_frames(spectrogram: Spectrogram) -> NDArray[np.bool_]:
    """Which frames of a spectrogram are not silent, bool, shape (n_frames,)."""
    level = spectrogram.power.mean(axis=1)
    loud: NDArray[np.bool_] = level > SILENT_POWER * level.max(initial=0.0)
    return loud


def active_frames(loud: NDArray[np.bool_], n_frames: int, params: Params) -> NDArray[np.bool_]:
    """Which query frames cover a loud frame of the spectrogram, bool, shape (n_frames,).

    Parameters
    ----------
    loud
        From `loud_frames`.
    """
    near = np.convolve(loud, np.ones(params.code_hop_frames), mode="same") > 0
    centres = np.minimum(np.arange(n_frames) * params.query_hop_frames, max(len(loud) - 1, 0))
    active: NDArray[np.bool_] = near[centres]
    return active


def embed_variant(
    query: Query, variant: Variant, extractor: Embedder, background: Background, *, dereverb: float = 0.0
) -> QueryVariant:
    """Undo a change and embed the result at the fine hop.

    Parameters
    ----------
    dereverb : float
        Weight of the dereverberated sound in the query frames, in [0, 1].
    """
    spectrogram = undo(query.spectrogram, variant, extractor.params)
    frames = extractor.embed(spectrogram, fine=True)
    if dereverb:
        dry = extractor.embed(dereverberate(spectrogram), fine=True)
        frames = (1 - dereverb) * frames + dereverb * dry
        _scale_to_one(frames)
    return _query_variant(frames, spectrogram, variant, extractor, background)


def embed_half(query: Query, variant: Variant, extractor: Embedder, background: Background) -> QueryVariant:
    """As `embed_variant`, at half the cost: every other frame is the mean of its neighbours."""
    spectrogram = undo(query.spectrogram, variant, extractor.params)
    frames = extractor.embed(spectrogram, fine=True, phases=EVEN_PHASES)
    between = frames[1::2]
    between += frames[:-1:2][: len(between)]
    between[: len(frames[2::2])] += frames[2::2]
    _scale_to_one(between)
    return replace(_query_variant(frames, spectrogram, variant, extractor, background), interpolated=True)


def embed_rest(half: QueryVariant, query: Query, extractor: Embedder, background: Background) -> QueryVariant:
    """The result of `embed_variant`, from that of `embed_half`: embeds only the frames that are missing."""
    spectrogram = undo(query.spectrogram, half.variant, extractor.params)
    frames = extractor.embed(spectrogram, fine=True, phases=ODD_PHASES)
    frames[::2] = half.frames[::2]
    return _query_variant(frames, spectrogram, half.variant, extractor, background)


def _query_variant(
    frames: NDArray[np.float32],
    spectrogram: Spectrogram,
    variant: Variant,
    extractor: Embedder,
    background: Background,
) -> QueryVariant:
    mean, sd = background.expected_similarity(frames)
    active = active_frames(loud_frames(spectrogram), len(frames), extractor.params)
    inverse_sd = np.where(active, 1 / sd, np.float32(0)).astype(np.float32)
    return QueryVariant(
        variant=variant, frames=frames, mean=mean, inverse_sd=inverse_sd, hop_s=extractor.params.query_hop_s
    )


def _scale_to_one(vectors: NDArray[np.float32]) -> None:
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(1e-6))


def find_candidates(
    hits: Hits,
    frames: NDArray[np.int64],
    z: NDArray[np.float32],
    variant: Variant,
    *,
    hop_s: float,
    calibration: Calibration,
    most: int,
) -> list[Candidate]:
    """Let hits vote on recording and offset (Wang 2003, section 2.3), weighted by their log-odds.

    Parameters
    ----------
    hits
        Of one variant.
    frames : int64 array, shape (n_hits,)
        Number of the query frame of each hit.
    z : float32 array, shape (n_hits,)
        Similarity of each hit above the mean of its frame's decoys, in standard deviations.
    hop_s
        Seconds between query frames.
    most
        Candidates that are returned at most, besides those of `STRONG_VOTES` or more.

    Returns
    -------
    candidates
        Most votes first. The offset is that of one hit; hits of neighbouring offsets add their votes.
    """
    weights = np.maximum(calibration.step_scores(z), 0)
    offsets = hits.position.astype(np.int64) * QUERY_FRAMES_PER_CODE - frames
    keys = hits.recording * _RECORDING_STRIDE + (offsets + _OFFSET_ZERO)
    order = np.argsort(keys, kind="stable")
    keys, weights = keys[order], weights[order]
    votes = np.empty(len(keys), dtype=np.float32)
    tally_votes(keys, weights, _VOTE_REACH_FRAMES, votes)
    return [
        Candidate(
            recording=int(keys[k] // _RECORDING_STRIDE),
            change=variant.change,
            offset_s=float(keys[k] % _RECORDING_STRIDE - _OFFSET_ZERO) * hop_s,
            votes=float(votes[k]),
        )
        for k in _strongest(keys, votes, most)
    ]


def _strongest(keys: NDArray[np.int64], votes: NDArray[np.float32], most: int) -> NDArray[np.intp]:
    """Numbers of the hits with most votes in each bucket of offsets, most votes first."""
    order = np.argsort(-votes, kind="stable")
    _, first = np.unique(keys[order] // _BUCKET_FRAMES, return_index=True)
    ranked = order[np.sort(first)]
    n_strong = int(np.count_nonzero(votes[ranked] >= STRONG_VOTES))
    return ranked[: max(n_strong, most)]
