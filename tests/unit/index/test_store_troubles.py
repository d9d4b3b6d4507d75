"""Two writers, full disks, flipped bits, lost files, foreign and newer homes: each has its error."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from earwitness.fingerprint.errors import SchemeMismatch
from earwitness.index import writer as writer_module
from earwitness.index.database import migrations, reads, writes
from earwitness.index.database.catalog import Catalog
from earwitness.index.database.reads import ShardRow
from earwitness.index.database.row_digests import digest_of
from earwitness.index.database.tables import METADATA
from earwitness.index.database.writes import change_collection, store_home_digest
from earwitness.index.library import Library
from earwitness.index.store.backup import backup, restore
from earwitness.index.store.finding_cache import CacheKey, FindingCache
from earwitness.index.store.home_address import HomeAddress
from earwitness.index.store.lock import WANTED_FILE, HomeLock
from earwitness.index.store.store_errors import (
    BackupDamaged,
    CatalogDamaged,
    CatalogTooNew,
    DiskFull,
    HomeBusy,
    HomeMissing,
    HomeNotEmpty,
    HomeUnusable,
    ShardDamaged,
)
from earwitness.index.store.verify import SETTLED_S, verify
from earwitness.index.writer import Writer
from tests.contract.small_store import (
    CODEC,
    DATASET,
    Nibbles,
    found_at_once,
    sha256_of,
    some_codes,
    some_item,
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with one published item of collection 1, and one that waits."""
    home = tmp_path / "home"
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        dataset = writer.collection(DATASET, "scraped")
        writer.add(dataset, [some_item(1)])
        writer.publish()
        writer.add(dataset, [some_item(2)])
    return home


def _segment(home: Path) -> Path:
    (path,) = (home / "segments").iterdir()
    return path


def _flip(path: Path, where: int) -> None:
    data = bytearray(path.read_bytes())
    data[where] ^= 1
    path.write_bytes(data)


def test_a_second_writer_is_told_who_writes(home: Path) -> None:
    """The lock holds between processes, names its holder, and goes when that dies; readers do not care."""
    script = (
        "import sys; from pathlib import Path; from earwitness.index.store.lock import HomeLock;"
        "lock = HomeLock(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(home)]
    root = Path(writer_module.__file__).parent.parent
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdout.readline() == b"held\n"
        with pytest.raises(HomeBusy) as busy:
            Writer.open(HomeAddress(home), codec=CODEC)
        assert str(other.pid) in busy.value.holder
        Library.open(HomeAddress(home), codec=CODEC).close()
        other.kill()
    Writer.open(HomeAddress(home), codec=CODEC).close()


def test_a_command_writes_beside_a_server(home: Path) -> None:
    """The server lends its lock between two changes, and waits with its next change until it is free."""
    with Writer.open(HomeAddress(home), codec=CODEC, serves=True) as server:
        with Writer.open(HomeAddress(home), codec=CODEC) as command:
            served = threading.Thread(target=lambda: server.add(1, [some_item(4)]))
            served.start()
            command.add(1, [some_item(3)])
            served.join(0.3)
            assert served.is_alive()
        served.join(30)
        assert not served.is_alive()
        with Library.open(HomeAddress(home), codec=CODEC) as library:
            assert all(found_at_once(library, number, [1]) for number in (3, 4))
    assert verify(HomeAddress(home), settled_s=0) == []


def test_a_server_goes_on_when_a_waiting_command_dies(home: Path) -> None:
    """What a killed command left beside the lock delays one change by a second, not every one."""
    with Writer.open(HomeAddress(home), codec=CODEC, serves=True) as server:
        (home / WANTED_FILE).touch()
        until = time.monotonic() + 10
        while (home / WANTED_FILE).exists() and time.monotonic() < until:
            time.sleep(0.05)
        assert not (home / WANTED_FILE).exists()
        server.add(1, [some_item(3)])
        assert server.item(1, some_item(3).path, some_item(3).audio_key) is not None


def test_a_command_that_runs_is_not_asked_for_its_lock(home: Path) -> None:
    """Only a server lends: a second command is refused at once."""
    with Writer.open(HomeAddress(home), codec=CODEC), pytest.raises(HomeBusy):
        Writer.open(HomeAddress(home), codec=CODEC, serves=True)


def test_a_home_keeps_its_scheme(home: Path) -> None:
    """Codes of another scheme are refused before anything is written or asked."""

    class Other(Nibbles):
        scheme = "other-1"

    with pytest.raises(SchemeMismatch):
        Writer.open(HomeAddress(home), codec=Other())
    with pytest.raises(SchemeMismatch):
        Library.open(HomeAddress(home), codec=Other())


def test_a_home_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    """A file where the folder should be is named, with the way out."""
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeUnusable):
        Writer.open(HomeAddress(tmp_path / "file"), codec=CODEC)


