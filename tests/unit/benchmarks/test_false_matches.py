"""Claimed against counted false matches by kind: who is counted, with which bounds, and what is not known."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.data.kinds import drum_machines
from benchmarks.data.kinds.make import make, update_list
from benchmarks.data.kinds.makers import Piece, numbered, part_of
from benchmarks.report.false_match_tables import (
    LEAST_QUERIES,
    bootstrap_bounds,
    count,
    false_matches_table,
    poisson_bounds,
    recall_table,
    unknown_kinds,
)
from benchmarks.runs.false_matches import draw, indexed_together, search_share
from earwitness.index.match import Effort

SAMPLES = Path(__file__).parents[3] / "sample_audio"


def _row(**changes: Any) -> dict[str, Any]:
    row = {
        "kind": "tts", "maker": "a", "piece": "a/0001", "length_s": 8.0, "effort": "fast", "condition": None,
        "verdict": "no_match", "e_values": [], "classes": [], "right": None,
    }  # fmt: skip
    return {**row, **changes}


def _rows(n: int, *, makers: int = 5, **changes: Any) -> list[dict[str, Any]]:
    return [
        _row(maker=f"m{number % makers}", piece=f"m{number % makers}/0", **changes) for number in range(n)
    ]


def _piece(maker: str, number: int, duration_s: float = 45.0) -> Piece:
    return Piece(
        path=f"{maker}/{number}.flac", kind="tts", maker=maker, piece=f"{maker}/{number}", side="test",
        part=part_of(number), duration_s=duration_s, seed=number, licence="",
    )  # fmt: skip


def test_false_matches_are_counted_up_to_the_claimed_value() -> None:
    """A query may have several false matches; all count, and the query counts once."""
    rows = [*_rows(98), _row(e_values=[1e-5, 1e-3, 0.05]), _row(e_values=[0.05])]
    few, more = count(rows, 1e-4), count(rows, 0.1)
    assert (few.matches, few.queries) == (1, 1)
    assert (more.matches, more.queries) == (4, 2)
    assert few.expected == pytest.approx(0.01) and more.expected == pytest.approx(10.0)


def test_what_is_claimed_holds_fails_or_is_not_known() -> None:
    """Many queries without a false match show that a claim holds, few do not; many matches refute it."""
    assert count(_rows(20_000), 1e-3).conclusion == "holds"
    assert count(_rows(200), 1e-3).conclusion == "not known"
    assert count(_rows(200, e_values=[1e-5]), 1e-3).conclusion == "fails"


def test_one_bad_maker_widens_the_bounds() -> None:
    """The same false matches spread over all makers say more than those of one maker."""
    spread = [_row(maker=f"m{number % 10}", e_values=[1e-3] * (number < 50)) for number in range(1000)]
    one = [_row(maker=f"m{number % 10}", e_values=[1e-3] * (number % 10 == 0 and number < 500))
           for number in range(1000)]  # fmt: skip
    assert count(one, 1e-2).matches == count(spread, 1e-2).matches == 50
    assert count(one, 1e-2).high > 1.5 * count(spread, 1e-2).high


@given(matches=st.integers(0, 300), n=st.integers(1, 10_000))
def test_poisson_bounds_hold_the_rate(matches: int, n: int) -> None:
    """The counted rate lies in its interval."""
    low, high = poisson_bounds(matches, n)
    assert 0 <= low <= matches / n <= high


def test_poisson_bounds_of_none_are_the_rule_of_three() -> None:
    """Without a false match in 1,000 queries the rate is below 3.7 in 1,000 (two-sided 95 %)."""
    assert poisson_bounds(0, 1000)[1] == pytest.approx(3.689e-3, rel=1e-3)


def test_equal_parts_have_no_spread() -> None:
    """A bootstrap over equal parts gives their rate."""
    assert bootstrap_bounds(np.full(4, 3), np.full(4, 30)) == pytest.approx((0.1, 0.1))


def test_kinds_with_too_little_data_are_named() -> None:
    """A kind needs queries and makers; the table names those that lack them."""
    rows = [
        *_rows(LEAST_QUERIES),
        *_rows(LEAST_QUERIES, makers=1, kind="one"),
        *_rows(100, kind="few"),
    ]
    assert set(unknown_kinds(rows)) == {"one", "few"}
    last = list(false_matches_table(rows))[-1]
    assert "one (" in last and "few (" in last and "tts" not in last


def test_excerpts_of_references_are_no_absent_queries() -> None:
    """Excerpts of references count in recall only, and a second match among them is shown."""
    rows = [
        *_rows(10),
        *_rows(3, condition="clean", right=1e-9),
        _row(condition="clean", right=1e-3, e_values=[1e-6]),
    ]
    assert "| tts | 8 | fast | 5 | 5 | 10 |" in "\n".join(false_matches_table(rows))
    assert "| tts | 8 | fast | 4 | 75 | 75 | 1 |" in "\n".join(recall_table(rows))


def test_all_makers_are_queried_alike() -> None:
    """Makers take turns, whatever their number of pieces; excerpts lie inside their pieces."""
    pieces = [_piece("a", 1), _piece("b", 1), _piece("b", 2), _piece("c", 1, duration_s=5.0)]
    excerpts = list(draw(pieces, 8.0, 60, conditions=[None, "speed_+25"], seed=3))
    assert Counter(one.piece.maker for one in excerpts) == {"a": 30, "b": 30}
    assert {one.piece.piece for one in excerpts} == {"a/1", "b/1", "b/2"}
    assert all(0 <= one.start_s <= 45.0 - 8.0 * (1.25 if one.condition else 1) for one in excerpts)
    assert excerpts == list(draw(pieces, 8.0, 60, conditions=[None, "speed_+25"], seed=3))


@pytest.mark.parametrize("references", [None, 1])
def test_absent_and_present_excerpts_are_searched(tmp_path: Path, references: int | None) -> None:
    """Queries of a kit are searched in its other pieces, and excerpts of references find their own piece."""
    makers = drum_machines.makers()[-1:-4:-2]
    for maker in makers:
        for number, path in numbered(maker, 2):
            make(maker, number, tmp_path / path)
    update_list(makers, tmp_path)
    options = argparse.Namespace(
        material=tmp_path, cache=tmp_path / "cache", corpus=SAMPLES, side="test", kinds=None, lengths=[8.0],
        efforts=[Effort.FAST], queries=4, present=2, conditions=["clean"], seed=0, workers=1,
        references=references,
    )  # fmt: skip
    outcomes = search_share(options, 0)
    absent = [one for one in outcomes if one.condition is None]
    present = [one for one in outcomes if one.condition is not None]
    assert {one.piece for one in absent} == {f"{maker.name}/0001" for maker in makers}
    assert {one.piece for one in present} == {f"{maker.name}/0000" for maker in makers}
    assert all(one.right is None for one in absent)
    assert all(one.right is not None for one in present)
    assert all(len(one.e_values) == len(one.classes) for one in outcomes)


def test_makers_are_indexed_together_or_each_by_itself() -> None:
    """A maker of queries alone, or of references alone, has no index of its own."""
    pieces = [_piece(maker, number) for maker in "abc" for number in (0, 1)] + [
        _piece("d", 0),
        _piece("e", 1),
    ]
    (together,) = indexed_together(pieces, pieces[0].kind, by_maker=False)
    assert together == pieces
    each = indexed_together(pieces, pieces[0].kind, by_maker=True)
    assert each == [pieces[:2], pieces[2:4], pieces[4:6]]
    assert indexed_together(pieces, "other", by_maker=True) == []
