"""Claimed against observed: rate of false matches of absent queries at each claimed E-value.

    python -m benchmarks calibrate --queries 2000 --record calibrate-fast --plot calibration.png

Excerpts are searched with the product's matching in a library without their own track, every copy of it and
the rest of its package, whose tracks may share loops. If E-values are right, a query has on average E false
matches at E or better. ``--write`` fits the recalibration constants of ``calibration.json`` to the observed
rates; run it again without ``--write`` to check them on other queries (another ``--seed`` or ``--role``).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import faiss
import numpy as np
from numpy.typing import NDArray

from benchmarks.data.corpus import Corpus, Role
from benchmarks.data.same_recording import shares_recording
from benchmarks.fit.newest_calibration import replace_calibration
from benchmarks.report.records import record, save
from benchmarks.report.score import SAME_SOUND, repeat_similarity
from benchmarks.runs.leave_out_library import COLLECTIONS, LeaveOutLibrary, as_power, as_query, build_library
from benchmarks.training.data import cached, sources
from earwitness.fingerprint.extract import extractor
from earwitness.fingerprint.types import Spectrogram
from earwitness.index.match import Effort, Match
from earwitness.index.matching.effort import EFFORT_PROFILES
from earwitness.index.matching.identify import identify
from earwitness.index.matching.verdict import POSSIBLE_E_VALUE
from earwitness.index.statistics.calibration import CALIBRATION_FILE
from earwitness.index.statistics.scheme_files import calibration_of

CLAIMED: Final = (1e-4, 1e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0, 10.0)
"""E-values at which claimed and observed rates are compared."""

SEARCH_LIMITS: Final = ((30, 20.0), (5, 0.3))
"""Pairs (n, E-value): one query in n is searched up to this E-value, all others up to the product's limit
(`POSSIBLE_E_VALUE`). A lower limit is faster."""

SAME_SOUND_CHECK_E: Final = 0.1
WAVEFORM_CHECK_E: Final = 1e-2
"""False matches at or below these E-values are checked for the same sound: by spectrogram, by waveform."""

LEAST_OBSERVED: Final = 5
"""Rates from fewer false matches are not used in the fit."""
LEAST_BOUND: Final = 30.0
"""The lower bound of a rate is at least the rate divided by this."""

FITTED_UP_TO_E: Final = 1.0
"""Larger claimed E-values are not used in the fit: not all frequent alignments are scored."""


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


def draw(
    library: LeaveOutLibrary,
    role: str,
    kind: str,
    *,
    lengths_s: Sequence[float],
    corpus: Path,
    cache: Path,
    seed: int,
) -> Iterator[tuple[int, float, Spectrogram]]:
    """Yield random excerpts that are not silent: number of the track, start in seconds, spectrogram."""
    rng = np.random.default_rng(seed)
    frame_s = library.extractor.params.frame_s
    own = [
        number
        for number, source in enumerate(library.sources)
        if role in ("all", source.role) and source.kind == kind
    ]
    levels: dict[int, float] = {}
    while True:
        number = own[int(rng.integers(len(own)))]
        n_frames = round(lengths_s[int(rng.integers(len(lengths_s)))] / frame_s)
        decibels = cached(library.sources[number], corpus=corpus, cache=cache)
        if number not in levels:
            levels[number] = float(as_power(decibels).mean())
        first = int(rng.integers(max(len(decibels) - n_frames, 1)))
        power = as_power(decibels[first : first + n_frames])
        if len(power) == n_frames and power.mean() > 1e-3 * levels[number]:
            yield number, first * frame_s, Spectrogram(power=power, frame_s=frame_s)


def excluded_recordings(library: LeaveOutLibrary, corpus: Corpus, *, package: bool) -> dict[int, list[int]]:
    """Return for each recording those that may hold the same: duplicates, equal file names, its package."""
    tracks = {track.path: track for track in corpus.tracks}
    members: dict[str, list[int]] = {}
    keys = []
    for number, source in enumerate(library.sources):
        track = tracks[source.path]
        own = {Path(source.path).name, track.sha256, track.dup_group or source.path}
        keys.append(own | {f"package {source.package}"} if package else own)
        for key in keys[-1]:
            members.setdefault(key, []).append(number)
    return {
        number: sorted({other for key in own for other in members[key]}) for number, own in enumerate(keys)
    }


def search_absent(
    library: LeaveOutLibrary,
    same: Sequence[int],
    number: int,
    start_s: float,
    sound: Spectrogram,
    effort: Effort,
    corpus: Path,
    max_e: float,
) -> AbsentQuery:
    """Search an excerpt in all recordings but those in `same`."""
    before = time.perf_counter()
    matches = identify(
        as_query(sound, library.extractor),
        library.without(same),
        collections=COLLECTIONS,
        effort=effort,
        max_e_value=max_e,
        limit=1000,
    )
    took_s = round(time.perf_counter() - before, 4)
    own = library.sources[number].path
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
        seconds=round(len(sound.power) * sound.frame_s, 2),
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
    counts, sizes = _counts(queries, claimed)
    return counts / np.maximum(sizes, 1)


def _counts(
    queries: Sequence[AbsentQuery], claimed: Sequence[float] = CLAIMED
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    every = np.array([(e, one.max_e) for one in queries for e in one.e_values]).reshape(-1, 2)
    limits = np.array([one.max_e for one in queries])
    rows = [(((every[:, 0] <= c) & (every[:, 1] >= c)).sum(), (limits >= c).sum()) for c in claimed]
    counts, sizes = np.array(rows).T
    return counts, sizes


def bounds(queries: Sequence[AbsentQuery], *, seed: int = 0, draws: int = 300) -> NDArray[np.float64]:
    """Return 2.5 and 97.5 % quantiles of `observed` (bootstrap over tracks); shape (2, n_claimed)."""
    rng = np.random.default_rng(seed)
    tracks = sorted({one.track for one in queries})
    of_track = {track: [one for one in queries if one.track == track] for track in tracks}
    pairs = np.array([_counts(of_track[track]) for track in tracks])
    drawn = rng.integers(len(tracks), size=(draws, len(tracks)))
    counts, sizes = np.moveaxis(pairs[drawn].sum(axis=1), 1, 0)
    rates = counts / np.maximum(sizes, 1)
    return np.asarray(np.quantile(rates, [0.025, 0.975], axis=0))


def fit(queries: Sequence[AbsentQuery]) -> tuple[float, float]:
    """Return offset and slope of ``log observed`` over ``log claimed``, which correct the claimed E-values.

    Weights are the widths of the intervals: one pair of tracks may cause half of the rarest matches.
    """
    claimed = np.array(CLAIMED)
    rates, (low, high) = observed(queries), bounds(queries)
    chosen_e = _well_counted(queries) & (claimed <= FITTED_UP_TO_E)
    if np.count_nonzero(chosen_e) < 3:
        raise SystemExit(f"{len(queries)} queries gave too few false matches to fit: raise --queries")
    # where one track caused all false matches, the lower bound is 0
    spread = np.log(high[chosen_e]) - np.log(np.maximum(low[chosen_e], rates[chosen_e] / LEAST_BOUND))
    slope, offset = np.polyfit(
        np.log(claimed[chosen_e]), np.log(rates[chosen_e]), 1, w=1 / np.maximum(spread, 1e-2)
    )
    return float(offset), float(slope)


def _well_counted(queries: Sequence[AbsentQuery]) -> NDArray[np.bool_]:
    counts, _ = _counts(queries)
    return np.asarray(counts >= LEAST_OBSERVED)


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


def recalibrate(queries: Sequence[AbsentQuery], *, spoken: bool) -> None:
    """Update the calibration constants of music or of speech with the fit."""
    scoring = calibration_of(extractor())
    offset, slope = fit(queries)
    if spoken:
        offset, slope = offset + slope * scoring.spoken_offset, slope * scoring.spoken_slope
        fitted = replace(scoring, spoken_offset=offset, spoken_slope=slope)
    else:
        offset, slope = offset + slope * scoring.calibration_offset, slope * scoring.calibration_slope
        checked_to = min(np.array(CLAIMED)[_well_counted(queries)])
        fitted = replace(
            scoring, calibration_offset=offset, calibration_slope=slope, checked_to=float(checked_to)
        )
    replace_calibration(fitted)


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
    parser.add_argument("--seed", type=int, default=0, help="each worker adds its own number")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--record", help="name of the record of raw answers")
    parser.add_argument("--plot", type=Path)
    parser.add_argument(
        "--write", action="store_true", help="fit and write fingerprint/model/calibration.json"
    )
    return parser.parse_args(argv)


def search_share(options: argparse.Namespace, worker: int) -> tuple[list[AbsentQuery], int]:
    """Return one worker's share of the queries, and the number of codes searched."""
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
    excerpts = draw(
        library,
        options.role,
        options.kind,
        lengths_s=[float(length) for length in options.lengths.split(",")],
        corpus=options.corpus,
        cache=options.cache,
        seed=options.seed + worker,
    )
    queries = [
        search_absent(
            library,
            same[excerpt[0]],
            *excerpt,
            options.effort,
            options.corpus,
            max_e=limit_of(number),
        )
        for number, excerpt in zip(range(worker, options.queries, options.workers), excerpts, strict=False)
    ]
    return queries, library.n_codes(COLLECTIONS)


def main(argv: Sequence[str]) -> int:
    """Search absent queries, count false matches, and print them beside the claimed E-values."""
    options = _arguments(argv)
    with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn")) as pool:
        shares = list(pool.map(search_share, [options] * options.workers, range(options.workers)))
    queries = [one for share, _ in shares for one in share]
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
    if options.write:
        recalibrate(queries, spoken=options.kind == "speech")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
