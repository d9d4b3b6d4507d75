"""Indexing a source: what cannot be read leaves the dataset as it was."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from earwitness.api.datasets.items import Skipped, SourceItem
from earwitness.api.datasets.source_errors import SourceBroken
from earwitness.api.findings import FindingItem
from earwitness.api.pipeline import enroll as enrolling
from earwitness.api.pipeline.enroll import Outcome, index_source
from earwitness.api.pipeline.run_spec import ItemResult, RunSpec, refused_result
from earwitness.api.settings import Settings
from earwitness.index.database.records import Collection, ItemRow
from earwitness.index.match import Effort
from earwitness.index.store.home_address import HomeAddress
from earwitness.index.writer import Writer


class Answering:
    """In the place of a pool: every item is stored already, but for those that are skipped."""

    def __init__(self, spec: RunSpec, **_: object) -> None:
        self._spec = spec

    def __enter__(self) -> Answering:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is held."""

    def results(
        self, items: Iterable[SourceItem | Skipped]
    ) -> Iterator[tuple[SourceItem | Skipped, ItemResult]]:
        for item in items:
            if isinstance(item, Skipped):
                yield item, refused_result(self._spec, item)
            else:
                finding_item = FindingItem(id=item.item_id, path=item.path, sha256=None, duration_s=1.0)
                yield item, ItemResult(item=finding_item, existing=ItemRow.__new__(ItemRow))


def stored(name: str) -> SourceItem:
    """An item that the dataset holds already."""
    return SourceItem(item_id=name, path=name, open=lambda: io.BytesIO(b""))


def refused(name: str, *, cut_off: bool = False) -> Skipped:
    """An item that its reader does not hand out, or the place where the source breaks off."""
    code = "source_cut_off" if cut_off else "link_refused"
    return Skipped(item_id=name, path=name, code=code, message="m", hint="h", cut_off=cut_off)


def breaking() -> Iterator[SourceItem | Skipped]:
    """A source that breaks when it is read."""
    raise SourceBroken(source="x", reason="no archive")
    yield


CUT = refused("x#rest", cut_off=True)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Index items as the dataset "set" of one home."""
    monkeypatch.setattr(enrolling, "Pool", Answering)
    settings = Settings(home=tmp_path / "home")
    with Writer.open(HomeAddress(settings.home)) as writer:

        def run(items: Iterable[SourceItem | Skipped]) -> list[Outcome]:
            done = index_source(
                items,
                name="set",
                version="1",
                writer=writer,
                settings=settings,
                effort=Effort.FAST,
                n_workers=1,
            )
            return [each.outcome for each in done]

        run.writer = writer  # type: ignore[attr-defined]
        yield run


def known(index: Any) -> list[Collection]:
    """The datasets of the home."""
    return [each for each in index.writer.collections if each.name == "set"]


@pytest.mark.parametrize(
    "garbage",
    [breaking, lambda: iter([CUT]), lambda: iter([CUT, CUT])],
    ids=["breaks", "cut off", "all cut off"],
)
@pytest.mark.parametrize("before", [True, False], ids=["complete", "new"])
def test_what_is_no_source_does_not_touch_the_dataset(index: Any, garbage: Any, before: bool) -> None:
    """A complete dataset stays complete and as large as it was; a new name stays unused."""
    if before:
        index([refused("a")])
    was = known(index)
    with pytest.raises(SourceBroken):
        index(garbage())
    assert known(index) == was
    assert [each.complete for each in was] == ([True] if before else [])


def test_a_source_that_adds_nothing_leaves_a_complete_dataset_complete(index: Any) -> None:
    """A source that ends with an error after stored items does not change the dataset."""
    index([refused("a")])
    index([stored("b")])
    assert [each.complete for each in known(index)] == [True]


def test_a_source_that_breaks_off_after_a_new_item_is_incomplete(index: Any) -> None:
    """The dataset is incomplete until the source is indexed to its end."""
    assert index([refused("a"), CUT]) == [Outcome.NOT_READABLE, Outcome.NOT_READABLE]
    assert [each.complete for each in known(index)] == [False]
    index([refused("a"), refused("b")])
    assert [each.complete for each in known(index)] == [True]


def test_a_broken_shard_does_not_hide_the_others(index: Any) -> None:
    """A first part that breaks off at once is reported, and the rest is read."""
    assert len(index([CUT, refused("a")])) == 2
    assert [each.complete for each in known(index)] == [False]
