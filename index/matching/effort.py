"""What each effort searches: which changes of a query, and how many entries of the index for each.

`EFFORT_PROFILES` holds everything that depends on the effort; no other module tests for one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from earwitness.index.match import Change, Effort

UNCHANGED: Final = Change()
"""Speed, pitch and tempo of the query as they are in the recording."""

UNCHANGED_WEIGHT: Final = 0.75
"""Share of the error budget of the unchanged query, where changed variants are searched too.

Chosen by hand on 1,806 absent excerpts of validation music: with 0.5, the unchanged query gave 0.83 to 1.35
of the number of chance matches that E-values claim, and the changed variants together 0.39 to 0.70, as only
the most promising of them are searched in full. ``benchmarks calibrate --effort full`` measures it again.
"""

STANDARD_SPEEDS: Final = (0.76, 0.84, 0.92, 1.09, 1.17, 1.27)
STANDARD_PITCHES_CENTS: Final = (-280.0, -150.0, 150.0, 280.0)
STANDARD_TEMPOS: Final = (0.84, 1.17)
FULL_SPEEDS: Final = tuple(round(1.06**step, 4) for step in (-6, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6))
FULL_PITCHES_CENTS: Final = (-500.0, -375.0, -250.0, -125.0, 125.0, 250.0, 375.0, 500.0)
FULL_TEMPOS: Final = (0.7, 0.78, 0.88, 1.13, 1.26, 1.4, 1.5)
"""Ratios of speed and tempo, and pitch shifts in cents, that are undone before a query is searched.

