"""However many datasets there are, a process opens no more files than it may."""

from __future__ import annotations

import os
import resource
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from earwitness.index.library import Library
from earwitness.index.store.home_address import HomeAddress
from earwitness.index.store.verify import verify
from earwitness.index.writer import Writer
from tests.contract.small_store import CODEC, DATASET, found_at_once, some_item

N_DATASETS = 120
MAY_OPEN = 64


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of many datasets, each with a segment of its own."""
    home = tmp_path_factory.mktemp("many") / "home"
    with pytest.MonkeyPatch.context() as patched, Writer.open(HomeAddress(home), codec=CODEC) as writer:
        patched.setattr(os, "fsync", lambda _: None)  # what is kept over a power cut is tested elsewhere
        for number in range(N_DATASETS):
            writer.add(writer.collection(DATASET, f"set {number}"), [some_item(number, n_codes=2)])
        writer.publish()
    assert len(list((home / "segments").iterdir())) == N_DATASETS
    return home


def with_few_files(act: Callable[[], None]) -> None:
    """Do something in a process that may open few files."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.closerange(3, resource.getrlimit(resource.RLIMIT_NOFILE)[0])  # files of other tests
            resource.setrlimit(resource.RLIMIT_NOFILE, (MAY_OPEN, MAY_OPEN))
            act()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0


def all_found(library: Library) -> bool:
    """Whether each dataset's item is found in it."""
    return all(
        found_at_once(library, number, [each.id], 2) for number, each in enumerate(library.collections)
    )


def test_many_datasets_are_asked_with_few_open_files(home: Path) -> None:
    """Two libraries at once find every item of every dataset, and the home is verified."""

    def ask() -> None:
        with (
            Library.open(HomeAddress(home), codec=CODEC) as one,
            Library.open(HomeAddress(home), codec=CODEC) as other,
        ):
            assert all_found(one) and all_found(other)
        assert verify(HomeAddress(home)) == []

    with_few_files(ask)


def test_segments_replaced_before_they_were_read_lose_nothing(home: Path) -> None:
    """What was not held open and is deleted by a writer is answered from the fingerprints of that epoch."""

    def ask() -> None:
        with Library.open(HomeAddress(home), codec=CODEC) as library:
            with Writer.open(HomeAddress(home), codec=CODEC) as writer:
                writer.rebuild()
            assert all_found(library)
        with Library.open(HomeAddress(home), codec=CODEC) as library:
            assert all_found(library)

    with_few_files(ask)
