"""Works and datasets for a served home, made without audio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from earwitness.index.database.records import CollectionKind, NewItem
from earwitness.index.writer import Writer
from tests.contract.small_store import some_item


def made_item(writer: Writer, seed: int, *, title: str | None = None) -> NewItem:
    """Return an item of the writer's scheme."""
    item = some_item(seed)
    assert item.fingerprint is not None
    return replace(item, fingerprint=replace(item.fingerprint, scheme=writer.scheme), title=title)


def add_works(writer: Writer, *titles: str) -> list[int]:
    """Register a work for each title, and return their numbers."""
    works = writer.collection(CollectionKind.WORKS)
    items = [made_item(writer, seed, title=title) for seed, title in enumerate(titles)]
    return [each.item for each in writer.add(works, items)]


def add_dataset(writer: Writer, name: str, version: str = "1", *, seeds: Sequence[int] = (90, 91)) -> None:
    """Index a dataset."""
    dataset = writer.collection(CollectionKind.DATASET, name, version)
    writer.add(dataset, [made_item(writer, seed) for seed in seeds])
    writer.mark(dataset, complete=True)