def test_a_newer_catalog_is_refused(home: Path) -> None:
    """Rows of a schema that this program does not know are not guessed at."""
    with Writer.open(HomeAddress(home), codec=CODEC) as writer, writer.catalog.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for opens in (Writer.open, Library.open):
        with pytest.raises(CatalogTooNew):
            opens(HomeAddress(home), codec=CODEC)


def test_an_empty_folder_is_no_index(tmp_path: Path) -> None:
    """Asking needs something to ask."""
    with pytest.raises(HomeMissing):
        Library.open(HomeAddress(tmp_path), codec=CODEC)


def test_a_file_that_is_no_database_is_named(home: Path) -> None:
    """A catalog that was overwritten is damaged, not empty."""
    for stale in home.glob("catalog.sqlite*"):
        stale.write_bytes(b"not a database at all" * 100)
    with pytest.raises(CatalogDamaged):
        Library.open(HomeAddress(home), codec=CODEC)


def test_the_migrations_make_the_tables(home: Path) -> None:
    """A migrated catalog has exactly the tables, columns and indexes that the program declares."""
    with Writer.open(HomeAddress(home), codec=CODEC) as writer, writer.catalog.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_a_catalog_from_before_the_peaks_keeps_its_recordings(tmp_path: Path) -> None:
    """Vectors stored as they were before are read the same after the migration; peaks there are none."""
    words = np.arange(5, dtype="<u4") * 77_777
    catalog = Catalog(HomeAddress(tmp_path))
    migrations.upgrade(catalog.engine, revision="0001")
    with catalog.writing() as connection:
        connection.execute(text("INSERT INTO recording VALUES (1, 'local', 'k', 's', 9.0, 9.0, 1, NULL)"))
        connection.execute(
            text("INSERT INTO fingerprint VALUES (1, 'local', 'x', :codes, :sum, :words, 'of before')"),
            {"codes": bytes(32), "sum": hashlib.sha256(bytes(32)).hexdigest(), "words": words.tobytes()},
        )
    migrations.upgrade(catalog.engine)
    with catalog.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
        assert np.array_equal(reads.chromaprint(connection, "local", 1), words)
        assert reads.peaks(connection, "local", 1).shape == (0, 2)
        assert reads.codes(connection, "local", 1, 32).shape == (1, 32)
    catalog.close()


def test_a_catalog_from_before_artist_and_album_keeps_its_digests(tmp_path: Path) -> None:
    """Rows of schema 0004 are intact after the migration, and take an artist or an album alone."""
    catalog = Catalog(HomeAddress(tmp_path))
    migrations.upgrade(catalog.engine, revision="0004")
    of_before = (
        1,
        "local",
        1,
        "a.wav",
        "k",
        "s",
        9,
        None,
        "broken",
        "m",
        "h",
        "T",
        "O",
        None,
        None,
        None,
        "{}",
        "t",
    )
    with catalog.writing() as connection:
        connection.execute(
            text(
                "INSERT INTO collection (id, tenant, kind, name, version, scheme, indexed_at, complete,"
                " n_items, n_unreadable, n_codes, changed_epoch)"
                " VALUES (1, 'local', 'dataset', '', '', '', '', 1, 0, 1, 0, 1)"
            )
        )
        connection.execute(
            text(f"INSERT INTO item VALUES ({', '.join(f':v{n}' for n in range(18))}, :digest)"),
            {f"v{n}": value for n, value in enumerate(of_before)} | {"digest": digest_of(of_before)},
        )
    migrations.upgrade(catalog.engine)
    for column in ("artist", "album"):
        with catalog.writing() as connection:
            (row,) = reads.items(connection, "local")
            assert (row.title, row.artist, row.album) == ("T", None, None)
            writes.change_item(connection, 1, {column: "X"})
            (row,) = reads.items(connection, "local")
            assert getattr(row, column) == "X"
            connection.execute(text(f"UPDATE item SET {column} = NULL"))
            with pytest.raises(CatalogDamaged):
                reads.items(connection, "local")
            writes.change_item(connection, 1, {column: None})
    catalog.close()


