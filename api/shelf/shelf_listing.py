"""What is known here of each dataset, by evidence: the same sound, the same file, the same name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from earwitness.api.shelf.contacts import Contact
from earwitness.api.shelf.dataset_cards import Card
from earwitness.api.shelf.platform_routes import platforms
from earwitness.index.database.records import Collection, CollectionKind
from earwitness.index.known_files.file_list import ListedDataset
from earwitness.index.names.name_entries import NamedDataset

TOPICS: Final = {
    "ships": "gives out",
    "digests": "listed digests",
    "download": "given out at",
    "taken_from": "taken from",
}
"""Topics of a card that are shown under another name."""

CONTACTS: Final = {
    "opt_out": "to be left out",
    "takedown": "notices of rights holders",
    "maintainer": "maintained by",
    "issues": "in public",
}
"""What each kind of address is for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One kind of evidence about one dataset.

    Attributes
    ----------
    kind : str
        ``sound``: its audio was indexed here; ``file``: digests of its files are listed; ``name``: names or
        identifiers of its entries are listed.
    n_entries : int
        Items that are indexed, or files or names that are listed.
    made_by : str
        Who made the entries: this home, or the publication that the list is from.
    date : str or None
        When they were made, where that is known.
    complete : bool
        False while, or because, indexing was cut off.
    """

    kind: str
    version: str
    n_entries: int
    made_by: str
    date: str | None = None
    complete: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelfEntry:
    """One dataset with all evidence about it; `card` is None for one that only this home knows."""

    id: str
    name: str
    card: Card | None
    evidence: tuple[Evidence, ...]


def shelf_entries(
    cards: Mapping[str, Card],
    listed: Iterable[ListedDataset],
    stored: Iterable[Collection],
    named: Iterable[NamedDataset] = (),
) -> list[ShelfEntry]:
    """Return everything that is known, sorted by name.

    A dataset that was indexed here belongs to the card whose id or name it has.
    """
    evidence: dict[str, list[Evidence]] = {name: [] for name in cards}
    names = {each.id: each.name for each in cards.values()}
    ids = {each.name.casefold(): each.id for each in cards.values()}
    for collection in stored:
        if collection.kind is CollectionKind.DATASET:
            name = ids.get(collection.name.casefold(), collection.name)
            names.setdefault(name, collection.name)
            evidence.setdefault(name, []).append(_indexed(collection))
    for dataset in listed:
        names.setdefault(dataset.id, dataset.name)
        evidence.setdefault(dataset.id, []).append(_listed(dataset))
    for dataset_names in named:
        name = ids.get(dataset_names.name.casefold(), dataset_names.name)
        names.setdefault(name, dataset_names.name)
        evidence.setdefault(name, []).append(_named(dataset_names))
    entries = [
        ShelfEntry(id=name, name=names[name], card=cards.get(name), evidence=tuple(found))
        for name, found in evidence.items()
    ]
    return sorted(entries, key=lambda each: each.name.casefold())


def _indexed(collection: Collection) -> Evidence:
    return Evidence(
        kind="sound",
        version=collection.version,
        n_entries=collection.n_items,
        made_by="indexed here",
        date=collection.indexed_at[:10],
        complete=collection.complete,
    )


def _listed(dataset: ListedDataset) -> Evidence:
    return Evidence(
        kind="file", version=dataset.version, n_entries=dataset.n_files, made_by=dataset.listed_by
    )


def _named(dataset: NamedDataset) -> Evidence:
    return Evidence(
        kind="name",
        version=dataset.version,
        n_entries=dataset.n_entries,
        made_by=dataset.listed_by,
        date=dataset.date[:10],
        complete=dataset.complete,
    )


def card_sentences(entry: ShelfEntry) -> Iterator[str]:
    """Yield the statements of an entry's card as lines, each with source and date."""
    if entry.card is None:
        yield "No card: only this home knows the dataset."
    else:
        yield from statement_lines(entry.card)


def statement_lines(card: Card) -> Iterator[str]:
    """Yield the statements of a card as lines, each with source and date."""
    for topic, each in card.statements.items():
        value = ", ".join(map(_word, each.value)) if isinstance(each.value, list) else str(each.value)
        yield f"{TOPICS.get(topic, topic)}: {value}  [{each.source}, {each.date}]"


def _word(value: str) -> str:
    return platforms()[value].name if value in platforms() else value


def contact_line(contact: Contact) -> str:
    """Return an address as a line, with its source and date."""
    return f"{CONTACTS[contact.kind]}: {contact.shown}  [{contact.source}, {contact.seen}]"
