"""Find items of one source that contain the same audio.

The source is indexed into a temporary home, and then every item of it is searched for there.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from earwitness.api.datasets.items import Reader
from earwitness.api.findings import FindingItem, FindingMatch, threshold
from earwitness.api.pipeline.enroll import index_source
from earwitness.api.pipeline.run_spec import ItemResult
from earwitness.api.pipeline.searched_collections import datasets_of, read_summary, run_spec_of
from earwitness.api.scan.audit import Audit
from earwitness.api.scan.outputs import whole_file
from earwitness.api.scan.worker_pool import Pool
from earwitness.api.sentences import matched_s
from earwitness.api.settings import Settings
from earwitness.index.match import Effort
from earwitness.index.writer import Writer

Seen = Callable[[FindingItem], None]


LEAST_COVERAGE: Final = 0.9
"""Share of an item that another one must cover for the item to count as a copy. Chosen by hand."""

CLEAN_SIMILARITY: Final = 0.65
"""Below this similarity other sound, such as a voice, overlays the shared audio: no copy. Chosen by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One item, and others that are copies of it or of a part of it.

    Attributes
    ----------
    keeper : str
        Id of the item to keep: the longest, and of equally long ones the first.
    others : tuple of str
        Ids of the copies.
    kinds : tuple of str
        Classes of the matches between them.
    """

    keeper: str
    others: tuple[str, ...]
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """Two items that share audio, or may, of which neither is a copy of the other: both are to be kept."""

    items: tuple[str, str]
    kinds: tuple[str, ...]
    shared_s: float


@dataclass(slots=True, kw_only=True)
class Link:
    """Matches between two items; `covers` is the share of the first and of the second that matches."""

    covers: tuple[float, float] = (0.0, 0.0)
    shared_s: float = 0.0
    e_value: float = 1.0
    kinds: set[str] = field(default_factory=set)
    same_file: bool = False
    """Whether more than an E-value shows it (`Finding.is_same_file`)."""

    def take(self, match: FindingMatch, *, swapped: bool, same_file: bool = False) -> None:
        """Add a match; its query is the first item, or the second if `swapped`."""
        clean = match.similarity >= CLEAN_SIMILARITY
        coverage = (match.query_coverage, match.reference_coverage) if clean else (0.0, 0.0)
        one, other = coverage[::-1] if swapped else coverage
        self.covers = max(self.covers[0], one), max(self.covers[1], other)
        self.shared_s = max(self.shared_s, matched_s(match))
        self.e_value = min(self.e_value, match.e_value)
        self.kinds.add(match.kind)
        self.same_file |= same_file


Links = dict[tuple[str, str], Link]
"""By the ids of two items, the lower one first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicates:
    """The groups of a source.

    Attributes
    ----------
    keep : tuple of str
        Ids of all items that are no copies of another.
    possible : tuple of Related
        Pairs that match by E-values only, where those do not hold (`audit`); empty elsewhere.
    n_shared : int
        Pairs that have only material in common that several different items contain.
    audit : Audit
        Whether the E-values hold on these items.
    """

    groups: tuple[Group, ...]
    related: tuple[Related, ...]
    possible: tuple[Related, ...]
    keep: tuple[str, ...]
    n_items: int
    n_unread: int
    n_shared: int
    audit: Audit


def find_duplicates(items: Reader, *, settings: Settings, effort: Effort, seen: Seen) -> Duplicates:
    """Compare every item of a source with every other; `seen` is called twice for each item."""
    with tempfile.TemporaryDirectory(prefix="earwitness-dedup-") as folder:
        aside = settings.model_copy(update={"home": Path(folder), "database_url": None})
        with Writer.open(aside.home_address) as writer:
            for enrolled in index_source(
                items,
                name="itself",
                version="1",
                writer=writer,
                settings=aside,
                effort=effort,
                n_workers=aside.n_workers,
                with_copies=effort is not Effort.FAST,
            ):
                seen(enrolled.result.item)
        return _compare(items, aside, effort, seen)


def _compare(items: Reader, settings: Settings, effort: Effort, seen: Seen) -> Duplicates:
    library = read_summary(settings)
    datasets = datasets_of(library.collections)
    spec = run_spec_of(settings, library, datasets, effort=effort, among_themselves=True)
    links, durations_s, incomplete, n_unread = Links(), dict[str, float](), set[str](), 0
    audit, shared = Audit(), set[tuple[str, str]]()
    with Pool(spec, n_workers=settings.n_workers) as pool:
        for _, result in pool.results(items):
            seen(result.item)
            if result.item.duration_s is None:
                n_unread += 1
                continue
            durations_s[result.item.id] = result.item.duration_s
            if result.error is not None:
                incomplete.add(result.item.id)
            add_links(links, result)
            audit.take(best_of_others(result))
            shared |= shared_pairs(result)
    n_items = len(durations_s) + n_unread
    every = sure_links(links, durations_s, n_items=n_items)
    links = every if audit.claims_supported else same_files(every)
    groups = tuple(groups_of(durations_s, links, incomplete=incomplete))
    copies = {other for group in groups for other in group.others}
    return Duplicates(
        groups=groups,
        related=tuple(related_in(links, groups)),
        possible=tuple(related_in({pair: every[pair] for pair in every.keys() - links.keys()}, ())),
        keep=tuple(item for item in durations_s if item not in copies),
        n_items=n_items,
        n_unread=n_unread,
        n_shared=len(shared - every.keys()),
        audit=audit,
    )


