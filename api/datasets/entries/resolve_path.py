"""Turns what a manifest writes into a place: below its root, plain, and never a command."""

from __future__ import annotations

import itertools
import os
import stat
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

from earwitness.api.datasets.access.locations import Location, in_system_folder, open_regular
from earwitness.api.datasets.item_errors import (
    BadEntry,
    CommandRefused,
    DeviceRefused,
    ItemMissing,
    LinkRefused,
    PathEscapes,
    RemoteRefused,
)
from earwitness.api.datasets.names import AUDIO_SUFFIXES, climbs_out, label, suffix

LONGEST_NAME: Final = 4096
"""Characters of a path or URL; what is longer is no name of a file."""
LONGEST_ID: Final = 400
USUAL_FOLDERS: Final = (
    "", "clips", "wavs", "wav", "audio", "audios", "data", "mp3", "mp3s", "flac", "sounds", "recordings",
    "files", "media", "songs", "tracks", "music", "segments", "wav48", "audio_files",
)  # fmt: skip
"""Folders beside a manifest in which its audio usually lies."""
_SUFFIXES: Final = (
    ".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".mp4", ".webm", ".mkv", ".aac", ".low.mp3", ".aif",
    ".aiff", ".wma", ".oga", ".sph",
)  # fmt: skip
_LONGER: Final = (".low.mp3", *(ending for ending in _SUFFIXES if ending != ".low.mp3"))
_FOLDERS_HELD: Final = 1_000
_LISTED: Final = 1_000_000
"""Names of one folder that are held in memory."""


class Resolver(Protocol):
    """Finds the file that an entry names; raises the `ItemRefused` that says why not."""

    def place(self, text: str) -> Location:
        """The file that ``text`` (a path or URL, as written) names."""

    def guess(self, stems: Sequence[str]) -> Location | None:
        """The first file that is there under one of these names, without suffix; None when none is."""


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
    if len(text) <= LONGEST_NAME and is_command(text):
        raise CommandRefused(name=shortened(text))
    if len(text) > LONGEST_NAME:
        raise BadEntry(name=shortened(text), detail=f"text of {len(text):,} characters is no path")
    if not text.strip() or "\0" in text:
        raise BadEntry(name=label(text) or "(empty)", detail="no path")


def short_id(text: str) -> str:
    """A name that an entry gives itself, as an id: one that is too long is cut."""
    return label(text) if len(text) <= LONGEST_ID else f"{label(text[:LONGEST_ID])}..."


