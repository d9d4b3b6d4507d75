"""How many entries of a list carry an artist and a title by chance.

A list with `n_named` entries of artist and title, of which ``n_title`` have the title and ``n_artist`` the
artist, would hold ``n_title * n_artist / n_named`` entries with both if artists chose titles independently.
Frequencies are those of the list itself: in a list of songs, "Intro" is common. A title or an artist that no
entry has cannot match, so nothing needs to be assumed of names that the list does not hold.
``python -m benchmarks names`` compares what this claims with shuffled pairs.
"""

from __future__ import annotations

from typing import Final

NOISE_E_VALUE: Final = 0.1
"""Artist and title with a larger E-value show nothing; chosen by hand."""


def expected_by_chance(*, n_title: int, n_artist: int, n_named: int) -> float:
    """Return the E-value of an artist and title."""
    return n_title * n_artist / n_named if n_named else 0.0
