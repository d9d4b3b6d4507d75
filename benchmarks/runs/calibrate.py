"""Claimed against observed: how often absent queries are told to be found, for every E-value claimed.

    python -m benchmarks calibrate --queries 2000 --record calibrate-fast --plot calibration.png

Excerpts of music that the index does not hold are asked of everything else, along the product's road. Left
out are an excerpt's own track, every copy of it, and the rest of its package, whose tracks may share loops.
Where E-values are honest, E false matches come out for each query at E or better. ``--write`` fits the
recalibration constants of ``calibration.json`` to what was observed; run it again without to check them on
other queries (another ``--seed`` or ``--role``).
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
from benchmarks.report.score import SAME_SOUND, repeat_likeness
from benchmarks.runs.leave_out_library import SHELF, Shelf, as_power, as_query, shelve
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
"""E-values at which claim and count are compared."""

ASKED_UP_TO: Final = ((30, 20.0), (5, 0.3))
"""One query in so many is asked for all up to this E-value; all others as the product asks, for what it tells
(`POSSIBLE_E_VALUE`): the lower the limit, the sooner the search gives up."""

LOOKED_AT_E: Final = 0.1
COMPARED_AT_E: Final = 1e-2
"""From here on it is looked whether what was found is the same sound after all, and compared by waveform."""

LEAST_OBSERVED: Final = 5
"""A rate that rests on fewer false matches than this does not steer the fit."""
LEAST_BOUND: Final = 30.0

STEERED_BY_E: Final = 1.0
"""Nor do rates of larger claims, which are too low: what the codes let expect often is not judged at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One absent query: where it came from, and the E-value of everything that was wrongly found.

    What sounds the same at both places was found rightly: a phrase that was recorded once and lies in two
    files, a loop. It is told by spectrogram and waveform (`score.repeat_likeness`,
    `alike.shares_recording`), kept in `same`, and not counted.
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
    """Up to which E-value a query is asked about, by its number."""
    return next((most for every, most in ASKED_UP_TO if number % every == 0), POSSIBLE_E_VALUE)


def draw(
    shelf: Shelf, role: str, kind: str, *, lengths_s: Sequence[float], corpus: Path, cache: Path, seed: int
) -> Iterator[tuple[int, float, Spectrogram]]:
    """Excerpts that are not silent, tracks drawn evenly: number of the track, start, sound."""
    rng = np.random.default_rng(seed)
    frame_s = shelf.extractor.params.frame_s
    own = [
        number
        for number, source in enumerate(shelf.sources)
        if role in ("all", source.role) and source.kind == kind
    ]
    levels: dict[int, float] = {}
    while True:
        number = own[int(rng.integers(len(own)))]
        n_frames = round(lengths_s[int(rng.integers(len(lengths_s)))] / frame_s)
        decibels = cached(shelf.sources[number], corpus=corpus, cache=cache)
        if number not in levels:
            levels[number] = float(as_power(decibels).mean())
        first = int(rng.integers(max(len(decibels) - n_frames, 1)))
        power = as_power(decibels[first : first + n_frames])
        if len(power) == n_frames and power.mean() > 1e-3 * levels[number]:
            yield number, first * frame_s, Spectrogram(power=power, frame_s=frame_s)


def copies(shelf: Shelf, corpus: Corpus, *, package: bool) -> dict[int, list[int]]:
    """For each recording, those that may hold the same: duplicates, namesakes, on request its package."""
    tracks = {track.path: track for track in corpus.tracks}
    kin: dict[str, list[int]] = {}
    marks = []
    for number, source in enumerate(shelf.sources):
        track = tracks[source.path]
        own = {Path(source.path).name, track.sha256, track.dup_group or source.path}
        marks.append(own | {f"package {source.package}"} if package else own)
        for mark in marks[-1]:
            kin.setdefault(mark, []).append(number)
    return {
        number: sorted({other for mark in own for other in kin[mark]}) for number, own in enumerate(marks)
    }


