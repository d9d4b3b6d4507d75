"""A home with works and datasets for the tests of watching; findings are made up, and no audio is decoded."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from earwitness.api.datasets.items import Skipped, SourceItem
from earwitness.api.findings import Finding, FindingError, FindingItem, FindingMatch, FindingRecording
from earwitness.api.pipeline import enroll as enrolling
from earwitness.api.pipeline.enroll import index_source
from earwitness.api.pipeline.run_spec import ItemResult, RunSpec
from earwitness.api.settings import Settings
from earwitness.index.database.records import CollectionKind, Failure, ItemRow, NewItem
from earwitness.index.match import Effort, Verdict
from earwitness.index.notices.notice_records import Notice
from earwitness.index.notices.notice_rows import Notices
from earwitness.index.writer import Writer
from tests.contract.small_store import some_item
from tests.unit.api.made_findings import SEARCH, match


@dataclass(frozen=True, kw_only=True)
class Made:
    """An item of a source: which work it holds, and how surely; `error` makes it unreadable.

    `in_part` is whether only a part of it could be compared.
    """

    seed: int
    work: ItemRow | None = None
    e_value: float = 1e-12
    error: str | None = None
    in_part: bool = False


def made_item(writer: Writer, seed: int, **changed: Any) -> NewItem:
    """An item of the writer's scheme."""
    item = some_item(seed)
    assert item.fingerprint is not None
    return replace(item, fingerprint=replace(item.fingerprint, scheme=writer.scheme), **changed)


def add_work(writer: Writer, seed: int, **texts: Any) -> ItemRow:
    """Register a work."""
    works = writer.collection(CollectionKind.WORKS)
    item = made_item(writer, seed, **texts)
    writer.add(works, [item])
    return next(each for each in writer.find(works, item.sha256 or ""))


def result_of(made: Made, writer: Writer, effort: Effort) -> ItemResult:
    """What the pipeline gives for an item."""
    new = made_item(writer, made.seed)
    search = replace(SEARCH, effort=effort)
    item = FindingItem(id=new.path, path=new.path, sha256=new.sha256, duration_s=8.0)
    if made.error is not None:
        error = FindingError(code=made.error, message="m", hint="h")
        item = replace(item, duration_s=None)
        finding = Finding(item=item, verdict=Verdict.NOT_READABLE, error=error, search=search, matches=())
        failure = Failure(code=made.error, message="m", hint="h")
        return ItemResult(
            item=item, error=error, finding=finding, new=replace(new, fingerprint=None, failure=failure)
        )
    cut = FindingError(code="truncated", message="m", hint="h") if made.in_part else None
    matches: tuple[FindingMatch, ...] = ()
    verdict = Verdict.NOT_READABLE if made.in_part else Verdict.NO_MATCH
    if made.work is not None:
        matches = (work_match(made.work, e_value=made.e_value),)
        verdict = Verdict.MATCH if made.e_value <= 1e-4 else Verdict.POSSIBLE
    finding = Finding(item=item, verdict=verdict, error=cut, search=search, matches=matches)
    return ItemResult(item=item, finding=finding, error=cut, new=new)


def work_match(work: ItemRow, *, e_value: float) -> FindingMatch:
    """A match with a registered work."""
    recording = FindingRecording(
        id=work.sha256 or "", path=work.path, title=work.title, owner=work.owner, isrc=work.isrc
    )
    return match(collection="works", recording=recording, e_value=e_value)


class MadePool:
    """In the place of a pool: gives the results of made items, by their id."""

    writer: Writer
    made: ClassVar[dict[str, Made]] = {}

    def __init__(self, spec: RunSpec, **_: object) -> None:
        self._spec = spec

    def __enter__(self) -> MadePool:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is held."""

    def results(
        self, items: Iterable[SourceItem | Skipped]
    ) -> Iterator[tuple[SourceItem | Skipped, ItemResult]]:
        for item in items:
            assert isinstance(item, SourceItem)
            result = result_of(self.made[item.item_id], self.writer, self._spec.effort)
            into = self._spec.into
            stored = None if into is None else self.writer.find(into, result.item.sha256 or "")
            if stored and stored[0].failure is None:
                yield item, replace(result, new=None, finding=None, existing=stored[0])
            else:
                yield item, result


def source(made: Sequence[Made]) -> Iterator[SourceItem]:
    """Made items as a source."""
    for each in made:
        name = f"{each.seed}.wav"
        MadePool.made[name] = each
        yield SourceItem(item_id=name, path=name, open=lambda: io.BytesIO(b""))


@dataclass(kw_only=True)
class MadeHome:
    """An open home."""

    settings: Settings
    writer: Writer

    def index(
        self, name: str, version: str, made: Sequence[Made], *, effort: Effort = Effort.STANDARD
    ) -> list[Notice]:
        """Index made items as a dataset; return the new notices, oldest first."""
        notices = self.notices
        before = notices.last_number()
        MadePool.writer = self.writer
        for _ in index_source(
            source(made),
            name=name,
            version=version,
            writer=self.writer,
            settings=self.settings,
            effort=effort,
            n_workers=1,
        ):
            pass
        return notices.since(before)

    @property
    def notices(self) -> Notices:
        """Its notices."""
        return Notices(self.writer.catalog, tenant=self.writer.tenant)


@pytest.fixture
def made_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MadeHome]:
    """A new home, in which made items are indexed."""
    monkeypatch.setattr(enrolling, "Pool", MadePool)
    monkeypatch.setattr(enrolling, "BATCH_ITEMS", 1)
    settings = Settings(home=tmp_path / "home")
    with Writer.open(settings.home_address) as writer:
        yield MadeHome(settings=settings, writer=writer)
