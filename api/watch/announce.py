"""Make the notices of a dataset that was indexed or added: one for each watched work, once.

What is found while a dataset is indexed is stored with its items (`note_matches`). When it ends, one
transaction stores the notices, and the state of the dataset that they are about. A dataset in another state
than that has notices to be made: they are made at the end of the run, or, after a kill, by the next command
or by the server. Notices that say the same twice are stored once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, func, select

from earwitness.api.finding_json import from_json
from earwitness.api.findings import Finding, graded
from earwitness.api.settings import Settings
from earwitness.api.watch.ask_stored import StoredAnswer, ask_stored
from earwitness.api.watch.dataset_parts import DatasetParts, dataset_parts
from earwitness.api.watch.note_matches import audit_of
from earwitness.api.watch.notice_contents import (
    NOTHING,
    Asked,
    Limit,
    Outcome,
    WorkFindings,
    notice_contents,
    places_of,
    state_of,
)
from earwitness.api.watch.version_change import version_change
from earwitness.fingerprint.errors import NoAudioTrack
from earwitness.index.database import reads
from earwitness.index.database.catalog import open_catalog
from earwitness.index.database.records import ItemRow
from earwitness.index.database.row_digests import AT_ONCE
from earwitness.index.database.tables import ITEM
from earwitness.index.notices.notice_records import Comparison, NewNotice, Notice, Watch
from earwitness.index.notices.notice_rows import add_notices, notices_of_dataset
from earwitness.index.notices.watch_rows import (
    announced,
    comparison,
    is_watching,
    sightings,
    store_announced,
    watches,
)
from earwitness.index.store.store_errors import HomeMissing
from earwitness.index.writer import Writer


def settle(writer: Writer, settings: Settings, *, ended: tuple[str, str] | None = None) -> list[int]:
    """Make all notices that are to be made; return their numbers.

    Parameters
    ----------
    ended
        Name and version of a dataset whose indexing has ended, also where its source was cut off.

    Raises
    ------
    NameListDamaged, FileListDamaged, CatalogDamaged, HomeBusy, DiskFull
    """
    with writer.catalog.reading() as connection:
        if not is_watching(connection, writer.tenant):
            return []
        done = announced(connection, writer.tenant)
    numbers = list[int]()
    for parts in dataset_parts(writer.collections, settings):
        key = parts.name, parts.version
        if done.get(key) != parts.state and (parts.is_settled or key == ended):
            numbers += _announce(writer, settings, parts)
    return numbers


def settle_home(settings: Settings) -> None:
    """Make all notices that are to be made in a home that is not open; opens it only where somebody watches.

    Raises
    ------
    HomeBusy
        When another process holds the home; the next command makes them then.
    """
    try:
        catalog = open_catalog(settings.home_address)
    except HomeMissing:  # only lists of names and packs are stored
        return
    try:
        with catalog.reading() as connection:
            watched = is_watching(connection, settings.tenant)
    finally:
        catalog.close()
    if watched:
        with Writer.open(settings.home_address) as writer:
            settle(writer, settings)


def mark_announced(connection: Connection, tenant: str, parts: Iterable[DatasetParts]) -> None:
    """Store that there is nothing to say of these datasets: nobody watched when they were indexed."""
    for each in parts:
        if each.is_settled:
            store_announced(connection, tenant, each.name, each.version, each.state)


def _announce(writer: Writer, settings: Settings, parts: DatasetParts) -> list[int]:
    """Make the notices of one version of a dataset, and store its state, in one transaction."""
    asked = dict[int, StoredAnswer]()
    while True:
        with writer.catalog.reading() as connection:
            watched = watches(connection, writer.tenant)
            works = _works(connection, writer.tenant, list(watched))
            by_sound = _needs_stored_sound(connection, parts, watched.values())
        asked = ask_stored(parts, list(works.values()), settings, by_sound=by_sound)
        with writer.changing() as connection:
            if watches(connection, writer.tenant).keys() - asked.keys():
                continue  # somebody began to watch meanwhile
            if _has_changed(connection, writer.tenant, parts):
                return []  # another run has begun, at whose end the notices are made
            new = _new_notices(connection, writer.tenant, parts, works, asked)
            numbers = add_notices(connection, writer.tenant, new)
            store_announced(connection, writer.tenant, parts.name, parts.version, parts.state)
            return numbers


def _has_changed(connection: Connection, tenant: str, parts: DatasetParts) -> bool:
    """Whether a dataset was changed or removed since its parts were read."""
    if parts.collection is None:
        return False
    now = {each.id: each for each in reads.collections(connection, tenant)}.get(parts.collection.id)
    return now is None or replace(parts, collection=now).state != parts.state


def _works(connection: Connection, tenant: str, numbers: Sequence[int]) -> dict[int, ItemRow]:
    works = dict[int, ItemRow]()
    for start in range(0, len(numbers), AT_ONCE):
        rows = reads.items(connection, tenant, ITEM.c.id.in_(numbers[start : start + AT_ONCE]))
        works.update((row.id, row) for row in rows)
    return works


def _needs_stored_sound(connection: Connection, parts: DatasetParts, watched: Iterable[Watch]) -> bool:
    """Whether indexing has not compared every item of a dataset with every watched work."""
    if parts.collection is None:
        return False
    compared = comparison(connection, parts.collection.id)
    return compared is None or any(each.epoch > compared.first_epoch for each in watched)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compared:
    """What indexing found of all works in one dataset."""

    comparison: Comparison | None
    findings: Mapping[int, Sequence[Finding]]
    limits: Mapping[Limit, int]
    reasons: Mapping[str, int]


def _new_notices(
    connection: Connection,
    tenant: str,
    parts: DatasetParts,
    works: Mapping[int, ItemRow],
    asked: Mapping[int, StoredAnswer],
) -> Iterator[NewNotice]:
    compared = _compared(connection, tenant, parts)
    earlier = _Earlier(notices_of_dataset(connection, tenant, parts.name), parts.version)
    for item, watch in watches(connection, tenant).items():
        found = _found(watch, parts, compared, asked[item])
        before = earlier.of(item)
        contents = notice_contents(works[item], parts, found)
        files = [] if before is None else _files_here(connection, parts, before)
        contents["change"] = version_change(contents, before, files)
        yield new_notice(item, contents)


def new_notice(item: int, contents: Mapping[str, Any], *, is_sent: bool = True) -> NewNotice:
    """Return a notice to store; it is news where something was found now, or in the version before."""
    dataset, change = contents["dataset"], contents["change"]
    was_found = change is not None and Outcome(change["before"]["outcome"]) not in NOTHING
    return NewNotice(
        item=item,
        dataset=dataset["name"],
        version=dataset["version"],
        state=state_of(contents),
        outcome=contents["outcome"],
        contents=contents,
        is_news=was_found or Outcome(contents["outcome"]) not in NOTHING,
        is_sent=is_sent,
    )


def _compared(connection: Connection, tenant: str, parts: DatasetParts) -> _Compared:
    if parts.collection is None:
        limits = {Limit.NO_SOUND: 0, **dataset_limits(parts, {}, n_in_part=0)}
        return _Compared(comparison=None, findings={}, limits=limits, reasons={})
    number = parts.collection.id
    stored = comparison(connection, number)
    findings = dict[int, list[Finding]]()
    if stored is not None:
        audit, n_items = audit_of(stored), max(stored.n_searched, parts.collection.n_items)
        for item, texts in sightings(connection, tenant, number).items():
            findings[item] = [
                graded(each, n_items=n_items, claims_supported=audit.claims_supported)
                for each in map(_parsed, texts)
            ]
    reasons = unread_items(connection, number)
    limits = dataset_limits(parts, reasons, n_in_part=0 if stored is None else stored.n_in_part)
    return _Compared(comparison=stored, findings=findings, limits=limits, reasons=reasons)


def _parsed(text: str) -> Finding:
    import json

    return from_json(json.loads(text))


def dataset_limits(parts: DatasetParts, reasons: Mapping[str, int], *, n_in_part: int) -> dict[Limit, int]:
    """Return what of a dataset could not be compared with any work."""
    limits = dict[Limit, int]()
    if not parts.is_settled or not all(each.dataset.complete for each in parts.names):
        limits[Limit.NOT_COMPLETE] = 0
    if reasons:
        limits[Limit.NOT_READABLE] = sum(reasons.values())
    if n_in_part:
        limits[Limit.IN_PART] = n_in_part
    return limits


def unread_items(connection: Connection, collection: int) -> dict[str, int]:
    """Count the items of a dataset that could not be read, by the code of their error.

    Files without an audio track are left out: they hold nothing to compare.
    """
    here = (ITEM.c.collection_id == collection) & ITEM.c.error_code.is_not(None)
    statement = select(ITEM.c.error_code, func.count()).where(here).group_by(ITEM.c.error_code)
    rows = connection.execute(statement.order_by(ITEM.c.error_code))
    return {str(code): int(n) for code, n in rows if code != NoAudioTrack.code}


def _found(watch: Watch, parts: DatasetParts, compared: _Compared, asked: StoredAnswer) -> WorkFindings:
    stored, limits = compared.comparison, dict(compared.limits)
    if parts.collection is None:
        return WorkFindings(asked=None, stored=asked, limits=limits)
    if stored is None:
        limits[Limit.STORED_FINGERPRINT] = 0
        return WorkFindings(asked=Asked.STORED, stored=asked, limits=limits, reasons=compared.reasons)
    if watch.epoch > stored.first_epoch:
        limits[Limit.WATCHED_LATER] = 0
    else:  # the search by sound knows more than the Chromaprint does
        asked = replace(asked, same_bytes=(), whole_files=())
    return WorkFindings(
        asked=Asked.INDEXING,
        effort=stored.effort,
        findings=tuple(compared.findings.get(watch.item, ())),
        stored=asked,
        limits=limits,
        reasons=compared.reasons,
    )


class _Earlier:
    """The notices about earlier versions of a dataset.

    Parameters
    ----------
    notices
        All notices about the dataset, oldest first.
    version
        The version that is compared with an earlier one.
    """

    def __init__(self, notices: Iterable[Notice], version: str) -> None:
        self._version = version
        self._by_work = dict[int, list[Notice]]()
        for each in notices:
            self._by_work.setdefault(each.item, []).append(each)

    def of(self, item: int) -> Notice | None:
        """Return the newest notice of a work about the version before; None without one.

        It is the version whose notice was the last one when this version was first noticed.
        """
        notices = self._by_work.get(item, [])
        own = [each for each in notices if each.version == self._version]
        others = [each for each in notices if each.version != self._version]
        if own:
            change = own[0].contents["change"]
            wanted = None if change is None else change["before"]["version"]
            others = [each for each in others if each.version == wanted]
        return others[-1] if others else None


def _files_here(connection: Connection, parts: DatasetParts, before: Notice) -> list[tuple[str, str]]:
    """Return path and SHA-256 of the items that have a path or a digest of the places in a notice."""
    if parts.collection is None:
        return []
    places = places_of(before.contents)
    named = ITEM.c.path.in_([each["path"] for each in places])
    same = ITEM.c.sha256.in_([each["sha256"] for each in places if each["sha256"]])
    here = (ITEM.c.collection_id == parts.collection.id) & (named | same)
    rows = connection.execute(select(ITEM.c.path, ITEM.c.sha256).where(here))
    return [(str(row.path), str(row.sha256)) for row in rows]
