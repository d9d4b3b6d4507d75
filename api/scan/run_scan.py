"""Run a scan: a source's items -> workers -> checkpoint -> findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from earwitness.api.datasets.items import Reader, Skipped, SourceItem
from earwitness.api.finding_json import search_from_json, search_json
from earwitness.api.findings import Finding
from earwitness.api.pipeline.run_spec import RunSpec
from earwitness.api.pipeline.searched_collections import read_summary, scan_spec
from earwitness.api.scan.audit import Audit
from earwitness.api.scan.checkpoint import Checkpoint, partial_path
from earwitness.api.scan.known_findings import KnownFindings
from earwitness.api.scan.outputs import write_findings
from earwitness.api.scan.scan_errors import ScanChanged
from earwitness.api.scan.tally import Keys, Tally, all_keys, graded_all, match_keys
from earwitness.api.scan.worker_pool import Pool
from earwitness.api.settings import Settings
from earwitness.index.match import Effort, Verdict

NOTHING: Final[Keys] = MappingProxyType({})
Seen = Callable[[Finding], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is scanned, how, and where the findings go.

    Attributes
    ----------
    sample_every : int
        Only every n-th item is compared, beginning with the first.
    max_seconds : float or None
        No further item is begun once so much audio, in seconds, has been compared.
    within : tuple of str
        Datasets (``NAME`` or ``NAME:VERSION``) that are searched in place of the registered works.
    """

    source: str
    out: Path
    form: str = "jsonl"
    effort: Effort = Effort.FULL
    n_workers: int = 1
    resume: bool = False
    sample_every: int = 1
    max_seconds: float | None = None
    within: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """A scan whose items are all compared; `findings` may be called several times.

    Attributes
    ----------
    partial : tuple of str
        Why the scan does not cover the source to its end; empty when it does.
    passed_over : mapping of str to int
        Files of the source that are no items, by kind (`earwitness.api.datasets.file_kinds`).
    """

    findings: Callable[[], Iterable[Finding]]
    partial: tuple[str, ...]
    n_items: int
    passed_over: Mapping[str, int] = field(default_factory=dict)


def scan(
    plan: Plan,
    reader: Reader,
    *,
    settings: Settings,
    seen: Seen,
    finish: Callable[[Scanned], None],
    watch: Callable[[], None] = lambda: None,
) -> None:
    """Scan a source for registered works, or for the items of the plan's datasets.

    Parameters
    ----------
    seen
        Called with every finding, also with those that an interrupted run left in the checkpoint.
    finish
        Called with the scan before its checkpoint is deleted, so that its outputs can be written again.
    watch
        Called about once a second; an exception that it raises ends the scan, which can be resumed.

    Raises
    ------
    NothingRegistered, NothingIndexed, NoSuchCollection, ScanUnfinished, ScanChanged, ScanBusy, CannotWrite,
    DiskFull
    """
    spec = scan_spec(settings, read_summary(settings), effort=plan.effort, within=plan.within)
    with Checkpoint.open(plan.out, header=_header(plan, reader, spec), resume=plan.resume) as checkpoint:
        spec = replace(spec, search=search_from_json(checkpoint.header["search"]))
        audit = Audit()

        def audited(finding: Finding) -> None:
            audit.count(finding)
            seen(finding)

        stopped = _compare(plan, reader, spec, checkpoint, audited, watch)
        partial, supported = _partial(plan, reader, stopped=stopped), audit.claims_supported
        scanned = Scanned(
            findings=lambda: graded_all(
                checkpoint.findings(), n_items=checkpoint.n_done, claims_supported=supported
            ),
            partial=tuple(partial),
            n_items=checkpoint.n_done,
            passed_over=dict(reader.passed_over),
        )
        write_findings(scanned.findings(), plan.out, form=plan.form)
        finish(scanned)
        partial_path(plan.out).unlink()


def _header(plan: Plan, reader: Reader, spec: RunSpec) -> dict[str, Any]:
    assert spec.search is not None  # scan_spec requires something to search
    datasets = sorted(f"{each.name}:{each.version}" for each in spec.search.collections)
    return {
        "source": plan.source,
        "dataset": datasets if plan.within else None,
        "reader": reader.format,
        "effort": str(plan.effort),
        "sampling": [plan.sample_every, plan.max_seconds],
        "scheme": spec.search.scheme,
        "registry": spec.state_digest,
        "search": search_json(spec.search),
    }


def _compare(
    plan: Plan, reader: Reader, spec: RunSpec, checkpoint: Checkpoint, seen: Seen, watch: Callable[[], None]
) -> bool:
    """Compare the items that are not in the checkpoint; return whether it stopped before the source's end."""
    items = islice(iter(reader), 0, None, plan.sample_every)
    budget_s = float("inf") if plan.max_seconds is None else plan.max_seconds
    for finding in _skip_done(checkpoint, items):
        budget_s -= finding.item.duration_s or 0.0
        seen(finding)
    if budget_s <= 0:
        return next(items, None) is not None
    first = next(items, None)
    if first is None:
        return False
    with Pool(spec, n_workers=plan.n_workers, watch=watch) as pool, closing(KnownFindings(spec)) as known:
        for _, result in pool.results(chain([first], items)):
            assert result.finding is not None  # a scan always searches
            finding = result.finding
            known.remember(result)
            checkpoint.append(finding)
            seen(finding)
            budget_s -= finding.item.duration_s or 0.0
            if budget_s <= 0:
                break
        known.flush()
    return budget_s <= 0


def _skip_done(checkpoint: Checkpoint, items: Iterator[SourceItem | Skipped]) -> Iterator[Finding]:
    """Skip the items whose findings are in the checkpoint, and yield those findings.

    Raises
    ------
    ScanChanged
        When the source does not list the same items in the same order.
    """
    if not checkpoint.n_done:
        return
    for finding in checkpoint.findings():
        item = next(items, None)
        now = "nothing" if item is None else item.item_id
        if now != finding.item.id:
            raise ScanChanged(partial=str(checkpoint.path), what="item", was=finding.item.id, now=now)
        yield finding


def _partial(plan: Plan, reader: Reader, *, stopped: bool) -> Iterator[str]:
    if plan.sample_every > 1:
        yield f"only one item in {plan.sample_every} was compared"
    if stopped:
        total = "" if reader.total is None else f" of {reader.total}"
        yield f"it was stopped after {plan.max_seconds:g} s of audio, before the last{total} items"


def tally_of(scanned: Scanned, *, baseline: Keys = NOTHING, possible: Keys = NOTHING) -> Tally:
    """Count a scan's findings; those whose matches are all in `baseline` are not new.

    A finding that asserts no match is not new where all of its matches are in `possible`.
    """
    tally = Tally(partial=list(scanned.partial), passed_over=scanned.passed_over)
    for finding in scanned.findings():
        keys, known = (match_keys, baseline) if finding.verdict is Verdict.MATCH else (all_keys, possible)
        tally.count(finding, known=keys(finding).keys() <= known.keys())
    return tally
