"""``python -m benchmarks known-files [OUT]``: make the list of known files that the package ships.

The digests and paths are those of the indexes of mirdata and soundata, two open libraries that load datasets
of music and of sound. ``lists/known_files.json`` names the packages, pinned by digest, the indexes, and the
dataset that each describes. Nothing is installed: the wheels are downloaded and their indexes read.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.data.corpus import LISTS
from earwitness.index.known_files.file_list import ListedDataset
from earwitness.index.known_files.known_files import PUBLISHED
from earwitness.index.known_files.write_file_list import KnownFile, write_file_list

AUDIO: Final = (".wav", ".mp3", ".flac")
SECTIONS: Final = ("tracks", "clips", "multitracks")
MD5_DIGITS: Final = 32

Package = Mapping[str, Any]


def main(argv: Sequence[str]) -> int:
    """Make the list, and print what it holds."""
    it = argparse.ArgumentParser(prog="python -m benchmarks known-files", description=__doc__)
    it.add_argument("out", nargs="?", type=Path, default=PUBLISHED)
    it.add_argument("--wheels", type=Path, help="folder of the wheels; by default they are downloaded")
    options = it.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        wheels = options.wheels or download(Path(folder))
        datasets = [each for package in packages() for each in datasets_of(package, wheels)]
        notice = "\n\n".join(notice_of(package, wheels) for package in packages())
    with options.out.open("wb") as file:
        write_file_list(file, datasets, notice=notice)
    for listed, _ in datasets:
        print(f"{listed.n_files:7,} {listed.name} {listed.version} ({listed.listed_by})")
    digests = {file.digests["md5"] for _, files in datasets for file in files}
    n_files = sum(listed.n_files for listed, _ in datasets)
    print(f"{n_files:7,} files of {len(datasets)} datasets, {len(digests):,} digests: {options.out}")
    return 0


def packages() -> Sequence[Package]:
    """Return the packages that the list is made of."""
    loaded: dict[str, Sequence[Package]] = json.loads((LISTS / "known_files.json").read_text("utf-8"))
    return loaded["packages"]


def download(folder: Path) -> Path:
    """Download the wheels of the packages."""
    names = [f"{each['package']}=={each['version']}" for each in packages()]
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    subprocess.run([*pip, "--dest", str(folder), *names], check=True)
    return folder


def datasets_of(package: Package, wheels: Path) -> Iterator[tuple[ListedDataset, list[KnownFile]]]:
    """Yield the datasets whose indexes a package holds, with their files."""
    with opened(package, wheels) as wheel:
        check_indexes(package, wheel)
        for each in package["datasets"]:
            index = json.loads(wheel.read(member_of(package, each["index"])))
            files = audio_files(index)
            listed = ListedDataset(
                id=each["id"],
                name=each["name"],
                version=each["version"],
                n_files=len(files),
                listed_by=f"{package['package']} {package['version']}",
            )
            yield listed, files


def opened(package: Package, wheels: Path) -> zipfile.ZipFile:
    """Open a wheel, whose digest must be the one that the list names."""
    path = wheels / package["wheel"]
    if hashlib.sha256(path.read_bytes()).hexdigest() != package["sha256"]:
        raise SystemExit(f"{path} is not the wheel that the list names")
    return zipfile.ZipFile(path)


def member_of(package: Package, index: str) -> str:
    """Return the path of an index in its wheel."""
    return f"{package['package']}/datasets/indexes/{index}.json"


def check_indexes(package: Package, wheel: zipfile.ZipFile) -> None:
    """Require that every index with audio is either listed, or left out for a reason."""
    folder = member_of(package, "")[: -len(".json")]
    here = {name[len(folder) : -len(".json")] for name in wheel.namelist() if name.startswith(folder)}
    named = {each["index"] for each in package["datasets"]} | set(package["left_out"])
    unnamed = {name for name in here - named if audio_files(json.loads(wheel.read(member_of(package, name))))}
    if unnamed or named - here:
        raise SystemExit(f"{package['package']}: {sorted(unnamed)} not named, {sorted(named - here)} missing")


def audio_files(index: Mapping[str, Any]) -> list[KnownFile]:
    """Return the audio files of an index that have an MD5, each once, sorted by path."""
    entries = (entry for section in SECTIONS for entry in index.get(section, {}).values())
    fields = (field for entry in entries for field in entry.values())
    digests = {field[0]: bytes.fromhex(field[1]) for field in fields if is_audio(field)}
    return [KnownFile(path=path, digests={"md5": md5}) for path, md5 in sorted(digests.items())]


def is_audio(field: object) -> bool:
    """Whether a field of an index is the path and the MD5 of an audio file."""
    return (
        isinstance(field, list)
        and len(field) == 2
        and isinstance(field[0], str)
        and field[0].lower().endswith(AUDIO)
        and isinstance(field[1], str)
        and len(field[1]) == MD5_DIGITS
    )


def notice_of(package: Package, wheels: Path) -> str:
    """Return the source and the licence of a package's indexes."""
    with opened(package, wheels) as wheel:
        licence = wheel.read(package["licence_file"]).decode("utf-8")
    name = f"{package['package']} {package['version']}"
    return f"Paths and MD5 digests are from the indexes of {name}, under this licence:\n\n{licence}"
