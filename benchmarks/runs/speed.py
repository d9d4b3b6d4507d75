"""Speed and size: stages, bytes per hour, latency of queries, start times.

Rows: ``what`` (stages, bytes, latency, start), ``case``, ``value``, ``unit``; where time is measured,
``value`` is from wall time and ``cpu`` the same from processor time (other work on the machine changes the
first); for stages and latency the row holds both times of every file or query. One thread; everything runs
once before it is timed.
"""

from __future__ import annotations

import argparse
import io
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import psutil
import soundfile
from numpy.typing import NDArray

from benchmarks.data.audio_io import mono, read
from benchmarks.data.corpus import Corpus, Track
from benchmarks.data.queries import pick, wav
from benchmarks.report.records import record, save
from benchmarks.systems.product import readable, references
from benchmarks.systems.spawned_workers import spawned_workers
from earwitness.fingerprint.chromaprint import chromaprint
from earwitness.fingerprint.decode import Decoder
from earwitness.fingerprint.extract import Extractor, extractor
from earwitness.fingerprint.spectrogram import spectrogram
from earwitness.fingerprint.types import Sound
from earwitness.index.library import Library
from earwitness.index.match import Effort, Hits
from earwitness.index.matching.identify import identify, warm
from earwitness.index.store.home_address import HomeAddress

Row = dict[str, Any]
Stereo = NDArray[np.float32]

ROOT: Final = Path(__file__).parents[2]
FILE_S: Final = 180.0
FILE_HZ: Final = 44_100
QUERY_S: Final = 8.0


def main(argv: Sequence[str]) -> int:
    """Measure everything and write the record."""
    it = argparse.ArgumentParser(prog="python -m benchmarks speed", description=__doc__)
    it.add_argument("--corpus", type=Path, default=Path("corpus"))
    it.add_argument("--work", type=Path, default=Path("work"))
    it.add_argument("--files", type=int, default=8, help="files of three minutes for each format")
    it.add_argument("--queries", type=int, default=40, help="queries for each effort")
    it.add_argument("--name", default="speed")
    options = it.parse_args(argv)
    corpus = Corpus.open(options.corpus)
    tracks, _ = readable(corpus.root, corpus.select(kind="music"), work=options.work)
    home = references(corpus.root, tracks, work=options.work)
    rows = [
        *stages(corpus.root, tracks, n_files=options.files),
        *bytes_per_hour(home, sum(track.duration_s for track in tracks) / 3600),
        *latency(corpus.root, tracks, home, n=options.queries),
        *starts(),
    ]
    settings = {"files": options.files, "queries": options.queries, "tracks": len(tracks)}
    print(save(record("speed", scheme=extractor().scheme, seed=0, options=settings, rows=rows), options.name))
    return 0


def files(root: Path, tracks: Sequence[Track], n_files: int) -> list[Stereo]:
    """Return the first three minutes of long stereo tracks at 44.1 kHz; shape (n_samples, 2)."""
    sounds: list[Stereo] = []
    for track in tracks:
        if track.duration_s > FILE_S and len(sounds) < n_files:
            with soundfile.SoundFile(root / track.path) as file:
                if (file.samplerate, file.channels) == (FILE_HZ, 2):
                    sounds.append(file.read(round(FILE_S * FILE_HZ), dtype="float32"))
    return sounds


FORMATS: Final = {"mp3": ("MP3", "MPEG_LAYER_III"), "flac": ("FLAC", "PCM_16"), "ogg": ("OGG", "VORBIS")}
"""Formats to decode: container and codec as libsndfile names them, at its default bit rates."""


def encoded(sound: Stereo, name: str) -> bytes:
    """Return the bytes of a file in one of ``FORMATS``."""
    container, codec = FORMATS[name]
    out = io.BytesIO()
    with soundfile.SoundFile(out, "w", FILE_HZ, 2, format=container, subtype=codec) as file:
        for at in range(0, len(sound), FILE_HZ):  # libsndfile overflows its stack on long Vorbis writes
            file.write(sound[at : at + FILE_HZ])
    return out.getvalue()