def ask(
    shelf: Shelf,
    same: Sequence[int],
    number: int,
    start_s: float,
    sound: Spectrogram,
    effort: Effort,
    corpus: Path,
    max_e: float,
) -> Asked:
    """Ask about an excerpt everything but the recordings in `same`."""
    before = time.perf_counter()
    matches = identify(
        as_query(sound, shelf.extractor),
        shelf.without(same),
        collections=SHELF,
        effort=effort,
        max_e_value=max_e,
        limit=1000,
    )
    took_s = round(time.perf_counter() - before, 4)
    own = shelf.sources[number].path
    wrong, repeats = list[Match](), list[float]()
    for match in matches:
        there = corpus / shelf.sources[match.recording].path
        if _same_sound(corpus / own, start_s, there, match):
            repeats.append(float(f"{match.e_value:.4g}"))
        else:
            wrong.append(match)
    return Asked(
        track=own,
        start_s=round(start_s, 2),
        seconds=round(len(sound.power) * sound.frame_s, 2),
        e_values=tuple(float(f"{match.e_value:.4g}") for match in wrong),
        found=tuple(shelf.sources[match.recording].path for match in wrong),
        same=tuple(repeats),
        took_s=took_s,
        max_e=max_e,
    )


def _same_sound(path: Path, start_s: float, there: Path, match: Match) -> bool:
    """Whether what was found sounds the same there after all, or holds one recording with it."""
    segment = min(match.segments, key=lambda one: one.e_value)
    true_s, claimed_s = start_s + segment.query_start_s, segment.reference_start_s
    length_s = segment.query_end_s - segment.query_start_s
    if match.e_value > LOOKED_AT_E:
        return False
    alike = repeat_likeness(path, true_s=true_s, claimed_s=claimed_s, length_s=length_s, claimed_in=there)
    if alike >= SAME_SOUND or match.e_value > COMPARED_AT_E:
        return alike >= SAME_SOUND
    speed = 1.0 if match.change is None else match.change.stretch
    return shares_recording(path, there, start_s=true_s, claimed_s=claimed_s, length_s=length_s, speed=speed)


def observed(asked: Sequence[Asked], claimed: Sequence[float] = CLAIMED) -> NDArray[np.float64]:
    """False matches for each query that was asked for as much, at each claimed E-value or better."""
    counts, sizes = _counts(asked, claimed)
    return counts / np.maximum(sizes, 1)


