"""Examples for the help of each command."""

from __future__ import annotations

from typing import Final

EXAMPLES: Final[dict[str, tuple[str, ...]]] = {
    "register": (
        "earwitness register my_album/ --owner 'My Name'",
        "earwitness register songs/*.flac --meta songs.csv",
        "earwitness register my_album/ --watch",
    ),
    "index": (
        "earwitness index published.tar --name some-dataset --version 2026-01",
        "earwitness index shards/ --name scraped --out matches.jsonl",
    ),
    "check": (
        "earwitness check my_song.mp3",
        "earwitness check claimed/ --in some-dataset --effort full --format jsonl",
        "earwitness check my_song.mp3 --evidence evidence.json",
    ),
    "scan": (
        "earwitness scan shards/ --out findings.jsonl --exclude-list exclude.txt",
        "earwitness scan shards/ --out findings.jsonl --resume",
        "earwitness scan clips.csv --out - --exit-on possible | jq .verdict",
    ),
    "dedup": (
        "earwitness dedup clips/ --keep-list keep.txt",
        "earwitness dedup clips/ --out groups.jsonl --effort standard",
    ),
    "overlap": (
        "earwitness overlap test/ some-dataset --report overlap.html",
        "earwitness overlap training/ test/ --out pairs.csv --format csv --exclude-a leave-out.txt",
        "earwitness overlap clips.parquet --split-column split",
        "earwitness overlap dataset/ --splits train,test --exclude-b leave-out.txt",
    ),
    "replicas": (
        "earwitness replicas outputs/ --in training",
        "earwitness replicas outputs.tar --in training --effort full --out pairs.csv --format csv",
    ),
    "cue": (
        "earwitness cue show.mp3 --out plays.csv",
        "earwitness cue mix.flac --in some-dataset --format cue --out mix.cue",
    ),
    "evidence verify": (
        "earwitness evidence verify evidence.json",
        "earwitness evidence verify evidence.json --key FINGERPRINT",
    ),
    "evidence print": ("earwitness evidence print evidence.json --out answer.html",),
    "evidence key": ("earwitness evidence key",),
    "collections": ("earwitness collections", "earwitness collections --json"),
    "shelf": ("earwitness shelf", "earwitness shelf fsd50k", "earwitness shelf --json"),
    "same_file": (
        "earwitness same-file downloads/",
        "earwitness same-file shard-000.tar --out known.jsonl",
    ),
    "remove": (
        "earwitness remove some-dataset:2026-01",
        "earwitness remove --work night_bus.opus --yes",
    ),
    "rebuild": ("earwitness rebuild",),
    "verify": ("earwitness verify", "earwitness verify --json"),
    "backup": ("earwitness backup /media/disk/earwitness.bak",),
    "restore": ("earwitness --home /new/home restore /media/disk/earwitness.bak",),
    "doctor": ("earwitness doctor", "earwitness doctor --json"),
    "selftest": ("earwitness selftest",),
    "schema": ("earwitness schema finding > finding.schema.json",),
    "serve": (
        "earwitness serve",
        "EARWITNESS_API_KEYS=... earwitness serve --host 0.0.0.0 --port 8765",
    ),
    "watch add": ("earwitness watch add night_bus.opus", "earwitness watch add --all"),
    "watch list": ("earwitness watch list", "earwitness watch list --all --json"),
    "watch stop": ("earwitness watch stop night_bus.opus",),
    "watch notices": ("earwitness watch notices", "earwitness watch notices --in some-dataset:2 --all"),
    "watch evidence": ("earwitness watch evidence 12 --out gone.json",),
    "watch webhook": (
        "earwitness watch webhook https://example.org/earwitness",
        "earwitness watch webhook --remove",
    ),
    "watch deliver": ("earwitness watch deliver",),
    "pack make": ("earwitness pack make some-dataset --out some-dataset.pack --key my.pem",),
    "pack verify": ("earwitness pack verify some-dataset.pack",),
    "pack show": ("earwitness pack show some-dataset.pack",),
    "pack add": (
        "earwitness pack add some-dataset.pack",
        "earwitness pack add https://archive.example/some-dataset.pack --without-sound",
    ),
    "pack remove": ("earwitness pack remove some-dataset",),
    "pack keys list": ("earwitness pack keys list",),
    "pack keys accept": ("earwitness pack keys accept FINGERPRINT --owner 'An Archive'",),
    "pack keys forget": ("earwitness pack keys forget FINGERPRINT",),
    "pack keys create": ("earwitness pack keys create my.pem",),
    "create": (
        "earwitness keys create",
        "earwitness keys create --name studio --scope ask --scope register --expires 90d",
    ),
}


def epilog(command: str) -> str:
    """Return the end of a command's help; the mark keeps its line breaks."""
    return "\n".join(("\b", "Examples:", *(f"  {each}" for each in EXAMPLES[command])))
