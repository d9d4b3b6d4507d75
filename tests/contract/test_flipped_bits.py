"""Whatever changes in a stored row or file is an error, or changes no answer; never another answer."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from earwitness.index.database import migrations
from earwitness.index.database.catalog import Catalog
from earwitness.index.database.change_counter import COUNTER_FILE
from earwitness.index.database.records import ChangedCopies, Thumbnail
from earwitness.index.database.row_digests import COVERED
from earwitness.index.database.tables import (
    COLLECTION,
    FINDING,
    MEMBERSHIP,
    SHARD,
    THUMBNAIL,
)
from earwitness.index.library import Library
from earwitness.index.match import Change
from earwitness.index.notices import watch_rows
from earwitness.index.notices.delivery_rows import Deliveries
from earwitness.index.notices.notice_records import Comparison, NewNotice
from earwitness.index.notices.notice_rows import add_notices
from earwitness.index.store.finding_cache import CacheKey, FindingCache
from earwitness.index.store.home_address import HomeAddress
from earwitness.index.store.store_errors import (
    CatalogDamaged,
    CatalogMissing,
    ChangesLost,
    StoreError,
)
from earwitness.index.store.verify import verify
from earwitness.index.writer import Writer
from tests.contract.small_store import (
    CODEC,
    DATASET,
    WORKS,
    some_codes,
    some_item,
    unreadable,
)

SEEDS = range(6)
PICTURES: list[str] = []
ASKED = CacheKey(scheme="s", effort="fast", state_digest="k")


@pytest.fixture(scope="session")
def whole_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of two collections, with segments, items that wait for one, and remembered findings."""
    home = tmp_path_factory.mktemp("flips") / "home"
    picture = Thumbnail(levels=np.ones((4, 3), np.uint8), frame_s=0.25, lowest_db=-80.0, step_db=0.5)
    copies = ChangedCopies(changes=(Change(speed=1.06),), codes=(some_codes(0, 3),), every=2)
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        works, dataset = writer.collection(WORKS), writer.collection(DATASET, "scraped", "7")
        writer.add(
            works,
            [
                replace(
                    some_item(0, owner="Ada"),
                    title="Zero",
                    artist="Bea",
                    isrc="X",
                    thumbnail=picture,
                    changed_copies=copies,
                )
            ],
        )
        writer.add(dataset, [some_item(seed) for seed in SEEDS[:4]])
        writer.publish()
        writer.add(dataset, [*(some_item(seed) for seed in SEEDS[4:]), some_item(1, path="again.wav")])
        writer.add(dataset, [unreadable("broken.wav")])
        store_notices(writer, work=1, dataset=dataset)
    answers = FindingCache(HomeAddress(home))
    answers.put(ASKED, {"a": "finding of a", "b": "finding of b"})
    answers.close()
    PICTURES.extend(pictures(home))
    return home


def store_notices(writer: Writer, *, work: int, dataset: int) -> None:
    """Watch a work, and store a notice that could not be sent yet."""
    deliveries = Deliveries(writer.catalog, tenant="local")
    deliveries.set_webhook("https://example.org/", secret="whsec_AAAA", every=True)
    notice = NewNotice(
        item=work,
        dataset="scraped",
        version="7",
        state="s",
        outcome="match",
        contents={"outcome": "match"},
        is_news=True,
    )
    with writer.changing() as connection:
        watch_rows.add_watches(connection, "local", [work])
        watch_rows.add_sightings(connection, "local", dataset, [(work, "{}")])
        watch_rows.store_comparison(connection, "local", dataset, Comparison(first_epoch=1, effort="fast"))
        watch_rows.store_announced(connection, "local", "scraped", "7", "state")
        add_notices(connection, "local", [notice])
    claimed = deliveries.claim()
    assert claimed is not None
    deliveries.failed(claimed, "it answers 500", delays_s=(5.0,), set_aside_after_s=1e6)


@pytest.fixture(scope="session")
def truth(whole_home: Path) -> Any:
    """Its answers."""
    return everything(whole_home)


@pytest.fixture
def home(whole_home: Path, tmp_path: Path) -> Path:
    """A copy of it that may be damaged."""
    return Path(shutil.copytree(whole_home, tmp_path / "home"))


def everything(home: Path) -> Any:
    """Every answer that a home gives."""
    answers = FindingCache(HomeAddress(home))
    recalled = answers.get(ASKED, ["a", "b"])
    answers.close()
    with Library.open(HomeAddress(home), codec=CODEC) as library:
        numbers = [each.id for each in library.collections]
        query = CODEC.unpack(np.concatenate([some_codes(seed, 6) for seed in SEEDS]))
        # when segments were built again is no answer
        known = [replace(each, changed_epoch=0, indexed_at="") for each in library.collections]
        found: list[Any] = [repr(known), library.scheme, library.tenant]
        for number in numbers:
            hits = library.search(query, k=12, collections=[number])
            order = np.lexsort((hits.position, hits.recording, hits.query_row))
            found.append([hits.query_row[order], hits.recording[order], hits.position[order]])
            found.append(repr(library.listing(number)))
            for recording in np.unique(hits.recording).tolist():
                vector, row = library.chromaprint(recording), library.recording(recording)
                found.append(library.codes(recording))
                found.append([vector, library.peaks(recording), repr(row)])
                found.append(repr(library.items(recording, numbers)))
                found.append(library.whole_file(vector, row.duration_s, [number]))
    return recalled, found


