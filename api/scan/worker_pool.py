"""Worker processes that process items in parallel; their results come back in the order of the items.

The parent reads archive members, because an archive is read as one stream; workers read plain files
themselves. At most `AHEAD` items a worker are in flight, each in memory up to `HELD_BYTES`, and otherwise in
an unlinked file.
"""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import send_handle
from pathlib import Path
from types import TracebackType
from typing import IO, BinaryIO, Final, Self

from earwitness.api.child_process import command
from earwitness.api.datasets.isolated.metadata_limits import limit_metadata
from earwitness.api.datasets.item_errors import NoSound
from earwitness.api.datasets.items import Skipped, SourceItem
from earwitness.api.pipeline.item_bytes import BLOCK_BYTES, HELD_BYTES, read_up_to
from earwitness.api.pipeline.run_spec import ItemResult, RunSpec, refused_result
from earwitness.api.scan.worker_errors import ItemTimeout, WorkerDied, WorkersFail
from earwitness.api.scan.worker_messages import Broken, Ready, Reply, Task
from earwitness.api.settings import worker_environment
from earwitness.fingerprint.errors import AudioError

AHEAD: Final = 2
"""Items that a worker has at once: one that it searches for, and one that it decodes."""
WINDOW: Final = 64
"""Results per worker that may wait for the result of an earlier item."""
ATTEMPTS: Final = 2
"""Times that an item is given to a worker before a dead worker is its error."""
WATCH_S: Final = 1.0


@dataclass(slots=True, kw_only=True)
class _Slot:
    """One item in flight, at its place in the order."""

    item: SourceItem | Skipped
    result: ItemResult | None = None
    task: Task | None = None
    spool: IO[bytes] | None = None
    attempts: int = 0

    def settle(self, result: ItemResult) -> None:
        """Set the result, and free the item's bytes."""
        self.result, self.task = result, None
        if self.spool is not None:
            self.spool.close()


@dataclass(slots=True, kw_only=True, eq=False)
class _Worker:
    process: subprocess.Popen[bytes]
    connection: Connection
    ready: bool = False
    busy: deque[_Slot] = field(default_factory=deque)
    since: float = 0.0
    """When it began with the first of its items, in seconds of the monotonic clock."""
    waiting: deque[_Slot] = field(default_factory=deque)
    """Items that are sent to it one at a time, because the worker before it died with them."""


