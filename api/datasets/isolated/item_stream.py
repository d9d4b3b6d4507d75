"""One passage through a source: item after item, past whatever the process that reads it dies of."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO, Final

from earwitness.api.datasets.isolated.item_messages import counts, item_from_message, text
from earwitness.api.datasets.isolated.message_frames import BadMessage
from earwitness.api.datasets.isolated.progress_watch import NO_ITEMS, digest_after
from earwitness.api.datasets.isolated.read_request import Request
from earwitness.api.datasets.isolated.reading_errors import ReaderFailed
from earwitness.api.datasets.isolated.reading_process import (
    MAX_BLOCKED,
    NONSENSE,
    Child,
    ReaderEnded,
    close_all,
    start,
)
from earwitness.api.datasets.item_errors import SourceCutOff
from earwitness.api.datasets.items import Skipped, SourceItem
from earwitness.api.datasets.names import label
from earwitness.fingerprint.errors import EarwitnessError

Opened = Callable[["ItemStreamFromProcess", tuple[int, int], Mapping[str, Any]], Callable[[], BinaryIO]]
_CHANGED: Final = "it is not the same as when it was first read"


class ItemStreamFromProcess:
    """Goes through a source once.

    A process that ends while it lists a file of the source is replaced by one that reads the source without
    that file: the items before it stay as they are, and the file's reader accounts for what is missing.

    Parameters
    ----------
    child
        A process that has opened the source; None where one is to be started.
    blocked
        The files that it reads the source without, and why.
    opened
        Makes the function that opens an item's bytes, from this passage, the item's number and how many were
        handed out with it, and what was said of it.

    Attributes
    ----------
    number : int
        Items so far, in the order of a reading without the blocked files.
    passed_over
        What the reader passed over, as it says itself; known at the end.
    """

    def __init__(
        self,
        request: Request,
        child: Child | None,
        blocked: Mapping[str, str],
        *,
        opened: Opened,
    ) -> None:
        self.blocked = dict(blocked)
        self.number, self._serial = 0, 0
        self.passed_over: Mapping[str, int] | None = None
        self._request, self._opened = request, opened
        self._alive = set[Child]() if child is None else {child}
        # the last item of a passage that is given up can still be read; then the process ends
        weakref.finalize(self, close_all, self._alive)
        self._child, self._began = child, False
        self._digest = NO_ITEMS

    def __iter__(self) -> Iterator[SourceItem | Skipped]:
        while True:
            try:
                header = self._next()
                item = self._item(header)
            except ReaderEnded as ended:
                if rest := self._go_past(ended):
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
        """The bytes of the item that was handed out last.

        Raises
        ------
        ReaderFailed
            The process ended over it; the next item is then read by another.
        ItemRefused
        """
        assert self._child is not None  # `has` was asked
        try:
            return self._child.ask("bytes").stream()
        except ReaderEnded as ended:
            self._drop()
            raise ReaderFailed(name=item_id, detail=ended.reason) from ended

    def has(self, serial: int) -> bool:
        """Whether the item that was handed out as this one can still be read where it was listed."""
        return self._serial == serial and self._child is not None

    def close(self) -> None:
        """End the process."""
        if self._child is not None:
            self._child.close()
            self._drop()

    def _drop(self) -> None:
        if self._child is not None:
            self._alive.discard(self._child)
        self._child, self._began = None, False

    def _next(self) -> Mapping[str, Any]:
        if self._child is None:
            self._child = start(self._request, self.blocked)[0]
            self._alive.add(self._child)
        if not self._began:
            at = self._child.ask("iterate", skip=self.number).header
            if (at.get("at"), at.get("digest")) != (self.number, self._digest):
                raise SourceCutOff(name=label(self._request.source), detail=_CHANGED)
            self._began = True
        return self._child.ask("next").header

    def _item(self, header: Mapping[str, Any]) -> SourceItem | Skipped | None:
        """The item that was said; None at the end."""
        said = header.get("item")
        try:
            if header.get("say") == "end":
                self.passed_over = counts(header)
                return None
            if not isinstance(said, dict):
                raise BadMessage("no item")
            item_id = text(said, "id")
            number, place = self.number + 1, (self.number + 1, self._serial + 1)
            item = item_from_message(said, lambda said: self._opened(self, place, said))
        except BadMessage as error:
            self.close()
            raise ReaderEnded(NONSENSE.format(error)) from error
        self.number, self._digest = number, digest_after(self._digest, item_id)
        self._serial += 1
        return item

    def _go_past(self, ended: ReaderEnded) -> Skipped | None:
        """Block the file that the process ended over; the account of all the rest where that cannot help."""
        mark = ended.mark
        self._drop()
        if mark is None or mark.place in self.blocked or len(self.blocked) >= MAX_BLOCKED:
            return self._rest(ended.reason, name=None if mark is None else mark.place)
        self.blocked[mark.place] = ended.reason
        self.number, self._digest = mark.n_items, mark.digest
        return None

    def _rest(self, reason: str, name: str | None = None) -> Skipped:
        if name is None:
            name = next(reversed(self.blocked), None) or label(self._request.source).rpartition("/")[2]
        why = self.blocked.get(name, reason)
        return Skipped.of(SourceCutOff(name=name, detail=why), item_id=f"{name}#rest", path=name)
