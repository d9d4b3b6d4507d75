"""Recordings that a dataset holds as many clips: how many of them ``earwitness check`` finds.

    python -m benchmarks clips --corpus corpus

Each track of test music is cut into clips of 10 s, one every so many seconds, as MP3. All clips are one
dataset, which the first minute of each track is compared with, as it is or degraded. Rows: ``track``,
``every_s``, ``condition``, ``clips``, and how many of these are a ``match`` or only ``possible``.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile

from benchmarks.data.audio_io import RATE_HZ, read
from benchmarks.data.corpus import Corpus, Track
from benchmarks.data.degrade import degrade
from benchmarks.data.overlays import Material
from benchmarks.report.records import record, save
from earwitness.api.finding_json import from_json
from earwitness.api.findings import Finding
from earwitness.fingerprint.extract import extractor
from earwitness.index.match import Effort, Verdict
from earwitness.index.matching.verdict import MATCH_E_VALUE

TRACK_S: Final = 60.0
CLIP_S: Final = 10.0
CONDITIONS: Final = ("clean", "phone", "speech_0")


def measure(corpus: Corpus, options: argparse.Namespace, folder: Path) -> Iterator[dict[str, Any]]:
    """Index the clips of each density, and compare the tracks under each condition."""
    tracks = [each for each in corpus.select(role="test", kind="music") if each.duration_s > TRACK_S]
    random.Random(options.seed).shuffle(tracks)
    tracks = tracks[: options.tracks]
    material = Material(corpus)
    for name in CONDITIONS:
        (folder / name).mkdir()
        for number, track in enumerate(tracks):
            sound = read(corpus.root / track.path, start_s=0.0, length_s=TRACK_S)
            degraded = degrade(sound, name, seed=options.seed, query_id=track.path, material=material)
            soundfile.write(folder / name / f"{number:03d}.flac", np.clip(degraded, -1, 1), RATE_HZ)
    for every_s in options.every:
        home, clips = folder / f"home-{every_s}", folder / f"clips-{every_s}"
        n_clips = write_clips(corpus, tracks, clips, every_s)
        earwitness(home, "index", str(clips), "--name", "clips", "--effort", "fast")
        for name in CONDITIONS:
            answers = earwitness(
                home, "check", str(folder / name), "--effort", options.effort.value, "--format", "jsonl"
            )
            for finding in map(from_json, map(json.loads, answers.splitlines())):
                own = Path(finding.item.path).stem
                verdicts = verdicts_of(finding, own)
                yield {
                    "track": tracks[int(own)].path,
                    "every_s": every_s,
                    "condition": name,
                    "clips": n_clips,
                    "match": verdicts[Verdict.MATCH],
                    "possible": verdicts[Verdict.POSSIBLE],
                }


def write_clips(corpus: Corpus, tracks: Sequence[Track], folder: Path, every_s: float) -> int:
    """Write the clips of each track, a folder for each; return how many a track has."""
    n_clips = int((TRACK_S - CLIP_S) / every_s) + 1
    for number, track in enumerate(tracks):
        (own := folder / f"{number:03d}").mkdir(parents=True)
        sound = read(corpus.root / track.path, start_s=0.0, length_s=TRACK_S)
        for clip in range(n_clips):
            first = round(clip * every_s * RATE_HZ)
            part = np.clip(sound[first : first + round(CLIP_S * RATE_HZ)], -1, 1)
            soundfile.write(own / f"{clip:03d}.mp3", part, RATE_HZ, format="MP3")
    return n_clips


def verdicts_of(finding: Finding, folder: str) -> Counter[Verdict]:
    """Count the verdicts of the clips of one track in the answer about it."""
    best = dict[str, float]()
    for match in finding.matches:
        path = match.recording.path
        if Path(path).parent.name == folder:
            best[path] = min(match.e_value, best.get(path, match.e_value))
    return Counter(
        Verdict.MATCH if e_value <= MATCH_E_VALUE else Verdict.POSSIBLE for e_value in best.values()
    )


def earwitness(home: Path, *arguments: str) -> str:
    """Run a command, and return its output; exit status 1 means findings."""
    command = [sys.executable, "-m", "earwitness", "-q", "--home", str(home), *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"earwitness {arguments[0]} ended with {done.returncode}")
    return done.stdout


def main(argv: Sequence[str]) -> int:
    """Measure, and write the record."""
    it = argparse.ArgumentParser(prog="python -m benchmarks clips", description=__doc__)
    it.add_argument("--corpus", type=Path, default=Path("corpus"))
    it.add_argument("--tracks", type=int, default=24)
    it.add_argument("--every", type=float, nargs="+", default=[10.0, 0.7], help="seconds")
    it.add_argument("--effort", type=Effort, choices=list(Effort), default=Effort.FAST)
    it.add_argument("--seed", type=int, default=0)
    it.add_argument("--name", default="clips")
    options = it.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="earwitness-clips-") as name:
        rows = list(measure(Corpus.open(options.corpus), options, Path(name)))
    settings = {"tracks": options.tracks, "every": options.every, "effort": options.effort.value}
    made = record("clips", scheme=extractor().scheme, seed=options.seed, options=settings, rows=rows)
    print(save(made, options.name))
    return 0
