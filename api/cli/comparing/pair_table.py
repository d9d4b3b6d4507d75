"""The table of pairs that `overlap` and `replicas` print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from earwitness.api.cli.options import to_stdout

if TYPE_CHECKING:
    from earwitness.api.overlap.pairs import Pair


def print_pairs(pairs: Sequence[Pair], names: tuple[str, str]) -> None:
    """Print pairs as a table under the names of the two sets: all in a pipe, the first ones in a terminal."""
    from earwitness.api.cli.match_tables import ROWS_SHOWN, fitting, in_columns
    from earwitness.api.overlap.overlap_sentences import pair_cells

    if not pairs:
        return
    console = to_stdout()
    width = console.width if console.is_terminal else None
    shown = pairs if width is None else pairs[:ROWS_SHOWN]
    table = [("verdict", *names, "here", "there", "class", "E-value"), *map(pair_cells, shown)]
    for line in in_columns(table, fitting(table, width, shorten=[1, 2])):
        console.print(line, soft_wrap=True)
    if hidden := len(pairs) - len(shown):
        console.print(f"{hidden:,} more pairs; --out writes them all.", soft_wrap=True)
