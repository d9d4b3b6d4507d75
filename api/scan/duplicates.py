"""Items of one source that contain the same audio: the road with the dataset as its own registry.

The source is indexed into a folder that lives as long as the comparison, and then scanned against it.
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
from earwitness.api.pipeline.searched_collections import contents_of, datasets_of, run_spec_of
from earwitness.api.scan.outputs import whole_file
from earwitness.api.scan.tally import certain
from earwitness.api.scan.worker_pool import Pool
from earwitness.api.sentences import matched_s
from earwitness.api.settings import Settings
from earwitness.index.match import Effort, MatchClass, Verdict
from earwitness.index.writer import Writer

Seen = Callable[[FindingItem], None]


WHOLE: Final = 0.9
"""Share of an item that another one has to hold, for the item to be a copy of it or of a part of it."""

CLEAN_SIMILARITY: Final = 0.65
"""Below it something else, such as a voice, sounds over the shared audio: neither stands for the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Items whose audio lies (nearly) whole in the one that is kept, which comes first.

    Kept is the longest of those that lie in each other, and of equally long ones the first.

    Attributes
    ----------
    kinds : tuple of str
        Classes of the matches that hold the group together.
    """

    kept: str
    others: tuple[str, ...]
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """Two items that share audio, of which neither stands for the other: both are kept."""

    items: tuple[str, str]
    kinds: tuple[str, ...]
    shared_s: float


@dataclass(slots=True, kw_only=True)
class Link:
    """What was found of two items in each other; `covers` is the share of the first, and of the second."""

    covers: tuple[float, float] = (0.0, 0.0)
    shared_s: float = 0.0
    e_value: float = 1.0
    kinds: set[str] = field(default_factory=set)

    def take(self, match: FindingMatch, *, swapped: bool) -> None:
        """Add a match of the first item, asked about, with the second, or the other way round."""
        clean = match.similarity >= CLEAN_SIMILARITY and match.kind != MatchClass.SHARED_MATERIAL
        found = (match.query_coverage, match.reference_coverage) if clean else (0.0, 0.0)
        one, other = found[::-1] if swapped else found
        self.covers = max(self.covers[0], one), max(self.covers[1], other)
        self.shared_s = max(self.shared_s, matched_s(match))
        self.e_value = min(self.e_value, match.e_value)
        self.kinds.add(match.kind)


Links = dict[tuple[str, str], Link]
"""By the ids of two items, the lower one first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """What a comparison of a source with itself found; `kept` are ids that leave one item of each group."""

    groups: tuple[Group, ...]
    related: tuple[Related, ...]
    kept: tuple[str, ...]
    n_items: int
    n_unread: int


def grouped(items: Reader, *, settings: Settings, effort: Effort, seen: Seen) -> Alike:
    """Compare every item of a source with every other."""
    with tempfile.TemporaryDirectory(prefix="earwitness-dedup-") as folder:
        aside = settings.model_copy(update={"home": Path(folder), "database_url": None})
        with Writer.open(aside.home, tenant=aside.tenant) as writer:
            for enrolled in index_source(
                items,
                name="itself",
                version="1",
                writer=writer,
                settings=aside,
                effort=effort,
                n_workers=aside.n_workers,
            ):
                seen(enrolled.answer.said)
        return _compare(items, aside, effort, seen)


def _compare(items: Reader, settings: Settings, effort: Effort, seen: Seen) -> Alike:
    library = contents_of(settings)
    order = run_spec_of(settings, library, datasets_of(library), effort=effort)
    links, durations_s, partly, n_unread = Links(), dict[str, float](), set[str](), 0
    with Pool(order, n_workers=settings.n_workers) as pool:
        for _, answer in pool.answers(items):
            seen(answer.said)
            if answer.said.duration_s is None:
                n_unread += 1
                continue
            durations_s[answer.said.id] = answer.said.duration_s
            if answer.error is not None:
                partly.add(answer.said.id)
            take_links(links, answer)
    n_items = len(durations_s) + n_unread
    links = sure_links(links, durations_s, n_items=n_items)
    groups = tuple(groups_of(durations_s, links, partly=partly))
    spare = {other for group in groups for other in group.others}
    return Alike(
        groups=groups,
        related=tuple(related_in(links, groups)),
        kept=tuple(item for item in durations_s if item not in spare),
        n_items=n_items,
        n_unread=n_unread,
    )


