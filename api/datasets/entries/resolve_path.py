"""Finds the file that a manifest entry names: below its root, a regular file, and never a command."""

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
"""Characters of a path or URL; longer text is not a path."""
LONGEST_ID: Final = 400
USUAL_FOLDERS: Final = (
    "", "clips", "wavs", "wav", "audio", "audios", "data", "mp3", "mp3s", "flac", "sounds", "recordings",
    "files", "media", "songs", "tracks", "music", "segments", "wav48", "audio_files",
)  # fmt: skip
"""Folders beside a manifest that usually hold its audio."""
_SUFFIXES: Final = (
    ".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".mp4", ".webm", ".mkv", ".aac", ".low.mp3", ".aif",
    ".aiff", ".wma", ".oga", ".sph",
)  # fmt: skip
_LONGER: Final = (".low.mp3", *(ending for ending in _SUFFIXES if ending != ".low.mp3"))
_CODE_PAGES: Final = ("cp1252", "cp932", "cp1251")
"""Encodings of lists that do not say theirs: Windows in Western Europe, in Japan, and in Russia."""
_FOLDERS_HELD: Final = 1_000
_LISTED: Final = 1_000_000
"""File names of one folder that are held in memory."""


class Resolver(Protocol):
    """Finds the file that an entry names; raises `ItemRefused` where it may not be read."""

    def place(self, text: str) -> Location:
        """The file that ``text`` (a path or URL, as written) names."""

    def guess(self, stems: Sequence[str]) -> Location | None:
        """The first file that exists under one of these names, without suffix; None when there is none."""


def is_command(text: str) -> bool:
    """Whether an entry is a command: a pipe, or a shell substitution."""
    stripped = text.strip()
    piped = stripped.startswith(("|", "pipe:", "!")) or stripped.endswith("|")
    return piped or "$(" in stripped or "`" in stripped


def is_url(text: str) -> bool:
    """Whether an entry is a URL rather than a path."""
    scheme, separator, _ = text.partition("://")
    return bool(separator) and scheme.replace("+", "").replace(".", "").isalnum()


def check_entry(text: str) -> None:
    """Refuse text that cannot be a path or URL."""
    if len(text) <= LONGEST_NAME and is_command(text):
        raise CommandRefused(name=shortened(text))
    if len(text) > LONGEST_NAME:
        raise BadEntry(name=shortened(text), detail=f"text of {len(text):,} characters is not a path")
    if not text.strip() or "\0" in text:
        raise BadEntry(name=label(text) or "(empty)", detail="no path")


def short_id(text: str) -> str:
    """An entry's own name as an id, cut where it is too long."""
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
        The folder of the manifest.
    named : Path or None
        The folder that the user names as the one with the audio: it is searched first, and absolute paths
        and paths with ``..`` may lead there.
    fetch : callable or None
        Opens a URL; None where fetching was not requested.
    """

    root: Path
    named: Path | None = None
    fetch: Callable[[str], Location] | None = None
    _listed: dict[str, _Names] = field(default_factory=dict)
    _stripped: list[tuple[str, ...]] = field(default_factory=list)
    """The leading folders of absolute paths that stand for ``named``, once a file was found there."""

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
            if path := self._beside(stem):
                return self._checked(path, name=self._relative(path))
        return None

    def _relative(self, path: str) -> str:
        root = next(root for root in self._roots() if _below(path, root))
        return label(path.removeprefix(str(root)).lstrip("/"))

    def _roots(self) -> tuple[Path, ...]:
        return (self.root,) if self.named is None else (self.named, self.root)

    def _local(self, text: str) -> Location:
        spellings = list(_spellings(text))
        escapes, missing = True, ItemMissing(name=shortened(text), detail="No such file or directory")
        for written in spellings:
            for root in self._roots():
                path = os.path.normpath(root / written)
                if not any(_below(path, allowed) for allowed in self._roots()):
                    continue
                escapes = False
                if os.path.lexists(path):
                    return self._checked(path, name=label(text))
        for written in spellings:
            if other := self._elsewhere(written):
                return self._checked(other, name=self._relative(other))
        raise PathEscapes(name=shortened(text)) if escapes else missing

    def _elsewhere(self, text: str) -> str | None:
        """A file for a path that does not exist as written: in a usual folder, or below the named one."""
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
                # all absolute paths must begin alike: two folders must not stand for one
                self._stripped[:] = [parts[:n]]
                return path
        return None

    def _beside(self, text: str) -> str | None:
        """A file of this name in a usual folder; a name without suffix gets a usual one."""
        if _climbs(text):
            return None
        inner, _, name = text.rpartition("/")
        has_suffix = suffix(name) in AUDIO_SUFFIXES
        for root in self._roots():
            for folder in self._folders(root):
                below = "/".join(part for part in (str(root), folder, inner) if part)
                match = self._listing(below).file_of(name, has_suffix=has_suffix)
                if match is not None and (folder or match != name):
                    return f"{below}/{match}"
        return None

    def _folders(self, root: Path) -> Sequence[str]:
        """The usual folders that exist, and the root itself."""
        return self._listing(str(root)).usual

    def _listing(self, folder: str) -> _Names:
        """The names in a folder, listed once."""
        if folder not in self._listed:
            if len(self._listed) >= _FOLDERS_HELD:
                self._listed.clear()
            self._listed[folder] = _Names(folder)
        return self._listed[folder]

    def _checked(self, path: str, *, name: str) -> Location:
        """The file of a path below a root; refused where links on the path lead into system folders."""
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
            raise LinkRefused(name=name, detail="it leads into system folders")
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
    forms += [recoded.replace("\\", "/") for recoded in _recoded(stripped)]
    return iter(dict.fromkeys(form for form in forms if form and "\0" not in form))


def _recoded(text: str) -> Iterator[str]:
    """Text whose bytes are not UTF-8, in each of the usual encodings that has them."""
    if not any("\udc80" <= char <= "\udcff" for char in text):
        return
    for encoding in _CODE_PAGES:
        try:
            yield text.encode("utf-8", "surrogateescape").decode(encoding)
        except UnicodeError:
            continue


class _Names:
    """The file names in one folder, by name and by stem; none where the folder does not exist."""

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

    def file_of(self, name: str, *, has_suffix: bool) -> str | None:
        """The file of this name; of this stem where the name has no suffix of audio."""
        if self._has(name):
            return name
        if has_suffix:
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
