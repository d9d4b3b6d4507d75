"""A reader whose work is done in a process of its own: what that dies of does not end the scan."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

from earwitness.api.datasets.isolated.item_messages import (
    counts,
    text,
    text_or_none,
    whole_number,
)
from earwitness.api.datasets.isolated.item_stream import ItemStreamFromProcess
from earwitness.api.datasets.isolated.message_frames import BadMessage, Message
from earwitness.api.datasets.isolated.read_request import Request
from earwitness.api.datasets.isolated.reading_errors import ReaderFailed, SourceReaderFailed
from earwitness.api.datasets.isolated.reading_process import (
    NONSENSE,
    Child,
    ReaderEnded,
    close_all,
    start,
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
        The process ended, or could not go on, before anything was read.
    SourceError
        What `earwitness.api.datasets.open_source.open_here` raises.
    """
    blocked: dict[str, str] = {}
    child, ready = start(request, blocked)
    kind = IsolatedManifest if ready.header.get("is_manifest") is True else IsolatedReader
    try:
        return kind(request, child, ready, blocked)
    except BadMessage as error:
        child.close()
        raise SourceReaderFailed(source=label(request.source), reason=NONSENSE.format(error)) from error


class IsolatedReader:
    """Reads a source through a process of its own; see `earwitness.api.datasets.items.Reader`.

    Parameters
    ----------
    child
        The process that has opened the source.
    ready
        Its first answer.
    blocked
        The files that it was started without, and why.
    """

    def __init__(self, request: Request, child: Child, ready: Message, blocked: Mapping[str, str]) -> None:
        self._request, self._blocked = request, dict(blocked)
        self._idle: Child | None = child
        self._late: Late | None = None
        self._children: set[Child] = {child}
        weakref.finalize(self, close_all, self._children)
        header = ready.header
        self.format = text(header, "format")
        self.shards = _texts(header.get("shards"))
        self.passed_over: Mapping[str, int] = counts(header)
        self._total: int | None = None
        self._counted = False

    @property
    def total(self) -> int | None:
        """How many items iteration yields; None where that cannot be told."""
        if not self._counted:
            self._total, self._counted = self._count(), True
        return self._total

    def _count(self) -> int | None:
        child = self._idle
        try:
            if child is None:
                child = self._started({})
            found = child.ask("total").header
            return None if found.get("total") is None else whole_number(found, "total")
        except (ReaderEnded, EarwitnessError, BadMessage):
            self._idle = None
            return None
        finally:
            if child is not None and child is not self._idle:
                self._ended(child)

    def __iter__(self) -> Iterator[SourceItem | Skipped]:
        child, self._idle = self._idle, None
        self._children -= {child}
        passing = ItemStreamFromProcess(self._request, child, self._blocked, opened=self._opened)
        yield from passing
        if passing.passed_over is not None:
            self.passed_over = passing.passed_over

    def _opened(
        self, passing: ItemStreamFromProcess, place: tuple[int, int], said: Mapping[str, Any]
    ) -> Callable[[], BinaryIO]:
        """Make the function that opens an item's bytes: where it was listed, or in a second process later."""
        number, serial = place
        item_id, sequential = text(said, "id"), said.get("sequential") is True
        blocked = dict(passing.blocked)

        def opening() -> BinaryIO:
            if passing.has(serial):
                return passing.bytes(item_id)
            if sequential:
                raise StreamMovedOn(name=item_id)
            if self._late is None or self._late.blocked != blocked:
                self._late = Late(self._request, blocked, self._started)
            return self._late.bytes(number, item_id)

        return opening

    def _started(self, blocked: dict[str, str]) -> Child:
        child, _ = start(self._request, blocked)
        self._children.add(child)
        return child

    def _ended(self, child: Child) -> None:
        child.close()
        self._children.discard(child)


class IsolatedManifest(IsolatedReader):
    """A reader of a list that can be written again with entries left out."""

    def __init__(self, request: Request, child: Child, ready: Message, blocked: Mapping[str, str]) -> None:
        super().__init__(request, child, ready, blocked)
        self.written_form = text_or_none(ready.header, "written_form") or self.format

    def written(self) -> Iterator[Written]:
        """The manifest as it stands, entry by entry; `SourceReaderFailed` where its end is not reached."""
        child = self._started(dict(self._blocked))
        try:
            message = child.ask("written")
            while message.header.get("say") != "end":
                yield Written(text=message.payload, item_ids=_texts(message.header.get("ids")))
                message = child.answer()
        except (ReaderEnded, BadMessage) as error:
            why = error.reason if isinstance(error, ReaderEnded) else NONSENSE.format(error)
            raise SourceReaderFailed(source=label(self._request.source), reason=why) from error
        finally:
            self._ended(child)


class Late:
    """Fetches the bytes of items that iteration has passed, with a process that goes through them again."""

    def __init__(
        self, request: Request, blocked: dict[str, str], started: Callable[[dict[str, str]], Child]
    ) -> None:
        self.blocked, self._request, self._started = blocked, request, started
        self._child: Child | None = None
        self._number = 0

    def bytes(self, number: int, item_id: str) -> BinaryIO:
        """The bytes of an item by its number, from 1; `ReaderFailed` where they cannot be had."""
        try:
            return self._at(number, item_id).ask("bytes").stream()
        except ReaderEnded as ended:
            self._child, self._number = None, 0
            raise ReaderFailed(name=item_id, detail=ended.reason) from ended

    def _at(self, number: int, item_id: str) -> Child:
        """The process, once it has handed out this item."""
        child = self._child = self._child or self._started(dict(self.blocked))
        if number == self._number:
            return child
        if 0 < self._number < number:
            child.ask("skip", skip=number - 1 - self._number)
        else:
            child.ask("iterate", skip=number - 1)
        self._number = 0
        said = child.ask("next").header.get("item")
        if not isinstance(said, dict) or said.get("id") != item_id:
            raise ReaderFailed(name=item_id, detail="the source has changed since it was listed")
        self._number = number
        return child


def _texts(said: Any) -> tuple[str, ...]:
    if not isinstance(said, list) or not all(isinstance(each, str) for each in said):
        raise BadMessage("no list of names")
    return tuple(said)
