"""Items of one source that contain the same audio: the road with the dataset as its own registry.

The source is indexed into a folder that lives as long as the comparison, and then scanned against it.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from api.asking import contents_of, datasets_of, order_of
from api.datasets.types import Reader
from api.enrolling import index_source
from api.findings import ItemSaid, MatchSaid
from api.orders import Answer
from api.scan.outputs import whole_file
from api.scan.pool import Pool
from api.settings import Settings
from index.enroll import Writer
from index.match import Effort, Verdict

Seen = Callable[[ItemSaid], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Items that contain the same audio, the one that is kept first: the longest, and of those the first.

    Attributes
    ----------
    kinds : tuple of str
        Classes of the matches that hold the group together.
    """

    kept: str
    others: tuple[str, ...]
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """What a comparison of a source with itself found; `kept` are ids that leave one item of each group."""

    groups: tuple[Group, ...]
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
    order = order_of(settings, library, datasets_of(library), effort=effort)
    links, durations_s, n_unread = list[tuple[str, MatchSaid]](), dict[str, float](), 0
    with Pool(order, n_workers=settings.n_workers) as pool:
        for _, answer in pool.answers(items):
            seen(answer.said)
            if answer.said.duration_s is None:
                n_unread += 1
                continue
            durations_s[answer.said.id] = answer.said.duration_s
            links += ((answer.said.id, match) for match in _others(answer))
    groups = tuple(groups_of(durations_s, links))
    spare = {other for group in groups for other in group.others}
    return Alike(
        groups=groups,
        kept=tuple(item for item in durations_s if item not in spare),
        n_items=len(durations_s) + n_unread,
        n_unread=n_unread,
    )


def _others(answer: Answer) -> Iterator[MatchSaid]:
    finding = answer.finding
    if finding is not None and finding.verdict is Verdict.MATCH:
        yield from (match for match in finding.matches if match.recording.path != answer.said.id)


def groups_of(durations_s: dict[str, float], links: list[tuple[str, MatchSaid]]) -> Iterator[Group]:
    """Join what is linked, in the order of the items."""
    leader = {item: item for item in durations_s}

    def lead(item: str) -> str:
        while leader[item] != item:
            leader[item] = leader[leader[item]]
            item = leader[item]
        return item

    linked = [(item, match) for item, match in links if match.recording.path in leader]
    for item, match in linked:
        leader[lead(item)] = lead(match.recording.path)
    members: dict[str, list[str]] = {}
    for item in durations_s:
        members.setdefault(lead(item), []).append(item)
    kinds: dict[str, set[str]] = {}
    for item, match in linked:
        kinds.setdefault(lead(item), set()).add(match.kind)
    for first, group in members.items():
        if len(group) > 1:
            kept = max(group, key=durations_s.__getitem__)
            others = tuple(item for item in group if item != kept)
            yield Group(kept=kept, others=others, kinds=tuple(sorted(kinds[first])))


def write_groups(alike: Alike, path: Path) -> None:
    """Write one JSON object a group."""
    with whole_file(path) as file:
        for group in alike.groups:
            said = {"kept": group.kept, "others": group.others, "classes": group.kinds}
            file.write(json.dumps(said).encode() + b"\n")


def write_keep_list(alike: Alike, path: Path) -> None:
    """Write the ids that leave one item of each group, one a line."""
    with whole_file(path) as file:
        for item in alike.kept:
            file.write(item.encode("utf-8", "backslashreplace") + b"\n")