def test_a_full_disk_leaves_no_half_segment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old epoch answers, nothing half-written lies about, and the same command goes on later."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        epoch = writer.epoch
        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", full)
            with pytest.raises(DiskFull):
                writer.publish()
        assert writer.epoch == epoch and verify(writer.address, settled_s=0) == []
        with Library.open(HomeAddress(home), codec=CODEC) as library:
            assert found_at_once(library, 1, [1]) and found_at_once(library, 2, [1])
        assert writer.publish() > epoch


def test_a_full_catalog_takes_a_batch_wholly_or_not_at_all(home: Path) -> None:
    """When SQLite finds no room, none of the batch is there."""
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        with writer.catalog.reading() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 3}")
        with pytest.raises(DiskFull):
            writer.add(1, [some_item(seed, n_codes=200) for seed in range(3, 6)])
        assert all(writer.item(1, f"{seed}.wav", sha256_of(seed)) is None for seed in range(3, 6))
        assert verify(writer.address, settled_s=0) == []


def test_a_flipped_bit_in_a_segment_is_an_error_not_a_miss(home: Path) -> None:
    """FAISS would take it; the checksum does not. Rebuilding mends it."""
    _flip(_segment(home), -3)
    with Library.open(HomeAddress(home), codec=CODEC) as library, pytest.raises(ShardDamaged):
        library.search(CODEC.unpack(some_codes(1, 6)), k=1, collections=[1])
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        assert [problem.where for problem in verify(writer.address, settled_s=0)] == [str(_segment(home))]
        writer.rebuild()
        assert verify(writer.address, settled_s=0) == []


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: os.truncate(path, 40)], ids=["missing", "cut"])
def test_a_lost_segment_is_built_again_when_a_library_opens(
    home: Path, damage: object, caplog: pytest.LogCaptureFixture
) -> None:
    """Which is said; unless another process is writing: then it is an error, never fewer results."""
    assert callable(damage)
    damage(_segment(home))
    lock = HomeLock(home)
    with pytest.raises(ShardDamaged):
        Library.open(HomeAddress(home), codec=CODEC)
    lock.release()
    with Library.open(HomeAddress(home), codec=CODEC) as library:
        assert found_at_once(library, 1, [1]) and found_at_once(library, 2, [1])
    damage(_segment(home))
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        assert len(writer.repaired) == 1 and verify(writer.address, settled_s=0) == []
    assert caplog.text.count("built again") == 2


def test_libraries_open_while_a_writer_replaces_and_deletes(home: Path) -> None:
    """Every epoch that opens in the midst of rebuilding and removing answers wholly."""
    done = threading.Event()

    def write() -> None:
        try:
            with Writer.open(HomeAddress(home), codec=CODEC) as writer:
                for _ in range(5):
                    (added,) = writer.add(1, [some_item(3)])
                    writer.publish()
                    writer.remove(1, items=[added.item])
        finally:
            done.set()

    writing = threading.Thread(target=write)
    writing.start()
    while not done.is_set():
        with Library.open(HomeAddress(home), codec=CODEC) as library:
            assert found_at_once(library, 1, [1]) and found_at_once(library, 2, [1])
    writing.join()
    with Library.open(HomeAddress(home), codec=CODEC) as library:
        assert library.by_sha256(sha256_of(3)) is None and library.epoch >= 5 * 3


@pytest.mark.parametrize("column", ["codes", "chromaprint"])
def test_a_flipped_bit_in_a_fingerprint_is_found(home: Path, column: str) -> None:
    """Each blob has its own checksum, for the database's checks miss most of it."""
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        with writer.catalog.writing() as connection:
            flip = f"UPDATE fingerprint SET {column} = zeroblob(length({column})) WHERE recording_id = 2"
            connection.execute(text(flip))
        (problem,) = verify(writer.address, settled_s=0)
        assert "recording 2" in problem.where
    with Library.open(HomeAddress(home), codec=CODEC) as library, pytest.raises(CatalogDamaged):
        library.codes(2) if column == "codes" else library.chromaprint(2)


