"""List, correct and remove what is stored: registered works, and datasets with their names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from earwitness.api.pipeline.pipeline_errors import DatasetBusy, NoSuchCollection, NoSuchWork
from earwitness.api.pipeline.searched_collections import datasets_of, one_dataset
from earwitness.api.settings import Settings
from earwitness.api.shelf.stored_names import remove_names
from earwitness.index.database.records import CollectionKind, ItemRow, Removed
from earwitness.index.store.dataset_rows import page_of_items
from earwitness.index.store.jobs import Jobs, JobState
from earwitness.index.store.store_errors import ItemUnknown
from earwitness.index.writer import Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedDataset:
    """What was removed of a dataset: items, fingerprints that nothing else names, and names of its lists."""

    n_items: int = 0
    n_fingerprints: int = 0
    n_names: int = 0


def works_page(writer: Writer, *, after: int = 0, limit: int) -> list[ItemRow]:
    """Return registered works in the order of their numbers, beginning after the number `after`."""
    works = _registry(writer)
    if works is None:
        return []
    return page_of_items(writer.catalog, writer.tenant, works, after=after, limit=limit)


def one_work(writer: Writer, number: int) -> ItemRow:
    """Return the work with this number.

    Raises
    ------
    NoSuchWork
        Also for the number of a work of another tenant, or of an item of a dataset.
    """
    found = works_page(writer, after=number - 1, limit=1)
    if not found or found[0].id != number:
        raise NoSuchWork(work=str(number))
    return found[0]


def correct_work(writer: Writer, number: int, changes: Mapping[str, str | None]) -> ItemRow:
    """Change texts of a work, and return it.

    Parameters
    ----------
    changes : mapping
        Of ``title``, ``artist``, ``album``, ``owner`` and ``isrc`` those that change; None removes a text.

    Raises
    ------
    NoSuchWork
    """
    removed = [name for name, text in changes.items() if text is None]
    try:
        writer.update_metadata(
            one_work(writer, number).collection,
            number,
            title=changes.get("title"),
            artist=changes.get("artist"),
            album=changes.get("album"),
            owner=changes.get("owner"),
            isrc=changes.get("isrc"),
            without=removed,
        )
    except ItemUnknown:
        raise NoSuchWork(work=str(number)) from None
    return one_work(writer, number)


def remove_work(writer: Writer, number: int) -> Removed:
    """Remove one registration of a work; raises NoSuchWork."""
    return writer.remove(one_work(writer, number).collection, items=[number])


def remove_works_named(writer: Writer, name: str) -> Removed:
    """Remove every registration of a work, by its path or its sha256.

    Raises
    ------
    NoSuchCollection
    """
    works = _registry(writer)
    items = [] if works is None else writer.find(works, name)
    if works is None or not items:
        raise NoSuchCollection(name=name, known=())
    return writer.remove(works, items=[each.id for each in items])


def remove_dataset(
    name: str, *, writer: Writer, settings: Settings, with_names: bool = True
) -> RemovedDataset:
    """Remove the fingerprints and the names of the dataset ``NAME`` or ``NAME:VERSION``.

    Parameters
    ----------
    with_names
        Whether its names are removed as well, which are of all tenants of a home.

    Raises
    ------
    NoSuchCollection
        When none is called so, or several versions are.
    HomeBusy
    """
    sound = _sound_of(writer, name)
    names = remove_names(name, settings) if with_names else []
    if sound is None and not names:
        one_dataset(writer.collections, name)  # raises, and lists those that there are
    removed = Removed(n_items=0, n_recordings=0) if sound is None else writer.remove(sound)
    return RemovedDataset(
        n_items=removed.n_items,
        n_fingerprints=removed.n_recordings,
        n_names=sum(each.n_entries for each in names),
    )


def refuse_while_indexed(name: str, jobs: Jobs) -> None:
    """Raise DatasetBusy where a job that has not ended adds to the dataset ``NAME`` or ``NAME:VERSION``."""
    waiting = (JobState.QUEUED, JobState.RUNNING)
    for job in jobs.recent(limit=10_000, states=waiting, kinds=("index",)):
        called, version = job.payload["name"], job.payload["version"]
        if name in {called, f"{called}:{version}"}:
            raise DatasetBusy(name=f"{called}:{version}", job=job.id)


def _sound_of(writer: Writer, name: str) -> int | None:
    """Return the number of the only collection of this name; None without one."""
    try:
        found = datasets_of(writer.collections, [name])
    except NoSuchCollection:
        return None
    return found[0].id if len(found) == 1 else one_dataset(writer.collections, name).id


def _registry(writer: Writer) -> int | None:
    """Return the number of the collection of works; None where no work was ever registered."""
    return next((each.id for each in writer.collections if each.kind is CollectionKind.WORKS), None)
