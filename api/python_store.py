"""Registering works and indexing datasets from Python, and what both return."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from earwitness.api.datasets.gather_sources import gather_sources
from earwitness.api.datasets.items import Reader
from earwitness.api.findings import Finding, FindingError, FindingItem
from earwitness.api.pipeline.enroll import Label, Outcome, index_source, register
from earwitness.api.python_audio import PathLike
from earwitness.api.scan.audit import Audit
from earwitness.api.scan.tally import graded_all
from earwitness.api.settings import Settings
from earwitness.api.watch.deliver import notice_json
from earwitness.index.match import Effort
from earwitness.index.notices.notice_rows import Notices
from earwitness.index.writer import Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """The result of registering one file.

    Attributes
    ----------
    item : FindingItem
        The file: its name, sha256 and length.
    outcome : Outcome
        "added", "already", "updated", "of_another_owner", "refused" or "not_readable".
    error : FindingError or None
        Why it was not registered, or only in part.
    finding : Finding or None
        The check of the work against the indexed datasets; None when there are none.
    label : Label or None
        Title, artist, album, owner and ISRC of the registered work; None where it was not registered.
    """

    item: FindingItem
    outcome: Outcome
    error: FindingError | None
    finding: Finding | None
    label: Label | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexed:
    """The result of indexing a source.

    Attributes
    ----------
    n_added, n_already, n_not_readable : int
        Items by what became of them; the items that are not readable are listed in the dataset too.
    reasons : mapping of str to int
        Items by the code of their error.
    passed_over : mapping of str to int
        Files of the source that are no items, by kind.
    findings : tuple of Finding
        The items that match a registered work, may match one, or share material with several.
    claims_supported : bool
        False where E-values do not hold on these items (`earwitness.api.scan.audit`): then no match rests
        on one.
    notices : tuple of mapping
        Notices about watched works that were made (``earwitness.notice/1``), oldest first.
    """

    n_added: int
    n_already: int
    n_not_readable: int
    reasons: Mapping[str, int]
    passed_over: Mapping[str, int]
    findings: tuple[Finding, ...]
    claims_supported: bool
    notices: tuple[Mapping[str, Any], ...] = ()


def register_files(
    paths: Sequence[PathLike],
    *,
    writer: Writer,
    settings: Settings,
    effort: Effort,
    label: Label,
    watched: bool = False,
) -> list[Registered]:
    """Register audio files, or folders of them, as works.

    Parameters
    ----------
    paths : sequence of paths
        Audio files, or folders of them.
    label : Label
        Metadata of every work.
    watched : bool
        Whether the works are watched from now on.

    Returns
    -------
    list of Registered
        One for each file.
    """
    sources = [os.fspath(path) for path in paths]
    n_workers = settings.n_workers
    if not any(Path(source).is_dir() for source in sources):
        n_workers = max(1, min(n_workers, len(sources)))
    enrolled = register(
        gather_sources(sources, limits=settings.source_limits()),
        writer=writer,
        settings=settings,
        effort=effort,
        label=label,
        n_workers=n_workers,
        watched=watched,
    )
    return [
        Registered(
            item=each.result.item,
            outcome=each.outcome,
            error=each.result.error,
            finding=each.result.finding,
            label=each.label,
        )
        for each in enrolled
    ]


def index_dataset(
    items: Reader, *, name: str, version: str, writer: Writer, settings: Settings, effort: Effort
) -> Indexed:
    """Index the items of a source as a dataset, and count what became of them.

    Parameters
    ----------
    items : Reader
        The opened source.
    name, version : str
        What the dataset is called.
    """
    outcomes, reasons, findings = Counter[Outcome](), Counter[str](), list[Finding]()
    audit, notices = Audit(), Notices(writer.catalog, tenant=writer.tenant)
    before = notices.last_number()
    for each in index_source(
        items,
        name=name,
        version=version,
        writer=writer,
        settings=settings,
        effort=effort,
        n_workers=settings.n_workers,
    ):
        outcomes[each.outcome] += 1
        if each.result.error is not None:
            reasons[each.result.error.code] += 1
        finding = each.result.finding
        if finding is not None:
            audit.count(finding)
        if finding is not None and finding.matches:
            findings.append(finding)
    supported = audit.claims_supported
    return Indexed(
        n_added=outcomes[Outcome.ADDED],
        n_already=outcomes[Outcome.ALREADY],
        n_not_readable=outcomes[Outcome.NOT_READABLE],
        reasons=dict(reasons),
        passed_over=dict(items.passed_over),
        findings=tuple(graded_all(findings, n_items=audit.n_searched, claims_supported=supported)),
        claims_supported=supported,
        notices=tuple(notice_json(each) for each in notices.since(before)),
    )