def take_links(links: Links, answer: ItemResult) -> None:
    """Add what was found of one item in the others; what may be chance is left out."""
    finding, item = answer.finding, answer.said.id
    if finding is None or finding.verdict is not Verdict.MATCH:
        return
    for match in certain(finding):
        other = match.recording.path
        if other != item:
            key = (min(item, other), max(item, other))
            links.setdefault(key, Link()).take(match, swapped=item > other)


def sure_links(links: Links, durations_s: Mapping[str, float], *, n_items: int) -> Links:
    """Links between items that were compared, certain enough for a comparison of so many."""
    least = threshold(n_items)
    return {
        pair: link
        for pair, link in links.items()
        if link.e_value <= least and pair[0] in durations_s and pair[1] in durations_s
    }


def groups_of(
    durations_s: Mapping[str, float], links: Links, *, partly: Collection[str] = ()
) -> Iterator[Group]:
    """Let each item stand for those that lie whole in it.

    An item is spared only by one that is kept and that holds it itself: what two items share with a third
    does not make them one.

    Parameters
    ----------
    partly
        Items that were not compared to their end: nothing stands for them.
    """
    holders: dict[str, list[tuple[str, Link]]] = {}
    for (one, other), link in links.items():
        if link.covers[0] >= WHOLE:
            holders.setdefault(one, []).append((other, link))
        if link.covers[1] >= WHOLE:
            holders.setdefault(other, []).append((one, link))
    place = {item: number for number, item in enumerate(durations_s)}
    groups: dict[str, list[str]] = {}
    kinds: dict[str, set[str]] = {}
    for item in sorted(durations_s, key=lambda item: (-durations_s[item], place[item])):
        held_by = [] if item in partly else [each for each in holders.get(item, []) if each[0] in groups]
        if not held_by:
            groups[item] = []
            continue
        keeper, link = min(held_by, key=lambda each: (-durations_s[each[0]], place[each[0]]))
        groups[keeper].append(item)
        kinds.setdefault(keeper, set()).update(link.kinds)
    for keeper in sorted(kinds, key=place.__getitem__):
        others = tuple(sorted(groups[keeper], key=place.__getitem__))
        yield Group(kept=keeper, others=others, kinds=tuple(sorted(kinds[keeper])))


def related_in(links: Links, groups: Iterable[Group]) -> Iterator[Related]:
    """Yield the pairs of items that share audio and are both kept."""
    spare = {other for group in groups for other in group.others}
    for pair, link in links.items():
        if spare.isdisjoint(pair):
            yield Related(items=pair, kinds=tuple(sorted(link.kinds)), shared_s=link.shared_s)


def write_groups(alike: Alike, path: Path) -> None:
    """Write one JSON object a group, and then one for each pair of items that are only related."""
    with whole_file(path) as file:
        for group in alike.groups:
            said = {"kept": group.kept, "others": group.others, "classes": group.kinds}
            file.write(json.dumps(said).encode() + b"\n")
        for pair in alike.related:
            shared = {"related": pair.items, "classes": pair.kinds, "shared_s": round(pair.shared_s, 2)}
            file.write(json.dumps(shared).encode() + b"\n")


def write_keep_list(alike: Alike, path: Path) -> None:
    """Write the ids that leave one item of each group, one a line."""
    with whole_file(path) as file:
        for item in alike.kept:
            file.write(item.encode("utf-8", "backslashreplace") + b"\n")
