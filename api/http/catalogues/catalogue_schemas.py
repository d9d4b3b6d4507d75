"""The types of lists of works without audio, and of the answers to them."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, StringConstraints

from earwitness.api.http.schemas import ApiModel
from earwitness.api.shelf.catalogue import SCHEMA
from earwitness.index.names.name_entries import LONGEST_TEXT, MOST_NAMES
from earwitness.index.names.recording_ids import LONGEST_LINK

MAX_WORKS: Final = 2_000
"""Works of one request: it is answered while the client waits."""

Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_TEXT)]
Identifier = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_LINK)] | int
Names = Name | Annotated[tuple[Name, ...], Field(max_length=MOST_NAMES)] | None
Identifiers = Identifier | Annotated[tuple[Identifier, ...], Field(max_length=MOST_NAMES)] | None


class WorkIn(ApiModel):
    """One work; any of these. Where there are several, such as two artists, a list."""

    artist: Names = None
    title: Name | None = None
    album: Name | None = None
    isrc: Identifiers = Field(default=None, description="With or without hyphens.")
    link: Identifiers = Field(
        default=None,
        description="As copied from YouTube, Spotify, SoundCloud, Bandcamp, Deezer, Jamendo, Freesound,"
        " MusicBrainz or AcoustID.",
    )
    youtube_id: Identifiers = None
    spotify_id: Identifiers = None
    mbid: Identifiers = Field(default=None, description="MusicBrainz id of the recording.")
    deezer_id: Identifiers = None
    freesound_id: Identifiers = None
    jamendo_id: Identifiers = None
    soundcloud: Identifiers = None
    bandcamp: Identifiers = None
    acoustid: Identifiers = None


class CatalogueIn(ApiModel):
    """A list of works. An unknown field is refused: nothing would be asked by it."""

    works: tuple[WorkIn, ...] = Field(min_length=1, max_length=MAX_WORKS)


class NamedEntryOut(ApiModel):
    """One entry of a dataset's list, as the list has it."""

    place: str = Field(description="Its path, id or row in the list; a label.")
    artists: list[str]
    title: str | None
    album: str | None
    ids: list[str] = Field(description="As KIND:VALUE.")


class NamedInOut(ApiModel):
    """A dataset with entries that name a work."""

    dataset: str
    version: str
    card: str | None
    kind: str = Field(description="Kind of the identifier that is the same, or artist_title.")
    value: str
    e_value: float | None = Field(
        description="Entries of this list that would have this artist and title by chance; null for an"
        " identifier. Above 0.1 it shows nothing."
    )
    entries: list[NamedEntryOut] = Field(description="The first of those entries, five at most.")
    n_entries: int
    n_listed: int = Field(description="Entries of the whole list.")
    listed_by: str


class AskedWorkOut(ApiModel):
    """A work as it was asked."""

    place: str = Field(description="Its row in the list that was sent, counted from 0, without the header.")
    artists: list[str]
    title: str | None
    album: str | None
    ids: list[str] = Field(description="As KIND:VALUE.")


class NamedWorkOut(ApiModel):
    """One work, and the datasets that name it, the surest evidence first."""

    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True)

    schema_: Literal["earwitness.named-work/1"] = Field(default=SCHEMA, alias="schema")
    work: AskedWorkOut
    names: list[NamedInOut]
    by_chance: float = Field(description="Entries of all lists with such artist and title by chance.")
    sentence: str | None = Field(description="What the names show, for people; null where nothing was found.")


class AskedListOut(ApiModel):
    """One list that was asked."""

    dataset: str
    version: str
    entries: int
    complete: bool = Field(description="False where it was not read to its end when it was indexed.")


class CatalogueOut(ApiModel):
    """The answer to a list of works. No audio was compared."""

    lists: list[AskedListOut]
    works: list[NamedWorkOut]
    named: int = Field(description="Works with an entry that chance does not explain.")
    new: int | None = Field(description="Works that were not stored before; null where nothing is stored.")
    nameless: int = Field(description="Rows with neither an identifier nor artist and title; not asked.")
    not_readable: int = Field(description="Rows that could not be read.")
    refused: list[str] = Field(description="The first of them, with the reason.")
    not_understood: int = Field(
        description="Texts in the place of an identifier or a link by which nothing was asked."
    )
    unknown: list[str] = Field(description="The first of them.")
    complete: bool = Field(description="Whether the list that was sent was read to its end.")
    not_proven: str = Field(description="What being named does not prove.")


CATALOGUE_EXAMPLE: Final[dict[str, Any]] = {
    "works": [
        {
            "artist": "Night Bus",
            "title": "Rain on Glass",
            "isrc": "DE-A12-24-00001",
            "link": ["https://www.youtube.com/watch?v=dQw4w9WgXcQ"],
        }
    ]
}
