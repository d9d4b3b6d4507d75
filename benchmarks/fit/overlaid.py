"""Similarity that separates excerpts from excerpts under other audio: fits `overlaid_similarity`.

Excerpts of validation music, coded by lossy codecs or mixed with speech or music as in
``benchmarks classes``, are searched in an index that holds them. The threshold is where as few as possible of
both kinds, in shares, are on the wrong side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import soundfile

from benchmarks.data.audio_io import read
from benchmarks.data.constructed_queries import EXCERPTS, OVERLAID, PIECE_S
from benchmarks.data.degrade import degrade
from benchmarks.fit.fit_run import FitBench, FitRun
from benchmarks.fit.step_scores import waveform
from benchmarks.systems.leave_out_library import COLLECTIONS
from earwitness.index.match import Effort
from earwitness.index.matching.identify import identify

CASES: Final = (*EXCERPTS, *OVERLAID)


def fit(run: FitRun) -> Mapping[str, Any]:
    """Return the threshold."""
    found = [row for row in run.each(measure) if row is not None]
    plain = [similarity for overlaid, similarity in found if not overlaid]
    overlaid = [similarity for overlaid, similarity in found if overlaid]
    return {"overlaid_similarity": round(threshold(overlaid, plain), 2)}


def measure(bench: FitBench, query: int) -> tuple[bool, float] | None:
    """Return whether one excerpt is under other audio, and its similarity; None where it is not found."""
    rng, case = bench.rng(query), CASES[query % len(CASES)]
    recording = int(rng.choice(bench.queried))
    path = bench.corpus.root / bench.library.sources[recording].path
    start_s = float(rng.uniform(0, max(soundfile.info(path).duration - PIECE_S - 1, 0)))
    clip = read(path, start_s=start_s, length_s=PIECE_S)
    sound = degrade(clip, case, seed=bench.seed, query_id=str(query), material=bench.material)
    matches = identify(
        bench.library.extractor.query(waveform(sound), with_chromaprint=False),
        bench.library,
        collections=COLLECTIONS,
        effort=Effort.FAST,
    )
    similarity = next((match.similarity for match in matches if match.recording == recording), None)
    return None if similarity is None else (case in OVERLAID, similarity)


def threshold(low: Sequence[float], high: Sequence[float]) -> float:
    """Return the number that separates two samples with the smallest sum of the shares on the wrong side.

    Where several intervals between neighbouring numbers are equally good, the middle of the first.
    """
    edges = np.unique([*low, *high])
    middles = (edges[1:] + edges[:-1]) / 2
    wrong = [np.mean(np.array(low) >= one) + np.mean(np.array(high) < one) for one in middles]
    return float(middles[int(np.argmin(wrong))])
