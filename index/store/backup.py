"""Write a home into one file while it is in use, and make a home from such a file.

A backup holds the catalog, the lists of names and the packs. It does not hold the shards: these are built
again from the fingerprints.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from sqlalchemy import update

from earwitness.index.database import sqlite
from earwitness.index.database.catalog import (
    CATALOG_FILE,
    Catalog,
    bring_up_to_date,
    open_catalog,
    refuse_without_catalog,
    schema_of,
)
from earwitness.index.database.tables import JOB, MEMBERSHIP, SHARD
from earwitness.index.names.name_errors import NameListDamaged
from earwitness.index.names.verify_names import name_problems
from earwitness.index.store.backup_file import (
    FileChanged,
    HeldFile,
    Keep,
    may_be_held,
    read_backup,
    write_backup,
)
from earwitness.index.store.files import TEMPORARY_PREFIX, convert_write_errors, fsync_folder
from earwitness.index.store.home_address import NAMES_FOLDER, PACKS_FOLDER, SHARD_FOLDER, HomeAddress
from earwitness.index.store.jobs import JobState
from earwitness.index.store.lock import LOCK_FILES
from earwitness.index.store.shards import Codec
from earwitness.index.store.store_errors import (
    BackupDamaged,
    CatalogDamaged,
    CatalogElsewhere,
    DiskFailed,
    HomeBusy,
    HomeNotEmpty,
)
from earwitness.index.store.verify import stored_problems
from earwitness.index.writer import Writer

ATTEMPTS: Final = 3
UNFINISHED: Final = f"{TEMPORARY_PREFIX}restore"
_BESIDE: Final = (NAMES_FOLDER, PACKS_FOLDER)

FOLDER_PREFIX: Final = ".earwitness-backup-"
"""Prefix of the temporary folders in which catalogs are copied and compressed."""

UNLOCKED_FOLDER_S: Final = 60.0
"""Age in seconds from which a temporary folder without a lock file is deleted."""


def backup(address: HomeAddress, target: Path) -> int:
    """Write everything that a home holds into one file; other processes may use the home meanwhile.

    The copy is checked completely before it replaces an earlier backup, and the written file is read back.

    Returns
    -------
    size_bytes : int
        Size of the file, which appears only when it is complete and on the disk.

    Raises
    ------
    CatalogElsewhere
        When the catalog is in an external database.
    HomeMissing, CatalogMissing, ChangesLost
    CatalogDamaged, NameListDamaged
        When the home is damaged; `target` is then unchanged.
    HomeBusy
        When lists of names or packs change all the time.
    DiskFull, StoreUnwritable
    """
    if address.database_url is not None:
        raise CatalogElsewhere
    home = address.path
    catalog_file = home / CATALOG_FILE
    has_catalog = catalog_file.is_file()
    if has_catalog or not held_beside(home):
        open_catalog(address).close()  # runs missing migrations, and checks for lost changes
    refuse_without_catalog(home)
    _delete_leftovers(target.parent)
    with convert_write_errors(target), _temporary_folder(target.parent) as folder:
        copy, packed = folder / CATALOG_FILE, folder / "packed"
        if has_catalog:
            sqlite.copy_while_in_use(catalog_file, copy)
            _check(folder, where=catalog_file)
        size_bytes = _write(home, packed, [(CATALOG_FILE, copy)] if has_catalog else [])
        try:
            read_backup(packed, lambda _: lambda _: None)
        except BackupDamaged as error:
            reason = f"the file read back differs from what was written: {error.reason}"
            raise DiskFailed(path=str(target), reason=reason) from error
        packed.replace(target)
        fsync_folder(target.parent)
        return size_bytes


def held_beside(home: Path) -> list[tuple[str, Path]]:
    """Return the files beside the catalog that backups hold: lists of names, and packs."""
    found = [*(home / NAMES_FOLDER).glob("*"), *(home / PACKS_FOLDER).rglob("*")]
    named = ((path.relative_to(home).as_posix(), path) for path in sorted(found) if path.is_file())
    return [(name, path) for name, path in named if may_be_held(name) and not name.endswith(".lock")]


def _write(home: Path, packed: Path, catalog: list[tuple[str, Path]]) -> int:
    """Write the backup; try again when a list of names or a pack changes meanwhile."""
    for _ in range(ATTEMPTS):
        for problem in name_problems(home):
            raise NameListDamaged(path=problem.where, reason=problem.what)
        try:
            return write_backup(packed, [*catalog, *held_beside(home)])[1]
        except FileChanged:
            continue
    raise HomeBusy(home=str(home), holder="another process that changes its names or packs")


@contextmanager
def _temporary_folder(parent: Path) -> Iterator[Path]:
    """A folder beside the backup, locked until the process that made it ends."""
    folder = Path(tempfile.mkdtemp(dir=parent, prefix=FOLDER_PREFIX))
    try:
        with (folder / "lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _delete_leftovers(parent: Path) -> None:
    """Delete the temporary folders of killed runs: those that no process holds a lock on."""
    for folder in parent.glob(f"{FOLDER_PREFIX}*"):
        try:
            with (folder / "lock").open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except FileNotFoundError:  # its process was killed before the lock, or is about to lock
            if time.time() - folder.stat().st_mtime > UNLOCKED_FOLDER_S:
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:  # its process runs, or it is another user's
            continue


def _check(folder: Path, *, where: Path) -> None:
    """Check the copy of a catalog completely."""
    catalog = Catalog(HomeAddress(folder), read_only=True)
    try:
        problems = stored_problems(catalog)
    finally:
        catalog.close()
    if problems:
        first = f"{problems[0].where}: {problems[0].what}"
        raise CatalogDamaged(where=str(where), reason=f"{len(problems):,} problems, the first is {first}")


def restore(source: Path, address: HomeAddress, *, codec: Codec | None = None) -> int | None:
    """Make a home from a backup, shards included.

    The backup is checked completely before it is moved into the home. Jobs that had not ended are marked as
    failed: their uploads are not in the backup.

    Returns
    -------
    epoch : int or None
        None where the backup holds lists of names or packs only.

    Raises
    ------
    CatalogElsewhere
        When the catalog would be in an external database.
    HomeNotEmpty
        When the folder holds more than the leftovers of a killed restore; nothing is changed then.
    BackupDamaged
        When the file is truncated, changed or no backup; then the folder is left empty.
    """
    if address.database_url is not None:
        raise CatalogElsewhere
    home = address.path
    if home.exists() and any(not _is_leftover(path) for path in home.iterdir()):
        raise HomeNotEmpty(home=str(home))
    with convert_write_errors(home):
        home.mkdir(parents=True, exist_ok=True)
        _empty(home)
    try:
        if not _install(source, home):
            return None
        with Writer.open(address, codec=codec) as writer:
            return writer.publish()
    except BaseException:
        _empty(home)
        raise


def _is_leftover(path: Path) -> bool:
    """Whether a path was left by a command that was killed before it stored anything."""
    if path.name == SHARD_FOLDER:
        return path.is_dir() and not any(path.iterdir())
    if path.name in _BESIDE:  # these are moved into the home before the catalog
        return (path.parent / UNFINISHED).exists() and not (path.parent / CATALOG_FILE).exists()
    return path.name in LOCK_FILES or path.name.startswith(TEMPORARY_PREFIX)


def _empty(home: Path) -> None:
    for path in home.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _install(source: Path, home: Path) -> bool:
    """Unpack a backup, check it, and move it into the home; return whether it has a catalog."""
    folder = home / UNFINISHED
    with convert_write_errors(home):
        folder.mkdir()
        _unpack_into(folder, source)
    has_catalog = (folder / CATALOG_FILE).exists()
    if has_catalog:
        _check_restored(folder, source)
    with convert_write_errors(home):
        for name in (*_BESIDE, CATALOG_FILE):
            if (folder / name).exists():
                (folder / name).replace(home / name)
        fsync_folder(home)
        shutil.rmtree(folder)
    return has_catalog


def _unpack_into(folder: Path, source: Path) -> None:
    with ExitStack() as written:

        def open_file(held: HeldFile | None) -> Keep:
            written.close()
            path = folder / (CATALOG_FILE if held is None else held.path)
            path.parent.mkdir(parents=True, exist_ok=True)
            return written.enter_context(_durable(path)).write

        read_backup(source, open_file)


@contextmanager
def _durable(path: Path) -> Iterator[BinaryIO]:
    with path.open("xb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    fsync_folder(path.parent)


def _check_restored(folder: Path, source: Path) -> None:
    try:
        catalog = Catalog(HomeAddress(folder), owner=True)
        try:
            if not schema_of(catalog):
                raise BackupDamaged(path=str(source), reason="it holds no catalog")
            bring_up_to_date(catalog)
            problems = stored_problems(catalog)
            if not problems:
                _clear_file_references(catalog)
        finally:
            catalog.close()
    except CatalogDamaged as error:
        raise BackupDamaged(path=str(source), reason=error.reason) from error
    if problems:
        raise BackupDamaged(path=str(source), reason=f"{problems[0].where}: {problems[0].what}")


def _clear_file_references(catalog: Catalog) -> None:
    unfinished = JOB.c.state.in_((JobState.QUEUED.value, JobState.RUNNING.value))
    failed = {
        "state": JobState.FAILED.value,
        "error_code": "job_not_in_backup",
        "error_message": "its upload was not part of the backup that this home was restored from",
        "error_hint": "send the file again",
    }
    with catalog.writing() as connection:
        connection.execute(update(MEMBERSHIP).values(segment_id=None))
        connection.execute(SHARD.delete())
        connection.execute(update(JOB).where(unfinished).values(failed))
