"""The libraries that the process for single uploads has open for several tenants."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from earwitness.api.http.uploads import upload_worker
from earwitness.api.http.uploads.upload_process import Ask
from earwitness.api.http.uploads.upload_worker import MOST_LIBRARIES, TenantLibraries
from earwitness.api.pipeline.run_spec import RunSpec
from earwitness.api.pipeline.searched_collections import open_library
from earwitness.api.scan.worker_errors import LibraryMoved
from earwitness.api.settings import Settings
from earwitness.index.library import Library
from earwitness.index.match import Effort
from earwitness.index.store.home_address import HomeAddress
from earwitness.index.store.store_errors import CollectionUnknown
from earwitness.index.writer import Writer
from tests.http.stored_things import add_dataset

NAMES = tuple("abcdef")


@pytest.fixture
def writers(tmp_path: Path) -> Iterator[dict[str, Writer]]:
    """A home in which each of six tenants has a dataset of its name, with the same audio."""
    with Writer.open(HomeAddress(tmp_path / "home", tenant="a")) as first:
        writers = {"a": first, **{name: first.of_tenant(name) for name in NAMES[1:]}}
        for name, writer in writers.items():
            add_dataset(writer, name)
        yield writers


def ask(writer: Writer) -> Ask:
    """Return an upload of the writer's tenant, for a search of its datasets as they are now."""
    settings = Settings(home=writer.address.path, tenant=writer.tenant)
    numbers = tuple(each.id for each in writer.collections)
    with Library.open(writer.address) as library:
        digest = library.state_digest(numbers)
    order = RunSpec(
        settings=settings, effort=Effort.FAST, collections=numbers, state_digest=digest, search=None
    )
    here = Path("x")
    return Ask(order=order, epoch=writer.epoch, home_epoch=writer.home_epoch, file=here, name="x", n_bytes=1)


def test_each_tenant_gets_its_own_library_and_a_few_are_open(
    writers: dict[str, Writer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever comes in turn, only the tenant's datasets are there, and at most a few libraries are open."""
    open_now = list[Library]()
    real_open, real_close = open_library, Library.close

    def opened(settings: Settings) -> Library:
        open_now.append(real_open(settings))
        return open_now[-1]

    def closed(self: Library) -> None:
        open_now.remove(self)
        real_close(self)

    libraries = TenantLibraries()
    asks = {name: ask(writer) for name, writer in writers.items()}
    monkeypatch.setattr(upload_worker, "open_library", opened)
    monkeypatch.setattr(Library, "close", closed)
    for name in (*NAMES, *reversed(NAMES), *NAMES):
        library = libraries.library(asks[name])
        assert [each.name for each in library.collections] == [name]
        assert library.tenant == name and len(open_now) <= MOST_LIBRARIES
    assert libraries.library(asks["f"]) is libraries.library(asks["f"])
    libraries.rest(writers["a"].home_epoch)
    assert len(open_now) == MOST_LIBRARIES
    before = libraries.library(asks["f"])
    add_dataset(writers["a"], "more")
    later = replace(asks["f"], home_epoch=writers["f"].home_epoch)
    assert later != asks["f"]
    assert libraries.library(later) is before  # a busy tenant closes no other's at once
    libraries.rest(writers["a"].home_epoch)
    assert open_now == []


def test_a_search_of_another_tenants_dataset_is_refused(writers: dict[str, Writer]) -> None:
    """Numbers of collections of another tenant are unknown in a library, and one cannot be written to."""
    with ExitStack() as stack:
        library = stack.enter_context(Library.open(writers["a"].address))
        (foreign,) = (each.id for each in writers["b"].collections)
        with pytest.raises(CollectionUnknown):
            library.state_digest([foreign])
        with pytest.raises(CollectionUnknown):
            writers["a"].add(foreign, [])
        with pytest.raises(CollectionUnknown):
            writers["a"].remove(foreign)
    with pytest.raises(LibraryMoved):
        asked = ask(writers["a"])
        add_dataset(writers["a"], "a", seeds=(1,))
        TenantLibraries().library(asked)
