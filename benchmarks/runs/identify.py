"""How often the right track is ranked first, reported as match, and placed: searches degraded excerpts.

Every query is the bytes of a WAV file, decoded and searched as the product does it; lossy codecs were applied
before, by real encoders. Rows: ``q``, ``condition``, ``length_s``, ``track`` (None where the track is in no
index), ``start_s``, ``s`` (seconds from waveform to matches), ``active_s`` (seconds that are not silent),
``answers``, and for a right track ``off`` (seconds) and, if that is not small, ``repeat`` (similarity of the
two places).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.data.corpus import Corpus, Role, Track
from benchmarks.data.degrade import CONDITIONS, chance
from benchmarks.data.overlays import Material
from benchmarks.data.queries import Excerpt, degraded, middle, pick
from benchmarks.report.records import record, save
from benchmarks.report.score import answers_of, offset_error_s, repeat_similarity
from benchmarks.systems.peers import Peer, peer
from benchmarks.systems.product import Product, readable, references
from earwitness.fingerprint.extract import extractor
from earwitness.fingerprint.lifeline import die_with_parent
from earwitness.index.match import Effort


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Settings of a run, for the worker processes."""

    corpus: Path
    work: Path
    home: Path | None
    references: tuple[Track, ...]
    role: Role
    lengths_s: tuple[float, ...]
    effort: Effort
    seed: int
    peer: str | None = None

    @property
    def longest_s(self) -> float:
        """Length in seconds at which excerpts are degraded; shorter queries are cut from the middle."""
        return max(self.lengths_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One excerpt under one condition."""

    excerpt: Excerpt
    condition: str
    present: bool


class ProductRunner:
    """Runs tasks with the product, in one process."""

    def __init__(self, plan: Plan) -> None:
        assert plan.home is not None
        self._plan = plan
        self._material = Material(Corpus.open(plan.corpus), role=plan.role)
        self._product = Product(plan.home, plan.references, plan.effort)

    def rows(self, task: Task) -> list[dict[str, Any]]:
        """Return one row for each query length."""
        file = sound_file(self._plan, task, self._material)
        return [self._row(task, file, length_s) for length_s in self._plan.lengths_s]

    def _row(self, task: Task, file: Path, length_s: float) -> dict[str, Any]:
        plan = self._plan
        sound = middle(file, length_s=length_s, longest_s=plan.longest_s)
        searched = self._product.search(sound, name=task.excerpt.id)
        answers = answers_of(searched.matches, self._product.names)
        return complete(plan, task, length_s, answers) | {
            "s": round(searched.took_s, 4),
            "active_s": round(searched.active_s, 1),
        }


class PeerRunner:
    """Runs tasks with another system, on the same files."""

    def __init__(self, plan: Plan) -> None:
        assert plan.peer is not None
        self._plan = plan
        self._material = Material(Corpus.open(plan.corpus), role=plan.role)
        self._peer: Peer = peer(plan.peer)
        self._peer.index([(track.path, plan.corpus / track.path) for track in plan.references])

    def rows(self, task: Task) -> list[dict[str, Any]]:
        """Return one row for each query length."""
        file = sound_file(self._plan, task, self._material)
        rows = []
        for length_s in self._plan.lengths_s:
            query_file = self._plan.work / f"peer-{os.getpid()}" / f"{task.excerpt.id}.wav"
            query_file.parent.mkdir(exist_ok=True)
            query_file.write_bytes(middle(file, length_s=length_s, longest_s=self._plan.longest_s))
            start = time.perf_counter()
            answers = self._peer.answer(query_file)
            seconds = time.perf_counter() - start
            rows.append(complete(self._plan, task, length_s, answers) | {"s": round(seconds, 4)})
        return rows


def sound_file(plan: Plan, task: Task, material: Material) -> Path:
    """Return the degraded excerpt of a task; written once for each role, seed and length."""
    folder = plan.work / "queries" / f"{plan.role}-{plan.seed}-{plan.longest_s:g}s"
    return degraded(
        plan.corpus, task.excerpt, task.condition,
        longest_s=plan.longest_s, seed=plan.seed, material=material, folder=folder,
    )  # fmt: skip


def complete(plan: Plan, task: Task, length_s: float, answers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return a row without its seconds: query, answers, and their distance from the true place."""
    stretch = CONDITIONS[task.condition].stretch
    start_s = task.excerpt.start_s + stretch * (plan.longest_s - length_s) / 2
    row: dict[str, Any] = {
        "q": task.excerpt.id,
        "condition": task.condition,
        "length_s": length_s,
        "kind": task.excerpt.kind,
        "track": task.excerpt.path if task.present else None,
        "start_s": round(start_s, 3),
        "answers": answers,
    }
    if task.present and answers and answers[0]["track"] == task.excerpt.path:
        off = offset_error_s(answers[0], start_s=start_s, stretch=stretch)
        row["off"] = round(off, 3)
        if off > 0.25:
            query_start, query_end, claimed_s, _ = answers[0]["at"]
            row["repeat"] = round(
                repeat_similarity(
                    plan.corpus / task.excerpt.path,
                    true_s=start_s + stretch * query_start,
                    claimed_s=claimed_s,
                    length_s=stretch * (query_end - query_start),
                ),
                3,
            )
    return row


_runner: ProductRunner | PeerRunner | None = None


def _start(plan: Plan) -> None:
    global _runner
    _runner = ProductRunner(plan) if plan.peer is None else PeerRunner(plan)


def _start_worker(plan: Plan, parent: int) -> None:
    die_with_parent(parent)
    _start(plan)


def _rows(task: Task) -> list[dict[str, Any]]:
    assert _runner is not None
    return _runner.rows(task)


def run(plan: Plan, tasks: Sequence[Task], *, workers: int, minutes: float) -> Iterator[dict[str, Any]]:
    """Yield the rows of the tasks in order, until all are done or the time is up."""
    end = time.monotonic() + 60 * minutes
    if not tasks:
        return
    if workers == 1:
        _start(plan)
        for task in tasks:
            if time.monotonic() > end:
                return
            yield from _rows(task)
        return
    with multiprocessing.get_context("spawn").Pool(workers, _start_worker, (plan, os.getpid())) as pool:
        for rows in pool.imap(_rows, tasks):
            yield from rows
            if time.monotonic() > end:
                return


def resumed(
    file: Path, plan: Plan, todo: Sequence[Task], *, workers: int, minutes: float
) -> list[dict[str, Any]]:
    """Return the rows of all tasks; those that an interrupted run left in `file` are not repeated."""
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True) if file.exists() else []
    rows = [json.loads(line) for line in lines if line.endswith("\n")]
    done = Counter((row["q"], row["condition"]) for row in rows)
    n_rows = len(plan.lengths_s)
    rows = [row for row in rows if done[row["q"], row["condition"]] == n_rows]
    left = [task for task in todo if done[task.excerpt.id, task.condition] != n_rows]
    with file.open("w", encoding="utf-8", buffering=1) as out:
        out.writelines(json.dumps(row) + "\n" for row in rows)
        for row in run(plan, left, workers=workers, minutes=minutes):
            rows.append(row)
            out.write(json.dumps(row) + "\n")
    return rows