def stages(root: Path, tracks: Sequence[Track], *, n_files: int) -> Iterator[Row]:
    """Yield the speed of each stage from file to codes, for each format."""
    sounds, extractor_used = files(root, tracks, n_files), extractor()
    with Decoder() as decoder:
        for name in FORMATS:
            data = [encoded(sound, name) for sound in (sounds[0], *sounds)]
            laps = [_timed_stages(decoder, extractor_used, one) for one in data][1:]
            for stage in laps[0]:
                each = [one[stage] for one in laps]
                yield _times_real("stages", f"{name}: {stage}", FILE_S * len(each), each)


Lap = tuple[float, float]
"""Seconds of wall time, and of processor time of this process and its children."""


class Stopwatch:
    """Measures wall and processor time from lap to lap."""

    def __init__(self) -> None:
        self._me = psutil.Process()
        self._last = self._now()

    def lap(self) -> Lap:
        """Return the time since the last lap, or since the start."""
        now = self._now()
        passed = now[0] - self._last[0], now[1] - self._last[1]
        self._last = self._now()
        return passed

    def _now(self) -> Lap:
        times = [one.cpu_times() for one in (self._me, *self._me.children(recursive=True))]
        return time.perf_counter(), sum(one.user + one.system for one in times)


def _timed_stages(decoder: Decoder, extractor_used: Extractor, data: bytes) -> dict[str, Lap]:
    stopwatch = Stopwatch()
    waveform = decoder.decode(data, name="file").waveform
    parts = {"decode": stopwatch.lap()}
    power = spectrogram(waveform, extractor_used.params)
    parts["front end"] = stopwatch.lap()
    embedding = extractor_used.embed(power, fine=False)
    parts["net"] = stopwatch.lap()
    extractor_used.pack(embedding)
    parts["pack"] = stopwatch.lap()
    chromaprint(waveform)
    parts["chromaprint"] = stopwatch.lap()
    wall, cpu = zip(*parts.values(), strict=True)
    return parts | {"all": (sum(wall), sum(cpu))}


def _times_real(what: str, case: str, audio_s: float, laps: Sequence[Lap]) -> Row:
    wall, cpu = (max(sum(side), 1e-3) for side in zip(*laps, strict=True))
    return {
        "what": what, "case": case, "unit": "x real time",
        "value": round(audio_s / wall, 1), "cpu": round(audio_s / cpu, 1),
        "seconds": [[round(second, 4) for second in lap] for lap in laps],
    }  # fmt: skip


def bytes_per_hour(home: Path, hours: float) -> Iterator[Row]:
    """Yield kB per hour of audio on disk, in shards, and in memory after a search."""
    disk = sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
    shards = sum(path.stat().st_size for path in (home / "segments").iterdir())
    yield _kilobytes("disk, everything", disk, hours)
    yield _kilobytes("disk, segments", shards, hours)
    n_bytes, n_codes = searched_apart(home)
    yield _kilobytes("memory to search", n_bytes, hours)
    yield {"what": "bytes", "case": "codes", "value": n_codes, "unit": "codes"}


def searched_apart(home: Path) -> tuple[int, int]:
    """Run `searched` in a new process: this one would reuse freed memory, which is not measured."""
    with spawned_workers(1) as pool:
        return pool.submit(searched, home).result()


def searched(home: Path) -> tuple[int, int]:
    """Return the growth in bytes of a process when it searches a library, and the number of codes."""
    me = psutil.Process()
    with Library.open(HomeAddress(home)) as library:
        vectors = np.eye(library.extractor.params.dim, dtype=np.float32)
        collections = [known.id for known in library.collections]
        before = me.memory_info().rss
        library.search(vectors, k=10, collections=collections)
        return me.memory_info().rss - before, library.n_codes(collections)


