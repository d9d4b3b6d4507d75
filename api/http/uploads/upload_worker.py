"""The process that answers single uploads, one after another; its parent is `upload_process`.

It keeps a decoder and the newest libraries of a few tenants open. Its parent may end it at any moment.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Final

from earwitness.api.datasets.items import SourceItem
from earwitness.api.http.uploads.upload_process import Ask, Begin, Rest
from earwitness.api.pipeline.item_processor import ItemProcessor
from earwitness.api.pipeline.search_item import ItemDecoder
from earwitness.api.pipeline.searched_collections import open_library
from earwitness.api.scan.worker_errors import LibraryMoved
from earwitness.api.scan.worker_messages import Broken, Ready, receive, send
from earwitness.fingerprint.errors import EarwitnessError
from earwitness.index.library import Library

MOST_LIBRARIES: Final = 4
"""Tenants whose libraries are open at the same time; each has its shards and a cache in memory."""
OLD_S: Final = 60.0
"""Seconds after which a library is closed where another tenant changed the home, while uploads come in."""


def main() -> None:
    """Answer on the socket whose number is the first argument."""
    connection = Connection(int(sys.argv[1]))
    begin: Begin = receive(connection)
    try:
        serve(connection, begin)
    except EarwitnessError as error:
        send(connection, Broken(error=error))


def serve(connection: Connection, begin: Begin) -> None:
    """Answer until the parent closes the socket."""
    libraries = TenantLibraries()
    with ItemDecoder(settings=begin.settings, scheme=begin.scheme) as decoder:
        send(connection, Ready())
        while True:
            message: Ask | Rest = receive(connection)
            if isinstance(message, Rest):
                libraries.rest(message.home_epoch)
                continue
            try:
                processor = ItemProcessor(message.order, libraries.library(message), decoder)
                answer = processor.process(_upload(message))
            except EarwitnessError as error:
                send(connection, Broken(error=error))
            else:
                send(connection, answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """An open library, the epoch of the home before it was opened, and the moment."""

    library: Library
    home_epoch: int
    opened_at: float


class TenantLibraries:
    """The newest libraries of the tenants that sent something last, each opened when it is needed.

    While one is open, the catalog's log cannot shrink beyond it. So a library is closed soon after anything
    changed in the home, also where another tenant changed it; not at once, so that tenants that work at the
    same time do not close each other's.
    """

    def __init__(self) -> None:
        self._opened = dict[str, _Opened]()

    def library(self, ask: Ask) -> Library:
        """Return the library of the tenant of an upload, at the epoch that its search was made for.

        Raises
        ------
        LibraryMoved
        """
        self._close_old(ask)
        known = self._opened.pop(ask.tenant, None) or self._open(ask)
        self._opened[ask.tenant] = known  # the last one was used last
        if known.library.state_digest(ask.order.collections) != ask.order.state_digest:
            raise LibraryMoved(wanted=ask.epoch, found=known.library.epoch)
        return known.library

    def rest(self, home_epoch: int) -> None:
        """Close every library that was opened at another epoch of the home."""
        for tenant, known in list(self._opened.items()):
            if known.home_epoch != home_epoch:
                self._close(tenant)

    def _open(self, ask: Ask) -> _Opened:
        while len(self._opened) >= MOST_LIBRARIES:
            self._close(next(iter(self._opened)))
        library = open_library(ask.order.settings)
        return _Opened(library=library, home_epoch=ask.home_epoch, opened_at=time.monotonic())

    def _close_old(self, ask: Ask) -> None:
        late = time.monotonic() - OLD_S
        for tenant, known in list(self._opened.items()):
            is_old = known.home_epoch != ask.home_epoch and known.opened_at < late
            if is_old or (tenant == ask.tenant and known.library.epoch != ask.epoch):
                self._close(tenant)

    def _close(self, tenant: str) -> None:
        self._opened.pop(tenant).library.close()


def _upload(ask: Ask) -> SourceItem:
    """Return an upload as an item; the client's name for it is only a label."""
    return SourceItem(
        item_id=ask.name,
        path=ask.name,
        size=ask.n_bytes,
        open=lambda: ask.file.open("rb"),
        file=ask.file,
    )
