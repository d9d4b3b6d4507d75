"""Rows of watched works, and of what is found of them while datasets are indexed.

Each function is part of a transaction that its caller began.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import Connection, Select, delete, insert, select, update

from earwitness.index.database.row_digests import store_digests, verified_row, with_digest
from earwitness.index.database.tables import ANNOUNCED, COMPARISON, ITEM, SIGHTING, WATCH
from earwitness.index.database.writes import epoch_of, now
from earwitness.index.notices.notice_records import Comparison, Watch

AT_ONCE: Final = 500
"""Rows of one statement."""


def watches(connection: Connection, tenant: str, items: Sequence[int] | None = None) -> dict[int, Watch]:
    """Return the watches of a tenant by work, in the order of the works; only of `items` if given."""
    if items is None:
        rows = connection.execute(_of_tenant(tenant)).all()
    else:
        rows = [
            row
            for start in range(0, len(items), AT_ONCE)
            for row in connection.execute(
                _of_tenant(tenant).where(WATCH.c.item_id.in_(items[start : start + AT_ONCE]))
            )
        ]
    checked = (verified_row(WATCH, row) for row in rows)
    return {row.item_id: Watch(item=row.item_id, since=row.since, epoch=row.epoch) for row in checked}


def _of_tenant(tenant: str) -> Select[Any]:
    return select(WATCH).where(WATCH.c.tenant == tenant).order_by(WATCH.c.item_id)


def is_watching(connection: Connection, tenant: str) -> bool:
    """Whether any work of a tenant is watched."""
    return (
        connection.execute(select(WATCH.c.item_id).where(WATCH.c.tenant == tenant).limit(1)).first()
        is not None
    )


def add_watches(connection: Connection, tenant: str, items: Iterable[int]) -> list[int]:
    """Watch works from now on; return those that were not watched before."""
    wanted = list(dict.fromkeys(items))
    known = watches(connection, tenant, wanted)
    new = [item for item in wanted if item not in known]
    epoch, since = epoch_of(connection, tenant), now()
    values = [
        with_digest(WATCH, {"item_id": item, "tenant": tenant, "since": since, "epoch": epoch})
        for item in new
    ]
    if values:
        connection.execute(insert(WATCH), values)
    return new


def remove_watches(connection: Connection, tenant: str, items: Sequence[int]) -> int:
    """End watches, with what was found for them and is in no notice yet; return how many there were."""
    n_removed = 0
    for start in range(0, len(items), AT_ONCE):
        some = items[start : start + AT_ONCE]
        connection.execute(delete(SIGHTING).where(SIGHTING.c.tenant == tenant, SIGHTING.c.item_id.in_(some)))
        n_removed += connection.execute(
            delete(WATCH).where(WATCH.c.tenant == tenant, WATCH.c.item_id.in_(some))
        ).rowcount
    return n_removed


def watched_items(
    connection: Connection, tenant: str, works: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], int]:
    """Return the numbers of those works, each given by its path and SHA-256, that are watched."""
    wanted = set(works)
    paths = sorted({path for path, _ in wanted})
    found: dict[tuple[str, str], int] = {}
    for start in range(0, len(paths), AT_ONCE):
        rows = connection.execute(
            select(ITEM.c.id, ITEM.c.path, ITEM.c.sha256)
            .join(WATCH, WATCH.c.item_id == ITEM.c.id)
            .where(WATCH.c.tenant == tenant, ITEM.c.path.in_(paths[start : start + AT_ONCE]))
        )
        found.update({(row.path, row.sha256): row.id for row in rows if (row.path, row.sha256) in wanted})
    return found


def add_sightings(
    connection: Connection, tenant: str, collection: int, findings: Iterable[tuple[int, str]]
) -> None:
    """Store findings of items of a dataset, each with the number of the watched work that it is about."""
    for item, text in findings:
        values = {"tenant": tenant, "item_id": item, "collection_id": collection, "finding": text}
        key = connection.execute(insert(SIGHTING).values(values)).inserted_primary_key
        assert key is not None
        store_digests(connection, SIGHTING, SIGHTING.c.id == key[0])


def sightings(connection: Connection, tenant: str, collection: int) -> Mapping[int, list[str]]:
    """Return the findings of items of a dataset, as they were stored, by watched work."""
    statement = (
        select(SIGHTING)
        .where(SIGHTING.c.tenant == tenant, SIGHTING.c.collection_id == collection)
        .order_by(SIGHTING.c.id)
    )
    found: dict[int, list[str]] = {}
    for row in connection.execute(statement.execution_options(yield_per=1_000)):
        found.setdefault(verified_row(SIGHTING, row).item_id, []).append(row.finding)
    return found


def comparison(connection: Connection, collection: int) -> Comparison | None:
    """Return how a dataset was compared with the works; None where it was not, or nobody watched then."""
    row = connection.execute(select(COMPARISON).where(COMPARISON.c.collection_id == collection)).one_or_none()
    if row is None:
        return None
    verified_row(COMPARISON, row)
    names = Comparison.__dataclass_fields__
    return Comparison(**{name: getattr(row, name) for name in names})


def store_comparison(connection: Connection, tenant: str, collection: int, values: Comparison) -> None:
    """Store how a dataset was compared, in place of what was stored before."""
    here = COMPARISON.c.collection_id == collection
    row = with_digest(COMPARISON, {"collection_id": collection, "tenant": tenant, **asdict(values)})
    if not connection.execute(update(COMPARISON).where(here).values(row)).rowcount:
        connection.execute(insert(COMPARISON).values(row))


def announced(connection: Connection, tenant: str) -> dict[tuple[str, str], str]:
    """Return the state of each dataset version of which the notices are made."""
    rows = connection.execute(select(ANNOUNCED).where(ANNOUNCED.c.tenant == tenant)).all()
    return {(row.dataset, row.version): verified_row(ANNOUNCED, row).state for row in rows}


def store_announced(connection: Connection, tenant: str, dataset: str, version: str, state: str) -> None:
    """Store that the notices of a dataset version are made, in this state of it."""
    values = {"tenant": tenant, "dataset": dataset, "version": version, "state": state}
    here = (
        (ANNOUNCED.c.tenant == tenant) & (ANNOUNCED.c.dataset == dataset) & (ANNOUNCED.c.version == version)
    )
    row = with_digest(ANNOUNCED, values)
    if not connection.execute(update(ANNOUNCED).where(here).values(row)).rowcount:
        connection.execute(insert(ANNOUNCED).values(row))


def has_items_before(connection: Connection, collection: int, number: int) -> bool:
    """Whether a collection holds an item, readable or not, with a smaller number."""
    earlier = (ITEM.c.collection_id == collection) & (ITEM.c.id < number)
    return connection.execute(select(ITEM.c.id).where(earlier).limit(1)).first() is not None
