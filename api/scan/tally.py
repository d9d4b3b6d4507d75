"""What a whole scan says, counted from its findings."""

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
    heard_s : float
        Seconds of audio in the items that could be heard.
    reasons : Counter
        Items by the code of the error they have.
    works : Counter
        Items in which each work was found, by the work's label.
    partial : list of str
        Why the scan does not speak of the whole source; empty when it does.
    passed_over : mapping of str to int
        Files of the source that are no items, by kind (`earwitness.api.datasets.file_kinds`).
    n_new, n_new_possible : int
        Items that match, or may match, and are not in the baseline.
    """

    n_items: int = 0
    heard_s: float = 0.0
    verdicts: Counter[Verdict] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    works: Counter[str] = field(default_factory=Counter)
    partial: list[str] = field(default_factory=list)
    passed_over: Mapping[str, int] = field(default_factory=dict)
    n_new: int = 0
    n_new_possible: int = 0
    search: FindingSearch | None = None

    @property
    def n_asked(self) -> int:
        """Items that could be heard, and so were looked up."""
        return self.n_items - self.verdicts[Verdict.NOT_READABLE]

    @property
    def n_without_sound(self) -> int:
        """Items that were opened and have no track of sound; they are among those that are not readable."""
        return self.reasons[NoAudioTrack.code]

    @property
    def expected_false(self) -> float:
        """Matches to expect in the whole scan if none of its items held a registered work."""
        return self.n_asked * threshold(self.n_items)

    @property
    def expected_possible(self) -> float:
        """Possible matches to expect in the whole scan by chance alone."""
        return self.n_asked * max(POSSIBLE_E_VALUE - threshold(self.n_items), 0.0)

    def count(self, finding: Finding, *, known: bool = False) -> None:
        """Add one finding; `known` tells whether it is in the baseline."""
        self.n_items += 1
        self.heard_s += finding.item.duration_s or 0.0
        self.verdicts[finding.verdict] += 1
        self.search = finding.search
        if finding.error is not None:
            self.reasons[finding.error.code] += 1
            if finding.error.code == CUT_OFF:
                self.partial.append("the source breaks off, and what follows could not be listed")
        if finding.verdict is Verdict.MATCH:
            self.n_new += not known
            self.works.update({work_label(match) for match in certain(finding)})
        if finding.verdict is Verdict.POSSIBLE:
            self.n_new_possible += not known

    def exit_code(self, *, strict: bool, exit_on: str = "match") -> int:
        """Return 0 for clean, 1 for findings, 3 for unread items (which go before findings with `strict`).

        Films without a track of sound hold nothing to compare: only with `strict` do they count as unread.
        `exit_on` "possible" lets possible matches that are not in the baseline count as findings.
        """
        unread = self.verdicts[Verdict.NOT_READABLE] > (0 if strict else self.n_without_sound)
        found = self.n_new or (exit_on == "possible" and self.n_new_possible)
        if unread and (strict or not found):
            return 3
        return 1 if found else 0


def certain(finding: Finding) -> Iterator[FindingMatch]:
    """Yield the matches of a finding that are so likely that they would be called one on their own.

    In a scan that is fewer than in a check, as the false matches of all its items add up (see `graded`).
    """
    return (match for match in finding.matches if match.e_value <= finding.match_e_value)


def work_label(match: FindingMatch) -> str:
    """Name a found recording for people: title and owner where known, else the name it came under."""
    recording = match.recording
    name = recording.title or recording.path
    return f"{name} ({recording.owner})" if recording.owner else name


def graded_all(findings: Iterable[Finding], *, n_items: int) -> Iterable[Finding]:
    """Hold every finding to the rule of a scan of `n_items`."""
    return (graded(finding, n_items=n_items) for finding in findings)


Keys = Mapping[tuple[str, str], str]
"""What was found: pairs of an item's audio and a work's, and how to say it to people."""


def match_keys(finding: Finding) -> Keys:
    """Name what a finding says was found: pairs of the item's audio (or else its place) and the work's."""
    if finding.verdict is not Verdict.MATCH:
        return {}
    item = finding.item.sha256 or finding.item.id
    return {
        (item, match.recording.id): f"{finding.item.id}: {work_label(match)}" for match in certain(finding)
    }


def possible_keys(finding: Finding) -> Keys:
    """Name what a finding says may have been found, or was: the same pairs."""
    item = finding.item.sha256 or finding.item.id
    return {
        (item, match.recording.id): f"{finding.item.id}: {work_label(match)}" for match in finding.matches
    }


def keys_in(findings: Iterable[Finding], *, of: Callable[[Finding], Keys] = match_keys) -> Keys:
    """Name all that findings say was found."""
    return {key: said for finding in findings for key, said in of(finding).items()}


def keys_of(path: Path, *, of: Callable[[Finding], Keys] = match_keys) -> Keys:
    """Name all that a file of earlier findings says was found, or with `possible_keys` may have been.

    Raises
    ------
    NotFindings
        When it is no such file.
    """
    try:
        return keys_in(read_lines(path), of=of)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotFindings(path=str(path), reason=str(error) or type(error).__name__) from error
