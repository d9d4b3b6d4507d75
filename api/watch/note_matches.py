"""What indexing finds of watched works is stored with the items, so that a kill loses none of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection

from earwitness.api.finding_json import to_line
from earwitness.api.findings import Finding, FindingMatch
from earwitness.api.pipeline.run_spec import ItemResult
from earwitness.api.scan.audit import Audit
from earwitness.index.database.records import Added, AddStatus
from earwitness.index.match import Effort, Verdict
from earwitness.index.notices.notice_records import Comparison
from earwitness.index.notices.watch_rows import (
    add_sightings,
    comparison,
    has_items_before,
    is_watching,
    store_comparison,
    watched_items,
)

COMPARED: Final = frozenset({Verdict.MATCH, Verdict.POSSIBLE, Verdict.SHARED_MATERIAL, Verdict.NO_MATCH})
RANKED: Final = (Verdict.MATCH, Verdict.POSSIBLE, Verdict.SHARED_MATERIAL)
"""Verdicts that list matches, the surest first."""
EFFORTS: Final = tuple(Effort)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexRun:
    """A run that indexes a dataset: where it stores items, and what these are compared with.

    Attributes
    ----------
    epoch : int
        Epoch of the works that are searched.
    """

    tenant: str
    dataset: int
    epoch: int
    effort: Effort


def note_matches(
    connection: Connection, run: IndexRun, results: Sequence[ItemResult], added: Sequence[Added]
) -> None:
    """Store which new items match watched works, and how they were compared.

    Part of the transaction that stores the items; where nobody watches, nothing is stored.

    Parameters
    ----------
    results, added
        The items of one batch, and what became of each.
    """
    pairs = [
        (result, one)
        for result, one in zip(results, added, strict=True)
        if one.status is not AddStatus.EXISTING
    ]
    if not pairs or not is_watching(connection, run.tenant):
        return
    before = comparison(connection, run.dataset)
    if before is None:
        read_again = any(one.status is AddStatus.READ_AT_LAST for _, one in pairs)
        has_more = read_again or has_items_before(connection, run.dataset, min(one.item for _, one in pairs))
        before = Comparison(first_epoch=-1 if has_more else run.epoch, effort=run.effort.value)
    findings = [result.finding for result, _ in pairs if result.finding is not None]
    n_in_part = sum(
        result.finding is None or result.finding.compared_in_part or result.finding.verdict not in COMPARED
        for result, one in pairs
        if one.recording is not None
    )
    after = _with(before, findings, effort=run.effort, n_in_part=n_in_part)
    store_comparison(connection, run.tenant, run.dataset, after)
    _store_sightings(connection, run, findings)


def _with(before: Comparison, findings: Sequence[Finding], *, effort: Effort, n_in_part: int) -> Comparison:
    audit = audit_of(before)
    for finding in findings:
        audit.count(finding)
    return replace(
        before,
        effort=min(Effort(before.effort), effort, key=EFFORTS.index).value,
        n_searched=audit.n_searched,
        n_certain=audit.n_certain,
        n_observed=audit.n_observed,
        n_in_part=before.n_in_part + n_in_part,
    )


def audit_of(stored: Comparison) -> Audit:
    """Return the audit over all items of a dataset that were compared so far."""
    return Audit(n_searched=stored.n_searched, n_certain=stored.n_certain, n_observed=stored.n_observed)


def _store_sightings(connection: Connection, run: IndexRun, findings: Sequence[Finding]) -> None:
    matched = [(finding, match) for finding in findings for match in finding.matches if match.is_work]
    watched = watched_items(connection, run.tenant, (_work_of(match) for _, match in matched))
    if not watched:
        return
    by_work = dict[tuple[int, int], tuple[Finding, list[FindingMatch]]]()
    for number, finding in enumerate(findings):
        for match in finding.matches:
            if match.is_work and _work_of(match) in watched:
                key = number, watched[_work_of(match)]
                by_work.setdefault(key, (finding, []))[1].append(match)
    texts = ((item, to_line(about(finding, some))) for (_, item), (finding, some) in by_work.items())
    add_sightings(connection, run.tenant, run.dataset, texts)


def _work_of(match: FindingMatch) -> tuple[str, str]:
    return match.recording.path, match.recording.id


def about(finding: Finding, matches: Sequence[FindingMatch]) -> Finding:
    """Return a finding with some of its matches only, and the verdict that these have in it."""
    verdicts = {finding.verdict_of(match) for match in matches}
    verdict = next((each for each in RANKED if each in verdicts), finding.verdict)
    return replace(finding, matches=tuple(matches), verdict=verdict, power=None, same_file=(), names=())
