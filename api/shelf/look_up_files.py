"""Look up the bytes and names of a source's items in the lists; nothing is decoded or searched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from earwitness.api.datasets.items import Skipped, SourceItem
from earwitness.api.findings import FindingError
from earwitness.api.pipeline.item_bytes import read_item
from earwitness.api.settings import Settings
from earwitness.api.shelf.by_name import asked_of_item, named_in
from earwitness.api.shelf.names_evidence import NamedIn
from earwitness.api.shelf.same_file import open_known_files, same_files
from earwitness.api.shelf.same_file_evidence import SameFile
from earwitness.fingerprint.decode import Decoder
from earwitness.fingerprint.errors import AudioError
from earwitness.fingerprint.types import NO_TAGS
from earwitness.index.names.name_list import NameList

SCHEMA: Final = "earwitness.same-file/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedUp:
    """One item that was looked up.

    Attributes
    ----------
    same_file : tuple of SameFile
        Known datasets that list its bytes.
    names : tuple of NamedIn
        Known datasets that name it; empty where names were not asked.
    error : FindingError or None
        Why its bytes could not be read.
    """

    item: str
    path: str
    digests: dict[str, str]
    same_file: tuple[SameFile, ...] = ()
    names: tuple[NamedIn, ...] = ()
    error: FindingError | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        fields = {"schema": SCHEMA, **asdict(self)}
        del fields["names"]
        return fields | ({"names": [each.to_json() for each in self.names]} if self.names else {})


@dataclass(slots=True, kw_only=True)
class LookUpTally:
    """Counts over the items of a source.

    Attributes
    ----------
    datasets : Counter
        Items by the dataset that lists them.
    in_full : dict
        Files that each of these datasets lists.
    names : Counter
        Items by the dataset that names them, where chance does not explain it.
    """

    n_items: int = 0
    n_unread: int = 0
    n_known: int = 0
    datasets: Counter[str] = field(default_factory=Counter)
    in_full: dict[str, int] = field(default_factory=dict)
    names: Counter[str] = field(default_factory=Counter)

    def count(self, looked_up: LookedUp) -> None:
        """Add one item."""
        self.n_items += 1
        self.n_unread += looked_up.error is not None
        self.n_known += bool(looked_up.same_file)
        for each in looked_up.same_file:
            self.datasets[each.dataset] += 1
            self.in_full[each.dataset] = each.n_files
        self.names.update({each.dataset for each in looked_up.names if not each.is_noise})


def look_up(
    items: Iterable[SourceItem | Skipped], settings: Settings, *, lists: Sequence[NameList] = ()
) -> Iterator[LookedUp]:
    """Yield every item with the known datasets that list a file with its bytes.

    Parameters
    ----------
    lists
        Lists of names that are asked too, by the tags of the file and its row in a list.

    Raises
    ------
    FileListDamaged, NameListDamaged
    """
    known = open_known_files(settings)
    with Decoder(
        limits=settings.decode_limits(), sandbox=settings.sandbox
    ) as decoder:  # starts with its first item
        for item in items:
            if isinstance(item, Skipped):
                error = FindingError(code=item.code, message=item.message, hint=item.hint)
                yield LookedUp(item=item.item_id, path=item.path, digests={}, error=error)
                continue
            try:
                with read_item(item, kinds=known.digests) as read:
                    digests = dict(read.digests)
                    tags = decoder.read_tags(read.source, name=item.item_id) if lists else NO_TAGS
            except AudioError as unread:
                error = FindingError.of(unread)
                yield LookedUp(item=item.item_id, path=item.path, digests={}, error=error)
                continue
            asked = asked_of_item(item.item_id, tags, item.identifiers)
            yield LookedUp(
                item=item.item_id,
                path=item.path,
                digests=digests,
                same_file=same_files(known, digests),
                names=named_in(lists, asked),
            )
