"""No claim without a record."""

from __future__ import annotations

from benchmarks.report.summary import BLOCK, BLOCKS, README, rendered


def test_the_readmes_numbers_are_those_of_the_records() -> None:
    """Writing the measured blocks anew from benchmarks/records/ changes nothing."""
    text = README.read_text(encoding="utf-8")
    assert {found[2] for found in BLOCK.finditer(text)} == set(BLOCKS)
    assert rendered(text) == text, "run `python -m benchmarks summary`"
