"""Where nothing can be written, what is stored is still read, and what cannot be done says so."""

from __future__ import annotations

import os
import shutil
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from earwitness.index.library import Library
from earwitness.index.store.backup import backup, restore
from earwitness.index.store.finding_cache import CacheKey, FindingCache
from earwitness.index.store.home_address import HomeAddress
from earwitness.index.store.shards import FLAT_FILE
from earwitness.index.store.store_errors import HomeUnusable, StoreUnwritable
from earwitness.index.store.verify import verify
from earwitness.index.writer import Writer
from tests.contract.small_store import CODEC, DATASET, Nibbles, found_at_once, some_item

NOBODY = 65534


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that another user can reach, with a home in it that this one wrote."""
    folder = Path(tempfile.mkdtemp(prefix="unwritable-"))
    folder.chmod(0o755)
    (folder / "model").mkdir()
    with Writer.open(HomeAddress(folder / "home"), codec=CODEC) as writer:
        writer.add(writer.collection(DATASET, "scraped"), [some_item(1)])
        writer.publish()
        writer.add(1, [some_item(2)])
    codec_of(folder).model_file(FLAT_FILE)
    (folder / "mine").mkdir()
    (folder / "mine").chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def codec_of(place: Path) -> Nibbles:
    """A codec whose files another user can read."""
    return Nibbles(place / "model")


def as_another(act: Callable[[], None], *, home: Path) -> None:
    """Do something in a process that may not write a home."""
    home.chmod(0o555)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            if os.geteuid() == 0:
                os.setuid(NOBODY)
            act()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    home.chmod(0o755)


def test_a_home_that_may_not_be_written_can_be_read(place: Path) -> None:
    """Asking, verifying and backing up need no right to write it; remembering is left out."""
    home = place / "home"

    def read() -> None:
        with Library.open(HomeAddress(home), codec=codec_of(place)) as library:
            assert found_at_once(library, 1, [1]) and found_at_once(library, 2, [1])
        assert verify(HomeAddress(home)) == []
        answers = FindingCache(HomeAddress(home))
        answers.put(CacheKey(scheme="s", effort="fast", state_digest="k"), {"a": "b"})
        answers.close()
        assert backup(HomeAddress(home), place / "mine" / "packed") > 0
        assert {path.name for path in home.iterdir()} == before

    before = {path.name for path in home.iterdir()}
    as_another(read, home=home)
    restore(place / "mine" / "packed", HomeAddress(place / "again"), codec=CODEC)
    assert verify(HomeAddress(place / "again")) == []


def test_what_needs_to_write_says_that_it_cannot(place: Path) -> None:
    """Writing, and backing up or restoring into such a folder, are refused with the reason."""
    home = place / "home"
    backup(HomeAddress(home), place / "packed")

    def write() -> None:
        for act in (
            lambda: Writer.open(HomeAddress(home), codec=CODEC),
            lambda: Writer.open(HomeAddress(home / "new"), codec=CODEC),
            lambda: backup(HomeAddress(home), home / "packed"),
            lambda: restore(place / "packed", HomeAddress(home / "again"), codec=CODEC),
        ):
            with pytest.raises((StoreUnwritable, HomeUnusable)):
                act()

    as_another(write, home=home)
    with Library.open(HomeAddress(home), codec=CODEC) as library:
        assert found_at_once(library, 1, [1]) and found_at_once(library, 2, [1])


def test_a_log_that_cannot_be_read_is_not_passed_over(place: Path) -> None:
    """Where the last changes lie in a log that only a writer can read, nothing answers without them."""
    home = place / "home"
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        writer.add(1, [some_item(3)])
        held = shutil.copytree(home, place / "held")
    (held / "catalog.sqlite-shm").unlink()

    def read() -> None:
        with pytest.raises(StoreUnwritable):
            Library.open(HomeAddress(held), codec=CODEC)

    as_another(read, home=held)
    with Library.open(HomeAddress(held), codec=CODEC) as library:
        assert found_at_once(library, 3, [1])
