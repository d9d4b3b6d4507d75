"""What every home promises, with its catalog in the PostgreSQL that ``EARWITNESS_TEST_POSTGRES`` names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from earwitness.index.store.finding_cache import CacheKey, FindingCache
from earwitness.index.store.home_address import HomeAddress
from earwitness.index.store.jobs import Jobs, JobState
from earwitness.index.store.store_errors import CatalogNotUnicode, CatalogUnreachable
from earwitness.index.store.verify import verify
from earwitness.index.writer import Writer
from tests.contract import test_notice_rows, test_store
from tests.contract.conftest import POSTGRES, mended, published, rebuilt, waiting
from tests.contract.small_store import CODEC, DATASET, some_item
from tests.unit.index import test_jobs

pytestmark = [
    pytest.mark.skipif(POSTGRES is None, reason="EARWITNESS_TEST_POSTGRES names no database"),
    pytest.mark.usefixtures("on_postgres"),
]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A new home; its catalog lies elsewhere, so that none can be copied."""
    return tmp_path / "home"


@pytest.fixture(params=[waiting, published, rebuilt, mended])
def settled(request: pytest.FixtureRequest) -> Callable[[Path], Path]:
    """Every state but a restored one: what PostgreSQL keeps, PostgreSQL's own tools back up."""
    state: Callable[[Path], Path] = request.param
    return state


@pytest.fixture
def writer(home: Path) -> Iterator[Writer]:
    """A writer of its own for every law of jobs."""
    with Writer.open(HomeAddress(home), codec=CODEC) as opened:
        yield opened


@pytest.fixture
def jobs(writer: Writer) -> Jobs:
    """The jobs of a home that has none."""
    return Jobs(writer.catalog)


LAWS = vars(test_store) | vars(test_jobs) | vars(test_notice_rows)
globals().update({name: law for name, law in LAWS.items() if name.startswith("test_")})


def test_writers_take_turns(jobs: Jobs) -> None:
    """However many threads queue and end jobs at once, none is refused and every number is given once."""

    def work(n: int) -> int:
        job, _ = jobs.enqueue("check", {"n": n})
        claimed = jobs.claim(["check"])
        assert claimed is not None
        jobs.heartbeat(claimed)
        jobs.finish(claimed, {})
        return job.number

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(work, range(40))) == list(range(1, 41))
    assert jobs.count()[JobState.DONE] == 40


def test_findings_are_remembered(writer: Writer, home: Path) -> None:
    """An answer kept by one process is known to the next, and a later one replaces it."""
    asked = CacheKey(scheme="s", effort="fast", state_digest="k")
    answers = FindingCache(writer.address)
    answers.put(asked, {"a": "1", "b": "2"})
    answers.put(asked, {"a": "3"})
    assert answers.get(asked, ["a", "b", "c"]) == {"a": "3", "b": "2"}
    answers.close()


def test_a_catalog_elsewhere_is_verified_while_it_is_written(writer: Writer, home: Path) -> None:
    """A reader checks one instant of it, whatever a writer does."""
    writer.add(writer.collection(DATASET, "scraped"), [some_item(1)])
    writer.publish()
    assert verify(writer.address) == []


def test_a_database_that_does_not_answer_is_named_without_its_password(home: Path) -> None:
    """The error says where it was looked for, and the way out."""
    url = "postgresql+psycopg://ew:secret@127.0.0.1:9/ew"
    with pytest.raises(CatalogUnreachable) as caught:
        Writer.open(HomeAddress(home, database_url=url), codec=CODEC)
    assert "127.0.0.1:9" in caught.value.message
    assert "secret" not in caught.value.message


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_of_another_encoding_is_refused(home: Path, encoding: str) -> None:
    """It could not store every title; the error says how to make one that can."""
    assert POSTGRES is not None
    name = f"not_unicode_{encoding.lower()}"
    engine = create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    url = make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        kind = f"TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'"
        connection.execute(text(f"CREATE DATABASE {name} {kind}"))
        try:
            with pytest.raises(CatalogNotUnicode) as caught:
                Writer.open(HomeAddress(home, database_url=url), codec=CODEC)
        finally:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()
    assert encoding in caught.value.message
