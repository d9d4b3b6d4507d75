"""A backup holds only what is sound, a restore takes only what is, and neither leaves anything behind."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard

from earwitness.index.library import Library
from earwitness.index.store import backup as backups
from earwitness.index.store.backup import backup, restore
from earwitness.index.store.home_address import HomeAddress
from earwitness.index.store.store_errors import (
    BackupDamaged,
    CatalogDamaged,
    CatalogMissing,
    HomeNotEmpty,
)
from earwitness.index.writer import Writer
from tests.contract.small_store import CODEC, DATASET, found_at_once, some_item


@pytest.fixture
def filled(home: Path) -> Path:
    """A home with one published item."""
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        writer.add(writer.collection(DATASET, "scraped"), [some_item(1)])
        writer.publish()
    return home


def _damage(catalog: Path) -> None:
    database = sqlite3.connect(catalog)
    database.execute("UPDATE item SET title = 'another'")
    database.commit()
    database.close()


def test_a_damaged_home_does_not_replace_an_earlier_backup(filled: Path, tmp_path: Path) -> None:
    """What is not sound is refused with its reason, and the file of before stays as it was."""
    backup(HomeAddress(filled), tmp_path / "packed")
    before = (tmp_path / "packed").read_bytes()
    _damage(filled / "catalog.sqlite")
    with pytest.raises(CatalogDamaged, match="item 1"):
        backup(HomeAddress(filled), tmp_path / "packed")
    assert (tmp_path / "packed").read_bytes() == before
    assert not list(tmp_path.glob(f"{backups.FOLDER_PREFIX}*"))


def test_a_home_without_its_catalog_is_not_backed_up(filled: Path, tmp_path: Path) -> None:
    """There is nothing to copy, and that is said."""
    (filled / "catalog.sqlite").unlink()
    with pytest.raises(CatalogMissing):
        backup(HomeAddress(filled), tmp_path / "packed")


@pytest.mark.parametrize("foreign", [False, True], ids=["a changed row", "another program's database"])
def test_a_backup_that_unpacks_is_still_checked(filled: Path, tmp_path: Path, foreign: bool) -> None:
    """Restoring looks at every row before the home holds any of it."""
    catalog = tmp_path / "catalog.sqlite"
    if foreign:
        sqlite3.connect(catalog).execute("CREATE TABLE t (x)").connection.close()
    else:
        shutil.copy(filled / "catalog.sqlite", catalog)
        _damage(catalog)
    (tmp_path / "packed").write_bytes(zstandard.ZstdCompressor().compress(catalog.read_bytes()))
    with pytest.raises(BackupDamaged):
        restore(tmp_path / "packed", HomeAddress(tmp_path / "again"), codec=CODEC)
    assert list((tmp_path / "again").iterdir()) == []


def test_a_killed_backup_leaves_nothing_after_the_next(filled: Path, tmp_path: Path) -> None:
    """Copies of a dead run are deleted by the next into the same folder; those of a living one are not."""
    script = (
        "import sys, pathlib; from earwitness.index.store import backup;\n"
        "with backup._temporary_folder(pathlib.Path(sys.argv[1])) as folder:\n"
        "    (folder / 'catalog.sqlite').write_bytes(b'x'); print(folder, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    root = Path(backups.__file__).parent.parent
    with subprocess.Popen(
        command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        left = Path(other.stdout.readline().strip())
        backup(HomeAddress(filled), tmp_path / "packed")
        assert left.is_dir()
        other.kill()
    assert left.is_dir()
    backup(HomeAddress(filled), tmp_path / "packed")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "packed"]


def test_what_a_killed_restore_left_is_no_obstacle(filled: Path, tmp_path: Path) -> None:
    """Its unfinished files are deleted and the home is made; another's files are not touched."""
    backup(HomeAddress(filled), tmp_path / "packed")
    again = tmp_path / "again"
    (again / "segments").mkdir(parents=True)
    (again / "writer.lock").touch()
    (again / ".tmp-restore").mkdir()
    (again / ".tmp-restore" / "catalog.sqlite").write_bytes(b"half")
    restore(tmp_path / "packed", HomeAddress(again), codec=CODEC)
    with Library.open(HomeAddress(again), codec=CODEC) as library:
        assert found_at_once(library, 1, [1])
    assert not list(again.glob(".tmp-*"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").touch()
    with pytest.raises(HomeNotEmpty):
        restore(tmp_path / "packed", HomeAddress(tmp_path / "mine"), codec=CODEC)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]
