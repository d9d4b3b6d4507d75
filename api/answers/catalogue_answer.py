"""The answer about a list of works, as a page shows it: a headline, then a card for each dataset with names.

Everything here is text in the reader's language. No sound was compared, and every answer says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from earwitness.api.answers.answer import Fact
from earwitness.api.answers.card_index import CardIndex
from earwitness.api.answers.dataset_card import DatasetCard, card_of_group, evidence_by_name
from earwitness.api.answers.dataset_groups import DatasetGroup, named_groups
from earwitness.api.answers.letter import letter_about_names
from earwitness.api.answers.messages import Messages
from earwitness.api.shelf.catalogue import NamedWork
from earwitness.index.names.name_entries import NamedDataset
from earwitness.index.names.recording_ids import SHOWN_KINDS

NAMES_SHOWN: Final = 500
"""Most names of works that a card, and each folded list, shows; others are counted."""
SMALLEST_SHOWN: Final = 0.001
"""Smaller numbers of entries by chance are not written out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LetteredCard:
    """A dataset that names works, and the text of a letter to whoever publishes it."""

    card: DatasetCard
    letter: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueAnswer:
    """The answer about a list of works.

    Attributes
    ----------
    state : str
        ``found``, ``unsure`` or ``nothing``: for colours.
    sentences : tuple of str
        What else is to know at once.
    common, unnamed : tuple of str
        Works whose names are too common to show anything, and works that no list names.
    n_common, n_unnamed : int
        Number of all such works.
    facts : tuple of Fact
        What was searched, and when.
    """

    state: str
    headline: str
    sentences: tuple[str, ...]
    cards: tuple[LetteredCard, ...]
    common: tuple[str, ...]
    n_common: int
    unnamed: tuple[str, ...]
    n_unnamed: int
    facts: tuple[Fact, ...]


def catalogue_answer(
    works: Sequence[NamedWork],
    lists: Sequence[NamedDataset],
    cards: CardIndex,
    t: Messages,
    *,
    asked_at: datetime,
) -> CatalogueAnswer:
    """Return the answer that the names in `lists` give about works."""
    named = [each for each in works if each.is_named]
    common = [each for each in works if each.names and not each.is_named]
    unnamed = [each for each in works if not each.names]
    state = "found" if named else "unsure" if common else "nothing"
    made = (_card(each, t) for each in named_groups(named, cards))
    return CatalogueAnswer(
        state=state,
        headline=_headline(len(named), len(works), t),
        sentences=tuple(_sentences(works, named, t)),
        cards=tuple(
            LetteredCard(card=each, letter=letter_about_names(each, t, asked_at=asked_at)) for each in made
        ),
        common=tuple(f"{_shown(each)} ({_datasets(each, t)})" for each in common[:NAMES_SHOWN]),
        n_common=len(common),
        unnamed=tuple(map(_shown, unnamed[:NAMES_SHOWN])),
        n_unnamed=len(unnamed),
        facts=tuple(_facts(works, lists, t, asked_at)),
    )


def _headline(n_named: int, n_works: int, t: Messages) -> str:
    if not n_named:
        return t("catalogue.none", n=n_works)
    return t("catalogue.only") if n_works == 1 else t("catalogue.found", n=n_named, total=n_works)


def _sentences(works: Sequence[NamedWork], named: Sequence[NamedWork], t: Messages) -> list[str]:
    """Say by what the works are named, what chance would give, and what that leaves open.

    Works of which only common names were found are not counted as named, and so not in what chance gives.
    """
    by_id = [each for each in named if any(found.e_value is None for found in each.names)]
    by_title = len(named) - len(by_id)
    sentences = [t("catalogue.by_id", n=len(by_id))] if by_id else []
    if by_title:
        by_chance = _by_chance(sum(each.by_chance for each in works if each.is_named or not each.names), t)
        sentences.append(t("catalogue.by_title", n=by_title, by_chance=by_chance))
    return [*sentences, t("name.no_sound") if named else t("catalogue.none.more")]


def _by_chance(expected: float, t: Messages) -> str:
    if expected < SMALLEST_SHOWN:
        return t("catalogue.fewer", number=t.number(SMALLEST_SHOWN, 3))
    return t.number(expected, 1 if expected >= 1 else 3)


def _card(group: DatasetGroup, t: Messages) -> DatasetCard:
    pairs = list(zip(group.names, group.about, strict=True))[:NAMES_SHOWN]
    others = tuple(evidence_by_name(found, t, about=_shown(work)) for found, work in pairs)
    return card_of_group(group, t, others=others)


def _shown(work: NamedWork) -> str:
    """Return a work's names for people."""
    names = [", ".join(work.work.artists), work.work.title or ""]
    ids = [f"{SHOWN_KINDS.get(each.kind, each.kind)} {each.value}" for each in work.work.ids]
    return " – ".join(name for name in names if name) or ", ".join(ids)


def _datasets(work: NamedWork, t: Messages) -> str:
    return t.listed(list(dict.fromkeys(each.dataset for each in work.names)))


def _facts(
    works: Sequence[NamedWork], lists: Sequence[NamedDataset], t: Messages, asked_at: datetime
) -> list[Fact]:
    return [
        Fact(label=t("fact.when"), value=t.date(asked_at)),
        Fact(label=t("fact.works"), value=t.number(len(works), 0)),
        Fact(label=t("fact.lists"), value="; ".join(_list(each, t) for each in lists)),
        Fact(label=t("fact.asked_by"), value=t("fact.asked_by.names")),
    ]


def _list(dataset: NamedDataset, t: Messages) -> str:
    about = t(
        "fact.list", name=dataset.name, version=dataset.version, n=dataset.n_entries, date=dataset.date[:10]
    )
    return about if dataset.complete else f"{about} ({t('home.table.incomplete')})"
