"""Findings: the answer about one item, and the rules by which its verdict holds in a scan.

`earwitness.api.finding_json` has their JSON form.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from earwitness.api.shelf.names_evidence import NamedIn
from earwitness.api.shelf.same_file_evidence import SameFile
from earwitness.fingerprint.errors import EarwitnessError, TooShortOrSilent
from earwitness.fingerprint.types import AudioPart
from earwitness.index.database.records import WORKS
from earwitness.index.match import Effort, MatchClass, Verdict
from earwitness.index.matching.verdict import MATCH_E_VALUE, SCAN_E_VALUE
from earwitness.index.statistics.power import Power


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingItem:
    """The item that was searched for.

    Attributes
    ----------
    sha256 : str or None
        Digest of its bytes as stored; None where they could not be read.
    duration_s : float or None
        Seconds that were compared.
    parts : tuple of AudioPart
        The streams of a file that holds several, on the item's timeline; empty where there is one.
    not_compared_s : float
        Seconds that the item is known to have, and that were not compared.
    """

    id: str
    path: str
    sha256: str | None
    duration_s: float | None
    parts: tuple[AudioPart, ...] = ()
    not_compared_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingError:
    """Why an item could not be compared, or not to its end."""

    code: str
    message: str
    hint: str

    @staticmethod
    def of(error: EarwitnessError) -> FindingError:
        """Copy code, message and hint of an error."""
        return FindingError(code=error.code, message=error.message, hint=error.hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingCollection:
    """One collection that was searched, in its state at that time."""

    name: str
    version: str
    indexed_at: str
    items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingSearch:
    """What was searched, and for which changes; ``no_match`` means no more than this."""

    collections: tuple[FindingCollection, ...]
    effort: Effort
    speed: tuple[float, float]
    pitch_cents: tuple[float, float]
    tempo: tuple[float, float]
    scheme: str
    epoch: int

    @property
    def for_works(self) -> bool:
        """Whether the registered works were searched, and not datasets."""
        return all(each.name == WORKS for each in self.collections)


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRecording:
    """The recording that matches: `id` is the sha256 of its bytes, `path` the name it was added under.

    `owner` holds its rights, and need not be the artist.
    """

    id: str
    path: str
    title: str | None
    owner: str | None
    isrc: str | None
    artist: str | None = None
    album: str | None = None


def round_e(e_value: float) -> float:
    """Round an E-value to two significant digits."""
    return float(f"{e_value:.1e}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingSegment:
    """One aligned stretch, in seconds from each file's start."""

    query_start_s: float
    query_end_s: float
    reference_start_s: float
    reference_end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingMatch:
    """One item of a collection that holds the query's audio, or a part of it."""

    collection: str
    version: str
    recording: FindingRecording
    kind: str
    e_value: float
    e_checked_to: float
    """Smallest E-value that was checked by counting; smaller ones are extrapolated."""
    similarity: float
    query_coverage: float
    reference_coverage: float
    speed: float | None
    pitch_cents: float | None
    tempo: float | None
    """All three are None where the change was not measured."""
    segments: tuple[FindingSegment, ...]

    @property
    def is_work(self) -> bool:
        """Whether the recording is a registered work, and not an item of a dataset."""
        return self.collection == WORKS

    @property
    def dataset(self) -> str:
        """Name and version of its collection, for people."""
        return f"{self.collection} (version {self.version})"

    @property
    def e_rounded(self) -> float:
        """The E-value as it is written: to two digits."""
        return round_e(self.e_value)

    @property
    def e_extrapolated(self) -> bool:
        """Whether the E-value, as it is written, is smaller than could be checked."""
        return self.e_rounded < round_e(self.e_checked_to)

    @property
    def is_shared(self) -> bool:
        """Whether it is of material that several different recordings contain, which shows no copy."""
        return self.kind == MatchClass.SHARED_MATERIAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The answer about one item; the best match comes first, those of shared material come last.

    Attributes
    ----------
    match_e_value : float
        Largest E-value with the verdict ``match``; it is lower in a scan of many items.
    claims_supported : bool
        False in a scan whose E-values do not hold on its own items (`earwitness.api.scan.audit`): then no
        E-value makes a ``match``.
    """

    item: FindingItem
    verdict: Verdict
    error: FindingError | None
    search: FindingSearch
    matches: tuple[FindingMatch, ...]
    match_e_value: float = MATCH_E_VALUE
    claims_supported: bool = True
    same_file: tuple[SameFile, ...] = ()
    """Known datasets that list the same file; it does not change the verdict, which is about sound."""
    names: tuple[NamedIn, ...] = ()
    """Known datasets that name the item; they do not change the verdict either."""
    power: Power | None = None
    """How often copies were found by such a search; only with ``no_match``, and where it is known."""

    @property
    def best_e_value(self) -> float:
        """The smallest E-value of a match that is not of shared material; infinite without one."""
        return min((match.e_value for match in self.matches if not match.is_shared), default=float("inf"))

    @property
    def certain(self) -> tuple[FindingMatch, ...]:
        """The matches that the verdict ``match`` asserts; none with another verdict."""
        return tuple(match for match in self.matches if self.verdict_of(match) is Verdict.MATCH)

    @property
    def possible(self) -> tuple[FindingMatch, ...]:
        """The matches that may be chance: all but the certain ones and those of shared material."""
        return tuple(match for match in self.matches if self.verdict_of(match) is Verdict.POSSIBLE)

    @property
    def shared(self) -> tuple[FindingMatch, ...]:
        """The matches of shared material."""
        return tuple(match for match in self.matches if match.is_shared)

    @property
    def compared_in_part(self) -> bool:
        """Whether the item was compared, but not to its end."""
        if self.error is None or self.item.duration_s is None:
            return False
        return self.error.code != TooShortOrSilent.code

    def verdict_of(self, match: FindingMatch) -> Verdict:
        """Return what one of the matches is by itself: ``match``, ``possible`` or ``shared_material``."""
        if match.is_shared:
            return Verdict.SHARED_MATERIAL
        is_match = self.verdict is Verdict.MATCH and self._is_certain(match)
        return Verdict.MATCH if is_match else Verdict.POSSIBLE

    def is_same_file(self, match: FindingMatch) -> bool:
        """Whether more than an E-value shows the copy: the same bytes, or Chromaprint from end to end."""
        return match.kind == MatchClass.EXACT or match.recording.id == self.item.sha256

    def _is_certain(self, match: FindingMatch) -> bool:
        if match.is_shared or match.e_value > self.match_e_value:
            return False
        return self.claims_supported or self.is_same_file(match)

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as a JSON object of the schema ``earwitness.finding/2``."""
        from earwitness.api.finding_json import to_json  # which imports this module

        return to_json(self)


