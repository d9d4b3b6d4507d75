"""Look up the bytes of a source's items in the lists of known files; nothing is decoded or searched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from earwitness.api.datasets.items import Skipped, SourceItem
from earwitness.api.findings import FindingError
from earwitness.api.pipeline.item_bytes import read_item
from earwitness.api.settings import Settings
from earwitness.api.shelf.same_file import open_known_files, same_files
from earwitness.api.shelf.same_file_evidence import SameFile
from earwitness.fingerprint.errors import AudioError

SCHEMA: Final = "earwitness.same-file/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedUp:
    """One item that was looked up; `error` says why its bytes could not be read."""

    item: str
    path: str
    digests: dict[str, str]
    same_file: tuple[SameFile, ...]
    error: FindingError | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {"schema": SCHEMA, **asdict(self)}


@dataclass(slots=True, kw_only=True)
class LookUpTally:
    """Counts over the items of a source.

    Attributes
    ----------
    datasets : Counter
        Items by the dataset that lists them.
    in_full : dict
        Files that each of these datasets lists.
    """

    n_items: int = 0
    n_unread: int = 0
    n_known: int = 0
    datasets: Counter[str] = field(default_factory=Counter)
    in_full: dict[str, int] = field(default_factory=dict)

    def count(self, looked_up: LookedUp) -> None:
        """Add one item."""
        self.n_items += 1
        self.n_unread += looked_up.error is not None
        self.n_known += bool(looked_up.same_file)
        for each in looked_up.same_file:
            self.datasets[each.dataset] += 1
            self.in_full[each.dataset] = each.n_files


def look_up(items: Iterable[SourceItem | Skipped], settings: Settings) -> Iterator[LookedUp]:
    """Yield every item with the known datasets that list a file with its bytes.

    Raises
    ------
    FileListDamaged
    """
    known = open_known_files(settings)
    for item in items:
        if isinstance(item, Skipped):
            error = FindingError(code=item.code, message=item.message, hint=item.hint)
            yield LookedUp(item=item.item_id, path=item.path, digests={}, same_file=(), error=error)
            continue
        try:
            with read_item(item, kinds=known.digests) as read:
                digests = dict(read.digests)
        except AudioError as unread:
            error = FindingError.of(unread)
            yield LookedUp(item=item.item_id, path=item.path, digests={}, same_file=(), error=error)
            continue
        found = same_files(known, digests)
        yield LookedUp(item=item.item_id, path=item.path, digests=digests, same_file=found)
