"""Worker processes that answer items side by side, and hand the answers back in the items' order.

The parent reads archive members, because only it can go through a stream; workers read plain files
themselves. What is on its way is bounded: two items a worker, in memory up to `HELD_BYTES` each, and else in
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
from earwitness.api.pipeline.run_spec import ItemResult, RunSpec, refusal
from earwitness.api.scan.worker_errors import ItemTimeout, WorkerDied, WorkersFail
from earwitness.api.scan.worker_messages import Broken, Ready, Reply, Task
from earwitness.api.settings import worker_environment
from earwitness.fingerprint.errors import AudioError

AHEAD: Final = 2
"""Items a worker has at once: one in work, one that waits for it."""
WINDOW: Final = 64
"""Items a worker that may be answered while one before them is still in work."""
ATTEMPTS: Final = 2
WATCH_S: Final = 1.0


@dataclass(slots=True, kw_only=True)
class _Slot:
    """One item on its way, in its place in the order."""

    item: SourceItem | Skipped
    answer: ItemResult | None = None
    task: Task | None = None
    spool: IO[bytes] | None = None
    attempts: int = 0

    def settle(self, answer: ItemResult) -> None:
        """Take the answer and let go of the item's bytes."""
        self.answer, self.task = answer, None
        if self.spool is not None:
            self.spool.close()


@dataclass(slots=True, kw_only=True, eq=False)
class _Worker:
    process: subprocess.Popen[bytes]
    connection: Connection
    ready: bool = False
    busy: deque[_Slot] = field(default_factory=deque)
    since: float = 0.0
    """When it began with the first of its items, on the monotonic clock."""
    waiting: deque[_Slot] = field(default_factory=deque)
    """Items that are given to it one at a time: its predecessor died of one of them."""


class Pool:
    """Workers under one order; a context manager that ends them.

    Parameters
    ----------
    module
        What a worker runs; tests give another.
    watch
        Called every second or so while answers are waited for; what it raises ends the run.
    """

    def __init__(
        self,
        order: RunSpec,
        *,
        n_workers: int,
        module: str = "earwitness.api.scan.scan_worker",
        watch: Callable[[], None] = lambda: None,
    ) -> None:
        self._order, self._module, self._watch = order, module, watch
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
        """End the workers; what they had in work is dropped."""
        for worker in self._workers:
            worker.connection.close()
        for worker in self._workers:
            worker.process.terminate()
            worker.process.wait()

    def answers(
        self, items: Iterable[SourceItem | Skipped]
    ) -> Iterator[tuple[SourceItem | Skipped, ItemResult]]:
        """Yield each item with its answer, in the order of the items.

        Raises
        ------
        WorkersFail
            When workers do not even start.
        EarwitnessError
            What keeps every worker from working, such as a library that has moved on.
        """
        coming, slots, more = iter(items), deque[_Slot](), True
        while more or slots:
            while more and len(slots) < WINDOW * len(self._workers) and (worker := self._idlest()):
                item = next(coming, None)
                if item is None:
                    more = False
                else:
                    slots.append(self._begin(item, worker))
            while slots and (answer := slots[0].answer) is not None:
                yield slots.popleft().item, answer
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
            slot.settle(refusal(self._order, item))
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
        return refusal(self._order, Skipped.of(error, item_id=item.item_id, path=item.path, shard=item.shard))

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
            return  # it has died: listening will find that out, and give its items to another

    def _listen(self) -> None:
        """Wait until a worker says something or dies, or a second, and take all that was said."""
        heard = wait([worker.connection for worker in self._workers], timeout=WATCH_S)
        for worker in [each for each in self._workers if each.connection in heard]:
            try:
                reply = worker.connection.recv()
            except (EOFError, OSError):  # a plain OSError says that it died in the middle of an answer
                self._bury(worker)
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

    def _bury(self, worker: _Worker) -> None:
        """Replace a dead worker. It works on all of its items at once, so its successor gets them one by one.

        An item that was alone with a worker when it died, and had an attempt before, is what it died of.
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
        """End workers that have had one item for longer than all work on an item may take."""
        limit_s = self._order.settings.item_wall_s
        for worker in list(self._workers):
            if worker.ready and worker.busy and time.monotonic() - worker.since >= limit_s:
                slot = worker.busy.popleft()
                slot.settle(self._failed(slot.item, ItemTimeout(name=slot.item.item_id, limit_s=limit_s)))
                worker.connection.close()
                worker.process.kill()
                worker.process.wait()
                for other in worker.busy:
                    other.attempts -= 1  # it was not what took so long
                self._replace(worker, worker.busy + worker.waiting)

    def _replace(self, worker: _Worker, items: deque[_Slot]) -> None:
        """Put another worker in the place of one that has ended; it is given the items one by one."""
        successor = self._start()
        self._workers[self._workers.index(worker)] = successor
        successor.waiting = items
        if successor.waiting:
            self._send(successor.waiting.popleft(), successor)

    def _start(self) -> _Worker:
        ours, theirs = Pipe(duplex=True)
        with theirs:
            process = subprocess.Popen(
                command(self._module, str(theirs.fileno())),
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=worker_environment(),
                start_new_session=True,  # an interrupt at the terminal is the parent's to handle
            )
        with contextlib.suppress(OSError):  # it has died: listening will find that out
            ours.send(self._order)
        return _Worker(process=process, connection=ours)


def packed(recording: SourceItem) -> tuple[Task, IO[bytes] | None]:
    """Make a task of an item; beside it the open file of its bytes, where those are many.

    Raises
    ------
    ItemRefused
        When the bytes cannot be had.
    """
    if recording.open is None:
        raise NoSound(name=recording.item_id)
    if recording.file is not None:
        return _task(recording, recording.file), None
    stream = recording.open()
    if is_spool(stream):
        return _task(recording, None), stream
    with stream:
        head = read_up_to(stream, HELD_BYTES + 1)
        if len(head) <= HELD_BYTES:
            return _task(recording, head), None
        return _task(recording, None), _spooled(head, stream)


def is_spool(stream: IO[bytes]) -> bool:
    """Whether a stream is an unlinked file at its beginning: the whole item, which nothing else will use."""
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


def _task(recording: SourceItem, audio: bytes | Path | None) -> Task:
    return Task(
        item_id=recording.item_id,
        path=recording.path,
        audio=audio,
        start_s=recording.start_s,
        end_s=recording.end_s,
        partial=recording.partial,
        metadata=limit_metadata(recording.metadata),
    )