def shortened(text: str) -> str:
    """The start of a text that is too long to show."""
    return label(text) if len(text) <= 200 else f"{label(text[:60])}..."


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalRoot:
    """Resolves paths below a local folder; links in it are followed as in a folder that is scanned.

    Attributes
    ----------
    root : Path
        The folder that the manifest lies in.
    named : Path or None
        The folder that the user names as the one that holds the audio: it is looked into first, and paths
        that are absolute or climb may lead there.
    fetch : callable or None
        Opens a URL as a place; None where fetching was not asked for.
    """

    root: Path
    named: Path | None = None
    fetch: Callable[[str], Location] | None = None
    _listed: dict[str, _Names] = field(default_factory=dict)
    _stripped: list[tuple[str, ...]] = field(default_factory=list)
    """The first parts of absolute paths that stand for ``named``, once one has been found there."""

    def place(self, text: str) -> Location:
        """The file that ``text`` names."""
        check_entry(text)
        if text.startswith("file://"):
            try:
                text = unquote(urlsplit(text).path)
            except ValueError as error:
                raise BadEntry(name=shortened(text), detail=str(error)[:80]) from error
        elif is_url(text):
            if self.fetch is None:
                raise RemoteRefused(name=label(text))
            return self.fetch(text)
        return self._local(text)

    def guess(self, stems: Sequence[str]) -> Location | None:
        """The first file of one of these names, in the usual folders and with the usual suffixes."""
        for stem in stems:
            if found := self._beside(stem):
                return self._judged(found, name=self._relative(found))
        return None

    def _relative(self, path: str) -> str:
        root = next(root for root in self._roots() if _below(path, root))
        return label(path.removeprefix(str(root)).lstrip("/"))

    def _roots(self) -> tuple[Path, ...]:
        return (self.root,) if self.named is None else (self.named, self.root)

    def _local(self, text: str) -> Location:
        spellings = list(_spellings(text))
        escapes, refused = True, ItemMissing(name=shortened(text), detail="No such file or directory")
        for written in spellings:
            for root in self._roots():
                path = os.path.normpath(root / written)
                if not any(_below(path, allowed) for allowed in self._roots()):
                    continue
                escapes = False
                if os.path.lexists(path):
                    return self._judged(path, name=label(text))
        for written in spellings:
            if found := self._elsewhere(written):
                return self._judged(found, name=self._relative(found))
        raise PathEscapes(name=shortened(text)) if escapes else refused

    def _elsewhere(self, text: str) -> str | None:
        """Where a path that is not where it says may be: in a usual folder, or below the folder named."""
        if not _climbs(text):
            return self._beside(text)
        if self.named is None:
            return None
        parts = tuple(part for part in text.replace("\\", "/").split("/") if part and part != ".")
        tries = [len(self._stripped[0])] if self._stripped else range(1, len(parts))
        for n in tries:
            path = os.path.normpath(self.named.joinpath(*parts[n:]))
            agrees = not self._stripped or parts[:n] == self._stripped[0]
            if agrees and ".." not in parts[n:] and os.path.lexists(path):
                # two absolute folders are never taken for one
                self._stripped[:] = [parts[:n]]
                return path
        return None

    def _beside(self, text: str) -> str | None:
        """A file of this name in a usual folder, with a usual suffix where it has none."""
        if _climbs(text):
            return None
        inner, _, name = text.rpartition("/")
        whole = suffix(name) in AUDIO_SUFFIXES
        for root in self._roots():
            for folder in self._folders(root):
                below = "/".join(part for part in (str(root), folder, inner) if part)
                found = self._listing(below).named(name, whole=whole)
                if found is not None and (folder or found != name):
                    return f"{below}/{found}"
        return None

    def _folders(self, root: Path) -> Sequence[str]:
        """The usual folders that are there, and the root itself."""
        return self._listing(str(root)).usual

    def _listing(self, folder: str) -> _Names:
        """The names in a folder, listed once."""
        if folder not in self._listed:
            if len(self._listed) >= _FOLDERS_HELD:
                self._listed.clear()
            self._listed[folder] = _Names(folder)
        return self._listed[folder]

    def _judged(self, path: str, *, name: str) -> Location:
        """A file that lies below a root as written; judged once more by where links in the way lead."""
        try:
            real = Path(path).resolve(strict=True)
            mode = real.lstat()
        except (OSError, ValueError) as error:
            raise ItemMissing(name=name, detail=getattr(error, "strerror", None)) from error
        except RuntimeError as error:  # a loop of links
            raise LinkRefused(name=name) from error
        if in_system_folder(os.fsencode(real)) and not any(
            real.is_relative_to(root) for root in self._roots()
        ):
            raise LinkRefused(name=name, detail="it leads into the system's own folders")
        if not stat.S_ISREG(mode.st_mode):
            raise DeviceRefused(name=name)
        return Location(name=name, open=lambda: open_regular(real), size=mode.st_size, file=real)


def _below(path: str, root: Path) -> bool:
    return path == str(root) or path.startswith(f"{str(root).rstrip('/')}/")


def _climbs(text: str) -> bool:
    return climbs_out(os.path.normpath(text)) or climbs_out(text)


def _spellings(text: str) -> Iterator[str]:
    """A path as written, and as other systems would write it."""
    stripped = text.strip()
    forms = [text, stripped, stripped.replace("\\", "/"), unquote(stripped)]
    forms += [unicodedata.normalize(form, stripped) for form in ("NFC", "NFD") if not stripped.isascii()]
    return iter(dict.fromkeys(form for form in forms if form and "\0" not in form))


class _Names:
    """The names in one folder, by name and by stem; none where there is no such folder."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._by_stem: dict[str, str] = {}
        try:
            with os.scandir(folder) as listing:
                names = [entry.name for entry in itertools.islice(listing, _LISTED)]
        except (OSError, ValueError):
            names = []
        self._names = frozenset(names)
        self._all = len(names) < _LISTED
        for name in names:
            rank, stem = _rank(name)
            if rank < len(_LONGER) and (stem not in self._by_stem or rank < _rank(self._by_stem[stem])[0]):
                self._by_stem[stem] = name
        self.usual = tuple(name for name in USUAL_FOLDERS if not name or self._has(name))

    def named(self, name: str, *, whole: bool) -> str | None:
        """The file of this name; of this stem where the name is not ``whole``."""
        if self._has(name):
            return name
        if whole:
            return None
        if self._all:
            return self._by_stem.get(name)
        return next((name + ending for ending in _SUFFIXES if self._has(name + ending)), None)

    def _has(self, name: str) -> bool:
        return name in self._names or (not self._all and os.path.lexists(f"{self._folder}/{name}"))


def _rank(name: str) -> tuple[int, str]:
    """How usual a file's suffix is (0 is most usual; the last where it is none of audio), and its stem."""
    for rank, ending in enumerate(_LONGER):
        if name.lower().endswith(ending):
            return rank, name[: -len(ending)]
    return len(_LONGER), name
