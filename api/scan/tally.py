"""Counts over the findings of one scan, and the keys that compare two scans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from earwitness.api.finding_json import read_lines
from earwitness.api.findings import Finding, FindingMatch, FindingSearch, graded, threshold
from earwitness.api.scan.audit import Audit
from earwitness.api.scan.scan_errors import NotFindings
from earwitness.fingerprint.errors import NoAudioTrack
from earwitness.index.match import Verdict
from earwitness.index.matching.verdict import POSSIBLE_E_VALUE
from earwitness.index.statistics.power import Power

CUT_OFF: Final = "source_cut_off"

EXIT_VERDICTS: Final[Mapping[str, frozenset[Verdict]]] = MappingProxyType(
    {
        "match": frozenset({Verdict.MATCH}),
        "possible": frozenset({Verdict.MATCH, Verdict.POSSIBLE}),
        "shared_material": frozenset({Verdict.MATCH, Verdict.POSSIBLE, Verdict.SHARED_MATERIAL}),
    }
)
"""Verdicts that end a command with status 1, by the value of ``--exit-on``."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """Counts over the findings of one scan, graded by its number of items.

    Attributes
    ----------
    decoded_s : float
        Seconds of audio in the items that could be decoded.
    reasons : Counter
        Items by the code of their error.
    works : Counter
        Items that match each work, by the work's label; each dataset item where datasets were searched.
    datasets : Counter
        Items that match a searched dataset, by its name and version.
    partial : list of str
        Why the scan does not cover the source to its end; empty when it does.
    passed_over : mapping of str to int
        Files of the source that are no items, by kind (`earwitness.api.datasets.file_kinds`).
    new : Counter
        Items by verdict that are not in the baseline.
    audit : Audit
        Whether the E-values hold on these items; where they do not, no E-value makes a match.
    same_file : Counter
        Items that are the same file as one that a known dataset lists, by dataset.
    names : Counter
        Items that known datasets name, by dataset; names that chance gives are left out.
    powers : Counter
        Items without a match by the power of their search, where it is known.
    """

    n_items: int = 0
    decoded_s: float = 0.0
    verdicts: Counter[Verdict] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    works: Counter[str] = field(default_factory=Counter)
    datasets: Counter[str] = field(default_factory=Counter)
    partial: list[str] = field(default_factory=list)
    passed_over: Mapping[str, int] = field(default_factory=dict)
    new: Counter[Verdict] = field(default_factory=Counter)
    audit: Audit = field(default_factory=Audit)
    search: FindingSearch | None = None
    same_file: Counter[str] = field(default_factory=Counter)
    names: Counter[str] = field(default_factory=Counter)
    powers: Counter[Power] = field(default_factory=Counter)

    @property
    def claims_supported(self) -> bool:
        """Whether E-values may make a match here, and numbers of chance matches may be stated."""
        return self.audit.claims_supported

    @property
    def for_works(self) -> bool:
        """Whether the registered works were searched, and not datasets."""
        return self.search is None or self.search.for_works

    @property
    def n_compared(self) -> int:
        """Items that could be decoded, and so were compared."""
        return self.n_items - self.verdicts[Verdict.NOT_READABLE]

    @property
    def n_without_sound(self) -> int:
        """Items without an audio track; they are among those that are not readable."""
        return self.reasons[NoAudioTrack.code]

    @property
    def expected_false(self) -> float:
        """Matches to expect in the scan by chance, if none of its items held a registered work."""
        return self.n_compared * threshold(self.n_items)

    @property
    def expected_possible(self) -> float:
        """Possible matches to expect in the scan by chance alone."""
        return self.n_compared * max(POSSIBLE_E_VALUE - threshold(self.n_items), 0.0)

    def count(self, finding: Finding, *, known: bool = False) -> None:
        """Add one finding; `known` is whether it is in the baseline."""
        self.n_items += 1
        self.decoded_s += finding.item.duration_s or 0.0
        self.verdicts[finding.verdict] += 1
        self.new[finding.verdict] += not known
        self.audit.count(finding)
        self.search = finding.search
        self.same_file.update({each.dataset for each in finding.same_file})
        self.names.update({each.dataset for each in finding.names if not each.is_noise})
        if finding.power is not None:
            self.powers[finding.power] += 1
        self.works.update({work_label(match) for match in finding.certain})
        self.datasets.update({match.dataset for match in finding.certain if not match.is_work})
        if finding.error is not None:
            self.reasons[finding.error.code] += 1
            if finding.error.code == CUT_OFF:
                self.partial.append("the source ends with an error, and later items could not be listed")

    def exit_code(self, *, strict: bool, exit_on: str = "match") -> int:
        """Return 0 for no match, 1 for matches, 3 for unreadable items (before matches with `strict`).

        Files without an audio track hold nothing to compare: only with `strict` do they count as unreadable.
        `exit_on` is one of `EXIT_VERDICTS`, of which those in the baseline do not count.
        """
        unread = self.verdicts[Verdict.NOT_READABLE] > (0 if strict else self.n_without_sound)
        matched = any(self.new[verdict] for verdict in EXIT_VERDICTS[exit_on])
        if unread and (strict or not matched):
            return 3
        return 1 if matched else 0


def claims_json(tally: Tally) -> dict[str, Any]:
    """Return whether matches rest on E-values here, and what chance gives, for ``--json`` and the HTTP API.

    The numbers expected are null where the E-values do not hold.
    """
    expected = {"expected_false_matches": tally.expected_false, "expected_possible": tally.expected_possible}
    stated = {name: float(f"{n:.2g}") if tally.claims_supported else None for name, n in expected.items()}
    return {"claims_supported": tally.claims_supported, **stated, "audit": tally.audit.to_json()}


def work_label(match: FindingMatch) -> str:
    """Return a recording's name for people.

    Of a work, its title, else its path, with artist and owner where known; of a dataset item, its path and
    dataset.
    """
    if not match.is_work:
        return f"{match.recording.path} of {match.dataset}"
    name, owner = title_of(match), match.recording.owner
    return f"{name} ({owner})" if owner else name


def title_of(match: FindingMatch) -> str:
    """Return a recording's title, else its path, with its artist where known."""
    recording = match.recording
    name = recording.title or recording.path
    return f"{name} by {recording.artist}" if recording.artist else name


