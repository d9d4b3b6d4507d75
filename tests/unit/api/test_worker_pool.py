"""Worker processes: spec, death, and how bytes reach them. The worker here is one of our making."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from earwitness.api.datasets.items import Skipped, SourceItem
from earwitness.api.pipeline.run_spec import RunSpec
from earwitness.api.scan import worker_pool as pool_module
from earwitness.api.scan.worker_errors import LibraryMoved, WorkersFail
from earwitness.api.scan.worker_pool import Pool
from earwitness.api.settings import Settings
from earwitness.index.match import Effort


def spec(tmp_path: Path, state_digest: str = "", item_wall_s: float = 600.0) -> RunSpec:
    """A spec that searches nothing."""
    settings = Settings(home=tmp_path, item_wall_s=item_wall_s)
    return RunSpec(
        settings=settings, effort=Effort.FAST, collections=(), state_digest=state_digest, search=None
    )


def item(name: str, audio: bytes = b"sound") -> SourceItem:
    """A member of an archive."""
    return SourceItem(item_id=name, path=name, open=lambda: io.BufferedReader(io.BytesIO(audio)))


def answered(
    tmp_path: Path, items: list[SourceItem | Skipped], n_workers: int = 2, state_digest: str = ""
) -> list[tuple[str, str | None]]:
    """What became of items: their ids, and the code of their error."""
    with Pool(spec(tmp_path, state_digest), n_workers=n_workers, module="tests.unit.api.made_worker") as pool:
        pairs = list(pool.results(items))
    assert all(item.item_id == answer.item.id for item, answer in pairs)
    return [(item.item_id, None if answer.error is None else answer.error.code) for item, answer in pairs]


def test_answers_come_in_the_order_of_the_items(tmp_path: Path) -> None:
    """However long one item takes, those after it wait for it in the output."""
    names = ["slow", *map(str, range(40)), "slow", "last"]
    assert [name for name, _ in answered(tmp_path, [item(name) for name in names])] == names


@pytest.mark.parametrize("deadly", ["poison", "half"])
def test_an_item_that_kills_workers_is_reported_and_the_rest_goes_on(tmp_path: Path, deadly: str) -> None:
    """Only that item is blamed, also where a worker dies in the middle of its answer."""
    names = ["a", deadly, "b", "c"]
    pairs_found = answered(tmp_path, [item(name) for name in names], n_workers=1)
    assert pairs_found == [(name, "worker_died" if name == deadly else None) for name in names]


def test_a_worker_that_dies_before_it_is_given_the_order_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run ends with a reason; a closed socket is not a closed output."""
    started = subprocess.Popen

    def start_and_wait(*args: Any, **kwargs: Any) -> subprocess.Popen[bytes]:
        process = started(*args, **kwargs)
        process.wait()
        return process

    monkeypatch.setattr(subprocess, "Popen", start_and_wait)
    monkeypatch.setattr(pool_module, "command", lambda *_: [sys.executable, "-c", "raise SystemExit(7)"])
    with Pool(spec(tmp_path), n_workers=1) as pool, pytest.raises(WorkersFail, match="7"):
        list(pool.results([item("a")]))


def test_an_item_that_takes_too_long_is_stopped_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is reported as not compared to its end; those in line behind it are answered all the same."""
    monkeypatch.setattr(pool_module, "WATCH_S", 0.05)
    names = ["a", "endless", "b", "c", "endless", "d"]
    slow = spec(tmp_path, item_wall_s=1.0)
    with Pool(slow, n_workers=1, module="tests.unit.api.made_worker") as pool:
        pairs_found = [
            (item.item_id, answer.error) for item, answer in pool.results([item(name) for name in names])
        ]
    assert [name for name, _ in pairs_found] == names
    errors = dict(pairs_found)
    assert errors["endless"] is not None and errors["endless"].code == "item_timeout"
    assert "EARWITNESS_ITEM_WALL_S" in errors["endless"].hint
    assert all(error is None for name, error in pairs_found if name != "endless")


def test_a_run_can_be_ended_while_an_item_is_in_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the watch raises comes out soon, and no worker stays behind."""
    monkeypatch.setattr(pool_module, "WATCH_S", 0.05)
    began_at = time.monotonic()

    def watch() -> None:
        if time.monotonic() - began_at > 0.5:
            raise KeyError("cancelled")

    with (
        pytest.raises(KeyError),
        Pool(spec(tmp_path), n_workers=1, module="tests.unit.api.made_worker", watch=watch) as pool,
    ):
        list(pool.results([item("endless")]))
    assert time.monotonic() - began_at < 20
    assert all(worker.process.poll() is not None for worker in pool._workers)


def test_an_item_that_kills_workers_before_its_turn_is_the_one_reported(tmp_path: Path) -> None:
    """A worker works on an item while the one before it is unanswered: whose fault it is shows alone."""
    names = ["a", "poison", "b", "c", "poison"]
    pairs_found = answered(tmp_path, [item(name) for name in names], n_workers=1, state_digest="ahead")
    assert pairs_found == [(name, "worker_died" if name == "poison" else None) for name in names]


def test_an_unreadable_item_has_its_result_in_its_place(tmp_path: Path) -> None:
    """What a reader skipped, and an entry without sound, are answers like any other."""
    skipped = Skipped(item_id="link", path="link", code="link_refused", message="m", hint="h")
    silent = SourceItem(item_id="entry", path="entry", open=None)
    assert answered(tmp_path, [item("a"), skipped, silent, item("b")], n_workers=1) == [
        ("a", None),
        ("link", "link_refused"),
        ("entry", "no_sound"),
        ("b", None),
    ]


def test_bytes_reach_the_worker_unchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In memory, through an unlinked file, or from the item's own file: the same bytes arrive."""
    monkeypatch.setattr(pool_module, "HELD_BYTES", 1_000)
    held, spooled = b"x" * 1_000, bytes(range(256)) * 1_000
    (tmp_path / "own").write_bytes(spooled)
    own = SourceItem(item_id="own", path="own", open=item("own").open, file=tmp_path / "own")
    items = [item("held", held), item("spooled", spooled), own, item("after", held)]
    with Pool(spec(tmp_path), n_workers=1, module="tests.unit.api.made_worker") as pool:
        pairs_found = [answer.item.sha256 for _, answer in pool.results(items)]
    assert pairs_found == [hashlib.sha256(audio).hexdigest() for audio in (held, spooled, spooled, held)]


def test_items_are_read_only_as_results_come(tmp_path: Path) -> None:
    """A source is never read far ahead: what is held is bounded, however long it is."""
    n_read = 0

    def endless() -> Iterator[SourceItem]:
        nonlocal n_read
        while True:
            n_read += 1
            yield item(str(n_read))

    with Pool(spec(tmp_path), n_workers=1, module="tests.unit.api.made_worker") as pool:
        answers = pool.results(endless())
        for _ in range(5):
            next(answers)
    assert n_read <= 5 + pool_module.WINDOW


@pytest.mark.parametrize(("knowledge", "error"), [("moved", LibraryMoved), ("broken", WorkersFail)])
def test_what_stops_every_worker_is_an_error(tmp_path: Path, knowledge: str, error: type[Exception]) -> None:
    """A library that moved on, or workers that do not start, end the run with a reason."""
    with (
        Pool(spec(tmp_path, knowledge), n_workers=1, module="tests.unit.api.made_worker") as pool,
        pytest.raises(error),
    ):
        list(pool.results([item("a")]))
