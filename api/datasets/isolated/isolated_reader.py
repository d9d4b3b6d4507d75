"""A reader that works in a process of its own: where that process dies, the scan continues."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

from earwitness.api.datasets.isolated.item_messages import (
    read_count,
    read_counts,
    read_optional_text,
    read_text,
)
from earwitness.api.datasets.isolated.item_stream import ItemStreamFromProcess
from earwitness.api.datasets.isolated.message_frames import BadMessage, Message
from earwitness.api.datasets.isolated.read_request import Request
from earwitness.api.datasets.isolated.reading_errors import ReaderFailed, SourceReaderFailed
from earwitness.api.datasets.isolated.reading_process import (
    INVALID_ANSWER,
    ReaderEnded,
    ReadingProcess,
    close_all,
    start_reading,
)
from earwitness.api.datasets.item_errors import StreamMovedOn
from earwitness.api.datasets.items import Skipped, SourceItem, Written
from earwitness.api.datasets.names import label
from earwitness.fingerprint.errors import EarwitnessError


def open_isolated(request: Request) -> IsolatedReader:
    """Open a source in a process of its own.

    Raises
    ------
    SourceReaderFailed
        The process ended, or could not continue, before anything was read.
    SourceError
        What `earwitness.api.datasets.open_source.open_here` raises.
    """
    blocked: dict[str, str] = {}
    process, ready = start_reading(request, blocked)
    kind = IsolatedManifest if ready.header.get("is_manifest") is True else IsolatedReader
    try:
        return kind(request, process, ready, blocked)
    except BadMessage as error:
        process.close()
        raise SourceReaderFailed(source=label(request.source), reason=INVALID_ANSWER.format(error)) from error


class IsolatedReader:
    """Reads a source through a process of its own; see `earwitness.api.datasets.items.Reader`.

    Parameters
    ----------
    process
        The process that has opened the source.
    ready
        Its first answer.
    blocked
        The files that the process does not open, with the reasons.
    """

    def __init__(
        self, request: Request, process: ReadingProcess, ready: Message, blocked: Mapping[str, str]
    ) -> None:
        self._request, self._blocked = request, dict(blocked)
        self._idle: ReadingProcess | None = process
        self._second_pass: SecondPass | None = None
        self._processes: set[ReadingProcess] = {process}
        weakref.finalize(self, close_all, self._processes)
        header = ready.header
        self.format = read_text(header, "format")
        self.shards = _read_texts(header.get("shards"))
        self.passed_over: Mapping[str, int] = read_counts(header)
        self._total: int | None = None
        self._is_counted = False

    @property
    def total(self) -> int | None:
        """How many items iteration yields; None where that is not known."""
        if not self._is_counted:
            self._total, self._is_counted = self._count(), True
        return self._total

    def _count(self) -> int | None:
        process = self._idle
        try:
            if process is None:
                process = self._start({})
            header = process.request("total").header
            return None if header.get("total") is None else read_count(header, "total")
        except (ReaderEnded, EarwitnessError, BadMessage):
            self._idle = None
            return None
        finally:
            if process is not None and process is not self._idle:
                self._end(process)

    def __iter__(self) -> Iterator[SourceItem | Skipped]:
        process, self._idle = self._idle, None
        self._processes -= {process}
        stream = ItemStreamFromProcess(self._request, process, self._blocked, opener_of=self._opener)
        yield from stream
        if stream.passed_over is not None:
            self.passed_over = stream.passed_over

    def _opener(
        self, stream: ItemStreamFromProcess, position: tuple[int, int], fields: Mapping[str, Any]
    ) -> Callable[[], BinaryIO]:
        """Make an item's ``open``: it reads from the listing process, or from a second one later."""
        number, serial = position
        item_id, sequential = read_text(fields, "id"), fields.get("sequential") is True
        blocked = dict(stream.blocked)

        def open_item() -> BinaryIO:
            if stream.has(serial):
                return stream.bytes(item_id)
            if sequential:
                raise StreamMovedOn(name=item_id)
            if self._second_pass is None or self._second_pass.blocked != blocked:
                self._second_pass = SecondPass(blocked, self._start)
            return self._second_pass.bytes(number, item_id)

        return open_item

    def _start(self, blocked: dict[str, str]) -> ReadingProcess:
        process, _ = start_reading(self._request, blocked)
        self._processes.add(process)
        return process

    def _end(self, process: ReadingProcess) -> None:
        process.close()
        self._processes.discard(process)


class IsolatedManifest(IsolatedReader):
    """A reader of a list that can be written again with entries left out."""

    def __init__(
        self, request: Request, process: ReadingProcess, ready: Message, blocked: Mapping[str, str]
    ) -> None:
        super().__init__(request, process, ready, blocked)
        self.written_form = read_optional_text(ready.header, "written_form") or self.format

    def written(self) -> Iterator[Written]:
        """The manifest unchanged, entry by entry; `SourceReaderFailed` where its end is not reached."""
        process = self._start(dict(self._blocked))
        try:
            message = process.request("written")
            while message.header.get("type") != "end":
                yield Written(text=message.payload, item_ids=_read_texts(message.header.get("ids")))
                message = process.receive()
        except (ReaderEnded, BadMessage) as error:
            why = error.reason if isinstance(error, ReaderEnded) else INVALID_ANSWER.format(error)
            raise SourceReaderFailed(source=label(self._request.source), reason=why) from error
        finally:
            self._end(process)


class SecondPass:
    """Reads the bytes of items that iteration has passed, with a process that lists them again.

    Parameters
    ----------
    blocked
        The files that the process does not open, with the reasons.
    start
        Starts a process without these files.
    """

    def __init__(self, blocked: dict[str, str], start: Callable[[dict[str, str]], ReadingProcess]) -> None:
        self.blocked, self._start = blocked, start
        self._process: ReadingProcess | None = None
        self._number = 0

    def bytes(self, number: int, item_id: str) -> BinaryIO:
        """The bytes of an item by its number, from 1; `ReaderFailed` where they cannot be read."""
        try:
            return self._at(number, item_id).request("bytes").stream()
        except ReaderEnded as ended:
            self._process, self._number = None, 0
            raise ReaderFailed(name=item_id, detail=ended.reason) from ended

    def _at(self, number: int, item_id: str) -> ReadingProcess:
        """The process, after it has listed this item."""
        process = self._process = self._process or self._start(dict(self.blocked))
        if number == self._number:
            return process
        if 0 < self._number < number:
            process.request("skip", skip=number - 1 - self._number)
        else:
            process.request("iterate", skip=number - 1)
        self._number = 0
        fields = process.request("next").header.get("item")
        if not isinstance(fields, dict) or fields.get("id") != item_id:
            raise ReaderFailed(name=item_id, detail="the source has changed since it was listed")
        self._number = number
        return process


def _read_texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise BadMessage("no list of names")
    return tuple(value)
