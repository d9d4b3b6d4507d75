"""A writer that dies at any fsync, rename, deletion or commit loses nothing that it acknowledged."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine.default import DefaultDialect

from earwitness.index.database.records import Added
from earwitness.index.library import Library
from earwitness.index.store.home_address import HomeAddress
from earwitness.index.store.verify import verify
from earwitness.index.writer import Writer
from tests.contract.small_store import CODEC, DATASET, found_at_once, some_item, unreadable

SEEDS = range(6)

Acknowledge = Callable[[str], object]
Scenario = Callable[[Path, Acknowledge], None]


def _die_at(moment: int) -> None:
    """Kill this process at the n-th moment from now; just before and just after each durable step is one.

    A killed process leaves the same files just before an fsync and just after it: that is one moment.
    """
    steps = 0

    def die_at_the_moment() -> None:
        nonlocal steps
        steps += 1
        if steps == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(step: Callable[..., Any], *, changes_files: bool = True) -> Callable[..., Any]:
        def with_deaths(*args: Any, **named: Any) -> Any:
            die_at_the_moment()
            result = step(*args, **named)
            if changes_files:
                die_at_the_moment()
            return result

        return with_deaths

    os.fsync = counted(os.fsync, changes_files=False)
    for name in ("replace", "unlink"):
        setattr(os, name, counted(getattr(os, name)))
    DefaultDialect.do_commit = counted(DefaultDialect.do_commit)  # type: ignore[method-assign]


def _run_and_die(home: Path, scenario: Scenario, moment: int) -> tuple[set[str], bool]:
    """Run a scenario in a process that dies at a moment; what it acknowledged, and whether it lived on."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            _die_at(moment)
            scenario(home, lambda said: os.write(writing, f"{said}\n".encode()))
            os._exit(0)
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading) as said:
        acknowledged = set(said.read().split())
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 0, "the scenario itself failed"
    return acknowledged, not os.WIFSIGNALED(status)


def _every_death(home: Path, scenario: Scenario) -> Iterator[tuple[Path, set[str]]]:
    for moment in range(1, 1_000):
        copy = Path(shutil.copytree(home, home.parent / f"dies-at-{moment}"))
        acknowledged, lived = _run_and_die(copy, scenario, moment)
        yield copy, acknowledged
        shutil.rmtree(copy)
        if lived:
            assert moment > 5, "the deaths were not planted"
            return
    raise AssertionError("the scenario never ended")


def _present(home: Path) -> set[int]:
    """Audio that a library finds wholly; and a writer that opens after it finds all well."""
    present = []
    for _ in range(2):
        with Library.open(HomeAddress(home), codec=CODEC) as library:
            numbers = [collection.id for collection in library.collections]
            present.append({seed for seed in SEEDS if found_at_once(library, seed, numbers)})
            stored = {seed for seed in SEEDS if library.by_sha256(some_item(seed).sha256 or "")}
            assert stored == present[-1], "a recording is stored but cannot be found"
        with Writer.open(HomeAddress(home), codec=CODEC) as writer:
            assert verify(writer.address, settled_s=0) == []
            writer.publish()
    assert present[0] == present[1]
    return present[0]


def _add(home: Path, acknowledge: Acknowledge) -> None:
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        dataset = writer.collection(DATASET, "scraped")
        for seed in SEEDS[::2]:
            writer.add(dataset, [some_item(seed), some_item(seed + 1), unreadable(f"{seed}.txt")])
            acknowledge(f"{seed}")


def _begin(home: Path, acknowledge: Acknowledge) -> None:
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        writer.collection(DATASET, "scraped")


def _publish_and_merge(home: Path, acknowledge: Acknowledge) -> None:
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        dataset = writer.collection(DATASET, "scraped")
        for seed in SEEDS[2::2]:
            writer.add(dataset, [some_item(seed), some_item(seed + 1)])
            acknowledge(f"{seed}")
            writer.publish()


def _filled(home: Path, seeds: range) -> list[Added]:
    with Writer.open(HomeAddress(home), codec=CODEC) as writer:
        added = writer.add(writer.collection(DATASET, "scraped"), [some_item(seed) for seed in seeds])
        writer.publish()
    return added


def test_what_add_acknowledged_is_found_after_any_death(home: Path) -> None:
    """Batches are there wholly or not at all, and each that was acknowledged is there."""
    for copy, acknowledged in _every_death(home, _add):
        present = _present(copy)
        assert all({int(seed), int(seed) + 1} <= present for seed in acknowledged)
        assert all((seed in present) == (seed + 1 in present) for seed in SEEDS[::2])


def test_a_death_while_publishing_or_merging_loses_nothing(home: Path) -> None:
    """Old segments or new ones answer, never half of either."""
    _filled(home, SEEDS[:2])
    for copy, acknowledged in _every_death(home, _publish_and_merge):
        present = _present(copy)
        assert {0, 1} <= present
        assert all({int(seed), int(seed) + 1} <= present for seed in acknowledged)


def test_a_death_while_rebuilding_loses_nothing(home: Path) -> None:
    """Every item answers before, during and after."""
    _filled(home, SEEDS)

    def rebuild(home: Path, _: Acknowledge) -> None:
        with Writer.open(HomeAddress(home), codec=CODEC) as writer:
            writer.rebuild()

    for copy, _acknowledged in _every_death(home, rebuild):
        assert _present(copy) == set(SEEDS)


@pytest.mark.parametrize("whole", [False, True], ids=["some items", "the collection"])
def test_a_removal_is_whole_or_did_not_happen(home: Path, whole: bool) -> None:
    """A death in a removal never removes a part, and never brings back what was acknowledged as removed."""
    added = _filled(home, SEEDS)
    doomed = set(SEEDS) if whole else {1, 4}

    def remove(home: Path, acknowledge: Acknowledge) -> None:
        with Writer.open(HomeAddress(home), codec=CODEC) as writer:
            dataset = writer.collection(DATASET, "scraped")
            writer.remove(dataset, items=None if whole else [added[seed].item for seed in doomed])
            acknowledge("removed")

    for copy, acknowledged in _every_death(home, remove):
        present = _present(copy)
        assert present in ((set(SEEDS) - doomed,) if acknowledged else (set(SEEDS) - doomed, set(SEEDS)))


def test_a_new_home_that_was_never_finished_is_made_again(tmp_path: Path) -> None:
    """A death while the home is first made leaves something that the next writer completes."""
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    for copy, _ in _every_death(nothing, _begin):
        with Writer.open(HomeAddress(copy), codec=CODEC) as writer:
            assert verify(writer.address, settled_s=0) == []
