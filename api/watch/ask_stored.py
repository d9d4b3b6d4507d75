"""Ask a dataset about watched works by what is stored of them: digests, names, and the Chromaprint.

No audio is at hand then. What is stored of a work is made to be found: a query needs finer frames, which are
not stored, and E-values hold for such queries only. So only whole, unchanged copies can be asked for, and
what is found by Chromaprint alone is no more than possible.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from earwitness.api.pipeline.searched_collections import open_library
from earwitness.api.settings import Settings
from earwitness.api.shelf.by_name import asked_of_work, named_in
from earwitness.api.shelf.names_evidence import NamedIn
from earwitness.api.shelf.same_file import same_files
from earwitness.api.shelf.same_file_evidence import SameFile
from earwitness.api.watch.dataset_parts import DatasetParts
from earwitness.index.database.records import ItemRow
from earwitness.index.known_files.file_list import FileList
from earwitness.index.known_files.known_files import KnownFiles
from earwitness.index.library import Library


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredItem:
    """One item of a dataset."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAnswer:
    """What a dataset has of one work by what is stored of both.

    Attributes
    ----------
    same_bytes : tuple of StoredItem
        Items with the bytes of the work's file.
    whole_files : tuple of StoredItem
        Other items that are about as long, and whose Chromaprint agrees from start to end.
    same_file : tuple of SameFile
        Lists of known files of the dataset that hold the digest of the work's file.
    names : tuple of NamedIn
        Lists of names of the dataset that name the work; without those that chance gives.
    """

    same_bytes: tuple[StoredItem, ...] = ()
    whole_files: tuple[StoredItem, ...] = ()
    same_file: tuple[SameFile, ...] = ()
    names: tuple[NamedIn, ...] = ()


def ask_stored(
    parts: DatasetParts, works: Sequence[ItemRow], settings: Settings, *, by_sound: bool
) -> dict[int, StoredAnswer]:
    """Ask one version of a dataset about works, each by its number.

    Parameters
    ----------
    by_sound
        Whether the stored sound is asked too: not where indexing has compared all of it.

    Raises
    ------
    FileListDamaged, NameListDamaged, ShardDamaged, CatalogDamaged
    """
    path = None if parts.pack is None else parts.pack.file_list
    files = KnownFiles([] if path is None else [FileList(path)])
    answers = {work.id: _by_lists(work, parts, files) for work in works}
    if by_sound and parts.collection is not None and works:
        with open_library(settings) as library:
            for work, (same, others) in _by_sound(works, library, parts.collection.id):
                answers[work.id] = replace(answers[work.id], same_bytes=same, whole_files=others)
    return answers


def _by_lists(work: ItemRow, parts: DatasetParts, files: KnownFiles) -> StoredAnswer:
    named = named_in(parts.names, asked_of_work(work))
    return StoredAnswer(
        same_file=() if work.sha256 is None else same_files(files, {"sha256": work.sha256}),
        names=tuple(each for each in named if not each.is_noise),
    )


Items = tuple[StoredItem, ...]


def _by_sound(
    works: Sequence[ItemRow], library: Library, dataset: int
) -> Iterator[tuple[ItemRow, tuple[Items, Items]]]:
    """Yield each work with the items that have its bytes, and those whose Chromaprint agrees as a whole."""
    rows = library.items_with([work.sha256 for work in works if work.sha256], dataset)
    by_sha256 = defaultdict[str, list[ItemRow]](list)
    for row in rows:
        by_sha256[row.sha256 or ""].append(row)
    for work in works:
        assert work.recording is not None  # a work has a fingerprint
        duration_s = library.recording(work.recording).duration_s
        found = library.whole_file(library.chromaprint(work.recording), duration_s, [dataset])
        items = _items(item for number in found for item in library.items(number, [dataset]))
        same = _items(by_sha256[work.sha256 or ""])
        yield work, (same, tuple(each for each in items if each not in same))


def _items(rows: Iterable[ItemRow]) -> Items:
    whole = [row for row in rows if row.start_s is None and row.end_s is None]
    return tuple(StoredItem(path=row.path, sha256=row.sha256 or "") for row in whole)
