"""The process that answers single uploads, one after another; its parent is `upload_process`.

It keeps a decoder and the newest library open. Its parent may end it at any moment.
"""

from __future__ import annotations

import sys
from multiprocessing.connection import Connection

from earwitness.api.datasets.items import SourceItem
from earwitness.api.http.uploads.upload_process import Ask, Begin, Rest
from earwitness.api.pipeline.item_processor import ItemProcessor
from earwitness.api.pipeline.search_item import ItemDecoder
from earwitness.api.pipeline.searched_collections import open_library
from earwitness.api.scan.worker_errors import LibraryMoved
from earwitness.api.scan.worker_messages import Broken, Ready, receive, send
from earwitness.api.settings import Settings
from earwitness.fingerprint.errors import EarwitnessError
from earwitness.index.library import Library


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
    newest = _Newest(begin.settings)
    with ItemDecoder(settings=begin.settings, scheme=begin.scheme) as decoder:
        send(connection, Ready())
        while True:
            message: Ask | Rest = receive(connection)
            if isinstance(message, Rest):
                newest.close_older(message.epoch)
                continue
            try:
                processor = ItemProcessor(message.order, newest.library(message), decoder)
                answer = processor.process(_upload(message))
            except EarwitnessError as error:
                send(connection, Broken(error=error))
            else:
                send(connection, answer)


class _Newest:
    """The newest library, opened when it is needed: while it is open, the catalog's log cannot shrink."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._library: Library | None = None

    def library(self, ask: Ask) -> Library:
        self.close_older(ask.epoch)
        if self._library is None:
            self._library = open_library(self._settings)
        if self._library.state_digest(ask.order.collections) != ask.order.state_digest:
            raise LibraryMoved(wanted=ask.epoch, found=self._library.epoch)
        return self._library

    def close_older(self, epoch: int) -> None:
        if self._library is not None and self._library.epoch != epoch:
            self._library.close()
            self._library = None


def _upload(ask: Ask) -> SourceItem:
    """Return an upload as an item; the client's name for it is only a label."""
    return SourceItem(
        item_id=ask.name,
        path=ask.name,
        size=ask.n_bytes,
        open=lambda: ask.file.open("rb"),
        file=ask.file,
    )
