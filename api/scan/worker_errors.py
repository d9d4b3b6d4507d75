"""Errors of worker processes: one does not start, ends, or takes too long over an item."""

from __future__ import annotations

from earwitness.api.datasets.item_errors import ItemRefused
from earwitness.fingerprint.errors import EarwitnessError


class WorkersFail(EarwitnessError):
    """A worker process ends before it begins to work."""

    code = "workers_fail"

    def __init__(self, *, status: int | None) -> None:
        self.status = status
        super().__init__(
            f"worker processes do not start (exit status {status})",
            hint="run `earwitness doctor`; what the worker printed is above",
        )


class LibraryMoved(EarwitnessError):
    """The library changed while workers were starting, so they would not all search the same state."""

    code = "library_moved"

    def __init__(self, *, wanted: int, found: int) -> None:
        self.wanted, self.found = wanted, found
        super().__init__(
            f"the library changed from epoch {wanted} to {found} during the search",
            hint="run the command again; findings that are still valid are reused",
        )


class WorkerDied(ItemRefused):
    """A worker process ended twice while it processed this item; other items are not affected."""

    code = "worker_died"
    reason = "the process that compared it ended, twice"
    hint = "try it again; if that does not help, re-encode the file"


class ItemTimeout(ItemRefused):
    """All work on an item took longer than its limit; other items are not affected."""

    code = "item_timeout"
    reason = "it was stopped before it was compared to its end"
    hint = "split the file, or raise EARWITNESS_ITEM_WALL_S"

    def __init__(self, *, name: str, limit_s: float) -> None:
        super().__init__(name=name, detail=f"the limit is {limit_s:g} s")