def add_links(links: Links, result: ItemResult) -> None:
    """Add the matches of one item with others, except those that are possible or of shared material."""
    finding, item = result.finding, result.item.id
    if finding is None:
        return
    for match in finding.certain:
        other = match.recording.path
        if other != item:
            link = links.setdefault(_pair(item, other), Link())
            link.take(match, swapped=item > other, same_file=finding.is_same_file(match))


def shared_pairs(result: ItemResult) -> set[tuple[str, str]]:
    """Return the pairs of one item with those that have only material in common with it."""
    finding, item = result.finding, result.item.id
    matches = () if finding is None else finding.shared
    return {_pair(item, match.recording.path) for match in matches if match.recording.path != item}


def best_of_others(result: ItemResult) -> float:
    """Return the smallest E-value of a match with other audio than the item's own; infinite without one."""
    finding = result.finding
    if finding is None:
        return float("inf")
    others = [match for match in finding.matches if match.recording.id != finding.item.sha256]
    others = [match for match in others if match.recording.path != finding.item.id and not match.is_shared]
    return min((match.e_value for match in others), default=float("inf"))


def _pair(one: str, other: str) -> tuple[str, str]:
    return min(one, other), max(one, other)


def sure_links(links: Links, durations_s: Mapping[str, float], *, n_items: int) -> Links:
    """Return the links between compared items whose E-value is low enough for `n_items` comparisons."""
    limit = threshold(n_items)
    return {
        pair: link
        for pair, link in links.items()
        if link.e_value <= limit and pair[0] in durations_s and pair[1] in durations_s
    }


def same_files(links: Links) -> Links:
    """Return the links that more than E-values show, where E-values do not hold."""
    return {pair: link for pair, link in links.items() if link.same_file}


def groups_of(
    durations_s: Mapping[str, float], links: Links, *, incomplete: Collection[str] = ()
) -> Iterator[Group]:
    """Yield the groups of items and their copies.

    An item is a copy only of an item that is to be kept and covers it directly: two items that share audio
    with a third are not copies of each other.

    Parameters
    ----------
    incomplete
        Items that were not compared to their end: they are never copies.
    """
    holders: dict[str, list[tuple[str, Link]]] = {}
    for (one, other), link in links.items():
        if link.covers[0] >= LEAST_COVERAGE:
            holders.setdefault(one, []).append((other, link))
        if link.covers[1] >= LEAST_COVERAGE:
            holders.setdefault(other, []).append((one, link))
    position = {item: number for number, item in enumerate(durations_s)}
    groups: dict[str, list[str]] = {}
    kinds: dict[str, set[str]] = {}
    for item in sorted(durations_s, key=lambda item: (-durations_s[item], position[item])):
        keepers = [] if item in incomplete else [each for each in holders.get(item, []) if each[0] in groups]
        if not keepers:
            groups[item] = []
            continue
        keeper, link = min(keepers, key=lambda each: (-durations_s[each[0]], position[each[0]]))
        groups[keeper].append(item)
        kinds.setdefault(keeper, set()).update(link.kinds)
    for keeper in sorted(kinds, key=position.__getitem__):
        others = tuple(sorted(groups[keeper], key=position.__getitem__))
        yield Group(keeper=keeper, others=others, kinds=tuple(sorted(kinds[keeper])))


def related_in(links: Links, groups: Iterable[Group]) -> Iterator[Related]:
    """Yield the pairs of items that share audio, of which neither is a copy."""
    copies = {other for group in groups for other in group.others}
    for pair, link in links.items():
        if copies.isdisjoint(pair):
            yield Related(items=pair, kinds=tuple(sorted(link.kinds)), shared_s=link.shared_s)


def write_groups(duplicates: Duplicates, path: Path) -> None:
    """Write one JSON object for each group, then for each pair of related items and each that may be."""
    with whole_file(path) as file:
        for group in duplicates.groups:
            fields = {"kept": group.keeper, "others": group.others, "classes": group.kinds}
            file.write(json.dumps(fields).encode() + b"\n")
        for pair in duplicates.related:
            shared = {"related": pair.items, "classes": pair.kinds, "shared_s": round(pair.shared_s, 2)}
            file.write(json.dumps(shared).encode() + b"\n")
        for pair in duplicates.possible:
            unsure = {"possible": pair.items, "classes": pair.kinds, "shared_s": round(pair.shared_s, 2)}
            file.write(json.dumps(unsure).encode() + b"\n")


def write_keep_list(duplicates: Duplicates, path: Path) -> None:
    """Write the ids of the items to keep, one a line."""
    with whole_file(path) as file:
        for item in duplicates.keep:
            file.write(item.encode("utf-8", "backslashreplace") + b"\n")
