"""Compare sets: sources are indexed where that is needed, and searched by the pipeline of a scan."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from earwitness.api.datasets.items import Reader, Skipped, SourceItem
from earwitness.api.findings import FindingItem
from earwitness.api.overlap.collect_pairs import PairCollector
from earwitness.api.overlap.overlap_result import NotCompared, Overlap
from earwitness.api.overlap.pairs import Pair
from earwitness.api.overlap.sides import Side, SplitReader
from earwitness.api.overlap.stored_items import StoredItems, stored_items
from earwitness.api.pipeline.enroll import index_source
from earwitness.api.pipeline.searched_collections import one_dataset, open_library, read_summary
from earwitness.api.scan.run_scan import Plan, Scanned, scan, tally_of
from earwitness.api.settings import Settings
from earwitness.index.match import Effort
from earwitness.index.writer import Writer

Seen = Callable[[FindingItem], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How sets are compared; `seen` is called with every item that is indexed or searched for."""

    settings: Settings
    effort: Effort
    seen: Seen


def compare(sides: Sequence[Side], *, settings: Settings, effort: Effort, seen: Seen) -> Overlap:
    """Compare every set with every other.

    Of two sets, one may be an indexed dataset: the items of the other are searched in it. Sources alone are
    indexed in a temporary home first, all but the first. Indexed datasets alone are compared by the bytes of
    their files only: what is stored of them cannot be a query at full quality.

    Raises
    ------
    SourceError, DiskFull, WorkersFail
    """
    overlap = Overlap(sides=tuple(side.name for side in sides))
    run = Run(settings=settings, effort=effort, seen=seen)
    if all(side.reader is None for side in sides):
        _compare_files(sides, run, overlap)
        return overlap
    with ExitStack() as stack:
        if not any(side.dataset is not None for side in sides):
            home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="earwitness-overlap-")))
            run = replace(run, settings=settings.model_copy(update={"home": home, "database_url": None}))
            sides = list(_indexed(sides, run))
        # a side with audio is searched in the others; of two, an indexed dataset comes last
        ordered = sorted(sides, key=lambda side: side.reader is None)
        for number, side in enumerate(ordered[:-1], start=1):
            _search(side, ordered[number:], run, overlap)
    _add_passed_over(sides, overlap)
    return overlap


def _add_passed_over(sides: Sequence[Side], overlap: Overlap) -> None:
    """Count the files of the sources that are no items; splits have one source together."""
    readers = [side.reader for side in sides if side.reader is not None]
    for reader in readers[:1] if isinstance(readers[0], SplitReader) else readers:
        overlap.passed_over.update(reader.passed_over)


def _indexed(sides: Sequence[Side], run: Run) -> Iterator[Side]:
    """Index all sources but the first in the run's home."""
    yield sides[0]
    with Writer.open(run.settings.home_address) as writer:
        for number, side in enumerate(sides[1:], start=2):
            assert side.reader is not None
            for enrolled in index_source(
                side.reader,
                name=f"set-{number}",
                version="1",
                writer=writer,
                settings=run.settings,
                effort=run.effort,
                n_workers=run.settings.n_workers,
            ):
                run.seen(enrolled.result.item)
    stored = read_summary(run.settings).collections
    for number, side in enumerate(sides[1:], start=2):
        yield replace(side, dataset=one_dataset(stored, f"set-{number}"))


def _search(side: Side, others: Sequence[Side], run: Run, overlap: Overlap) -> None:
    """Search the items of one side in the datasets of the others."""
    assert side.reader is not None
    targets = _stored(others, run.settings)
    for other in others:
        _add_missing(overlap, other, targets[other.name])
    reader = StretchReader(side.reader)
    collector = PairCollector(overlap, query=side.name, targets=targets, stretches=reader.stretches)

    def finish(scanned: Scanned) -> None:
        for finding in scanned.findings():
            collector.take(finding)
        tally = tally_of(scanned)
        overlap.tallies.append(tally)
        overlap.not_compared[side.name].incomplete += tally.partial

    with tempfile.TemporaryDirectory(prefix="earwitness-overlap-") as folder:
        plan = Plan(
            source=side.name,
            out=Path(folder) / "findings.jsonl",
            effort=run.effort,
            n_workers=run.settings.n_workers,
            within=tuple(":".join(stored.label) for stored in targets.values()),
        )
        scan(
            plan,
            reader,
            settings=run.settings,
            seen=lambda finding: run.seen(finding.item),
            finish=finish,
        )
    collector.finish()


def _stored(sides: Sequence[Side], settings: Settings) -> dict[str, StoredItems]:
    with open_library(settings) as library:
        return {side.name: stored_items(library, side.dataset) for side in sides if side.dataset is not None}


def _add_missing(overlap: Overlap, side: Side, stored: StoredItems) -> None:
    """Note what is missing of a dataset, once."""
    if side.name in overlap.not_compared:
        return
    missing = NotCompared(reasons=stored.not_read)
    if not stored.collection.complete:
        again = "its index is not complete: run `earwitness index` again"
        missing.incomplete.append(again if side.reader is None else "the source ends with an error")
    overlap.not_compared[side.name] = missing


def _compare_files(sides: Sequence[Side], run: Run, overlap: Overlap) -> None:
    """Pair the items of indexed datasets that are the same whole file."""
    stored = _stored(sides, run.settings)
    for side in sides:
        _add_missing(overlap, side, stored[side.name])
    for number, one in enumerate(overlap.sides):
        for other in overlap.sides[number + 1 :]:
            overlap.pairs += _same_files(one, other, stored)


def _same_files(one: str, other: str, stored: Mapping[str, StoredItems]) -> Iterator[Pair]:
    for sha256, paths in stored[one].by_sha256.items():
        for path in paths:
            for same in stored[other].by_sha256.get(sha256, ()):
                yield Pair(sets=(one, other), items=(path, same), verdict="same_file", same_file=True)


class StretchReader:
    """A reader that notes which of its items are a part of a file.

    Attributes
    ----------
    stretches : set of str
        Ids of such items, of those that were read so far.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader, self.stretches = reader, set[str]()
        self.format, self.total, self.shards = reader.format, reader.total, reader.shards

    @property
    def passed_over(self) -> Mapping[str, int]:
        """Files of the last iteration that are no items: how many of each kind."""
        return self._reader.passed_over

    def __iter__(self) -> Iterator[SourceItem | Skipped]:
        for item in self._reader:
            if isinstance(item, SourceItem) and (item.start_s is not None or item.end_s is not None):
                self.stretches.add(item.item_id)
            yield item
