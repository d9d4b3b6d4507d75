"""``python -m benchmarks kinds DIR``: make the test material of every kind.

Pieces are made from seeds: the same command makes the same pieces where programs and packages are the same.
Files that exist are not made again; more pieces add to them. ``DIR/pieces.jsonl`` lists all that are there.
Voices, kits and soundfonts are Debian packages; the command names those that are missing. Recorded sounds are
of the open corpus, and of more packages with ``--fetch``. Free material only; none of it is redistributed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
from filelock import FileLock

from benchmarks.data.kinds import (
    chiptunes,
    computed_sounds,
    drum_machines,
    midi,
    recorded,
    related,
    sample_audio,
    synthesisers,
    tts,
)
from benchmarks.data.kinds.makers import Maker, Piece, numbered, part_of, seed_of
from benchmarks.data.kinds.recorded import Folders, fetch_more

LIST: Final = "pieces.jsonl"

MAKERS: Final[Mapping[str, Callable[[Folders], list[Maker]]]] = {
    "drum_machine": lambda _: drum_machines.makers(),
    "sample_audio": lambda _: sample_audio.makers(),
    "general_midi": lambda _: midi.makers("general_midi"),
    "chiptune": lambda _: chiptunes.makers(),
    "synthesiser": lambda _: synthesisers.makers(),
    "tts": lambda _: tts.makers(),
    "same_piece": lambda _: related.makers(),
    "human_voice": recorded.voice_makers,
    "package_music": recorded.music_makers,
    "piano": lambda _: midi.makers("piano"),
    "held_chords": lambda _: midi.makers("held_chords"),
    "bells_alarms": lambda _: computed_sounds.makers("bells_alarms"),
    "tones": lambda _: computed_sounds.makers("tones"),
    "birds_weather": lambda folders: (
        computed_sounds.makers("birds_weather") + recorded.noise_makers("birds_weather", folders)
    ),
    "babble_hum": lambda folders: (
        computed_sounds.makers("babble_hum") + recorded.noise_makers("babble_hum", folders)
    ),
}
"""Makers of each kind, from the folders of recorded sounds."""


def main(argv: Sequence[str]) -> int:
    """Make pieces and write their list."""
    options = _arguments(argv)
    folders = Folders(corpus=options.corpus, packages=options.folder / "packages")
    if options.fetch:
        fetch_more(folders)
    for kind in options.kinds or MAKERS:
        makers = MAKERS[kind](folders)
        if missing := {maker.package: maker.missing for maker in makers if maker.missing}:
            needed = " ".join(sorted({str(package) for package in missing}))
            raise SystemExit(f"{kind} needs {missing}: run scripts/apt.sh {needed}")
        for maker in makers:  # the list is complete after each
            for number, path in numbered(maker, -(-options.pieces // len(makers) // 2) * 2):
                make(maker, number, options.folder / path)
            update_list([maker], options.folder)
        print(f"{kind}: {len(makers)} makers", flush=True)
    return 0


def make(maker: Maker, number: int, file: Path) -> None:
    """Write a piece as FLAC, unless it exists."""
    if file.exists():
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    samples = maker.play(number, np.random.default_rng(seed_of(maker, number)))
    partial = file.with_suffix(".partial")
    soundfile.write(partial, samples, maker.rate_hz, format="FLAC", subtype="PCM_16")
    partial.replace(file)


def pieces_of(makers: Sequence[Maker], folder: Path) -> Iterator[Piece]:
    """Yield the pieces of makers that exist in a folder."""
    for maker in makers:
        for file in sorted((folder / maker.kind / maker.name).glob("*.flac")):
            number = int(file.stem)
            yield Piece(
                path=str(file.relative_to(folder)),
                kind=maker.kind,
                maker=maker.name,
                piece=f"{maker.name}/{number:04d}",
                side=maker.side,
                part=part_of(number),
                duration_s=round(soundfile.info(file).duration, 2),
                seed=seed_of(maker, number),
                licence=maker.licence,
            )


def update_list(makers: Sequence[Maker], folder: Path) -> None:
    """Write the list anew with the pieces that these makers have now; those of other makers stay."""
    changed = {(maker.kind, maker.name) for maker in makers}
    with FileLock(folder / f".{LIST}.lock"):
        others = read_list(folder) if (folder / LIST).exists() else []
        kept = [piece for piece in others if (piece.kind, piece.maker) not in changed]
        pieces = sorted([*kept, *pieces_of(makers, folder)], key=lambda piece: piece.path)
        lines = [json.dumps(asdict(piece), ensure_ascii=False) for piece in pieces]
        partial = folder / f".{LIST}"
        partial.write_text("\n".join(lines) + "\n", encoding="utf-8")
        partial.replace(folder / LIST)


def read_list(folder: Path) -> list[Piece]:
    """Return the pieces that the list of a folder names."""
    return [Piece(**json.loads(line)) for line in (folder / LIST).read_text(encoding="utf-8").splitlines()]


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks kinds", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kinds", nargs="+", choices=sorted(MAKERS))
    parser.add_argument("--corpus", type=Path, default=Path("corpus"), help="folder of the open corpus")
    parser.add_argument("--fetch", action="store_true", help="fetch more packages of human voices first")
    parser.add_argument("--pieces", type=int, default=200, help="pieces of each kind; half are references")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