def pictures(home: Path) -> list[str]:
    """The small spectrograms and the changed copies of a home; a home without them gives the same answers."""
    with Library.open(HomeAddress(home), codec=CODEC) as library:
        kept = [library.thumbnail(number) for number in range(1, 10)]
        copies = library.changed_copies([each.id for each in library.collections if each.kind is WORKS])
        asked = CODEC.unpack(some_codes(0, 6))
        found = [] if copies is None else [repr((copies.changes, copies.search(asked, k=3, n_probe=64)))]
    return found + [repr((each.levels.tolist(), each.frame_s, each.step_db)) for each in kept if each]


def same(one: Any, other: Any) -> bool:
    """Whether two answers are the same."""
    return repr(one) == repr(other)


def is_silent(home: Path, truth: Any) -> bool:
    """Whether a damaged home gives another answer without an error; what it forgot of findings is none."""
    try:
        recalled, found = everything(home)
    except StoreError:
        return False
    with suppress(CatalogDamaged):
        if any(picture not in PICTURES for picture in pictures(home)):
            return True
    known, expected = truth
    return not same(found, expected) or any(known[key] != text for key, text in recalled.items())


PLACES = [(table.name, column.name) for table in COVERED for column in table.columns]


def changed(value: Any) -> Any:
    """A value with one bit flipped."""
    if value is None:
        return 1
    if isinstance(value, str):
        return chr(ord(value[0]) ^ 1) + value[1:] if value else "x"
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1]) + value[1:] if value else b"x"
    return value + 0.5 if isinstance(value, float) else value ^ 1


@pytest.mark.parametrize(("table", "column"), PLACES)
def test_a_changed_value_changes_no_answer_and_is_found(
    home: Path, whole_home: Path, truth: Any, table: str, column: str
) -> None:
    """Each value of each row, changed by one bit, is an error or answers alike, and `verify` tells it."""
    database = sqlite3.connect(home / "catalog.sqlite")
    ((value, row),) = database.execute(f"SELECT {column}, rowid FROM {table} ORDER BY rowid DESC LIMIT 1")
    with suppress(sqlite3.IntegrityError):
        database.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (changed(value), row))
        database.commit()
        database.close()
        assert not is_silent(home, truth)
        shutil.rmtree(home)  # a segment that was mended would be sound again
        shutil.copytree(whole_home, home)
        database = sqlite3.connect(home / "catalog.sqlite")
        database.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (changed(value), row))
        database.commit()
        try:
            assert verify(HomeAddress(home)) != []
        except StoreError:
            assert table in {"home", "change"}
    database.close()


@pytest.mark.parametrize("table", [COLLECTION, SHARD, MEMBERSHIP, THUMBNAIL], ids=lambda table: table.name)
def test_a_row_that_vanished_is_missed(home: Path, truth: Any, table: Any) -> None:
    """A row that is not there any more is an error, or is built again; it is never just one match fewer."""
    database = sqlite3.connect(home / "catalog.sqlite")
    database.execute(f"DELETE FROM {table.name} WHERE rowid = (SELECT max(rowid) FROM {table.name})")
    database.commit()
    database.close()
    if table is not THUMBNAIL:  # a picture is evidence to look at: without one there is none
        assert not is_silent(home, truth)