def graded(finding: Finding, *, n_items: int, claims_supported: bool = True) -> Finding:
    """Apply the rules of a scan to the finding of one item; a ``match`` that fails them is ``possible``.

    For a ``match``, E-value times the items of the scan is at most 0.1 as well, and the E-values of the scan
    must hold on its own items, unless the whole file is the same. Findings are graded at the end of a scan,
    when both are known.
    """
    return supported(replace(finding, match_e_value=threshold(n_items)), claims_supported=claims_supported)


def supported(finding: Finding, *, claims_supported: bool) -> Finding:
    """State whether the E-values of a run hold on its own items; a ``match`` that rests on one that does not
    is ``possible``."""
    finding = replace(finding, claims_supported=claims_supported)
    may_be_chance = finding.verdict is Verdict.MATCH and not finding.certain
    return replace(finding, verdict=Verdict.POSSIBLE) if may_be_chance else finding


def asserted_first(matches: Iterable[FindingMatch]) -> tuple[FindingMatch, ...]:
    """Sort matches as a finding lists them: smallest E-value first, those of shared material last."""
    return tuple(sorted(matches, key=lambda match: (match.is_shared, match.e_value)))


def threshold(n_items: int) -> float:
    """Return the largest E-value that is a match in a scan of `n_items`."""
    return min(MATCH_E_VALUE, SCAN_E_VALUE / max(n_items, 1))
