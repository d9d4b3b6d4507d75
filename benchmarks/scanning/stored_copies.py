"""Works with changed copies: are searches as right as those that undo every change, and how fast are they?

    python -m benchmarks stored-copies --corpus corpus --work work --workers 2

The tracks of one role are stored as works. Degraded excerpts of them, and excerpts of other tracks, are
searched three times by the product's functions: with the stored copies, without them (every change of the
effort is undone), and at `fast`. Rows: ``q``, ``condition``, ``length_s``, ``track`` (None where it is in no
work); for each of ``copies``, ``ladder`` and ``fast`` the best answer (``[path, E-value]`` or None) and the
seconds of CPU; ``changes``: how many changes the copies gave hope of.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.data.corpus import Corpus, Role, Track
from benchmarks.data.degrade import CONDITIONS
from benchmarks.data.overlays import Material
from benchmarks.data.queries import degraded, middle, pick
from benchmarks.report.records import record, save
from benchmarks.runs.identify import Task, select
from benchmarks.systems.product import decoded_waveform, readable, recordings
from earwitness.fingerprint.decode import Decoder
from earwitness.fingerprint.extract import extractor
from earwitness.fingerprint.types import Query
from earwitness.index.changed_copies.copy_votes import CopyVotes
from earwitness.index.changed_copies.make_copies import make_copies
from earwitness.index.database.records import CollectionKind, NewItem
from earwitness.index.library import Library
from earwitness.index.match import Effort
from earwitness.index.matching.effort import EFFORT_PROFILES
from earwitness.index.matching.identify import identify, warm
from earwitness.index.matching.search import Search
from earwitness.index.store.home_address import HomeAddress
from earwitness.index.writer import Writer

LENGTHS_S: Final = (8.0, 3.0)
MAX_E: Final = 1e-2


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Settings of a run, for the worker processes."""

    corpus: Path
    work: Path
    home: Path
    tracks: tuple[Track, ...]
    role: Role
    effort: Effort
    seed: int


