"""A long programme of known plays: what ``earwitness cue`` finds of them.

    python -m benchmarks cue --corpus corpus

The programme is made up of plays of test music under speech of the same level, half of them with the speech 6
dB louder or quieter, and of other music and speech between them, which no index holds. Rows, by ``what``:

``play``
    One play: ``track``, ``start_s`` and ``end_s`` in the programme, decibels of the ``speech`` above the
    music, and, where a sure play of this track overlaps it, how many seconds that begins too late
    (``start_off_s``) and ends too late (``end_off_s``).
``run``
    Hours of the programme and of the index, sure plays of something that was not played there (``false``),
    the command's own ``expected_false``, seconds, seconds of processor time and the most memory in MB.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import psutil
import soundfile

from benchmarks.data.audio_io import RATE_HZ, Sound1, mono, read
from benchmarks.data.corpus import Corpus, Track
from benchmarks.data.overlays import Material
from benchmarks.report.records import record, save
from benchmarks.systems.resource_meter import Meter
from earwitness.fingerprint.extract import extractor
from earwitness.index.match import Effort

SHORTEST_S, LONGEST_S = 20.0, 180.0
"""Seconds of a play."""
GAP_S: Final = (5.0, 60.0)
LEVELS_DB: Final = (0.0, 0.0, 6.0, -6.0)
BLOCK: Final = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """One play of the programme."""

    track: str
    start_s: float
    end_s: float
    speech_db: float


def write_programme(
    path: Path, tracks: Sequence[Track], corpus: Corpus, *, n_plays: int, seed: int
) -> list[Planted]:
    """Write the programme play by play, and return what is played."""
    rng, material = np.random.default_rng(seed), Material(corpus)
    planted, at = list[Planted](), 0
    with soundfile.SoundFile(path, "w", RATE_HZ, 1, format="FLAC") as file:

        def write(sound: Sound1) -> None:
            for first in range(0, len(sound), BLOCK):
                file.write(np.clip(sound[first : first + BLOCK], -1, 1))

        for number in range(n_plays):
            gap = _gap(rng, material, speech=bool(number % 2))
            write(gap)
            at += len(gap)
            chosen = int(rng.integers(len(tracks)))
            track = tracks[chosen]
            length_s = float(rng.uniform(SHORTEST_S, min(LONGEST_S, track.duration_s)))
            start_s = float(rng.uniform(0.0, track.duration_s - length_s))
            music = mono(read(corpus.root / track.path, start_s=start_s, length_s=length_s))
            level_db = LEVELS_DB[number % len(LEVELS_DB)]
            write(_mixed(music, material.speech(rng, len(music)), level_db))
            planted.append(
                Planted(
                    track=stored_path(chosen, track),
                    start_s=at / RATE_HZ,
                    end_s=(at + len(music)) / RATE_HZ,
                    speech_db=level_db,
                )
            )
            at += len(music)
    return planted


def _gap(rng: np.random.Generator, material: Material, *, speech: bool) -> Sound1:
    n_samples = round(rng.uniform(*GAP_S) * RATE_HZ)
    return 0.5 * (material.speech(rng, n_samples) if speech else material.music(rng, n_samples))


def _mixed(music: Sound1, speech: Sound1, level_db: float) -> Sound1:
    """Return music under speech that is so many decibels above it, without clipping."""
    louder = np.sqrt(np.mean(np.square(music)) / max(float(np.mean(np.square(speech))), 1e-12))
    mixed = music + np.float32(louder * 10 ** (level_db / 20)) * speech
    return np.float32(0.9 / max(float(np.abs(mixed).max()), 0.9)) * mixed


def stored_path(number: int, track: Track) -> str:
    """Return where a track stands in the index; names alone are not unique."""
    return f"{number:03d}/{Path(track.path).name}"


def played(planted: Planted, plays: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the sure play of a planted one's track that has most seconds in common with it."""

    def shared_s(play: dict[str, Any]) -> float:
        return float(min(play["end_s"], planted.end_s) - max(play["start_s"], planted.start_s))

    own = [each for each in plays if each["path"] == planted.track]
    best = max(own, key=shared_s, default=None)
    return best if best is not None and shared_s(best) > 0 else None


