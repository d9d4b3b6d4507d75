"""The open corpus: its files, and the role of each in training and evaluation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

LISTS: Final = Path(__file__).parents[1] / "lists"
SPLIT_FILE: Final = Path(__file__).parents[1] / "lists" / "split.json"

Role = Literal["train", "validation", "test"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One file of music or speech.

    Attributes
    ----------
    role : str
        Its use: ``test`` files are queried in evaluation and never used in training or tuning.
    overlay_for : str or None
        The role whose queries it is mixed with; it is then in no index of that evaluation.
    dup_group : str or None
        Files of one group hold the same recording, stems of it, or it at another tempo.
    self_repeat_s, self_repeat_lag_s : float
        Seconds of the track that repeat, and after how many seconds: a right answer may be there.
    """

    path: str
    package: str
    kind: Literal["music", "speech", "ambience"]
    role: Role
    overlay_for: Role | None
    duration_s: float
    license: str
    sha256: str
    dup_group: str | None
    self_repeat_s: float
    self_repeat_lag_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """A noise or a room's impulse response, used to degrade."""

    path: str
    package: str
    kind: str
    role: Role
    license: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """The open corpus below one folder; lists come with the source code, audio with `corpus fetch`."""

    root: Path
    tracks: tuple[Track, ...]
    noises: tuple[Sound, ...]
    rooms: tuple[Sound, ...]

    @classmethod
    def open(cls, root: Path) -> Corpus:
        """Read the lists, but no audio file."""
        split = json.loads(SPLIT_FILE.read_text(encoding="utf-8"))
        return cls(root=root, tracks=_tracks(split), noises=_noises(split), rooms=_rooms(split))

    def select(self, *, role: Role | None = None, kind: str | None = None) -> list[Track]:
        """Return tracks of one role and kind, one of each group of duplicates, in the lists' order."""
        seen: set[str] = set()
        chosen = []
        for track in self.tracks:
            if (role and track.role != role) or (kind and track.kind != kind) or track.dup_group in seen:
                continue
            if track.dup_group:
                seen.add(track.dup_group)
            chosen.append(track)
        return chosen

    def overlays(self, *, role: Role, kind: str) -> list[Track]:
        """Return tracks that are mixed with queries of `role`: music or speech that is not in its index."""
        return [track for track in self.tracks if track.overlay_for == role and track.kind == kind]

    def missing(self) -> list[str]:
        """Return paths of the lists that do not exist on this machine."""
        listed = (entry.path for group in (self.tracks, self.noises, self.rooms) for entry in group)
        return [path for path in listed if not (self.root / path).is_file()]


def _rows(name: str) -> Iterator[dict[str, Any]]:
    for line in (LISTS / name).read_text(encoding="utf-8").splitlines():
        yield json.loads(line)


def _tracks(split: dict[str, Any]) -> tuple[Track, ...]:
    roles: dict[str, Role] = dict.fromkeys(split["test"]["packages"], "test")
    roles |= dict.fromkeys(split["validation"]["packages"], "validation")
    overlays: list[tuple[str, Role]] = [
        (start, role) for role in split["overlay"] for start in split["overlay"][role]
    ]
    return tuple(
        Track(
            path=row["path"],
            package=row["package"],
            kind=row["kind"],
            role=roles.get(row["package"], "train"),
            overlay_for=next((role for start, role in overlays if row["path"].startswith(start)), None),
            duration_s=row["duration_s"],
            license=row["license"],
            sha256=row["sha256"],
            dup_group=row.get("dup_group"),
            self_repeat_s=row.get("self_repeat_s") or 0.0,
            self_repeat_lag_s=row.get("self_repeat_lag_s") or 0.0,
        )
        for row in _rows("open_tracks.jsonl")
    )


def _sound(row: dict[str, Any], *, kind: str, role: Role) -> Sound:
    names = ("path", "package", "license", "sha256")
    return Sound(kind=kind, role=role, **{name: row[name] for name in names})


def _noises(split: dict[str, Any]) -> tuple[Sound, ...]:
    chosen = split["test"]["noise_packages"]
    return tuple(
        _sound(row, kind=row["category"], role="test" if row["package"] in chosen else "train")
        for row in _rows("open_noises.jsonl")
    )


def _rooms(split: dict[str, Any]) -> tuple[Sound, ...]:
    """Return impulse responses of rooms and streets, without loudspeakers and tone responses."""
    rule = split["test"]["rooms"]
    simulated = 0
    rooms = []
    for row in _rows("open_irs.jsonl"):
        if row["type"] == "speaker_cabinet_or_tone":
            continue
        simulated += row["type"].startswith("simulated")
        chosen = any(name in row["path"] for name in rule["names"])
        chosen |= row["type"].startswith("simulated") and simulated % rule["every"] == 0
        rooms.append(_sound(row, kind=row["type"], role="test" if chosen else "train"))
    return tuple(rooms)
