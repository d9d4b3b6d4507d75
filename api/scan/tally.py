"""Counts over the findings of one scan, and the keys that compare two scans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from earwitness.api.findings import (
    Finding,
    FindingMatch,
    FindingSearch,
    graded,
    read_lines,
    threshold,
)
from earwitness.api.scan.scan_errors import NotFindings
from earwitness.fingerprint.errors import NoAudioTrack
from earwitness.index.match import Verdict
from earwitness.index.matching.verdict import POSSIBLE_E_VALUE

CUT_OFF: Final = "source_cut_off"


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
        Items that match each work, by the work's label.
    partial : list of str
        Why the scan does not cover the source to its end; empty when it does.
    passed_over : mapping of str to int
        Files of the source that are no items, by kind (`earwitness.api.datasets.file_kinds`).
    n_new, n_new_possible : int
        Items that match, or may match, and are not in the baseline.
    """

    n_items: int = 0
    decoded_s: float = 0.0
    verdicts: Counter[Verdict] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    works: Counter[str] = field(default_factory=Counter)
    partial: list[str] = field(default_factory=list)
    passed_over: Mapping[str, int] = field(default_factory=dict)
    n_new: int = 0
    n_new_possible: int = 0
    search: FindingSearch | None = None

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
        self.search = finding.search
        if finding.error is not None:
            self.reasons[finding.error.code] += 1
            if finding.error.code == CUT_OFF:
                self.partial.append("the source ends with an error, and later items could not be listed")
        if finding.verdict is Verdict.MATCH:
            self.n_new += not known
            self.works.update({work_label(match) for match in certain(finding)})
        if finding.verdict is Verdict.POSSIBLE:
            self.n_new_possible += not known

    def exit_code(self, *, strict: bool, exit_on: str = "match") -> int:
        """Return 0 for no match, 1 for matches, 3 for unreadable items (before matches with `strict`).

        Files without an audio track hold nothing to compare: only with `strict` do they count as unreadable.
        With `exit_on` "possible", possible matches that are not in the baseline count as matches.
        """
        unread = self.verdicts[Verdict.NOT_READABLE] > (0 if strict else self.n_without_sound)
        matched = self.n_new or (exit_on == "possible" and self.n_new_possible)
        if unread and (strict or not matched):
            return 3
        return 1 if matched else 0


def certain(finding: Finding) -> Iterator[FindingMatch]:
    """Yield the matches of a finding whose E-value alone makes the verdict ``match``.

    The limit is lower in a scan than in a check, because false matches of its items add up (see `graded`).
    """
    return (match for match in finding.matches if match.e_value <= finding.match_e_value)


def work_label(match: FindingMatch) -> str:
    """Return a recording's name for people: title and owner where known, else its path."""
    recording = match.recording
    name = recording.title or recording.path
    return f"{name} ({recording.owner})" if recording.owner else name


def graded_all(findings: Iterable[Finding], *, n_items: int) -> Iterable[Finding]:
    """Apply `graded` to every finding of a scan of `n_items`."""
    return (graded(finding, n_items=n_items) for finding in findings)


Keys = Mapping[tuple[str, str], str]
"""Keys that compare two scans: pairs of the item's and the work's audio, with a text for people."""


def match_keys(finding: Finding) -> Keys:
    """Return the keys of a finding's matches: the item's sha256 (else its id) and the work's."""
    if finding.verdict is not Verdict.MATCH:
        return {}
    item = finding.item.sha256 or finding.item.id
    return {
        (item, match.recording.id): f"{finding.item.id}: {work_label(match)}" for match in certain(finding)
    }


def possible_keys(finding: Finding) -> Keys:
    """Return the keys of all matches of a finding, also of those that are only possible."""
    item = finding.item.sha256 or finding.item.id
    return {
        (item, match.recording.id): f"{finding.item.id}: {work_label(match)}" for match in finding.matches
    }


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
