"""Look works and items up in the lists of names: what is known of them, and which datasets name them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from earwitness.api.datasets.items import Identifiers
from earwitness.api.shelf.names_evidence import NamedIn, evidence_of, surest_first
from earwitness.fingerprint.types import Tags
from earwitness.index.database.records import ItemRow
from earwitness.index.names.name_entries import NameEntry
from earwitness.index.names.name_list import NameList
from earwitness.index.names.recording_ids import KINDS, ids_of


def named_in(lists: Iterable[NameList], asked: NameEntry) -> tuple[NamedIn, ...]:
    """Return the datasets that name a work, the surest evidence first.

    Raises
    ------
    NameListDamaged
    """
    return surest_first(evidence_of(found) for names in lists for found in names.find(asked))


def asked_of_item(place: str, tags: Tags, identifiers: Identifiers | None) -> NameEntry:
    """Return the names of an item: those of its row in a list, and what the tags of its file add."""
    stated = identifiers or Identifiers()
    pairs = [("youtube", stated.youtube), ("spotify", stated.spotify), ("isrc", stated.isrc)]
    pairs += [("isrc", part) for part in (tags.isrc or "").replace(",", ";").replace("/", ";").split(";")]
    named = stated if stated.artist and stated.title else tags
    return NameEntry(
        place=place,
        artists=(named.artist,) if named.artist else (),
        title=named.title,
        album=tags.album,
        ids=ids_of((kind, text) for kind, text in pairs if text),
    )


def asked_of_work(work: ItemRow) -> NameEntry:
    """Return the names of a registered work."""
    pairs = [("isrc", work.isrc or ""), *_pairs(work.metadata)]
    return NameEntry(
        place=work.path,
        artists=(work.artist,) if work.artist else (),
        title=work.title,
        album=work.album,
        ids=ids_of((kind, text) for kind, text in pairs if text),
    )


def _pairs(metadata: Mapping[str, object]) -> Sequence[tuple[str, str]]:
    stored = metadata.get("ids")
    texts = stored if isinstance(stored, list) else []
    pairs = (str(text).split(":", 1) for text in texts)
    return [(kind, value) for kind, value in (each for each in pairs if len(each) == 2) if kind in KINDS]
