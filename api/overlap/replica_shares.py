"""How many outputs of a generator hold at least so many seconds of one recording of a dataset.

It is a summary of the findings of a scan of the outputs in the dataset (``scan --in``).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from earwitness.api.datasets.items import Reader
from earwitness.api.findings import Finding
from earwitness.api.overlap.collect_pairs import COMPARED
from earwitness.api.overlap.pairs import Pair
from earwitness.api.overlap.shares import Share, wilson
from earwitness.api.scan.run_scan import Plan, Scanned, scan, tally_of
from earwitness.api.scan.tally import Tally, claims_json
from earwitness.api.sentences import count, matched_s, searched_how, searched_in, unread_sentences
from earwitness.api.settings import Settings
from earwitness.index.match import Effort, Verdict
from earwitness.index.matching.verdict import needed_active_s

SECONDS: Final = (3.0, 5.0, 10.0, 15.0, 30.0)
"""Lengths that are counted, unless others are asked for."""


@dataclass(slots=True, kw_only=True)
class Replicas:
    """What the outputs hold of the dataset.

    Attributes
    ----------
    name : str
        Name of the outputs.
    tally : Tally
        Counts of the scan.
    held_s : list of float
        Of each output with a match: the most seconds that it holds of one recording of the dataset.
    pairs : list of Pair
        Matches to listen to, longest first.
    n_compared : int
        Outputs that were compared.
    """

    name: str
    tally: Tally = field(default_factory=Tally)
    held_s: list[float] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)
    n_compared: int = 0

    def share(self, seconds: float) -> Share:
        """Outputs that hold at least so many seconds of one recording, of all that were compared."""
        number = sum(held_s >= seconds for held_s in self.held_s)
        low, high = wilson(number / self.n_compared if self.n_compared else 0.0, self.n_compared)
        return Share(part=number, whole=self.n_compared, low=low, high=high)

    def take(self, finding: Finding) -> None:
        """Add the finding of one output."""
        if finding.verdict not in COMPARED:
            return
        self.n_compared += 1
        held = [matched_s(match) for match in finding.certain]
        if held:
            self.held_s.append(max(held))
        for match in (*finding.certain, *finding.possible):
            self.pairs.append(
                Pair(
                    sets=(self.name, match.dataset),
                    items=(finding.item.id, match.recording.path),
                    verdict=str(finding.verdict_of(match)),
                    same_file=match.recording.id == finding.item.sha256,
                    match=match,
                )
            )

    def exit_code(self, *, strict: bool, seconds: Sequence[float]) -> int:
        """Return 1 if an output holds the fewest `seconds`, 3 where outputs could not be read, else 0."""
        holds = bool(self.share(min(seconds)).part)
        tally = self.tally
        unread = tally.verdicts[Verdict.NOT_READABLE] > (0 if strict else tally.n_without_sound)
        return 3 if unread and (strict or not holds) else int(holds)

    def to_json(self, seconds: Sequence[float]) -> dict[str, Any]:
        """Return the shares and counts for ``--json``."""
        return {
            "outputs": self.tally.n_items,
            "compared": self.n_compared,
            "shares": [{"seconds": each, **self.share(each).to_json()} for each in seconds],
            "verdicts": {str(verdict): n for verdict, n in self.tally.verdicts.items()},
            "reasons": dict(self.tally.reasons),
            "pairs": len(self.pairs),
            "partial": self.tally.partial,
            **claims_json(self.tally),
        }


def find_replicas(
    name: str,
    items: Reader,
    *,
    within: tuple[str, ...],
    settings: Settings,
    effort: Effort,
    seen: Callable[[Finding], None],
) -> Replicas:
    """Scan the outputs of a generator for the recordings of datasets.

    Raises
    ------
    NothingIndexed, NoSuchCollection
    """
    replicas = Replicas(name=name)

    def finish(scanned: Scanned) -> None:
        for finding in scanned.findings():
            replicas.take(finding)
        replicas.tally = tally_of(scanned)
        replicas.pairs.sort(key=lambda pair: (pair.verdict != "match", -_held_s(pair)))

    with tempfile.TemporaryDirectory(prefix="earwitness-replicas-") as folder:
        plan = Plan(
            source=name,
            out=Path(folder) / "findings.jsonl",
            effort=effort,
            n_workers=settings.n_workers,
            within=within,
        )
        scan(plan, items, settings=settings, seen=seen, finish=finish)
    return replicas


def _held_s(pair: Pair) -> float:
    return 0.0 if pair.match is None else matched_s(pair.match)


def replicas_sentences(replicas: Replicas, *, effort: Effort) -> Iterator[str]:
    """Say what was searched, what chance gives, and how long a copy must be to be found."""
    tally = replicas.tally
    if tally.search is not None:
        yield (
            f"Compared by sound: {replicas.n_compared:,} of {tally.n_items:,} outputs of {replicas.name} with"
            f" {searched_in(tally.search)}, {searched_how(tally.search)}."
        )
    if tally.claims_supported:
        yield (
            f"If no output held any of it, {tally.expected_false:.2g} outputs would be expected to match by"
            " chance, whatever the length."
        )
    yield (
        f"Of clean copies of {needed_active_s(effort):g} s, at least 95 in 100 are found at this effort;"
        " shorter ones, and such under other sound, less often, so that the true shares may be higher."
    )
    yield (
        "The intervals (Wilson, 95 %) tell how far the shares of all outputs of the generator may lie from"
        " these, if those compared were drawn from them at random. A match says that the same sound is in"
        " both; it does not say how it came there."
    )
    if number := tally.verdicts[Verdict.POSSIBLE]:
        yield f"{count(number, 'output')} more may match, and should be listened to."
    if number := tally.verdicts[Verdict.SHARED_MATERIAL]:
        yield (
            f"{count(number, 'output')} only hold material, such as a loop, that several recordings share;"
            " this does not count."
        )
    yield from unread_sentences(tally)
