"""The process that answers single uploads, one after another; its parent is `upload_process`.

It keeps a decoder and the newest library open, and holds no work that its parent cannot end by ending it.
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
    """Serve the socket whose number is the first argument."""
    connection = Connection(int(sys.argv[1]))
    begin: Begin = receive(connection)
    try:
        serve(connection, begin)
    except EarwitnessError as error:
        send(connection, Broken(error=error))


def serve(connection: Connection, begin: Begin) -> None:
    """Answer until the parent hangs up."""
    newest = _Newest(begin.settings)
    with ItemDecoder(settings=begin.settings, scheme=begin.scheme) as listener:
        send(connection, Ready())
        while True:
            said: Ask | Rest = receive(connection)
            if isinstance(said, Rest):
                newest.let_go(said.epoch)
                continue
            try:
                answer = ItemProcessor(said.order, newest.library(said), listener).process(_upload(said))
            except EarwitnessError as error:
                send(connection, Broken(error=error))
            else:
                send(connection, answer)


class _Newest:
    """The newest library, opened when it is asked for: while it is open, the catalog's log cannot shrink."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._library: Library | None = None

    def library(self, said: Ask) -> Library:
        self.let_go(said.epoch)
        if self._library is None:
            self._library = open_library(self._settings)
        if self._library.state_digest(said.order.collections) != said.order.state_digest:
            raise LibraryMoved(wanted=said.epoch, found=self._library.epoch)
        return self._library

    def let_go(self, epoch: int) -> None:
        if self._library is not None and self._library.epoch != epoch:
            self._library.close()
            self._library = None


def _upload(said: Ask) -> SourceItem:
    """Say an upload as one item; the client's name for it is only a label."""
    return SourceItem(
        item_id=said.name,
        path=said.name,
        size=said.n_bytes,
        open=lambda: said.file.open("rb"),
        file=said.file,
    )


if __name__ == "__main__":
    main()