def test_verify_names_what_dangles(home: Path) -> None:
    """A count that is wrong and a file that nothing names are reported."""
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        (home / "segments" / "stray").write_bytes(b"")
        with writer.catalog.writing() as connection:
            change_collection(connection, 1, {"n_items": 7})
            store_home_digest(connection, "local")
        where = [problem.where for problem in verify(writer.address, settled_s=0)]
        assert where == ["collection scraped (version 1)", str(home / "segments" / "stray")]


def test_a_backup_is_taken_while_the_home_is_written(home: Path, tmp_path: Path) -> None:
    """It holds what was there at one instant, and answers alike."""
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        backup(HomeAddress(home), tmp_path / "packed")
        writer.add(1, [some_item(3)])
    restore(tmp_path / "packed", HomeAddress(tmp_path / "again"), codec=CODEC)
    with Library.open(HomeAddress(tmp_path / "again"), codec=CODEC) as library:
        assert [found_at_once(library, seed, [1]) for seed in (1, 2, 3)] == [True, True, False]


def test_a_damaged_backup_makes_no_home(home: Path, tmp_path: Path) -> None:
    """Cut off, changed or foreign: refused, and the home is left empty for another try."""
    packed, again = tmp_path / "packed", tmp_path / "again"
    backup(HomeAddress(home), packed)
    whole = packed.read_bytes()
    changed = bytearray(whole)
    changed[len(whole) // 2] ^= 16
    for damaged in (b"", whole[:-9], bytes(changed), b"text, not a backup"):
        packed.write_bytes(damaged)
        with pytest.raises(BackupDamaged):
            restore(packed, HomeAddress(again), codec=CODEC)
        assert list(again.iterdir()) == []
    packed.write_bytes(whole)
    restore(packed, HomeAddress(again), codec=CODEC)
    with pytest.raises(HomeNotEmpty):
        restore(packed, HomeAddress(again), codec=CODEC)


def test_an_answer_is_recalled_only_as_long_as_it_holds(home: Path) -> None:
    """Another effort, scheme or state of the collections asks again; a removal forgets all of them."""
    with Library.open(HomeAddress(home), codec=CODEC) as library:
        asked = CacheKey(scheme=library.scheme, effort="fast", state_digest=library.state_digest([1]))
    answers = FindingCache(HomeAddress(home))
    answers.put(asked, {"a": "old", "b": "2"})
    answers.put(asked, {"a": "1"})
    assert answers.get(asked, ["a", "b", "c"]) == {"a": "1", "b": "2"}
    harder = CacheKey(scheme=asked.scheme, effort="full", state_digest=asked.state_digest)
    assert answers.get(harder, ["a"]) == {}
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        found = writer.item(1, "1.wav", sha256_of(1))
        assert found is not None
        writer.remove(1, items=[found.id])
    assert answers.get(asked, ["a", "b"]) == {}
    answers.close()


def test_a_home_is_verified_while_it_is_written(home: Path) -> None:
    """A reader checks one instant: what a writer adds, publishes or is about to name is no problem."""
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        assert verify(HomeAddress(home)) == []
        writer.add(1, [some_item(7)])
        assert verify(HomeAddress(home)) == []
        writer.publish()
        assert verify(HomeAddress(home)) == []
        unnamed = home / "segments" / "unnamed"
        unnamed.write_bytes(b"")
        assert verify(HomeAddress(home)) == []
        then = time.time() - SETTLED_S - 1
        os.utime(unnamed, (then, then))
        assert [problem.where for problem in verify(HomeAddress(home))] == [str(unnamed)]


def test_a_segment_that_is_replaced_meanwhile_is_no_problem(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file gone before it was opened is no loss in the next instant; one that stays away is told."""
    shards = reads.shards
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:

        def replaced(connection: Connection, tenant: str) -> list[ShardRow]:
            found = shards(connection, tenant)
            monkeypatch.setattr(reads, "shards", shards)
            writer.rebuild()
            return found

        monkeypatch.setattr(reads, "shards", replaced)
        assert verify(HomeAddress(home)) == []
        _segment(home).unlink()
        assert [problem.what for problem in verify(HomeAddress(home))] == ["is missing"]
