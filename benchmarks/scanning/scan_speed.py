"""Speed of scans at each effort beside pure decoding, against works of some hours, on one core.

    python -m benchmarks scan-speed --corpus corpus --work work

Works are the validation music of the corpus, registered by the command. The source is a folder of 60 s clips
as MP3, of tracks that are no works; one in ten (``--one-in``) holds 10 s of a work at another speed. Decoding
and scans take turns, so that other work on the machine meets all of them. Rows: ``what`` (``register``,
``bytes`` or ``scan``), ``case``, ``round``, ``value`` and ``unit``. Scans are timed after their first clip:
the seconds of a scan of one clip are taken off.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psutil
import soxr

from benchmarks.data.audio_io import RATE_HZ, Sound1, mono, read
from benchmarks.data.corpus import Corpus, Track
from benchmarks.report.records import record, save
from benchmarks.runs.identify import select
from benchmarks.runs.speed import FILE_HZ, FILE_S, encoded, files
from benchmarks.systems.product import readable
from earwitness.fingerprint.decode import Decoder
from earwitness.fingerprint.extract import extractor
from earwitness.index.match import Effort

Row = dict[str, Any]

CLIP_S: Final = 60.0
HELD_S: Final = 10.0
HELD_SPEED: Final = 1.12
SEED: Final = 3
EFFORTS: Final = (Effort.FAST, Effort.FULL, Effort.STANDARD)


def main(argv: Sequence[str]) -> int:
    """Register, scan in turns, write the record."""
    it = argparse.ArgumentParser(prog="python -m benchmarks scan-speed", description=__doc__)
    it.add_argument("--corpus", type=Path, default=Path("corpus"))
    it.add_argument("--work", type=Path, default=Path("work"))
    it.add_argument("--files", type=int, default=20, help="files of three minutes, three clips each")
    it.add_argument("--one-in", type=int, default=10, help="one clip in so many holds a part of a work")
    it.add_argument("--rounds", type=int, default=3)
    it.add_argument("--name", default="scan-speed")
    options = it.parse_args(argv)
    corpus = Corpus.open(options.corpus)
    _, works = select(corpus, role="validation", kind="music", distractors=False)
    works, _ = readable(corpus.root, works, work=options.work)
    others = [track for track in corpus.select(kind="music") if track.role == "train"]
    random.Random(SEED).shuffle(others)
    with one_core(), tempfile.TemporaryDirectory() as folder:
        rows = list(measured(corpus.root, works, others, Path(folder), options))
    hours = round(sum(track.duration_s for track in works) / 3600, 2)
    settings = {"works": len(works), "hours": hours}
    settings |= {key: getattr(options, key) for key in ("files", "one_in", "rounds")}
    made = record("scan-speed", scheme=extractor().scheme, seed=SEED, options=settings, rows=rows)
    print(save(made, options.name))
    return 0


def measured(
    root: Path, works: Sequence[Track], others: Sequence[Track], folder: Path, options: argparse.Namespace
) -> Iterator[Row]:
    """Yield the speed of registering, and in each round of decoding and of a scan at each effort."""
    home, source, one = folder / "home", folder / "source", folder / "one"
    for number, track in enumerate(works):
        target = folder / "works" / f"{number:03d}{Path(track.path).suffix}"
        target.parent.mkdir(exist_ok=True)
        shutil.copy(root / track.path, target)
    hours = sum(track.duration_s for track in works) / 3600
    took_s = command(home, "register", str(folder / "works"), "--effort", "fast", "--workers", "1")
    of_works = {"case": "an hour of works", "round": 0}
    yield {"what": "register", **of_works, "value": round(took_s / hours, 1), "unit": "s"}
    size = sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
    yield {"what": "bytes", **of_works, "value": round(size / hours / 1e6, 2), "unit": "MB"}
    clips = make_clips(root, works, others, source, n_files=options.files, one_in=options.one_in)
    one.mkdir()
    shutil.copy(clips[1], one)
    audio_s = CLIP_S * (len(clips) - 1)
    for number in range(options.rounds):
        yield _row("decode alone", number, audio_s, decoded(clips[1:]))
        for effort in EFFORTS:
            seconds = [scanned(home, where, folder, number, effort) for where in (one, source)]
            yield _row(str(effort), number, audio_s, seconds[1] - seconds[0])


def scanned(home: Path, source: Path, folder: Path, number: int, effort: Effort) -> float:
    """Return the seconds that a scan of a folder takes with one worker, in a home that knows no findings."""
    out = folder / f"{number}-{effort}-{source.name}.jsonl"
    home = Path(shutil.copytree(home, out.with_suffix(".home")))
    return command(home, "scan", str(source), "--out", str(out), "--effort", str(effort), "--workers", "1")


def make_clips(
    root: Path, works: Sequence[Track], others: Sequence[Track], folder: Path, *, n_files: int, one_in: int
) -> list[Path]:
    """Write the clips; one in so many holds a part of a work at another speed."""
    folder.mkdir()
    sounds = files(root, others, n_files)
    for number, sound in enumerate(sounds):
        for part in range(int(FILE_S // CLIP_S)):
            clip = sound[int(part * CLIP_S * FILE_HZ) : int((part + 1) * CLIP_S * FILE_HZ)].copy()
            place = 3 * number + part
            if place % one_in == 0:
                held = held_part(root, works[place % len(works)])
                clip[20 * FILE_HZ : 20 * FILE_HZ + len(held)] = held[:, None]
            (folder / f"{place:03d}.mp3").write_bytes(encoded(clip, "mp3"))
    return sorted(folder.iterdir())


def held_part(root: Path, track: Track) -> Sound1:
    """Return some seconds of a work, played faster, at the rate of the clips."""
    sound = mono(read(root / track.path, start_s=0.0, length_s=HELD_S * HELD_SPEED))
    held: Sound1 = soxr.resample(sound, RATE_HZ * HELD_SPEED, FILE_HZ)
    return held


def decoded(clips: Sequence[Path]) -> float:
    """Return the seconds that decoding some clips takes."""
    with Decoder() as decoder:
        decoder.decode(clips[0], name="warm")
        start = time.perf_counter()
        for clip in clips:
            decoder.decode(clip, name=clip.name)
        return time.perf_counter() - start


def command(home: Path, *arguments: str) -> float:
    """Run a command and return its seconds; exit 1 means findings."""
    start = time.perf_counter()
    done = subprocess.run(
        [Path(sys.executable).with_name("earwitness"), *arguments],
        env=os.environ | {"EARWITNESS_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    if done.returncode not in (0, 1, 3):
        raise RuntimeError(f"earwitness {arguments[0]} ended with {done.returncode}: {done.stderr[-500:]!r}")
    return time.perf_counter() - start


def _row(case: str, number: int, audio_s: float, took_s: float) -> Row:
    value = round(audio_s / took_s, 1)
    return {"what": "scan", "case": case, "round": number, "value": value, "unit": "x real time"}


@contextmanager
def one_core() -> Iterator[None]:
    """Restrict this process and its children to one core, so that workers do not run in parallel."""
    me = psutil.Process()
    before = me.cpu_affinity()
    me.cpu_affinity(before[-1:])
    try:
        yield
    finally:
        me.cpu_affinity(before)
