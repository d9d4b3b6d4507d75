"""Works and datasets for a served home, made without audio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from earwitness.api.pipeline.stored_works import one_work
from earwitness.api.watch.dataset_parts import DatasetParts
from earwitness.api.watch.notice_contents import WorkFindings, notice_contents
from earwitness.index.database.records import CollectionKind, NewItem
from earwitness.index.notices.delivery_rows import Deliveries
from earwitness.index.notices.notice_records import NewNotice
from earwitness.index.notices.notice_rows import add_notices
from earwitness.index.notices.watch_rows import add_watches
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


def add_notice(writer: Writer, work: int) -> int:
    """Watch a work, make a notice about it, and set an address; return the number of the notice."""
    Deliveries(writer.catalog, tenant=writer.tenant).set_webhook(
        "https://example.org/", secret="whsec_AAAA", every=False
    )
    parts = DatasetParts(name="set", version="1", collection=None, names=(), pack=None)
    contents = notice_contents(one_work(writer, work), parts, WorkFindings(asked=None))
    new = NewNotice(
        item=work, dataset="set", version="1", state="s", outcome="match", contents=contents, is_news=True
    )
    with writer.changing() as connection:
        add_watches(connection, writer.tenant, [work])
        (number,) = add_notices(connection, writer.tenant, [new])
    return number


def add_dataset(writer: Writer, name: str, version: str = "1", *, seeds: Sequence[int] = (90, 91)) -> None:
    """Index a dataset."""
    dataset = writer.collection(CollectionKind.DATASET, name, version)
    writer.add(dataset, [made_item(writer, seed) for seed in seeds])
    writer.mark(dataset, complete=True)
