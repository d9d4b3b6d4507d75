"""A thread of the server that makes notices which a killed command left to be made, and sends what is due."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

import structlog

from earwitness.api.http.jobs.lane import log_trouble
from earwitness.api.settings import Settings
from earwitness.api.watch.announce import settle
from earwitness.api.watch.deliver import deliver_due, seconds_to_next
from earwitness.index.notices.delivery_rows import Deliveries
from earwitness.index.writer import Writer

LOOK_S: Final = 15.0
"""Seconds after which it looks again whether there is anything to make or to send."""
SOONEST_S: Final = 1.0
TURN_S: Final = 10.0
"""Seconds after which the next tenant's notices are sent, where there are several tenants."""
SET_ASIDE: Final = "the address that notices are sent to is set aside: see GET /v1/webhook"

_log = structlog.get_logger("earwitness.notices")


class NoticeSender:
    """Makes and sends the notices of every tenant in turn, until it is stopped.

    Parameters
    ----------
    settings : Settings
        Those of the server, with its own tenant.
    writers : mapping of str to Writer
        The writer of each tenant.
    """

    def __init__(self, settings: Settings, writers: Mapping[str, Writer]) -> None:
        self._settings, self._writers = settings, dict(writers)
        self._woken, self._halted = threading.Event(), threading.Event()
        self._set_aside = set[str]()
        self._thread = threading.Thread(target=self._run, name="notices", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def remarks(self) -> list[str]:
        """What whoever runs the server should know of its own tenant."""
        return [SET_ASIDE] if self._settings.tenant in self._set_aside else []

    def wake(self) -> None:
        """Look at once: there may be something to make or to send."""
        self._woken.set()

    def stop(self, *, patience_s: float) -> bool:
        """Stop the thread; returns whether it has ended."""
        self._halted.set()
        self._woken.set()
        self._thread.join(patience_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._halted.is_set():
            self._woken.clear()
            waits_s = [self._work_for(tenant) for tenant in self._writers if not self._halted.is_set()]
            self._woken.wait(max(min(waits_s, default=0.0), SOONEST_S))

    def _work_for(self, tenant: str) -> float:
        try:
            return self._work(tenant)
        except Exception as error:  # a full disk or an unreachable database: it passes
            log_trouble("notices cannot be made or sent; it is tried again", error, tenant=tenant)
            return LOOK_S

    def _work(self, tenant: str) -> float:
        """Make and send what a tenant has in one turn; return the seconds until something is due."""
        settings, writer = self._settings.of_tenant(tenant), self._writers[tenant]
        settle(writer, settings)
        deliveries = Deliveries(writer.catalog, tenant=tenant)
        done = deliver_due(deliveries, settings, stopped=self._turn_ends())
        if done.n_sent:
            _log.info("notices sent", tenant=tenant, n=done.n_sent)
        if done.failure is not None:
            event = "the webhook is set aside" if done.set_aside else "a notice could not be sent"
            _log.warning(event, tenant=tenant, why=done.failure)
        hook = deliveries.webhook()
        if hook is not None and hook.set_aside_at is not None:
            self._set_aside.add(tenant)
            return LOOK_S
        self._set_aside.discard(tenant)
        return seconds_to_next(deliveries, most_s=LOOK_S)

    def _turn_ends(self) -> Callable[[], bool]:
        """Return whether to go on with the next tenant: a slow address keeps the others waiting that long."""
        if len(self._writers) == 1:
            return self._halted.is_set
        until = time.monotonic() + TURN_S
        return lambda: self._halted.is_set() or time.monotonic() > until
