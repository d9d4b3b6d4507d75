"""What is found in other spellings, and whether E-values hold in a list that mixes them.

Called by ``python -m benchmarks names --spellings``. Rows of the record, by ``what``:

``spelling``
    Works that a list has in one spelling and that are asked in another, by ``of`` (title or artist) and
    ``kind``: how many ``works``, and how many of them were ``found``.
``chance``
    As of a list with one spelling: here titles and artists stand in the list in many spellings, and the
    shuffled pairs are asked in others.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.data.made_lists import MadeSongs
from benchmarks.runs.names import chance
from benchmarks.shelf.spellings import ARTISTS, TITLES, TRANSLITERATED, Spelling
from earwitness.index.names.name_entries import NameEntry
from earwitness.index.names.name_list import NameList
from earwitness.index.names.stored_rows import StoredRow, row_of
from earwitness.index.names.write_name_list import NameListWriter

WORKS_A_KIND: Final = 500


def _of_plain_names(kinds: Mapping[str, tuple[Spelling, Spelling]]) -> list[Spelling]:
    """Return the spellings of a plain name; by the others a list and a question have to differ alike."""
    return [str, *(asked for listed, asked in kinds.values() if listed is str)]


_TITLES: Final = _of_plain_names(TITLES)
_ARTISTS: Final = _of_plain_names(ARTISTS)
_ABOUT: Final = {
    "name": "made",
    "version": "1",
    "card": None,
    "layout": "made",
    "listed_by": "made",
    "date": "2026-11-30T00:00:00Z",
}


def spellings(songs: MadeSongs, folder: Path, *, n_pairs: int, seed: int) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of the record."""
    for of, kinds in (("title", TITLES), ("artist", ARTISTS)):
        for kind, (listed, asked) in kinds.items():
            yield from found(songs, folder, of=of, kind=kind, listed=listed, asked=asked)
    n_found = sum(_finds(folder, one, other) for one, other in TRANSLITERATED)
    yield _row("artist", "other scripts", len(TRANSLITERATED), n_found)
    numbers = {"artist": songs.artist, "second": songs.second, "title": songs.title}
    mixed = SpelledSongs(**numbers, draw=random.Random(seed))
    names = written(folder / "mixed.names", mixed.rows())
    yield from chance(mixed, names, n_pairs=n_pairs, seed=seed)


def found(
    songs: MadeSongs, folder: Path, *, of: str, kind: str, listed: Spelling, asked: Spelling
) -> Iterator[Mapping[str, Any]]:
    """Store songs in one spelling and ask for them in another."""

    def entry(row: int, spelling: Spelling) -> NameEntry:
        artist, title = songs.artists(row)[0], songs.title_of(row)
        artist, title = (artist, spelling(title)) if of == "title" else (spelling(artist), title)
        return NameEntry(place=str(row), artists=(artist,), title=title)

    names = written(folder / "one.names", (row_of(entry(row, listed)) for row in range(WORKS_A_KIND)))
    n_found = sum(
        any(one.place == str(row) for each in names.find(entry(row, asked)) for one in each.entries)
        for row in range(WORKS_A_KIND)
    )
    names.close()
    yield _row(of, kind, WORKS_A_KIND, n_found)


def _finds(folder: Path, listed: str, asked: str) -> bool:
    rows = [row_of(NameEntry(place="1", artists=(listed,), title="a title"))]
    names = written(folder / "one.names", iter(rows))
    return bool(names.find(NameEntry(place="", artists=(asked,), title="a title")))


def _row(of: str, kind: str, n_works: int, n_found: int) -> Mapping[str, Any]:
    return {"what": "spelling", "of": of, "kind": kind, "works": n_works, "found": n_found}


def written(path: Path, rows: Iterator[StoredRow | None]) -> NameList:
    """Write a list, and open it."""
    with NameListWriter(path) as writer:
        writer.add(row for row in rows if row is not None)
        writer.finish(_ABOUT)
    return NameList(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpelledSongs(MadeSongs):
    """Songs whose names are in another spelling each time that they are written."""

    draw: random.Random

    def artists(self, row: int) -> list[str]:
        """Return the names of a song's artists."""
        return [self.draw.choice(_ARTISTS)(each) for each in MadeSongs.artists(self, row)]

    def title_of(self, row: int) -> str:
        """Return the title of a song."""
        return self.draw.choice(_TITLES)(MadeSongs.title_of(self, row))

    def rows(self) -> Iterator[StoredRow | None]:
        """Yield the rows of a list."""
        for row in range(len(self)):
            artists, title = tuple(self.artists(row)), self.title_of(row)
            yield row_of(NameEntry(place=str(row), artists=artists, title=title))
