"""The reading process: opens one source, lists its items and reads their bytes, as its parent requests.

It ends with its parent, and its memory is limited. Exceptions of libraries are sent to the parent; the
parent notices when the process dies.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from typing import IO, Any, BinaryIO, Final

from earwitness.api.child_process import limit_memory
from earwitness.api.datasets.isolated.guarded_lookup import describe_exception
from earwitness.api.datasets.isolated.item_messages import error_to_message, item_to_message
from earwitness.api.datasets.isolated.message_frames import Channel
from earwitness.api.datasets.isolated.progress_watch import ProgressWatch
from earwitness.api.datasets.isolated.read_request import Request
from earwitness.api.datasets.isolated.repeated_refusals import merge_repeated
from earwitness.api.datasets.isolated.sealed_memory import SEALED_BYTES, memory_file, seal
from earwitness.api.datasets.item_errors import ItemUnreadable, NoSound
from earwitness.api.datasets.items import Manifest, Reader, Skipped, SourceItem
from earwitness.api.datasets.open_source import located, open_here
from earwitness.fingerprint.errors import EarwitnessError

INLINE_BYTES: Final = 256 << 10
"""Bytes of an item that are sent over the socket; a longer one is sent as an open file."""
_BLOCK_BYTES: Final = 1 << 20


def main() -> None:
    """Serve the socket whose number is the first argument."""
    channel = Channel(socket.socket(fileno=int(sys.argv[1])))
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionError):  # the parent has ended
        first = channel.receive().header
        limit_memory(first["memory_bytes"])
        watch = ProgressWatch(channel.send, first["blocked"])
        _Session(channel, watch, Request.from_message(first["request"])).serve()


class _Session:
    """One source in one process; a command is answered with one message, after any progress messages."""

    def __init__(self, channel: Channel, watch: ProgressWatch, request: Request) -> None:
        self._channel, self._watch, self._request = channel, watch, request
        self._reader: Reader | None = None
        self._items: Iterator[SourceItem | Skipped] = iter(())
        self._current: SourceItem | None = None

    def serve(self) -> None:
        """Answer commands until the parent closes the socket."""
        while True:
            command = self._channel.receive().header
            try:
                self._answer(command)
            except EarwitnessError as error:
                self._channel.send({"type": "error", "error": error_to_message(error)})
            except Exception as error:
                if isinstance(error, BrokenPipeError | ConnectionError):
                    raise
                self._channel.send({"type": "failed", "detail": describe_exception(error)})

    def _answer(self, command: Mapping[str, Any]) -> None:
        name = command["command"]
        if name == "open":
            self._open()
        elif name == "total":
            self._channel.send({"type": "total", "total": self._opened.total})
        elif name == "iterate":
            self._iterate()
            self._skip(command["skip"])
        elif name == "skip":
            self._skip(command["skip"])
        elif name == "next":
            self._next()
        elif name == "bytes":
            self._bytes()
        elif name == "names":
            self._names(
                audio_may_lie_here=command["audio_may_lie_here"], tell_unknown=command["tell_unknown"]
            )
        else:
            self._written()

    @property
    def _opened(self) -> Reader:
        assert self._reader is not None  # the parent opens it first
        return self._reader

    def _open(self) -> None:
        self._reader = reader = open_here(self._request, wrap=self._watch.watch_source)
        self._channel.send({
            "type": "ready",
            "format": reader.format,
            "shards": list(reader.shards),
            "passed_over": dict(reader.passed_over),
            "is_manifest": isinstance(reader, Manifest),
            "written_form": getattr(reader, "written_form", None),
        })  # fmt: skip

    def _names(self, **options: bool) -> None:
        from earwitness.api.datasets.name_lists.send_names import send_names  # loads numpy

        opening, reader = located(self._request, wrap=self._watch.watch_source)
        send_names(self._channel, opening, reader, **options)

    def _iterate(self) -> None:
        self._watch.restart()
        self._items, self._current = merge_repeated(iter(self._opened), self._watch.report_progress), None

    def _skip(self, n_items: int) -> None:
        """Pass items that the parent has already; only progress is reported."""
        for _ in range(n_items):
            item = next(self._items, None)
            if item is None:
                break
            self._watch.count(item.item_id)
        self._channel.send({"type": "skipped", "at": self._watch.n_items, "digest": self._watch.digest})

    def _next(self) -> None:
        self._watch.is_listing, self._current = True, None
        item = next(self._items, None)
        if item is None:
            self._channel.send({"type": "end", "passed_over": dict(self._opened.passed_over)})
            return
        fields = item_to_message(item)
        self._watch.count(item.item_id)
        self._current = item if isinstance(item, SourceItem) else None
        self._channel.send({"type": "item", "item": fields, "at": self._watch.n_items})

    def _bytes(self) -> None:
        """Send the bytes of the last item."""
        item, self._watch.is_listing = self._current, False
        assert item is not None  # the parent requests the bytes of an item that it has
        if item.open is None:
            raise NoSound(name=item.item_id)
        try:
            with item.open() as stream:
                head = self._read(stream, INLINE_BYTES + 1)
                if len(head) <= INLINE_BYTES:
                    self._channel.send({"type": "bytes"}, head)
                    return
                with self._spooled(head, stream) as spool:
                    self._channel.send({"type": "bytes"}, descriptor=spool.fileno())
        except (EarwitnessError, BrokenPipeError, ConnectionError):
            raise
        except Exception as error:
            raise ItemUnreadable(name=item.item_id, detail=describe_exception(error)) from error

    def _read(self, stream: BinaryIO, n_bytes: int) -> bytes:
        blocks = io.BytesIO()
        while blocks.tell() < n_bytes and (block := stream.read(n_bytes - blocks.tell())):
            self._watch.report_progress()
            blocks.write(block)
        return blocks.getvalue()

    def _spooled(self, head: bytes, stream: BinaryIO) -> IO[bytes]:
        """Copy an item to sealed memory, or to an unlinked file where it is long."""
        with contextlib.ExitStack() as undo:
            spool = undo.enter_context(memory_file() or tempfile.TemporaryFile())  # noqa: SIM115
            spool.write(head)
            n_bytes, in_memory = len(head), True
            while block := stream.read(_BLOCK_BYTES):
                self._watch.report_progress()
                n_bytes += len(block)
                if in_memory and n_bytes > SEALED_BYTES:
                    memory, spool, in_memory = spool, undo.enter_context(tempfile.TemporaryFile()), False
                    memory.seek(0)
                    shutil.copyfileobj(memory, spool)
                    memory.close()
                spool.write(block)
            spool.flush()
            undo.pop_all()
        if in_memory:
            seal(spool)
        spool.seek(0)
        return spool

    def _written(self) -> None:
        """Send the manifest entry by entry, each in a message, and then the end."""
        self._watch.is_listing = False
        reader = self._opened
        assert isinstance(reader, Manifest)  # "ready" states it
        for entry in reader.written():
            self._channel.send({"type": "entry", "ids": list(entry.item_ids)}, entry.text)
        self._channel.send({"type": "end", "passed_over": dict(reader.passed_over)})
