"""A home in one file, taken while it is in use, and a home made from one.

A backup is the catalog, compressed. Segments are not in it: they are built again from the fingerprints.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import zstandard
from sqlalchemy import update
from sqlalchemy.exc import DatabaseError

from index import sqlite
from index.catalog import CATALOG_FILE, Catalog, schema_of
from index.disk import fsync_folder, room_for, write_durably
from index.enroll import Writer
from index.errors import BackupDamaged, CatalogDamaged, HomeMissing, HomeNotEmpty
from index.jobs import JobState
from index.segments import Codec
from index.tables import JOB, MEMBERSHIP, SEGMENT

CHUNK_BYTES: Final = 1 << 20
COMPRESSION_LEVEL: Final = 3
"""Packed codes hardly compress; more effort would only take longer."""


def backup(home: Path, target: Path) -> int:
    """Write everything that `home` holds into one file, whoever reads or writes it meanwhile.

    Returns
    -------
    size_bytes : int
        Of the file, which appears only when it is whole and on the disk.

    Raises
    ------
    HomeMissing, DiskFull
    """
    catalog = home / CATALOG_FILE
    if not catalog.is_file():
        raise HomeMissing(home=str(home))
    with room_for(target), tempfile.TemporaryDirectory(dir=target.parent, prefix=".backup-") as folder:
        copy = Path(folder) / CATALOG_FILE
        sqlite.copy_while_in_use(catalog, copy)

        def compress(keep: Callable[[bytes], int]) -> None:
            packer = zstandard.ZstdCompressor(level=COMPRESSION_LEVEL, write_checksum=True)
            with copy.open("rb") as plain:
                for chunk in packer.read_to_iter(plain, read_size=CHUNK_BYTES):
                    keep(chunk)

        return write_durably(target, compress)[1]


def restore(source: Path, home: Path, *, codec: Codec | None = None) -> int:
    """Make a home from a backup, segments included.

    Jobs that had not ended are marked as failed: their uploads are not in the backup.

    Returns
    -------
    epoch : int

    Raises
    ------
    HomeNotEmpty
        When something lies in `home`; nothing is changed then.
    BackupDamaged
        When the file is cut off, changed or no backup; then `home` is left empty.
    """
    if home.exists() and any(home.iterdir()):
        raise HomeNotEmpty(home=str(home))
    home.mkdir(parents=True, exist_ok=True)
    try:
        _unpack(source, home)
        with Writer.open(home, codec=codec) as writer:
            return writer.publish()
    except BaseException:
        shutil.rmtree(home)
        home.mkdir()
        raise


def _unpack(source: Path, home: Path) -> None:
    def unpack(keep: Callable[[bytes], int]) -> None:
        unpacker = zstandard.ZstdDecompressor().decompressobj()
        with source.open("rb") as packed:
            while not unpacker.eof:  # a stream reader would take a file that is cut off for a whole one
                chunk = packed.read(CHUNK_BYTES)
                if not chunk:
                    raise BackupDamaged(path=str(source), reason="it is cut off")
                keep(unpacker.decompress(chunk))

    try:
        write_durably(home / CATALOG_FILE, unpack)
        catalog = Catalog(home, owner=True)
        schema_of(catalog)
    except (zstandard.ZstdError, CatalogDamaged, DatabaseError) as error:
        raise BackupDamaged(path=str(source), reason=str(error)) from error
    try:
        _forget_files(catalog)
    finally:
        catalog.close()
    fsync_folder(home)


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
        connection.execute(SEGMENT.delete())
        connection.execute(update(JOB).where(unended).values(lost))
