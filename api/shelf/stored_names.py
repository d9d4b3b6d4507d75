"""The lists of names of a home: one file each, which appears whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from earwitness.api.packs.installed_packs import installed_packs, pack_key
from earwitness.api.settings import Settings
from earwitness.api.shelf.dataset_cards import cards
from earwitness.index.names.name_entries import INDEXED_HERE, NamedDataset
from earwitness.index.names.name_list import NameList
from earwitness.index.names.stored_rows import StoredRow
from earwitness.index.names.verify_names import LIST_ENDING
from earwitness.index.names.write_name_list import NameListWriter
from earwitness.index.store.files import TEMPORARY_PREFIX, convert_write_errors, fsync_folder
from earwitness.index.store.home_address import NAMES_FOLDER
from earwitness.index.store.lock import locked_folder

LOCK_FILE: Final = "names.lock"
_LISTS_HELD: Final = 256


def names_folder(settings: Settings) -> Path:
    """Return the folder of a home's lists of names, which need not exist."""
    return settings.home / NAMES_FOLDER


def names_path(settings: Settings, *, name: str, version: str) -> Path:
    """Return the file of the names of a dataset, which need not exist."""
    return names_folder(settings) / f"{pack_key(name, version)}{LIST_ENDING}"


def open_names(settings: Settings) -> list[NameList]:
    """Open all lists of names of a home: those that were indexed, and those of its packs.

    Raises
    ------
    NameListDamaged, NameListTooNew
    """
    paths = sorted(names_folder(settings).glob(f"*{LIST_ENDING}"))
    paths += [pack.name_list for pack in installed_packs(settings) if pack.name_list is not None]
    return [_opened(path, path.stat().st_mtime_ns, path.stat().st_ino) for path in paths]


@lru_cache(maxsize=_LISTS_HELD)
def _opened(path: Path, _changed_ns: int, _number: int) -> NameList:
    return NameList(path)


def card_of_dataset(name: str) -> str | None:
    """Return the id of the card of a dataset with this name or id; None where there is none."""
    wanted = name.casefold()
    return next((each.id for each in cards().values() if wanted in {each.id, each.name.casefold()}), None)


def now() -> str:
    """Return the time: ISO 8601, UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@contextmanager
def changing_names(settings: Settings) -> Iterator[Path]:
    """Let only this process change the lists of a home; what killed ones left is deleted first.

    Raises
    ------
    HomeBusy
    """
    folder = names_folder(settings)
    with locked_folder(folder, lock_file=LOCK_FILE, home=settings.home, what="names"):
        for each in folder.glob(f"{TEMPORARY_PREFIX}*"):
            each.unlink(missing_ok=True)
        yield folder


def store_names(
    rows: Iterable[StoredRow],
    settings: Settings,
    *,
    name: str,
    version: str,
    layout: str,
    is_complete: Callable[[], bool] = lambda: True,
) -> NamedDataset:
    """Store the names of a dataset, in place of those of an earlier run.

    Parameters
    ----------
    is_complete
        Called after the last row: whether the list was read to its end.

    Raises
    ------
    HomeBusy, DiskFull, DiskFailed, StoreUnwritable
    """
    path = names_path(settings, name=name, version=version)
    with changing_names(settings), NameListWriter(path) as writer:
        writer.add(rows)
        about: dict[str, Any] = {
            "name": name,
            "version": version,
            "layout": layout,
            "card": card_of_dataset(name),
        }
        about |= {"listed_by": INDEXED_HERE, "date": now()}
        return writer.finish({**about, "complete": is_complete()})


def only_named(settings: Settings, name: str) -> Path | None:
    """Return the file of the only list of this name (``NAME`` or ``NAME:VERSION``); None without one.

    Raises
    ------
    NoSuchCollection
        When several versions have the name.
    """
    from earwitness.api.pipeline.pipeline_errors import NoSuchCollection

    paths = {}
    for path in sorted(names_folder(settings).glob(f"*{LIST_ENDING}")):
        with closing(NameList(path)) as names:
            version = f"{names.dataset.name}:{names.dataset.version}"
            if name in {names.dataset.name, version}:
                paths[version] = path
    if len(paths) > 1:
        raise NoSuchCollection(name=name, known=tuple(paths))
    return next(iter(paths.values()), None)


def remove_names(name: str, settings: Settings) -> list[NamedDataset]:
    """Remove the names of datasets that are called so (``NAME`` or ``NAME:VERSION``); return them.

    Raises
    ------
    HomeBusy
    """
    removed = []
    with changing_names(settings) as folder:
        for path in sorted(folder.glob(f"*{LIST_ENDING}")):
            with closing(NameList(path)) as names:
                dataset = names.dataset
            if name in {dataset.name, f"{dataset.name}:{dataset.version}"}:
                with convert_write_errors(path):
                    path.unlink()
                    fsync_folder(folder)
                removed.append(dataset)
    return removed
