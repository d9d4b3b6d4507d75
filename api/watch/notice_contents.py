"""What a notice says: what was found of one work in one version of a dataset, and what was not compared.

Its form is ``earwitness.notice/1``. Everything that could not be compared is one of its `limits`; only
without limits does nothing found read ``no_match``.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from functools import cache
from importlib.metadata import version
from typing import Any, Final

from earwitness.api.evidence.evidence_bundle import canonical
from earwitness.api.finding_json import to_json
from earwitness.api.findings import Finding
from earwitness.api.shelf.stored_names import card_of_dataset
from earwitness.api.watch.ask_stored import StoredAnswer
from earwitness.api.watch.dataset_parts import DatasetParts
from earwitness.index.database.records import TEXTS, ItemRow, storable_json
from earwitness.index.match import Verdict

SCHEMA: Final = "earwitness.notice/1"
MOST_FINDINGS: Final = 10
"""Items of a dataset that a notice lists in full; others are counted."""


class Outcome(StrEnum):
    """What was found, the surest first."""

    MATCH = "match"
    SAME_FILE = "same_file"
    """A file with the same bytes, by its digest."""
    POSSIBLE = "possible"
    SHARED_MATERIAL = "shared_material"
    NAMED = "named"
    NO_MATCH = "no_match"
    """Every item was compared by sound, and nothing was found."""
    NOT_FOUND = "not_found"
    """Nothing was found in what could be compared; the limits say what could not."""


NOTHING: Final = frozenset({Outcome.NO_MATCH, Outcome.NOT_FOUND})
"""Outcomes in which nothing was found."""


class Asked(StrEnum):
    """How the sound of a dataset was compared with a work."""

    INDEXING = "indexing"
    """Each item was searched for in the works when it was indexed."""
    REGISTRATION = "registration"
    """The work was searched for in the dataset when it was registered."""
    STORED = "stored_fingerprint"
    """What is stored of both was compared: whole, unchanged copies only."""


class Limit(StrEnum):
    """What was not compared."""

    NOT_COMPLETE = "not_complete"
    """The dataset was not indexed to its end."""
    NOT_READABLE = "not_readable"
    """Items that could not be read."""
    IN_PART = "in_part"
    """Items, or the work, of which only a part or too little could be compared."""
    WATCHED_LATER = "watched_later"
    """Items that were indexed before the work was watched."""
    STORED_FINGERPRINT = "stored_fingerprint"
    """Only whole, unchanged copies were searched for."""
    NO_SOUND = "no_sound"
    """No sound of the dataset is stored here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkFindings:
    """What is known of one work in one version of a dataset.

    Attributes
    ----------
    findings : tuple of Finding
        Graded findings with matches, each of an item of the dataset or, at registration, of the work.
    limits : mapping of Limit to int
        What was not compared, with the number of items where there is one, else 0.
    effort : str or None
        The lowest effort of the comparison by sound.
    reasons : mapping of str to int
        Items that could not be read, by the code of their error.
    """

    asked: Asked | None
    effort: str | None = None
    findings: tuple[Finding, ...] = ()
    stored: StoredAnswer = field(default_factory=StoredAnswer)
    limits: Mapping[Limit, int] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def outcome(self) -> Outcome:
        """What was found, in one word."""
        verdicts = {finding.verdict for finding in self.findings}
        if Verdict.MATCH in verdicts:
            return Outcome.MATCH
        if self.stored.same_bytes or self.stored.same_file:
            return Outcome.SAME_FILE
        if Verdict.POSSIBLE in verdicts or self.stored.whole_files:
            return Outcome.POSSIBLE
        if Verdict.SHARED_MATERIAL in verdicts:
            return Outcome.SHARED_MATERIAL
        if self.stored.names:
            return Outcome.NAMED
        return Outcome.NOT_FOUND if self.limits or self.asked is None else Outcome.NO_MATCH


@cache
def made_with() -> str:
    """Return the name and version of this program."""
    return f"earwitness {version('earwitness')}"


