"""How often the right track is named, told and placed: degrade, ask, keep the raw answers.

Every query enters as a WAV file's bytes through the product's sandboxed decoder and walks the product's
road; lossy codecs were applied before, by real encoders. Rows: ``q``, ``condition``, ``length_s``, ``track``
(None where the track is in no index), ``start_s``, ``s`` (seconds from waveform to matches), ``answers``, and
for a right track ``off`` (seconds) and, if that is not small, ``repeat`` (how alike the two places sound).
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
from benchmarks.report.score import answers_of, offset_error_s, repeat_likeness
from benchmarks.runs.peers import Peer, peer
from benchmarks.runs.product import AudioBackend, readable, references
from earwitness.fingerprint.extract import extractor
from earwitness.index.match import Effort


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that a worker process needs to know."""

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
        """Excerpts are degraded at this length; shorter queries are their middles."""
        return max(self.lengths_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One excerpt under one condition."""

    excerpt: Excerpt
    condition: str
    present: bool


class Asker:
    """Answers tasks: the product, in one process."""

    def __init__(self, plan: Plan) -> None:
        assert plan.home is not None
        self._plan = plan
        self._material = Material(Corpus.open(plan.corpus), role=plan.role)
        self._road = AudioBackend(plan.home, plan.references, plan.effort)

    def rows(self, task: Task) -> list[dict[str, Any]]:
        """One row for each length."""
        file = sound_file(self._plan, task, self._material)
        return [self._row(task, file, length_s) for length_s in self._plan.lengths_s]

    def _row(self, task: Task, file: Path, length_s: float) -> dict[str, Any]:
        plan = self._plan
        sound = middle(file, length_s=length_s, longest_s=plan.longest_s)
        matches, seconds = self._road.ask(sound, name=task.excerpt.id)
        answers = answers_of(matches, self._road.names)
        return complete(plan, task, length_s, answers) | {"s": round(seconds, 4)}


class PeerAsker:
    """Answers tasks: another system, over the same files."""

    def __init__(self, plan: Plan) -> None:
        assert plan.peer is not None
        self._plan = plan
        self._material = Material(Corpus.open(plan.corpus), role=plan.role)
        self._peer: Peer = peer(plan.peer)
        self._peer.index([(track.path, plan.corpus / track.path) for track in plan.references])

    def rows(self, task: Task) -> list[dict[str, Any]]:
        """One row for each length."""
        file = sound_file(self._plan, task, self._material)
        rows = []
        for length_s in self._plan.lengths_s:
            asked = self._plan.work / f"peer-{os.getpid()}" / f"{task.excerpt.id}.wav"
            asked.parent.mkdir(exist_ok=True)
            asked.write_bytes(middle(file, length_s=length_s, longest_s=self._plan.longest_s))
            start = time.perf_counter()
            answers = self._peer.answer(asked)
            seconds = time.perf_counter() - start
            rows.append(complete(self._plan, task, length_s, answers) | {"s": round(seconds, 4)})
        return rows


def sound_file(plan: Plan, task: Task, material: Material) -> Path:
    """The degraded excerpt of a task; made only once for a role, seed and length."""
    kept = plan.work / "queries" / f"{plan.role}-{plan.seed}-{plan.longest_s:g}s"
    return degraded(
        plan.corpus, task.excerpt, task.condition,
        longest_s=plan.longest_s, seed=plan.seed, material=material, kept=kept,
    )  # fmt: skip


def complete(plan: Plan, task: Task, length_s: float, answers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A row but for its seconds: what was asked, what was answered, and how far from the truth that lies."""
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
                repeat_likeness(
                    plan.corpus / task.excerpt.path,
                    true_s=start_s + stretch * query_start,
                    claimed_s=claimed_s,
                    length_s=stretch * (query_end - query_start),
                ),
                3,
            )
    return row


_asker: Asker | PeerAsker | None = None


def _start(plan: Plan) -> None:
    global _asker
    _asker = Asker(plan) if plan.peer is None else PeerAsker(plan)


def _rows(task: Task) -> list[dict[str, Any]]:
    assert _asker is not None
    return _asker.rows(task)


def run(plan: Plan, tasks: Sequence[Task], *, workers: int, minutes: float) -> Iterator[dict[str, Any]]:
    """Answer tasks in order until all are done or the time is up."""
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
    with multiprocessing.get_context("spawn").Pool(workers, _start, (plan,)) as pool:
        for rows in pool.imap(_rows, tasks):
            yield from rows
            if time.monotonic() > end:
                return


