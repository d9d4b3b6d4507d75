"""A small evaluation of the whole road on sample_audio, for every change: a minute, no corpus needed.

Five short pieces and two strangers prove no rate; what is named here must simply go on being named.
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
from benchmarks.runs.identify import Asker, Plan, Task
from benchmarks.runs.product import references
from earwitness.index.match import Effort

SAMPLES: Final = Path(__file__).parents[2] / "sample_audio"
SMOKE_CONDITIONS: Final = ("clean", "mp3_32k", "band_300_3400", "white_0", "speed_+12", "reverb")
QUERY_S: Final = 8.0
SEED: Final = 7


def main(argv: Sequence[str]) -> int:
    """Ask, print, and fail if anything is missed or told wrongly."""
    if argv:
        raise SystemExit("smoke takes no options")
    tracks = [_track(path) for path in sorted((SAMPLES / "originals").iterdir())]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        indexed, stranger = tracks[:-1], tracks[-1]
        plan = Plan(
            corpus=SAMPLES, work=work, home=references(SAMPLES, indexed, work=work),
            references=tuple(indexed), role="test", lengths_s=(QUERY_S,), effort=Effort.STANDARD, seed=SEED,
        )  # fmt: skip
        asker = Asker(plan)
        failures = [
            line for track in tracks for line in _failures(asker, track, present=track is not stranger)
        ]
    for line in failures:
        print(line)
    asked = len(tracks) * len(SMOKE_CONDITIONS)
    print(f"smoke: {asked - len(failures)} of {asked} queries answered as they must be")
    return 1 if failures else 0


def _track(path: Path) -> Track:
    return Track(
        path=path.relative_to(SAMPLES).as_posix(), package="sample_audio", kind="music", role="test",
        overlay_for=None, duration_s=24.0, license="CC0-1.0",
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        dup_group=None, self_repeat_s=0.0, self_repeat_lag_s=0.0,
    )  # fmt: skip


def _failures(asker: Asker, track: Track, *, present: bool) -> list[str]:
    (excerpt,) = pick(SAMPLES, [track], n=1, longest_s=QUERY_S, seed=SEED)
    failures = []
    for condition in SMOKE_CONDITIONS:
        (row,) = asker.rows(Task(excerpt=excerpt, condition=condition, present=present))
        told = [answer["track"] for answer in row["answers"] if answer["e"] <= MATCH_E]
        wanted = [track.path] if present else []
        if told != wanted:
            failures.append(
                f"{condition}, {track.path}: told {told or 'nothing'}, wanted {wanted or 'nothing'}"
            )
    return failures