def _kilobytes(case: str, n_bytes: int, hours: float) -> Row:
    return {"what": "bytes", "case": case, "value": round(n_bytes / hours / 1e3, 1), "unit": "kB per hour"}


def latency(root: Path, tracks: Sequence[Track], home: Path, *, n: int) -> Iterator[Row]:
    """Yield the time from waveform to matches for excerpts of indexed tracks, clean and with noise."""
    excerpts = pick(root, tracks, n=n + 1, longest_s=QUERY_S, seed=0)
    sounds = [mono(read(root / e.path, start_s=e.start_s, length_s=QUERY_S)) for e in excerpts]
    noisy = [sound + np.random.default_rng(k).standard_normal(sound.size).astype(np.float32) * sound.std()
             for k, sound in enumerate(sounds)]  # fmt: skip
    warm(extractor())
    with Decoder() as decoder, Library.open(HomeAddress(home)) as library:
        extractor_used, collections = extractor(library.scheme), [known.id for known in library.collections]
        for kind, some in (("clean", sounds), ("white noise at 0 dB", noisy)):
            waves = [
                decoder.decode(wav(0.5 * sound / np.abs(sound).max()), name="q").waveform for sound in some
            ]
            for effort in Effort:
                each = [_timed_search(extractor_used, library, collections, one, effort) for one in waves][1:]
                wall, cpu, in_index = np.median(each, axis=0)
                yield {
                    "what": "latency", "case": f"{effort}, {QUERY_S:g} s, {kind}", "unit": "ms, median",
                    "value": round(1000 * float(wall), 1), "cpu": round(1000 * float(cpu), 1),
                    "in the index": round(1000 * float(in_index), 1),
                    "seconds": [[round(second, 4) for second in lap] for lap in each],
                }  # fmt: skip


class _TimedLibrary:
    """A library that measures the time spent in searches of its index."""

    def __init__(self, library: Library) -> None:
        self._library, self.searched_s = library, 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._library, name)

    def search(self, *arguments: Any, **options: Any) -> Hits:
        """Search the library and add the time to `searched_s`."""
        start = time.perf_counter()
        hits = self._library.search(*arguments, **options)
        self.searched_s += time.perf_counter() - start
        return hits


def _timed_search(
    extractor_used: Extractor, library: Library, collections: Sequence[int], sound: Sound, effort: Effort
) -> tuple[float, float, float]:
    timed: Any = _TimedLibrary(library)
    start, cpu = time.perf_counter(), time.process_time()
    identify(extractor_used.query(sound), timed, collections=collections, effort=effort)
    return time.perf_counter() - start, time.process_time() - cpu, timed.searched_s


def starts() -> Iterator[Row]:
    """Yield the time of `earwitness` commands on the sample data, in an environment that has run nothing yet.

    Processor time leaves out that of decode workers, which bubblewrap hides.
    """
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "EARWITNESS_HOME": f"{folder}/home",
            "NUMBA_CACHE_DIR": f"{folder}/kernels",
            "XDG_CACHE_HOME": f"{folder}/cache",
        }
        commands = {
            "first run ever, index": ["index", "sample_audio/scraped.zip", "--name", "scraped"],
            "first check ever": ["check", "sample_audio/originals/tin_parade.mp3", "--effort", "fast"],
            "check, warm": ["check", "sample_audio/originals/tin_parade.mp3", "--effort", "fast"],
            "--help": ["--help"],
            "--version": ["--version"],
        }  # fmt: skip
        for case, arguments in commands.items():
            wall, cpu = _seconds(arguments, environment)
            yield {"what": "start", "case": case, "unit": "s", "value": round(wall, 2), "cpu": round(cpu, 2)}


def _seconds(arguments: Sequence[str], environment: dict[str, str]) -> Lap:
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [Path(sys.executable).with_name("earwitness"), *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{arguments} ended with {done.returncode}: {done.stderr[-500:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return time.perf_counter() - start, cpu
