"""Claimed against observed: rate of false matches of absent queries at each claimed E-value.

    python -m benchmarks calibrate --queries 2000 --record calibrate-fast --plot calibration.png

Excerpts are searched with the product's matching in a library without their own track, every copy of it and
the rest of its package, whose tracks may share loops. If E-values are right, a query has on average E false
matches at E or better. ``python -m benchmarks fit music`` fits the correction of E-values to such rates; this
command checks it on other queries (``--role test``).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, zip_longest
from pathlib import Path
from typing import Final

import faiss
import numpy as np
from numpy.typing import NDArray

from benchmarks.data.absent_excerpts import DrawnExcerpt, draw_excerpt, excluded_recordings
from benchmarks.data.corpus import Corpus, Role
from benchmarks.report.records import record, save
from benchmarks.report.same_recording import shares_recording
from benchmarks.report.score import SAME_SOUND, repeat_similarity
from benchmarks.systems.leave_out_library import COLLECTIONS, LeaveOutLibrary, as_query, build_library
from benchmarks.systems.spawned_workers import spawned_workers
from benchmarks.training.data import sources
from earwitness.fingerprint.extract import extractor
from earwitness.fingerprint.types import Query
from earwitness.index.match import Effort, Match
from earwitness.index.matching.effort import EFFORT_PROFILES
from earwitness.index.matching.identify import identify
from earwitness.index.matching.verdict import POSSIBLE_E_VALUE
from earwitness.index.statistics.calibration import CALIBRATION_FILE

CLAIMED: Final = (1e-4, 1e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0, 10.0)
"""E-values at which claimed and observed rates are compared."""

SEARCH_LIMITS: Final = ((30, 20.0), (5, 0.3))
"""Pairs (n, E-value): one query in n is searched up to this E-value, all others up to the product's limit
(`POSSIBLE_E_VALUE`). A lower limit is faster."""

SAME_SOUND_CHECK_E: Final = 0.1
WAVEFORM_CHECK_E: Final = 1e-2
"""False matches at or below these E-values are checked for the same sound: by spectrogram, by waveform."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsentQuery:
    """One absent query: its origin, and the E-values of its false matches.

    A match where both places hold the same sound (a loop, a recording used in two files) is right. It is
    detected by spectrogram and waveform (`score.repeat_similarity`, `same_recording.shares_recording`),
    stored in `same`, and not counted.
    """

    track: str
    start_s: float
    seconds: float
    e_values: tuple[float, ...]
    found: tuple[str, ...]
    same: tuple[float, ...]
    took_s: float
    max_e: float = POSSIBLE_E_VALUE


def limit_of(number: int) -> float:
    """Return the E-value limit of a query by its number."""
    return next((most for every, most in SEARCH_LIMITS if number % every == 0), POSSIBLE_E_VALUE)


Find = Callable[[Query, LeaveOutLibrary, float], list[Match]]
"""Finds the matches of a query up to an E-value."""


def find_with(effort: Effort) -> Find:
    """Return the product's search at an effort."""
    return lambda query, library, max_e: identify(
        query, library, collections=COLLECTIONS, effort=effort, max_e_value=max_e, limit=1000
    )


def search_absent(
    library: LeaveOutLibrary,
    excerpt: DrawnExcerpt,
    *,
    excluded: Sequence[int],
    find: Find,
    corpus: Path,
    max_e: float,
) -> AbsentQuery:
    """Search an excerpt in all recordings but those in `excluded`."""
    before = time.perf_counter()
    matches = find(as_query(excerpt.sound, library.extractor), library.without(excluded), max_e)
    took_s = round(time.perf_counter() - before, 4)
    own, start_s = library.sources[excerpt.recording].path, excerpt.start_s
    wrong, repeats = list[Match](), list[float]()
    for match in matches:
        there = corpus / library.sources[match.recording].path
        if same_sound(corpus / own, start_s, there, match):
            repeats.append(float(f"{match.e_value:.4g}"))
        else:
            wrong.append(match)
    return AbsentQuery(
        track=own,
        start_s=round(start_s, 2),
        seconds=round(excerpt.length_s, 2),
        e_values=tuple(float(f"{match.e_value:.4g}") for match in wrong),
        found=tuple(library.sources[match.recording].path for match in wrong),
        same=tuple(repeats),
        took_s=took_s,
        max_e=max_e,
    )


def same_sound(path: Path, start_s: float, there: Path, match: Match) -> bool:
    """Return whether the matched place holds the same sound or the same recording."""
    segment = min(match.segments, key=lambda one: one.e_value)
    true_s, claimed_s = start_s + segment.query_start_s, segment.reference_start_s
    length_s = segment.query_end_s - segment.query_start_s
    if match.e_value > SAME_SOUND_CHECK_E:
        return False
    similarity = repeat_similarity(
        path, true_s=true_s, claimed_s=claimed_s, length_s=length_s, claimed_in=there
    )
    if similarity >= SAME_SOUND or match.e_value > WAVEFORM_CHECK_E:
        return similarity >= SAME_SOUND
    speed = 1.0 if match.change is None else match.change.stretch
    return shares_recording(path, there, start_s=true_s, claimed_s=claimed_s, length_s=length_s, speed=speed)


def observed(queries: Sequence[AbsentQuery], claimed: Sequence[float] = CLAIMED) -> NDArray[np.float64]:
    """Return false matches per query at each claimed E-value, among queries searched up to it."""
    counts, sizes = count(queries, claimed)
    return counts / np.maximum(sizes, 1)


