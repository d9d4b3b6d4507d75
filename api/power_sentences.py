"""Sentences on the power of a search: how often copies as long as the item were found in tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from earwitness.index.statistics.power import Power, Tested

LARGER: Final = 10
"""A search of so many times as much audio as was tested states both sizes."""


def power_sentence(power: Power) -> str:
    """Return how often copies of music were found in the test: clean ones, and such under speech as loud."""
    by_condition = {row.condition: row for row in power.rows}
    clean, speech = by_condition["clean"], by_condition["speech_0"]
    return (
        f"In tests with music, {_of(clean)} clean copies of {power.length_s:g} s were found, and"
        f" {_of(speech)} under speech as loud as they are{_sizes(power)}."
    )


def searched_far_more(power: Power) -> bool:
    """Whether far more audio was searched than was tested, so that both sizes are stated."""
    return power.searched_hours > LARGER * power.tested_hours


def _of(row: Tested) -> str:
    return f"{row.found} of {row.of}"


def _sizes(power: Power) -> str:
    """Say that fewer copies are found among far more audio than was tested."""
    if not searched_far_more(power):
        return ""
    return (
        f"; the tests searched {power.tested_hours:,.0f} hours of audio, and this search"
        f" {power.searched_hours:,.0f} hours, where short and disturbed copies are found less often"
    )


def power_summary(powers: Counter[Power]) -> Sequence[str]:
    """Return the same for the items of a scan without a match, by the length that half of them have."""
    if not powers:
        return []
    lengths = sorted(powers.elements(), key=lambda power: power.length_s)
    middle = lengths[(len(lengths) - 1) // 2]
    items = (
        "The item without a match has"
        if len(lengths) == 1
        else f"At least half of the {len(lengths):,} items without a match have"
    )
    return [f"{items} {middle.length_s:g} s of audible sound or more.", power_sentence(middle)]
