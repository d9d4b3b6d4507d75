"""Homes to test: a new one, and one store in every state that a home can be in."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import create_engine, text

from earwitness.index.library import Library
from earwitness.index.store.backup import backup, restore
from earwitness.index.store.home_address import HomeAddress
from earwitness.index.writer import Writer
from tests.contract.small_store import CODEC

POSTGRES: Final = os.environ.get("EARWITNESS_TEST_POSTGRES")
"""SQLAlchemy address of an empty PostgreSQL database; each home gets a schema of its own there."""


@contextmanager
def postgres_addresses() -> Iterator[Callable[[Path], str]]:
    """Give each home a schema of its own in PostgreSQL, and its address; they are dropped at the end."""
    assert POSTGRES is not None
    made = dict[Path, str]()
    engine = create_engine(POSTGRES, isolation_level="AUTOCOMMIT")

    def address(home: Path) -> str:
        if home not in made:
            made[home] = "home_" + hashlib.sha256(str(home).encode()).hexdigest()[:16]
            with engine.connect() as connection:
                connection.execute(text(f"CREATE SCHEMA {made[home]}"))
        joined = "&" if "?" in POSTGRES else "?"
        return f"{POSTGRES}{joined}options=-csearch_path%3D{made[home]}"

    yield address
    with engine.connect() as connection:
        for schema in made.values():
            connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


@pytest.fixture
def on_postgres(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep every home's catalog in PostgreSQL: writers and libraries are opened with an address."""
    with postgres_addresses() as address:
        for kind in (Writer, Library):

            def opened(
                cls: Any, /, home: HomeAddress, *, plain: Any = kind.__dict__["open"].__func__, **how: Any
            ) -> Any:
                url = home.database_url or address(home.path)
                return plain(cls, replace(home, database_url=url), **how)

            monkeypatch.setattr(kind, "open", classmethod(opened))
        yield


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home without content; copy it, for making one takes a while."""
    home = tmp_path_factory.mktemp("homes") / "empty"
    Writer.open(HomeAddress(home), codec=CODEC).close()
    return home


@pytest.fixture
def home(empty_home: Path, tmp_path: Path) -> Path:
    """A new home."""
    return Path(shutil.copytree(empty_home, tmp_path / "home"))


def waiting(home: Path) -> Path:
    """Leave what was added without a segment."""
    return home


def published(home: Path) -> Path:
    """Give everything a segment."""
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        writer.publish()
    return home


def rebuilt(home: Path) -> Path:
    """Build its segments again."""
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        writer.publish()
        writer.rebuild()
    return home


def mended(home: Path) -> Path:
    """Lose its segments, which opening it mends."""
    for segment in (published(home) / "segments").iterdir():
        segment.unlink()
    return home


def restored(home: Path) -> Path:
    """Make it again from a backup."""
    packed, again = home.parent / "backup", home.parent / "again"
    backup(HomeAddress(published(home)), packed)
    restore(packed, HomeAddress(again), codec=CODEC)
    return again


@pytest.fixture(params=[waiting, published, rebuilt, mended, restored])
def settled(request: pytest.FixtureRequest) -> Callable[[Path], Path]:
    """Brings a home, after its writer was closed, into one of the states that all must answer alike."""
    state: Callable[[Path], Path] = request.param
    return state