def count(
    queries: Sequence[AbsentQuery], claimed: Sequence[float] = CLAIMED
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return false matches at each claimed E-value, and the number of queries searched up to it."""
    every = np.array([(e, one.max_e) for one in queries for e in one.e_values]).reshape(-1, 2)
    limits = np.array([one.max_e for one in queries])
    rows = [(((every[:, 0] <= c) & (every[:, 1] >= c)).sum(), (limits >= c).sum()) for c in claimed]
    counts, sizes = np.array(rows).T
    return counts, sizes


def bounds(
    queries: Sequence[AbsentQuery],
    claimed: Sequence[float] = CLAIMED,
    *,
    seed: int = 0,
    draws: int = 300,
) -> NDArray[np.float64]:
    """Return 2.5 and 97.5 % quantiles of `observed` (bootstrap over tracks); shape (2, n_claimed)."""
    rng = np.random.default_rng(seed)
    tracks = sorted({one.track for one in queries})
    of_track = {track: [one for one in queries if one.track == track] for track in tracks}
    pairs = np.array([count(of_track[track], claimed) for track in tracks])
    drawn = rng.integers(len(tracks), size=(draws, len(tracks)))
    counts, sizes = np.moveaxis(pairs[drawn].sum(axis=1), 1, 0)
    rates = counts / np.maximum(sizes, 1)
    return np.asarray(np.quantile(rates, [0.025, 0.975], axis=0))


def table(queries: Sequence[AbsentQuery]) -> str:
    """Return claimed and observed rates with bounds as a Markdown table."""
    low, high = bounds(queries)
    lines = ["| claimed E | observed | 95 % bounds, by track |", "|---|---|---|"]
    for claim, rate, least, most in zip(CLAIMED, observed(queries), low, high, strict=True):
        lines.append(f"| {claim:g} | {rate:.3g} | {least:.3g} - {most:.3g} |")
    return "\n".join(lines)


def plot(queries: Sequence[AbsentQuery], path: Path) -> None:
    """Draw claimed against observed on logarithmic axes."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    low, high = bounds(queries)
    figure, axes = pyplot.subplots(figsize=(5, 5))
    # a rate of 0 cannot be drawn on a logarithmic axis
    rates = np.where(observed(queries) > 0, observed(queries), np.nan)
    axes.fill_between(CLAIMED, np.maximum(low, 1e-5), np.where(high > 0, high, np.nan), alpha=0.3)
    axes.plot(CLAIMED, rates, "o-", label=f"observed, {len(queries)} queries")
    axes.plot(CLAIMED, CLAIMED, "k--", label="observed = claimed")
    axes.set(xscale="log", yscale="log", xlabel="claimed E-value", ylabel="false matches per absent query")
    axes.legend()
    figure.savefig(path, dpi=120, bbox_inches="tight")


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks calibrate", description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True, help="folder of cached spectrograms")
    parser.add_argument("--role", choices=["train", "validation", "test", "all"], default="validation")
    parser.add_argument("--kind", choices=["music", "speech"], default="music")
    parser.add_argument("--lengths", default="3,8", help="seconds, separated by commas")
    parser.add_argument("--queries", type=int, default=2000)
    parser.add_argument(
        "--keep-package",
        action="store_true",
        help="search a track's package too: same composer and instruments, and loops that its tracks share",
    )
    parser.add_argument("--effort", type=Effort, default=Effort.FAST)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--record", help="name of the record of raw answers")
    parser.add_argument("--plot", type=Path)
    return parser.parse_args(argv)


def search_share(options: argparse.Namespace, worker: int) -> tuple[list[AbsentQuery], int]:
    """Return one worker's share of the queries, and the number of codes searched.

    Each query has its own random numbers, so that the number of workers changes none.
    """
    faiss.omp_set_num_threads(1)
    roles: tuple[Role, ...] = ("test" if options.role == "test" else "validation", "train")
    chosen = [
        source
        for role in roles
        for source in sources(options.corpus, role=role)
        if source.kind in ("music", "speech")
    ]
    library = build_library(chosen, extractor(), corpus=options.corpus, cache=options.cache)
    same = excluded_recordings(library, Corpus.open(options.corpus), package=not options.keep_package)
    own = [
        number
        for number, source in enumerate(library.sources)
        if options.role in ("all", source.role) and source.kind == options.kind
    ]
    lengths_s = [float(length) for length in options.lengths.split(",")]
    queries = []
    for number in range(worker, options.queries, options.workers):
        excerpt = draw_excerpt(
            library,
            own,
            lengths_s,
            corpus=options.corpus,
            cache=options.cache,
            rng=np.random.default_rng([options.seed, number]),
        )
        queries.append(
            search_absent(
                library,
                excerpt,
                excluded=same[excerpt.recording],
                find=find_with(options.effort),
                corpus=options.corpus,
                max_e=limit_of(number),
            )
        )
    return queries, library.n_codes(COLLECTIONS)


def main(argv: Sequence[str]) -> int:
    """Search absent queries, count false matches, and print them beside the claimed E-values."""
    options = _arguments(argv)
    with spawned_workers(options.workers) as pool:
        shares = list(pool.map(search_share, [options] * options.workers, range(options.workers)))
    queries = [one for one in chain.from_iterable(zip_longest(*(share for share, _ in shares))) if one]
    print(table(queries))
    if options.record:
        settings = {
            "n_codes": shares[0][1],
            "rungs": len(EFFORT_PROFILES[options.effort].variants),
            "scoring": json.loads(extractor().model_file(CALIBRATION_FILE).read_text(encoding="utf-8")),
            "role": options.role,
            "kind": options.kind,
            "effort": options.effort.value,
            "keep_package": options.keep_package,
        }
        rows = [asdict(one) for one in queries]
        made = record("calibrate", scheme=extractor().scheme, seed=options.seed, options=settings, rows=rows)
        print(save(made, options.record))
    if options.plot:
        plot(queries, options.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
