"""Lists of names and packs are in backups, and `verify` notices each changed byte of a list."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard

from earwitness.index.library import Library
from earwitness.index.names.name_entries import NameEntry
from earwitness.index.names.name_errors import NameListDamaged
from earwitness.index.names.name_list import NameList
from earwitness.index.names.stored_rows import row_of
from earwitness.index.names.write_name_list import NameListWriter
from earwitness.index.store import backup_file
from earwitness.index.store.backup import backup, restore
from earwitness.index.store.home_address import HomeAddress
from earwitness.index.store.store_errors import BackupDamaged, HomeBusy, HomeMissing, HomeNotEmpty
from earwitness.index.store.verify import verify
from earwitness.index.writer import Writer
from tests.contract.small_store import CODEC, DATASET, found_at_once, some_item

ABOUT = {"version": "1", "card": None, "layout": "l", "listed_by": "l", "date": "2026-11-30T00:00:00Z"}


def write_list(path: Path, n_entries: int = 30) -> None:
    """Write a list of made-up names."""
    entries = [NameEntry(place=f"l#{n}", artists=(f"A {n}",), title=f"T {n}") for n in range(n_entries)]
    with NameListWriter(path) as writer:
        writer.add(row for row in map(row_of, entries) if row is not None)
        writer.finish({**ABOUT, "name": path.stem})


@pytest.fixture
def only_names(tmp_path: Path) -> Path:
    """A home that holds a list, works by name, a pack with names and an accepted key; and no catalog."""
    home = tmp_path / "home"
    for name in ("names/aa.names", "names/bb.works", "packs/0123456789abcdef/listed.names"):
        write_list(home / name)
    (home / "packs" / "0123456789abcdef" / "manifest.json").write_bytes(b"{}")
    (home / "packs" / "accepted-keys.json").write_bytes(b"[]")
    (home / "names" / "names.lock").touch()
    (home / "names" / ".tmp-1234").write_bytes(b"half")
    return home


@pytest.fixture
def home(empty_home: Path, tmp_path: Path, only_names: Path) -> Path:
    """An empty home with the lists beside its catalog."""
    shutil.copytree(empty_home, only_names, dirs_exist_ok=True)
    return only_names


@pytest.fixture
def filled(home: Path) -> Path:
    """The same with one published item."""
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        writer.add(writer.collection(DATASET, "scraped"), [some_item(1)])
        writer.publish()
    return home


def beside(home: Path) -> dict[str, bytes]:
    """Return what a home holds beside its catalog and its shards."""
    found = (path for name in ("names", "packs") for path in (home / name).rglob("*") if path.is_file())
    return {path.relative_to(home).as_posix(): path.read_bytes() for path in found}


def kept(home: Path) -> dict[str, bytes]:
    """Return what of that a backup holds."""
    return {
        name: text for name, text in beside(home).items() if not name.startswith(("names/names.", "names/."))
    }


def flips(data: bytes, n: int, seed: int) -> Iterator[bytes]:
    """Yield copies with one changed bit."""
    chance = random.Random(seed)
    for at in chance.sample(range(len(data)), n):
        changed = bytearray(data)
        changed[at] ^= 1 << chance.randrange(8)
        yield bytes(changed)


def test_a_restored_home_has_its_names_and_packs(filled: Path, tmp_path: Path) -> None:
    """Each file is there again byte for byte, beside a catalog that answers; unfinished files are not."""
    backup(HomeAddress(filled), tmp_path / "packed")
    again = tmp_path / "again"
    assert restore(tmp_path / "packed", HomeAddress(again), codec=CODEC) is not None
    assert beside(again) == kept(filled) != {}
    assert verify(HomeAddress(again)) == []
    with Library.open(HomeAddress(again), codec=CODEC) as library:
        assert found_at_once(library, 1, [1])


def test_a_home_of_names_alone_is_backed_up(only_names: Path, tmp_path: Path) -> None:
    """Where nothing was ever indexed from audio, the lists make a backup, and no catalog is made up."""
    backup(HomeAddress(only_names), tmp_path / "packed")
    assert restore(tmp_path / "packed", HomeAddress(tmp_path / "again")) is None
    assert beside(tmp_path / "again") == kept(only_names)
    assert sorted(path.name for path in (tmp_path / "again").iterdir()) == ["names", "packs"]
    assert verify(HomeAddress(tmp_path / "again")) == []
    with pytest.raises(HomeMissing):
        backup(HomeAddress(tmp_path / "nothing"), tmp_path / "packed")


@pytest.mark.parametrize("name", ["names/aa.names", "names/bb.works", "packs/0123456789abcdef/listed.names"])
def test_every_changed_byte_of_a_list_is_noticed(only_names: Path, tmp_path: Path, name: str) -> None:
    """One changed bit anywhere: `verify` names the file, and no backup is made of it."""
    path = only_names / name
    for changed in flips(path.read_bytes(), 150, seed=1):
        path.write_bytes(changed)
        assert [problem.where for problem in verify(HomeAddress(only_names))] == [str(path)]
        with pytest.raises(NameListDamaged):
            backup(HomeAddress(only_names), tmp_path / "packed")
    path.write_bytes(b"")
    assert [problem.where for problem in verify(HomeAddress(only_names))] == [str(path)]
    assert not (tmp_path / "packed").exists()


def test_every_changed_byte_of_a_backup_is_refused(only_names: Path, tmp_path: Path) -> None:
    """One changed bit, a missing end, or something after the end: an error, and the folder stays empty."""
    backup(HomeAddress(only_names), tmp_path / "packed")
    whole, damaged, again = (tmp_path / "packed").read_bytes(), tmp_path / "damaged", tmp_path / "again"
    for changed in (*flips(whole, 150, seed=2), whole[:-1], whole[: len(whole) // 2], whole + b"x", b""):
        damaged.write_bytes(changed)
        with pytest.raises(BackupDamaged):
            restore(damaged, HomeAddress(again))
        assert list(again.iterdir()) == []


def test_a_backup_of_an_earlier_version_is_restored(filled: Path, tmp_path: Path) -> None:
    """A file of one frame is a catalog; it has no lists."""
    (tmp_path / "packed").write_bytes(zstandard.compress((filled / "catalog.sqlite").read_bytes()))
    restore(tmp_path / "packed", HomeAddress(tmp_path / "again"), codec=CODEC)
    assert beside(tmp_path / "again") == {}
    with Library.open(HomeAddress(tmp_path / "again"), codec=CODEC) as library:
        assert found_at_once(library, 1, [1])


@pytest.mark.parametrize(
    "path", ["../x", "/tmp/x", "names/../../x", "names/.x", "other/x", "packs/a/b/c", "writer.lock", ""]
)
def test_a_backup_writes_nothing_outside_its_folders(tmp_path: Path, path: str) -> None:
    """A list of files that was made up by hand names no file but those of a home."""
    fields = {"path": path, "size_bytes": 1, "sha256": hashlib.sha256(b"x").hexdigest()}
    text = json.dumps({"format": "earwitness.backup/2", "files": [fields]}).encode()
    head = struct.pack("<II", 0x184D2A57, 32 + len(text)) + hashlib.sha256(text).digest() + text
    (tmp_path / "packed").write_bytes(head + zstandard.compress(b"x"))
    with pytest.raises(BackupDamaged, match="belongs to no home"):
        restore(tmp_path / "packed", HomeAddress(tmp_path / "again"))
    assert sorted(each.name for each in tmp_path.iterdir()) == ["again", "packed"]


def test_a_killed_restore_of_names_is_no_obstacle(only_names: Path, tmp_path: Path) -> None:
    """Folders that it had moved already are deleted; without its temporary folder they are somebody's."""
    backup(HomeAddress(only_names), tmp_path / "packed")
    again = tmp_path / "again"
    (again / "names").mkdir(parents=True)
    (again / "names" / "aa.names").write_bytes(b"old")
    with pytest.raises(HomeNotEmpty):
        restore(tmp_path / "packed", HomeAddress(again))
    (again / ".tmp-restore").mkdir()
    restore(tmp_path / "packed", HomeAddress(again))
    assert beside(again) == kept(only_names)


def test_a_list_that_is_replaced_meanwhile_is_copied_again(
    only_names: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The backup holds the old list or the new one, never a mixture; one that never rests is given up."""
    describe, n_times = backup_file.HeldFile, 0

    def replaced(**fields: object) -> backup_file.HeldFile:
        nonlocal n_times
        n_times += 1
        if n_times in busy:
            write_list(only_names / "names" / "aa.names", n_entries=40 + n_times)
        return describe(**fields)  # type: ignore[arg-type]

    monkeypatch.setattr(backup_file, "HeldFile", replaced)
    busy: range | set[int] = {1}
    backup(HomeAddress(only_names), tmp_path / "packed")
    monkeypatch.setattr(backup_file, "HeldFile", describe)
    restore(tmp_path / "packed", HomeAddress(tmp_path / "again"))
    assert NameList(tmp_path / "again" / "names" / "aa.names").dataset.n_entries == 41
    n_times, busy = 0, range(1_000)
    monkeypatch.setattr(backup_file, "HeldFile", replaced)
    with pytest.raises(HomeBusy):
        backup(HomeAddress(only_names), tmp_path / "packed")
