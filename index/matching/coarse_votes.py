"""Which changes of a query are worth a full search: votes of a search at the coarse hop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.types import Spectrogram
from earwitness.index.match import Hits
from earwitness.index.matching.candidates import find_candidates, undo
from earwitness.index.matching.effort import Variant
from earwitness.index.matching.kernels.alignment_loops import QUERY_FRAMES_PER_CODE
from earwitness.index.protocols import Embedder, Searchable
from earwitness.index.statistics.calibration import Calibration

NEIGHBOURS: Final = 8
"""Entries of the index that are retrieved for each coarse frame. Chosen by hand."""

TWO_PHASES_BELOW: Final = 40
"""Query frames (5 s) below which a variant is embedded at two phases instead of one. Chosen by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoarseVotes:
    """Hits of a query, or of a part of it, at the coarse hop, for several variants.

    Attributes
    ----------
    variant_of : int64 array, shape (n_hits,)
        Number of the variant of each hit.
    frames : int64 array, shape (n_hits,)
        Number of the query frame of each hit.
    z : float32 array, shape (n_hits,)
        Similarity of each hit above the mean of its frame's decoys, in standard deviations.
    hop_s : float
        Seconds between query frames.
    start_s : float
        Where the searched part begins in the query, in seconds.
    """

    variants: tuple[Variant, ...]
    variant_of: NDArray[np.int64]
    hits: Hits
    frames: NDArray[np.int64]
    z: NDArray[np.float32]
    hop_s: float
    start_s: float
    calibration: Calibration

    def ranked(self, *, span_s: tuple[float, float] | None = None) -> list[Variant]:
        """The variants that have hits, most votes for a candidate first.

        Parameters
        ----------
        span_s
            Count only hits from this span of the query, in seconds.
        """
        ranked = list[tuple[float, Variant]]()
        for number, variant in enumerate(self.variants):
            own = self.variant_of == number
            if span_s is not None:
                at_s = self.start_s + self.frames * (self.hop_s / variant.change.stretch)
                own &= (at_s >= span_s[0]) & (at_s < span_s[1])
            if own.any():
                (best, *_) = find_candidates(
                    self.hits.where(own),
                    self.frames[own],
                    self.z[own],
                    variant,
                    hop_s=self.hop_s,
                    calibration=self.calibration,
                    most=1,
                )
                # a stretched variant has more frames that vote: count votes for each second of the query
                ranked.append((best.votes / variant.change.stretch, variant))
        ranked.sort(key=lambda pair: -pair[0])
        return [variant for _, variant in ranked]


def vote_coarsely(
    spectrogram: Spectrogram,
    variants: Sequence[Variant],
    library: Searchable,
    collections: Sequence[int],
    *,
    start_s: float,
    itself: int | None = None,
) -> CoarseVotes:
    """Search several variants of a spectrogram at the coarse hop.

    Parameters
    ----------
    start_s
        Where the spectrogram begins in the query, in seconds.
    itself
        A recording whose hits do not vote.
    """
    extractor = library.extractor
    embedded = [_embed(undo(spectrogram, variant, extractor.params), extractor) for variant in variants]
    vectors = np.concatenate([vectors for vectors, _ in embedded])
    frames = np.concatenate([numbers for _, numbers in embedded])
    variant_of = np.repeat(np.arange(len(embedded)), [len(numbers) for _, numbers in embedded])
    hits = library.search(vectors, k=NEIGHBOURS, collections=collections)
    hits = hits if itself is None else hits.where(hits.recording != itself)
    mean, sd = library.background.expected_similarity(vectors)
    return CoarseVotes(
        variants=tuple(variants),
        variant_of=variant_of[hits.query_row],
        hits=hits,
        frames=frames[hits.query_row],
        z=(hits.similarity - mean[hits.query_row]) / sd[hits.query_row],
        hop_s=extractor.params.query_hop_s,
        start_s=start_s,
        calibration=library.calibration,
    )


def _embed(spectrogram: Spectrogram, extractor: Embedder) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Query frames at the coarse hop, and their numbers among all query frames."""
    n_frames = -(-len(spectrogram.power) // extractor.params.query_hop_frames)
    phases = (0, QUERY_FRAMES_PER_CODE // 2) if n_frames < TWO_PHASES_BELOW else (0,)
    frames = extractor.embed(spectrogram, fine=True, phases=phases)
    numbers = np.flatnonzero(np.isin(np.arange(n_frames) % QUERY_FRAMES_PER_CODE, phases))
    return frames[numbers], numbers