Chosen by hand so that neighbours overlap: codes tolerate about 8 % of speed, 100 cents of pitch and 15 % of
tempo. ``benchmarks changes`` measures which changes are found with them.
"""

COPIED_CHANGES: Final = (
    *(Change(speed=FULL_SPEEDS[step]) for step in (1, 3, 5, 6, 8, 10)),
    *(Change(pitch_cents=cents) for cents in (-375.0, -125.0, 125.0, 375.0)),
    *(Change(tempo=tempo) for tempo in (0.7, 0.88, 1.13, 1.4)),
)
"""Changes of the copies that works are stored with (`earwitness.index.changed_copies`): every other one of
`full`, as a copy only has to be recognised, not to be aligned."""

MAX_N_PROBE: Final = 256
"""Lists of a partitioned shard, of 1,024, that are searched at most for one query frame."""

FULL_DEPTH_FRAMES: Final = 40
"""Query frames (5 s) below which more lists are searched for each frame, in about the same time. Chosen by
hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A change that is undone before a query is searched.

    Attributes
    ----------
    weight : float
        Share of the error budget, in (0, 1].
    """

    change: Change
    weight: float

    def __post_init__(self) -> None:
        if not 0.0 < self.weight <= 1.0:
            raise ValueError(f"a variant needs a share of the error budget, got {self.weight!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class EffortProfile:
    """Everything that depends on the effort.

    Attributes
    ----------
    variants : tuple of Variant
        Changes that are undone; the unchanged query is the first. The weights sum to 1.
    neighbours : int
        Entries of the index that are retrieved for each query frame.
    n_probe : int
        Lists of a partitioned shard that are searched for each query frame (see `n_lists`).
    candidates : int
        Candidates that are aligned, however few votes they have; those of many votes are aligned in any case.
    chance_factor : float
        How many times as many chance alignments are met as at `Effort.FAST`, which calibrates E-values.
    dereverb : float
        Weight of the dereverberated sound in the query frames, in [0, 1].
    prefilter : bool
        Whether half of the query frames are searched first, and the rest only if these give hope of a match.
    searched_variants : int
        Changed variants that are searched in full: those with most votes at the coarse hop.
    unshifted_similarity : float or None
        An unchanged alignment at least this similar counts as unshifted in pitch without a measurement.
    """

    effort: Effort
    variants: tuple[Variant, ...]
    neighbours: int
    n_probe: int
    candidates: int
    chance_factor: float
    dereverb: float
    prefilter: bool
    searched_variants: int
    unshifted_similarity: float | None

    def n_lists(self, n_frames: int) -> int:
        """Lists of a partitioned shard that are searched for each frame of a query of so many frames."""
        most = self.n_probe * FULL_DEPTH_FRAMES // max(n_frames, 1)
        return min(max(most, self.n_probe), MAX_N_PROBE)

    @property
    def unchanged(self) -> Variant:
        """The query without a change."""
        return self.variants[0]

    @property
    def changed(self) -> tuple[Variant, ...]:
        """All variants but the unchanged query."""
        return self.variants[1:]

    @property
    def speed(self) -> tuple[float, float]:
        """Lowest and highest ratio of speed that is undone."""
        return _range(variant.change.speed for variant in self.variants)

    @property
    def pitch_cents(self) -> tuple[float, float]:
        """Lowest and highest pitch shift that is undone, in cents."""
        return _range(variant.change.pitch_cents for variant in self.variants)

    @property
    def tempo(self) -> tuple[float, float]:
        """Lowest and highest ratio of tempo that is undone."""
        return _range(variant.change.tempo for variant in self.variants)


def _range(values: Iterable[float]) -> tuple[float, float]:
    ordered = sorted(values)
    return ordered[0], ordered[-1]


def _variants(
    speeds: Sequence[float] = (), pitches_cents: Sequence[float] = (), tempos: Sequence[float] = ()
) -> tuple[Variant, ...]:
    changes = [
        *(Change(speed=speed) for speed in speeds),
        *(Change(pitch_cents=cents) for cents in pitches_cents),
        *(Change(tempo=tempo) for tempo in tempos),
    ]
    if not changes:
        return (Variant(change=UNCHANGED, weight=1.0),)
    unchanged = Variant(change=UNCHANGED, weight=UNCHANGED_WEIGHT)
    weight = (1.0 - UNCHANGED_WEIGHT) / len(changes)
    return (unchanged, *(Variant(change=change, weight=weight) for change in changes))


_FAST: Final = EffortProfile(
    effort=Effort.FAST,
    variants=_variants(),
    neighbours=24,
    n_probe=64,
    candidates=32,
    chance_factor=1.0,
    dereverb=0.0,
    prefilter=True,
    searched_variants=0,
    unshifted_similarity=0.8,
)
_STANDARD: Final = EffortProfile(
    effort=Effort.STANDARD,
    variants=_variants(STANDARD_SPEEDS, STANDARD_PITCHES_CENTS, STANDARD_TEMPOS),
    neighbours=72,
    n_probe=MAX_N_PROBE,
    candidates=128,
    chance_factor=1.5,
    dereverb=1 / 3,
    prefilter=False,
    searched_variants=3,
    unshifted_similarity=None,
)
_FULL: Final = replace(
    _STANDARD,
    effort=Effort.FULL,
    variants=_variants(FULL_SPEEDS, FULL_PITCHES_CENTS, FULL_TEMPOS),
)
EFFORT_PROFILES: Final[Mapping[Effort, EffortProfile]] = MappingProxyType(
    {profile.effort: profile for profile in (_FAST, _STANDARD, _FULL)}
)
"""The three efforts.

The numbers were chosen by hand on validation music. Of excerpts of 3 s, `standard` and `full` report 74 %
under other music of the same level where `fast` reports 62 %, and 98 % over a telephone where `fast` reports
97 %. They meet 1.7 times as many chance alignments at E 0.01 and 2.6 times at 0.1 (1,806 absent excerpts);
`chance_factor` 1.5 keeps E-values there within a factor of 1.5. One third of dereverberated sound adds 0.5
to 0.9 nats to the worst fifth of excerpts of 3 s in a room (261 excerpts), and gives as many chance
alignments.
``benchmarks identify`` and ``benchmarks calibrate`` measure both sides again.
"""
