"""The evidence of a finding, gathered by dataset, the surest first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from earwitness.api.answers.card_index import CardIndex
from earwitness.api.findings import Finding, FindingMatch
from earwitness.api.shelf.catalogue import NamedWork
from earwitness.api.shelf.dataset_cards import Card
from earwitness.api.shelf.names_evidence import NamedIn
from earwitness.api.shelf.same_file_evidence import SameFile
from earwitness.index.database.records import WORKS
from earwitness.index.match import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetGroup:
    """What a finding says of one dataset.

    Attributes
    ----------
    card : Card or None
        None for a dataset that only this home knows, and for the registered works.
    matches : list of FindingMatch
        Matches by sound, the best first.
    about : list of NamedWork
        The work that each of `names` is about; empty where the answer is about one recording.
    """

    name: str
    version: str
    card: Card | None
    matches: list[FindingMatch] = field(default_factory=list)
    same_file: list[SameFile] = field(default_factory=list)
    names: list[NamedIn] = field(default_factory=list)
    about: list[NamedWork] = field(default_factory=list)

    @property
    def is_works(self) -> bool:
        """Whether these are the registered works, and no dataset."""
        return self.name == WORKS

    def rank(self) -> tuple[int, float]:
        """Return the place among the groups: by sound, then the same file, then by name."""
        if self.matches:
            return 0, min(each.e_value for each in self.matches)
        return (1, 0.0) if self.same_file else (2, min(each.e_value or 0.0 for each in self.names))


def asserted_groups(finding: Finding, cards: CardIndex) -> list[DatasetGroup]:
    """Return the datasets with evidence that is not left to chance, the surest first."""
    groups: dict[tuple[str, str], DatasetGroup] = {}
    for match in finding.certain:
        _group(groups, match.collection, match.version, cards).matches.append(match)
    for file in finding.same_file:
        _group(groups, file.dataset, file.version, cards, card=file.card).same_file.append(file)
    for named in finding.names:
        if not named.is_noise:
            _group(groups, named.dataset, named.version, cards, card=named.card).names.append(named)
    return sorted(groups.values(), key=DatasetGroup.rank)


def sound_groups(finding: Finding, verdict: Verdict, cards: CardIndex) -> list[DatasetGroup]:
    """Return the matches by sound that are by themselves no more than `verdict`, by dataset."""
    groups: dict[tuple[str, str], DatasetGroup] = {}
    for match in finding.matches:
        if finding.verdict_of(match) is verdict:
            _group(groups, match.collection, match.version, cards).matches.append(match)
    return list(groups.values())


def named_groups(works: Iterable[NamedWork], cards: CardIndex) -> list[DatasetGroup]:
    """Return the datasets that name works by more than chance, the one with the most names first.

    Within a dataset identifiers come first, then the smallest E-value.
    """
    groups: dict[tuple[str, str], DatasetGroup] = {}
    shown = [(each, work) for work in works for each in work.names if not each.is_noise]
    for named, work in sorted(shown, key=lambda pair: pair[0].e_value or 0.0):
        group = _group(groups, named.dataset, named.version, cards, card=named.card)
        group.names.append(named)
        group.about.append(work)
    return sorted(groups.values(), key=lambda each: -len(each.names))


def _group(
    groups: dict[tuple[str, str], DatasetGroup],
    name: str,
    version: str,
    cards: CardIndex,
    *,
    card: str | None = None,
) -> DatasetGroup:
    """Return the group of a dataset; kinds of evidence meet where their versions have the same card."""
    key = (cards.same_dataset(name, card), version)
    return groups.setdefault(key, DatasetGroup(name=name, version=version, card=cards.find(name, card)))
