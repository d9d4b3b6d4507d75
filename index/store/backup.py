"""Write a home into one file while it is in use, and make a home from such a file.

A backup is the compressed catalog. It does not hold the shards: these are built again from the fingerprints.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import zstandard
from sqlalchemy import update

from earwitness.index.database import sqlite
from earwitness.index.database.catalog import (
    CATALOG_FILE,
    Catalog,
    bring_up_to_date,
    open_catalog,
    schema_of,
)
from earwitness.index.database.tables import JOB, MEMBERSHIP, SHARD
from earwitness.index.store.files import (
    TEMPORARY_PREFIX,
    convert_write_errors,
    fsync_folder,
    write_durably,
)
from earwitness.index.store.home_address import SHARD_FOLDER, HomeAddress
from earwitness.index.store.jobs import JobState
from earwitness.index.store.lock import HOLDER_FILE, LOCK_FILE
from earwitness.index.store.shards import Codec
from earwitness.index.store.store_errors import (
    BackupDamaged,
    CatalogDamaged,
    CatalogElsewhere,
    DiskFailed,
    HomeNotEmpty,
)
from earwitness.index.store.verify import stored_problems
from earwitness.index.writer import Writer

CHUNK_BYTES: Final = 1 << 20
COMPRESSION_LEVEL: Final = 3
"""Level of Zstandard. Packed codes hardly compress: a higher level takes longer and saves little."""

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
    CatalogDamaged
        When the home is damaged; `target` is then unchanged.
    DiskFull, StoreUnwritable
    """
    if address.database_url is not None:
        raise CatalogElsewhere
    catalog_file = address.path / CATALOG_FILE
    open_catalog(address).close()  # runs missing migrations, and checks for lost changes
    _delete_leftovers(target.parent)
    with convert_write_errors(target), _temporary_folder(target.parent) as folder:
        copy, packed = folder / CATALOG_FILE, folder / "packed"
        sqlite.copy_while_in_use(catalog_file, copy)
        _check(folder, where=catalog_file)
        sha256, size_bytes = _pack(copy, packed)
        read_back = hashlib.sha256()
        _unpack(packed, read_back.update)
        if read_back.hexdigest() != sha256:
            raise DiskFailed(path=str(target), reason="the file read back differs from what was written")
        packed.replace(target)
        fsync_folder(target.parent)
        return size_bytes


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


def _pack(plain: Path, packed: Path) -> tuple[str, int]:
    """Compress a file; return the SHA-256 of its plain bytes, and the compressed size in bytes."""
    digest = hashlib.sha256()

    def compress(keep: Callable[[bytes], int]) -> None:
        packer = zstandard.ZstdCompressor(level=COMPRESSION_LEVEL, write_checksum=True).compressobj()
        with plain.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                digest.update(chunk)
                keep(packer.compress(chunk))
        keep(packer.flush())

    size_bytes = write_durably(packed, compress)[1]
    return digest.hexdigest(), size_bytes


def _unpack(source: Path, keep: Callable[[bytes], object]) -> None:
    unpacker = zstandard.ZstdDecompressor().decompressobj()
    try:
        with source.open("rb") as packed:
            while not unpacker.eof:  # zstandard's stream reader accepts a truncated file
                chunk = packed.read(CHUNK_BYTES)
                if not chunk:
                    raise BackupDamaged(path=str(source), reason="it is truncated")
                keep(unpacker.decompress(chunk))
    except zstandard.ZstdError as error:
        raise BackupDamaged(path=str(source), reason=str(error)) from error


def restore(source: Path, address: HomeAddress, *, codec: Codec | None = None) -> int:
    """Make a home from a backup, shards included.

    The backup is checked completely before it is moved into the home. Jobs that had not ended are marked as
    failed: their uploads are not in the backup.

    Returns
    -------
    epoch : int

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
        _install_catalog(source, home)
        with Writer.open(address, codec=codec) as writer:
            return writer.publish()
    except BaseException:
        _empty(home)
        raise


def _is_leftover(path: Path) -> bool:
    """Whether a path was left by a command that was killed before it stored anything."""
    if path.name == SHARD_FOLDER:
        return path.is_dir() and not any(path.iterdir())
    return path.name in {LOCK_FILE, HOLDER_FILE} or path.name.startswith(TEMPORARY_PREFIX)


def _empty(home: Path) -> None:
    for path in home.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _install_catalog(source: Path, home: Path) -> None:
    """Unpack a backup into a temporary folder, check it, and move it into the home."""
    folder = home / f"{TEMPORARY_PREFIX}restore"
    with convert_write_errors(home):
        folder.mkdir()
        write_durably(folder / CATALOG_FILE, lambda keep: _unpack(source, keep))
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
    with convert_write_errors(home):
        (folder / CATALOG_FILE).replace(home / CATALOG_FILE)
        fsync_folder(home)
        shutil.rmtree(folder)


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
