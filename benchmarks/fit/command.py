"""``python -m benchmarks fit all|NAME``: fit the scheme's numbers and write ``calibration.json``.

Fits are run in order of dependence on validation audio, and on training audio where the network plays no
part. A second run with the same seed on one machine gives the same numbers, with any number of processes.
On another machine the simulated rooms, with which some queries are degraded, differ a little, because
pyroomacoustics traces rays. A small difference in the first fits causes a larger one in later fits.
``--check`` therefore gives each fit the shipped numbers of the fits before it, and compares what it returns.
What each number was fitted on is written to ``calibration_fits.json``, beside it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from benchmarks.data.corpus import Corpus
from benchmarks.fit.fit_run import FitRun
from benchmarks.fit.provenance import Fitted, differences, read_fits, shorten, write_fits
from benchmarks.fit.registry import FITS, start_for
from benchmarks.report.records import record, save
from benchmarks.systems.spawned_workers import spawned_workers
from earwitness.fingerprint.extract import extractor
from earwitness.index.statistics.calibration import Calibration
from earwitness.index.statistics.scheme_files import calibration_of


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command's options."""
    names = "\n".join(f"  {fit.name:12s} {fit.about}: {', '.join(fit.fields)}" for fit in FITS)
    it = argparse.ArgumentParser(
        prog="python -m benchmarks fit",
        description=f"{__doc__}\nFits, in order:\n{names}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    it.add_argument("name", choices=["all", *(fit.name for fit in FITS)], metavar="all|NAME")
    it.add_argument("--corpus", type=Path, default=Path("corpus"))
    it.add_argument("--cache", type=Path, required=True, help="folder of cached spectrograms and codes")
    it.add_argument("--workers", type=int, default=1)
    it.add_argument("--seed", type=int, default=0)
    it.add_argument(
        "--share", type=float, default=1.0, help="share of the queries, for a trial: nothing is written"
    )
    it.add_argument("--record", help="name of a record of the fitted numbers")
    it.add_argument(
        "--check",
        action="store_true",
        help="write nothing, fit each number after the shipped ones before it;"
        " exit status 1 if one differs from the shipped one by more than 1 percent",
    )
    return it


def main(argv: Sequence[str]) -> int:
    """Fit, print, and write or check."""
    options = parser().parse_args(argv)
    missing = Corpus.open(options.corpus).missing()
    if missing:
        print(
            f"benchmarks: {len(missing)} files of the corpus are missing, the first is {missing[0]}: fits"
            f" would be others\n  what to do: python -m benchmarks corpus fetch {options.corpus} all",
            file=sys.stderr,
        )
        return 2
    pool: Executor | nullcontext[None] = nullcontext()
    if options.workers > 1:
        pool = spawned_workers(options.workers)
    with pool as processes:
        calibration, results = run_fits(options, calibration_of(extractor()), processes)
    if options.record:
        made = record(
            "fit",
            scheme=extractor().scheme,
            seed=options.seed,
            options=vars(options) | {"corpus": None, "cache": None},
            rows=[row for one in results for row in one.rows(options.corpus)],
        )
        print(save(made, options.record))
    if options.check:
        return check(results)
    if options.share == 1.0:
        write_fits(calibration, {one.fit.name: one.describe(options.corpus) for one in results})
    return 0


def run_fits(
    options: argparse.Namespace, shipped: Calibration, pool: Executor | None
) -> tuple[Calibration, list[Fitted]]:
    """Run the fits that were chosen, and return the calibration with their numbers."""
    calibration, results = shipped, list[Fitted]()
    for position, fit in enumerate(FITS):
        if options.name not in ("all", fit.name):
            continue
        before = time.perf_counter()
        run = FitRun(
            name=fit.name,
            queries=fit.queries,
            n_queries=max(round(fit.n_queries * options.share), 1),
            seed=options.seed,
            corpus=options.corpus,
            cache=options.cache,
            calibration=start_for(position, calibration),
            pool=pool,
        )
        result = Fitted(fit=fit, values=fit.fit(run), n_queries=run.n_queries, seed=options.seed)
        if not options.check:
            calibration = replace(calibration, **result.shipped)
        results.append(result)
        print(f"{fit.name}: {run.n_queries} queries, {time.perf_counter() - before:.0f} s", file=sys.stderr)
        for name, value in result.values.items():
            note = f", kept at {shorten(fit.kept[name].value)}" if name in fit.kept else ""
            print(f"  {name}: {shorten(value)}, shipped {shorten(getattr(shipped, name))}{note}", flush=True)
    return calibration, results


def check(results: Sequence[Fitted]) -> int:
    """Compare fitted with shipped numbers, and return the exit status."""
    calibration, stated = calibration_of(extractor()), read_fits()
    lines = [
        line
        for result in results
        for line in differences(result, calibration, stated.get(result.fit.name, {}))
    ]
    for line in lines:
        print(f"differs: {line}")
    return 1 if lines else 0