def resumed(
    file: Path, plan: Plan, todo: Sequence[Task], *, workers: int, minutes: float
) -> list[dict[str, Any]]:
    """Rows of all tasks; those that an earlier, broken-off run left in `file` are not asked again."""
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
    plan: Plan, corpus: Corpus, asked: Sequence[Track], *, conditions: Sequence[str], n: int, n_absent: int
) -> list[Task]:
    """`n` excerpts of `asked` under each condition, and `n_absent` of tracks that no index holds."""
    present = pick(corpus.root, asked, n=n, longest_s=plan.longest_s, seed=plan.seed)
    chance_mask = [t for kind in ("music", "speech") for t in corpus.overlays(role=plan.role, kind=kind)]
    absent = (
        pick(corpus.root, chance_mask, n=n_absent, longest_s=plan.longest_s, seed=plan.seed + 1)
        if n_absent
        else []
    )
    rounds = []
    each_round = -(-n_absent // max(n, 1))
    # excerpt by excerpt, so that a run that is broken off has asked equally often under each condition
    for number in range(max(n, 1)):
        rounds += [
            Task(excerpt=e, condition=name, present=True)
            for e in present[number : number + 1]
            for name in conditions
        ]
        for excerpt in absent[number * each_round : (number + 1) * each_round]:
            drawn = str(chance(plan.seed, "absent", excerpt.id).choice(list(conditions)))
            other = replace(excerpt, id=f"absent-{excerpt.id}")
            rounds.append(Task(excerpt=other, condition=drawn, present=False))
    return rounds


def select(
    corpus: Corpus, *, role: Role, kind: str | None, distractors: bool
) -> tuple[list[Track], list[Track]]:
    """The tracks asked about, and all that are indexed: those, and where wanted what was trained on."""
    hidden = {t.path for k in ("music", "speech") for t in corpus.overlays(role=role, kind=k)}
    wanted = [t for t in corpus.select() if t.path not in hidden and t.kind != "ambience"]
    asked = [t for t in wanted if t.role == role and kind in (None, t.kind)]
    indexed = [t for t in wanted if t.role == role or (distractors and t.role == "train")]
    return asked, indexed


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    it = argparse.ArgumentParser(prog="python -m benchmarks identify", description=__doc__)
    it.add_argument("--corpus", type=Path, default=Path("corpus"), help="folder that `corpus fetch` filled")
    it.add_argument(
        "--work", type=Path, default=Path("work"), help="indexes and degraded queries are kept here"
    )
    it.add_argument("--split", choices=["test", "validation", "train"], default="test")
    it.add_argument("--kind", choices=["music", "speech"], help="ask about this kind only")
    it.add_argument("--conditions", default="all", help="names, comma-separated, or all")
    it.add_argument("--lengths", default="8,3", help="seconds, comma-separated")
    it.add_argument("--queries", type=int, default=300, help="excerpts for each condition")
    it.add_argument("--absent", type=int, default=300, help="excerpts of tracks that are in no index")
    it.add_argument("--effort", choices=[str(effort) for effort in Effort], default="full")
    it.add_argument("--no-distractors", action="store_true", help="index only the tracks asked about")
    it.add_argument("--peer", help="`chromaprint`, or a command that speaks the adapter protocol")
    it.add_argument("--workers", type=int, default=1)
    it.add_argument(
        "--minutes", type=float, default=1e6, help="stop after so many and keep what was answered"
    )
    it.add_argument("--seed", type=int, default=2026)
    it.add_argument("--name", help="name of the record; by default made from the options")
    return it


def main(argv: Sequence[str]) -> int:
    """Run the entry and write its record."""
    options = parser().parse_args(argv)
    corpus = Corpus.open(options.corpus)
    asked, indexed = select(
        corpus, role=options.split, kind=options.kind, distractors=not options.no_distractors
    )
    indexed, unreadable = readable(corpus.root, indexed, work=options.work)
    known = {track.path for track in indexed}
    asked = [track for track in asked if track.path in known]
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
    todo = tasks(plan, corpus, asked, conditions=conditions, n=options.queries, n_absent=options.absent)
    print(f"{len(todo)} excerpts against {sum(t.duration_s for t in indexed) / 3600:.1f} h", file=sys.stderr)
    system = Path(options.peer.split()[0]).name if options.peer else f"earwitness-{options.effort}"
    name = options.name or f"identify-{system}-{options.split}"
    scheme = options.peer or extractor().scheme
    rows = resumed(
        options.work / "answers" / f"{name}-{scheme}.jsonl", plan, todo,
        workers=options.workers, minutes=options.minutes,
    )  # fmt: skip
    said = vars(options) | {
        "corpus": None, "work": None, "references": len(indexed), "unreadable": unreadable,
        "hours": round(sum(track.duration_s for track in indexed) / 3600, 2),
    }  # fmt: skip
    print(save(record("identify", scheme=scheme, seed=options.seed, options=said, rows=rows), name))
    return 0
