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
from earwitness.api.scan.checkpoint import partial_path
from earwitness.api.scan.run_scan import Plan, Scanned, scan, tally_of
from earwitness.api.scan.scan_errors import ScanChanged
from earwitness.api.scan.tally import Tally
from earwitness.api.settings import Settings
from earwitness.index.match import Effort, Verdict
from tests.unit.api.made_findings import SEARCH, finding, match

NAMES = [f"clip {number}.ogg" for number in range(7)]
SPEC = RunSpec(settings=Settings(), effort=Effort.FAST, collections=(1,), state_digest="k", search=SEARCH)


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

    processed: ClassVar[list[str]] = []

    def __init__(self, spec: RunSpec, *, n_workers: int, watch: object) -> None:
        assert spec.search is not None
        self._search = spec.search

    def __enter__(self) -> Answering:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def results(
        self, items: Iterable[SourceItem | Skipped]
    ) -> Iterator[tuple[SourceItem | Skipped, ItemResult]]:
        """Answer."""
        for item in items:
            self.processed.append(item.item_id)
            e_value = 9e-5 if item.item_id == NAMES[3] else 1e-9
            answer = replace(
                finding(item=item.item_id, matches=(match(e_value=e_value),)), search=self._search
            )
            yield item, ItemResult(item=answer.item, finding=answer)


class NoMemory:
    """In the place of remembered findings."""

    def __init__(self, spec: RunSpec) -> None: ...

    def remember(self, answer: ItemResult) -> None:
        """Forget it."""

    def flush(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


@pytest.fixture(autouse=True)
def _no_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    Answering.processed = []
    monkeypatch.setattr(run, "Pool", Answering)
    monkeypatch.setattr(run, "KnownFindings", NoMemory)
    monkeypatch.setattr(run, "read_summary", lambda settings: None)
    monkeypatch.setattr(run, "scan_spec", lambda settings, library, effort, within: SPEC)
    monkeypatch.setattr(checkpoint, "SYNC_ITEMS", 3)


def scanned(out: Path, *, names: list[str] | None = None, **plan: Any) -> tuple[list[str], Tally]:
    """Scan; returns the ids of the findings, and their counts."""
    ended: list[tuple[list[str], Tally]] = []
    seen: list[Finding] = []

    def finish(scan: Scanned) -> None:
        ended.append(([each.item.id for each in scan.findings()], tally_of(scan)))

    full = Plan(source="source", out=out, effort=Effort.FAST, **plan)
    scan(full, Source(names or NAMES), settings=Settings(), seen=seen.append, finish=finish)
    assert [each.item.id for each in seen] == ended[0][0]
    return ended[0]


CALLS: list[tuple[Any, str]] = [
    (os, "fsync"), (Path, "replace"), (Path, "unlink"), (Path, "chmod"), (checkpoint, "to_line"),
]  # fmt: skip


@pytest.mark.parametrize(("owner", "name"), CALLS, ids=lambda value: value if isinstance(value, str) else "")
def test_a_scan_killed_anywhere_ends_the_same_when_resumed(
    owner: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In whichever call it dies, the output is complete or absent; a resumed scan gives the same bytes."""
    scanned(tmp_path / "unbroken")
    complete = (tmp_path / "unbroken").read_bytes()
    for nth in range(1, 30):
        out = tmp_path / f"{nth}"
        with monkeypatch.context() as patch:
            left = dying(patch, owner, name, nth)
            try:
                scanned(out)
            except Killed:
                assert not out.exists() or out.read_bytes() == complete
        scanned(out, resume=True)
        assert out.read_bytes() == complete
        assert not partial_path(out).exists()
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


def test_a_resumed_scan_processes_only_missing_items(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Items that were finished before the kill are not processed again."""
    with monkeypatch.context() as patch:
        dying(patch, checkpoint, "to_line", 5)
        with pytest.raises(Killed):
            scanned(tmp_path / "out")
    Answering.processed = []
    scanned(tmp_path / "out", resume=True)
    assert Answering.processed == NAMES[4:]


def test_another_source_is_not_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the source's items have changed, the scan is an error and leaves the findings."""
    with monkeypatch.context() as patch:
        dying(patch, checkpoint, "to_line", 5)
        with pytest.raises(Killed):
            scanned(tmp_path / "out")
    with pytest.raises(ScanChanged, match="clip 1"):
        scanned(tmp_path / "out", names=[NAMES[0], "other", *NAMES[2:]], resume=True)
    assert partial_path(tmp_path / "out").exists()


def test_a_long_scan_needs_lower_e_values(tmp_path: Path) -> None:
    """With very many items, what would be a match alone is only possible."""
    _, tally = scanned(tmp_path / "out", names=[*NAMES, *(f"more {n}" for n in range(1_200))])
    assert tally.verdicts == {Verdict.MATCH: 1_206, Verdict.POSSIBLE: 1}
    assert tally.expected_false <= 0.1 + 1e-9


@pytest.mark.parametrize(
    ("plan", "expected"),
    [({"sample_every": 3}, NAMES[::3]), ({"max_seconds": 20.0}, NAMES[:3]), ({}, NAMES)],
    ids=["sampled", "stopped", "all"],
)
def test_a_quick_look_is_partial(plan: dict[str, Any], expected: list[str], tmp_path: Path) -> None:
    """With every n-th item, or limited audio, the scan is reported as partial."""
    ids, tally = scanned(tmp_path / "out", **plan)
    assert ids == expected
    assert bool(tally.partial) is bool(plan)
