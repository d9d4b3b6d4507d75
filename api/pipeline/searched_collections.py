"""Find the collections that a command or a request names, and make the `RunSpec` that searches them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from earwitness.api.pipeline.pipeline_errors import NoSuchCollection, NothingIndexed, NothingRegistered
from earwitness.api.pipeline.run_spec import LibraryView, RunSpec, search_scope
from earwitness.api.settings import Settings
from earwitness.index.changed_copies.coverage import read_coverage
from earwitness.index.database.records import Collection, CollectionKind
from earwitness.index.match import Effort
from earwitness.index.store.store_errors import HomeMissing
from earwitness.index.store.summary import HomeSummary

if TYPE_CHECKING:
    from earwitness.index.library import Library


def open_library(settings: Settings) -> Library:
    """Open the newest epoch of the settings' home."""
    from earwitness.index.library import (
        Library,  # loads numeric libraries, which a scan's parent does not need
    )

    return Library.open(settings.home_address)


def read_summary(settings: Settings) -> HomeSummary:
    """Read which collections the settings' home holds, without loading the library."""
    return HomeSummary.read(settings.home_address)


def stored_collections(settings: Settings) -> tuple[Collection, ...]:
    """Return the collections of the settings' home; none where nothing was ever stored."""
    try:
        return read_summary(settings).collections
    except HomeMissing:
        return ()


def works_of(collections: Iterable[Collection]) -> list[Collection]:
    """Return the registry, as a list that is empty when it holds no work."""
    return [each for each in collections if each.kind is CollectionKind.WORKS and each.n_items]


def datasets_of(collections: Iterable[Collection], names: Sequence[str] = ()) -> list[Collection]:
    """Return the datasets with these names (``NAME`` or ``NAME:VERSION``); without names, all of them.

    Raises
    ------
    NoSuchCollection
        When a name fits no dataset.
    """
    datasets = [each for each in collections if each.kind is CollectionKind.DATASET]
    for name in names:
        if not any(_has_name(each, name) for each in datasets):
            raise NoSuchCollection(name=name, known=_labels(datasets))
    return [each for each in datasets if not names or any(_has_name(each, name) for name in names)]


def slow_scan_note(settings: Settings, works: Sequence[Collection]) -> str:
    """Say why scans cannot use the changed copies of works, and are slow; empty where they can."""
    coverage = read_coverage(settings.home_address, works)
    if coverage.is_usable:
        return ""
    if not coverage.n_without:
        return (
            "the changed copies of all works would take too much memory: scans at standard and full undo"
            " every change of every item, which takes several times as long"
        )
    what = "1 work has" if coverage.n_without == 1 else f"{coverage.n_without:,} works have"
    return (
        f"{what} no changed copies, as an earlier version registered them: scans at standard and full undo"
        " every change of every item, which takes several times as long; register the same files again"
    )


def one_dataset(collections: Iterable[Collection], name: str) -> Collection:
    """Return the only dataset with this name.

    Raises
    ------
    NoSuchCollection
        When no dataset has it, or several versions have; the error lists those.
    """
    datasets = datasets_of(collections, [name])
    if len(datasets) > 1:
        raise NoSuchCollection(name=name, known=_labels(datasets))
    return datasets[0]


def require_datasets(
    collections: Iterable[Collection], names: Sequence[str] = (), *, home: Path
) -> list[Collection]:
    """Return `datasets_of`, at least one.

    Raises
    ------
    NothingIndexed
        When there is no dataset: a search of nothing must not be reported as ``no_match``.
    NoSuchCollection
    """
    collections = list(collections)
    if not datasets_of(collections):
        raise NothingIndexed(home=home)
    return datasets_of(collections, names)


def require_works(collections: Iterable[Collection], *, home: Path) -> list[Collection]:
    """Return `works_of`, at least one; raises NothingRegistered."""
    works = works_of(collections)
    if not works:
        raise NothingRegistered(home=home)
    return works


def _has_name(collection: Collection, name: str) -> bool:
    return name in {collection.name, f"{collection.name}:{collection.version}"}


def _labels(datasets: Sequence[Collection]) -> tuple[str, ...]:
    return tuple(f"{each.name}:{each.version}" for each in datasets)


def run_spec_of(
    settings: Settings,
    library: LibraryView,
    collections: Sequence[Collection],
    *,
    effort: Effort,
    into: int | None = None,
    as_works: bool = False,
    with_copies: bool = False,
    among_themselves: bool = False,
    reuses_findings: bool = False,
) -> RunSpec:
    """Return the spec of a run that searches `collections` and stores items in the collection `into`."""
    ids = tuple(each.id for each in collections)
    return RunSpec(
        settings=settings,
        effort=effort,
        collections=ids,
        state_digest=library.state_digest(ids),
        search=search_scope(library, collections=ids, effort=effort) if ids else None,
        into=into,
        as_works=as_works,
        with_copies=with_copies or as_works,
        among_themselves=among_themselves,
        reuses_findings=reuses_findings,
    )


def check_spec(
    settings: Settings, library: LibraryView, *, names: Sequence[str] = (), effort: Effort = Effort.STANDARD
) -> RunSpec:
    """Return the spec of a check against datasets; raises as `require_datasets` does."""
    datasets = require_datasets(library.collections, names, home=settings.home)
    return run_spec_of(settings, library, datasets, effort=effort)


def scan_spec(
    settings: Settings,
    library: LibraryView,
    *,
    effort: Effort = Effort.STANDARD,
    within: Sequence[str] = (),
) -> RunSpec:
    """Return the spec of a scan for registered works, or for the items of the datasets `within`.

    Raises as `require_works` does, or as `require_datasets`.
    """
    collections, home = library.collections, settings.home
    searched = (
        require_datasets(collections, within, home=home) if within else require_works(collections, home=home)
    )
    return run_spec_of(settings, library, searched, effort=effort, reuses_findings=True)
