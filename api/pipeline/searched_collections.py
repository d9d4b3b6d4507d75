"""From what a command says to an `RunSpec`: which collections are meant, and what is said to be searched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from earwitness.api.pipeline.pipeline_errors import NoSuchCollection, NothingIndexed, NothingRegistered
from earwitness.api.pipeline.run_spec import LibraryView, RunSpec, searched
from earwitness.api.settings import Settings
from earwitness.index.database.records import Collection, CollectionKind
from earwitness.index.match import Effort
from earwitness.index.store.summary import HomeSummary

if TYPE_CHECKING:
    from earwitness.index.library import Library


def open_library(settings: Settings) -> Library:
    """Open the newest epoch of the settings' home."""
    from earwitness.index.library import (
        Library,  # loads the numeric libraries, which a scan's parent does without
    )

    return Library.open(settings.home, tenant=settings.tenant, url=settings.database)


def contents_of(settings: Settings) -> HomeSummary:
    """Read what the settings' home holds, where nothing is to be asked of it in this process."""
    return HomeSummary.read(settings.home, tenant=settings.tenant, url=settings.database)


def works_of(library: LibraryView) -> list[Collection]:
    """Return the registry, as a list that is empty when no work is in it."""
    return [each for each in library.collections if each.kind is CollectionKind.WORKS and each.n_items]


def datasets_of(library: LibraryView, names: Sequence[str] = ()) -> list[Collection]:
    """Return the datasets named (``name`` or ``name:version``), or all of them.

    Raises
    ------
    NoSuchCollection
    """
    datasets = [each for each in library.collections if each.kind is CollectionKind.DATASET]
    for name in names:
        if not any(_is_called(each, name) for each in datasets):
            known = tuple(f"{each.name}:{each.version}" for each in datasets)
            raise NoSuchCollection(name=name, known=known)
    return [each for each in datasets if not names or any(_is_called(each, name) for name in names)]


def _is_called(collection: Collection, name: str) -> bool:
    return name in {collection.name, f"{collection.name}:{collection.version}"}


def run_spec_of(
    settings: Settings,
    library: LibraryView,
    asked: Sequence[Collection],
    *,
    effort: Effort,
    into: int | None = None,
    as_works: bool = False,
) -> RunSpec:
    """Say what is to be done with each item: look it up in `asked`, and store it in the collection `into`."""
    numbers = tuple(each.id for each in asked)
    return RunSpec(
        settings=settings,
        effort=effort,
        asked=numbers,
        state_digest=library.state_digest(numbers),
        search=searched(library, collections=numbers, effort=effort) if numbers else None,
        into=into,
        as_works=as_works,
    )


def check_spec(
    settings: Settings, library: LibraryView, *, names: Sequence[str] = (), effort: Effort = Effort.STANDARD
) -> RunSpec:
    """Order a check against datasets.

    Raises
    ------
    NothingIndexed
        When there is none: that is no answer about any audio.
    NoSuchCollection
    """
    datasets = datasets_of(library, names)
    if not datasets:
        raise NothingIndexed(home=str(settings.home))
    return run_spec_of(settings, library, datasets, effort=effort)


def scan_spec(settings: Settings, library: LibraryView, *, effort: Effort = Effort.STANDARD) -> RunSpec:
    """Order a scan for registered works.

    Raises
    ------
    NothingRegistered
        When there is none.
    """
    works = works_of(library)
    if not works:
        raise NothingRegistered(home=str(settings.home))
    return replace(run_spec_of(settings, library, works, effort=effort), remembers=True)
