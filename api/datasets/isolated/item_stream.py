"""One pass over a source, item by item; a reading process that dies is replaced by another."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO, Final

from earwitness.api.datasets.isolated.item_messages import item_from_message, read_counts, read_text
from earwitness.api.datasets.isolated.message_frames import BadMessage
from earwitness.api.datasets.isolated.progress_watch import NO_ITEMS, digest_after
from earwitness.api.datasets.isolated.read_request import Request
from earwitness.api.datasets.isolated.reading_errors import ReaderFailed
from earwitness.api.datasets.isolated.reading_process import (
    INVALID_ANSWER,
    MAX_BLOCKED,
    ReaderEnded,
    ReadingProcess,
    close_all,
    start_reading,
)
from earwitness.api.datasets.item_errors import SourceCutOff
from earwitness.api.datasets.items import Skipped, SourceItem
from earwitness.api.datasets.names import label
from earwitness.fingerprint.errors import EarwitnessError

OpenerOf = Callable[["ItemStreamFromProcess", tuple[int, int], Mapping[str, Any]], Callable[[], BinaryIO]]
_CHANGED: Final = "it is not the same as when it was first read"


class ItemStreamFromProcess:
    """Lists the items of a source once.

    A process that ends while it lists a file of the source is replaced by one that reads the source without
    that file: the items before it stay the same, and the file's reader reports what is missing.

    Parameters
    ----------
    process
        A process that has opened the source; None to start one.
    blocked
        The files that the process does not open, with the reasons.
    opener_of
        Makes an item's ``open`` from this stream, the item's number and serial number, and the fields of its
        message.

    Attributes
    ----------
    number : int
        Items so far, in the order of a reading without the blocked files.
    passed_over
        Files that the reader counted as no items, by kind; known at the end.
    """

    def __init__(
        self,
        request: Request,
        process: ReadingProcess | None,
        blocked: Mapping[str, str],
        *,
        opener_of: OpenerOf,
    ) -> None:
        self.blocked = dict(blocked)
        self.number, self._serial = 0, 0
        self.passed_over: Mapping[str, int] | None = None
        self._request, self._opener_of = request, opener_of
        self._running = set[ReadingProcess]() if process is None else {process}
        # the last item of an abandoned iteration can still be read; then the process ends
        weakref.finalize(self, close_all, self._running)
        self._process, self._is_iterating = process, False
        self._digest = NO_ITEMS

    def __iter__(self) -> Iterator[SourceItem | Skipped]:
        while True:
            try:
                item = self._item(self._next())
            except ReaderEnded as ended:
                if rest := self._block_file(ended):
                    yield rest
                    return
                continue
            except EarwitnessError as error:
                yield self._rest(error.message)
                return
            if item is None:
                self.close()
                return
            yield item

    def bytes(self, item_id: str) -> BinaryIO:
        """The bytes of the last item.

        Raises
        ------
        ReaderFailed
            The process ended over it; another one reads the next item.
        ItemRefused
        """
        assert self._process is not None  # callers check `has` first
        try:
            return self._process.request("bytes").stream()
        except ReaderEnded as ended:
            self._forget_process()
            raise ReaderFailed(name=item_id, detail=ended.reason) from ended

    def has(self, serial: int) -> bool:
        """Whether the item with this serial number is the last one, and its process still runs."""
        return self._serial == serial and self._process is not None

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.close()
            self._forget_process()

    def _forget_process(self) -> None:
        if self._process is not None:
            self._running.discard(self._process)
        self._process, self._is_iterating = None, False

    def _next(self) -> Mapping[str, Any]:
        """Receive the next item's message; a new process first passes the items that were yielded."""
        if self._process is None:
            self._process = start_reading(self._request, self.blocked)[0]
            self._running.add(self._process)
        if not self._is_iterating:
            header = self._process.request("iterate", skip=self.number).header
            if (header.get("at"), header.get("digest")) != (self.number, self._digest):
                raise SourceCutOff(name=label(self._request.source), detail=_CHANGED)
            self._is_iterating = True
        return self._process.request("next").header

    def _item(self, header: Mapping[str, Any]) -> SourceItem | Skipped | None:
        """The item of a message; None at the end."""
        try:
            if header.get("type") == "end":
                self.passed_over = read_counts(header)
                return None
            fields = header.get("item")
            if not isinstance(fields, dict):
                raise BadMessage("no item")
            item_id = read_text(fields, "id")
            number, position = self.number + 1, (self.number + 1, self._serial + 1)
            item = item_from_message(fields, lambda fields: self._opener_of(self, position, fields))
        except BadMessage as error:
            self.close()
            raise ReaderEnded(INVALID_ANSWER.format(error)) from error
        self.number, self._digest = number, digest_after(self._digest, item_id)
        self._serial += 1
        return item

    def _block_file(self, ended: ReaderEnded) -> Skipped | None:
        """Block the file over which the process ended; where that cannot help, report all the rest."""
        mark = ended.mark
        self._forget_process()
        if mark is None or mark.file in self.blocked or len(self.blocked) >= MAX_BLOCKED:
            return self._rest(ended.reason, name=None if mark is None else mark.file)
        self.blocked[mark.file] = ended.reason
        self.number, self._digest = mark.n_items, mark.digest
        return None

    def _rest(self, reason: str, name: str | None = None) -> Skipped:
        """Report everything that could not be listed."""
        if name is None:
            name = next(reversed(self.blocked), None) or label(self._request.source).rpartition("/")[2]
        why = self.blocked.get(name, reason)
        return Skipped.of(SourceCutOff(name=name, detail=why), item_id=f"{name}#rest", path=name)
