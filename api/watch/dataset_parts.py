"""What is stored of each version of a dataset: its sound, its lists of names, and its pack."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from earwitness.api.packs.installed_packs import InstalledPack, installed_packs
from earwitness.api.settings import Settings
from earwitness.api.shelf.stored_names import open_names
from earwitness.index.database.records import Collection, CollectionKind
from earwitness.index.names.name_list import NameList


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetParts:
    """One version of a dataset, by all that is stored of it.

    Attributes
    ----------
    collection : Collection or None
        Its sound; None where only names or digests of it are known.
    """

    name: str
    version: str
    collection: Collection | None
    names: tuple[NameList, ...] = ()
    pack: InstalledPack | None = None

    @property
    def is_settled(self) -> bool:
        """Whether its sound was indexed to the end: not while, or after, indexing was cut off."""
        return self.collection is None or self.collection.complete

    @property
    def state(self) -> str:
        """A text that differs when the contents of the dataset do."""
        sound, stored = None, self.collection
        if stored is not None:
            sound = [stored.id, stored.n_items, stored.n_unreadable, stored.n_recordings, stored.complete]
        lists = [
            [each.dataset.listed_by, each.dataset.date, each.dataset.n_entries, each.dataset.complete]
            for each in self.names
        ]
        return json.dumps([sound, lists, None if self.pack is None else self.pack.sha256])


def dataset_parts(collections: Iterable[Collection], settings: Settings) -> list[DatasetParts]:
    """Return every version of every dataset of which anything is stored, by name and version.

    Parameters
    ----------
    collections
        Those of the settings' home.
    """
    sound = {(each.name, each.version): each for each in collections if each.kind is CollectionKind.DATASET}
    packs = {(each.manifest.name, each.manifest.version): each for each in installed_packs(settings)}
    lists = dict[tuple[str, str], list[NameList]]()
    for each in open_names(settings):
        lists.setdefault((each.dataset.name, each.dataset.version), []).append(each)
    return [
        DatasetParts(
            name=key[0],
            version=key[1],
            collection=sound.get(key),
            names=tuple(lists.get(key, ())),
            pack=packs.get(key),
        )
        for key in sorted(sound.keys() | packs.keys() | lists.keys())
    ]
