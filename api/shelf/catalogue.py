"""Works that are known by name only: a creator's list, for when the files are not at hand."""

from __future__ import annotations

import codecs
import hashlib
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from earwitness.api.datasets.isolated.read_request import Request
from earwitness.api.datasets.name_lists.name_source import NameSource, opened_names
from earwitness.api.datasets.names import label
from earwitness.api.settings import Settings
from earwitness.api.shelf.by_name import asked_of_work, named_in
from earwitness.api.shelf.names_evidence import NamedIn
from earwitness.api.shelf.pasted_lines import pasted_lines
from earwitness.api.shelf.shelf_errors import CatalogueTooLong, NotACatalogue
from earwitness.api.shelf.stored_names import changing_names, names_folder, now
from earwitness.index.names.name_entries import NameEntry
from earwitness.index.names.name_list import NameList
from earwitness.index.names.stored_rows import entry_of, row_of
from earwitness.index.names.verify_names import WORKS_ENDING
from earwitness.index.names.write_name_list import NameListWriter
from earwitness.index.store.dataset_rows import registered_works
from earwitness.index.store.store_errors import HomeMissing

MAX_WORKS: Final = 200_000
"""Works of one list, and of all that are stored."""
UTF16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
MAX_LINES_BYTES: Final = 32 << 20
"""Longest list that is read as one link, ISRC or ``artist - title`` a line."""
SCHEMA: Final = "earwitness.named-work/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedWork:
    """One work of a list, and the datasets that name it.

    Attributes
    ----------
    by_chance : float
        Entries of all lists together that would have its artist and title by chance.
    """

    work: NameEntry
    names: tuple[NamedIn, ...]
    by_chance: float

    @property
    def is_named(self) -> bool:
        """Whether an entry names it that chance does not explain."""
        return any(not each.is_noise for each in self.names)

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "schema": SCHEMA,
            "work": work_json(self.work),
            "names": [each.to_json() for each in self.names],
            "by_chance": float(f"{self.by_chance:.1e}"),
        }


def work_json(work: NameEntry) -> dict[str, Any]:
    """Return the names of a work as a JSON object."""
    return {
        "place": work.place,
        "artists": list(work.artists),
        "title": work.title,
        "album": work.album,
        "ids": [str(each) for each in work.ids],
    }


@contextmanager
def opened_catalogue(
    path: Path, settings: Settings, *, shown_as: str | None = None, reader: str | None = None
) -> Iterator[NameSource]:
    """Open a creator's list of works.

    Parameters
    ----------
    shown_as
        What messages call it; by default, its path.
    reader
        How it is read; by default, as its name and contents tell.

    Raises
    ------
    NotACatalogue
        When it is no list with artist and title, an ISRC, other identifiers or links: neither a table, nor
        one of them a line.
    """
    shown_as = shown_as or str(path)
    if not path.is_file():
        raise NotACatalogue(path=shown_as, reason="there is no such file")
    options = {} if reader is None else {"reader": reader}
    request = Request(source=str(path), limits=settings.source_limits(), options=options)
    with opened_names(request, audio_may_lie_here=False, tell_unknown=True) as names:
        if names is not None:
            yield names
            return
    rows = _rows_of_lines(path, shown_as) if reader is None else None
    if rows is None:
        raise NotACatalogue(path=shown_as, reason="most of its first rows name no work")
    with tempfile.TemporaryDirectory() as folder:
        as_json = Path(folder) / path.name
        as_json.write_text(json.dumps(rows))
        with opened_catalogue(as_json, settings, shown_as=shown_as, reader="json") as names:
            yield names


def _rows_of_lines(path: Path, shown_as: str) -> list[dict[str, str]] | None:
    """Return a list without a header as rows; None where most of its lines name no work."""
    if path.stat().st_size > MAX_LINES_BYTES:
        return None
    text = path.read_bytes()
    try:
        lines = pasted_lines(text.decode("utf-16" if text.startswith(UTF16_MARKS) else "utf-8-sig"))
    except UnicodeDecodeError as error:
        raise NotACatalogue(path=shown_as, reason="it is no text in UTF-8") from error
    rows = [] if lines is None else lines.as_rows
    return rows if lines is not None and 2 * len(lines.works) > len(rows) else None


def works_in(names: NameSource, shown_as: str) -> Iterator[NameEntry]:
    """Yield the works of a list.

    Raises
    ------
    CatalogueTooLong, SourceReaderFailed
    """
    for number, row in enumerate(names.rows()):
        if number >= MAX_WORKS:
            raise CatalogueTooLong(path=shown_as, limit=MAX_WORKS)
        yield entry_of(*row[:6])


def answered(works: Iterable[NameEntry], lists: Sequence[NameList]) -> Iterator[NamedWork]:
    """Yield each work with the datasets that name it."""
    for work in works:
        by_chance = sum(names.expected(work) for names in lists)
        yield NamedWork(work=work, names=named_in(lists, work), by_chance=by_chance)


def catalogue_path(settings: Settings) -> Path:
    """Return the file of the works that are known by name only, which need not exist."""
    tenant = hashlib.sha256(settings.tenant.encode()).hexdigest()[:16]
    return names_folder(settings) / f"{tenant}{WORKS_ENDING}"


def stored_catalogue(settings: Settings) -> list[NameEntry]:
    """Return the works that are known by name only.

    Raises
    ------
    NameListDamaged, NameListTooNew
    """
    path = catalogue_path(settings)
    if not path.exists():
        return []
    names = NameList(path)
    try:
        return list(names.entries())
    finally:
        names.close()


def store_works(works: Sequence[NameEntry], shown_as: str, settings: Settings) -> int:
    """Add works to those that are known by name; return how many are new.

    A work with an identifier, or else with the artist and title, of a stored one takes its place.

    Raises
    ------
    CatalogueTooLong, HomeBusy, DiskFull, DiskFailed, StoreUnwritable
    """
    with changing_names(settings):
        stored = {_identity(each): each for each in stored_catalogue(settings)}
        n_before = len(stored)
        stored |= {_identity(each): each for each in works}
        if len(stored) > MAX_WORKS:
            raise CatalogueTooLong(path=shown_as, limit=MAX_WORKS)
        with NameListWriter(catalogue_path(settings)) as writer:
            writer.add(row for row in map(row_of, stored.values()) if row is not None)
            about: Mapping[str, Any] = {"name": "works", "version": "1", "card": None, "layout": "catalogue"}
            writer.finish({**about, "listed_by": "registered here", "date": now()})
        return len(stored) - n_before


def _identity(work: NameEntry) -> str:
    return json.dumps(min(work.ids) if work.ids else work.keys)


def all_works(settings: Settings) -> Iterator[NameEntry]:
    """Yield the names of all works: those that were registered with their audio, and those by name only."""
    try:
        for work in registered_works(settings.home_address):
            yield asked_of_work(work)
    except HomeMissing:  # nothing was registered with its audio
        yield from stored_catalogue(settings)
        return
    yield from stored_catalogue(settings)


def shown_work(work: NameEntry) -> str:
    """Return a work's names for people."""
    named = f"{work.title} by {', '.join(work.artists)}" if work.title and work.artists else None
    return label(named or work.title or next(iter(map(str, work.ids)), work.place))
