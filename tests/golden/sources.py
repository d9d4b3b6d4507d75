"""Sources of several kinds with the same queries: archives, tables and manifests."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

CONTENTS = (
    "clean-8s-paper_lanterns.flac",
    "codec-mp3-32k-tin_parade.mp3",
    "codec-opus-24k-night_bus.opus",
    "codec-aac-32k-slow_harbour.m4a",
    "noise-10dB-clockwork_reel.flac",
    "absent-01-6s.flac",
    "silence-6s.flac",
    "short-0.4s.wav",
    "page.mp3",
    "cut-off.m4a",
)
"""Queries in each of these sources."""


def write(folder: Path, clips: Mapping[str, bytes]) -> None:
    """Write clips as files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in clips.items():
        (folder / name).write_bytes(data)


def archives(folder: Path, clips: Mapping[str, bytes]) -> None:
    """Write a folder with a zip, two WebDataset shards, a Parquet table and an audio file."""
    folder.mkdir()
    with zipfile.ZipFile(folder / "clips.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in clips.items():
            archive.writestr(f"inside/{name}", data)
    for number in range(2):
        with tarfile.open(folder / f"shard-{number:04d}.tar", "w") as shard:
            for name, data in list(clips.items())[number::2]:
                key, _, suffix = name.rpartition(".")
                _add(shard, f"{key.replace('.', '_')}.{suffix}", data)
                _add(shard, f"{key.replace('.', '_')}.json", json.dumps({"title": key}).encode())
    rows: list[dict[str, object]] = [
        {"audio": {"bytes": data, "path": name}, "title": name} for name, data in clips.items()
    ]
    rows.append({"audio": None, "title": "a row without audio"})
    pa.parquet.write_table(pa.Table.from_pylist(rows), folder / "table.parquet")
    (folder / "notes.txt").write_text("no sound")
    name, data = next(iter(clips.items()))
    (folder / f"plain-{name}").write_bytes(data)


def _add(shard: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    shard.addfile(member, io.BytesIO(data))


def manifests(folder: Path, clips: Mapping[str, bytes]) -> None:
    """Write ``list.jsonl`` with stretches and ``list.csv``, both with bad rows, beside the clips."""
    write(folder / "clips", clips)
    rows: list[object] = [{"audio_filepath": f"clips/{name}", "title": name} for name in clips]
    first, second = list(clips)[:2]
    rows += [
        {"audio_filepath": f"clips/{first}", "offset": 2.0, "duration": 4.0},
        {"audio_filepath": f"clips/{second}", "offset": 100.0, "duration": 4.0},
        {"audio_filepath": f"clips/{second}", "offset": "soon", "duration": 4.0},
        {"audio_filepath": "clips/missing.mp3"},
        {"audio_filepath": "../outside.mp3"},
        {"audio_filepath": "/etc/passwd"},
        {"audio_filepath": "https://example.org/song.mp3"},
        {"title": "a row without a path"},
        ["a row of another kind"],
    ]
    lines = [json.dumps(row) for row in rows] + ['{"audio_filepath": "clips/cut']
    (folder / "list.jsonl").write_text("\n".join(lines) + "\n")
    table = [f"clips/{name},{name},Someone" for name in clips]
    table += ["clips/missing.mp3,A,B", ",no path,B", "clips/too,many,cells,here", '"clips/open,quote,C']
    (folder / "list.csv").write_text("path,title,artist\n" + "\n".join(table) + "\n")
