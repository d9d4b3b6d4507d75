"""A home in one file, taken while it is in use, and a home made from one.

A backup is the catalog, compressed. Shards are not in it: they are built again from the fingerprints.
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
"""Packed codes hardly compress; more effort would only take longer."""

WORKPLACE: Final = ".earwitness-backup-"
"""Begins the names of folders that copies lie in while they are packed."""

JUST_MADE_S: Final = 60.0


def backup(address: HomeAddress, target: Path) -> int:
    """Write everything that a home holds into one file; others may read and write the home meanwhile.

    The copy is checked completely before it replaces an earlier backup, and the written file is read once
    more.

    Returns
    -------
    size_bytes : int
        Of the file, which appears only when it is whole and on the disk.

    Raises
    ------
    CatalogElsewhere
        When the catalog is in a database of its own.
    HomeMissing, CatalogMissing, ChangesLost
    CatalogDamaged
        When the home is damaged; `target` is then unchanged.
    DiskFull, StoreUnwritable
    """
    if address.database_url is not None:
        raise CatalogElsewhere
    catalog_file = address.path / CATALOG_FILE
    open_catalog(address).close()  # brings it up to date, and notices lost changes
    _clean(target.parent)
    with convert_write_errors(target), _workplace(target.parent) as folder:
        copy, packed = folder / CATALOG_FILE, folder / "packed"
        sqlite.copy_while_in_use(catalog_file, copy)
        _check(folder, where=catalog_file)
        sha256, size_bytes = _pack(copy, packed)
        again = hashlib.sha256()
        _unpack(packed, again.update)
        if again.hexdigest() != sha256:
            raise DiskFailed(path=str(target), reason="what was written is not what can be read")
        packed.replace(target)
        fsync_folder(target.parent)
        return size_bytes


@contextmanager
def _workplace(parent: Path) -> Iterator[Path]:
    """A folder beside a backup, held by a lock for as long as its maker lives."""
    folder = Path(tempfile.mkdtemp(dir=parent, prefix=WORKPLACE))
    try:
        with (folder / "lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _clean(parent: Path) -> None:
    """Delete what runs left that were killed: copies that nobody holds any more."""
    for folder in parent.glob(f"{WORKPLACE}*"):
        try:
            with (folder / "lock").open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except FileNotFoundError:  # died, or is about to be locked, just after it was made
            if time.time() - folder.stat().st_mtime > JUST_MADE_S:
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:  # its maker lives, or it is another user's
            continue


def _check(folder: Path, *, where: Path) -> None:
    """Check the copy of a catalog wholly."""
    catalog = Catalog(HomeAddress(folder), read_only=True)
    try:
        problems = stored_problems(catalog)
    finally:
        catalog.close()
    if problems:
        first = f"{problems[0].where}: {problems[0].what}"
        raise CatalogDamaged(where=str(where), reason=f"{len(problems):,} problems, the first is {first}")


def _pack(plain: Path, packed: Path) -> tuple[str, int]:
    """Compress a file; returns the SHA-256 of what was packed, and the bytes that it takes."""
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
            while not unpacker.eof:  # a stream reader would take a file that is cut off for a whole one
                chunk = packed.read(CHUNK_BYTES)
                if not chunk:
                    raise BackupDamaged(path=str(source), reason="it is cut off")
                keep(unpacker.decompress(chunk))
    except zstandard.ZstdError as error:
        raise BackupDamaged(path=str(source), reason=str(error)) from error


def restore(source: Path, address: HomeAddress, *, codec: Codec | None = None) -> int:
    """Make a home from a backup, shards included.

    The backup is checked completely before the home holds any of it. Jobs that had not ended are marked as
    failed: their uploads are not in the backup.

    Returns
    -------
    epoch : int

    Raises
    ------
    CatalogElsewhere
        When the catalog is to be in a database of its own.
    HomeNotEmpty
        When the folder holds more than what a killed restore left; nothing is changed then.
    BackupDamaged
        When the file is cut off, changed or no backup; then the folder is left empty.
    """
    if address.database_url is not None:
        raise CatalogElsewhere
    home = address.path
    if home.exists() and any(not _is_left(path) for path in home.iterdir()):
        raise HomeNotEmpty(home=str(home))
    with convert_write_errors(home):
        home.mkdir(parents=True, exist_ok=True)
        _empty(home)
    try:
        _take_in(source, home)
        with Writer.open(address, codec=codec) as writer:
            return writer.publish()
    except BaseException:
        _empty(home)
        raise


def _is_left(path: Path) -> bool:
    """Whether a file is nothing but what a command leaves that was killed before it stored anything."""
    if path.name == SHARD_FOLDER:
        return path.is_dir() and not any(path.iterdir())
    return path.name in {LOCK_FILE, HOLDER_FILE} or path.name.startswith(TEMPORARY_PREFIX)


def _empty(home: Path) -> None:
    for path in home.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _take_in(source: Path, home: Path) -> None:
    """Unpack a backup beside its place, check it, and only then put it there."""
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
                _forget_files(catalog)
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


def _forget_files(catalog: Catalog) -> None:
    unended = JOB.c.state.in_((JobState.QUEUED.value, JobState.RUNNING.value))
    lost = {
        "state": JobState.FAILED.value,
        "error_code": "job_not_in_backup",
        "error_message": "its upload was not part of the backup that this home was restored from",
        "error_hint": "send the file again",
    }
    with catalog.writing() as connection:
        connection.execute(update(MEMBERSHIP).values(segment_id=None))
        connection.execute(SHARD.delete())
        connection.execute(update(JOB).where(unended).values(lost))
