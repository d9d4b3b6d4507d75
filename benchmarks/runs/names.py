"""``python -m benchmarks names``: speed of lists of names, and claimed E-values against shuffled pairs.

Rows of the record, by ``what``:

``read``
    One list: its layout, ``rows``, those ``refused`` and ``nameless``, seconds ``s`` from the command to the
    durable list, seconds of processor time of the two processes, the bytes stored, the most memory of either.
``spelling``
    See `benchmarks.shelf.name_spellings`.
``ask``
    Works that were asked together, half of them in the list, and the seconds ``s``.
``counted``
    The same as ``chance`` for many more pairs, with the frequencies and entries counted from the songs
    themselves, as the look-up counts them (`tests/unit/index/test_stored_names.py`).
``chance``
    Pairs of an artist and a title of different rows of the list, by their E-value: how many ``pairs``, the
    sum ``claimed`` of their E-values, and the entries ``observed``.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.data.made_lists import MadeSongs, made_songs, video_id, write_parquet
from benchmarks.report.records import record, save
from benchmarks.systems.spawned_workers import spawned_workers
from earwitness.api.datasets.isolated.read_request import Request
from earwitness.api.datasets.name_lists.name_source import opened_names
from earwitness.api.settings import Settings
from earwitness.api.shelf.catalogue import answered
from earwitness.api.shelf.stored_names import names_path, store_names
from earwitness.index.names.name_entries import NameEntry
from earwitness.index.names.name_list import NameList
from earwitness.index.names.recording_ids import RecordingId

BINS: Final = (0.0, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, float("inf"))
N_WORKS: Final = 1_000
MIB: Final = 1 << 20
PAIRS_AT_ONCE: Final = 2_000_000


def main(argv: Sequence[str]) -> int:
    """Read the lists, ask, shuffle, and write the record."""
    it = argparse.ArgumentParser(prog="python -m benchmarks names", description=__doc__)
    it.add_argument("--rows", type=int, default=1_000_000, help="rows of the made list")
    it.add_argument("--pairs", type=int, default=200_000, help="shuffled pairs")
    it.add_argument("--counted", type=int, help="only count so many shuffled pairs, without a stored list")
    it.add_argument(
        "--spellings", action="store_true", help="what is found in other spellings, and by chance"
    )
    it.add_argument("--lists", type=Path, nargs="*", default=[], help="published lists to read as well")
    it.add_argument("--seed", type=int, default=7)
    it.add_argument("--record", default="names")
    options = it.parse_args(argv)
    if options.spellings:
        from benchmarks.shelf.name_spellings import spellings

        with tempfile.TemporaryDirectory() as folder:
            songs = made_songs(options.rows, seed=options.seed)
            rows = list(spellings(songs, Path(folder), n_pairs=options.pairs, seed=options.seed))
    elif options.counted:
        rows = list(counted(made_songs(options.rows, seed=options.seed), options.counted, seed=options.seed))
    else:
        with tempfile.TemporaryDirectory() as folder:
            rows = list(measured(options, Path(folder)))
    for row in rows:
        print(row)
    stated = {name: value for name, value in vars(options).items() if name not in {"lists", "record", "seed"}}
    if not options.spellings:
        del stated["spellings"]
    made = record("names", scheme="names/1", seed=options.seed, options=stated, rows=rows)
    print(save(made, options.record))
    return 0


def measured(options: Any, folder: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of the record."""
    settings = Settings(home=folder / "home")
    for path in options.lists:
        yield apart(read, path, settings, name=path.name)
    songs = made_songs(options.rows, seed=options.seed)
    path = folder / "songs.parquet"
    write_parquet(songs, path)
    yield apart(read, path, settings, name="made")
    names = NameList(names_path(settings, name="made", version="1"))
    yield ask(songs, names, seed=options.seed)
    yield from chance(songs, names, n_pairs=options.pairs, seed=options.seed)


