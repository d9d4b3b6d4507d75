"""Words of an earlier private vocabulary stay out; CONTRIBUTING.md has the field's term for each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORDS = re.compile(
    r"(?<![A-Za-z])(told|heard|hears|rungs?|roads?|desk|tape|crowd|witness(?:es)?|strangers?|glimpsed?"
    r"|likeness|way out)(?![A-Za-z])",
    re.IGNORECASE,
)
"""The underscore is no letter: parts of names count."""


def _files() -> list[Path]:
    code = [
        path
        for room in ("fingerprint", "index", "api", "benchmarks/training")
        for path in sorted((ROOT / room).rglob("*.py"))
    ]
    pages = [path for path in sorted((ROOT / "docs").glob("*.md")) if path.name != "results.md"]
    return [*code, *pages, ROOT / "README.md", ROOT / "CONTRIBUTING.md"]


@pytest.mark.parametrize("path", _files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_private_words_stay_out(path: Path) -> None:
    """Names, comments, docstrings, messages and pages use the terms of the glossary."""
    lines = path.read_text(encoding="utf-8").splitlines()
    used = [f"{number}: {word[0]}" for number, line in enumerate(lines, 1) for word in WORDS.finditer(line)]
    assert used == []
