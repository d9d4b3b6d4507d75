"""A worker process: takes tasks from a socket, answers them in their order, ends when the socket does.

It hears one item, most of which is waiting for the decoder's own process, while it looks up the one before.
"""

from __future__ import annotations

import io
import os
import queue
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle
from typing import BinaryIO, Final

from earwitness.api.datasets.access.byte_streams import lazily
from earwitness.api.datasets.access.locations import open_regular
from earwitness.api.datasets.isolated.sealed_memory import is_sealed
from earwitness.api.datasets.items import SourceItem
from earwitness.api.pipeline.item_processor import ItemProcessor
from earwitness.api.pipeline.run_spec import RunSpec
from earwitness.api.pipeline.search_item import DecodedItem, ItemDecoder
from earwitness.api.scan.known_findings import KnownFindings
from earwitness.api.scan.worker_errors import LibraryMoved
from earwitness.api.scan.worker_messages import Broken, Ready, Task, receive, send
from earwitness.fingerprint.errors import EarwitnessError
from earwitness.index.library import Library

LONG_S: Final = 600.0
"""Items from this length on, in seconds, are heard alone: a minute takes 2.6 MB, and as much again."""


def main() -> None:
    """Serve the socket whose number is the first argument."""
    connection = Connection(int(sys.argv[1]))
    order: RunSpec = receive(connection)
    try:
        serve(connection, order)
    except EarwitnessError as error:
        send(connection, Broken(error=error))


def serve(connection: Connection, order: RunSpec) -> None:
    """Answer tasks until the parent hangs up."""
    settings = order.settings
    library = open_library(order)
    scheme = None if library is None else library.scheme
    with ItemDecoder(settings=settings, scheme=scheme, may_be_whole=may_be_whole(order, library)) as listener:
        recall = KnownFindings(order).recall if order.remembers else None
        answerer = ItemProcessor(order, library, listener, recall)
        send(connection, Ready())
        items, ahead = _Items(), _Ahead()
        threading.Thread(
            target=_receive, args=(connection, items, settings.max_item_bytes), daemon=True
        ).start()
        threading.Thread(target=_hear, args=(answerer, items, ahead), daemon=True).start()
        while True:
            item, heard = ahead.get()
            if isinstance(heard, Exception):
                raise heard
            send(connection, answerer.answered(item, heard))
            ahead.task_done()


_Items = queue.SimpleQueue[SourceItem]
_Ahead = queue.Queue[tuple[SourceItem, DecodedItem | Exception]]


def _hear(answerer: ItemProcessor, items: _Items, ahead: _Ahead) -> None:
    """Hear items in their order; after a long one, wait until it is answered and its memory is free."""
    while True:
        item = items.get()
        try:
            heard = answerer.hear(item)
        except Exception as error:
            ahead.put((item, error))
            return
        ahead.put((item, heard))
        if (heard.item.duration_s or 0.0) >= LONG_S:
            ahead.join()


def open_library(order: RunSpec) -> Library | None:
    """Open the library that the order speaks of; None where nothing is to be looked up.

    Raises
    ------
    LibraryMoved
        When the collections asked have changed since the order was given.
    """
    if not order.asked and order.into is None:
        return None
    settings = order.settings
    library = Library.open(settings.home, tenant=settings.tenant, url=settings.database)
    if library.state_digest(order.asked) != order.state_digest:
        raise LibraryMoved(wanted=order.search.epoch if order.search else 0, found=library.epoch)
    return library


def may_be_whole(order: RunSpec, library: Library | None) -> Callable[[float], bool]:
    """Tells of a sound's length whether it needs a Chromaprint: to be stored, or as a work is as long."""
    if library is None or order.into is not None:
        return lambda _: True
    return library.length_filter(order.asked)


def _receive(connection: Connection, items: _Items, max_bytes: int) -> None:
    try:
        while True:
            task: Task = connection.recv()
            spool = None if task.audio is not None else os.fdopen(recv_handle(connection), "rb")
            items.put(_recording(task, spool, max_bytes=max_bytes))
    except (EOFError, OSError):
        os._exit(0)  # the parent is gone: nobody waits for the item in work, and its decoder dies with us


def _recording(task: Task, spool: BinaryIO | None, *, max_bytes: int) -> SourceItem:
    """Make the item again as its reader gave it."""
    opened = (lambda: spool) if spool is not None else (lambda: _open(task))
    as_received = spool is not None and is_sealed(spool) and os.fstat(spool.fileno()).st_size <= max_bytes
    return SourceItem(
        item_id=task.item_id,
        path=task.path,
        open=opened if as_received else lazily(opened, name=task.item_id, max_bytes=max_bytes),
        file=task.audio if not isinstance(task.audio, bytes) else None,
        start_s=task.start_s,
        end_s=task.end_s,
        partial=task.partial,
        metadata=task.metadata,
    )


def _open(task: Task) -> BinaryIO:
    if isinstance(task.audio, bytes):
        return io.BytesIO(task.audio)
    assert task.audio is not None  # else the open file came with the task
    return open_regular(task.audio)


if __name__ == "__main__":
    main()
