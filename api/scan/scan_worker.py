"""Scan worker: a process that takes tasks from a socket, and returns their results in the same order.

One thread decodes an item, and mostly waits for the decode worker; the main thread searches for the item
before it. The process ends when the socket is closed.
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
"""An item of at least this length, in seconds, is decoded with no other item in memory.

A minute of audio takes 2.6 MB, and as much again for its log spectrogram.
"""


def main() -> None:
    """Serve the socket whose file descriptor is the first argument."""
    connection = Connection(int(sys.argv[1]))
    spec: RunSpec = receive(connection)
    try:
        serve(connection, spec)
    except EarwitnessError as error:
        send(connection, Broken(error=error))


def serve(connection: Connection, spec: RunSpec) -> None:
    """Process tasks until the parent closes the socket."""
    settings = spec.settings
    library = open_library(spec)
    scheme = None if library is None else library.scheme
    with ItemDecoder(
        settings=settings, scheme=scheme, wants_chromaprint=chromaprint_filter(spec, library)
    ) as decoder:
        recall = KnownFindings(spec).recall if spec.reuses_findings else None
        processor = ItemProcessor(spec, library, decoder, recall)
        send(connection, Ready())
        items, decoded = _Items(), _Decoded()
        threading.Thread(
            target=_receive, args=(connection, items, settings.max_item_bytes), daemon=True
        ).start()
        threading.Thread(target=_decode, args=(processor, items, decoded), daemon=True).start()
        while True:
            item, outcome = decoded.get()
            if isinstance(outcome, Exception):
                raise outcome
            send(connection, processor.process_decoded(item, outcome))
            decoded.task_done()


_Items = queue.SimpleQueue[SourceItem]
_Decoded = queue.Queue[tuple[SourceItem, DecodedItem | Exception]]


def _decode(processor: ItemProcessor, items: _Items, decoded: _Decoded) -> None:
    """Decode items in their order; after a long one, wait until it is processed and its memory is free."""
    while True:
        item = items.get()
        try:
            outcome = processor.decode(item)
        except Exception as error:
            decoded.put((item, error))
            return
        decoded.put((item, outcome))
        if (outcome.item.duration_s or 0.0) >= LONG_S:
            decoded.join()


def open_library(spec: RunSpec) -> Library | None:
    """Open the library of a run; None where nothing is searched or stored.

    Raises
    ------
    LibraryMoved
        When a collection that is searched has changed since the spec was made.
    """
    if not spec.collections and spec.into is None:
        return None
    settings = spec.settings
    library = Library.open(settings.home_address)
    if library.state_digest(spec.collections) != spec.state_digest:
        raise LibraryMoved(wanted=spec.search.epoch if spec.search else 0, found=library.epoch)
    return library


def chromaprint_filter(spec: RunSpec, library: Library | None) -> Callable[[float], bool]:
    """Return whether audio of a length in seconds needs a Chromaprint.

    It does if the item is stored, or if a searched collection holds a recording of about that length.
    """
    if library is None or spec.into is not None:
        return lambda _: True
    return library.length_filter(spec.collections)


def _receive(connection: Connection, items: _Items, max_bytes: int) -> None:
    try:
        while True:
            task: Task = connection.recv()
            spool = None if task.audio is not None else os.fdopen(recv_handle(connection), "rb")
            items.put(_source_item(task, spool, max_bytes=max_bytes))
    except (EOFError, OSError):
        os._exit(0)  # the parent has ended; the decode worker ends with this process


def _source_item(task: Task, spool: BinaryIO | None, *, max_bytes: int) -> SourceItem:
    """Build the item that the reader gave to the parent."""
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
