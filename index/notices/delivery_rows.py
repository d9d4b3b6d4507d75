"""The address that notices are sent to, and the notices that wait to be sent.

A notice is claimed for some time, sent, and then marked. A process that is killed in between leaves it
claimed; when that time is over it is sent again under the same message id.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, Table, delete, func, insert, select, update

from earwitness.index.database.catalog import Catalog
from earwitness.index.database.row_digests import AT_ONCE, store_digests, verified_row, with_digest
from earwitness.index.database.tables import NOTICE, WEBHOOK
from earwitness.index.database.writes import now
from earwitness.index.notices.notice_records import Delivery, Notice, Webhook
from earwitness.index.notices.notice_rows import notice_of

CLAIM_S: Final = 120.0
"""Seconds after which a claimed notice that was not marked is sent again."""


class Deliveries:
    """The deliveries of one tenant. Every change is one transaction; may be used from any thread."""

    def __init__(self, catalog: Catalog, *, tenant: str) -> None:
        self._catalog, self._tenant = catalog, tenant
        self._hook = WEBHOOK.c.tenant == tenant
        self._pending = (NOTICE.c.tenant == tenant) & (NOTICE.c.delivery == Delivery.PENDING.value)

    def webhook(self) -> Webhook | None:
        """Return the address; None where none is set."""
        with self._catalog.reading() as connection:
            row = connection.execute(select(WEBHOOK).where(self._hook)).one_or_none()
        if row is None:
            return None
        verified_row(WEBHOOK, row)
        return Webhook(**{name: getattr(row, name) for name in Webhook.__dataclass_fields__})

    def set_webhook(self, url: str, *, secret: str, every: bool) -> Webhook:
        """Set the address in place of an earlier one; what waits is due at once."""
        values: dict[str, object] = {"tenant": self._tenant, "url": url, "secret": secret, "every": every}
        values |= {"created_at": now(), "failing_since": None, "set_aside_at": None, "failure": None}
        with self._catalog.writing() as connection:
            connection.execute(delete(WEBHOOK).where(self._hook))
            connection.execute(insert(WEBHOOK).values(with_digest(WEBHOOK, values)))
            _change(connection, NOTICE, self._pending, next_at=0.0)
        hook = self.webhook()
        assert hook is not None
        return hook

    def remove_webhook(self) -> bool:
        """Remove the address; what waits is not sent any more. Return whether there was one."""
        with self._catalog.writing() as connection:
            _change(connection, NOTICE, self._pending, delivery=Delivery.NONE.value, next_at=None)
            return bool(connection.execute(delete(WEBHOOK).where(self._hook)).rowcount)

    def claim(self) -> Notice | None:
        """Take the oldest notice of those that are due and were tried least.

        None where none is due, or the address is set aside.
        """
        with self._catalog.reading() as connection:
            if connection.execute(self._due()).first() is None:
                return None
        with self._catalog.writing() as connection:
            hook = connection.execute(select(WEBHOOK).where(self._hook)).one_or_none()
            if hook is None or hook.set_aside_at is not None:
                return None
            row = connection.execute(self._due()).one_or_none()
            if row is None:
                return None
            verified_row(NOTICE, row)
            claimed_until = time.time() + CLAIM_S
            _change(
                connection, NOTICE, NOTICE.c.id == row.id, attempts=row.attempts + 1, next_at=claimed_until
            )
            return notice_of(connection.execute(select(NOTICE).where(NOTICE.c.id == row.id)).one())

    def _due(self) -> Select[Any]:
        due = self._pending & (NOTICE.c.next_at <= time.time())
        # one that the address never takes does not keep the others back
        return select(NOTICE).where(due).order_by(NOTICE.c.attempts, NOTICE.c.id).limit(1)

    def sent(self, notice: Notice) -> None:
        """Mark a claimed notice as sent; the address works."""
        values = {"delivery": Delivery.SENT.value, "next_at": None, "sent_at": time.time(), "failure": None}
        with self._catalog.writing() as connection:
            _change(connection, NOTICE, NOTICE.c.id == notice.id, **values)
            _change(connection, WEBHOOK, self._hook, failing_since=None, set_aside_at=None, failure=None)

    def failed(
        self, notice: Notice, reason: str, *, delays_s: Sequence[float], set_aside_after_s: float
    ) -> bool:
        """Put a claimed notice off, and the others too, which would meet the same failure.

        Parameters
        ----------
        delays_s
            Seconds after each attempt, of a notice and of the address; the last holds for all further ones.
        set_aside_after_s
            Seconds for which the address may fail before it is set aside.

        Returns
        -------
        set_aside : bool
            Whether the address is set aside now.
        """
        moment, this = time.time(), NOTICE.c.id == notice.id
        with self._catalog.writing() as connection:
            hook = connection.execute(select(WEBHOOK).where(self._hook)).one_or_none()
            since = moment if hook is None or hook.failing_since is None else hook.failing_since
            others_at = moment + _delay_of_address(moment - since, delays_s)
            own_at = moment + delays_s[min(notice.attempts, len(delays_s)) - 1]
            own = {"next_at": max(own_at, others_at), "failure": reason}
            _change(connection, NOTICE, self._pending & this, **own)
            _change(connection, NOTICE, self._pending & (NOTICE.c.next_at < others_at), next_at=others_at)
            is_over = moment - since >= set_aside_after_s
            values = {"failing_since": since, "set_aside_at": moment if is_over else None, "failure": reason}
            _change(connection, WEBHOOK, self._hook, **values)
            return is_over and hook is not None

    def count_pending(self) -> int:
        """Count the notices that wait to be sent."""
        with self._catalog.reading() as connection:
            return int(connection.execute(select(func.count()).where(self._pending)).scalar_one())

    def next_due(self) -> float | None:
        """Return when the next notice is due, in seconds since 1970; None where none waits."""
        with self._catalog.reading() as connection:
            due = connection.execute(select(func.min(NOTICE.c.next_at)).where(self._pending)).scalar()
        return None if due is None else float(due)


def _change(connection: Connection, table: Table, where: ColumnElement[bool], **values: object) -> None:
    """Update columns of rows, and their digests."""
    keys = list(table.primary_key)
    rows = connection.execute(select(*keys).where(where)).all()
    for start in range(0, len(rows), AT_ONCE):
        some = keys[0].in_([row[0] for row in rows[start : start + AT_ONCE]])
        connection.execute(update(table).where(some).values(values))
        store_digests(connection, table, some)


def _delay_of_address(failing_s: float, delays_s: Sequence[float]) -> float:
    """Return the seconds until an address is tried again that has failed for so long."""
    tried_s = 0.0
    for delay_s in delays_s:
        tried_s += delay_s
        if tried_s > failing_s:
            return tried_s - failing_s
    return delays_s[-1]
