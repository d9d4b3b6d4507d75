"""No number in README and docs without a record."""

from __future__ import annotations

from benchmarks.report.summary import BLOCK, BLOCKS, PAGES, ROOT, rendered

LONGEST_README = 120


def test_measured_numbers_are_those_of_the_records() -> None:
    """Writing the measured blocks anew from benchmarks/records/ changes nothing."""
    texts = [page.read_text(encoding="utf-8") for page in PAGES]
    assert {block[2] for text in texts for block in BLOCK.finditer(text)} == set(BLOCKS)
    assert [rendered(text) for text in texts] == texts, "run `python -m benchmarks summary`"


def test_the_readme_is_short() -> None:
    """README has at most 120 lines; everything else is in docs/."""
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= LONGEST_README
