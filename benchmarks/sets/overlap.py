"""Planted leaks between two sets: `earwitness overlap` in both directions, in five packings.

    python -m benchmarks overlap --corpus corpus

One set has clips of 20 s of test music; the other has clips of 8 s of validation music, of which a share is
replaced by cuts from clips of the first, coded again. Each packing has its own share of leaks. Rows:
``packing``, ``indexed`` (the set that was searched in), ``planted``, ``found`` (planted pairs that match),
``false`` (other pairs that do), ``share`` and ``interval`` (as the command states them), ``seconds``.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.data.audio_io import encode, mono, read
from benchmarks.data.corpus import Corpus, Role
from benchmarks.data.queries import Excerpt, pick
from benchmarks.report.overlap_table import overlap_table
from benchmarks.report.records import record, save
from earwitness.fingerprint.extract import extractor
from earwitness.index.match import Effort

LONG_S: Final = 20.0
SHORT_S: Final = 8.0
Files = Mapping[str, bytes]


def write_folder(files: Files, place: Path) -> Path:
    """Write the files into a folder."""
    place.mkdir()
    for name, audio in files.items():
        (place / name).write_bytes(audio)
    return place


def write_tar(files: Files, place: Path) -> Path:
    """Write the files into a tar."""
    path = place.with_suffix(".tar")
    with tarfile.open(path, "w") as archive:
        for name, audio in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(audio)
            archive.addfile(member, io.BytesIO(audio))
    return path


def write_zip(files: Files, place: Path) -> Path:
    """Write the files into a zip."""
    path = place.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for name, audio in files.items():
            archive.writestr(name, audio)
    return path


def write_parquet(files: Files, place: Path) -> Path:
    """Write the files as rows of a table."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = place.with_suffix(".parquet")
    pq.write_table(pa.table({"audio": [{"path": n, "bytes": a} for n, a in files.items()]}), path)
    return path


def write_manifest(files: Files, place: Path) -> Path:
    """Write the files into a folder, and a manifest that names them."""
    folder, path = write_folder(files, place), place.with_suffix(".csv")
    path.write_text("".join(["path\n", *(f"{folder.name}/{name}\n" for name in files)]), encoding="utf-8")
    return path


PACKINGS: Final[Mapping[str, Callable[[Files, Path], Path]]] = {
    "folder": write_folder,
    "tar": write_tar,
    "zip": write_zip,
    "parquet": write_parquet,
    "csv": write_manifest,
}


def clip(root: Path, excerpt: Excerpt, *, offset_s: float, length_s: float, codec: str) -> bytes:
    """Return a coded clip of a track."""
    sound = mono(read(root / excerpt.path, start_s=excerpt.start_s + offset_s, length_s=length_s))
    return encode(sound, codec=codec, bit_rate=96_000 if codec == "mp3" else 32_000)


def leaking(
    root: Path, longs: Sequence[Excerpt], own: Sequence[Excerpt], *, n_leaks: int, seed: int
) -> tuple[dict[str, bytes], set[tuple[int, int]]]:
    """Return the short clips by name, and the places of each leaking pair in the two sets, long one first."""
    chance, files, pairs = random.Random(seed), dict[str, bytes](), set[tuple[int, int]]()
    leaks = set(chance.sample(range(len(own)), n_leaks))
    for number, excerpt in enumerate(own):
        source, offset_s = excerpt, 0.0
        if number in leaks:
            long = chance.randrange(len(longs))
            source, offset_s = longs[long], chance.uniform(0.0, LONG_S - SHORT_S)
            pairs.add((long, number))
        files[f"s{number:05d}.opus"] = clip(root, source, offset_s=offset_s, length_s=SHORT_S, codec="opus")
    return files, pairs


def place_of(item: str) -> int:
    """Return the number of an item in its set: of a row, or in its file's name."""
    row = item.rpartition("#")[2]
    return int(row) if row.isdigit() else int(Path(item).stem[1:])


