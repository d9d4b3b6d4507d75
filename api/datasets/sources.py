"""Opens a source: recognises its format from the content and hands out the reader for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from api.datasets.folder import FileReader, FolderReader
from api.datasets.places import Place, local_place
from api.datasets.recognise import recognise_file, recognise_folder
from api.datasets.tars import TarReader
from api.datasets.types import Reader, SourceLimits
from api.datasets.zips import ZipReader
from api.errors import NoAudioHere, SourceNotFound, UnknownFormat, UnknownReader


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A source about to be read: a folder (``root``) or one file (``place``), and what was asked for."""

    source: str
    root: Path | None
    place: Place | None
    audio_column: str | None
    limits: SourceLimits

    def folder(self) -> Path:
        """The folder; `UnknownFormat` when the source is a file."""
        if self.root is None:
            raise UnknownFormat(source=self.source, readers=tuple(READERS))
        return self.root

    def file(self) -> Place:
        """The one file; `UnknownFormat` when the source is a folder."""
        if self.place is None:
            raise UnknownFormat(source=self.source, readers=tuple(READERS))
        return self.place


def _tar(packing: str) -> Callable[[Opening], Reader]:
    return lambda opening: TarReader(opening.file(), packing=packing, limits=opening.limits)


READERS: Final[dict[str, Callable[[Opening], Reader]]] = {
    "folder": lambda opening: FolderReader(opening.folder(), limits=opening.limits),
    "file": lambda opening: FileReader(opening.file(), limits=opening.limits),
    "zip": lambda opening: ZipReader(opening.file(), limits=opening.limits),
    "tar": _tar("tar"),
    "tar.gz": _tar("tar.gz"),
    "tar.zst": _tar("tar.zst"),
}
"""Every reader by the name that ``--reader`` takes and the output says."""


def open_source(
    source: str | Path,
    *,
    reader: str | None = None,
    audio_column: str | None = None,
    limits: SourceLimits | None = None,
) -> Reader:
    """Open a folder, archive or manifest for reading, by the format its content shows.

    Parameters
    ----------
    reader : str, optional
        Name in `READERS`; overrules what would be recognised.
    audio_column : str, optional
        Column of a table or manifest that holds the audio or its path.

    Raises
    ------
    SourceNotFound, UnknownFormat, UnknownReader, NoAudioHere, SourceBroken, SourceTooLarge
    """
    opening = _locate(str(source), audio_column=audio_column, limits=limits or SourceLimits())
    name = reader or _recognise(opening)
    if name not in READERS:
        raise UnknownReader(reader=name, readers=tuple(READERS))
    opened = READERS[name](opening)
    if next(iter(opened), None) is None:
        raise NoAudioHere(source=opening.source, passed_over=opened.passed_over)
    return opened


def _locate(source: str, *, audio_column: str | None, limits: SourceLimits) -> Opening:
    path = Path(source)
    # what the caller names may be a link; nothing below it may
    if "\0" in source or not path.exists():
        raise SourceNotFound(source=source)
    path = path.resolve()
    root, place = (path, None) if path.is_dir() else (None, local_place(path))
    return Opening(source=source, root=root, place=place, audio_column=audio_column, limits=limits)


def _recognise(opening: Opening) -> str:
    if opening.root is not None:
        return recognise_folder(opening.root)
    name = recognise_file(opening.file(), limits=opening.limits)
    if name is None:
        raise UnknownFormat(source=opening.source, readers=tuple(READERS))
    return name
