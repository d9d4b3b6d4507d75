"""Rows of notices: made once for each thing that there is to say, listed, and read."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, insert, select

from earwitness.index.database.catalog import Catalog
from earwitness.index.database.records import storable_json
from earwitness.index.database.row_digests import store_digests, verified_row
from earwitness.index.database.tables import NOTICE, WEBHOOK
from earwitness.index.database.writes import now
from earwitness.index.notices.notice_records import Delivery, NewNotice, Notice


def add_notices(connection: Connection, tenant: str, notices: Iterable[NewNotice]) -> list[int]:
    """Store notices, each once however often it is added; return the numbers of the new ones.

    Part of the caller's transaction. What is sent is decided now: later addresses do not get older notices.
    """
    hook = connection.execute(select(WEBHOOK).where(WEBHOOK.c.tenant == tenant)).one_or_none()
    wants_every = hook is not None and verified_row(WEBHOOK, hook).every
    known, rows = dict[tuple[str, str], set[tuple[int, str]]](), list[dict[str, Any]]()
    for new in notices:
        key = new.dataset, new.version
        if key not in known:
            known[key] = _stored(connection, tenant, *key)
        if (new.item, new.state) not in known[key]:
            known[key].add((new.item, new.state))
            is_sent = hook is not None and new.is_sent and (new.is_news or wants_every)
            rows.append(_values(tenant, new, is_sent=is_sent))
    if not rows:
        return []
    last = connection.execute(select(func.max(NOTICE.c.id))).scalar() or 0
    connection.execute(insert(NOTICE), rows)
    added = _of_tenant(tenant) & (NOTICE.c.id > last)
    store_digests(connection, NOTICE, added)
    return list(connection.execute(select(NOTICE.c.id).where(added).order_by(NOTICE.c.id)).scalars())


def _stored(connection: Connection, tenant: str, dataset: str, version: str) -> set[tuple[int, str]]:
    """Return work and state of the stored notices of a dataset version."""
    here = _of_tenant(tenant) & (NOTICE.c.dataset == dataset) & (NOTICE.c.version == version)
    return {
        (row.item_id, row.state)
        for row in connection.execute(select(NOTICE.c.item_id, NOTICE.c.state).where(here))
    }


def _values(tenant: str, new: NewNotice, *, is_sent: bool) -> dict[str, Any]:
    return {
        "tenant": tenant,
        "item_id": new.item,
        "message_id": f"msg_{uuid.uuid4().hex}",
        "dataset": new.dataset,
        "version": new.version,
        "state": new.state,
        "outcome": new.outcome,
        "is_news": new.is_news,
        "created_at": now(),
        "contents": json.dumps(storable_json(new.contents), ensure_ascii=False, separators=(",", ":")),
        "delivery": (Delivery.PENDING if is_sent else Delivery.NONE).value,
        "attempts": 0,
        "next_at": 0.0 if is_sent else None,
        "sent_at": None,
        "failure": None,
    }


def notices_of_dataset(connection: Connection, tenant: str, dataset: str) -> Iterator[Notice]:
    """Yield all notices about the versions of a dataset, oldest first."""
    here = _of_tenant(tenant) & (NOTICE.c.dataset == dataset)
    return map(notice_of, connection.execute(select(NOTICE).where(here).order_by(NOTICE.c.id)).all())


def notice_of(row: Row[Any]) -> Notice:
    """Return a row as a notice; raises CatalogDamaged where it is not as it was stored."""
    verified_row(NOTICE, row)
    return Notice(
        id=row.id,
        item=row.item_id,
        message_id=row.message_id,
        dataset=row.dataset,
        version=row.version,
        outcome=row.outcome,
        is_news=row.is_news,
        created_at=row.created_at,
        contents=json.loads(row.contents),
        delivery=Delivery(row.delivery),
        attempts=row.attempts,
        failure=row.failure,
    )


def _of_tenant(tenant: str) -> ColumnElement[bool]:
    return NOTICE.c.tenant == tenant


class Notices:
    """The notices of one tenant, to read. May be used from any thread.

    Parameters
    ----------
    catalog : Catalog
        A catalog at the newest schema.
    """

    def __init__(self, catalog: Catalog, *, tenant: str) -> None:
        self._catalog, self._tenant = catalog, tenant

    def page(
        self,
        *,
        limit: int,
        before: int | None = None,
        item: int | None = None,
        dataset: str | None = None,
        only_news: bool = False,
    ) -> list[Notice]:
        """Return notices, newest first.

        Parameters
        ----------
        before
            The number of the last notice of the page before.
        item, dataset
            Only those of a work, or of a dataset (``NAME`` or ``NAME:VERSION``).
        only_news
            Only those that something was found, or has gone.
        """
        wanted = _of_tenant(self._tenant)
        if before is not None:
            wanted &= NOTICE.c.id < before
        if item is not None:
            wanted &= NOTICE.c.item_id == item
        if dataset is not None:
            wanted &= (NOTICE.c.dataset == dataset) | (NOTICE.c.dataset + ":" + NOTICE.c.version == dataset)
        if only_news:
            wanted &= NOTICE.c.is_news.is_(True)
        with self._catalog.reading() as connection:
            rows = connection.execute(
                select(NOTICE).where(wanted).order_by(NOTICE.c.id.desc()).limit(limit)
            ).all()
        return [notice_of(row) for row in rows]

    def last_number(self) -> int:
        """Return the number of the newest notice; 0 without any."""
        newest = self.page(limit=1)
        return newest[0].id if newest else 0

    def since(self, number: int) -> list[Notice]:
        """Return the notices with greater numbers, oldest first."""
        later = _of_tenant(self._tenant) & (NOTICE.c.id > number)
        with self._catalog.reading() as connection:
            rows = connection.execute(select(NOTICE).where(later).order_by(NOTICE.c.id)).all()
        return [notice_of(row) for row in rows]

    def get(self, number: int) -> Notice | None:
        """Return a notice; None where this tenant has none of this number."""
        with self._catalog.reading() as connection:
            row = connection.execute(
                select(NOTICE).where(_of_tenant(self._tenant), NOTICE.c.id == number)
            ).one_or_none()
        return None if row is None else notice_of(row)