Places = set[tuple[int, int]]
"""Pairs of items by their numbers in the two sets."""


def compare(one: Path, other: Path, *, effort: Effort, aside: Path) -> tuple[Places, Any, float]:
    """Run the command; returns the matching pairs, its JSON, and the seconds it took."""
    out = aside / "pairs.jsonl"
    command = [sys.executable, "-m", "earwitness", "-q", "--home", str(aside / "home"), "overlap"]
    command += [str(one), str(other), "--effort", effort.value, "--out", str(out), "--force", "--json"]
    began_at = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    took_s = time.perf_counter() - began_at
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr)
    pairs = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    found = {(place_of(p["item_a"]), place_of(p["item_b"])) for p in pairs if p["verdict"] == "match"}
    return found, json.loads(done.stdout), took_s


def both_ways(
    long: Path, short: Path, planted: Places, *, effort: Effort, aside: Path
) -> Iterator[dict[str, Any]]:
    """Compare the two sets in both directions, and yield a row for each."""
    for first, second in ((long, short), (short, long)):
        found, answer, took_s = compare(first, second, effort=effort, aside=aside)
        if first is short:
            found = {(there, here) for here, there in found}
        share = next(each["items"] for each in answer["shares"] if each["of"] == short.name)
        yield {
            "indexed": "short clips" if second is short else "long clips",
            "planted": len(planted),
            "found": len(found & planted),
            "false": len(found - planted),
            "share": share["fraction"],
            "interval": share["interval_95"],
            "seconds": round(took_s, 1),
        }


def measure(corpus: Corpus, options: argparse.Namespace, folder: Path) -> Iterator[dict[str, Any]]:
    """Make a pair of sets for each packing, and yield the rows of both directions."""
    music = [track for track in corpus.select(kind="music") if (corpus.root / track.path).is_file()]

    def excerpts(role: Role) -> list[Excerpt]:
        tracks = [track for track in music if track.role == role]
        return pick(corpus.root, tracks, n=options.items, longest_s=LONG_S, seed=options.seed)

    longs, own = excerpts("test"), excerpts("validation")
    long_files = {
        f"l{number:05d}.mp3": clip(corpus.root, each, offset_s=0.0, length_s=LONG_S, codec="mp3")
        for number, each in enumerate(longs)
    }
    for number, (packing, percent) in enumerate(zip(PACKINGS, options.percent, strict=False)):
        n_leaks = max(1, round(options.items * percent / 100))
        seed = options.seed + number
        short_files, planted = leaking(corpus.root, longs, own, n_leaks=n_leaks, seed=seed)
        aside = folder / packing
        aside.mkdir()
        long = PACKINGS[packing](long_files, aside / "long")
        short = PACKINGS[packing](short_files, aside / "short")
        for row in both_ways(long, short, planted, effort=options.effort, aside=aside):
            yield {"packing": packing, **row}


def main(argv: Sequence[str]) -> int:
    """Compare the sets, print a table, and write the record."""
    it = argparse.ArgumentParser(prog="python -m benchmarks overlap", description=__doc__)
    it.add_argument("--corpus", type=Path, default=Path("corpus"))
    it.add_argument("--items", type=int, default=60, help="clips of each set")
    it.add_argument("--percent", type=float, nargs="+", default=[0.1, 1.0, 5.0, 10.0, 20.0])
    it.add_argument("--effort", type=Effort, choices=list(Effort), default=Effort.FAST)
    it.add_argument("--seed", type=int, default=0)
    it.add_argument("--name", default="overlap")
    options = it.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="earwitness-overlap-") as name:
        rows = list(measure(Corpus.open(options.corpus), options, Path(name)))
    settings = {"items": options.items, "percent": options.percent, "effort": options.effort.value}
    made = record("overlap", scheme=extractor().scheme, seed=options.seed, options=settings, rows=rows)
    print("\n".join(overlap_table(made)))
    print(save(made, options.name))
    return 0
