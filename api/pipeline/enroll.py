"""Filling collections: works into the registry, items into datasets, each looked up in the other at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain
from typing import Final

from earwitness.api.datasets.items import Skipped, SourceItem
from earwitness.api.datasets.source_errors import SourceBroken
from earwitness.api.pipeline.run_spec import ItemResult
from earwitness.api.pipeline.searched_collections import (
    contents_of,
    datasets_of,
    run_spec_of,
    works_of,
)
from earwitness.api.scan.worker_pool import Pool
from earwitness.api.settings import Settings
from earwitness.index.database.records import AddStatus, CollectionKind, ItemRow, NewItem
from earwitness.index.match import Effort
from earwitness.index.writer import Writer

BATCH_ITEMS: Final = 32
BATCH_S: Final = 5.0
PUBLISH_S: Final = 180.0


class Outcome(StrEnum):
    """What became of one item that was to be stored."""

    ADDED = "added"
    ALREADY = "already"
    UPDATED = "updated"
    """Registered already; what is said of it has changed."""
    OF_ANOTHER_OWNER = "of_another_owner"
    """Registered already under this name, for another owner; nothing was changed."""
    REFUSED = "refused"
    """Heard, but not fit to be a work."""
    NOT_READABLE = "not_readable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """One item that was to be stored, and what was found of it on the way."""

    answer: ItemResult
    outcome: Outcome
    shard: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What a creator says about a work."""

    title: str | None = None
    owner: str | None = None
    isrc: str | None = None


def register(
    items: Iterable[SourceItem | Skipped],
    *,
    writer: Writer,
    settings: Settings,
    effort: Effort,
    label: Label,
    labels: Mapping[str, Label] | None = None,
    n_workers: int = 1,
) -> Iterator[Enrolled]:
    """Register each item as a work, and check it against the datasets; it is on the disk when it is yielded.

    Parameters
    ----------
    label, labels
        What is said of every work, and of single ones by their path, which goes before.
    """
    works = writer.collection(CollectionKind.WORKS)
    library = contents_of(settings)
    order = run_spec_of(settings, library, datasets_of(library), effort=effort, into=works, as_works=True)
    with Pool(order, n_workers=n_workers) as pool:
        for _, answer in pool.answers(items):
            said = _merged(label, (labels or {}).get(answer.said.path))
            yield Enrolled(answer=answer, outcome=register_one(writer, works, answer, said))
    writer.publish()


def _merged(every: Label, own: Label | None) -> Label:
    own = own or Label()
    return Label(title=own.title or every.title, owner=own.owner or every.owner, isrc=own.isrc or every.isrc)


def register_one(writer: Writer, works: int, answer: ItemResult, label: Label) -> Outcome:
    """Store one answered item as a work, if it is fit for that; it is on the disk when this returns.

    A work that is registered already takes what is newly said of it. Its owner stays: the same audio of
    another owner, under another name, is another work.
    """
    new, sha256 = answer.new, answer.said.sha256
    known = answer.existing
    if known is not None:
        same_audio = [each for each in writer.find(works, known.sha256 or "") if _is_same_audio(each, known)]
        own = _of_owner(same_audio, label.owner, path=answer.said.path)
        if own is not None:
            return _relabelled(writer, works, own, label)
        new = NewItem(path=answer.said.path, sha256=sha256, start_s=known.start_s, end_s=known.end_s)
    if new is None:
        heard = answer.said.duration_s is not None
        return Outcome.REFUSED if heard else Outcome.NOT_READABLE
    new = replace(new, title=label.title, owner=label.owner, isrc=label.isrc)
    (added,) = writer.add(works, [new])
    if added.status is not AddStatus.EXISTING:
        return Outcome.ADDED
    stored = next(each for each in writer.find(works, new.sha256 or "") if each.id == added.item)
    return _relabelled(writer, works, stored, label)


def _is_same_audio(one: ItemRow, other: ItemRow) -> bool:
    return (one.recording, one.start_s, one.end_s) == (other.recording, other.start_s, other.end_s)


def _of_owner(stored: Sequence[ItemRow], owner: str | None, *, path: str) -> ItemRow | None:
    """Return the registration that is meant: of this owner, or of none, or any where no owner is named."""
    fit = [each for each in stored if owner is None or each.owner in {None, owner}]
    return min(fit, key=lambda each: (each.owner != owner, each.path != path), default=None)