class Pool:
    """Worker processes with one `RunSpec`; a context manager that ends them.

    Parameters
    ----------
    module
        The module that a worker runs; tests pass another.
    watch
        Called about once a second while results are awaited; an exception that it raises ends the run.
    """

    def __init__(
        self,
        spec: RunSpec,
        *,
        n_workers: int,
        module: str = "earwitness.api.scan.scan_worker",
        watch: Callable[[], None] = lambda: None,
    ) -> None:
        self._spec, self._module, self._watch = spec, module, watch
        self._workers: list[_Worker] = []
        for _ in range(n_workers):
            self._workers.append(self._start())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the workers; items in flight are dropped."""
        for worker in self._workers:
            worker.connection.close()
        for worker in self._workers:
            worker.process.terminate()
            worker.process.wait()

    def results(
        self, items: Iterable[SourceItem | Skipped]
    ) -> Iterator[tuple[SourceItem | Skipped, ItemResult]]:
        """Yield each item with its result, in the order of the items.

        Raises
        ------
        WorkersFail
            When workers cannot start.
        EarwitnessError
            What keeps every worker from working, such as a library that has changed.
        """
        source, slots, more = iter(items), deque[_Slot](), True
        while more or slots:
            while more and len(slots) < WINDOW * len(self._workers) and (worker := self._idlest()):
                item = next(source, None)
                if item is None:
                    more = False
                else:
                    slots.append(self._begin(item, worker))
            while slots and (result := slots[0].result) is not None:
                yield slots.popleft().item, result
            self._watch()
            if slots:
                self._listen()
                self._stop_slow()

    def _idlest(self) -> _Worker | None:
        worker = min(self._workers, key=lambda each: len(each.busy) + len(each.waiting))
        return worker if len(worker.busy) + len(worker.waiting) < AHEAD else None

    def _begin(self, item: SourceItem | Skipped, worker: _Worker) -> _Slot:
        slot = _Slot(item=item)
        if isinstance(item, Skipped):
            slot.settle(refused_result(self._spec, item))
            return slot
        try:
            slot.task, slot.spool = packed(item)
        except AudioError as error:
            slot.settle(self._failed(item, error))
        else:
            if worker.waiting:
                worker.waiting.append(slot)
            else:
                self._send(slot, worker)
        return slot

    def _failed(self, item: SourceItem | Skipped, error: AudioError) -> ItemResult:
        return refused_result(
            self._spec, Skipped.of(error, item_id=item.item_id, path=item.path, shard=item.shard)
        )

    def _send(self, slot: _Slot, worker: _Worker) -> None:
        slot.attempts += 1
        if not worker.busy:
            worker.since = time.monotonic()
        worker.busy.append(slot)
        try:
            worker.connection.send(slot.task)
            if slot.spool is not None:
                slot.spool.seek(0)
                send_handle(worker.connection, slot.spool.fileno(), worker.process.pid)
        except OSError:
            return  # it has died: `_listen` notices that, and gives its items to another worker

    def _listen(self) -> None:
        """Wait up to `WATCH_S` for replies or the death of workers, and handle them."""
        readable = wait([worker.connection for worker in self._workers], timeout=WATCH_S)
        for worker in [each for each in self._workers if each.connection in readable]:
            try:
                reply = worker.connection.recv()
            except (EOFError, OSError):  # a plain OSError: it died while it sent a result
                self._replace_dead(worker)
            else:
                self._take(worker, reply)

    def _take(self, worker: _Worker, reply: Reply) -> None:
        if isinstance(reply, Broken):
            raise reply.error
        if isinstance(reply, Ready):
            worker.ready, worker.since = True, time.monotonic()
        else:
            worker.busy.popleft().settle(reply)
            worker.since = time.monotonic()
            if worker.waiting and not worker.busy:
                self._send(worker.waiting.popleft(), worker)

    def _replace_dead(self, worker: _Worker) -> None:
        """Replace a dead worker; its successor gets its items one by one, to find out which one is the cause.

        An item that was the only one of a dying worker, and had `ATTEMPTS`, is reported as the cause.
        """
        worker.connection.close()
        status = worker.process.wait()
        if not worker.ready:
            raise WorkersFail(status=status)
        suspects = worker.busy
        if len(suspects) == 1 and suspects[0].attempts >= ATTEMPTS:
            slot = suspects.popleft()
            slot.settle(
                self._failed(slot.item, WorkerDied(name=slot.item.item_id, detail=f"status {status}"))
            )
        self._replace(worker, suspects + worker.waiting)

    def _stop_slow(self) -> None:
        """End workers that have worked on one item for longer than ``item_wall_s``."""
        limit_s = self._spec.settings.item_wall_s
        for worker in list(self._workers):
            if worker.ready and worker.busy and time.monotonic() - worker.since >= limit_s:
                slot = worker.busy.popleft()
                slot.settle(self._failed(slot.item, ItemTimeout(name=slot.item.item_id, limit_s=limit_s)))
                worker.connection.close()
                worker.process.kill()
                worker.process.wait()
                for other in worker.busy:
                    other.attempts -= 1  # another item exceeded the limit
                self._replace(worker, worker.busy + worker.waiting)

    def _replace(self, worker: _Worker, items: deque[_Slot]) -> None:
        """Start another worker for one that has ended; it gets the items one by one."""
        successor = self._start()
        self._workers[self._workers.index(worker)] = successor
        successor.waiting = items
        if successor.waiting:
            self._send(successor.waiting.popleft(), successor)

    def _start(self) -> _Worker:
        parent_end, worker_end = Pipe(duplex=True)
        with worker_end:
            process = subprocess.Popen(
                command(self._module, str(worker_end.fileno())),
                stdin=subprocess.DEVNULL,
                pass_fds=[worker_end.fileno()],
                env=worker_environment(),
                start_new_session=True,  # only the parent handles an interrupt at the terminal
            )
        with contextlib.suppress(OSError):  # it has died: `_listen` notices that
            parent_end.send(self._spec)
        return _Worker(process=process, connection=parent_end)


def packed(item: SourceItem) -> tuple[Task, IO[bytes] | None]:
    """Return the task of an item, and the open file of its bytes where those are more than `HELD_BYTES`.

    Raises
    ------
    ItemRefused
        When the bytes cannot be read.
    """
    if item.open is None:
        raise NoSound(name=item.item_id)
    if item.file is not None:
        return _task(item, item.file), None
    stream = item.open()
    if is_spool(stream):
        return _task(item, None), stream
    with stream:
        head = read_up_to(stream, HELD_BYTES + 1)
        if len(head) <= HELD_BYTES:
            return _task(item, head), None
        return _task(item, None), _spooled(head, stream)


def is_spool(stream: IO[bytes]) -> bool:
    """Return whether a stream is an unlinked file at its beginning, which nothing else reads."""
    if not isinstance(stream, io.BufferedReader) or not isinstance(stream.raw, io.FileIO):
        return False
    return os.fstat(stream.fileno()).st_nlink == 0 and stream.tell() == 0


def _spooled(head: bytes, stream: BinaryIO) -> IO[bytes]:
    with ExitStack() as undo:
        spool = undo.enter_context(tempfile.TemporaryFile())
        spool.write(head)
        while block := stream.read(BLOCK_BYTES):
            spool.write(block)
        spool.flush()
        undo.pop_all()
    return spool


def _task(item: SourceItem, audio: bytes | Path | None) -> Task:
    return Task(
        item_id=item.item_id,
        path=item.path,
        audio=audio,
        start_s=item.start_s,
        end_s=item.end_s,
        partial=item.partial,
        metadata=limit_metadata(item.metadata),
    )
