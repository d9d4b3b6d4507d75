"""The messages between a scan's parent and its workers, over one socket each; both ends are this program."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from earwitness.api.datasets.items import Json
from earwitness.api.pipeline.run_spec import ItemResult
from earwitness.fingerprint.errors import EarwitnessError


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One item for a worker.

    Attributes
    ----------
    audio : bytes or Path or None
        The item's bytes, or the plain file of exactly these bytes; None when an open file follows the task.
    """

    item_id: str
    path: str
    audio: bytes | Path | None
    start_s: float | None
    end_s: float | None
    partial: str | None = None
    metadata: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The worker has opened the library and can take tasks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The worker cannot work, for a reason that holds for every other worker too."""

    error: EarwitnessError


Reply = Ready | Broken | ItemResult


def send(connection: Connection, reply: Reply) -> None:
    """Send a reply to the parent; if the socket is closed, end this process and print nothing.

    A parent that has all of its results closes its end while other workers are still starting.
    """
    try:
        connection.send(reply)
    except ConnectionError:
        os._exit(0)


def receive(connection: Connection) -> Any:
    """Receive a message of the parent; if the socket is closed, end this process and print nothing."""
    try:
        return connection.recv()
    except (EOFError, OSError):
        os._exit(0)