def _relabelled(writer: Writer, works: int, stored: ItemRow, label: Label) -> Outcome:
    if label.owner is not None and stored.owner not in {None, label.owner}:
        return Outcome.OF_ANOTHER_OWNER
    changed = writer.update_metadata(works, stored.id, title=label.title, owner=label.owner, isrc=label.isrc)
    return Outcome.UPDATED if changed else Outcome.ALREADY


def index_source(
    items: Iterable[SourceItem | Skipped],
    *,
    name: str,
    version: str,
    writer: Writer,
    settings: Settings,
    effort: Effort,
    n_workers: int,
    before: Callable[[Sequence[ItemResult]], None] = lambda _: None,
    watch: Callable[[], None] = lambda: None,
) -> Iterator[Enrolled]:
    """Index a source's items as a dataset, and look each up in the registered works.

    An item is on the disk when it is yielded. Run again after a kill, it adds what is missing; only at its
    end is the dataset said to be complete. A source that cannot be opened, or breaks off before its first
    item, leaves the dataset as it was; so does one that adds nothing to a complete one.

    Parameters
    ----------
    before
        Told of items before they are stored, several at once: what a kill must not lose of them is kept then.
    watch
        Called every second or so; what it raises ends the run, which can be gone on with.
    """
    items = _opened(items)
    was_complete = _is_complete(writer, name, version)
    dataset = writer.collection(CollectionKind.DATASET, name, version)
    library = contents_of(settings)
    order = run_spec_of(settings, library, works_of(library), effort=effort, into=dataset)
    whole, changed, published_at = True, False, time.monotonic()
    with Pool(order, n_workers=n_workers, watch=watch) as pool:
        for batch in _batches(pool.answers(items)):
            whole = whole and not any(isinstance(item, Skipped) and item.cut_off for item, _ in batch)
            before([answer for _, answer in batch])
            if not changed and any(answer.new is not None for _, answer in batch):
                writer.mark(dataset, complete=False)
                changed = True
            yield from _store(writer, dataset, batch)
            if time.monotonic() - published_at >= PUBLISH_S:
                writer.publish()
                published_at = time.monotonic()
    writer.publish()
    writer.mark(dataset, complete=whole or (was_complete and not changed))


def _opened(items: Iterable[SourceItem | Skipped]) -> Iterator[SourceItem | Skipped]:
    """Begin to read a source.

    Raises
    ------
    SourceBroken
        When it breaks off before its first item, and so does every other part of it: it is no source.
    """
    coming, broken = iter(items), list[SourceItem | Skipped]()
    for item in coming:
        if isinstance(item, Skipped) and item.cut_off:
            broken.append(item)
        else:
            return chain(broken, [item], coming)
    first = next(iter(broken), None)
    if isinstance(first, Skipped):
        raise SourceBroken(source=first.path, reason=first.message)
    return iter(())


def _is_complete(writer: Writer, name: str, version: str) -> bool:
    known = [each for each in writer.collections if each.kind is CollectionKind.DATASET]
    return any(each.complete for each in known if (each.name, each.version) == (name, version))


Pair = tuple[SourceItem | Skipped, ItemResult]


def _batches(pairs: Iterator[Pair]) -> Iterator[list[Pair]]:
    """Gather items for one transaction: so many, or as many as came in so many seconds."""
    batch, began_at = list[Pair](), time.monotonic()
    for pair in pairs:
        batch.append(pair)
        if len(batch) >= BATCH_ITEMS or time.monotonic() - began_at >= BATCH_S:
            yield batch
            batch, began_at = [], time.monotonic()
    if batch:
        yield batch


def _store(writer: Writer, dataset: int, batch: list[Pair]) -> Iterator[Enrolled]:
    new = [answer.new for _, answer in batch if answer.new is not None]
    added = iter(writer.add(dataset, new) if new else ())
    for item, answer in batch:
        status = AddStatus.EXISTING if answer.new is None else next(added).status
        yield Enrolled(answer=answer, outcome=_outcome(answer, status), shard=item.shard)


def _outcome(answer: ItemResult, status: AddStatus) -> Outcome:
    if answer.new is not None and answer.new.failure is not None:
        return Outcome.NOT_READABLE
    return Outcome.ALREADY if status is AddStatus.EXISTING else Outcome.ADDED
