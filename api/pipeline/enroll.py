"""Store works in the registry and items in datasets; each is searched for in the other at once."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain
from typing import Any, Final

from sqlalchemy import Connection

from earwitness.api.datasets.items import Skipped, SourceItem
from earwitness.api.datasets.source_errors import SourceBroken
from earwitness.api.pipeline.run_spec import ItemResult
from earwitness.api.pipeline.searched_collections import (
    datasets_of,
    read_summary,
    run_spec_of,
    works_of,
)
from earwitness.api.pipeline.stored_works import one_work
from earwitness.api.scan.worker_pool import Pool
from earwitness.api.settings import Settings
from earwitness.api.shelf.by_name import named_in
from earwitness.api.shelf.stored_names import open_names
from earwitness.api.watch.announce import settle
from earwitness.api.watch.note_matches import IndexRun, note_matches
from earwitness.api.watch.watching import begin_watch, note_registration
from earwitness.fingerprint.types import Tags
from earwitness.index.database.records import TEXTS, Added, AddStatus, CollectionKind, ItemRow, NewItem
from earwitness.index.match import Effort
from earwitness.index.names.name_entries import NameEntry
from earwitness.index.names.name_list import NameList
from earwitness.index.names.recording_ids import ids_of, isrc_of
from earwitness.index.writer import Writer

BATCH_ITEMS: Final = 32
BATCH_S: Final = 5.0
PUBLISH_S: Final = 180.0


class Outcome(StrEnum):
    """The outcome of storing one item."""

    ADDED = "added"
    ALREADY = "already"
    UPDATED = "updated"
    """Registered already; its title, artist, album, owner or ISRC was changed."""
    OF_ANOTHER_OWNER = "of_another_owner"
    """Registered already under this name, for another owner; nothing was changed."""
    REFUSED = "refused"
    """Decoded, but not fit as a work."""
    NOT_READABLE = "not_readable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What describes a work to people; the owner holds its rights, and need not be the artist."""

    title: str | None = None
    artist: str | None = None
    album: str | None = None
    owner: str | None = None
    isrc: str | None = None

    def over(self, other: Label) -> Label:
        """Return this label, with the other's texts where this one has none."""
        return Label(**{name: getattr(self, name) or getattr(other, name) for name in TEXTS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """One item that was stored, or was not, with its result.

    Attributes
    ----------
    label : Label or None
        That of a registered work.
    work : int or None
        Its number.
    """

    result: ItemResult
    outcome: Outcome
    shard: str | None = None
    label: Label | None = None
    work: int | None = None


def register(
    items: Iterable[SourceItem | Skipped],
    *,
    writer: Writer,
    settings: Settings,
    effort: Effort,
    label: Label,
    labels: Mapping[str, Label] | None = None,
    n_workers: int = 1,
    watched: bool = False,
) -> Iterator[Enrolled]:
    """Register each item as a work, and check it against the datasets; it is on disk when it is yielded.

    Parameters
    ----------
    label, labels
        The label of every work, and those of single works by their path, which take precedence. The tags of
        a file give what neither holds.
    watched
        Whether the works are watched from now on.
    """
    works = writer.collection(CollectionKind.WORKS)
    library, lists = read_summary(settings), open_names(settings)
    spec = run_spec_of(
        settings, library, datasets_of(library.collections), effort=effort, into=works, as_works=True
    )
    with Pool(spec, n_workers=n_workers) as pool:
        for _, result in pool.results(items):
            own_label = (labels or {}).get(result.item.path, Label()).over(label)
            enrolled = with_names(register_one(writer, works, result, own_label), lists)
            if watched:
                watch_registered(writer, settings, enrolled)
            yield enrolled
    writer.publish()


def watch_registered(writer: Writer, settings: Settings, enrolled: Enrolled) -> None:
    """Watch a work that was registered, and store what was found of it as that which is known already."""
    if enrolled.work is None:
        return
    begin_watch(writer, settings, [enrolled.work])
    if enrolled.result.finding is not None:
        work = one_work(writer, enrolled.work)
        note_registration(writer, settings, work, enrolled.result.finding)


def with_names(enrolled: Enrolled, lists: Sequence[NameList]) -> Enrolled:
    """Return a registered work with the datasets that name it, by the names that it was registered under."""
    label, result = enrolled.label, enrolled.result
    if label is None or not lists:
        return enrolled
    asked = NameEntry(
        place=result.item.path,
        artists=(label.artist,) if label.artist else (),
        title=label.title,
        ids=ids_of([("isrc", label.isrc or "")]),
    )
    names = named_in(lists, asked)
    finding = None if result.finding is None else replace(result.finding, names=names)
    return replace(enrolled, result=replace(result, names=names, finding=finding))


def label_of(tags: Tags) -> Label:
    """Return the texts of a file's tags; an ISRC that is none is left out."""
    codes = map(isrc_of, re.split(r"[;,/]", tags.isrc or ""))
    return Label(title=tags.title, artist=tags.artist, album=tags.album, isrc=next(filter(None, codes), None))


def register_one(writer: Writer, works: int, result: ItemResult, label: Label) -> Enrolled:
    """Store one processed item as a work, if it is fit as one; it is on disk when this returns.

    A work that is registered already takes what `label` gives, and from the tags of the file what it lacks.
    Its owner stays: the same audio of another owner, under another name, is another work.
    """
    outcome, stored, number = _register(writer, works, result, label)
    return Enrolled(result=result, outcome=outcome, label=stored, work=number)


Registration = tuple[Outcome, Label | None, int | None]
"""What became of an item, and label and number of the work."""


def _register(writer: Writer, works: int, result: ItemResult, label: Label) -> Registration:
    new, sha256 = result.new, result.item.sha256
    existing = result.existing
    if existing is not None:
        rows = [row for row in writer.find(works, existing.sha256 or "") if _is_same_audio(row, existing)]
        own = _of_owner(rows, label.owner, path=result.item.path)
        if own is not None:
            return _relabelled(writer, works, own, label, result.tags)
        new = NewItem(path=result.item.path, sha256=sha256, start_s=existing.start_s, end_s=existing.end_s)
    if new is None:
        decoded = result.item.duration_s is not None
        return (Outcome.REFUSED if decoded else Outcome.NOT_READABLE), None, None
    complete = label.over(label_of(result.tags))
    (added,) = writer.add(works, [replace(new, **_texts(complete))])
    if added.status is not AddStatus.EXISTING:
        return Outcome.ADDED, complete, added.item
    stored = next(each for each in writer.find(works, new.sha256 or "") if each.id == added.item)
    return _relabelled(writer, works, stored, label, result.tags)


def _is_same_audio(one: ItemRow, other: ItemRow) -> bool:
    return (one.recording, one.start_s, one.end_s) == (other.recording, other.start_s, other.end_s)


def _of_owner(stored: Sequence[ItemRow], owner: str | None, *, path: str) -> ItemRow | None:
    """Return the registration of this owner, else one without an owner; any if no owner is given."""
    fit = [each for each in stored if owner is None or each.owner in {None, owner}]
    return min(fit, key=lambda each: (each.owner != owner, each.path != path), default=None)


def _relabelled(writer: Writer, works: int, stored: ItemRow, label: Label, tags: Tags) -> Registration:
    if label.owner is not None and stored.owner not in {None, label.owner}:
        return Outcome.OF_ANOTHER_OWNER, None, None
    after = label.over(Label(**_texts(stored))).over(label_of(tags))
    changed = writer.update_metadata(works, stored.id, **_texts(after))
    return (Outcome.UPDATED if changed else Outcome.ALREADY), after, stored.id


def _texts(described: Label | ItemRow) -> dict[str, Any]:
    return {name: getattr(described, name) for name in TEXTS}


def index_source(
    items: Iterable[SourceItem | Skipped],
    *,
    name: str,
    version: str,
    writer: Writer,
    settings: Settings,
    effort: Effort,
    n_workers: int,
    with_copies: bool = False,
    before: Callable[[Sequence[ItemResult]], None] = lambda _: None,
    watch: Callable[[], None] = lambda: None,
) -> Iterator[Enrolled]:
    """Index a source's items as a dataset, and search for each in the registered works.

    An item is on disk when it is yielded. A run after a kill adds what is missing; the dataset is marked
    complete only at the end. A source that cannot be opened, or ends with an error before its first item,
    leaves the dataset unchanged; so does one that adds nothing to a complete dataset. At the end, the notices
    about watched works are made.

    Parameters
    ----------
    with_copies
        Store changed copies of the items, as of works: they will be searched for often.
    before
        Called with the results of a batch before they are stored, so that the caller can save what a kill
        must not lose.
    watch
        Called about once a second; an exception that it raises ends the run, which can be resumed.
    """
    items = _opened(items)
    was_complete = _is_complete(writer, name, version)
    dataset = writer.collection(CollectionKind.DATASET, name, version)
    library = read_summary(settings)
    spec = run_spec_of(
        settings,
        library,
        works_of(library.collections),
        effort=effort,
        into=dataset,
        with_copies=with_copies,
    )
    run = IndexRun(tenant=writer.tenant, dataset=dataset, epoch=library.epoch, effort=effort)
    read_to_end, changed, published_at = True, False, time.monotonic()
    with Pool(spec, n_workers=n_workers, watch=watch) as pool:
        for batch in _batches(pool.results(items)):
            if any(isinstance(item, Skipped) and item.cut_off for item, _ in batch):
                read_to_end = False
            before([result for _, result in batch])
            if not changed and any(result.new is not None for _, result in batch):
                writer.mark(dataset, complete=False)
                changed = True
            yield from _store(writer, run, batch)
            if time.monotonic() - published_at >= PUBLISH_S:
                writer.publish()
                published_at = time.monotonic()
    writer.publish()
    writer.mark(dataset, complete=read_to_end or (was_complete and not changed))
    settle(writer, settings, ended=(name, version))


def _opened(items: Iterable[SourceItem | Skipped]) -> Iterator[SourceItem | Skipped]:
    """Begin to read a source.

    Raises
    ------
    SourceBroken
        When every part of it ends with an error before its first item: it is no source.
    """
    rest, broken = iter(items), list[SourceItem | Skipped]()
    for item in rest:
        if isinstance(item, Skipped) and item.cut_off:
            broken.append(item)
        else:
            return chain(broken, [item], rest)
    first = next(iter(broken), None)
    if isinstance(first, Skipped):
        raise SourceBroken(source=first.path, reason=first.message)
    return iter(())


def _is_complete(writer: Writer, name: str, version: str) -> bool:
    datasets = [each for each in writer.collections if each.kind is CollectionKind.DATASET]
    return any(each.complete for each in datasets if (each.name, each.version) == (name, version))


Pair = tuple[SourceItem | Skipped, ItemResult]


def _batches(pairs: Iterator[Pair]) -> Iterator[list[Pair]]:
    """Gather items for one transaction: `BATCH_ITEMS`, or those of `BATCH_S` seconds."""
    batch, began_at = list[Pair](), time.monotonic()
    for pair in pairs:
        batch.append(pair)
        if len(batch) >= BATCH_ITEMS or time.monotonic() - began_at >= BATCH_S:
            yield batch
            batch, began_at = [], time.monotonic()
    if batch:
        yield batch


def _store(writer: Writer, run: IndexRun, batch: list[Pair]) -> Iterator[Enrolled]:
    """Store a batch, and what was found of watched works in the same transaction."""
    results = [result for _, result in batch if result.new is not None]
    new = [result.new for result in results if result.new is not None]

    def note(connection: Connection, added: Sequence[Added]) -> None:
        note_matches(connection, run, results, added)

    added = iter(writer.add(run.dataset, new, also=note) if new else ())
    for item, result in batch:
        status = AddStatus.EXISTING if result.new is None else next(added).status
        yield Enrolled(result=result, outcome=_outcome(result, status), shard=item.shard)


def _outcome(result: ItemResult, status: AddStatus) -> Outcome:
    if result.new is not None and result.new.failure is not None:
        return Outcome.NOT_READABLE
    return Outcome.ALREADY if status is AddStatus.EXISTING else Outcome.ADDED
