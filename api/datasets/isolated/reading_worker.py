"""The process that reads one source: opens it, lists its items, fetches their bytes, as it is asked.

It ends with its parent, and its memory is bounded. Whatever a library raises here is said; what it dies of
is seen by the parent.
"""

from __future__ import annotations

import contextlib
import io
import resource
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from typing import IO, Any, BinaryIO, Final

from earwitness.api.datasets.isolated.guarded_lookup import described
from earwitness.api.datasets.isolated.item_messages import error_to_message, item_to_message
from earwitness.api.datasets.isolated.message_frames import Channel
from earwitness.api.datasets.isolated.progress_watch import Watch
from earwitness.api.datasets.isolated.read_request import Request
from earwitness.api.datasets.isolated.repeated_refusals import gathered
from earwitness.api.datasets.isolated.sealed_memory import SEALED_BYTES, memory_file, seal
from earwitness.api.datasets.item_errors import ItemUnreadable, NoSound
from earwitness.api.datasets.items import Manifest, Reader, Skipped, SourceItem
from earwitness.fingerprint.errors import EarwitnessError

INLINE_BYTES: Final = 256 << 10
"""Bytes up to this many are sent as they are; more come as an unlinked file."""
_BLOCK_BYTES: Final = 1 << 20


def main() -> None:
    """Serve the socket whose number is the first argument."""
    channel = Channel(socket.socket(fileno=int(sys.argv[1])))
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionError):  # the parent hung up: we are done
        first = channel.receive().header
        bound(memory_bytes=first["memory_bytes"])
        watch = Watch(channel.send, first["blocked"])
        _Session(channel, watch, Request.taken(first["request"])).serve()


def bound(*, memory_bytes: int) -> None:
    """Bound this process: memory that it allocates, in bytes; files that are mapped do not count."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))


class _Session:
    """One source in one process; what is asked is answered with one message, after any number of signs."""

    def __init__(self, channel: Channel, watch: Watch, request: Request) -> None:
        self._channel, self._watch, self._request = channel, watch, request
        self._reader: Reader | None = None
        self._items: Iterator[SourceItem | Skipped] = iter(())
        self._current: SourceItem | None = None

    def serve(self) -> None:
        """Answer until the parent hangs up."""
        while True:
            asked = self._channel.receive().header
            try:
                self._answer(asked)
            except EarwitnessError as error:
                self._channel.send({"say": "refused", "error": error_to_message(error)})
            except Exception as error:
                if isinstance(error, BrokenPipeError | ConnectionError):
                    raise
                self._channel.send({"say": "broke", "detail": described(error)})

    def _answer(self, asked: Mapping[str, Any]) -> None:
        do = asked["do"]
        if do == "open":
            self._open()
        elif do == "total":
            self._channel.send({"say": "total", "total": self._opened.total})
        elif do == "iterate":
            self._iterate()
            self._skip(asked["skip"])
        elif do == "skip":
            self._skip(asked["skip"])
        elif do == "next":
            self._next()
        elif do == "bytes":
            self._bytes()
        else:
            self._written()

    @property
    def _opened(self) -> Reader:
        assert self._reader is not None  # the parent opens it first
        return self._reader

    def _open(self) -> None:
        from earwitness.api.datasets.open_source import open_here

        self._reader = reader = open_here(self._request, around=self._watch.over)
        self._channel.send({
            "say": "ready",
            "format": reader.format,
            "shards": list(reader.shards),
            "passed_over": dict(reader.passed_over),
            "is_manifest": isinstance(reader, Manifest),
            "written_form": getattr(reader, "written_form", None),
        })  # fmt: skip

    def _iterate(self) -> None:
        self._watch.begin()
        self._items, self._current = gathered(iter(self._opened), self._watch.beat), None

    def _skip(self, n_items: int) -> None:
        """Go past items that the parent has, without a word but signs of progress."""
        for _ in range(n_items):
            item = next(self._items, None)
            if item is None:
                break
            self._watch.count(item.item_id)
        self._channel.send({"say": "skipped", "at": self._watch.n_items, "digest": self._watch.digest})

    def _next(self) -> None:
        self._watch.announcing, self._current = True, None
        item = next(self._items, None)
        if item is None:
            self._channel.send({"say": "end", "passed_over": dict(self._opened.passed_over)})
            return
        said = item_to_message(item)
        self._watch.count(item.item_id)
        self._current = item if isinstance(item, SourceItem) else None
        self._channel.send({"say": "item", "item": said, "at": self._watch.n_items})

    def _bytes(self) -> None:
        """Send the bytes of the item that was handed out last."""
        item, self._watch.announcing = self._current, False
        assert item is not None  # the parent asks only for what it was given
        if item.open is None:
            raise NoSound(name=item.item_id)
        try:
            with item.open() as stream:
                head = self._read(stream, INLINE_BYTES + 1)
                if len(head) <= INLINE_BYTES:
                    self._channel.send({"say": "bytes"}, head)
                    return
                with self._spooled(head, stream) as spool:
                    self._channel.send({"say": "bytes"}, descriptor=spool.fileno())
        except (EarwitnessError, BrokenPipeError, ConnectionError):
            raise
        except Exception as error:
            raise ItemUnreadable(name=item.item_id, detail=described(error)) from error

    def _read(self, stream: BinaryIO, n_bytes: int) -> bytes:
        blocks = io.BytesIO()
        while blocks.tell() < n_bytes and (block := stream.read(n_bytes - blocks.tell())):
            self._watch.beat()
            blocks.write(block)
        return blocks.getvalue()

    def _spooled(self, head: bytes, stream: BinaryIO) -> IO[bytes]:
        """Copy an item to sealed memory, or to an unlinked file where it is long."""
        with contextlib.ExitStack() as undo:
            spool = undo.enter_context(memory_file() or tempfile.TemporaryFile())  # noqa: SIM115
            spool.write(head)
            n_bytes, in_memory = len(head), True
            while block := stream.read(_BLOCK_BYTES):
                self._watch.beat()
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
        """Send the manifest entry by entry; more than one message answers this."""
        self._watch.announcing = False
        reader = self._opened
        assert isinstance(reader, Manifest)  # the parent was told
        for entry in reader.written():
            self._channel.send({"say": "entry", "ids": list(entry.item_ids)}, entry.text)
        self._channel.send({"say": "end", "passed_over": dict(reader.passed_over)})


if __name__ == "__main__":
    main()
