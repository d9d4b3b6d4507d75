"""A thread of the server that makes notices which a killed command left to be made, and sends what is due."""

from __future__ import annotations

import threading
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
SET_ASIDE: Final = "the address that notices are sent to is set aside: see GET /v1/webhook"

_log = structlog.get_logger("earwitness.notices")


class NoticeSender:
    """Makes and sends notices until it is stopped."""

    def __init__(self, settings: Settings, writer: Writer) -> None:
        self._settings, self._writer = settings, writer
        self._deliveries = Deliveries(writer.catalog, tenant=settings.tenant)
        self._woken, self._halted = threading.Event(), threading.Event()
        self._is_set_aside = False
        self._thread = threading.Thread(target=self._run, name="notices", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def remarks(self) -> list[str]:
        """What whoever runs the server should know."""
        return [SET_ASIDE] if self._is_set_aside else []

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
            try:
                wait_s = self._work()
            except Exception as error:  # a full disk or an unreachable database: it passes
                log_trouble("notices cannot be made or sent; it is tried again", error)
                wait_s = LOOK_S
            self._woken.wait(max(wait_s, SOONEST_S))

    def _work(self) -> float:
        """Make and send what there is; return the seconds until something is due."""
        settle(self._writer, self._settings)
        done = deliver_due(self._deliveries, self._settings, stopped=self._halted.is_set)
        if done.n_sent:
            _log.info("notices sent", n=done.n_sent)
        if done.failure is not None:
            event = "the webhook is set aside" if done.set_aside else "a notice could not be sent"
            _log.warning(event, why=done.failure)
        hook = self._deliveries.webhook()
        self._is_set_aside = hook is not None and hook.set_aside_at is not None
        return LOOK_S if self._is_set_aside else seconds_to_next(self._deliveries, most_s=LOOK_S)