def measure(corpus: Corpus, options: argparse.Namespace, folder: Path) -> Iterator[dict[str, Any]]:
    """Index the tracks, write the programme, run the command, and yield the rows."""
    there = [each for each in corpus.select(role="test", kind="music") if (corpus.root / each.path).is_file()]
    tracks = [each for each in there if each.duration_s >= 2 * SHORTEST_S][: options.tracks]
    programme, index = folder / "programme.flac", folder / "index"
    index.mkdir()
    for number, track in enumerate(tracks):
        (target := index / stored_path(number, track)).parent.mkdir()
        shutil.copy(corpus.root / track.path, target)
    planted = write_programme(programme, tracks, corpus, n_plays=options.plays, seed=options.seed)
    command = [sys.executable, "-m", "earwitness", "-q", "--home", str(folder / "home")]
    subprocess.run([*command, "index", str(index), "--name", "played", "--effort", "fast"], check=True)
    began_at = time.perf_counter()
    search = [*command, "cue", str(programme), "--in", "played", "--effort", options.effort.value, "--json"]
    with (
        subprocess.Popen(search, stdout=subprocess.PIPE) as process,
        Meter(psutil.Process(process.pid)) as meter,
    ):
        answer = json.loads(process.communicate()[0])
    took_s = time.perf_counter() - began_at
    sure = [each for each in answer["plays"] if each["verdict"] == "match"]
    right = [played(each, sure) for each in planted]
    for each, play in zip(planted, right, strict=True):
        yield {
            "what": "play",
            "track": each.track,
            "start_s": round(each.start_s, 2),
            "end_s": round(each.end_s, 2),
            "speech": each.speech_db,
            "start_off_s": None if play is None else round(play["start_s"] - each.start_s, 2),
            "end_off_s": None if play is None else round(play["end_s"] - each.end_s, 2),
        }
    yield {
        "what": "run",
        "hours": round(answer["item"]["duration_s"] / 3600, 2),
        "indexed_hours": round(sum(each.duration_s for each in tracks) / 3600, 2),
        "plays": len(sure),
        "false": sum(not _is_played(each, planted) for each in sure),
        "expected_false": answer["expected_false"],
        "not_compared_s": answer["not_compared_s"],
        "s": round(took_s, 1),
        "cpu_s": meter.cpu_s,
        "most_mb": meter.rss_mb,
    }


def _is_played(play: dict[str, Any], planted: Sequence[Planted]) -> bool:
    """Whether what a play names is played there."""
    return any(
        each.track == play["path"] and play["start_s"] < each.end_s and play["end_s"] > each.start_s
        for each in planted
    )


def main(argv: Sequence[str]) -> int:
    """Measure, and write the record."""
    it = argparse.ArgumentParser(prog="python -m benchmarks cue", description=__doc__)
    it.add_argument("--corpus", type=Path, default=Path("corpus"))
    it.add_argument("--plays", type=int, default=500)
    it.add_argument("--tracks", type=int, default=60, help="tracks of the index, all of which are played")
    it.add_argument("--effort", type=Effort, choices=list(Effort), default=Effort.FAST)
    it.add_argument("--seed", type=int, default=0)
    it.add_argument("--name", default="cue")
    options = it.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="earwitness-cue-") as name:
        rows = list(measure(Corpus.open(options.corpus), options, Path(name)))
    settings = {"plays": options.plays, "tracks": options.tracks, "effort": options.effort.value}
    made = record("cue", scheme=extractor().scheme, seed=options.seed, options=settings, rows=rows)
    print(rows[-1])
    print(save(made, options.name))
    return 0
