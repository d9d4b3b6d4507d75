"""Types of names: an entry of a list, what is asked, and what is found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from earwitness.index.names.name_keys import keys_of_artists, title_key
from earwitness.index.names.recording_ids import RecordingId

LONGEST_TEXT: Final = 1_000
"""Characters of a name that are stored."""
MOST_NAMES: Final = 50
"""Artists, and identifiers, of one entry that are stored."""
INDEXED_HERE: Final = "indexed here"
"""Who made a list that the home itself indexed, and no pack brought."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NameEntry:
    """One entry of a list, or one work that is asked about.

    Attributes
    ----------
    place : str
        Its path, id or row in the list: a label, which is never opened.
    """

    place: str
    artists: tuple[str, ...] = ()
    title: str | None = None
    album: str | None = None
    duration_s: float | None = None
    ids: tuple[RecordingId, ...] = ()

    @property
    def keys(self) -> tuple[str, tuple[str, ...]] | None:
        """The keys of title and artists; None where it has not both."""
        if not self.title or not self.artists:
            return None
        title, artists = title_key(self.title), keys_of_artists(self.artists)
        return (title, artists) if title and artists else None


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedDataset:
    """The dataset whose names are stored.

    Attributes
    ----------
    card : str or None
        Id of its card.
    layout : str
        How the list was read, for people.
    n_entries : int
        Entries with an identifier, or with artist and title.
    n_named : int
        Those with artist and title.
    listed_by : str
        Who made the list: this home, or a pack.
    date : str
        When it was stored: ISO 8601, UTC.
    complete : bool
        Whether the list was read to its end.
    """

    name: str
    version: str
    card: str | None
    layout: str
    n_entries: int
    n_named: int
    listed_by: str
    date: str
    complete: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundNames:
    """The entries of one dataset that carry one identifier, or the artist and title, of what was asked.

    Attributes
    ----------
    kind : str
        The kind of identifier, or ``artist_title``.
    value : str
        The identifier, or artist and title as they were asked.
    e_value : float or None
        Entries of this list that would have such artist and title by chance; None for an identifier, which
        is not equal by chance.
    entries : tuple of NameEntry
        The first of them.
    n_entries : int
        Number of them.
    """

    dataset: NamedDataset
    kind: str
    value: str
    e_value: float | None
    entries: tuple[NameEntry, ...]
    n_entries: int