class _WithoutCopies:
    """A library that has no changed copies."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def __getattr__(self, name: str) -> Any:
        return getattr(self._library, name)

    def changed_copies(self, *_: object) -> None:
        """Return None: every change is undone."""
        return


def stored_works(root: Path, tracks: Sequence[Track], *, work: Path) -> tuple[Path, float]:
    """Return a home with these tracks as works, and the seconds of CPU that their copies took."""
    used = extractor()
    home = work / "homes" / f"works-{used.scheme}-{len(tracks)}"
    spent_s = home.with_name(f"{home.name}-cpu.txt")
    if (home / "complete").exists():
        return home, float(spent_s.read_text(encoding="utf-8"))
    took_s = 0.0
    with Writer.open(HomeAddress(home)) as writer, Decoder() as decoder:
        works = writer.collection(CollectionKind.WORKS)
        for track in tracks:
            query = used.query(decoded_waveform(root / track.path, track.sha256, decoder, work / "decoded"))
            before = time.process_time()
            copies = make_copies(query.spectrogram, used)
            took_s += time.process_time() - before
            fingerprint = used.fingerprint(query)
            item = NewItem(
                path=track.path, sha256=track.sha256, fingerprint=fingerprint, changed_copies=copies
            )
            writer.add(works, [item])
        writer.publish()
    spent_s.write_text(f"{took_s:.1f}", encoding="utf-8")
    (home / "complete").touch()
    return home, took_s


class _Searcher:
    """One process: an open library, and the three ways to search it."""

    def __init__(self, plan: Plan) -> None:
        self._plan, self._decoder = plan, Decoder()
        self._material = Material(Corpus.open(plan.corpus), role=plan.role)
        self._library = Library.open(HomeAddress(plan.home))
        self._extractor = extractor(self._library.scheme)
        self._names = recordings(self._library, plan.tracks)
        self._collections = [known.id for known in self._library.collections]
        warm(self._library.extractor)

    def rows(self, task: Task) -> list[dict[str, Any]]:
        """Search an excerpt at each length."""
        plan, longest_s = self._plan, max(LENGTHS_S)
        folder = plan.work / "queries" / f"{plan.role}-{plan.seed}-{longest_s:g}s"
        file = degraded(
            plan.corpus, task.excerpt, task.condition,
            longest_s=longest_s, seed=plan.seed, material=self._material, folder=folder,
        )  # fmt: skip
        return [self._row(task, file, length_s) for length_s in LENGTHS_S]

    def _row(self, task: Task, file: Path, length_s: float) -> dict[str, Any]:
        sound = middle(file, length_s=length_s, longest_s=max(LENGTHS_S))
        waveform = self._decoder.decode(sound, name=task.excerpt.id).waveform
        query = self._extractor.query(waveform)
        row: dict[str, Any] = {
            "q": task.excerpt.id,
            "condition": task.condition,
            "length_s": length_s,
            "track": task.excerpt.path if task.present else None,
            "changes": self._n_changes(query),
        }
        ways: dict[str, tuple[Any, Effort]] = {
            "copies": (self._library, self._plan.effort),
            "ladder": (_WithoutCopies(self._library), self._plan.effort),
            "fast": (self._library, Effort.FAST),
        }
        for way, (library, effort) in ways.items():
            before = time.process_time()
            matches = identify(
                query, library, collections=self._collections, effort=effort, max_e_value=MAX_E
            )
            spent_s = round(time.process_time() - before, 5)
            best = (
                [self._names[matches[0].recording], float(f"{matches[0].e_value:.4g}")] if matches else None
            )
            row[way] = [best, spent_s]
        return row

    def _n_changes(self, query: Query) -> int:
        profile, library = EFFORT_PROFILES[self._plan.effort], self._library
        search = Search(
            query=query,
            library=library,
            collections=self._collections,
            max_e_value=MAX_E,
            n_codes=library.n_codes(self._collections),
            profile=profile,
        )
        copies = library.changed_copies(self._collections)
        assert copies is not None
        half = search.search_half(profile.unchanged).half
        votes = CopyVotes.of(half, copies, library.calibration)
        stretches = votes.promising(profile.changed, [(0.0, query.duration_s)])
        return sum(len(stretch.windows[0].variants) for stretch in stretches)


_searcher: _Searcher | None = None


def _start(plan: Plan) -> None:
    global _searcher
    _searcher = _Searcher(plan)


def _rows(task: Task) -> list[dict[str, Any]]:
    assert _searcher is not None
    return _searcher.rows(task)


def _tasks(plan: Plan, corpus: Corpus, queried: Sequence[Track], options: argparse.Namespace) -> list[Task]:
    longest_s = max(LENGTHS_S)
    conditions = list(CONDITIONS) if options.conditions == "all" else options.conditions.split(",")
    present = pick(corpus.root, queried, n=options.queries, longest_s=longest_s, seed=plan.seed)
    others = corpus.overlays(role=plan.role, kind="music")
    absent = pick(corpus.root, others, n=options.absent, longest_s=longest_s, seed=plan.seed + 1)
    tasks = [Task(excerpt=each, condition=name, present=True) for each in present for name in conditions]
    return tasks + [Task(excerpt=each, condition="clean", present=False) for each in absent]


def main(argv: Sequence[str]) -> int:
    """Store the works, search the excerpts, write the record."""
    it = argparse.ArgumentParser(prog="python -m benchmarks stored-copies", description=__doc__)
    it.add_argument("--corpus", type=Path, default=Path("corpus"))
    it.add_argument("--work", type=Path, default=Path("work"))
    it.add_argument("--split", choices=["test", "validation"], default="test")
    it.add_argument("--conditions", default="all", help="names, comma-separated, or all")
    it.add_argument("--queries", type=int, default=60, help="excerpts for each condition")
    it.add_argument("--absent", type=int, default=1_000, help="excerpts of other tracks")
    it.add_argument("--effort", type=Effort, default=Effort.FULL)
    it.add_argument("--seed", type=int, default=2026)
    it.add_argument("--workers", type=int, default=1)
    it.add_argument("--name", default="stored-copies")
    options = it.parse_args(argv)
    corpus = Corpus.open(options.corpus)
    queried, indexed = select(corpus, role=options.split, kind="music", distractors=False)
    indexed, _ = readable(corpus.root, indexed, work=options.work)
    home, made_s = stored_works(corpus.root, indexed, work=options.work)
    plan = Plan(
        corpus=corpus.root,
        work=options.work,
        home=home,
        tracks=tuple(indexed),
        role=options.split,
        effort=options.effort,
        seed=options.seed,
    )
    tasks = _tasks(plan, corpus, queried, options)
    print(f"{len(tasks)} excerpts against {len(indexed)} works", file=sys.stderr)
    with multiprocessing.get_context("spawn").Pool(options.workers, _start, (plan,)) as pool:
        rows = [row for rows in pool.imap(_rows, tasks) for row in rows]
    hours = sum(track.duration_s for track in indexed) / 3600
    settings = {
        "effort": options.effort.value,
        "hours": round(hours, 2),
        "works": len(indexed),
        "copies_cpu_s_per_hour": round(made_s / hours, 1),
    }
    made = record("stored-copies", scheme=extractor().scheme, seed=options.seed, options=settings, rows=rows)
    print(save(made, options.name))
    return 0