def notice_contents(work: ItemRow, parts: DatasetParts, found_of_work: WorkFindings) -> dict[str, Any]:
    """Return the contents of a notice; `earwitness.api.watch.version_change` adds the change."""
    stored = found_of_work.stored
    best = sorted(found_of_work.findings, key=lambda each: (_rank(each), each.best_e_value))
    contents = {
        "schema": SCHEMA,
        "made_with": made_with(),
        "work": work_of(work),
        "dataset": _dataset_json(parts),
        "outcome": found_of_work.outcome.value,
        "asked": {
            "sound": None if found_of_work.asked is None else found_of_work.asked.value,
            "effort": found_of_work.effort,
            "files": parts.pack is not None and parts.pack.file_list is not None,
            "names": bool(parts.names),
        },
        "found": dict(Counter(str(finding.verdict) for finding in found_of_work.findings)),
        "findings": [to_json(each) for each in best[:MOST_FINDINGS]],
        "same_bytes": [asdict(each) for each in stored.same_bytes[:MOST_FINDINGS]],
        "whole_files": [asdict(each) for each in stored.whole_files[:MOST_FINDINGS]],
        "same_file": [{**asdict(each), "paths": list(each.paths)} for each in stored.same_file],
        "names": [each.to_json() for each in stored.names],
        "limits": [{"code": code.value, "items": n or None} for code, n in found_of_work.limits.items()],
        "not_readable": dict(found_of_work.reasons),
        "change": None,
    }
    clean: dict[str, Any] = storable_json(contents)  # type: ignore[assignment]
    return clean


def _rank(finding: Finding) -> int:
    order = (Verdict.MATCH, Verdict.POSSIBLE, Verdict.SHARED_MATERIAL)
    return order.index(finding.verdict) if finding.verdict in order else len(order)


def work_of(work: ItemRow) -> dict[str, Any]:
    """Return what a notice says of the work."""
    texts = {name: getattr(work, name) for name in TEXTS}
    return {"id": work.id, "file": work.path, "sha256": work.sha256, **texts}


def _dataset_json(parts: DatasetParts) -> dict[str, Any]:
    sound = parts.collection
    return {
        "name": parts.name,
        "version": parts.version,
        "card": card_of_dataset(parts.name),
        "collection": None if sound is None else sound.id,
        "indexed_at": None if sound is None else sound.indexed_at,
        "items": None if sound is None else sound.n_items + sound.n_unreadable,
        "complete": None if sound is None else sound.complete,
        "listed": sum(each.dataset.n_entries for each in parts.names),
    }


def state_of(contents: Mapping[str, Any]) -> str:
    """Return a digest of what a notice says: not of dates, and not of how many items were not compared."""
    dataset, findings = contents["dataset"], contents["findings"]
    compared = {
        "collection": dataset["collection"],
        "outcome": contents["outcome"],
        "found": contents["found"],
        "findings": [[each["item"]["id"], each["item"]["sha256"], each["verdict"]] for each in findings],
        "files": [contents["same_bytes"], contents["whole_files"]],
        "listed": [[each["digest"], each["n_paths"]] for each in contents["same_file"]],
        "names": [[each["kind"], each["value"], each["n_entries"]] for each in contents["names"]],
        "limits": sorted(each["code"] for each in contents["limits"]),
    }
    return hashlib.sha256(canonical(compared)).hexdigest()


def places_of(contents: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    """Return the items of the dataset that a notice lists, with path and digest."""
    if contents["asked"]["sound"] == Asked.REGISTRATION:
        matches = [each for finding in contents["findings"] for each in finding["matches"]]
        found = [{"path": each["recording"]["path"], "sha256": each["recording"]["id"]} for each in matches]
    else:
        items = [each["item"] for each in contents["findings"]]
        found = [{"path": each["id"], "sha256": each["sha256"]} for each in items]
    found += [*contents["same_bytes"], *contents["whole_files"]]
    return list({(each["path"], each["sha256"]): each for each in found}.values())
