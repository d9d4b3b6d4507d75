"""The server process: uvicorn with limits on connections, headers and slow clients."""

from __future__ import annotations

import asyncio
import ipaddress
import threading
from types import FrameType
from typing import Final

import h11
import structlog
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from earwitness.api.http.application import create_app
from earwitness.api.http.http_errors import OpenDoor
from earwitness.api.http.logs.log_output import log_to_stderr
from earwitness.api.http.protection.api_keys import KeyRing
from earwitness.api.http.protection.isolation_check import demand_sandbox
from earwitness.api.http.service import open_service
from earwitness.api.http.sockets import addresses, listen
from earwitness.api.settings import Settings

HEADER_S: Final = 10.0
"""Seconds that a client has to finish its request line and headers."""
MAX_CONNECTIONS: Final = 512
"""Far more than uploads use (see `connection_slots`), so that other requests always get one."""
MAX_HEADER_BYTES: Final = 32 * 1_024
GRACE_S: Final = 20

_log = structlog.get_logger("earwitness.serve")


class HeaderTimeoutProtocol(H11Protocol):
    """uvicorn's protocol with a time limit on the header, for which it would wait for ever."""

    _header_timer: asyncio.TimerHandle | None = None
    _opened_at: float = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the header's timer."""
        super().connection_made(transport)
        self._opened_at = self.loop.time()
        self._watch_header()
        self._make_room()

    def data_received(self, data: bytes) -> None:
        """Keep the timer running while h11 waits for the rest of the header."""
        super().data_received(data)
        self._watch_header()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer."""
        self._stop_watching()
        super().connection_lost(exc)

    @property
    def is_idle(self) -> bool:
        """Whether no request is being answered on this connection."""
        return self.cycle is None or self.cycle.response_complete

    def _make_room(self) -> None:
        """Above the limit, close the connection that has waited longest without a request, else this one."""
        if len(self.connections) > MAX_CONNECTIONS:
            others = [each for each in self.connections if isinstance(each, HeaderTimeoutProtocol)]
            idle = [each for each in others if each.is_idle]
            min(idle, key=lambda each: each._opened_at, default=self).transport.close()

    def _watch_header(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._stop_watching()
        elif self._header_timer is None:
            self._header_timer = self.loop.call_later(HEADER_S, self.transport.close)

    def _stop_watching(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None


def serve(settings: Settings, *, host: str = "127.0.0.1", port: int = 8765) -> None:
    """Serve until interrupted.

    Raises
    ------
    OpenDoor
        When `host` lets other machines in and no API key is set.
    BadKeyRecord, CannotListen, SandboxMissing, SandboxIncomplete
        When a part that the settings require is missing.
    HomeBusy
        When another process writes to this home.
    HomeServed
        When another server runs on it.
    """
    settings = settings.model_copy(update={"host": host, "port": port})
    KeyRing(settings.api_keys, tenant=settings.tenant)
    if not settings.api_keys and not is_loopback(host):
        raise OpenDoor(host=host)
    sockets = listen(host, port)
    try:
        missing = demand_sandbox(settings)
        log_to_stderr(settings)
        # opened here, so that an error of the home is reported as by any command
        service = open_service(settings, sandbox_missing=missing)
    except BaseException:
        for each in sockets:
            each.close()
        raise
    for remark in missing:
        _log.warning(f"SANDBOX: {remark}")
    for address in addresses(sockets):
        _log.info("listening", on=address)
    config = uvicorn.Config(
        create_app(settings, opened=lambda _: service),
        host=host,
        port=port,
        http=HeaderTimeoutProtocol,
        ws="none",
        lifespan="on",
        log_config=None,  # see `log_to_stderr`
        access_log=False,
        server_header=False,
        h11_max_incomplete_event_size=MAX_HEADER_BYTES,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=GRACE_S,
    )
    StoppingServer(config, service.stopping).run(sockets)


class StoppingServer(uvicorn.Server):
    """uvicorn's server; at a signal it first ends the requests that wait for a job."""

    def __init__(self, config: uvicorn.Config, stopping: threading.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop."""
        self._stopping.set()
        super().handle_exit(sig, frame)


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach a server that listens on `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
