"""One self-contained HTML page about a comparison of sets."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from earwitness.api.overlap.overlap_result import Overlap
from earwitness.api.overlap.overlap_sentences import (
    INTERVALS,
    not_compared_sentences,
    overlap_summary,
    pair_cells,
    percent,
)
from earwitness.api.overlap.pairs import Pair
from earwitness.api.scan.outputs import whole_file
from earwitness.api.sentences import e_value_note, searched_how

MAX_PAIRS: Final = 500
"""Pairs of a kind that a page lists, longest shared stretch first; the file of ``--out`` has all."""

Table = tuple[str, str, list[tuple[str, ...]], int]


def write_overlap_report(overlap: Overlap, path: Path) -> None:
    """Write the page."""
    page = Environment(
        loader=PackageLoader("earwitness.api.evidence", "pages"), autoescape=True, undefined=StrictUndefined
    ).get_template("overlap.html")
    search = next((tally.search for tally in overlap.tallies if tally.search is not None), None)
    text = page.render(
        overlap=overlap,
        version=version("earwitness"),
        summary=overlap_summary(overlap),
        shares=[(one, other, held.items, held.seconds) for (one, other), held in overlap.covered.items()],
        percent=percent,
        intervals=INTERVALS,
        tables=list(_tables(overlap)),
        note=e_value_note([pair.match for pair in overlap.pairs if pair.match is not None]),
        not_compared=list(not_compared_sentences(overlap)),
        search=search,
        how=None if search is None else searched_how(search),
    )
    with whole_file(path) as file:
        file.write(text.encode("utf-8", "backslashreplace"))


def _tables(overlap: Overlap) -> Iterator[Table]:
    yield _table("Pairs that overlap", "Times are those of the longest shared stretch.", overlap.certain)
    possible = [pair for pair in overlap.pairs if pair.verdict == "possible"]
    if possible:
        yield _table(
            "Possible pairs", "Similar enough to be listened to, not to be called a match.", possible
        )
    shared = [pair for pair in overlap.pairs if pair.verdict == "shared_material"]
    if shared:
        yield _table(
            "Shared material", "A stretch that several items hold, such as a loop. No overlap.", shared
        )


def _table(heading: str, about: str, pairs: list[Pair]) -> Table:
    longest = sorted(pairs, key=lambda pair: -_longest_s(pair))[:MAX_PAIRS]
    return heading, about, [pair_cells(pair) for pair in longest], len(pairs)


def _longest_s(pair: Pair) -> float:
    return max((here[1] - here[0] for here, _ in pair.spans), default=0.0)
