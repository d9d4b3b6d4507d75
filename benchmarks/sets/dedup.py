"""Copies among pieces of one soundfont: `earwitness dedup` over clips whose right groups are known.

    python -m benchmarks dedup --soundfont csound

Each piece is played by the same instruments, and is there in five versions: the sound itself, MP3, Opus, a
quieter one and one without its first and last second. Pairs of clips of one piece are copies, all others are
not. Rows: ``clip``, ``piece``, ``version``, ``group`` (the clip that `dedup` keeps of the group).
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile
import soxr

from benchmarks.data.audio_io import RATE_HZ, Sound1, encode
from benchmarks.data.kinds import midi
from benchmarks.data.kinds.makers import Maker, seed_of
from benchmarks.report.records import record, save
from benchmarks.report.tables import dedup_table
from earwitness.fingerprint.extract import extractor
from earwitness.index.match import Effort

KIND: Final = "general_midi"
CLIP_S: Final = 20.0

SUMMARY: Final = ("items", "not_readable", "could_go", "claims_supported", "audit")
"""Fields of the command's JSON that are recorded."""

VERSIONS: Final[Mapping[str, tuple[str, Callable[[Sound1, Path], object]]]] = {
    "itself": ("flac", lambda sound, file: soundfile.write(file, sound, RATE_HZ)),
    "mp3_64k": ("mp3", lambda sound, file: file.write_bytes(encode(sound, codec="mp3", bit_rate=64_000))),
    "opus_24k": ("opus", lambda sound, file: file.write_bytes(encode(sound, codec="opus", bit_rate=24_000))),
    "quieter": ("wav", lambda sound, file: soundfile.write(file, 0.3 * sound, RATE_HZ)),
    "trimmed": ("flac", lambda sound, file: soundfile.write(file, sound[RATE_HZ:-RATE_HZ], RATE_HZ)),
}
"""Name of a version -> suffix of its file, and what writes it."""


def write_clips(maker: Maker, n_pieces: int, folder: Path, *, seed: int) -> list[dict[str, Any]]:
    """Write every version of each piece under a name that does not tell them; return their rows."""
    names = [f"{number:04d}" for number in range(n_pieces * len(VERSIONS))]
    random.Random(seed).shuffle(names)
    rows = list[dict[str, Any]]()
    for number in range(n_pieces):
        samples = maker.play(number, np.random.default_rng(seed_of(maker, number)))
        samples = samples[: round(CLIP_S * maker.rate_hz)]
        sound = soxr.resample(samples, maker.rate_hz, RATE_HZ, quality="HQ").astype(np.float32)
        for version, (suffix, write) in VERSIONS.items():
            clip = f"{names[len(rows)]}.{suffix}"
            write(sound, folder / clip)
            rows.append({"clip": clip, "piece": number, "version": version})
    return rows


def groups_in(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each copy and the clip that is kept of its group, from the lines of `dedup --out`."""
    for line in lines:
        fields = json.loads(line)
        for other in fields.get("others", ()):
            yield other, fields["kept"]


def run_dedup(folder: Path, effort: Effort, aside: Path) -> tuple[dict[str, str], dict[str, Any]]:
    """Run the command; returns the kept clip of each copy, and the command's summary."""
    out = aside / "groups.jsonl"
    command = [sys.executable, "-m", "earwitness", "dedup", str(folder), "--out", str(out), "--json"]
    command += ["--effort", effort.value, "--home", str(aside / "home")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr)
    summary: dict[str, Any] = json.loads(done.stdout)
    return dict(groups_in(out.read_text(encoding="utf-8").splitlines())), summary


def main(argv: Sequence[str]) -> int:
    """Make the clips, find the copies, print precision and recall, and write the record."""
    it = argparse.ArgumentParser(prog="python -m benchmarks dedup", description=__doc__)
    it.add_argument("--soundfont", default="csound", help="a name of `benchmarks.data.kinds.midi`")
    it.add_argument("--pieces", type=int, default=60)
    it.add_argument("--effort", type=Effort, choices=list(Effort), default=Effort.STANDARD)
    it.add_argument("--seed", type=int, default=0)
    it.add_argument("--name", default="dedup")
    options = it.parse_args(argv)
    makers = {maker.name: maker for maker in midi.makers(KIND)}
    if options.soundfont not in makers:
        it.error(f"no soundfont {options.soundfont}; there are {', '.join(makers)}")
    maker = makers[options.soundfont]
    if maker.missing:
        it.error(f"{', '.join(maker.missing)} is missing: run scripts/apt.sh {maker.package}")
    with tempfile.TemporaryDirectory(prefix="earwitness-dedup-") as name:
        clips, aside = Path(name) / "clips", Path(name) / "aside"
        clips.mkdir()
        aside.mkdir()
        rows = write_clips(maker, options.pieces, clips, seed=options.seed)
        start = time.perf_counter()
        kept, summary = run_dedup(clips, options.effort, aside)
        took_s = time.perf_counter() - start
    rows = [row | {"group": kept.get(row["clip"], row["clip"])} for row in rows]
    settings = {
        "soundfont": maker.name,
        "pieces": options.pieces,
        "effort": options.effort.value,
        "seconds": round(took_s, 1),
        "summary": {name: summary[name] for name in SUMMARY},
    }
    made = record("dedup", scheme=extractor().scheme, seed=options.seed, options=settings, rows=rows)
    print("\n".join(dedup_table(made)))
    print(save(made, options.name))
    return 0
