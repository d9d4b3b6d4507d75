"""Begin and end to watch registered works, and list those that are watched."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from earwitness.api.findings import Finding, FindingMatch
from earwitness.api.pipeline.pipeline_errors import NoSuchWork
from earwitness.api.pipeline.searched_collections import works_of
from earwitness.api.settings import Settings
from earwitness.api.watch.announce import dataset_limits, mark_announced, new_notice, settle, unread_items
from earwitness.api.watch.ask_stored import StoredAnswer
from earwitness.api.watch.dataset_parts import DatasetParts, dataset_parts
from earwitness.api.watch.note_matches import about
from earwitness.api.watch.notice_contents import Asked, Limit, WorkFindings, notice_contents
from earwitness.index.database import reads
from earwitness.index.database.records import ItemRow
from earwitness.index.database.tables import ITEM
from earwitness.index.match import Verdict
from earwitness.index.notices.notice_records import NewNotice, Watch
from earwitness.index.notices.notice_rows import add_notices
from earwitness.index.notices.watch_rows import add_watches, is_watching, remove_watches, watches
from earwitness.index.writer import Writer


def begin_watch(writer: Writer, settings: Settings, works: Sequence[int]) -> list[int]:
    """Watch works from now on; return the numbers of those that were not watched before.

    What is indexed already is not noticed any more: `earwitness check` asks it.
    """
    settle(writer, settings)  # for those who watched before
    parts = dataset_parts(writer.collections, settings)
    with writer.changing() as connection:
        if not is_watching(connection, writer.tenant):
            mark_announced(connection, writer.tenant, parts)
        return add_watches(connection, writer.tenant, works)


def end_watch(writer: Writer, works: Sequence[int]) -> int:
    """Do not watch works any more; their notices stay. Return how many were watched."""
    with writer.changing() as connection:
        return remove_watches(connection, writer.tenant, works)


def watched_works(writer: Writer) -> list[tuple[ItemRow, Watch]]:
    """Return the works that are watched, in the order in which they were registered."""
    with writer.catalog.reading() as connection:
        watched = watches(connection, writer.tenant)
        registry = [each.id for each in works_of(reads.collections(connection, writer.tenant))]
        rows = reads.items(connection, writer.tenant, ITEM.c.collection_id.in_(registry))
    return [(row, watched[row.id]) for row in rows if row.id in watched]


def watches_of(writer: Writer, works: Sequence[int]) -> dict[int, Watch]:
    """Return the watches of those of these works that are watched."""
    with writer.catalog.reading() as connection:
        return watches(connection, writer.tenant, list(works))


def works_named(writer: Writer, names: Sequence[str]) -> list[ItemRow]:
    """Return the registered works of these paths, SHA-256 or numbers; without names, all of them.

    Raises
    ------
    NoSuchWork
        For a name that no work has.
    """
    with writer.catalog.reading() as connection:
        registry = [each.id for each in works_of(reads.collections(connection, writer.tenant))]
        rows = reads.items(connection, writer.tenant, ITEM.c.collection_id.in_(registry))
    if not names:
        return rows
    found = dict[int, ItemRow]()
    for name in names:
        called = [row for row in rows if name in {row.path, row.sha256}]
        called = called or [row for row in rows if name == str(row.id)]
        if not called:
            raise NoSuchWork(work=name)
        found.update((row.id, row) for row in called)
    return list(found.values())


def note_registration(writer: Writer, settings: Settings, work: ItemRow, finding: Finding) -> None:
    """Store what the check of a work found when it was registered: later versions are compared with it.

    These notices are not sent: whoever registers a work gets the answer at once.
    """
    searched = {(each.name, each.version) for each in finding.search.collections}
    stored = dataset_parts(writer.collections, settings)
    here = [each for each in stored if (each.name, each.version) in searched and each.collection is not None]
    with writer.changing() as connection:
        new = [_at_registration(work, each, finding, _unread(connection, each)) for each in here]
        add_notices(connection, writer.tenant, new)


def _unread(connection: Connection, parts: DatasetParts) -> dict[str, int]:
    assert parts.collection is not None
    return unread_items(connection, parts.collection.id)


def _at_registration(
    work: ItemRow, parts: DatasetParts, finding: Finding, reasons: dict[str, int]
) -> NewNotice:
    matches = [each for each in finding.matches if _is_of(each, parts)]
    names = tuple(
        each
        for each in finding.names
        if (each.dataset, each.version) == (parts.name, parts.version) and not each.is_noise
    )
    files = tuple(
        each for each in finding.same_file if (each.dataset, each.version) == (parts.name, parts.version)
    )
    limits = dataset_limits(parts, reasons, n_in_part=0)
    if finding.compared_in_part or finding.verdict in {Verdict.NOT_READABLE, Verdict.TOO_SHORT_OR_SILENT}:
        limits[Limit.IN_PART] = 1
    found = WorkFindings(
        asked=Asked.REGISTRATION,
        effort=finding.search.effort.value,
        findings=(about(finding, matches),) if matches else (),
        stored=StoredAnswer(same_file=files, names=names),
        limits=limits,
        reasons=reasons,
    )
    return new_notice(work.id, notice_contents(work, parts, found), is_sent=False)


def _is_of(match: FindingMatch, parts: DatasetParts) -> bool:
    return (match.collection, match.version) == (parts.name, parts.version)