def _counts(
    asked: Sequence[Asked], claimed: Sequence[float] = CLAIMED
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    every = np.array([(e, one.max_e) for one in asked for e in one.e_values]).reshape(-1, 2)
    limits = np.array([one.max_e for one in asked])
    rows = [(((every[:, 0] <= c) & (every[:, 1] >= c)).sum(), (limits >= c).sum()) for c in claimed]
    counts, sizes = np.array(rows).T
    return counts, sizes


def bounds(asked: Sequence[Asked], *, seed: int = 0, draws: int = 300) -> NDArray[np.float64]:
    """2.5 and 97.5 % of `observed` when whole tracks are drawn anew; shape (2, n_claimed)."""
    rng = np.random.default_rng(seed)
    tracks = sorted({one.track for one in asked})
    of_track = {track: [one for one in asked if one.track == track] for track in tracks}
    pairs = np.array([_counts(of_track[track]) for track in tracks])
    drawn = rng.integers(len(tracks), size=(draws, len(tracks)))
    counts, sizes = np.moveaxis(pairs[drawn].sum(axis=1), 1, 0)
    rates = counts / np.maximum(sizes, 1)
    return np.asarray(np.quantile(rates, [0.025, 0.975], axis=0))


def fit(asked: Sequence[Asked]) -> tuple[float, float]:
    """Offset and slope of ``log observed`` over ``log claimed``: what turns a claim into an honest one.

    Claims weigh by how surely their rates are known: one pair of pieces may bring half of the rarest.
    """
    claimed = np.array(CLAIMED)
    rates, (low, high) = observed(asked), bounds(asked)
    kept = _well_counted(asked) & (claimed <= STEERED_BY_E)
    if np.count_nonzero(kept) < 3:
        raise SystemExit(f"{len(asked)} queries gave too few false matches to fit: ask more")
    # that only one track gave any bounds a rate by nothing below
    spread = np.log(high[kept]) - np.log(np.maximum(low[kept], rates[kept] / LEAST_BOUND))
    slope, offset = np.polyfit(np.log(claimed[kept]), np.log(rates[kept]), 1, w=1 / np.maximum(spread, 1e-2))
    return float(offset), float(slope)


def _well_counted(asked: Sequence[Asked]) -> NDArray[np.bool_]:
    counts, _ = _counts(asked)
    return np.asarray(counts >= LEAST_OBSERVED)


def table(asked: Sequence[Asked]) -> str:
    """Claimed and observed, with bounds, as Markdown."""
    low, high = bounds(asked)
    lines = ["| claimed E | observed | 95 % bounds, by track |", "|---|---|---|"]
    for claim, rate, least, most in zip(CLAIMED, observed(asked), low, high, strict=True):
        lines.append(f"| {claim:g} | {rate:.3g} | {least:.3g} - {most:.3g} |")
    return "\n".join(lines)


def plot(asked: Sequence[Asked], path: Path) -> None:
    """Draw claimed against observed on logarithmic axes."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    low, high = bounds(asked)
    figure, axes = pyplot.subplots(figsize=(5, 5))
    # nothing observed has no place on a logarithmic axis, and is no claim of zero
    rates = np.where(observed(asked) > 0, observed(asked), np.nan)
    axes.fill_between(CLAIMED, np.maximum(low, 1e-5), np.where(high > 0, high, np.nan), alpha=0.3)
    axes.plot(CLAIMED, rates, "o-", label=f"observed, {len(asked)} queries")
    axes.plot(CLAIMED, CLAIMED, "k--", label="honest")
    axes.set(
        xscale="log", yscale="log", xlabel="E-value claimed", ylabel="false matches for each absent query"
    )
    axes.legend()
    figure.savefig(path, dpi=120, bbox_inches="tight")


def recalibrate(asked: Sequence[Asked], *, spoken: bool) -> None:
    """Fold what was observed into the shipped constants, of music or of spoken word."""
    scoring = calibration_of(extractor())
    offset, slope = fit(asked)
    if spoken:
        offset, slope = offset + slope * scoring.spoken_offset, slope * scoring.spoken_slope
        fitted = replace(scoring, spoken_offset=offset, spoken_slope=slope)
    else:
        offset, slope = offset + slope * scoring.calibration_offset, slope * scoring.calibration_slope
        checked_to = min(np.array(CLAIMED)[_well_counted(asked)])
        fitted = replace(
            scoring, calibration_offset=offset, calibration_slope=slope, checked_to=float(checked_to)
        )
    replace_calibration(fitted)


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks calibrate", description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True, help="spectrograms, as training keeps them")
    parser.add_argument("--role", choices=["train", "validation", "test", "all"], default="validation")
    parser.add_argument("--kind", choices=["music", "speech"], default="music")
    parser.add_argument("--lengths", default="3,8", help="seconds, separated by commas")
    parser.add_argument("--queries", type=int, default=2000)
    parser.add_argument(
        "--keep-package",
        action="store_true",
        help="ask a track's package too: same composer and instruments, and loops that its tracks do share",
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


def ask_some(options: argparse.Namespace, worker: int) -> tuple[list[Asked], int]:
    """One worker's share of the queries, and how many codes they were asked of."""
    faiss.omp_set_num_threads(1)
    roles: tuple[Role, ...] = ("test" if options.role == "test" else "validation", "train")
    held = [
        source
        for role in roles
        for source in sources(options.corpus, role=role)
        if source.kind in ("music", "speech")
    ]
    shelf = shelve(held, extractor(), corpus=options.corpus, cache=options.cache)
    same = copies(shelf, Corpus.open(options.corpus), package=not options.keep_package)
    excerpts = draw(
        shelf,
        options.role,
        options.kind,
        lengths_s=[float(length) for length in options.lengths.split(",")],
        corpus=options.corpus,
        cache=options.cache,
        seed=options.seed + worker,
    )
    asked = [
        ask(
            shelf,
            same[excerpt[0]],
            *excerpt,
            options.effort,
            options.corpus,
            max_e=limit_of(number),
        )
        for number, excerpt in zip(range(worker, options.queries, options.workers), excerpts, strict=False)
    ]
    return asked, shelf.n_codes(SHELF)


def main(argv: Sequence[str]) -> int:
    """Ask, count, and say how honest the E-values are."""
    options = _arguments(argv)
    with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn")) as pool:
        shares = list(pool.map(ask_some, [options] * options.workers, range(options.workers)))
    asked = [one for share, _ in shares for one in share]
    print(table(asked))
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
        rows = [asdict(one) for one in asked]
        kept = record("calibrate", scheme=extractor().scheme, seed=options.seed, options=settings, rows=rows)
        print(save(kept, options.record))
    if options.plot:
        plot(asked, options.plot)
    if options.write:
        recalibrate(asked, spoken=options.kind == "speech")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