def tasks(
    plan: Plan, corpus: Corpus, queried: Sequence[Track], *, conditions: Sequence[str], n: int, n_absent: int
) -> list[Task]:
    """Return tasks: `n` excerpts of `queried` under each condition, `n_absent` of tracks in no index."""
    present = pick(corpus.root, queried, n=n, longest_s=plan.longest_s, seed=plan.seed)
    overlays = [t for kind in ("music", "speech") for t in corpus.overlays(role=plan.role, kind=kind)]
    absent = (
        pick(corpus.root, overlays, n=n_absent, longest_s=plan.longest_s, seed=plan.seed + 1)
        if n_absent
        else []
    )
    rounds = []
    each_round = -(-n_absent // max(n, 1))
    # excerpt by excerpt, so that an interrupted run has the same number of queries for each condition
    for number in range(max(n, 1)):
        rounds += [
            Task(excerpt=e, condition=name, present=True)
            for e in present[number : number + 1]
            for name in conditions
        ]
        for excerpt in absent[number * each_round : (number + 1) * each_round]:
            condition = str(chance(plan.seed, "absent", excerpt.id).choice(list(conditions)))
            other = replace(excerpt, id=f"absent-{excerpt.id}")
            rounds.append(Task(excerpt=other, condition=condition, present=False))
    return rounds


def select(
    corpus: Corpus, *, role: Role, kind: str | None, distractors: bool
) -> tuple[list[Track], list[Track]]:
    """Return the queried tracks, and all indexed tracks: these and, with `distractors`, training tracks."""
    hidden = {t.path for k in ("music", "speech") for t in corpus.overlays(role=role, kind=k)}
    wanted = [t for t in corpus.select() if t.path not in hidden and t.kind != "ambience"]
    queried = [t for t in wanted if t.role == role and kind in (None, t.kind)]
    indexed = [t for t in wanted if t.role == role or (distractors and t.role == "train")]
    return queried, indexed


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command's options."""
    it = argparse.ArgumentParser(prog="python -m benchmarks identify", description=__doc__)
    it.add_argument("--corpus", type=Path, default=Path("corpus"), help="folder that `corpus fetch` filled")
    it.add_argument("--work", type=Path, default=Path("work"), help="folder of indexes and degraded queries")
    it.add_argument("--split", choices=["test", "validation", "train"], default="test")
    it.add_argument("--kind", choices=["music", "speech"], help="query this kind only")
    it.add_argument("--conditions", default="all", help="names, comma-separated, or all")
    it.add_argument("--lengths", default="8,3", help="seconds, comma-separated")
    it.add_argument("--queries", type=int, default=300, help="excerpts for each condition")
    it.add_argument("--absent", type=int, default=300, help="excerpts of tracks that are in no index")
    it.add_argument("--effort", choices=[str(effort) for effort in Effort], default="full")
    it.add_argument("--no-distractors", action="store_true", help="index only the queried tracks")
    it.add_argument("--peer", help="`chromaprint`, or a command that implements the adapter protocol")
    it.add_argument("--workers", type=int, default=1)
    it.add_argument(
        "--minutes", type=float, default=1e6, help="stop after this time and save the rows so far"
    )
    it.add_argument("--seed", type=int, default=2026)
    it.add_argument("--name", help="name of the record; by default built from the options")
    return it


def main(argv: Sequence[str]) -> int:
    """Run the entry and write its record."""
    options = parser().parse_args(argv)
    corpus = Corpus.open(options.corpus)
    queried, indexed = select(
        corpus, role=options.split, kind=options.kind, distractors=not options.no_distractors
    )
    indexed, unreadable = readable(corpus.root, indexed, work=options.work)
    known = {track.path for track in indexed}
    queried = [track for track in queried if track.path in known]
    plan = Plan(
        corpus=corpus.root,
        work=options.work,
        home=None if options.peer else references(corpus.root, indexed, work=options.work),
        references=tuple(indexed),
        role=options.split,
        lengths_s=tuple(float(one) for one in options.lengths.split(",")),
        effort=Effort(options.effort),
        seed=options.seed,
        peer=options.peer,
    )
    conditions = list(CONDITIONS) if options.conditions == "all" else options.conditions.split(",")
    todo = tasks(plan, corpus, queried, conditions=conditions, n=options.queries, n_absent=options.absent)
    print(f"{len(todo)} excerpts against {sum(t.duration_s for t in indexed) / 3600:.1f} h", file=sys.stderr)
    system = Path(options.peer.split()[0]).name if options.peer else f"earwitness-{options.effort}"
    name = options.name or f"identify-{system}-{options.split}"
    scheme = options.peer or extractor().scheme
    rows = resumed(
        options.work / "answers" / f"{name}-{scheme}.jsonl", plan, todo,
        workers=options.workers, minutes=options.minutes,
    )  # fmt: skip
    settings = vars(options) | {
        "corpus": None, "work": None, "references": len(indexed), "unreadable": unreadable,
        "hours": round(sum(track.duration_s for track in indexed) / 3600, 2),
    }  # fmt: skip
    print(save(record("identify", scheme=scheme, seed=options.seed, options=settings, rows=rows), name))
    return 0
