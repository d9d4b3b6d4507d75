"""A comparison of sets in sentences: what they share, how sure that is, and what was not compared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from earwitness.api.overlap.overlap_result import NotCompared, Overlap
from earwitness.api.overlap.pairs import Pair
from earwitness.api.overlap.shares import Share
from earwitness.api.sentences import (
    audit_warning,
    clock,
    count,
    e_value_cell,
    searched_how,
    skipped_files,
)

INTERVALS: Final = (
    "The intervals (Wilson, 95 %) tell how far the shares of a larger set may lie from these, if the items"
    " compared were drawn from it at random; copies that the search misses are not in them."
)
BYTES_ONLY: Final = (
    "Only the bytes of the files were compared, as what is stored of a dataset cannot be searched for at full"
    " quality. To compare by sound, name one of the sets by its source (folder, archive, table, manifest)."
)


def overlap_summary(overlap: Overlap) -> str:
    """Return a paragraph about a comparison, for people who did not run it."""
    return " ".join([*_warnings(overlap), _pairs(overlap), *_shares(overlap), *_rest(overlap)])


def _warnings(overlap: Overlap) -> Iterator[str]:
    for tally in overlap.tallies:
        if not tally.claims_supported:
            yield audit_warning(tally.audit)


def _pairs(overlap: Overlap) -> str:
    names, n_pairs = " and ".join(overlap.sides), len(overlap.certain)
    if not overlap.by_sound:
        return f"{names}: {count(overlap.n_same_file, 'pair')} of items with the same file."
    if not n_pairs:
        return f"{names}: no pair of items was found that shares sound or is the same file."
    same = f", {overlap.n_same_file:,} of them the same file" if overlap.n_same_file else ""
    return f"{names}: {count(n_pairs, 'pair')} of items with the same sound{same}."


def _shares(overlap: Overlap) -> Iterator[str]:
    for (one, other), held in overlap.covered.items():
        seconds = held.seconds
        yield (
            f"Of {one}, {share_words(held.items, 'item')}, and {seconds.part:,.1f} of {seconds.whole:,.1f} s"
            f" ({percent(seconds)}), lie in {other}."
        )
    if overlap.covered:
        yield INTERVALS


def _rest(overlap: Overlap) -> Iterator[str]:
    if number := overlap.count("possible"):
        yield f"{count(number, 'pair')} besides may share sound, and should be listened to."
    if number := overlap.count("shared_material"):
        yield f"{count(number, 'pair')} only share material, such as a loop, with several others: no overlap."
    yield from not_compared_sentences(overlap)
    for tally in overlap.tallies[:1]:
        if tally.search is not None:
            yield f"The comparison was made {searched_how(tally.search)}."
    if overlap.by_sound and overlap.claims_supported:
        expected = sum(tally.expected_false for tally in overlap.tallies)
        yield f"If the sets shared nothing, {expected:.2g} false matches would be expected."
    if not overlap.by_sound:
        yield BYTES_ONLY


def not_compared_sentences(overlap: Overlap) -> Iterator[str]:
    """Say for each set what was not compared by sound, and why."""
    for name, missing in overlap.not_compared.items():
        yield from _missing(name, missing)
    yield from skipped_files(overlap.passed_over)
    if overlap.unassigned:
        values = ", ".join(f"{name} {number:,}" for name, number in overlap.unassigned.most_common(5))
        yield f"{count(overlap.unassigned.total(), 'item')} belong to no split that is compared ({values})."


def _missing(name: str, missing: NotCompared) -> Iterator[str]:
    number = missing.reasons.total()
    if number:
        reasons = ", ".join(f"{code} {number:,}" for code, number in missing.reasons.most_common())
        yield f"Of {name}, {count(number, 'item')} could not be compared by sound ({reasons})."
    if missing.seconds > 0:
        yield f"Of {name}, {missing.seconds:,.1f} s of items besides could not be compared."
    for reason in missing.incomplete:
        yield f"{name} was not compared to its end: {reason}."


def pair_cells(pair: Pair) -> tuple[str, ...]:
    """Return a pair as cells of a table: verdict, items, longest stretch in each, class and E-value."""
    verdict = "match, same file" if pair.same_file and pair.verdict == "match" else pair.verdict
    spans, match = pair.spans, pair.match
    if match is None:
        return (verdict.replace("_", " "), *pair.items, "", "", "", "")
    here, there = max(spans, key=lambda span: span[0][1] - span[0][0])
    more = f" +{len(spans) - 1}" if len(spans) > 1 else ""
    return (
        verdict.replace("_", " "),
        *pair.items,
        f"{clock(here[0])}-{clock(here[1])}{more}",
        f"{clock(there[0])}-{clock(there[1])}{more}",
        match.kind.replace("_", " "),
        e_value_cell(match),
    )


def share_words(share: Share, noun: str) -> str:
    """Return a share as a phrase, such as ``3 of 4 items (75.0 %, 30.1 to 95.4)``."""
    return f"{share.part:,.0f} of {count(round(share.whole), noun)} ({percent(share)})"


def percent(share: Share) -> str:
    """Return the fraction of a share and its interval in percent."""
    if not share.whole:
        return "nothing to compare"
    return f"{100 * share.fraction:.1f} %, {100 * share.low:.1f} to {100 * share.high:.1f}"
