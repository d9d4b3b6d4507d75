"""The result of a comparison: pairs, how much of each set lies in each other, and what was not compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from earwitness.api.overlap.pairs import Pair
from earwitness.api.overlap.shares import Coverage
from earwitness.api.overlap.sides import UNREAD
from earwitness.api.scan.tally import EXIT_VERDICTS, Tally, claims_json
from earwitness.fingerprint.errors import NoAudioTrack, TooShortOrSilent


@dataclass(slots=True, kw_only=True)
class NotCompared:
    """Items of one set that were not compared by sound, by the code of the reason, and seconds of others.

    Attributes
    ----------
    incomplete : list of str
        Why items of the set may be missing altogether.
    """

    reasons: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    incomplete: list[str] = field(default_factory=list)

    @property
    def unread(self) -> int:
        """Items that could not be read, without short ones and files that have no audio track."""
        harmless = (TooShortOrSilent.code, NoAudioTrack.code)
        return sum(number for code, number in self.reasons.items() if code not in harmless)

    def __bool__(self) -> bool:
        return bool(self.unread or self.incomplete or self.seconds > 0)


@dataclass(slots=True, kw_only=True)
class Overlap:
    """What some sets share.

    Attributes
    ----------
    sides : tuple of str
        Names of the sets, in the order in which they were named.
    covered : dict
        By two names, the first in the second: how much of the first set lies in the second.
    not_compared : dict of str to NotCompared
        By the name of the set.
    tallies : list of Tally
        Counts of the searches; none where nothing was compared by sound.
    unassigned : Counter
        Items of a source that belong to none of the splits that are compared.
    passed_over : Counter
        Files of the sources that are no items, by kind.
    """

    sides: tuple[str, ...]
    pairs: list[Pair] = field(default_factory=list)
    covered: dict[tuple[str, str], Coverage] = field(default_factory=dict)
    not_compared: dict[str, NotCompared] = field(default_factory=dict)
    tallies: list[Tally] = field(default_factory=list)
    unassigned: Counter[str] = field(default_factory=Counter)
    passed_over: Counter[str] = field(default_factory=Counter)

    @property
    def by_sound(self) -> bool:
        """Whether the sets were compared by sound, and not by bytes alone."""
        return bool(self.tallies)

    @property
    def claims_supported(self) -> bool:
        """Whether E-values hold on these items (`earwitness.api.scan.audit`)."""
        return all(tally.claims_supported for tally in self.tallies)

    @property
    def column_names(self) -> tuple[str, str]:
        """Headers of the two columns of a table of pairs: the sets, where there are two."""
        return (self.sides[0], self.sides[1]) if len(self.sides) == 2 else ("item", "other item")

    @property
    def certain(self) -> list[Pair]:
        """The pairs that count as overlap."""
        return [pair for pair in self.pairs if pair.is_certain]

    def count(self, verdict: str) -> int:
        """Number of pairs with this verdict."""
        return sum(pair.verdict == verdict for pair in self.pairs)

    @property
    def n_same_file(self) -> int:
        """Number of pairs that are the very file."""
        return sum(pair.same_file for pair in self.pairs)

    def left_out(self, side: str) -> Iterator[str]:
        """Yield each item of a set that shares sound with another, once, in the order of the pairs."""
        seen = set[str]()
        for pair in self.certain:
            for name, item in zip(pair.sets, pair.items, strict=True):
                if name == side and item not in seen:
                    seen.add(item)
                    yield item

    @property
    def all_compared(self) -> bool:
        """Whether every item of every set was compared by sound."""
        lost = UNREAD in self.unassigned
        return self.by_sound and not lost and not any(self.not_compared.values())

    def exit_code(self, *, strict: bool, exit_on: str = "match") -> int:
        """Return 0 for no overlap, 1 for overlap, 3 where not everything was compared.

        With `strict`, 3 goes before 1.
        """
        verdicts = {str(verdict) for verdict in EXIT_VERDICTS[exit_on]} | {"same_file"}
        overlaps = any(pair.verdict in verdicts for pair in self.pairs)
        if not self.all_compared and (strict or not overlaps):
            return 3
        return int(overlaps)

    def to_json(self) -> dict[str, Any]:
        """Return the counts and shares for ``--json``."""
        return {
            "sets": list(self.sides),
            "by_sound": self.by_sound,
            "pairs": len(self.certain),
            "same_file": self.n_same_file,
            "possible": self.count("possible"),
            "shared_material": self.count("shared_material"),
            "shares": [
                {"of": one, "in": other, "items": held.items.to_json(), "seconds": held.seconds.to_json()}
                for (one, other), held in self.covered.items()
            ],
            "not_compared": {
                name: {
                    "reasons": dict(missing.reasons),
                    "seconds": round(missing.seconds, 2),
                    "incomplete": missing.incomplete,
                }
                for name, missing in self.not_compared.items()
            },
            "unassigned": dict(self.unassigned),
            "passed_over": dict(self.passed_over),
            "claims_supported": self.claims_supported,
            "searches": [claims_json(tally) for tally in self.tallies],
        }
