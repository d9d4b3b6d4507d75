"""The evidence "by name" about one item or work, and its sentences; no sound is compared for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from earwitness.api.shelf.same_file_evidence import NAMED, by_dataset
from earwitness.index.names.name_chance import NOISE_E_VALUE
from earwitness.index.names.name_entries import FoundNames, NameEntry
from earwitness.index.names.recording_ids import SHOWN_KINDS

ARTIST_TITLE: Final = "artist_title"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedEntry:
    """One entry of a dataset's list; all of it are labels, as the list has them.

    Attributes
    ----------
    ids : tuple of str
        Identifiers, as ``kind:value``.
    """

    place: str
    artists: tuple[str, ...]
    title: str | None
    album: str | None
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedIn:
    """A dataset with entries that name the item; whether they hold its sound is not known from this.

    Attributes
    ----------
    card : str or None
        Id of the dataset's card; None where there is none.
    kind : str
        Kind of the identifier that is the same, or ``artist_title``.
    value : str
        That identifier, or the artist and title.
    e_value : float or None
        Entries of this list that would have this artist and title by chance; None for an identifier.
    entries : tuple of NamedEntry
        The first of those entries, five at most.
    n_entries, n_listed : int
        Number of those entries, and of all entries that name something.
    listed_by : str
        Who made the list.
    """

    dataset: str
    version: str
    card: str | None
    kind: str
    value: str
    e_value: float | None
    entries: tuple[NamedEntry, ...]
    n_entries: int
    n_listed: int
    listed_by: str

    @property
    def is_noise(self) -> bool:
        """Whether chance gives such entries, so that they show nothing."""
        return self.e_value is not None and self.e_value > NOISE_E_VALUE

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object, the E-value with two digits."""
        fields: dict[str, Any] = {
            "dataset": self.dataset,
            "version": self.version,
            "card": self.card,
            "kind": self.kind,
            "value": self.value,
            "e_value": None if self.e_value is None else float(f"{self.e_value:.1e}"),
            "entries": [_entry_json(each) for each in self.entries],
        }
        return fields | {name: getattr(self, name) for name in ("n_entries", "n_listed", "listed_by")}


def _entry_json(entry: NamedEntry) -> dict[str, Any]:
    return {
        "place": entry.place,
        "artists": list(entry.artists),
        "title": entry.title,
        "album": entry.album,
        "ids": list(entry.ids),
    }


def named_in_of(fields: Mapping[str, Any]) -> NamedIn:
    """Parse the result of `NamedIn.to_json`."""
    entries = tuple(
        NamedEntry(**{**each, "artists": tuple(each["artists"]), "ids": tuple(each["ids"])})
        for each in fields["entries"]
    )
    return NamedIn(**{**fields, "entries": entries})


def evidence_of(found: FoundNames) -> NamedIn:
    """Return what was found in one list as evidence."""
    dataset = found.dataset
    return NamedIn(
        dataset=dataset.name,
        version=dataset.version,
        card=dataset.card,
        kind=found.kind,
        value=found.value,
        e_value=found.e_value,
        entries=tuple(map(_entry, found.entries)),
        n_entries=found.n_entries,
        n_listed=dataset.n_entries,
        listed_by=dataset.listed_by,
    )


def _entry(entry: NameEntry) -> NamedEntry:
    return NamedEntry(
        place=entry.place,
        artists=entry.artists,
        title=entry.title,
        album=entry.album,
        ids=tuple(map(str, entry.ids)),
    )


def surest_first(found: Iterable[NamedIn]) -> tuple[NamedIn, ...]:
    """Sort evidence: identifiers first, then the smallest E-value."""
    return tuple(
        sorted(found, key=lambda each: (each.e_value is not None, each.e_value or 0.0, each.dataset))
    )


def names_sentences(found: Sequence[NamedIn]) -> Sequence[str]:
    """Return at most two sentences: which datasets name the item, and what is left to chance."""
    shown = [each for each in found if not each.is_noise]
    sentences = []
    if shown:
        more = f"; {len(shown) - NAMED:,} more are not listed here" if len(shown) > NAMED else ""
        sentences.append(f"By name: {'; '.join(map(_words, shown[:NAMED]))}{more}.")
    noise = [each for each in found if each.is_noise]
    if noise:
        where = ", ".join(dict.fromkeys(each.dataset for each in noise[:NAMED]))
        sentences.append(
            f"Entries with this artist and title in {where} show nothing: such names are common there."
        )
    return sentences


def _words(found: NamedIn) -> str:
    entries = f"{found.n_entries:,} {'entry' if found.n_entries == 1 else 'entries'}"
    if found.e_value is None:
        return f"{found.dataset} has {entries} with the same {SHOWN_KINDS[found.kind]} identifier"
    return (
        f"{found.dataset} has {entries} with this artist and title ({found.e_value:.1e} expected by chance)"
    )


def named_items(counts: Mapping[str, int]) -> Sequence[str]:
    """Return at most one sentence: how many items known datasets name, by dataset."""
    if not counts:
        return []
    return [f"By their names, items are listed by known datasets: {by_dataset(counts, 'by')}."]
