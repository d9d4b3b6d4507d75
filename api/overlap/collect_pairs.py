"""Turn the findings of one search into pairs, shares, and what was not compared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from earwitness.api.findings import Finding, FindingMatch
from earwitness.api.overlap.overlap_result import NotCompared, Overlap
from earwitness.api.overlap.pairs import Pair
from earwitness.api.overlap.shares import Coverage
from earwitness.api.overlap.stored_items import StoredItems
from earwitness.index.match import Verdict, covered_s

Spans = list[tuple[float, float]]
COMPARED = frozenset({Verdict.MATCH, Verdict.POSSIBLE, Verdict.SHARED_MATERIAL, Verdict.NO_MATCH})


class PairCollector:
    """Collects the findings of one side that was searched in others.

    Parameters
    ----------
    overlap
        The result that pairs and shares are added to.
    query
        Name of the side whose items are searched for.
    targets
        The datasets that are searched, by the name of their side.
    stretches
        Ids of the items that are a part of a file: their bytes show nothing.
    """

    def __init__(
        self,
        overlap: Overlap,
        *,
        query: str,
        targets: Mapping[str, StoredItems],
        stretches: frozenset[str] | set[str],
    ) -> None:
        self._overlap, self._query, self._targets, self._stretches = overlap, query, targets, stretches
        self._side_of = {stored.label: name for name, stored in targets.items()}
        self._held = {name: defaultdict[tuple[str, str], Spans](list) for name in targets}
        """By target, path and SHA-256: stretches of its items that lie in the query side."""
        self._coverage = {name: Coverage() for name in targets}
        self._missing = overlap.not_compared.setdefault(query, NotCompared())

    def take(self, finding: Finding) -> None:
        """Add the finding of one item of the query side."""
        by_side = defaultdict[str, list[FindingMatch]](list)
        for match in finding.matches:
            by_side[self._side_of[match.collection, match.version]].append(match)
        compared = finding.verdict in COMPARED
        if not compared:
            self._missing.reasons[finding.error.code if finding.error else "not_readable"] += 1
        if compared or finding.item.duration_s:
            self._missing.seconds += finding.item.not_compared_s
        for name in self._targets:
            same = self._same_files(finding, name)
            self._add_pairs(finding, name, by_side[name], same)
            if compared:
                self._cover(finding, name, by_side[name], same)

    def finish(self) -> None:
        """Add how much of each side lies in each other one."""
        for name, stored in self._targets.items():
            self._overlap.covered[self._query, name] = self._coverage[name]
            held, other = self._held[name], Coverage()
            for key, duration_s in stored.durations_s.items():
                other.add(
                    total_s=duration_s,
                    shared_s=covered_s(held[key]) if key in held else 0.0,
                    shares=key in held,
                )
            self._overlap.covered[name, self._query] = other

    def _same_files(self, finding: Finding, name: str) -> Sequence[str]:
        """Paths of the items of a target that are the same whole file."""
        sha256 = finding.item.sha256
        if sha256 is None or finding.item.id in self._stretches:
            return ()
        return self._targets[name].by_sha256.get(sha256, ())

    def _cover(
        self, finding: Finding, name: str, matches: Sequence[FindingMatch], same: Sequence[str]
    ) -> None:
        """Count the seconds of the item that lie in a target, and those of the target's items."""
        duration_s, sha256 = finding.item.duration_s or 0.0, finding.item.sha256 or ""
        spans: Spans = [(0.0, duration_s)] if same else []
        for match in matches:
            if finding.verdict_of(match) is not Verdict.MATCH:
                continue
            spans += [(each.query_start_s, each.query_end_s) for each in match.segments]
            there = [(each.reference_start_s, each.reference_end_s) for each in match.segments]
            self._held[name][match.recording.path, match.recording.id] += there
        for path in same:
            self._held[name][path, sha256].append((0.0, duration_s))
        self._coverage[name].add(total_s=duration_s, shared_s=covered_s(spans), shares=bool(spans))

    def _add_pairs(
        self, finding: Finding, name: str, matches: Sequence[FindingMatch], same: Sequence[str]
    ) -> None:
        item, sha256 = finding.item.id, finding.item.sha256
        by_sound = {(match.recording.path, match.recording.id) for match in matches}
        for match in matches:
            is_same = match.recording.id == sha256 and match.recording.path in same
            verdict = finding.verdict_of(match)
            standing = "same_file" if is_same and verdict is not Verdict.MATCH else str(verdict)
            self._add(item, name, match.recording.path, standing, same_file=is_same, match=match)
        for path in same:
            if (path, sha256) not in by_sound:
                self._add(item, name, path, "same_file", same_file=True, match=None)

    def _add(
        self, item: str, name: str, other: str, verdict: str, *, same_file: bool, match: FindingMatch | None
    ) -> None:
        sides = self._overlap.sides
        swapped = sides.index(self._query) > sides.index(name)
        sets, items = (self._query, name), (item, other)
        self._overlap.pairs.append(
            Pair(
                sets=sets[::-1] if swapped else sets,
                items=items[::-1] if swapped else items,
                verdict=verdict,
                same_file=same_file,
                match=match,
                swapped=swapped,
            )
        )