@pytest.mark.parametrize("name", ["catalog.sqlite", COUNTER_FILE, "segments"])
def test_a_flipped_bit_anywhere_in_a_file_changes_no_answer(
    home: Path, whole_home: Path, truth: Any, name: str
) -> None:
    """Every answer of a home with a flipped bit is the true one, or an error of ours.

    Hundreds of flips are in ``benchmarks/records/attacks.txt``.
    """
    chance = random.Random(name)
    path = home / name
    path = next(path.iterdir()) if path.is_dir() else path
    bytes_then, silent = path.read_bytes(), []
    for _ in range(24):
        bit = chance.randrange(8 * len(bytes_then))
        damaged = bytearray(bytes_then)
        damaged[bit // 8] ^= 1 << bit % 8
        shutil.rmtree(home)
        shutil.copytree(whole_home, home)
        path.write_bytes(damaged)
        with suppress(StoreError):
            verify(HomeAddress(home))
        if is_silent(home, truth):
            silent.append(bit)
    assert silent == []


def test_a_damaged_log_is_not_a_shorter_history(home: Path, whole_home: Path) -> None:
    """A flipped bit in SQLite's log drops what was acknowledged: that is an error, and so is a lost log."""
    log = home / "catalog.sqlite-wal"
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        writer.add(2, [some_item(9)])
        kept = log.read_bytes()
        held = shutil.copytree(home, home.with_name("held"))
    assert len(kept) > 4_000
    for damaged in (kept[:24] + bytes([kept[24] ^ 1]) + kept[25:], kept[: len(kept) // 2], b""):
        (held / "catalog.sqlite-shm").unlink(missing_ok=True)
        shutil.copy(whole_home / "catalog.sqlite", held / "catalog.sqlite")
        (held / "catalog.sqlite-wal").write_bytes(damaged)
        for opens in (Library.open, Writer.open):
            with pytest.raises((ChangesLost, CatalogDamaged)) as caught:
                opens(HomeAddress(held), codec=CODEC)
            assert "restore a backup" in caught.value.hint


def test_lost_changes_can_be_given_up(home: Path, whole_home: Path) -> None:
    """The hint's other way out works: without the counter, what is left is a home."""
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        writer.add(2, [some_item(9)])
    for name in ("catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"):
        (home / name).unlink(missing_ok=True)
    shutil.copy(whole_home / "catalog.sqlite", home / "catalog.sqlite")
    with pytest.raises(ChangesLost):
        Library.open(HomeAddress(home), codec=CODEC)
    (home / COUNTER_FILE).unlink()
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        assert len(writer.collections) == 2
    assert verify(HomeAddress(home)) == []


@pytest.mark.parametrize("left", ["segments", COUNTER_FILE])
def test_a_home_without_its_catalog_is_not_begun_anew(home: Path, left: str) -> None:
    """A deleted catalog is an error that names the way out; what it names makes a new home possible."""
    for path in home.glob("catalog.*"):
        if path.name != left:
            path.unlink()
    if left != "segments":
        shutil.rmtree(home / "segments")
    for opens in (Library.open, Writer.open):
        with pytest.raises(CatalogMissing) as caught:
            opens(HomeAddress(home), codec=CODEC)
        assert str(home) in caught.value.message and COUNTER_FILE in caught.value.hint
    shutil.rmtree(home / "segments", ignore_errors=True)
    (home / COUNTER_FILE).unlink(missing_ok=True)
    Writer.open(HomeAddress(home), codec=CODEC).close()


def test_a_damaged_memory_is_asked_anew(home: Path) -> None:
    """A remembered finding whose bytes changed is not known any more; the others are."""
    database = sqlite3.connect(home / "catalog.sqlite")
    database.execute(f"UPDATE {FINDING.name} SET finding = 'finding of c' WHERE audio_key = 'a'")
    database.commit()
    database.close()
    answers = FindingCache(HomeAddress(home))
    assert answers.get(ASKED, ["a", "b"]) == {"b": "finding of b"}
    answers.close()


def test_a_home_from_before_the_digests_keeps_all_of_it(home: Path, whole_home: Path, truth: Any) -> None:
    """A home of the schema before opens, answers alike, is sound, and from then on notices what changes."""
    for path in home.glob("catalog.*"):
        path.unlink()
    old = Catalog(HomeAddress(home))
    migrations.upgrade(old.engine, revision="0002")
    old.close()
    database = sqlite3.connect(home / "catalog.sqlite")
    database.execute("ATTACH ? AS now", (str(whole_home / "catalog.sqlite"),))
    for (name,) in database.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall():
        if name != "alembic_version":
            columns = ", ".join(row[1] for row in database.execute(f"PRAGMA main.table_info({name})"))
            database.execute(f"DELETE FROM main.{name}")
            database.execute(f"INSERT INTO main.{name} ({columns}) SELECT {columns} FROM now.{name}")
    database.commit()
    database.close()
    assert verify(HomeAddress(home)) == []  # whoever opens it first brings it up to date
    artist_unknown = repr(truth).replace("artist='Bea'", "artist=None")
    assert repr(everything(home)) == artist_unknown
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        writer.add(2, [some_item(9)])
    assert (home / COUNTER_FILE).exists() and verify(HomeAddress(home)) == []
    database = sqlite3.connect(home / "catalog.sqlite")
    database.execute("UPDATE segment SET tenant = 'mocal'")
    database.commit()
    assert verify(HomeAddress(home)) != []


def test_an_index_that_does_not_fit_its_table_is_named(home: Path) -> None:
    """Where a row that is there is not found, adding it again is an error of ours, not of the database."""
    database = sqlite3.connect(home / "catalog.sqlite")
    database.execute("UPDATE recording SET tenant = 'mocal' WHERE id = 2")
    database.execute("UPDATE membership SET recording_id = 99 WHERE recording_id = 3")
    database.commit()
    database.close()
    with suppress(CatalogDamaged), Writer.open(HomeAddress(home), codec=CODEC) as writer:
        writer.add(2, [some_item(seed, path=f"new/{seed}") for seed in SEEDS])
    assert verify(HomeAddress(home)) != []