def apart(work: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Run a function in a process of its own, so that its memory and time are its own."""
    with spawned_workers(1) as pool:
        return pool.submit(work, *arguments, **named).result()


def read(path: Path, settings: Settings, *, name: str) -> Mapping[str, Any]:
    """Read a list as ``index`` does."""
    before, begin = _processor_s(), time.monotonic()
    with opened_names(Request(source=str(path), limits=settings.source_limits())) as names:
        if names is None:
            raise SystemExit(f"{path} is not recognised as a list of names")
        stored = store_names(names.rows(), settings, name=name, version="1", layout=names.layout)
    after, s = _processor_s(), time.monotonic() - begin
    size_bytes = names_path(settings, name=name, version="1").stat().st_size
    return {
        "what": "read",
        "list": name,
        "layout": names.layout,
        "rows": names.n_rows,
        "kept": stored.n_entries,
        "refused": names.n_refused,
        "nameless": names.n_nameless,
        "s": round(s, 2),
        "own_cpu_s": round(after[0] - before[0], 2),
        "reader_cpu_s": round(after[1] - before[1], 2),
        "stored_mib": round(size_bytes / MIB, 1),
        "most_memory_mib": round(max(_most_memory_mib()), 1),
        "load": round(os.getloadavg()[0], 1),
    }


def _processor_s() -> tuple[float, float]:
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    own, children = (each.ru_utime + each.ru_stime for each in used)
    return own, children


def _most_memory_mib() -> tuple[float, float]:
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    own, children = (each.ru_maxrss / 1024 for each in used)
    return own, children


def ask(songs: MadeSongs, names: NameList, *, seed: int) -> Mapping[str, Any]:
    """Ask for works, half of which are in the list, by artist, title and a video."""
    draw = random.Random(seed)
    works = []
    for number in range(N_WORKS):
        row, is_here = draw.randrange(len(songs)), number % 2 == 0
        works.append(
            NameEntry(
                place=str(number),
                artists=tuple(songs.artists(row)),
                title=songs.title_of(row) if is_here else songs.title_of(draw.randrange(len(songs))),
                ids=(RecordingId("youtube", video_id(row if is_here else len(songs) + row)),),
            )
        )
    begin = time.monotonic()
    answers = list(answered(works, [names]))
    s = time.monotonic() - begin
    by_id = sum(any(each.e_value is None for each in one.names) for one in answers)
    return {
        "what": "ask",
        "works": N_WORKS,
        "entries": names.dataset.n_entries,
        "by_id": by_id,
        "s": round(s, 3),
    }


def chance(songs: MadeSongs, names: NameList, *, n_pairs: int, seed: int) -> Iterator[Mapping[str, Any]]:
    """Compare the E-values of shuffled pairs with the entries that they match."""
    draw = random.Random(seed + 1)
    pairs, claimed, observed = ([0.0] * (len(BINS) - 1) for _ in range(3))
    for _ in range(n_pairs):
        one, other = draw.randrange(len(songs)), draw.randrange(len(songs))
        asked = NameEntry(place="", artists=tuple(songs.artists(one)), title=songs.title_of(other))
        expected = names.expected(asked)
        place = next(n for n, limit in enumerate(BINS[1:]) if expected < limit)
        pairs[place] += 1
        claimed[place] += expected
        observed[place] += sum(each.n_entries for each in names.find(asked))
    yield from binned("chance", pairs, claimed, observed)


def counted(songs: MadeSongs, n_pairs: int, *, seed: int) -> Iterator[Mapping[str, Any]]:
    """Count shuffled pairs of a first artist and a title."""
    draw, n_songs = np.random.default_rng(seed + 2), len(songs)
    titles, title, n_title = np.unique(songs.title, return_inverse=True, return_counts=True)
    n_artist = np.bincount(songs.artist)
    both, n_both = np.unique(songs.artist * len(titles) + title, return_counts=True)
    sums = np.zeros((3, len(BINS) - 1))
    for first in range(0, n_pairs, PAIRS_AT_ONCE):
        size = min(PAIRS_AT_ONCE, n_pairs - first)
        artist, other = songs.artist[draw.integers(0, n_songs, size)], title[draw.integers(0, n_songs, size)]
        expected = n_artist[artist] * n_title[other] / n_songs
        key = artist * len(titles) + other
        place = np.minimum(np.searchsorted(both, key), len(both) - 1)
        entries = np.where(both[place] == key, n_both[place], 0)
        bins = np.digitize(expected, BINS) - 1
        for row, weights in zip(sums, (np.ones(size), expected, entries), strict=True):
            row += np.bincount(bins, weights, len(row))
    yield from binned("counted", *sums)


def binned(
    what: str, pairs: Sequence[float], claimed: Sequence[float], observed: Sequence[float]
) -> Iterator[Mapping[str, Any]]:
    """Yield sums over pairs, one row for each range of E-values."""
    for place, (low, high) in enumerate(pairwise(BINS)):
        yield {
            "what": what,
            "from": low,
            "to": None if high == float("inf") else high,
            "pairs": int(pairs[place]),
            "claimed": round(float(claimed[place]), 3),
            "observed": int(observed[place]),
        }
