"""``python -m benchmarks corpus fetch DIR [core|all]``: fetch the open corpus from Debian's packages.

Packages are downloaded and unpacked, never installed. Files of the lists that the packages no longer
contain are printed; the benchmarks run without them. Simulated rooms need pyroomacoustics, which no other
part of the project needs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from benchmarks.data.corpus import LISTS, Corpus, Sound, Track
from benchmarks.data.impulse_responses import simulate_rooms
from benchmarks.data.speech_reels import make_reels

AUDIO: Final = {".ogg", ".oga", ".opus", ".mp3", ".flac", ".wav", ".aif", ".aiff", ".au"}
ARCHIVES: Final = {".pk3", ".zip", ".data", ".love", ".wz"}
SPOKEN_ARCHIVE: Final = "queen.1c"


def main(argv: Sequence[str]) -> int:
    """Fetch or list."""
    it = argparse.ArgumentParser(prog="python -m benchmarks corpus", description=__doc__)
    it.add_argument("verb", choices=["fetch", "list"])
    it.add_argument("folder", type=Path)
    it.add_argument("what", nargs="?", choices=["core", "all"], default="core")
    options = it.parse_args(argv)
    if options.verb == "fetch":
        fetch(options.folder, packages(options.what))
        if options.what == "all":
            make_reels(options.folder)
            simulate_rooms(options.folder)
    return report_differences(options.folder)


def packages(what: str) -> list[str]:
    """Return names of the Debian packages of the core corpus, or of all."""
    named: dict[str, list[str]] = json.loads((LISTS / "packages.json").read_text(encoding="utf-8"))
    return named["core"] if what == "core" else sorted({name for group in named.values() for name in group})


def fetch(folder: Path, names: Sequence[str]) -> None:
    """Download what is missing and unpack the audio into FOLDER/raw/PACKAGE."""
    wanted = [name for name in names if not (folder / "raw" / name / ".done").exists()]
    if not wanted:
        return
    debs = (folder / "debs").absolute()
    debs.mkdir(parents=True, exist_ok=True)
    # apt's own user has no write access to this folder
    options = ["-q", "-o", "APT::Sandbox::User=root"]
    subprocess.run(["apt-get", *options, "download", *wanted], cwd=debs, check=True)
    for deb in sorted(debs.glob("*.deb")):
        package = deb.name.partition("_")[0]
        with tempfile.TemporaryDirectory(dir=folder) as unpacked:
            subprocess.run(["dpkg-deb", "-x", deb, unpacked], check=True)
            move_audio(Path(unpacked), folder / "raw" / package)
        (folder / "raw" / package / ".done").touch()


def move_audio(source: Path, target: Path) -> None:
    """Move audio files and audio members of zip archives to the paths of the lists; ignore other files."""
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        relative = path.relative_to(source)
        if path.suffix.lower() in ARCHIVES and zipfile.is_zipfile(path):
            _extract_members(path, target / f"{relative}!")
        elif wanted := _wanted_name(path, relative):
            (target / wanted).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(path, target / wanted)


def _wanted_name(path: Path, relative: Path) -> Path | None:
    licence = "doc" in relative.parts and path.name.startswith("copyright")
    if path.suffix.lower() in AUDIO or path.name == SPOKEN_ARCHIVE or licence:
        return relative
    with path.open("rb") as file:  # one package ships Ogg files without a suffix
        ogg = not path.suffix and path.stat().st_size > 5000 and file.read(4) == b"OggS"
    return relative.with_name(relative.name + ".ogg") if ogg else None


def _extract_members(archive: Path, target: Path) -> None:
    with zipfile.ZipFile(archive) as members:
        for name in members.namelist():
            if Path(name).suffix.lower() in AUDIO:
                members.extract(name, target)


def report_differences(folder: Path) -> int:
    """Print tracks, missing files and differences from the lists; return 1 if there are any."""
    corpus = Corpus.open(folder)
    missing = set(corpus.missing())
    changed = list(_changed(corpus, missing))
    here = [track for track in corpus.tracks if track.path not in missing]
    hours = sum(track.duration_s for track in here) / 3600
    print(f"{len(here)} of {len(corpus.tracks)} tracks, {hours:.1f} h, in {folder}")
    for path in sorted(missing):
        print(f"missing: {path}")
    for path in changed:
        print(f"sha256 differs from the list: {path}")
    return 1 if missing or changed else 0


def _changed(corpus: Corpus, missing: set[str]) -> Iterator[str]:
    entries: tuple[Track | Sound, ...] = (*corpus.tracks, *corpus.noises, *corpus.rooms)
    for entry in entries:
        # files derived by encoders and ray tracing are not repeatable bit for bit
        if entry.path not in missing and entry.path.startswith("raw/"):
            digest = hashlib.sha256((corpus.root / entry.path).read_bytes()).hexdigest()
            if digest != entry.sha256:
                yield entry.path
