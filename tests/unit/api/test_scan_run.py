"""A scan from beginning to end, its workers replaced by answers of our making."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from earwitness.api.datasets.items import NONE_PASSED_OVER, Skipped, SourceItem
from earwitness.api.findings import Finding
from earwitness.api.pipeline.run_spec import ItemResult, RunSpec
from earwitness.api.scan import checkpoint
from earwitness.api.scan import run_scan as run
from earwitness.api.scan.checkpoint import partial_of
from earwitness.api.scan.run_scan import Plan, Scanned, scan, tally_of
from earwitness.api.scan.scan_errors import ScanChanged
from earwitness.api.scan.tally import Tally
from earwitness.api.settings import Settings
from earwitness.index.match import Effort, Verdict
from tests.unit.api.made_findings import SEARCH, finding, match

NAMES = [f"clip {number}.ogg" for number in range(7)]
ORDER = RunSpec(settings=Settings(), effort=Effort.FAST, asked=(1,), state_digest="k", search=SEARCH)


class Killed(BaseException):
    """Stands for kill -9 in the middle of a system call."""


class Source:
    """A source of named items."""

    format, passed_over = "folder", NONE_PASSED_OVER
    shards: tuple[str, ...] = ()

    def __init__(self, names: list[str]) -> None:
        self._names, self.total = names, len(names)

    def __iter__(self) -> Iterator[SourceItem | Skipped]:
        return iter([SourceItem(item_id=name, path=name, open=None) for name in self._names])


class Answering:
    """In a pool's place: every item holds the work; one is less certain."""

    heard: ClassVar[list[str]] = []

    def __init__(self, order: RunSpec, *, n_workers: int, watch: object) -> None:
        assert order.search is not None
        self._search = order.search

    def __enter__(self) -> Answering:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def answers(
        self, items: Iterable[SourceItem | Skipped]
    ) -> Iterator[tuple[SourceItem | Skipped, ItemResult]]:
        """Answer."""
        for item in items:
            self.heard.append(item.item_id)
            e_value = 9e-5 if item.item_id == NAMES[3] else 1e-9
            said = replace(finding(item=item.item_id, matches=(match(e_value=e_value),)), search=self._search)
            yield item, ItemResult(said=said.item, finding=said)


class NoMemory:
    """In the place of remembered findings."""

    def __init__(self, order: RunSpec) -> None: ...

    def remember(self, answer: ItemResult) -> None:
        """Forget it."""

    def flush(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


@pytest.fixture(autouse=True)
def _no_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    Answering.heard = []
    monkeypatch.setattr(run, "Pool", Answering)
    monkeypatch.setattr(run, "KnownFindings", NoMemory)
    monkeypatch.setattr(run, "contents_of", lambda settings: None)
    monkeypatch.setattr(run, "scan_order", lambda settings, library, effort: ORDER)
    monkeypatch.setattr(checkpoint, "SYNC_ITEMS", 3)


def scanned(out: Path, *, names: list[str] | None = None, **plan: Any) -> tuple[list[str], Tally]:
    """Scan; returns the ids of the findings, and their counts."""
    ended: list[tuple[list[str], Tally]] = []
    seen: list[Finding] = []

    def finish(scan: Scanned) -> None:
        ended.append(([each.item.id for each in scan.findings()], tally_of(scan)))

    whole = Plan(source="source", out=out, effort=Effort.FAST, **plan)
    scan(whole, Source(names or NAMES), settings=Settings(), seen=seen.append, finish=finish)
    assert [each.item.id for each in seen] == ended[0][0]
    return ended[0]


CALLS: list[tuple[Any, str]] = [
    (os, "fsync"), (Path, "replace"), (Path, "unlink"), (Path, "chmod"), (checkpoint, "to_line"),
]  # fmt: skip


@pytest.mark.parametrize(("owner", "name"), CALLS, ids=lambda value: value if isinstance(value, str) else "")
def test_a_scan_killed_anywhere_ends_the_same_when_resumed(
    owner: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever call it dies in, the output is whole or absent, and a resumed scan gives the same bytes."""
    scanned(tmp_path / "unbroken")
    whole = (tmp_path / "unbroken").read_bytes()
    for nth in range(1, 30):
        out = tmp_path / f"{nth}"
        with monkeypatch.context() as patch:
            left = dying(patch, owner, name, nth)
            try:
                scanned(out)
            except Killed:
                assert not out.exists() or out.read_bytes() == whole
        scanned(out, resume=True)
        assert out.read_bytes() == whole
        assert not partial_of(out).exists()
        if left():
            return
    raise AssertionError("the call was made more often than was tried")


def dying(patch: pytest.MonkeyPatch, owner: Any, name: str, nth: int) -> Callable[[], bool]:
    """Make the nth call of a function the last; the answer tells whether it was never reached."""
    real, n_calls = getattr(owner, name), 0

    def once(*args: Any, **kwargs: Any) -> Any:
        nonlocal n_calls
        n_calls += 1
        if n_calls == nth:
            raise Killed
        return real(*args, **kwargs)

    patch.setattr(owner, name, once)
    return lambda: n_calls < nth


def test_a_resumed_scan_hears_only_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Items that were answered before the kill are not heard again."""
    with monkeypatch.context() as patch:
        dying(patch, checkpoint, "to_line", 5)
        with pytest.raises(Killed):
            scanned(tmp_path / "out")
    Answering.heard = []
    scanned(tmp_path / "out", resume=True)
    assert Answering.heard == NAMES[4:]


def test_another_source_is_not_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the items are not those that were answered, the scan says so and leaves the findings."""
    with monkeypatch.context() as patch:
        dying(patch, checkpoint, "to_line", 5)
        with pytest.raises(Killed):
            scanned(tmp_path / "out")
    with pytest.raises(ScanChanged, match="clip 1"):
        scanned(tmp_path / "out", names=[NAMES[0], "other", *NAMES[2:]], resume=True)
    assert partial_of(tmp_path / "out").exists()


def test_a_long_scan_asks_more_of_each_match(tmp_path: Path) -> None:
    """With very many items, what would be a match alone is only possible."""
    _, tally = scanned(tmp_path / "out", names=[*NAMES, *(f"more {n}" for n in range(1_200))])
    assert tally.verdicts == {Verdict.MATCH: 1_206, Verdict.POSSIBLE: 1}
    assert tally.expected_false <= 0.1 + 1e-9


@pytest.mark.parametrize(
    ("plan", "expected"),
    [({"sample_every": 3}, NAMES[::3]), ({"max_seconds": 20.0}, NAMES[:3]), ({}, NAMES)],
    ids=["sampled", "stopped", "whole"],
)
def test_a_quick_look_is_partial(plan: dict[str, Any], expected: list[str], tmp_path: Path) -> None:
    """Every so many items, or so much audio: the findings are those, and the scan says that it is partial."""
    found, tally = scanned(tmp_path / "out", **plan)
    assert found == expected
    assert bool(tally.partial) is bool(plan)
