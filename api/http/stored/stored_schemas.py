"""The types of registered works and of datasets in the HTTP API."""

from __future__ import annotations

from typing import Any, Final

from pydantic import Field

from earwitness.api.http.schemas import ApiModel
from earwitness.api.http.uploads.forms import Isrc, Text
from earwitness.api.pipeline.stored_works import RemovedDataset
from earwitness.index.database.records import TEXTS, Collection, ItemRow, Removed
from earwitness.index.names.name_entries import NamedDataset
from earwitness.index.notices.notice_records import Watch

WORK_EXAMPLE: Final[dict[str, Any]] = {
    "id": 7,
    "file": "rain-on-glass.flac",
    "sha256": "5f" * 32,
    "title": "Rain on Glass",
    "artist": "Night Bus",
    "album": None,
    "owner": "Night Bus GbR",
    "isrc": "DEA122400001",
    "registered_at": "2026-11-23T20:00:00Z",
    "watched_since": None,
    "link": "/v1/works/7",
}


class WorkOut(ApiModel):
    """One registered work; its audio is not stored."""

    id: int = Field(description="Never used again for another work.")
    file: str = Field(description="Name of the file that was registered; a label.")
    sha256: str | None = Field(description="Of the bytes of that file.")
    title: str | None
    artist: str | None
    album: str | None
    owner: str | None
    isrc: str | None = Field(description="As it was given, or as the file's tags have it.")
    registered_at: str
    watched_since: str | None = Field(description="Null where it is not watched.")
    link: str = Field(description="Its address, relative to this server.")

    @staticmethod
    def of(work: ItemRow, watch: Watch | None) -> WorkOut:
        """Return a work as the API shows it."""
        return WorkOut(
            id=work.id,
            file=work.path,
            sha256=work.sha256,
            registered_at=work.added_at,
            watched_since=None if watch is None else watch.since,
            link=f"/v1/works/{work.id}",
            **{name: getattr(work, name) for name in TEXTS},
        )


class WorksOut(ApiModel):
    """One page of works; `cursor=next` gets the following one."""

    works: list[WorkOut]
    next: str | None


class WorkChangeIn(ApiModel):
    """The texts of a work to change. One that is left out stays; null removes it."""

    title: Text | None = None
    artist: Text | None = None
    album: Text | None = None
    owner: Text | None = None
    isrc: Isrc | None = Field(default=None, description="With or without hyphens.")

    def changes(self) -> dict[str, str | None]:
        """Return the texts that the client named."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class RemovedOut(ApiModel):
    """What was deleted."""

    items: int
    fingerprints: int = Field(description="Of recordings that nothing else that is stored holds.")
    names: int = Field(description="Entries of lists of names.")

    @staticmethod
    def of(removed: RemovedDataset | Removed) -> RemovedOut:
        """Return what was removed as the API shows it."""
        if isinstance(removed, Removed):
            return RemovedOut(items=removed.n_items, fingerprints=removed.n_recordings, names=0)
        return RemovedOut(items=removed.n_items, fingerprints=removed.n_fingerprints, names=removed.n_names)


class SoundOut(ApiModel):
    """What is stored of a dataset's audio: fingerprints."""

    items: int
    unreadable: int
    recordings: int = Field(description="Different recordings among the items.")
    indexed_at: str
    complete: bool = Field(description="False while, or because, indexing was cut off.")


class NamesOut(ApiModel):
    """What is stored of a dataset's list of names."""

    entries: int
    listed_by: str
    date: str
    complete: bool = Field(description="False where the list was not read to its end.")


class DatasetOut(ApiModel):
    """One version of a dataset, and by what it is known here."""

    name: str
    version: str
    card: str | None = Field(description="Id of its card, where this program ships one.")
    sound: SoundOut | None
    names: NamesOut | None

    @property
    def label(self) -> str:
        """Its ``NAME:VERSION``."""
        return f"{self.name}:{self.version}"


class DatasetsOut(ApiModel):
    """One page of datasets in alphabetical order; `cursor=next` gets the following one."""

    datasets: list[DatasetOut]
    next: str | None


def sound_of(collection: Collection) -> SoundOut:
    """Return what is stored of a dataset's audio."""
    return SoundOut(
        items=collection.n_items,
        unreadable=collection.n_unreadable,
        recordings=collection.n_recordings,
        indexed_at=collection.indexed_at,
        complete=collection.complete,
    )


def names_of(dataset: NamedDataset) -> NamesOut:
    """Return what is stored of a dataset's list of names."""
    return NamesOut(
        entries=dataset.n_entries, listed_by=dataset.listed_by, date=dataset.date, complete=dataset.complete
    )
