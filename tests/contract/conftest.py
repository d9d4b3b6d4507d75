"""Homes to test: a new one, and one store in every state that a home can be in."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from index.backup import backup, restore
from index.enroll import Writer
from tests.contract.small_store import CODEC


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home without content; copy it, for making one takes a while."""
    home = tmp_path_factory.mktemp("homes") / "empty"
    Writer.open(home, codec=CODEC).close()
    return home


@pytest.fixture
def home(empty_home: Path, tmp_path: Path) -> Path:
    """A new home."""
    return Path(shutil.copytree(empty_home, tmp_path / "home"))


def _waiting(home: Path) -> Path:
    return home


def _published(home: Path) -> Path:
    with Writer.open(home, codec=CODEC) as writer:
        writer.publish()
    return home


def _rebuilt(home: Path) -> Path:
    with Writer.open(home, codec=CODEC) as writer:
        writer.publish()
        writer.rebuild()
    return home


def _mended(home: Path) -> Path:
    for segment in (_published(home) / "segments").iterdir():
        segment.unlink()
    return home


def _restored(home: Path) -> Path:
    packed, again = home.parent / "backup", home.parent / "again"
    backup(_published(home), packed)
    restore(packed, again, codec=CODEC)
    return again


@pytest.fixture(params=[_waiting, _published, _rebuilt, _mended, _restored])
def settled(request: pytest.FixtureRequest) -> Callable[[Path], Path]:
    """Brings a home, after its writer was closed, into one of the states that all must answer alike."""
    state: Callable[[Path], Path] = request.param
    return state
