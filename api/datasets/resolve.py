"""Turns what a manifest writes into a place: below its root, plain, and never a command."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from api.datasets.labels import label
from api.datasets.places import Place, open_regular
from api.errors import (
    BadEntry,
    CommandRefused,
    DeviceRefused,
    ItemMissing,
    LinkRefused,
    PathEscapes,
    RemoteRefused,
)


class Resolver(Protocol):
    """Finds the file that an entry names; raises the `ItemRefused` that says why not."""

    def place(self, text: str) -> Place:
        """The file that ``text`` (a path or URL, as written) names."""


def is_command(text: str) -> bool:
    """Whether an entry asks for something to be run: a pipe, or a shell's substitution."""
    stripped = text.strip()
    piped = stripped.startswith(("|", "pipe:", "!")) or stripped.endswith("|")
    return piped or "$(" in stripped or "`" in stripped


def is_url(text: str) -> bool:
    """Whether an entry is a URL rather than a path."""
    scheme, separator, _ = text.partition("://")
    return bool(separator) and scheme.replace("+", "").replace(".", "").isalnum()


def check_entry(text: str) -> None:
    """Refuse what is no name of a file at all."""
    if is_command(text):
        raise CommandRefused(name=label(text))
    if not text.strip() or "\0" in text:
        raise BadEntry(name=label(text) or "(empty)", detail="no path")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalRoot:
    """Resolves paths below a local folder; links may be followed only as far as they stay below it.

    ``fetch`` opens a URL as a place; None where fetching was not asked for.
    """

    root: Path
    fetch: Callable[[str], Place] | None = None

    def place(self, text: str) -> Place:
        """The file that ``text`` names."""
        check_entry(text)
        if text.startswith("file://"):
            text = unquote(urlsplit(text).path)
        elif is_url(text):
            if self.fetch is None:
                raise RemoteRefused(name=label(text))
            return self.fetch(text)
        return self._local(text)

    def _local(self, text: str) -> Place:
        name, written = label(text), Path(os.path.normpath(self.root / text))
        # judged twice: as written, and where links in the way would really lead
        if not written.is_relative_to(self.root):
            raise PathEscapes(name=name)
        try:
            real = written.resolve(strict=True)
            mode = real.lstat()
        except (OSError, ValueError) as error:
            raise ItemMissing(name=name, detail=getattr(error, "strerror", None)) from error
        except RuntimeError as error:  # a loop of links
            raise LinkRefused(name=name) from error
        if not real.is_relative_to(self.root):
            raise LinkRefused(name=name, detail="it leads out of the folder")
        if not stat.S_ISREG(mode.st_mode):
            raise DeviceRefused(name=name)
        return Place(name=name, open=lambda: open_regular(real), size=mode.st_size, file=real)
