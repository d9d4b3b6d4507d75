"""What passes between a scan's parent and its workers, over one socket each. Both ends are this program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from api.datasets.types import Json
from api.orders import Answer
from fingerprint.errors import EarwitnessError


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One item for a worker.

    Attributes
    ----------
    audio : bytes or Path or None
        The item's bytes, or the plain file that holds exactly them; None when an open file follows the task.
    """

    item_id: str
    path: str
    audio: bytes | Path | None
    start_s: float | None
    end_s: float | None
    metadata: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A worker has opened the library and can take tasks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A worker cannot work at all, for a reason that holds for every other worker too."""

    error: EarwitnessError


Reply = Ready | Broken | Answer
