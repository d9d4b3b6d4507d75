"""The answer about one recording, as a page and a printed sheet show it: a headline, then a card a dataset.

Everything here is text in the reader's language, or numbers for a drawing. No headline rests on anything
that is less than a ``match`` or the same file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from earwitness.api.answers.answer_words import changes_searched, is_whole, power_words
from earwitness.api.answers.card_index import CardIndex
from earwitness.api.answers.dataset_card import NO_PICTURES, DatasetCard, Picture, dataset_card
from earwitness.api.answers.dataset_groups import asserted_groups, sound_groups
from earwitness.api.answers.messages import Messages
from earwitness.api.answers.reader_errors import ReaderError, reader_error
from earwitness.api.findings import Finding
from earwitness.index.database.records import WORKS
from earwitness.index.match import Verdict

NAMED_IN_HEADLINE: Final = 3
"""Most datasets that a headline names; more are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A line of what was searched: its name and its value."""

    label: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer in a reader's language.

    Attributes
    ----------
    state : str
        ``found``, ``unsure``, ``nothing`` or ``unread``: for colours and signs.
    sentences : tuple of str
        What else is to know at once.
    cards : tuple of DatasetCard
        What is asserted, the surest first.
    weaker, shared : tuple of DatasetCard
        What may be chance, and what is of shared material; shown folded.
    common_names : str
        That names of the file are too common to show anything; empty where none are.
    error : ReaderError or None
        Why the file was not compared, or only in part.
    facts : tuple of Fact
        What was searched, when and how.
    """

    state: str
    headline: str
    sentences: tuple[str, ...]
    cards: tuple[DatasetCard, ...]
    weaker: tuple[DatasetCard, ...]
    shared: tuple[DatasetCard, ...]
    common_names: str
    error: ReaderError | None
    facts: tuple[Fact, ...]

    @property
    def is_found(self) -> bool:
        """Whether the headline states that something was found."""
        return self.state == "found"

    @property
    def has_sound(self) -> bool:
        """Whether something is asserted by sound, so that there is something to compare by ear."""
        return any(each.places for each in self.cards)

    @property
    def n_weaker(self) -> int:
        """Number of places that may be chance."""
        return sum(each.n_places for each in self.weaker)

    @property
    def n_shared(self) -> int:
        """Number of places with shared material."""
        return sum(each.n_places for each in self.shared)


def answer_of(
    finding: Finding,
    cards: CardIndex,
    t: Messages,
    *,
    answered_at: datetime,
    pictures: Mapping[int, Picture] = NO_PICTURES,
) -> Answer:
    """Return the answer that a finding gives.

    Parameters
    ----------
    answered_at : datetime
        When the comparison was made.
    pictures : mapping of int to Picture
        By the place of their match in the finding.
    """
    state, headline = _headline(finding, t)
    unread = finding.verdict in {Verdict.NOT_READABLE, Verdict.TOO_SHORT_OR_SILENT}
    error = finding.error if unread or finding.compared_in_part else None

    def shown(verdict: Verdict) -> tuple[DatasetCard, ...]:
        groups = sound_groups(finding, verdict, cards)
        return tuple(dataset_card(finding, each, t, pictures) for each in groups)

    return Answer(
        state=state,
        headline=headline,
        sentences=tuple(_sentences(finding, t)),
        cards=tuple(dataset_card(finding, each, t, pictures) for each in asserted_groups(finding, cards)),
        weaker=shown(Verdict.POSSIBLE),
        shared=shown(Verdict.SHARED_MATERIAL),
        common_names=_common_names(finding, t),
        error=None if error is None else reader_error(error, t),
        facts=tuple(_facts(finding, t, answered_at)),
    )


def _headline(finding: Finding, t: Messages) -> tuple[str, str]:
    """Return the state and the headline."""
    sure = finding.certain
    if sure:
        names = list(dict.fromkeys(each.collection for each in sure))
        whole = not finding.compared_in_part and any(map(is_whole, sure))
        part = "whole" if whole else "part"
        if names == [WORKS]:
            return "found", t(f"headline.{part}.work")
        return "found", _names_datasets(f"headline.{part}", names, t)
    listed = list(dict.fromkeys(each.dataset for each in finding.same_file))
    if listed:
        return "found", _names_datasets("headline.listed", listed, t)
    if finding.verdict is Verdict.TOO_SHORT_OR_SILENT:
        return "unread", t("headline.quiet")
    if finding.compared_in_part:
        return "unread", t("headline.read_in_part")
    if finding.verdict is Verdict.NOT_READABLE:
        return "unread", t("headline.unread")
    return ("nothing" if finding.verdict is Verdict.NO_MATCH else "unsure"), t("headline.none")


def _names_datasets(key: str, names: list[str], t: Messages) -> str:
    """Return a headline that names the datasets, or counts them where they are many."""
    if len(names) <= NAMED_IN_HEADLINE:
        return t(key, datasets=t.listed(names))
    return t(f"{key}.several", n=len(names))


def _sentences(finding: Finding, t: Messages) -> list[str]:
    sentences = []
    named = {each.dataset for each in finding.names if not each.is_noise}
    if finding.same_file and not finding.certain:
        sentences.append(t("lead.listed"))
    if finding.certain and finding.compared_in_part:
        sentences.append(t("lead.in_part"))
    if not finding.certain and finding.possible:
        sentences.append(t("lead.possible", n=len(finding.possible)))
    elif not finding.certain and finding.shared:
        sentences.append(t("lead.shared", n=len(finding.shared)))
    if named and not finding.certain:
        sentences.append(t("lead.named", n=len(named)))
    if not finding.claims_supported:
        sentences.append(t("lead.not_supported"))
    if finding.verdict is Verdict.NO_MATCH:
        sentences.append(t("lead.none"))
        if finding.power is not None:
            sentences.append(power_words(finding.power, t))
    return sentences


def _common_names(finding: Finding, t: Messages) -> str:
    common = list(dict.fromkeys(each.dataset for each in finding.names if each.is_noise))
    return t("names.common", datasets=t.listed(common)) if common else ""


def _facts(finding: Finding, t: Messages, answered_at: datetime) -> list[Fact]:
    facts = [Fact(label=t("fact.when"), value=t.date(answered_at))]
    if finding.item.duration_s is not None:
        compared = t.clock(finding.item.duration_s)
        if round(finding.item.not_compared_s, 1) > 0:
            missing = t.clock(finding.item.not_compared_s)
            compared = t("fact.compared.part", compared=compared, missing=missing)
        elif finding.compared_in_part:
            compared = t("fact.compared.cut", compared=compared)
        facts.append(Fact(label=t("fact.compared"), value=compared))
        facts += _searched(finding, t)
    if finding.item.sha256 is not None:
        facts.append(Fact(label=t("fact.sha256"), value=finding.item.sha256))
    return facts


def _searched(finding: Finding, t: Messages) -> list[Fact]:
    search = finding.search
    datasets = [
        t(
            "fact.dataset",
            name=each.name,
            version=each.version,
            n=each.items,
            date=each.indexed_at[:10],
        )
        for each in search.collections
    ]
    effort = t(f"effort.{search.effort.value}")
    return [
        Fact(label=t("fact.searched"), value="; ".join(datasets)),
        Fact(label=t("fact.effort"), value=f"{effort} ({changes_searched(finding, t)})"),
        Fact(label=t("fact.scheme"), value=search.scheme),
    ]
