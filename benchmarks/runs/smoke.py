"""A small evaluation on sample_audio, for every change: it takes a minute and needs no corpus.

Four short pieces are indexed and one is absent: too few to measure a rate, enough to detect a regression.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.data.corpus import Track
from benchmarks.data.queries import pick
from benchmarks.report.score import MATCH_E
from benchmarks.runs.identify import Plan, ProductRunner, Task
from benchmarks.systems.product import references
from earwitness.index.match import Effort

SAMPLES: Final = Path(__file__).parents[2] / "sample_audio"
SMOKE_CONDITIONS: Final = ("clean", "mp3_32k", "band_300_3400", "white_0", "speed_+12", "reverb")
QUERY_S: Final = 8.0
SEED: Final = 7


def main(argv: Sequence[str]) -> int:
    """Search all queries, print the failures, and return 1 if an answer is missed or wrong."""
    if argv:
        raise SystemExit("smoke takes no options")
    tracks = [_track(path) for path in sorted((SAMPLES / "originals").iterdir())]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        indexed, absent = tracks[:-1], tracks[-1]
        plan = Plan(
            corpus=SAMPLES, work=work, home=references(SAMPLES, indexed, work=work),
            references=tuple(indexed), role="test", lengths_s=(QUERY_S,), effort=Effort.STANDARD, seed=SEED,
        )  # fmt: skip
        runner = ProductRunner(plan)
        failures = [
            line for track in tracks for line in _failures(runner, track, present=track is not absent)
        ]
    for line in failures:
        print(line)
    n_queries = len(tracks) * len(SMOKE_CONDITIONS)
    print(f"smoke: {n_queries - len(failures)} of {n_queries} queries have the expected answer")
    return 1 if failures else 0


def _track(path: Path) -> Track:
    return Track(
        path=path.relative_to(SAMPLES).as_posix(), package="sample_audio", kind="music", role="test",
        overlay_for=None, duration_s=24.0, license="CC0-1.0",
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        dup_group=None, self_repeat_s=0.0, self_repeat_lag_s=0.0,
    )  # fmt: skip


def _failures(runner: ProductRunner, track: Track, *, present: bool) -> list[str]:
    (excerpt,) = pick(SAMPLES, [track], n=1, longest_s=QUERY_S, seed=SEED)
    failures = []
    for condition in SMOKE_CONDITIONS:
        (row,) = runner.rows(Task(excerpt=excerpt, condition=condition, present=present))
        reported = [answer["track"] for answer in row["answers"] if answer["e"] <= MATCH_E]
        expected = [track.path] if present else []
        if reported != expected:
            failures.append(
                f"{condition}, {track.path}: reported {reported or 'nothing'}, "
                f"expected {expected or 'nothing'}"
            )
    return failures