def graded_all(
    findings: Iterable[Finding], *, n_items: int, claims_supported: bool = True
) -> Iterable[Finding]:
    """Apply `graded` to every finding of a scan of `n_items`."""
    return (graded(finding, n_items=n_items, claims_supported=claims_supported) for finding in findings)


Keys = Mapping[tuple[str, str], str]
"""Keys that compare two scans: pairs of the item's and the work's audio, with a text for people."""


def match_keys(finding: Finding) -> Keys:
    """Return the keys of the asserted matches: the item's sha256 (else its id) and the work's."""
    return _keys(finding, finding.certain)


def all_keys(finding: Finding) -> Keys:
    """Return the keys of all matches of a finding, also of those that assert nothing."""
    return _keys(finding, finding.matches)


def _keys(finding: Finding, matches: Iterable[FindingMatch]) -> Keys:
    item = finding.item.sha256 or finding.item.id
    return {(item, match.recording.id): f"{finding.item.id}: {work_label(match)}" for match in matches}


def keys_in(findings: Iterable[Finding], *, of: Callable[[Finding], Keys] = match_keys) -> Keys:
    """Return the keys of all findings."""
    return {key: text for finding in findings for key, text in of(finding).items()}


def keys_of(path: Path, *, of: Callable[[Finding], Keys] = match_keys) -> Keys:
    """Return the keys of all findings in a jsonl file of an earlier scan.

    Raises
    ------
    NotFindings
        When it is no such file.
    """
    try:
        return keys_in(read_lines(path), of=of)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotFindings(path=str(path), reason=str(error) or type(error).__name__) from error
